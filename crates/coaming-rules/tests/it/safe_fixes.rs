//! What a safe fix leaves alone: a table of real workloads, by what of them needs the token of
//! their service account, and of what must not be edited at all.

use std::sync::Arc;

use coaming_finding::{Applicability, Finding};
use coaming_kube::{Source, World};
use coaming_rules::{Images, Input, RuleSet, Settings, run};

fn findings_in(name: &str, text: &str) -> Vec<Finding> {
    let stream = coaming_yaml::parse(Arc::from(text));
    assert_eq!(stream.errors, [], "{text}");
    let world = World::new(vec![Source::new(name, stream.source, stream.documents)]);
    let (images, settings) = (Images::default(), Settings::default());
    run(Input::new(&world, &images, &settings), &RuleSet::matching(|_| true), Vec::new())
}

fn findings(text: &str) -> Vec<Finding> {
    findings_in("web.yaml", text)
}

fn safe(findings: &[Finding]) -> Vec<&str> {
    findings
        .iter()
        .filter(|finding| {
            finding.fix.as_ref().is_some_and(|fix| fix.applicability == Applicability::Safe)
        })
        .map(|finding| finding.rule.id.as_str())
        .collect()
}

/// A Deployment with these fields of its pod template's metadata and its container.
fn deployment(metadata: &str, container: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  selector: \
         {{matchLabels: {{app: web}}}}\n  template:\n    metadata: {{labels: {{app: web}}, \
         {metadata}}}\n    spec:\n      containers: [{{name: main, {container}}}]\n"
    )
}

/// Images, commands and variables of real workloads that use their token.
const CLIENTS: &[&str] = &[
    "image: 'prom/prometheus:v2.53.0', args: [--config.file=/etc/prometheus/prometheus.yml]",
    "image: 'grafana/promtail:3.0.0'",
    "image: 'fluent/fluent-bit:3.1.2'",
    "image: 'docker.elastic.co/beats/filebeat:8.14.1'",
    "image: 'datadog/agent:7.55.1'",
    "image: 'timberio/vector:0.39.0-alpine'",
    "image: 'traefik:v3.0.4', args: [--providers.kubernetesingress]",
    "image: 'registry.k8s.io/ingress-nginx/controller:v1.11.1'",
    "image: 'registry.k8s.io/external-dns/external-dns:v0.14.2'",
    "image: 'registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.12.0'",
    "image: 'registry.k8s.io/metrics-server/metrics-server:v0.7.1'",
    "image: 'registry.k8s.io/autoscaling/cluster-autoscaler:v1.30.1'",
    "image: 'quay.io/jetstack/cert-manager-controller:v1.15.1'",
    "image: 'quay.io/argoproj/argocd:v2.11.4'",
    "image: 'ghcr.io/fluxcd/source-controller:v1.3.0'",
    "image: 'quay.io/prometheus-operator/prometheus-operator:v0.75.1'",
    "image: 'quay.io/kiwigrid/k8s-sidecar:1.27.4'",
    "image: 'hashicorp/vault:1.17.1'",
    "image: 'velero/velero:v1.14.0'",
    "image: 'bitnami/kubectl:1.30.2', command: [sleep, infinity]",
    "image: 'alpine/helm:3.15.2'",
    "image: 'jenkins/jenkins:2.452.2-lts-jdk17'",
    "image: 'gitlab/gitlab-runner:v17.1.0'",
    "image: 'hazelcast/hazelcast:5.4.0'",
    "image: 'ghcr.io/zalando/spilo-16:3.3-p1'",
    "image: 'ghcr.io/acme/shop-operator:1.2.0'",
    "image: 'registry.example.com/manager:1.2.0', args: [--leader-elect]",
    "image: 'registry.example.com/tool:1.2.0', command: [sh, -c, 'kubectl get pods']",
    "image: 'registry.example.com/tool:1.2.0', command: [/usr/local/bin/helm, upgrade]",
    "image: 'registry.example.com/web:1.2.0', args: ['--kubeconfig=/etc/kubeconfig']",
    "image: 'registry.example.com/web:1.2.0', command: [cat, /var/run/secrets/kubernetes.io/serviceaccount/token]",
    "image: 'registry.example.com/web:1.2.0', env: [{name: API, value: 'https://kubernetes.default.svc'}]",
    // What only may use it has a fix that needs `--unsafe`.
    "image: 'registry.example.com/web:1.2.0', env: [{name: SPRING_CLOUD_KUBERNETES_ENABLED, value: 'true'}]",
    "image: 'registry.example.com/web:1.2.0', env: [{name: NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}]",
    "image: 'registry.example.com/web:1.2.0', env: [{name: VAULT_ADDR, value: 'https://vault.example.com'}]",
];

