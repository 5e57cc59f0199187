//! Kubernetes Goat: each of its scenarios, from its own manifests.

use std::path::PathBuf;
use std::sync::Arc;

use coaming_breach::Kind;
use coaming_image::{Image, ImageFacts};
use coaming_kube::World;
use coaming_test::image_archives::{docker_archive, tar};

use crate::common::{ask, ask_with_images, corpus, first_way, query, steps, world, world_of};

/// The world of some of its directories.
fn goat(scenarios: &[&str]) -> Option<World> {
    let root = corpus("kubernetes-goat")?;
    let directories: Vec<PathBuf> = scenarios.iter().map(|name| root.join(name)).collect();
    assert!(directories.iter().all(|directory| directory.is_dir()), "{directories:?}");
    Some(world_of(&directories))
}

#[test]
fn runtime_socket_of_health_check() {
    let Some(world) = goat(&["scenarios/health-check"]) else { return };
    let from = "default/health-check-deployment";
    assert!(steps(&world, from, "node").is_some());
    // The socket suffices: also if the container is not privileged.
    let text =
        world.sources().next().unwrap().1.text.replace("privileged: true", "privileged: false");
    let world = crate::common::world(&[("a.yaml", &text)]);
    let found = steps(&world, from, "node").unwrap();
    assert_eq!(found, ["container-root", "runtime-socket"]);
}

#[test]
fn escape_of_system_monitor() {
    let Some(world) = goat(&["scenarios/system-monitor"]) else { return };
    let found = steps(&world, "default/system-monitor-deployment", "node").unwrap();
    assert_eq!(found.first(), Some(&"container-root"));
    assert!(matches!(found[1], "privileged-container" | "host-path-write" | "runtime-socket"));
}

#[test]
fn secret_in_the_environment_of_system_monitor() {
    let Some(world) = goat(&["scenarios/system-monitor"]) else { return };
    let found = steps(&world, "default/system-monitor-deployment", "secret/default/goatvault");
    assert_eq!(found.unwrap(), ["mounted-secret"]);
}

#[test]
fn host_audit_of_docker_bench() {
    let Some(world) = goat(&["scenarios/docker-bench-security"]) else { return };
    let answer = ask(&world, &query("default/docker-bench-security", "node"));
    let way = first_way(&answer);
    assert_eq!(way.kind(), Kind::Certain);
    assert_eq!(way.steps.len(), 1);
}

#[test]
fn host_audit_of_kube_bench() {
    let Some(world) = goat(&["scenarios/kube-bench-security"]) else { return };
    // Its directories are read-only: it reads what the kubelet and the control plane have there.
    let found = steps(&world, "default/kube-bench-master", "admin").unwrap();
    assert_eq!(found, ["container-root", "host-path-read"]);
    // The other one has the same directories, and does not run on the control plane.
    assert_eq!(steps(&world, "default/kube-bench-node", "admin"), None);
}

#[test]
fn entry_by_the_node_port_of_internal_proxy() {
    let Some(world) = goat(&["scenarios/internal-proxy"]) else { return };
    let found = steps(&world, "internet", "container/default/internal-proxy-deployment").unwrap();
    assert_eq!(found, ["exposed-service"]);
    // As the chart renders it.
    let store = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: metadata-db, labels: {app: metadata-db}}
spec:
  template:
    metadata: {labels: {app: metadata-db}}
    spec:
      containers:
      - {name: metadata-db, image: 'madhuakula/k8s-goat-metadata-db:latest', ports: [{name: http, containerPort: 80}]}
";
    let mut texts: Vec<(&str, &str)> =
        world.sources().map(|(_, source)| (source.name.as_str(), &*source.text)).collect();
    texts.push(("metadata-db.yaml", store));
    let world = crate::common::world(&texts);
    let found = steps(&world, "internet", "port/default/metadata-db").unwrap();
    assert_eq!(found, ["exposed-service", "network-connection"]);
    let answer = ask(&world, &query("internet", "data-store/default/metadata-db"));
    assert_eq!(answer.entries[0].ends().count(), 1);
}

#[test]
fn open_registry_of_poor_registry() {
    let Some(world) = goat(&["scenarios/poor-registry", "scenarios/build-code"]) else { return };
    let from = "default/build-code-deployment";
    let found = steps(&world, from, "data-store/default/poor-registry-deployment").unwrap();
    assert_eq!(found, ["network-connection", "data-access"]);
}

#[test]
fn missing_wall_before_cache_store() {
    let Some(world) = goat(&["scenarios/cache-store", "scenarios/build-code"]) else { return };
    let from = "default/build-code-deployment";
    let to = "data-store/secure-middleware/cache-store-deployment";
    assert_eq!(steps(&world, from, to).unwrap(), ["network-connection", "data-access"]);
    let wall = "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: wall, namespace: secure-middleware}
spec: {podSelector: {}, policyTypes: [Ingress]}
";
    let mut texts: Vec<(&str, &str)> =
        world.sources().map(|(_, source)| (source.name.as_str(), &*source.text)).collect();
    texts.push(("wall.yaml", wall));
    assert_eq!(steps(&crate::common::world(&texts), from, to), None);
}

#[test]
fn rights_of_hunger_check() {
    let Some(world) = goat(&["scenarios/hunger-check"]) else { return };
    let from = "big-monolith/hunger-check-deployment";
    for secret in ["vaultapikey", "webhookapikey"] {
        let found = steps(&world, from, &format!("secret/big-monolith/{secret}")).unwrap();
        assert_eq!(found, ["account-token", "read-secrets"]);
    }
    assert_eq!(steps(&world, from, "admin"), None);
    assert_eq!(steps(&world, from, "node"), None);
}

