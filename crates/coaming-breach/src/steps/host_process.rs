//! Step `windows-host-process`.

use coaming_kube::Fields as _;

use super::escape::node_of;
use crate::evidence::{Evidence, Undo};
use crate::foothold::Foothold;

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// A HostProcess container of Windows is a process of the node.
    ///
    /// ## Way: shop/web to node
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   os:
    ///     name: windows
    ///   hostNetwork: true
    ///   securityContext:
    ///     windowsOptions:
    ///       hostProcess: true
    ///       runAsUserName: NT AUTHORITY\SYSTEM
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Wall: shop/web to node
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   os:
    ///     name: windows
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    STEP {
        id: "windows-host-process",
        technique: "T1611",
        summary: "run on a Windows node outside of any container"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for container in &scene.containers {
        let pod = scene.pod_of(container);
        let of_container =
            container.container.security_context().and_then(|own| own.windows_options());
        let of_pod = pod.pod().security_context().and_then(|own| own.windows_options());
        let options = [of_container, of_pod].into_iter().flatten();
        let Some(options) =
            options.filter(|options| options.boolean("hostProcess").is_some()).take(1).next()
        else {
            continue;
        };
        if options.boolean("hostProcess") != Some(true) {
            continue;
        }
        let reason = format!("{} is a process of the node (`hostProcess`)", container.name);
        let from = graph.vertex(Foothold::Container(container.name.clone()));
        let to = graph.vertex(Foothold::Node(node_of(scene, container.pod)));
        let edge = NewEdge::step(&STEP, Kind::Certain, reason)
            .at(Evidence::at(pod.object(), options))
            .undone_by(Undo::of_object(&["windows-host-process"], pod.object().id));
        graph.add(from, to, edge);
    }
}
