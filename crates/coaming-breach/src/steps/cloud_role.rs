//! Step `cloud-role`.

use coaming_kube::Object;

use super::account_token::account_of;
use crate::evidence::Evidence;
use crate::foothold::{Foothold, IdentityName};

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge, VertexId};
use crate::scene::Scene;

step! {
    /// Annotations of a service account name the identity of the cloud that its tokens are
    /// exchanged for. The webhook of the cloud gives its pods a token of their own for that, also if
    /// they do not mount that of the API server.
    ///
    /// ## Way: shop/web to cloud-identity/arn:aws:iam::111122223333:role/shop
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   serviceAccountName: robot
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ---
    /// apiVersion: v1
    /// kind: ServiceAccount
    /// metadata:
    ///   name: robot
    ///   namespace: shop
    ///   annotations:
    ///     eks.amazonaws.com/role-arn: arn:aws:iam::111122223333:role/shop
    /// ```
    ///
    /// ## Wall: shop/web to cloud-identity/arn:aws:iam::111122223333:role/shop
    ///
    /// The pod has another account.
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
    /// kind: ServiceAccount
    /// metadata:
    ///   name: robot
    ///   namespace: shop
    ///   annotations:
    ///     eks.amazonaws.com/role-arn: arn:aws:iam::111122223333:role/shop
    /// ```
    STEP {
        id: "cloud-role",
        technique: "T1078.004",
        summary: "exchange a token for an identity of the cloud"
    }
}

const EKS: &str = "eks.amazonaws.com/role-arn";
const ANNOTATIONS: &[&str] =
    &[EKS, "iam.gke.io/gcp-service-account", "azure.workload.identity/client-id"];

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for object in scene.world.of_kind("ServiceAccount") {
        let namespace = object.namespace_or_default().to_owned();
        let account = IdentityName::ServiceAccount { namespace, name: object.name().to_owned() };
        for annotation in ANNOTATIONS {
            let Some(role) = object.annotation(annotation).filter(|role| !role.is_empty()) else {
                continue;
            };
            let from = graph.vertex(Foothold::Identity(account.clone()));
            let to = graph.vertex(Foothold::CloudIdentity(role.to_owned()));
            let reason = format!("{account} is exchanged for it (`{annotation}`)");
            let edge = NewEdge::step(&STEP, Kind::Certain, reason).at(Evidence::of(object));
            graph.add(from, to, edge);
            if *annotation == EKS {
                add_pods(scene, graph, &account, to, object);
            }
        }
    }
}

/// The webhook of EKS mounts a token into every pod of the account.
fn add_pods(
    scene: &Scene<'_>,
    graph: &mut AttackGraph,
    account: &IdentityName,
    to: VertexId,
    object: Object<'_>,
) {
    for container in &scene.containers {
        let pod = scene.pod_of(container);
        if account_of(pod) != *account {
            continue;
        }
        let from = graph.vertex(Foothold::Container(container.name.clone()));
        let reason = format!("{} has a token of {account} for it (`{EKS}`)", container.name);
        let edge = NewEdge::step(&STEP, Kind::Certain, container.because(reason))
            .harder(container.extra())
            .at(Evidence::of(object));
        graph.add(from, to, edge);
    }
}
