//! What is said to be unknown is, and nothing else.

use crate::common::{ask, query, world};

const PODS: &str = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web, image: 'nginx:1.27.1', ports: [{containerPort: 8080}]}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
";

/// The notes about the network of a world with these objects.
fn notes(objects: &str) -> Vec<(String, usize)> {
    let world = world(&[("pods.yaml", PODS), ("more.yaml", objects)]);
    let notes = ask(&world, &query("shop/web", "")).unknown.into_iter();
    let is_about_network =
        |message: &str| ["policy", "policies", "evaluated"].iter().any(|it| message.contains(it));
    notes
        .filter(|note| is_about_network(&note.message))
        .map(|note| (note.message, note.count))
        .collect()
}

#[test]
fn policies_count_unless_it_is_known_who_enforces_them() {
    let unknown = "network policy: whether the cluster's network plugin enforces it is unknown";
    assert_eq!(notes(""), [(unknown.to_owned(), 1)]);
    let plugin = |name: &str, image: &str| {
        format!(
            "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {{name: {name}, namespace: kube-system}}\nspec:\n  \
             template:\n    spec: {{hostNetwork: true, containers: [{{name: a, image: '{image}'}}]}}\n"
        )
    };
    assert_eq!(notes(&plugin("calico-node", "docker.io/calico/node:v3.29.0")), []);
    let ignored = "network policy is taken for a wall, but the cluster's network plugin ignores it";
    let flannel = plugin("kube-flannel-ds", "ghcr.io/flannel-io/flannel:v0.26.0");
    assert_eq!(notes(&flannel), [(ignored.to_owned(), 1)]);
}

#[test]
fn what_the_network_engine_leaves_out_is_unknown() {
    let of_istio = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio-injection: enabled}}\n---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: web, namespace: shop}\nspec: {}\n";
    assert_eq!(notes(of_istio).len(), 1, "it is evaluated: {:?}", notes(of_istio));
    let of_antrea = "apiVersion: crd.antrea.io/v1beta1\nkind: ClusterNetworkPolicy\nmetadata: {name: web}\nspec: {}\n";
    let expected = "object of kind ClusterNetworkPolicy (crd.antrea.io) is not evaluated: other \
                    connections may be possible";
    assert!(notes(of_antrea).contains(&(expected.to_owned(), 1)), "{:?}", notes(of_antrea));
}
