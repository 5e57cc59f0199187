//! Step `dangerous-capability`.

use coaming_kube::Fields as _;

use super::escape::{add_escape, node_of};
use crate::evidence::{Evidence, Undo};
use crate::foothold::Foothold;
use crate::scene::ContainerInfo;

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// Some capabilities are as good as root on the node, each with what else it needs.
    /// `SYS_MODULE` loads code into the kernel.
    /// `DAC_READ_SEARCH` opens files of the node by their handles, and with `DAC_OVERRIDE` writes
    /// them. `SYS_ADMIN` mounts file
    /// systems, which AppArmor's default profile prevents where the node uses it. `SYS_PTRACE`
    /// takes over processes of the node
    /// with `hostPID` (see host-processes). A capability only counts for root of the container:
    /// other users do not get it.
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
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 0
    ///         capabilities:
    ///           add: [CAP_SYS_MODULE]
    /// ```
    ///
    /// ## Wall: shop/web to node
    ///
    /// Another user than root does not get the capability.
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
    ///         allowPrivilegeEscalation: false
    ///         capabilities:
    ///           add: [SYS_MODULE]
    /// ```
    ///
    /// ## Wall: shop/web to node
    ///
    /// This capability gives nothing on the node.
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
    ///         runAsUser: 0
    ///         capabilities:
    ///           add: [NET_BIND_SERVICE]
    /// ```
    STEP {
        id: "dangerous-capability",
        technique: "T1611",
        summary: "use a capability of the container on the node"
    }
}

/// What a capability does on the node, by itself or with another one, and how sure that is.
fn dangers(container: &ContainerInfo<'_>) -> Option<(&'static str, Kind, &'static str)> {
    let has = |name: &str| container.has_capability(name);
    let is_unconfined =
        container.effective.app_armor_profile().is_some_and(|(kind, _)| kind == "Unconfined");
    if has("SYS_MODULE") {
        Some(("SYS_MODULE", Kind::Certain, "loads code into the kernel of the node"))
    } else if has("DAC_READ_SEARCH") && has("DAC_OVERRIDE") {
        Some((
            "DAC_READ_SEARCH",
            Kind::Certain,
            "opens and writes any file of the node by its handle",
        ))
    } else if has("SYS_ADMIN") && is_unconfined {
        Some(("SYS_ADMIN", Kind::Certain, "mounts file systems of the node"))
    } else if has("SYS_ADMIN") {
        Some((
            "SYS_ADMIN",
            Kind::Unknown,
            "mounts file systems of the node, unless AppArmor or SELinux on the node prevents it",
        ))
    } else if has("SYS_RAWIO") {
        Some((
            "SYS_RAWIO",
            Kind::Unknown,
            "writes to ports and memory of the node, if its kernel allows it",
        ))
    } else if has("BPF") && has("PERFMON") {
        Some((
            "BPF",
            Kind::Unknown,
            "runs programs in the kernel of the node, if its settings allow it",
        ))
    } else if has("SYS_BOOT") {
        Some((
            "SYS_BOOT",
            Kind::Unknown,
            "starts another kernel on the node, if its kernel allows it",
        ))
    } else {
        None
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for container in scene.containers.iter().filter(|container| !container.is_privileged) {
        let pod = scene.pod_of(container);
        if !pod.shares_kernel() || pod.is_windows {
            continue;
        }
        let own = container.container.security_context();
        let Some(list) = own.and_then(|own| own.node().mapping("capabilities").sequence("add"))
        else {
            continue;
        };
        let evidence = Evidence::at(pod.object(), list);
        let undo = Undo::of_container(
            &["added-capabilities"],
            pod.object().id,
            container.container.name(),
        );
        if let Some((capability, kind, danger)) = dangers(container) {
            let reason = format!("root in {} has {capability}: it {danger}", container.name);
            let edge = NewEdge::step(&STEP, kind, container.because(reason))
                .harder(container.extra())
                .at(evidence)
                .undone_by(undo);
            add_escape(scene, graph, container, edge);
        } else if container.has_capability("DAC_READ_SEARCH") {
            let reason = format!(
                "root in {} has DAC_READ_SEARCH: it reads any file of the node by its handle",
                container.name
            );
            let edge = NewEdge::step(&STEP, Kind::Certain, container.because(reason))
                .harder(container.extra())
                .at(evidence)
                .undone_by(undo);
            let from = graph.vertex(Foothold::ContainerRoot(container.name.clone()));
            let to = graph.vertex(Foothold::NodeFiles(node_of(scene, container.pod)));
            graph.add(from, to, edge);
        }
    }
}
