//! What is not evaluated, and which answers it can touch.

use std::collections::{BTreeMap, BTreeSet};

use coaming_kube::World;

use crate::facts::asks_for_accounts;
use crate::model::{
    Influence, Linkerd, Mesh, Model, Namespaces, PeerKind, PodSelector, Pods, Policy, PolicyKind,
    Role, Scope, ServicePeer, Tier, Unevaluated, Workload,
};
use crate::reach::Endpoint;
use crate::selector::{ACCOUNT_UNKNOWN, ISTIO, LINKERD, LINKERD_IDENTITY, Operator, Selector};
use crate::sets::groups_meant;
use crate::space::{selects, services_meant};
use crate::views::{from_world, unevaluated_in};

/// The field of a mesh's settings that names the root namespace, where several contradict each other.
pub(crate) const ROOT_NAMESPACE: &str = "rootNamespace";

/// The field of a mesh's settings that says where its proxies let their pods connect to.
pub(crate) const OUTBOUND: &str = "outboundTrafficPolicy";

/// The field of policies of a mesh that are not evaluated for some sources.
pub(crate) const SOURCES: &str = "sources";

/// All objects of one kind that are not evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnevaluatedKind {
    /// The kind: `CiliumNetworkPolicy`.
    pub kind: String,
    /// The API group.
    pub group: String,
    /// The field that is not evaluated, where the rest is.
    pub field: Option<String>,
    /// What they may change.
    pub influence: Influence,
    /// How many there are.
    pub count: usize,
    /// The workloads that they can touch, of those that the question is about.
    pub workloads: BTreeSet<Workload>,
}

impl UnevaluatedKind {
    /// Whether it is checked only where a pod connects to an address outside the pod network.
    pub(crate) fn is_egress_firewall(&self) -> bool {
        let kind = (self.group.as_str(), self.kind.as_str());
        let known =
            [("k8s.ovn.org", "EgressFirewall"), ("network.openshift.io", "EgressNetworkPolicy")];
        known.contains(&kind)
    }
}

impl Unevaluated {
    /// Whether it can touch these pods.
    #[must_use]
    pub fn touches(&self, model: &Model, pods: &Pods) -> bool {
        match &self.scope {
            Scope::Cluster => true,
            Scope::Hosts => pods.host_network,
            Scope::Pods(selector) => selects(model, selector, pods),
        }
    }
}

/// What is not evaluated in a world, by kind.
#[must_use]
pub fn unevaluated_kinds(world: &World) -> Vec<UnevaluatedKind> {
    let mut found = unevaluated_in(world);
    if world.of_kind("Server").any(|object| object.group() == "policy.linkerd.io") {
        // What Linkerd's objects say together is only in the model.
        let more = from_world(world).unevaluated.into_iter();
        let more: Vec<Unevaluated> = more.filter(|object| !found.contains(object)).collect();
        found.extend(more);
    }
    if found.iter().any(is_by_pods) {
        // It depends on the pods whether these are not evaluated.
        let model = from_world(world);
        let real = || model.pods.iter().map(|(_, pods)| pods).filter(|it| it.role == Role::Real);
        found.retain(|object| !is_by_pods(object) || real().any(|it| object.touches(&model, it)));
        let pods: Vec<&Pods> = real().collect();
        found.extend(unknown_members(&model, &pods));
    }
    by_kind(found.iter().map(|object| (object, BTreeSet::new())))
}

/// Whether an object is evaluated but for some pods, or is about networks that only some pods have.
fn is_by_pods(object: &Unevaluated) -> bool {
    matches!(object.influence, Influence::Proxy | Influence::Outbound)
        || object.influence == Influence::Network && object.field.is_some()
}

