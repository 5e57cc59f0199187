//! From objects to the model, one object at a time.
//!
//! What an object says by itself is read once ([`ObjectFacts`]). What the model needs follows from
//! several objects: a pod's workload from the chain of its owners, ingress points from a route, its
//! Service and the pods of that, a namespace from its object and from whatever is in it. Each such
//! derived fact is kept with what it derives from, so that a changed object updates exactly what
//! depends on it. [`Facts::settle`] brings a model, or a [`Reach`], up to date.
//!
//! Invariant: after `settle`, the model is the one that reading all current objects from scratch
//! gives, up to ids.

mod accounts;
mod ambient;
mod ingress;
mod linkerd;
mod namespaces;
mod owners;
mod policies;
mod target;
mod waypoints;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use coaming_kube::ObjectId;

use crate::ip::IpSet;
use crate::model::{
    ExternalSource, Influence, Model, NetworkPlugin, NetworkSet, Node, Pods, Policy, PolicyKind,
    PortNumbers, Problem, Service, ServicePort, SourceRef, TierSettings, Unevaluated, Workload,
    asks_for_ambient, enter_linkerd, enter_mesh, is_ambient,
};
use crate::ports::Protocol;
use crate::selector::{INBOUND, Labels};
use crate::views::istio::RootNamespace;
use crate::views::istio::waypoints::{AttachedPolicy, GatewayFacts};
use crate::views::linkerd::{LinkerdObject, LinkerdSettings};
pub(crate) use accounts::asks as asks_for_accounts;
pub(crate) use target::Target;

/// Kind, namespace and name: how objects refer to each other.
pub(crate) type Identity = (String, String, String);

/// A name in a namespace.
pub(crate) type Name = (String, String);

/// What one object says by itself.
#[derive(Debug)]
pub(crate) struct ObjectFacts {
    /// The object.
    pub(crate) identity: Identity,
    /// For an object with owner references: the owner, if one counts.
    pub(crate) owner: Option<Option<Identity>>,
    /// Whether its controller may make pods that the input does not show.
    pub(crate) opaque: bool,
    /// The pods that it is or makes; their workload is derived.
    pub(crate) pods: Vec<Pods>,
    /// What else it says.
    pub(crate) statement: Statement,
}

impl ObjectFacts {
    /// Whether it says something about whom proxies of Linkerd let in.
    fn is_of_linkerd(&self) -> bool {
        match &self.statement {
            Statement::Linkerd(_) | Statement::LinkerdSettings(_) => true,
            Statement::Namespace(labels, _) => labels.contains_key(INBOUND),
            _ => self.pods.iter().any(|pods| pods.labels.contains_key(INBOUND)),
        }
    }

    /// Whether it brings pods into the ambient mesh of Istio.
    fn is_of_ambient(&self) -> bool {
        match &self.statement {
            Statement::Namespace(labels, _) => is_ambient(labels),
            _ => self.pods.iter().any(|pods| asks_for_ambient(&pods.labels)),
        }
    }
}

/// What an object says beyond pods.
#[derive(Debug, Default)]
pub(crate) enum Statement {
    /// Nothing.
    #[default]
    Nothing,
    /// It is a namespace.
    Namespace(Labels, SourceRef),
    /// It is a policy.
    Policy(PolicyKind, Box<PolicyFacts>),
    /// It is a Service; whether it has IPv6, and how it is open to the outside.
    Service(Box<Service>, bool, Option<Box<Entrance>>),
    /// It is a route: an Ingress or something like it.
    Route(Vec<Entrance>),
    /// It is a service account, with these labels.
    Account(Labels),
    /// It is a node.
    Node(Node),
    /// The API server calls these Services because of it.
    Calls(Vec<Name>),
    /// It lists addresses that a Service leads to.
    Endpoints(Name, IpSet),
    /// It lets routes refer to Services of its namespace.
    Grant(Grant),
    /// It is a network set of Calico.
    NetworkSet(NetworkSet),
    /// It is a tier of Calico.
    Tier(Arc<str>, TierSettings),
    /// It is an object of Linkerd.
    Linkerd(Box<LinkerdObject>),
    /// It is a Gateway.
    Gateway(Box<GatewayFacts>),
    /// It is a class of Gateways: what controls them.
    GatewayClass(String),
    /// It holds settings of Linkerd.
    LinkerdSettings(LinkerdSettings),
    /// It decides about connections, and is not evaluated.
    Unevaluated(Box<Unevaluated>),
    /// It runs a network plugin.
    Plugin(NetworkPlugin),
}