#[test]
fn binding_of_tiller() {
    let tiller = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: tiller-deploy, namespace: kube-system}
spec:
  template:
    metadata: {labels: {app: helm}}
    spec:
      serviceAccountName: tiller
      containers:
      - {name: tiller, image: 'ghcr.io/helm/tiller:v2.17.0', ports: [{containerPort: 44134}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: default}
spec: {automountServiceAccountToken: false, containers: [{name: web, image: 'registry.example.com/web:1'}]}
";
    let binding = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: tiller}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: tiller, namespace: kube-system}]
";
    let with = world(&[("tiller.yaml", tiller), ("binding.yaml", binding)]);
    let found = steps(&with, "default/web", "admin").unwrap();
    assert_eq!(
        found,
        ["network-connection", "open-admin-interface", "account-token", "take-rights"]
    );
    let without = world(&[("tiller.yaml", tiller)]);
    assert_eq!(steps(&without, "default/web", "admin"), None);
}

#[test]
fn chart_of_the_attacker_gives_every_right() {
    // What `pwnchart` renders: a role with everything, bound to the default account.
    let chart = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: all-your-base}
rules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: belong-to-us}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: all-your-base}
subjects: [{kind: ServiceAccount, name: default, namespace: default}]
";
    let pod = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: default}
spec: {containers: [{name: web, image: 'registry.example.com/web:1'}]}
";
    let with = world(&[("pod.yaml", pod), ("chart.yaml", chart)]);
    assert_eq!(steps(&with, "default/web", "admin").unwrap(), ["account-token", "take-rights"]);
    let without = world(&[("pod.yaml", pod)]);
    assert_eq!(steps(&without, "default/web", "admin"), None);
}

/// A key as the detectors know them, made here so that no scanner finds it in this repository.
fn key() -> String {
    let id: String = ["AKIA", "QYLPMN5HHHFPZAM2"].concat();
    let secret: String = ["wJalrXUtnFEMI", "K7MDENGbPxRfiCYzT8kq0aVd4sHe"].concat();
    format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n")
}

/// The facts of an image with these layers, read as any other image's.
fn facts(layers: &[Vec<u8>]) -> Arc<ImageFacts> {
    let ids: Vec<String> =
        layers.iter().map(|layer| coaming_oci::Digest::sha256(layer).to_string()).collect();
    let config = serde_json::json!({
        "architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/sh"]},
        "rootfs": {"type": "layers", "diff_ids": ids},
    });
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image.tar");
    std::fs::write(&path, docker_archive(config.to_string().as_bytes(), Some("a:1"), layers))
        .unwrap();
    Arc::new(Image::open(&path, None).unwrap().read())
}

#[test]
fn keys_in_the_image_of_build_code() {
    let Some(world) = goat(&["scenarios/build-code"]) else { return };
    let from = query("default/build-code-deployment", "credential");
    assert!(ask(&world, &from).entries[0].ends().next().is_none());
    let with = facts(&[tar(&[("app/.aws/credentials", 0o644, key().as_bytes())])]);
    let image = "madhuakula/k8s-goat-build-code";
    let answer = ask_with_images(&world, &from, &[(image, with)]);
    let way = first_way(&answer);
    assert!(way.to.to_string().contains("at /app/.aws/credentials of "), "{}", way.to);
    assert_eq!(way.steps[0].step.id, "image-credential");
    assert_eq!(way.kind(), Kind::Certain);
}

#[test]
fn hidden_layer_of_hidden_in_layers() {
    let Some(world) = goat(&["scenarios/hidden-in-layers"]) else { return };
    let layers = [
        tar(&[("root/credentials", 0o644, key().as_bytes())]),
        tar(&[("root/.wh.credentials", 0o644, b"")]),
    ];
    let images = [("madhuakula/k8s-goat-hidden-in-layers", facts(&layers))];
    // It is not in the container, and that one does not lead to its node.
    let question = query("default/hidden-in-layers", "credential");
    assert!(ask_with_images(&world, &question, &images).entries[0].ends().next().is_none());
    // A pod with the node's runtime reads it in the layers.
    let Some(world) = goat(&["scenarios/hidden-in-layers", "scenarios/health-check"]) else {
        return;
    };
    let question = query("default/health-check-deployment", "credential");
    let answer = ask_with_images(&world, &question, &images);
    let steps: Vec<&str> = first_way(&answer).steps.iter().map(|it| it.step.id).collect();
    assert_eq!(steps.last(), Some(&"image-credential"), "{steps:?}");
}

#[test]
fn miner_of_batch_check() {
    let Some(world) = goat(&["scenarios/batch-check"]) else { return };
    let question = query("default/batch-check-job", "exfiltration");
    let image = "madhuakula/k8s-goat-batch-check";
    // What mines needs a shell that downloads it, and a connection to its pool.
    let tools =
        facts(&[tar(&[("bin/sh", 0o755, b"\x7fELF"), ("usr/bin/curl", 0o755, b"\x7fELF")])]);
    let easy = ask_with_images(&world, &question, &[(image, tools)]);
    let without = facts(&[tar(&[("app", 0o755, b"\x7fELF")])]);
    let hard = ask_with_images(&world, &question, &[(image, without)]);
    let (easy, hard) = (first_way(&easy), first_way(&hard));
    assert_eq!(easy.kind(), Kind::Certain);
    assert!(!easy.steps[0].reason.contains("harder"), "{}", easy.steps[0].reason);
    assert!(hard.cost > easy.cost, "{hard:?}");
}
