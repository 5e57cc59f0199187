//! Step `exfiltration`.

use coaming_network::IpSet;

use crate::foothold::{Foothold, Link};

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// The policies let the pod connect to public addresses. Names that the cluster's DNS resolves
    /// outside can carry data as well; this step does not
    /// count that.
    ///
    /// ## Way: shop/web to exfiltration
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 1000
    /// ```
    ///
    /// ## Wall: shop/web to exfiltration
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 1000
    /// ---
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata:
    ///   name: deny
    ///   namespace: shop
    /// spec:
    ///   podSelector: {}
    ///   policyTypes: [Egress]
    /// ```
    STEP {
        id: "exfiltration",
        technique: "T1041",
        summary: "send data to the internet"
    }
}

/// Addresses that are not public.
const PRIVATE: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/3",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
];

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    let private: Vec<IpSet> = PRIVATE.iter().filter_map(|block| IpSet::cidr(block).ok()).collect();
    let private = IpSet::union_of(&private);
    let to = graph.vertex(Foothold::Exfiltration);
    for (number, source) in scene.cells.sources.iter().enumerate() {
        let open = source.outside.iter().find(|(allowed, addresses)| {
            !allowed.is_empty() && !addresses.difference(&private).is_empty()
        });
        let Some((allowed, _)) = open else { continue };
        let from = graph.link(Link::Source(number));
        let ports = if allowed.is_all() { "every port".to_owned() } else { allowed.to_string() };
        let reason =
            format!("the network policies let connections to public addresses through, on {ports}");
        graph.add(from, to, NewEdge::step(&STEP, Kind::Certain, reason));
    }
}
