//! Step `account-token`.

use coaming_kube::Fields as _;
use coaming_yaml::Node;

use crate::evidence::{Evidence, Undo};
use crate::foothold::{Foothold, IdentityName};
use crate::scene::{ContainerInfo, PodInfo};

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// The kubelet mounts a token of the pod's service account into every container, unless
    /// `automountServiceAccountToken` is false or something
    /// else is mounted there. Every process of the container can read it. A projected volume may
    /// have a token as well.
    ///
    /// ## Way: shop/web to serviceaccount/shop/default
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
    /// ## Wall: shop/web to serviceaccount/shop/default
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   automountServiceAccountToken: false
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    STEP {
        id: "account-token",
        technique: "T1528",
        summary: "use the token of the pod's service account"
    }
}

/// Where the token is mounted.
const DIRECTORY: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The account of a pod.
pub(super) fn account_of(pod: &PodInfo<'_>) -> IdentityName {
    IdentityName::ServiceAccount {
        namespace: pod.name.namespace.clone(),
        name: pod.pod().service_account_name().to_owned(),
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for pod in &scene.pods {
        let has_token = coaming_access::has_token(scene.world, pod.workload);
        for container in scene.containers_of(pod) {
            let mut mounts = container.container.volume_mounts();
            let is_covered = mounts.any(|mount| mount.mount_path() == Some(DIRECTORY));
            let volume = projected(pod, container).or_else(|| secret_volume(scene, pod, container));
            let evidence = if has_token && !is_covered {
                let node = pod.pod().node();
                let setting = node.field("automountServiceAccountToken");
                let account = setting.or_else(|| node.field("serviceAccountName"));
                Evidence::at(pod.object(), account.unwrap_or(node))
            } else if let Some(node) = volume {
                Evidence::at(pod.object(), node)
            } else {
                continue;
            };
            let from = graph.vertex(Foothold::Container(container.name.clone()));
            let account = account_of(pod);
            let reason = format!("{} has a token of {account}", container.name);
            let to = graph.vertex(Foothold::Identity(account));
            let mut edge = NewEdge::step(&STEP, Kind::Certain, container.because(reason))
                .harder(container.extra())
                .at(evidence);
            if has_token {
                edge = edge.undone_by(Undo::of_object(&["service-account-token"], pod.object().id));
            }
            graph.add(from, to, edge);
        }
    }
}

/// The volume by which a cluster before 1.22 mounts the token of the pod's account: one of the Secret
/// that the token is in.
fn secret_volume<'a>(
    scene: &Scene<'_>,
    pod: &PodInfo<'a>,
    container: &ContainerInfo<'a>,
) -> Option<Node<'a>> {
    let mut mounts = container.container.volume_mounts();
    let mount = mounts.find(|mount| mount.mount_path() == Some(DIRECTORY))?;
    let volume = pod.pod().volume(mount.name()?)?.source("secret");
    let object = scene.world.find("Secret", &pod.name.namespace, volume.string("secretName")?)?;
    let account = super::token_secret::account(object)?;
    volume.filter(|_| account == pod.pod().service_account_name())
}

/// A token for the API server in a projected volume that this container mounts.
fn projected<'a>(pod: &PodInfo<'a>, container: &ContainerInfo<'a>) -> Option<Node<'a>> {
    container.container.volume_mounts().find_map(|mount| {
        let volume = pod.pod().volume(mount.name()?)?;
        let mut sources = volume.source("projected").list("sources");
        sources.find_map(|source| {
            // A token for another audience is not accepted by the API server.
            source.mapping("serviceAccountToken").filter(|token| {
                token.string("audience").is_none_or(|audience| audience.contains("kubernetes"))
            })
        })
    })
}