/// What is not evaluated and can touch these endpoints; without any, what can touch any pods of the
/// model.
#[must_use]
pub fn unevaluated(model: &Model, endpoints: Option<&[Endpoint]>) -> Vec<UnevaluatedKind> {
    let asked: Vec<&Pods> = match endpoints {
        Some(endpoints) => endpoints
            .iter()
            .filter_map(|endpoint| match endpoint {
                Endpoint::Pods(id) => model.pods.get(*id),
                Endpoint::External(_) => None,
            })
            .filter(|pods| pods.role == Role::Real)
            .collect(),
        None => {
            let real = model.pods.iter().filter(|(_, pods)| pods.role == Role::Real);
            real.map(|(_, pods)| pods).collect()
        }
    };
    let derived = [
        unknown_tiers(model),
        unknown_services(model),
        unknown_groups(model),
        unknown_accounts(model, &asked),
        unknown_members(model, &asked),
    ]
    .concat();
    let touching = model.unevaluated.iter().chain(&derived).map(|object| {
        let touched = asked.iter().filter(|pods| object.touches(model, pods));
        let workloads = touched.filter_map(|pods| model.workloads.get(pods.workload));
        (object, workloads.cloned().collect::<BTreeSet<Workload>>())
    });
    by_kind(touching.filter(|(_, workloads)| !workloads.is_empty()))
}

/// A policy of Calico or Cilium in which something is not clear.
fn unclear_in(policy: &Policy, field: String) -> Unevaluated {
    let group = if policy.kind.is_calico() { "projectcalico.org" } else { "cilium.io" };
    Unevaluated {
        group: group.to_owned(),
        kind: policy.kind.name().to_owned(),
        field: Some(field),
        influence: Influence::Policy,
        scope: Scope::Pods(policy.subject.clone()),
        location: policy.location.clone(),
    }
}

/// Policies in tiers of Calico that the input does not have: when these are evaluated is not known.
fn unknown_tiers(model: &Model) -> Vec<Unevaluated> {
    let policies = model.policies.iter().map(|(_, policy)| policy);
    let found = policies.filter_map(|policy| match &policy.tier {
        Tier::Named(name) if !model.tiers.contains_key(name) => {
            Some(unclear_in(policy, format!("tier {name}")))
        }
        _ => None,
    });
    found.collect()
}

/// Policies whose rules name Services that are not in the input or have no selector: where these lead
/// is not known.
fn unknown_services(model: &Model) -> Vec<Unevaluated> {
    let policies = model.policies.iter().map(|(_, policy)| policy);
    let unclear = |services: &ServicePeer| {
        let mut meant = services_meant(model, services).peekable();
        services.name.is_some() && meant.peek().is_none()
            || meant.any(|service| service.selector.is_none())
    };
    let found = policies.filter_map(|policy| {
        let mut services = policy.peers().filter_map(|peer| match &peer.kind {
            PeerKind::Services(services) => Some(services),
            _ => None,
        });
        let field = if policy.kind.is_calico() { "services" } else { "toServices" };
        services.any(unclear).then(|| unclear_in(policy, format!("{field} without pods to select")))
    });
    found.collect()
}

/// Policies that name CIDR groups of Cilium that are not in the input.
fn unknown_groups(model: &Model) -> Vec<Unevaluated> {
    let policies = model.policies.iter().map(|(_, policy)| policy);
    let found = policies.flat_map(|policy| {
        let groups = policy.peers().filter_map(|peer| match &peer.kind {
            PeerKind::CidrGroups(groups) => Some(groups),
            _ => None,
        });
        let unknown = groups.filter(|it| groups_meant(model, it).next().is_none());
        let names = unknown.filter_map(|it| it.name.as_ref()).collect::<BTreeSet<_>>();
        let field = |name| format!("cidrGroupRef: {name}, which is not here,");
        names.into_iter().map(move |name| unclear_in(policy, field(name)))
    });
    found.collect()
}

/// Policies that select by the labels of service accounts, where the input does not have those of
/// these pods.
fn unknown_accounts(model: &Model, asked: &[&Pods]) -> Vec<Unevaluated> {
    if !asked.iter().any(|pods| pods.labels.contains_key(ACCOUNT_UNKNOWN)) {
        return Vec::new();
    }
    let mut pods = Selector::everything();
    pods.require(ACCOUNT_UNKNOWN, Operator::Exists);
    let scope = PodSelector { namespaces: Namespaces::Selected(Selector::everything()), pods };
    let policies = model.policies.iter().map(|(_, policy)| policy);
    let found = policies.filter(|policy| asks_for_accounts(policy)).map(|policy| Unevaluated {
        group: "projectcalico.org".to_owned(),
        kind: policy.kind.name().to_owned(),
        field: Some("serviceAccountSelector for accounts that are not here".to_owned()),
        influence: Influence::Policy,
        scope: Scope::Pods(scope.clone()),
        location: policy.location.clone(),
    });
    found.collect()
}