#[test]
fn clients_of_the_api_keep_their_token() {
    for client in CLIENTS {
        let found = findings(&deployment("name: web", client));
        assert_eq!(safe(&found), <[&str; 0]>::default(), "{client}");
    }
}

#[test]
fn injected_pods_keep_their_token() {
    let container = "image: 'registry.example.com/web:1.2.3'";
    for metadata in [
        "annotations: {vault.hashicorp.com/agent-inject: 'true'}",
        "annotations: {consul.hashicorp.com/connect-inject: 'true'}",
        "annotations: {linkerd.io/inject: enabled}",
        "annotations: {sidecar.istio.io/inject: 'true'}",
        "annotations: {dapr.io/enabled: 'true'}",
        "annotations: {kuma.io/sidecar-injection: enabled}",
        "annotations: {sidecar.opentelemetry.io/inject: 'true'}",
    ] {
        let found = findings(&deployment(metadata, container));
        assert_eq!(safe(&found), <[&str; 0]>::default(), "{metadata}");
        let reported = found.iter().any(|it| it.rule.id == *"service-account-token");
        assert!(!reported, "{metadata}");
    }
}

#[test]
fn what_does_not_use_its_token_loses_it() {
    for container in [
        "image: 'registry.example.com/web:1.2.3'",
        "image: 'nginx:1.27.1'",
        "image: 'postgres:16.3'",
        "image: 'grafana/grafana:11.1.0'",
        "image: 'registry.example.com/helmet-shop:1.0.0', args: [--port=8080]",
    ] {
        let found = findings(&deployment("name: web", container));
        assert_eq!(safe(&found), ["service-account-token"], "{container}");
    }
}

#[test]
fn a_binding_to_a_group_and_an_agent_need_permission() {
    let web = deployment("name: web", "image: 'registry.example.com/web:1.2.3'");
    let binding = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: all}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}\nsubjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: 'system:authenticated'}]\n";
    assert_eq!(safe(&findings(&(web.clone() + binding))), <[&str; 0]>::default());
    let agent = web.replace("kind: Deployment", "kind: DaemonSet");
    assert_eq!(safe(&findings(&agent)), <[&str; 0]>::default());
    let mesh = "---\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: default}\n";
    assert_eq!(safe(&findings(&(web + mesh))), <[&str; 0]>::default());
}

#[test]
fn configuration_of_a_client_shows_its_use() {
    let web = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers: [{name: web, image: 'registry.example.com/web:1.2.3'}]\n  volumes: [{name: config, configMap: {name: web}}]\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  a.yaml: |\n    CONTENT\n";
    let scraped = web.replace("CONTENT", "kubernetes_sd_configs: [{role: pod}]");
    assert!(findings(&scraped).iter().all(|it| it.rule.id != *"service-account-token"));
    assert_eq!(safe(&findings(&web.replace("CONTENT", "port: 80"))), ["service-account-token"]);
}

