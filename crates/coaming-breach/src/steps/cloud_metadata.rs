//! Step `cloud-metadata`.

use std::collections::HashMap;

use coaming_kube::Fields as _;

use super::escape::node_of;
use crate::foothold::{Foothold, Link};

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// The metadata service of the cloud answers every process of the node at 169.254.169.254,
    /// unless policies keep pods away from it. Whether
    /// the cluster is in a cloud, and protects the service in another way, is unknown, except where
    /// a Node object names its provider.
    ///
    /// ## Way: shop/web to cloud-identity
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
    /// ## Wall: shop/web to cloud-identity
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
        id: "cloud-metadata",
        technique: "T1552.005",
        summary: "get the credentials of the node from the cloud's metadata service"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    let provider = scene.world.of_kind("Node").find_map(|node| {
        let id = node.spec().string("providerID")?;
        let (provider, _) = id.split_once("://")?;
        matches!(provider, "aws" | "gce" | "azure").then_some(provider)
    });
    let how = match provider {
        Some(provider) => format!(
            "at {provider}, it gives out the credentials of the node unless the service itself \
             is restricted"
        ),
        None => "it gives out the credentials of the node, if the cluster is in a cloud".to_owned(),
    };
    let to = graph.vertex(Foothold::CloudIdentity("of the node".to_owned()));
    let mut pods_of: HashMap<usize, usize> = HashMap::new();
    for (id, pods) in &scene.reach.model().pods {
        pods_of.entry(pods.workload).or_insert(id);
    }
    for (number, source) in scene.cells.sources.iter().enumerate() {
        let pods = source.workloads.first().and_then(|workload| pods_of.get(workload));
        let is_open =
            pods.is_some_and(|&pods| coaming_network::reaches_metadata(&scene.reach, pods));
        if !is_open {
            continue;
        }
        let from = graph.link(Link::Source(number));
        let reason = format!("no policy keeps the pod from 169.254.169.254: {how}");
        graph.add(from, to, NewEdge::step(&STEP, Kind::Unknown, reason));
    }
    for number in 0..scene.pods.len() {
        let from = graph.vertex(Foothold::Node(node_of(scene, number)));
        let reason = format!("from the node, {how}");
        graph.add(from, to, NewEdge::step(&STEP, Kind::Unknown, reason));
    }
}