/// What an object that is a policy says.
#[derive(Debug, Default)]
pub(crate) struct PolicyFacts {
    /// The policies that it holds, in their order; none if the API server would refuse it.
    pub(crate) policies: Vec<Policy>,
    /// The policy that it attaches to waypoints, if it does.
    pub(crate) attached: Option<AttachedPolicy>,
    /// What is wrong with it.
    pub(crate) problems: Vec<Problem>,
    /// What of it is not evaluated.
    pub(crate) unevaluated: Vec<Unevaluated>,
}

impl PolicyFacts {
    pub(crate) fn of(policy: Option<Policy>) -> Self {
        Self { policies: policy.into_iter().collect(), ..Self::default() }
    }
}

/// A way for traffic from outside to a Service.
#[derive(Clone, Debug)]
pub(crate) struct Entrance {
    /// The Service.
    pub(crate) service: Name,
    /// The protocol that it is limited to.
    pub(crate) protocol: Option<Protocol>,
    /// Where the traffic comes from.
    pub(crate) source: ExternalSource,
    /// The ports of the Service.
    pub(crate) wanted: WantedPort,
    /// Whether `wanted` may be the pods' side of a port.
    pub(crate) by_target: bool,
    /// The object that opens it: `Ingress shop/web`.
    pub(crate) via: String,
    /// The group, kind and namespace that a grant must name, if one is needed.
    pub(crate) needs_grant: Option<[String; 3]>,
    /// The namespace of the route.
    pub(crate) namespace: String,
    /// The Gateways that the route is for; none for what needs none.
    pub(crate) gateways: Vec<Name>,
}

/// Which port of a Service a route refers to.
#[derive(Clone, Debug)]
pub(crate) enum WantedPort {
    /// All of them.
    Any,
    /// The one of this name.
    Name(String),
    /// The one of this number.
    Number(i64),
}

impl Entrance {
    /// Whether it leads to this port of its Service.
    pub(crate) fn leads_to(&self, port: &ServicePort) -> bool {
        let by_target = || match (&self.wanted, &port.target) {
            (WantedPort::Name(name), PortNumbers::Named(target)) => name == target,
            (WantedPort::Number(number), PortNumbers::Range(target, _)) => {
                i64::from(*target) == *number
            }
            _ => false,
        };
        let by_port = match &self.wanted {
            WantedPort::Any => true,
            WantedPort::Name(name) => port.name == *name,
            WantedPort::Number(number) => i64::from(port.port) == *number,
        };
        self.protocol.is_none_or(|protocol| protocol == port.protocol)
            && (by_port || self.by_target && by_target())
    }
}

/// What a `ReferenceGrant` grants.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    /// Its namespace.
    pub(crate) namespace: String,
    /// The group, kind and namespace of routes.
    pub(crate) from: Vec<[String; 3]>,
    /// The names of Services; `None` for all.
    pub(crate) to: Vec<Option<String>>,
}

/// The facts of all objects, and what is derived from them.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    sources: BTreeMap<ObjectId, ObjectFacts>,
    owners: owners::Owners,
    /// The pods of each object, by their ids in the model.
    pods_of: HashMap<ObjectId, Vec<usize>>,
    /// The workloads in the model, with how many groups of pods they have.
    workloads: HashMap<Workload, (usize, usize)>,
    namespaces: namespaces::Mentions,
    policies: policies::PolicyNames,
    ingress: ingress::IngressFacts,
    nodes: HashMap<ObjectId, usize>,
    /// How many pods and Services have IPv6 addresses.
    ipv6: usize,
    unevaluated: BTreeSet<ObjectId>,
    /// Calico's network sets and tiers.
    calico: BTreeSet<ObjectId>,
    accounts: accounts::Accounts,
    /// How many policies of Istio there are, and objects of its ambient mesh.
    mesh: usize,
    ambient: ambient::AmbientFacts,
    /// The namespace whose policies of Istio apply to all.
    istio_root: RootNamespace,
    /// How many objects there are of which Linkerd's proxies take whom to let in.
    linkerd_count: usize,
    linkerd: linkerd::LinkerdFacts,
    /// How many objects run each network plugin.
    plugins: BTreeMap<NetworkPlugin, usize>,
    dirty: Dirty,
}

