//! Step `mounted-secret`.

use coaming_kube::{Fields as _, SecretUseKind, Volume};
use coaming_yaml::Node;

use crate::evidence::{Evidence, Undo};
use crate::foothold::Foothold;
use crate::scene::{ContainerInfo, RunsAs};

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// A container has the Secrets of its own environment and of its own mounts, not those of other
    /// containers of the pod. Files of a Secret
    /// belong to root: another user can read them if the mode lets everyone, or the pod has an
    /// `fsGroup`.
    ///
    /// ## Way: shop/web to secret/shop/shop-db
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   volumes:
    ///     - name: s
    ///       secret:
    ///         secretName: shop-db
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       volumeMounts:
    ///         - name: s
    ///           mountPath: /s
    /// ```
    ///
    /// ## Way: shop/web to secret/shop/shop-db
    ///
    /// In the environment.
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
    ///       envFrom:
    ///         - secretRef:
    ///             name: shop-db
    /// ```
    ///
    /// ## Wall: shop/web to secret/shop/shop-db
    ///
    /// Only root can read the files.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   volumes:
    ///     - name: s
    ///       secret:
    ///         secretName: shop-db
    ///         defaultMode: 0400
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 1000
    ///         allowPrivilegeEscalation: false
    ///       volumeMounts:
    ///         - name: s
    ///           mountPath: /s
    /// ```
    ///
    /// ## Wall: shop/web/web to secret/shop/shop-db
    ///
    /// Another container of the pod mounts it.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   volumes:
    ///     - name: s
    ///       secret:
    ///         secretName: shop-db
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///     - name: helper
    ///       image: registry.example.com/helper:1.4.2
    ///       volumeMounts:
    ///         - name: s
    ///           mountPath: /s
    /// ```
    STEP {
        id: "mounted-secret",
        technique: "T1552",
        summary: "read a Secret in the environment or the files of the container"
    }
}

/// The Secrets in a container's environment, each with where it is named.
pub(super) fn environment_secrets<'a>(
    container: &ContainerInfo<'a>,
) -> impl Iterator<Item = (&'a str, Node<'a>)> {
    let own = container.container;
    own.secret_variables().chain(own.secret_environments()).map(|found| (found.secret, found.node))
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for container in &scene.containers {
        for (name, node) in environment_secrets(container) {
            add_use(scene, graph, container, name, node, "in its environment");
        }
        let pod = scene.pod_of(container);
        for mount in container.container.volume_mounts() {
            let volume = mount.name().and_then(|name| pod.pod().volume(name));
            let Some(volume) = volume else { continue };
            for found in volume.secret_files() {
                let SecretUseKind::Files { source, .. } = found.kind else { continue };
                if is_readable(scene, container, volume, source) {
                    let node = mount.node();
                    let path = mount.mount_path().unwrap_or_default();
                    let how = format!("in files below {path}");
                    add_use(scene, graph, container, found.secret, node, &how);
                }
            }
        }
    }
}

fn add_use(
    scene: &Scene<'_>,
    graph: &mut AttackGraph,
    container: &ContainerInfo<'_>,
    name: &str,
    node: Node<'_>,
    how: &str,
) {
    let pod = scene.pod_of(container);
    let from = graph.vertex(Foothold::Container(container.name.clone()));
    let namespace = pod.name.namespace.clone();
    let to = graph.vertex(Foothold::Secret { namespace, name: name.to_owned() });
    let reason = format!("{} has it {how}", container.name);
    let edge = NewEdge::step(&STEP, Kind::Certain, container.because(reason))
        .harder(container.extra())
        .at(Evidence::at(pod.object(), node))
        .undone_by(Undo::of_object(&["unneeded-secret"], pod.object().id));
    graph.add(from, to, edge);
}

/// Whether the process of the container may read the files of a volume of Secrets.
fn is_readable(
    scene: &Scene<'_>,
    container: &ContainerInfo<'_>,
    volume: Volume<'_>,
    source: Node<'_>,
) -> bool {
    if !matches!(container.runs_as, RunsAs::Other(_)) {
        return true;
    }
    let pod = scene.pod_of(container).pod();
    if pod.security_context().is_some_and(|own| own.node().integer("fsGroup").is_some()) {
        return true;
    }
    let of_volume = volume.source("secret").or_else(|| volume.source("projected"));
    let mode = of_volume.integer("defaultMode").unwrap_or(0o644);
    let items: Vec<i64> =
        source.list("items").map(|item| item.integer("mode").unwrap_or(mode)).collect();
    if items.is_empty() { mode & 0o004 != 0 } else { items.iter().any(|mode| mode & 0o004 != 0) }
}