#[test]
fn what_is_no_pod_of_kubernetes_has_no_safe_fix() {
    let pod = "spec:\n  template:\n    spec:\n      containers: [{name: a, image: 'registry.example.com/a:1.0.0', command: [run]}]\n";
    for (version, kind) in [
        ("argoproj.io/v1alpha1", "Workflow"),
        ("tekton.dev/v1", "Task"),
        ("serving.knative.dev/v1", "Service"),
        ("example.com/v1", "Thing"),
        ("kyverno.io/v1", "ClusterPolicy"),
        ("templates.gatekeeper.sh/v1", "ConstraintTemplate"),
    ] {
        let text = format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\n{pod}");
        assert_eq!(safe(&findings(&text)), <[&str; 0]>::default(), "{kind}");
    }
    let policy =
        format!("apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {{name: a}}\n{pod}");
    for finding in findings(&policy) {
        let fix = finding.fix.as_ref();
        assert!(
            fix.is_none_or(|fix| fix.applicability == Applicability::Manual && fix.edits.is_empty()),
            "{finding:?}"
        );
    }
}

#[test]
fn a_fixture_has_no_safe_fix() {
    let web = deployment("name: web", "image: 'registry.example.com/web:1.2.3'");
    for name in ["pkg/testdata/web.yaml", "tests/web.yaml", "charts/web/templates/tests/web.yaml"] {
        assert_eq!(safe(&findings_in(name, &web)), <[&str; 0]>::default(), "{name}");
    }
    assert_eq!(safe(&findings_in("deploy/web.yaml", &web)), ["service-account-token"]);
}

/// A cluster's objects in one list: what else is in it says nothing about the fix of one.
#[test]
fn neighbors_in_a_list_do_not_count() {
    let web = deployment("name: web", "image: 'registry.example.com/web:1.2.3'");
    let policy = "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: a}\nspec: {}\n";
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata:\n  pod.yaml: |\n    apiVersion: v1\n    kind: Pod\n    metadata: {name: c}\n";
    let items: Vec<String> = [policy, config, web.as_str()]
        .iter()
        .map(|item| format!("- {}\n", item.trim_end().replace('\n', "\n  ")))
        .collect();
    let list = format!("apiVersion: v1\nkind: List\nitems:\n{}", items.concat());
    assert_eq!(safe(&findings(&list)), ["service-account-token"]);
}

#[test]
fn a_volume_that_an_annotation_names_stays() {
    let pod = |annotations: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: web, annotations: {annotations}}}\nspec:\n  \
             automountServiceAccountToken: false\n  containers: [{{name: web, image: \
             'registry.example.com/web:1.2.3'}}]\n  volumes: [{{name: client-ca, secret: \
             {{secretName: client-ca}}}}]\n"
        )
    };
    let unneeded = |text: &str| {
        let found = findings(text);
        found.iter().any(|finding| finding.rule.id == *"unneeded-secret")
    };
    assert!(unneeded(&pod("{}")));
    assert!(!unneeded(&pod(
        "{sidecar.istio.io/userVolumeMount: '[{\"name\":\"client-ca\",\"mountPath\":\"/etc/ca\"}]'}"
    )));
    let injected = findings(&pod("{linkerd.io/inject: enabled}"));
    assert_eq!(safe(&injected), <[&str; 0]>::default());
}

/// The edits of all unsafe fixes, as `path: value`.
fn edits(text: &str) -> String {
    let found = findings(text);
    let edits = found.iter().filter_map(|finding| finding.fix.as_ref()).flat_map(|fix| &fix.edits);
    edits.flat_map(|document| &document.edits).map(|edit| format!("{edit:?}\n")).collect()
}

