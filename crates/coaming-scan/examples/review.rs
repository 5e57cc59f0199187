//! What `bench/review/run` measures: how long the review of a typical Deployment takes, with all rules,
//! in worlds of several sizes.
//!
//! `review PODS…` prints one line of JSON per size: microseconds per review, the best of some runs.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measuring program")]

use std::sync::Arc;
use std::time::Instant;

use coaming_config::Config;
use coaming_kube::{Origin, Source, World};
use coaming_rules::Images;
use coaming_scan::Engine;

/// A Deployment as teams write it: hardened, with probes, a volume and settings.
const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: ns-1, labels: {app: web}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      automountServiceAccountToken: false
      securityContext: {runAsNonRoot: true, runAsUser: 10001, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: web
          image: registry.example.com/shop/web:1.4.2
          ports: [{name: http, containerPort: 8080}]
          env:
            - {name: LOG_LEVEL, value: info}
            - {name: DATABASE_HOST, value: database.ns-1.svc}
          readinessProbe: {httpGet: {path: /ready, port: http}}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
          resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 256Mi}}
          volumeMounts: [{name: tmp, mountPath: /tmp}]
      volumes: [{name: tmp, emptyDir: {medium: Memory}}]
";

fn source(name: &str, text: &str) -> Source {
    let stream = coaming_yaml::parse(Arc::from(text));
    Source::new(name, stream.source, stream.documents)
}

/// A cluster with this many pods, and what belongs to them.
fn world(pods: usize) -> World {
    let mut sources = Vec::new();
    for namespace in 0..pods.div_ceil(100) {
        let text = format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: ns-{namespace}}}\n---\n\
             apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: deny, \
             namespace: ns-{namespace}}}\nspec: {{podSelector: {{}}, policyTypes: [Ingress, \
             Egress]}}\n"
        );
        sources.push(source(&format!("namespace-{namespace}"), &text));
    }
    for pod in 0..pods {
        let namespace = pod / 100;
        let text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: web-{pod}, namespace: ns-{namespace}, \
             labels: {{app: web-{pod}}}}}\nspec: {{containers: [{{name: web, image: \
             registry.example.com/web:1.0.{pod}}}]}}\n---\napiVersion: v1\nkind: Service\nmetadata: \
             {{name: web-{pod}, namespace: ns-{namespace}}}\nspec: {{selector: {{app: \
             web-{pod}}}, ports: [{{port: 80}}]}}\n---\napiVersion: \
             rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: web-{pod}, \
             namespace: ns-{namespace}}}\nroleRef: {{apiGroup: rbac.authorization.k8s.io, kind: \
             Role, name: reader}}\nsubjects: [{{kind: ServiceAccount, name: web-{pod}}}]\n"
        );
        sources.push(source(&format!("pod-{pod}"), &text));
    }
    World::new(sources)
}

fn main() {
    let config = Config { select: vec!["ALL".to_owned()], ..Config::default() };
    let engine = Engine::new(config, None).unwrap();
    let images = Images::default();
    let subject = Arc::new(source("web", DEPLOYMENT).with_origin(Origin::Memory));
    for pods in std::env::args().skip(1).map(|size| size.parse().unwrap()) {
        let world = world(pods);
        // The first review builds the indexes of the world.
        let findings = engine.review(&world, &images, &subject, None).findings.len();
        let best = (0..20)
            .map(|_| {
                let started = Instant::now();
                for _ in 0..100 {
                    std::hint::black_box(engine.review(&world, &images, &subject, None));
                }
                started.elapsed() / 100
            })
            .min()
            .unwrap();
        let micros = best.as_secs_f64() * 1e6;
        println!("{{\"pods\": {pods}, \"findings\": {findings}, \"microseconds\": {micros:.1}}}");
    }
}