/// What the model does not yet show.
#[derive(Debug, Default)]
struct Dirty {
    /// Objects whose pods changed, or their workload.
    pods: BTreeSet<ObjectId>,
    /// Pods of objects that are gone, by their ids in the model.
    gone: Vec<usize>,
    nodes: BTreeSet<ObjectId>,
    unevaluated: bool,
    calico: bool,
}

impl Facts {
    /// Facts of objects, of which this is the root namespace of Istio.
    pub(crate) fn new(istio_root: RootNamespace) -> Self {
        Self { istio_root, ..Self::default() }
    }

    /// As [`Self::new`], for objects that will change.
    pub(crate) fn changeable(istio_root: RootNamespace) -> Self {
        let mut facts = Self::new(istio_root);
        facts.ingress.keep_up();
        facts
    }

    /// Adds an object.
    pub(crate) fn insert(&mut self, id: ObjectId, facts: ObjectFacts) {
        self.sources.insert(id, facts);
        self.count(id, true);
    }

    /// Removes an object.
    pub(crate) fn remove(&mut self, id: ObjectId) {
        if !self.sources.contains_key(&id) {
            return;
        }
        self.count(id, false);
        self.dirty.gone.extend(self.pods_of.remove(&id).unwrap_or_default());
        self.dirty.pods.remove(&id);
        self.sources.remove(&id);
    }

    /// Takes an object into account, or no longer.
    fn count(&mut self, id: ObjectId, add: bool) {
        let Some(facts) = self.sources.get(&id) else { return };
        if facts.is_of_ambient() {
            self.ambient.change(add);
        }
        self.ambient.change_object(id, &facts.statement, add);
        let of_mesh = match &facts.statement {
            Statement::Policy(kind, _) => kind.is_mesh(),
            Statement::Unevaluated(object) => object.influence == Influence::Outbound,
            _ => false,
        };
        if (facts.is_of_ambient() || of_mesh) && appears_or_goes(&mut self.mesh, add) {
            // All pods come into the mesh, or none is in it.
            self.dirty.pods.extend(with_pods(&self.sources));
        }
        self.dirty.pods.extend(self.owners.change(id, facts, add));
        let namespace = &facts.identity.1;
        if !facts.pods.is_empty() {
            self.dirty.pods.insert(id);
            self.namespaces.mention(namespace, add);
        }
        if facts.opaque {
            self.namespaces.opaque(namespace, add);
        }
        let ipv6 = facts.pods.iter().filter(|pods| pods.addresses.has_v6()).count();
        self.ipv6 = if add { self.ipv6 + ipv6 } else { self.ipv6.saturating_sub(ipv6) };
        match &facts.statement {
            Statement::Nothing => {}
            Statement::Namespace(..) => {
                self.namespaces.declare(&facts.identity.2, id, add);
                if self.mesh > 0 || self.linkerd_count > 0 {
                    let name = &facts.identity.2;
                    let inside = self.sources.iter().filter(|(_, facts)| facts.identity.1 == *name);
                    self.dirty.pods.extend(inside.map(|(id, _)| *id));
                }
            }
            Statement::Policy(kind, policy) => {
                let valid = !policy.policies.is_empty();
                if (valid || policy.attached.is_some()) && !namespace.is_empty() {
                    self.namespaces.mention(namespace, add);
                }
                let identity = (*kind, namespace.clone(), facts.identity.2.clone());
                self.policies.change(identity, id, valid, add);
                if self.accounts.change_policies(&policy.policies, add) {
                    self.dirty.pods.extend(with_pods(&self.sources));
                }
                if !policy.unevaluated.is_empty() {
                    self.dirty.unevaluated = true;
                    keep(&mut self.unevaluated, id, add);
                }
            }
            Statement::Account(_) => {
                let name = (namespace.clone(), facts.identity.2.clone());
                self.accounts.change(name, id, add);
                if self.accounts.count() {
                    let inside = with_pods(&self.sources).filter(|id| {
                        self.sources.get(id).is_some_and(|it| it.identity.1 == *namespace)
                    });
                    self.dirty.pods.extend(inside);
                }
            }
            Statement::Node(_) => {
                self.dirty.nodes.insert(id);
            }
            Statement::Service(service, ipv6, _) => {
                let ipv6 = usize::from(*ipv6);
                self.ipv6 = if add { self.ipv6 + ipv6 } else { self.ipv6.saturating_sub(ipv6) };
                self.ingress.change_service(id, service, add);
                self.policies.services_changed();
            }
            Statement::Unevaluated(_) => {
                self.dirty.unevaluated = true;
                keep(&mut self.unevaluated, id, add);
            }
            Statement::Linkerd(_) => self.linkerd.change(id, add),
            Statement::LinkerdSettings(_) => {
                self.linkerd.change_settings(id, add);
                self.dirty.pods.extend(with_pods(&self.sources));
            }
            Statement::NetworkSet(_) | Statement::Tier(..) => {
                self.dirty.calico = true;
                keep(&mut self.calico, id, add);
            }
            Statement::Plugin(plugin) => {
                let count = self.plugins.entry(*plugin).or_default();
                *count = if add { *count + 1 } else { count.saturating_sub(1) };
            }
            Statement::Route(_)
            | Statement::Gateway(_)
            | Statement::GatewayClass(_)
            | Statement::Calls(_)
            | Statement::Endpoints(..)
            | Statement::Grant(_) => {}
        }
        self.ingress.change(id, facts, add);
        if facts.is_of_linkerd() && appears_or_goes(&mut self.linkerd_count, add) {
            self.linkerd.touch();
            self.dirty.pods.extend(with_pods(&self.sources));
        }
    }