#[test]
fn an_image_known_to_be_root_gets_a_user_that_exists() {
    for (image, user) in [
        ("nginx:1.27.1", Some("Int(101)")),
        ("postgres:16.3", Some("Int(999)")),
        ("postgres:16.3-alpine", Some("Int(70)")),
        ("docker.io/library/redis:7.2.5", Some("Int(999)")),
        ("public.ecr.aws/docker/library/memcached:1.6", Some("Int(11211)")),
        ("registry:2.8.3", None),
    ] {
        let edits = edits(&deployment("name: web", &format!("image: '{image}'")));
        match user {
            Some(user) => assert!(edits.contains(user), "{image}: {edits}"),
            None => assert!(!edits.contains("runAsNonRoot"), "{image}: {edits}"),
        }
    }
    // Nothing is known of it: it may have a user of its own.
    let unknown = edits(&deployment("name: web", "image: 'registry.example.com/web:1.0.0'"));
    assert!(unknown.contains("runAsNonRoot") && !unknown.contains("runAsUser"), "{unknown}");
}

#[test]
fn what_installs_software_or_changes_owners_keeps_what_it_needs() {
    let script = |script: &str| {
        let container =
            format!("image: 'registry.example.com/web:1.0.0', command: [sh, -c, '{script}']");
        edits(&deployment("name: web", &container))
    };
    let installs = script("apk add curl && curl https://example.com");
    assert!(!installs.contains("readOnlyRootFilesystem"), "{installs}");
    assert!(!installs.contains("runAsNonRoot"), "{installs}");
    let owners = script("chown -R 1000 /data");
    assert!(!owners.contains("runAsNonRoot") && !owners.contains("drop"), "{owners}");
    assert!(owners.contains("readOnlyRootFilesystem"), "{owners}");
}

#[test]
fn a_published_image_that_is_not_known_needs_permission() {
    for image in [
        "prefecthq/prefect:2.19.4",
        "ghcr.io/acme/thing:1.2.3",
        "quay.io/acme/thing:1.2.3",
        "registry.k8s.io/git-sync/git-sync:v4.2.3",
    ] {
        let found = findings(&deployment("name: web", &format!("image: '{image}'")));
        assert_eq!(safe(&found), <[&str; 0]>::default(), "{image}");
    }
    for image in ["registry.example.com/thing:1.2.3", "docker.io/library/httpd:2.4.59"] {
        let found = findings(&deployment("name: web", &format!("image: '{image}'")));
        assert_eq!(safe(&found), ["service-account-token"], "{image}");
    }
}

#[test]
fn tools_that_may_be_clients_need_permission() {
    for command in [
        "ansible-playbook, site.yml",
        "terraform, apply",
        "sh, -c, 'helm3 upgrade'",
        "sh, -c, '/scripts/kubectl.sh apply'",
        "curl, 'https://10.96.0.1/api'",
        "run, --vault-role=web",
    ] {
        let container = format!("image: 'registry.example.com/web:1.2.3', command: [{command}]");
        let found = findings(&deployment("name: web", &container));
        assert_eq!(safe(&found), <[&str; 0]>::default(), "{command}");
    }
}

#[test]
fn a_pod_without_a_namespace_may_be_in_that_of_a_binding() {
    let web = deployment("name: web", "image: 'registry.example.com/web:1.2.3'");
    let binding = |subject: &str| {
        format!(
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: a, \
             namespace: prod}}\nroleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: \
             a}}\nsubjects: [{{kind: ServiceAccount, {subject}}}]\n"
        )
    };
    for subject in ["name: default, namespace: prod", "name: default, namespace: '${NS}'"] {
        let found = findings(&(web.clone() + &binding(subject)));
        assert_eq!(safe(&found), <[&str; 0]>::default(), "{subject}");
    }
    let other = findings(&(web.clone() + &binding("name: ci, namespace: prod")));
    assert_eq!(safe(&other), ["service-account-token"]);
    let elsewhere = web.replace("{name: web}\nspec", "{name: web, namespace: shop}\nspec");
    let found = findings(&(elsewhere + &binding("name: default, namespace: prod")));
    assert_eq!(safe(&found), ["service-account-token"]);
}
