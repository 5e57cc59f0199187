//! Step `exposed-service`.

use std::collections::HashMap;

use crate::entrance;
use crate::evidence::{Evidence, Undo};
use crate::foothold::{Foothold, WorkloadName};
use crate::scene::PodInfo;

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// An Ingress, a route, a NodePort, a load balancer, an external address or a port of the node leads
    /// to the workload, and the policies let that in. No policy applies to a pod in the network of its node. To get further, an attacker needs a
    /// flaw in what listens there: this is where the question "what if" begins.
    ///
    /// ## Way: internet to container/shop/web
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    ///   labels:
    ///     app: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       ports:
    ///         - containerPort: 8080
    /// ---
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   type: NodePort
    ///   selector:
    ///     app: web
    ///   ports:
    ///     - port: 80
    ///       targetPort: 8080
    /// ```
    ///
    /// ## Wall: internet to container/shop/web
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    ///   labels:
    ///     app: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       ports:
    ///         - containerPort: 8080
    /// ---
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   type: ClusterIP
    ///   selector:
    ///     app: web
    ///   ports:
    ///     - port: 80
    ///       targetPort: 8080
    /// ```
    ///
    /// ## Wall: internet to container/shop/web
    ///
    /// The policies let nothing in.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    ///   labels:
    ///     app: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       ports:
    ///         - containerPort: 8080
    /// ---
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   type: NodePort
    ///   selector:
    ///     app: web
    ///   ports:
    ///     - port: 80
    ///       targetPort: 8080
    /// ---
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata:
    ///   name: deny
    ///   namespace: shop
    /// spec:
    ///   podSelector: {}
    ///   policyTypes: [Ingress]
    /// ```
    STEP {
        id: "exposed-service",
        technique: "T1190",
        summary: "enter a workload from outside"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    let outside = graph.vertex(Foothold::Outside);
    let by_name: HashMap<&WorkloadName, &PodInfo<'_>> =
        scene.pods.iter().map(|pod| (&pod.name, pod)).collect();
    for (workload, allowed, via) in &scene.entrances {
        let Some(pod) = by_name.get(workload) else { continue };
        let reason = format!("{} leads to {workload} from outside", via.join(" and "));
        for container in scene.containers_of(pod) {
            let ports = entrance::serving(scene, pod, container, allowed);
            let Some(port) = ports.first() else { continue };
            let to = graph.vertex(Foothold::Container(container.name.clone()));
            let reason = format!(
                "{reason}, and {} listens on port {port}: it takes a flaw there",
                container.name
            );
            let edge = NewEdge::step(&STEP, Kind::NeedsFlaw, reason).at(Evidence::of(pod.object()));
            graph.add(outside, to, edge);
        }
        for (protocol, ports) in allowed.iter() {
            for &(first, last) in ports.ranges() {
                if first == last {
                    let to = Foothold::Port { workload: workload.clone(), protocol, port: first };
                    let to = graph.vertex(to);
                    let edge = NewEdge::step(&STEP, Kind::Certain, reason.clone());
                    graph.add(outside, to, edge.at(Evidence::of(pod.object())));
                }
            }
        }
    }
    add_host_ports(scene, graph);
}

/// A port of the node is open to everyone that reaches the node.
fn add_host_ports(scene: &Scene<'_>, graph: &mut AttackGraph) {
    let outside = graph.vertex(Foothold::Outside);
    for port in &scene.host_ports {
        let container = &scene.containers[port.container];
        let object = scene.pod_of(container).object().id;
        let to = graph.vertex(Foothold::Container(container.name.clone()));
        let reason = format!(
            "port {} of the node leads to {}, if the node can be reached from outside: it takes a flaw \
             there",
            port.number, container.name
        );
        let rule: &[&str] = if port.shares_network { &["host-namespaces"] } else { &["host-port"] };
        let edge = NewEdge::step(&STEP, Kind::NeedsFlaw, reason)
            .at(Evidence::at(scene.pod_of(container).object(), port.node))
            .undone_by(Undo::of_object(rule, object));
        graph.add(outside, to, edge);
    }
}
