//! Networks of OVN-Kubernetes, from their text.

use coaming_network::unevaluated;

use crate::common;
use crate::why::why;

/// Four namespaces: `a` and `b` on one network, `c` on its own, `d` on the cluster's.
const CLUSTER: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: a, labels: {net: blue, k8s.ovn.org/primary-user-defined-network: ''}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: b, labels: {net: blue, k8s.ovn.org/primary-user-defined-network: ''}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: c, labels: {k8s.ovn.org/primary-user-defined-network: ''}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: d}}
---
{apiVersion: v1, kind: Pod, metadata: {name: one, namespace: a, labels: {app: one}}, spec: {containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: two, namespace: b, labels: {app: two}}, spec: {containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: three, namespace: c, labels: {app: three}}, spec: {containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: four, namespace: d, labels: {app: four}}, spec: {containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: host, namespace: d, labels: {app: host}}, spec: {hostNetwork: true, containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: dns, namespace: kube-system, labels: {k8s-app: kube-dns}}, spec: {containers: [{name: c, image: x}]}}
---
{apiVersion: k8s.ovn.org/v1, kind: UserDefinedNetwork, metadata: {name: own, namespace: c}, spec: {topology: Layer2, layer2: {role: Primary, subnets: [10.1.0.0/16]}}}
---
";

const BLUE: &str = "{apiVersion: k8s.ovn.org/v1, kind: ClusterUserDefinedNetwork, metadata: {name: blue}, spec: {namespaceSelector: {matchLabels: {net: blue}}, network: {topology: Layer3, layer3: {role: Primary, subnets: [{cidr: 10.2.0.0/16}]}}}}";

#[test]
fn nothing_crosses_the_border_of_a_primary_network() {
    let reach = common::reach(&format!("{CLUSTER}{BLUE}"));
    assert!(reach.model().problems.is_empty(), "{:?}", reach.model().problems);
    assert_eq!(why(&reach, "a/one", "b/two", 80), "allowed");
    for (from, to) in [("a/one", "c/three"), ("a/one", "d/four"), ("d/four", "c/three")] {
        assert_eq!(why(&reach, from, to, 80), "denied", "{from} {to}");
        assert_eq!(why(&reach, to, from, 80), "denied", "{to} {from}");
    }
    assert_eq!(why(&reach, "a/one", "kube-system/dns", 53), "allowed");
    assert_eq!(why(&reach, "kube-system/dns", "a/one", 53), "denied");
    assert_eq!(why(&reach, "a/one", "8.8.8.8", 443), "allowed");
    assert_eq!(why(&reach, "d/host", "a/one", 80), "allowed", "as the kubelet does");
    assert!(unevaluated(reach.model(), None).is_empty());
}

#[test]
fn policies_count_within_a_network_and_never_open_its_border() {
    let policy = "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: b}, spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 80}]}]}}";
    let reach = common::reach(&format!("{CLUSTER}{BLUE}\n---\n{policy}"));
    assert_eq!(why(&reach, "a/one", "b/two", 80), "allowed");
    assert_eq!(why(&reach, "a/one", "b/two", 81), "denied");
    assert_eq!(why(&reach, "d/four", "b/two", 80), "denied");
}

#[test]
fn secondary_networks_and_namespaces_without_the_label_are_named() {
    let secondary = BLUE.replace("Primary", "Secondary");
    let reach = common::reach(&format!("{CLUSTER}{secondary}"));
    assert_eq!(why(&reach, "a/one", "d/four", 80), "allowed?");
    assert_eq!(why(&reach, "d/four", "c/three", 80), "denied");
    let unlabeled = BLUE.replace(
        "{matchLabels: {net: blue}}",
        "{matchExpressions: [{key: net, operator: DoesNotExist}]}",
    );
    let reach = common::reach(&format!("{CLUSTER}{unlabeled}"));
    assert_eq!(why(&reach, "d/four", "a/one", 80), "allowed?", "d has not the label");
}

#[test]
fn what_the_api_server_refuses_does_not_count() {
    for spec in [
        "{topology: Layer2}",
        "{topology: Ring, layer2: {role: Primary}}",
        "{topology: Layer2, layer2: {role: First}}",
    ] {
        let text = format!(
            "{{apiVersion: k8s.ovn.org/v1, kind: UserDefinedNetwork, metadata: {{name: x, namespace: d}}, spec: {spec}}}"
        );
        let model = common::model(&text);
        assert_eq!((model.policies.len(), model.problems.len()), (0, 1), "{spec}");
    }
}
