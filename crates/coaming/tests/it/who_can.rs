//! `coaming secrets who-can`: the answer, as a user asks for it.

use snapbox::{assert_data_eq, str};

use super::corpus::corpus;
use super::{directory, json, run, stderr, stdout};

const FILE: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: all}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}\nsubjects:\n  - {kind: Group, name: 'system:serviceaccounts'}\n";

#[test]
fn answers() {
    let files = directory(&[("all.yaml", FILE)]);
    let file = files.path().join("all.yaml");
    let output = run(&["secrets", "who-can", "shop/db", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output).replace(file.to_str().unwrap(), "all.yaml");
    assert_data_eq!(
        text,
        str![[r#"
Secret shop/db (all.yaml:1)

Can read it through the API
  Group system:serviceaccounts (every service account of the cluster): get, list, watch, patch, deletecollection
    by ClusterRoleBinding all (all.yaml:10), ClusterRole cluster-admin (built into Kubernetes)

Can get it in one more step
  none in the input

Containers that have it
  none in the input

Nodes that have it
  none in the input

In every cluster, these can read it too: the group system:masters, the control plane, each node that runs a pod with it, and anyone with access to etcd or its backups.

"#]]
    );
}

#[test]
fn refuses_an_invalid_name() {
    let output = run(&["secrets", "who-can", "a/b/c", "examples"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("write NAMESPACE/NAME"), "{}", stderr(&output));
}

#[test]
fn the_operator_reads_every_secret_of_the_corpus() {
    let Some(corpus) = corpus() else { return };
    let path = corpus.join("kube-prometheus/manifests");
    let secret = "monitoring/grafana-config";
    let output = run(&["secrets", "who-can", secret, path.to_str().unwrap(), "--format", "json"]);
    let answer = json(&output);
    let names: Vec<&str> = answer["subjects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|access| access["subject"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["kube-state-metrics", "prometheus-operator"]);
    let containers = answer["containers"].as_array().unwrap();
    assert_eq!(containers.len(), 1, "{containers:#?}");
    assert_eq!(containers[0]["container"], "grafana");
}
