//! Step `granted-secret`.

use coaming_kube::{Fields as _, Object};
use coaming_oci::Reference;

use crate::evidence::Evidence;
use crate::foothold::{Foothold, Link};
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::rights::Right;
use crate::scene::{ContainerInfo, PodInfo, Scene};

use super::step;

/// The annotation of a pod that asks for secrets of a store.
const ANNOTATION: &str = "coaming.dev/secrets";
/// The group of the grants.
const GROUP: &str = "coaming.dev";

step! {
    /// A SecretGrant gives secrets of a vault to one container: as files in memory, which no other
    /// container of the pod has, and no Secret of the cluster. Root on the node has them, as it has
    /// everything of its pods. Who starts pods in the namespace can run the granted image with
    /// another command, if it has one that reads files. The secret is named by its store and its path.
    ///
    /// ## Way: shop/web/app to secret/shop/vault:secret/shop/db
    ///
    /// ```yaml
    /// apiVersion: coaming.dev/v1alpha1
    /// kind: SecretGrant
    /// metadata:
    ///   name: db
    ///   namespace: shop
    /// spec:
    ///   serviceAccount: web
    ///   container: app
    ///   image: {repository: registry.example.com/web}
    ///   store: {name: vault}
    ///   files: [{name: password, path: secret/shop/db}]
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    ///   annotations: {coaming.dev/secrets: db}
    /// spec:
    ///   serviceAccountName: web
    ///   containers:
    ///     - name: app
    ///       image: registry.example.com/web:1.4.2
    ///     - name: helper
    ///       image: registry.example.com/helper:1.4.2
    /// ```
    ///
    /// ## Wall: shop/web/helper to secret/shop/vault:secret/shop/db
    ///
    /// The other container of the pod.
    ///
    /// ```yaml
    /// apiVersion: coaming.dev/v1alpha1
    /// kind: SecretGrant
    /// metadata:
    ///   name: db
    ///   namespace: shop
    /// spec:
    ///   serviceAccount: web
    ///   container: app
    ///   image: {repository: registry.example.com/web}
    ///   store: {name: vault}
    ///   files: [{name: password, path: secret/shop/db}]
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    ///   annotations: {coaming.dev/secrets: db}
    /// spec:
    ///   serviceAccountName: web
    ///   containers:
    ///     - name: app
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 1000
    ///     - name: helper
    ///       image: registry.example.com/helper:1.4.2
    ///       securityContext:
    ///         runAsUser: 1000
    ///         allowPrivilegeEscalation: false
    /// ```
    ///
    /// ## Wall: shop/web/app to secret/shop/vault:secret/shop/db
    ///
    /// The grant is for another service account: the pod is refused.
    ///
    /// ```yaml
    /// apiVersion: coaming.dev/v1alpha1
    /// kind: SecretGrant
    /// metadata:
    ///   name: db
    ///   namespace: shop
    /// spec:
    ///   serviceAccount: robot
    ///   container: app
    ///   image: {repository: registry.example.com/web}
    ///   store: {name: vault}
    ///   files: [{name: password, path: secret/shop/db}]
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    ///   annotations: {coaming.dev/secrets: db}
    /// spec:
    ///   serviceAccountName: web
    ///   containers:
    ///     - name: app
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 1000
    ///         allowPrivilegeEscalation: false
    /// ```
    STEP {
        id: "granted-secret",
        technique: "T1552.001",
        summary: "read the files that a SecretGrant puts into the container"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for container in &scene.containers {
        let from = graph.vertex(Foothold::Container(container.name.clone()));
        for grant in of_container(scene, container) {
            let directory = grant.spec().string("directory").unwrap_or_default();
            let grant_name = grant.name();
            let reason =
                format!("SecretGrant {grant_name} puts it below {directory} in {}", container.name);
            for to in secrets(grant) {
                let to = graph.vertex(to);
                let edge = NewEdge::step(&STEP, Kind::Certain, container.because(reason.clone()));
                graph.add(from, to, edge.harder(container.extra()).at(Evidence::of(grant)));
            }
        }
    }
    let all = scene.world.of_kind("SecretGrant").filter(|object| object.group() == GROUP);
    for grant in all {
        let namespace = grant.namespace_or_default().to_owned();
        let from = graph.link(Link::Right(Right::StartPods, Some(namespace)));
        let image = grant.spec().mapping("image").string("repository").unwrap_or_default();
        let reason = format!("a new pod runs {image} with a command that reads the files");
        for to in secrets(grant) {
            let to = graph.vertex(to);
            let edge = NewEdge::step(&STEP, Kind::Unknown, reason.clone());
            graph.add(from, to, edge.at(Evidence::of(grant)));
        }
    }
}

/// The files of a node have those of its pods, also what is in memory.
pub(super) fn in_pod(scene: &Scene<'_>, pod: &PodInfo<'_>) -> Vec<(Foothold, Evidence)> {
    let mut found = Vec::new();
    for container in scene.containers_of(pod) {
        for grant in of_container(scene, container) {
            found.extend(secrets(grant).map(|secret| (secret, Evidence::of(grant))));
        }
    }
    found
}

/// The grants that the pod asks for, and that are for this container.
fn of_container<'a>(scene: &Scene<'a>, container: &ContainerInfo<'_>) -> Vec<Object<'a>> {
    let pod = scene.pod_of(container);
    let Some(asked) = pod.pod().annotations().string(ANNOTATION) else { return Vec::new() };
    let account = pod.pod().service_account_name();
    let of_namespace = scene.world.of_kind_in("SecretGrant", pod.namespace());
    let is_for_it = |grant: &Object<'_>| {
        let spec = grant.spec();
        grant.group() == GROUP
            && asked.split(',').any(|name| name.trim() == grant.name())
            && spec.string("serviceAccount") == Some(account)
            && spec.string("container") == Some(container.container.name())
            && is_image(spec.mapping("image").string("repository"), container)
    };
    of_namespace.filter(is_for_it).collect()
}

/// Whether a container runs an image of a repository.
fn is_image(repository: Option<&str>, container: &ContainerInfo<'_>) -> bool {
    let granted = repository.and_then(|text| Reference::parse(text).ok());
    match (&granted, &container.reference) {
        (Some(granted), Some(found)) => {
            (granted.registry(), granted.repository()) == (found.registry(), found.repository())
        }
        _ => false,
    }
}

/// What a grant is for, each secret once.
fn secrets(grant: Object<'_>) -> impl Iterator<Item = Foothold> + use<> {
    let store = grant.spec().mapping("store").string("name").unwrap_or_default();
    let paths: std::collections::BTreeSet<String> = grant
        .spec()
        .list("files")
        .filter_map(|file| Some(format!("{store}:{}", file.string("path")?)))
        .collect();
    let namespace = grant.namespace_or_default().to_owned();
    paths.into_iter().map(move |name| Foothold::Secret { namespace: namespace.clone(), name })
}
