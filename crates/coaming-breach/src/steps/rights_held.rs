//! Step `held-rights`.

use coaming_access::Subject;

use crate::bindings::{Bindings, HeldByName};
use crate::evidence::Undo;
use crate::foothold::{Foothold, IdentityName, Link};
use crate::rights::Right;

use super::step;
use crate::graph::{AttackGraph, Kind, NewEdge};
use crate::scene::Scene;

step! {
    /// An identity has the rights of its bindings and of its groups. This step only joins: what
    /// each right leads to is a step of its own. A
    /// right that is limited to some names counts for objects with these names.
    ///
    /// ## Way: shop/web to secret/shop/shop-db
    ///
    /// The rule names the Secret.
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
    /// kind: Secret
    /// metadata:
    ///   name: shop-db
    ///   namespace: shop
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: Role
    /// metadata:
    ///   name: r
    ///   namespace: shop
    /// rules:
    ///   - apiGroups: [""]
    ///     resources: [secrets]
    ///     resourceNames: [shop-db]
    ///     verbs: [get]
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: RoleBinding
    /// metadata:
    ///   name: r
    ///   namespace: shop
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: Role
    ///   name: r
    /// subjects:
    ///   - kind: ServiceAccount
    ///     name: default
    ///     namespace: shop
    /// ```
    ///
    /// ## Wall: shop/web to secret/shop/shop-db
    ///
    /// The rule names another Secret.
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
    /// kind: Secret
    /// metadata:
    ///   name: shop-db
    ///   namespace: shop
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: Role
    /// metadata:
    ///   name: r
    ///   namespace: shop
    /// rules:
    ///   - apiGroups: [""]
    ///     resources: [secrets]
    ///     resourceNames: [other]
    ///     verbs: [get]
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: RoleBinding
    /// metadata:
    ///   name: r
    ///   namespace: shop
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: Role
    ///   name: r
    /// subjects:
    ///   - kind: ServiceAccount
    ///     name: default
    ///     namespace: shop
    /// ```
    STEP {
        id: "held-rights",
        technique: "T1078.004",
        summary: "use the rights of an identity"
    }
}

const RULES: &[&str] = &["role-gives-rights", "role-reads-secrets", "default-account-rights"];

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    let bindings = Bindings::new(scene);
    for identity in bindings.identities() {
        let from = graph.vertex(Foothold::Identity(identity.clone()));
        for held in bindings.held(scene, identity) {
            let place = match &held.namespace {
                Some(namespace) => format!("in namespace {namespace}"),
                None => "in the cluster".to_owned(),
            };
            let reason = format!("{identity} may {} {place}", held.requests.join(" and "));
            let mut edge = NewEdge::note(reason).at_all(held.evidence);
            for object in held.objects {
                edge = edge.undone_by(Undo::of_object(RULES, object));
            }
            let to = graph.link(Link::Right(held.right, held.namespace));
            graph.add(from, to, edge);
        }
        add_named(scene, graph, &bindings, identity);
    }
    add_groups(scene, graph, &bindings);
    add_masters(graph);
    add_extents(scene, graph);
}

