//! Step `neighbor-flaw`.

use crate::evidence::Evidence;
use crate::foothold::Foothold;

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// Something listens on the port, and may have a flaw that nobody knows of. This step only
    /// counts with `--assume any-neighbor`.
    ///
    /// ## Wall: shop/web to container/shop/db
    ///
    /// Nothing is known against it.
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
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: db
    ///   namespace: shop
    /// spec:
    ///   containers:
    ///     - name: db
    ///       image: registry.example.com/app:1.4.2
    ///       ports:
    ///         - containerPort: 8080
    /// ```
    STEP {
        id: "neighbor-flaw",
        technique: "T1210",
        summary: "use a flaw in what listens on a port"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for pod in &scene.pods {
        for (&(protocol, port), owner) in &pod.listens {
            let from = graph.vertex(Foothold::Port { workload: pod.name.clone(), protocol, port });
            let containers = match owner {
                Some(owner) => std::slice::from_ref(&scene.containers[*owner]),
                None => scene.containers_of(pod),
            };
            for container in containers {
                let to = graph.vertex(Foothold::Container(container.name.clone()));
                let reason =
                    format!("{} may have a flaw in what listens on port {port}", container.name);
                let edge = NewEdge::step(&STEP, Kind::NeedsFlaw, reason)
                    .at(Evidence::at(pod.object(), container.container.node()))
                    .supposing_flaw();
                graph.add(from, to, edge);
            }
        }
    }
}