    /// Brings a model up to date.
    pub(crate) fn settle(&mut self, target: &mut impl Target) {
        for (name, value) in self.namespaces.changed(&self.sources) {
            if let Some(value) = value {
                target.put_namespace(&name, value);
            }
        }
        self.settle_pods(target);
        self.ambient.settle(target);
        let linkerd = self.linkerd.settle(&self.sources, self.linkerd_count > 0, target);
        self.dirty.unevaluated |= linkerd;
        if linkerd
            | self.policies.settle(&self.sources, &self.ingress, target)
            | self.namespaces.settle_problems(&self.sources)
        {
            let problems = self.policies.problems().chain(self.namespaces.problems());
            let problems = problems.chain(&self.linkerd.problems);
            target.set_problems(problems.cloned().collect());
        }
        for id in std::mem::take(&mut self.dirty.nodes) {
            let node = match self.sources.get(&id).map(|facts| &facts.statement) {
                Some(Statement::Node(node)) => Some(node.clone()),
                _ => None,
            };
            match node {
                Some(node) => {
                    let known = self.nodes.get(&id).copied();
                    self.nodes.insert(id, target.put_node(known, node));
                }
                None => {
                    self.nodes.remove(&id).into_iter().for_each(|node| target.remove_node(node))
                }
            }
        }
        self.ingress.settle(&self.sources, target);
        // Namespaces of stand-ins for ingress controllers come and go with these.
        for (name, value) in self.namespaces.settled(&self.sources, self.ingress.is_controlled()) {
            match value {
                Some(value) => target.put_namespace(&name, value),
                None => target.remove_namespace(&name),
            }
        }
        target.set_ipv6(self.ipv6 > 0);
        self.dirty.unevaluated |=
            self.ambient.settle_waypoints(&self.sources, &self.istio_root, target);
        if std::mem::take(&mut self.dirty.unevaluated) {
            let statements = self.unevaluated.iter().filter_map(|id| self.sources.get(id));
            let found = statements.flat_map(|facts| match &facts.statement {
                Statement::Unevaluated(object) => std::slice::from_ref(&**object),
                Statement::Policy(_, policy) => &policy.unevaluated,
                _ => &[],
            });
            let found = found.chain(&self.linkerd.unevaluated).chain(&self.ambient.unevaluated);
            target.set_unevaluated(found.cloned().collect());
        }
        if std::mem::take(&mut self.dirty.calico) {
            self.settle_calico(target);
        }
        target.set_plugin(self.plugin());
    }

    fn settle_calico(&self, target: &mut impl Target) {
        let mut sets = Vec::new();
        let mut tiers = BTreeMap::new();
        for facts in self.calico.iter().filter_map(|id| self.sources.get(id)) {
            match &facts.statement {
                Statement::NetworkSet(set) => sets.push(set.clone()),
                Statement::Tier(name, settings) => {
                    tiers.insert(Arc::clone(name), *settings);
                }
                _ => {}
            }
        }
        target.set_network_sets(sets);
        target.set_tiers(tiers);
    }