/// Policies of a service mesh for some of these pods, where the input does not say of others whether
/// they have a proxy of the mesh: who they are, and whether they encrypt, is not known.
fn unknown_members(model: &Model, asked: &[&Pods]) -> Vec<Unevaluated> {
    let of_istio = (ISTIO, Mesh::Unknown.name());
    let istio =
        members(model, asked, of_istio, |kind| kind.is_istio() && kind != PolicyKind::AmbientMesh);
    let of_linkerd = (LINKERD, Linkerd::Unknown.name());
    let linkerd = members(model, asked, of_linkerd, PolicyKind::is_linkerd);
    [istio, linkerd].concat()
}

/// As [`unknown_members`], for the mesh of these kinds: pods whose label `key` has the value `unknown`.
fn members(
    model: &Model,
    asked: &[&Pods],
    (key, unknown): (&str, &str),
    is_of_mesh: impl Fn(PolicyKind) -> bool,
) -> Vec<Unevaluated> {
    if !asked.iter().any(|pods| pods.labels.get(key).is_some_and(|mesh| mesh == unknown)) {
        return Vec::new();
    }
    let mut pods = Selector::everything();
    pods.require(key, Operator::In(vec![unknown.to_owned()]));
    let scope = PodSelector { namespaces: Namespaces::Selected(Selector::everything()), pods };
    let policies = model.policies.iter().map(|(_, policy)| policy);
    let of_waypoints = model.waypoints.iter().flat_map(|waypoint| &waypoint.policies);
    let policies = policies.chain(of_waypoints).filter(|policy| {
        let of_mesh = policy.kind.is_mesh() && is_of_mesh(policy.kind);
        // What takes no client, or any, does not depend on who they are.
        let asks = policy.kind != PolicyKind::InboundPolicy || asks_for_identity(policy);
        of_mesh && asks && asked.iter().any(|pods| selects(model, &policy.subject, pods))
    });
    let found = policies.map(|policy| Unevaluated {
        group: if policy.kind.is_linkerd() { "policy.linkerd.io" } else { "security.istio.io" }
            .to_owned(),
        kind: policy.kind.name().to_owned(),
        field: Some(SOURCES.to_owned()),
        influence: Influence::Proxy,
        scope: Scope::Pods(scope.clone()),
        location: policy.location.clone(),
    });
    found.collect()
}

/// Whether rules of a policy select peers by their identity in Linkerd.
fn asks_for_identity(policy: &Policy) -> bool {
    let keys = [LINKERD, LINKERD_IDENTITY];
    let asks = |it: &Selector| it.requirements().iter().any(|it| keys.contains(&it.key.as_str()));
    policy.peers().any(|peer| matches!(&peer.kind, PeerKind::Pods(pods) if asks(&pods.pods)))
}

fn by_kind<'u>(
    objects: impl Iterator<Item = (&'u Unevaluated, BTreeSet<Workload>)>,
) -> Vec<UnevaluatedKind> {
    let mut kinds: BTreeMap<(&str, &str, &Option<String>), UnevaluatedKind> = BTreeMap::new();
    for (object, workloads) in objects {
        let key = (object.kind.as_str(), object.group.as_str(), &object.field);
        let kind = kinds.entry(key).or_insert_with(|| UnevaluatedKind {
            kind: object.kind.clone(),
            group: object.group.clone(),
            field: object.field.clone(),
            influence: object.influence,
            count: 0,
            workloads: BTreeSet::new(),
        });
        kind.count += 1;
        kind.workloads.extend(workloads);
    }
    kinds.into_values().collect()
}