fn add_named(
    scene: &Scene<'_>,
    graph: &mut AttackGraph,
    bindings: &Bindings<'_>,
    identity: &IdentityName,
) {
    let from = graph.vertex(Foothold::Identity(identity.clone()));
    for (held, evidence, objects) in bindings.held_by_name(scene, identity) {
        let single = |foothold: Foothold| vec![foothold];
        let (to, reason) = match held {
            HeldByName::Secret { namespace, name } => {
                let reason = format!("{identity} may read Secret {namespace}/{name}");
                (single(Foothold::Secret { namespace, name }), reason)
            }
            HeldByName::AccountToken { namespace, name } => {
                let reason = format!("{identity} may issue tokens of {namespace}/{name}");
                (single(account(namespace, name)), reason)
            }
            HeldByName::ImpersonateAccount { namespace, name } => {
                let reason = format!("{identity} may act as {namespace}/{name}");
                (single(account(namespace, name)), reason)
            }
            HeldByName::ImpersonateUser(name) => {
                let reason = format!("{identity} may act as user {name}");
                (single(Foothold::Identity(IdentityName::User(name))), reason)
            }
            HeldByName::ChangeWorkload { namespace } => {
                let reason = format!("{identity} may change the pods of a workload in {namespace}");
                (single(right_in(Right::StartPods, namespace)), reason)
            }
            HeldByName::LabelNamespace { namespace } => {
                let reason = format!("{identity} may change the labels of namespace {namespace}");
                (single(right_in(Right::LabelNamespace, namespace)), reason)
            }
            HeldByName::Exec { pod } => {
                let containers = scene.containers_of(&scene.pods[pod]).iter();
                let to = containers.map(|it| Foothold::Container(it.name.clone())).collect();
                (to, format!("{identity} may run commands in {}", scene.pods[pod].name))
            }
            HeldByName::Connect { pod } => {
                let pod = &scene.pods[pod];
                let ports = pod.listens.keys().map(|&(protocol, port)| Foothold::Port {
                    workload: pod.name.clone(),
                    protocol,
                    port,
                });
                (ports.collect(), format!("{identity} may connect to {}", pod.name))
            }
        };
        for to in to {
            let to = graph.vertex(to);
            let mut edge =
                NewEdge::step(&STEP, Kind::Certain, reason.clone()).at_all(evidence.clone());
            for object in &objects {
                edge = edge.undone_by(Undo::of_object(RULES, *object));
            }
            graph.add(from, to, edge);
        }
    }
}

fn account(namespace: String, name: String) -> Foothold {
    Foothold::Identity(IdentityName::ServiceAccount { namespace, name })
}

fn right_in(right: Right, namespace: String) -> Foothold {
    Foothold::Link(Link::Right(right, Some(namespace)))
}

/// Accounts are members of groups.
fn add_groups(scene: &Scene<'_>, graph: &mut AttackGraph, bindings: &Bindings<'_>) {
    let groups: Vec<&str> = bindings
        .identities()
        .filter_map(|identity| match identity {
            IdentityName::Group(group) => Some(group.as_str()),
            _ => None,
        })
        .collect();
    for (namespace, name) in &scene.accounts {
        for group in groups.iter().filter(|group| Subject::Group(group).covers(namespace, name)) {
            let account =
                IdentityName::ServiceAccount { namespace: namespace.clone(), name: name.clone() };
            let reason = format!("{account} is in group {group}");
            let from = graph.vertex(Foothold::Identity(account));
            let to = graph.vertex(Foothold::Identity(IdentityName::Group((*group).to_owned())));
            graph.add(from, to, NewEdge::step(&STEP, Kind::Certain, reason));
        }
    }
    let everyone = "system:authenticated".to_owned();
    if groups.contains(&everyone.as_str()) {
        let users =
            bindings.identities().filter(|identity| matches!(identity, IdentityName::User(_)));
        for user in users.filter(|user| **user != IdentityName::User("system:anonymous".to_owned()))
        {
            let from = graph.vertex(Foothold::Identity(user.clone()));
            let to = graph.vertex(Foothold::Identity(IdentityName::Group(everyone.clone())));
            graph.add(from, to, NewEdge::note(format!("{user} is in group {everyone}")));
        }
    }
}

/// The API server asks nobody what this group may do.
fn add_masters(graph: &mut AttackGraph) {
    let masters = IdentityName::Group("system:masters".to_owned());
    let reason = format!("{masters} may do everything, without any binding");
    let from = graph.vertex(Foothold::Identity(masters));
    let to = graph.vertex(Foothold::ClusterAdmin);
    graph.add(from, to, NewEdge::step(&STEP, Kind::Certain, reason));
}

/// A right in the cluster is one in every namespace.
fn add_extents(scene: &Scene<'_>, graph: &mut AttackGraph) {
    let of_cluster: Vec<_> = graph
        .footholds()
        .filter_map(|(vertex, foothold)| match foothold {
            Foothold::Link(Link::Right(right, None)) => Some((vertex, *right)),
            _ => None,
        })
        .collect();
    for (from, right) in of_cluster {
        for namespace in &scene.namespaces {
            let to = graph.link(Link::Right(right, Some(namespace.clone())));
            graph.add(from, to, NewEdge::link());
        }
    }
}