    /// The network plugin, if the objects run exactly one.
    fn plugin(&self) -> NetworkPlugin {
        let mut running = self.plugins.iter().filter(|(_, count)| **count > 0);
        match (running.next(), running.next()) {
            (Some((plugin, _)), None) => *plugin,
            _ => NetworkPlugin::Unknown,
        }
    }

    fn settle_pods(&mut self, target: &mut impl Target) {
        for id in std::mem::take(&mut self.dirty.gone) {
            self.remove_pods(id, target);
        }
        // New workloads get their ids in the order of their names.
        let mut changed: Vec<(ObjectId, Workload)> = std::mem::take(&mut self.dirty.pods)
            .into_iter()
            .filter_map(|id| Some((id, self.owners.topmost(&self.sources.get(&id)?.identity, id))))
            .filter(|(id, _)| self.sources.get(id).is_some_and(|facts| !facts.pods.is_empty()))
            .collect();
        let new: BTreeSet<&Workload> = changed.iter().map(|(_, workload)| workload).collect();
        for workload in new {
            if !self.workloads.contains_key(workload) {
                let id = target.put_workload(None, workload.clone());
                self.workloads.insert(workload.clone(), (id, 0));
            }
        }
        let inbound = self.linkerd.inbound(&self.sources);
        for (source, workload) in changed.drain(..) {
            let known = self.pods_of.remove(&source).unwrap_or_default();
            for &id in &known {
                self.uncount(id, target.model());
            }
            let Some(facts) = self.sources.get(&source) else { continue };
            let Some((workload_id, count)) = self.workloads.get_mut(&workload) else { continue };
            *count += facts.pods.len();
            let mut ids = Vec::with_capacity(facts.pods.len());
            for (position, pods) in facts.pods.iter().enumerate() {
                let mut pods = Pods { workload: *workload_id, ..pods.clone() };
                if self.accounts.count() {
                    let labels = Arc::make_mut(&mut pods.labels);
                    self.accounts.enter(&self.sources, &pods.namespace, labels);
                }
                if (self.mesh > 0 || self.linkerd_count > 0)
                    && let Some(namespace) = target.model().namespaces.get(&*pods.namespace)
                {
                    let labels = Arc::make_mut(&mut pods.labels);
                    if self.mesh > 0 {
                        enter_mesh(labels, pods.host_network, namespace);
                    }
                    if self.linkerd_count > 0 {
                        enter_linkerd(labels, pods.host_network, namespace, inbound);
                    }
                }
                let id = target.put_pods(known.get(position).copied(), pods);
                self.ingress.pods_changed(id);
                ids.push(id);
            }
            self.pods_of.insert(source, ids);
        }
        let unused: Vec<Workload> = self
            .workloads
            .iter()
            .filter(|(_, (_, count))| *count == 0)
            .map(|(workload, _)| workload.clone())
            .collect();
        for workload in unused {
            if let Some((id, _)) = self.workloads.remove(&workload) {
                target.remove_workload(id);
            }
        }
    }

    fn remove_pods(&mut self, id: usize, target: &mut impl Target) {
        self.uncount(id, target.model());
        self.ingress.pods_removed(id);
        target.remove_pods(id);
    }

    /// The pods no longer count for their workload.
    fn uncount(&mut self, id: usize, model: &Model) {
        let workload = model.pods.get(id).and_then(|pods| model.workloads.get(pods.workload));
        if let Some((_, count)) = workload.and_then(|workload| self.workloads.get_mut(workload)) {
            *count = count.saturating_sub(1);
        }
    }
}

/// Counts one more, or one less; gives whether that makes the first or leaves none.
fn appears_or_goes(count: &mut usize, add: bool) -> bool {
    let before = *count;
    *count = if add { before + 1 } else { before.saturating_sub(1) };
    (before == 0) != (*count == 0)
}

/// The objects that have pods.
fn with_pods(sources: &BTreeMap<ObjectId, ObjectFacts>) -> impl Iterator<Item = ObjectId> {
    sources.iter().filter(|(_, facts)| !facts.pods.is_empty()).map(|(id, _)| *id)
}

/// Adds an object to a set, or removes it.
fn keep(set: &mut BTreeSet<ObjectId>, id: ObjectId, add: bool) {
    if add {
        set.insert(id);
    } else {
        set.remove(&id);
    }
}
