//! The universe: everything that can be at the other side of a connection.
//!
//! Its members are the classes of pods, then the atoms of the outside address space. Some classes
//! are free: room for pods that change into something new ([`Space::assign`]). Where none is left,
//! the whole is built again with twice the room, so that growth costs a constant amount per class
//! over time.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use fixedbitset::FixedBitSet;

use crate::class::{Class, ClassKey, LabelIndex, NewTerms, Terms};
use crate::ip::{IpSet, atoms};
use crate::model::{
    ExternalSource, IngressPoint, Model, Namespaces, NetworkPlugin, PeerKind, PodSelector, Pods,
    Policy, PolicyPeer, Role, Service, ServicePeer,
};
use crate::ports::Protocol;
use crate::sets::{group_addresses, set_addresses};

/// How many classes are free at first: without changes, room costs time and serves nothing.
pub(crate) const FEW_FREE_CLASSES: usize = 8;

/// How many cached selections may be unused before they are dropped.
const UNUSED_SELECTIONS: usize = 256;

/// Which class changed pods were put into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClassAssignment {
    /// Into a class that has such pods already: no set changes. The class that they left may have
    /// become free.
    Existing {
        /// The class that became free.
        freed: Option<usize>,
    },
    /// Into this class, which was free or theirs alone, and now means something else.
    New {
        /// The class that they are in now.
        class: usize,
        /// The class that became free.
        freed: Option<usize>,
    },
    /// Into none: no class is free.
    Exhausted,
}

/// The members of the universe, and what finds them.
#[derive(Debug)]
pub(crate) struct Space {
    /// The classes of pods: the first part of the universe.
    pub(crate) classes: Vec<Class>,
    /// The class of each group of pods, by its id in the model.
    class_of: Vec<Option<u32>>,
    by_key: HashMap<ClassKey, u32>,
    free: BTreeSet<usize>,
    /// The outside addresses, cut where policies cut them: the second part of the universe.
    pub(crate) externals: Vec<IpSet>,
    /// How many members the universe has.
    pub(crate) universe: usize,
    /// Whether there are IPv6 addresses.
    pub(crate) ipv6: bool,
    terms: Terms,
    /// The address sets of policies, each with the pods that it means by their addresses.
    address_sets: Vec<(IpSet, AddressReach)>,
    /// Whether any of them means pods by their own addresses.
    by_address: bool,
    /// The atoms of each address set.
    outside: HashMap<IpSet, FixedBitSet>,
    index: LabelIndex,
    everything: Arc<FixedBitSet>,
    /// The classes that have a port of this name, by its protocol and number.
    names: HashMap<String, Vec<(Protocol, u16, FixedBitSet)>>,
    selected: HashMap<PodSelector, Arc<FixedBitSet>>,
}

impl Space {
    /// Finds the classes and atoms of a model, and leaves some classes free.
    pub(crate) fn new(model: &Model, free: usize) -> Self {
        let mut terms = Terms::default();
        for (_, policy) in &model.policies {
            terms.add(policy);
            for services in services_of(policy) {
                for selector in led_to(model, services) {
                    terms.add_selector(&selector.pods, &mut NewTerms::default());
                }
            }
        }
        model.waypoints.iter().for_each(|waypoint| terms.add_waypoint(waypoint));
        let (externals, outside) = outside(model);
        let address_sets = address_sets(model);
        let mut space = Self {
            classes: Vec::new(),
            class_of: Vec::new(),
            by_key: HashMap::new(),
            free: BTreeSet::new(),
            externals,
            universe: 0,
            ipv6: has_ipv6(model),
            terms,
            by_address: address_sets.iter().any(|(_, reach)| reach.pods),
            address_sets,
            outside,
            index: LabelIndex::new(0),
            everything: Arc::new(FixedBitSet::new()),
            names: HashMap::new(),
            selected: HashMap::new(),
        };
        space.classify(model);
        space.free = (space.classes.len()..space.classes.len() + free).collect();
        space.classes.resize_with(space.classes.len() + free, Class::default);
        space.universe = space.classes.len() + space.externals.len();
        let mut everything = FixedBitSet::with_capacity(space.universe);
        everything.insert_range(..);
        space.everything = Arc::new(everything);
        space.shift_outside();
        space.index = LabelIndex::new(space.universe);
        for class in 0..space.classes.len() {
            space.index_class(model, class);
        }
        space
    }

    fn classify(&mut self, model: &Model) {
        for (id, pods) in &model.pods {
            let key = self.key_of(pods);
            let class = match self.by_key.get(&key) {
                Some(&class) => class as usize,
                None => {
                    let class = self.classes.len();
                    self.by_key.insert(key.clone(), number(class));
                    self.classes.push(Class { pods: Vec::new(), key: Some(key) });
                    class
                }
            };
            self.enter(id, class);
        }
    }

    fn key_of(&self, pods: &Pods) -> ClassKey {
        if !pods.host_network && !self.by_address {
            return self.terms.project(pods, Vec::new());
        }
        let sets = self.address_sets.iter().enumerate();
        let meant = sets.filter(|(_, (set, reach))| has_address_in(pods, set, *reach));
        let addresses = meant.map(|(position, _)| number(position)).collect();
        self.terms.project(pods, addresses)
    }

    /// The external members come after the classes.
    fn shift_outside(&mut self) {
        let (offset, universe) = (self.classes.len(), self.universe);
        for members in self.outside.values_mut() {
            let mut shifted = FixedBitSet::with_capacity(universe);
            shifted.extend(members.ones().map(|atom| atom + offset));
            *members = shifted;
        }
    }

    fn index_class(&mut self, model: &Model, class: usize) {
        let Some(pods) = self.representative(model, class) else { return };
        if let Some(key) = self.classes.get(class).and_then(|class| class.key.as_ref()) {
            self.index.insert(class, key);
        }
        self.insert_names(class, pods);
    }

    fn insert_names(&mut self, class: usize, pods: &Pods) {
        for port in &pods.ports {
            let Some(name) = port.name.as_ref().filter(|name| self.terms.names_port(name)) else {
                continue;
            };
            let known = self.names.entry(name.clone()).or_default();
            let wanted = (port.protocol, port.number);
            match known.iter_mut().find(|(protocol, number, _)| (*protocol, *number) == wanted) {
                Some((_, _, classes)) => classes.insert(class),
                None => {
                    let mut classes = FixedBitSet::with_capacity(self.universe);
                    classes.insert(class);
                    known.push((port.protocol, port.number, classes));
                }
            }
        }
    }

    /// Puts the group of pods `id`, which is about to become `pods`, into the class that fits:
    /// one that has such pods, its own if it has that for itself, or a free one.
    pub(crate) fn assign(&mut self, model: &Model, id: usize, pods: &Pods) -> ClassAssignment {
        let key = self.key_of(pods);
        let old = self.class_of(id);
        if let Some(class) = self.by_key.get(&key).map(|&class| class as usize) {
            let freed = if old == Some(class) { None } else { self.leave(id) };
            if old != Some(class) {
                self.enter(id, class);
            }
            return ClassAssignment::Existing { freed };
        }
        let alone = old.filter(|&class| self.classes.get(class).is_some_and(|c| c.pods.len() == 1));
        if alone.is_none() && self.free.is_empty() {
            return ClassAssignment::Exhausted;
        }
        let freed = self.leave(id);
        let Some(class) = freed.or_else(|| self.free.first().copied()) else {
            return ClassAssignment::Exhausted;
        };
        self.free.remove(&class);
        self.by_key.insert(key.clone(), number(class));
        self.index.insert(class, &key);
        if let Some(entry) = self.classes.get_mut(class) {
            entry.key = Some(key);
        }
        self.insert_names(class, pods);
        self.enter(id, class);
        let mut selected = std::mem::take(&mut self.selected);
        for (selector, classes) in &mut selected {
            set(classes, class, selects(model, selector, pods));
        }
        self.selected = selected;
        ClassAssignment::New { class, freed: freed.filter(|&freed| freed != class) }
    }

    /// Takes a group of pods out of its class; gives the class if that makes it free.
    pub(crate) fn leave(&mut self, id: usize) -> Option<usize> {
        let class = self.class_of.get_mut(id)?.take()? as usize;
        let entry = self.classes.get_mut(class)?;
        entry.pods.retain(|&other| other != id);
        if !entry.pods.is_empty() {
            return None;
        }
        if let Some(key) = entry.key.take() {
            self.by_key.remove(&key);
            self.index.remove(class, &key);
        }
        for (_, _, classes) in self.names.values_mut().flatten() {
            classes.set(class, false);
        }
        self.free.insert(class);
        Some(class)
    }

    fn enter(&mut self, id: usize, class: usize) {
        if let Some(members) = self.classes.get_mut(class).map(|class| &mut class.pods) {
            members.insert(members.partition_point(|&other| other < id), id);
        }
        if self.class_of.len() <= id {
            self.class_of.resize(id + 1, None);
        }
        if let Some(entry) = self.class_of.get_mut(id) {
            *entry = Some(number(class));
        }
    }

    /// The class of a group of pods.
    pub(crate) fn class_of(&self, id: usize) -> Option<usize> {
        self.class_of.get(id).copied().flatten().map(|class| class as usize)
    }

    /// One of a class's pods: no policy tells it from the others.
    pub(crate) fn representative<'m>(&self, model: &'m Model, class: usize) -> Option<&'m Pods> {
        model.pods.get(*self.classes.get(class)?.pods.first()?)
    }

    /// Each class that has pods, with one of them.
    fn representatives<'m>(&self, model: &'m Model) -> impl Iterator<Item = (usize, &'m Pods)> {
        (0..self.classes.len())
            .filter_map(|class| Some((class, self.representative(model, class)?)))
    }

    /// Learns the terms of a policy; gives those that are new.
    pub(crate) fn learn(&mut self, policy: &Policy) -> NewTerms {
        self.terms.add(policy)
    }

    /// Whether the atoms, and what classes know of addresses, suffice for this policy.
    pub(crate) fn knows_addresses_of(&self, model: &Model, policy: &Policy) -> bool {
        let known = |set: &IpSet, reach: AddressReach| {
            self.address_sets.iter().any(|(known, other)| known == set && *other == reach)
        };
        policy.peers().all(|peer| match &peer.kind {
            PeerKind::Block(set) => known(set, AddressReach::of_blocks(model.plugin)),
            PeerKind::Networks(set) => known(set, AddressReach::ALL),
            PeerKind::Outside(set) => known(set, AddressReach::NONE),
            PeerKind::Nodes(selector) => {
                known(&node_addresses(model, selector), AddressReach::HOSTS)
            }
            PeerKind::Hosts => known(&all_node_addresses(model), AddressReach::HOSTS),
            PeerKind::NetworkSets(sets) => known(&set_addresses(model, sets), AddressReach::ALL),
            PeerKind::CidrGroups(groups) => {
                known(&group_addresses(model, groups), AddressReach::NONE)
            }
            PeerKind::Pods(_) | PeerKind::Controllers | PeerKind::ApiServer | PeerKind::Unknown => {
                true
            }
            // The Services' selectors may have terms that are not known.
            PeerKind::Services(_) => false,
        })
    }

    /// Whether no atom is partly in the addresses that an ingress point is open to.
    pub(crate) fn knows_source_of(&self, point: &IngressPoint) -> bool {
        match &point.source {
            ExternalSource::Address(set) => *set == IpSet::all() || self.outside.contains_key(set),
            _ => true,
        }
    }

    /// Brings the cached selections of namespaces up to date with a class whose namespace changed.
    pub(crate) fn reselect(&mut self, model: &Model, class: usize) {
        let Some(pods) = self.representative(model, class) else { return };
        for (selector, classes) in &mut self.selected {
            if matches!(selector.namespaces, Namespaces::Selected(_)) {
                set(classes, class, selects(model, selector, pods));
            }
        }
    }

    /// The classes on the pod network in a namespace.
    pub(crate) fn classes_in(&self, namespace: &str) -> FixedBitSet {
        self.index.namespace(namespace)
    }

    /// The set of all members.
    pub(crate) fn everything(&self) -> &Arc<FixedBitSet> {
        &self.everything
    }

    /// The classes that a selector means.
    pub(crate) fn select(&mut self, model: &Model, selector: &PodSelector) -> Arc<FixedBitSet> {
        if let Some(known) = self.selected.get(selector) {
            return Arc::clone(known);
        }
        if self.selected.len() > UNUSED_SELECTIONS + 2 * model.policies.len() {
            self.selected.retain(|_, classes| Arc::strong_count(classes) > 1);
        }
        let found = Arc::new(self.index.select(model, &self.terms, selector));
        self.selected.insert(selector.clone(), Arc::clone(&found));
        found
    }

    /// The members that an address set means: atoms, and pods by their addresses.
    fn addresses(&self, model: &Model, set: &IpSet, reach: AddressReach) -> FixedBitSet {
        let empty = || FixedBitSet::with_capacity(self.universe);
        let mut found = self.outside.get(set).cloned().unwrap_or_else(empty);
        for (class, pods) in self.representatives(model) {
            if has_address_in(pods, set, reach) {
                found.insert(class);
            }
        }
        found
    }

    /// The members that a peer of a policy means.
    pub(crate) fn peer(&mut self, model: &Model, peer: &PolicyPeer) -> Arc<FixedBitSet> {
        match &peer.kind {
            PeerKind::Pods(selector) => self.select(model, selector),
            PeerKind::Block(set) => {
                Arc::new(self.addresses(model, set, AddressReach::of_blocks(model.plugin)))
            }
            PeerKind::Networks(set) => Arc::new(self.addresses(model, set, AddressReach::ALL)),
            PeerKind::Nodes(selector) => {
                let nodes = node_addresses(model, selector);
                Arc::new(self.addresses(model, &nodes, AddressReach::HOSTS))
            }
            PeerKind::Outside(set) => Arc::new(self.addresses(model, set, AddressReach::NONE)),
            PeerKind::Hosts => {
                let nodes = all_node_addresses(model);
                let mut found = self.addresses(model, &nodes, AddressReach::HOSTS);
                self.insert_if(model, &mut found, |pods| pods.host_network);
                Arc::new(found)
            }
            PeerKind::NetworkSets(sets) => {
                let addresses = set_addresses(model, sets);
                Arc::new(self.addresses(model, &addresses, AddressReach::ALL))
            }
            PeerKind::CidrGroups(groups) => {
                let addresses = group_addresses(model, groups);
                Arc::new(self.addresses(model, &addresses, AddressReach::NONE))
            }
            PeerKind::Controllers => {
                let mut found = FixedBitSet::with_capacity(self.universe);
                self.insert_if(model, &mut found, |pods| pods.role == Role::Controller);
                Arc::new(found)
            }
            PeerKind::Services(services) => {
                let mut found = FixedBitSet::with_capacity(self.universe);
                for selector in led_to(model, services) {
                    found.union_with(&self.select(model, &selector));
                }
                Arc::new(found)
            }
            PeerKind::ApiServer | PeerKind::Unknown => {
                Arc::new(FixedBitSet::with_capacity(self.universe))
            }
        }
    }

    /// Adds the classes of pods that are `wanted`.
    fn insert_if(&self, model: &Model, found: &mut FixedBitSet, wanted: impl Fn(&Pods) -> bool) {
        found.extend(self.representatives(model).filter(|(_, pods)| wanted(pods)).map(|it| it.0));
    }

    /// The classes with a port of this name, by its protocol and number.
    pub(crate) fn named(
        &self,
        protocol: Option<Protocol>,
        name: &str,
    ) -> impl Iterator<Item = (Protocol, u16, &FixedBitSet)> {
        let known = self.names.get(name).into_iter().flatten();
        known
            .filter(move |(found, _, _)| protocol.is_none_or(|protocol| protocol == *found))
            .map(|(protocol, number, classes)| (*protocol, *number, classes))
    }
}

fn number(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

/// Sets one member's bit, and copies a shared set only if that changes it. Gives whether it does.
pub(crate) fn set(members: &mut Arc<FixedBitSet>, member: usize, wanted: bool) -> bool {
    let changes = members.contains(member) != wanted;
    if changes {
        Arc::make_mut(members).set(member, wanted);
    }
    changes
}

/// Whether a selector means these pods.
pub(crate) fn selects(model: &Model, selector: &PodSelector, pods: &Pods) -> bool {
    in_namespaces(model, &selector.namespaces, &pods.namespace)
        && !pods.host_network
        && selector.pods.matches(&pods.labels)
}

/// Whether a namespace is meant.
pub(crate) fn in_namespaces(model: &Model, namespaces: &Namespaces, name: &str) -> bool {
    match namespaces {
        Namespaces::Named(wanted) => wanted == name,
        Namespaces::Selected(selector) if selector.is_everything() => true,
        Namespaces::Selected(selector) => {
            let namespace = model.namespaces.get(name);
            namespace.is_some_and(|namespace| selector.matches(&namespace.labels))
        }
    }
}

/// Which pods an address set means by their addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct AddressReach {
    /// Those on the pod network, by their own addresses.
    pods: bool,
    /// Those on their node's network, by its addresses.
    hosts: bool,
}

impl AddressReach {
    const ALL: Self = Self { pods: true, hosts: true };
    const HOSTS: Self = Self { pods: false, hosts: true };
    const NONE: Self = Self { pods: false, hosts: false };

    /// What an `ipBlock` means.
    fn of_blocks(plugin: NetworkPlugin) -> Self {
        Self { pods: plugin.blocks_mean_pods(), hosts: plugin.blocks_mean_hosts() }
    }
}

/// Whether an address set means these pods.
fn has_address_in(pods: &Pods, set: &IpSet, reach: AddressReach) -> bool {
    let inside = if pods.addresses.is_empty() {
        set.covers_a_family()
    } else {
        pods.addresses.is_subset(set)
    };
    inside && if pods.host_network { reach.hosts } else { reach.pods }
}

/// Whether a peer of a policy means these pods.
pub(crate) fn means(model: &Model, peer: &PolicyPeer, pods: &Pods) -> bool {
    match &peer.kind {
        PeerKind::Pods(selector) => selects(model, selector, pods),
        PeerKind::Block(set) => has_address_in(pods, set, AddressReach::of_blocks(model.plugin)),
        PeerKind::Networks(set) => has_address_in(pods, set, AddressReach::ALL),
        PeerKind::Nodes(selector) => {
            has_address_in(pods, &node_addresses(model, selector), AddressReach::HOSTS)
        }
        PeerKind::Hosts => pods.host_network,
        PeerKind::NetworkSets(sets) => {
            has_address_in(pods, &set_addresses(model, sets), AddressReach::ALL)
        }
        PeerKind::Controllers => pods.role == Role::Controller,
        PeerKind::Services(services) => {
            led_to(model, services).any(|selector| selects(model, &selector, pods))
        }
        PeerKind::Outside(_)
        | PeerKind::CidrGroups(_)
        | PeerKind::ApiServer
        | PeerKind::Unknown => false,
    }
}

/// The Services that a policy's rules mean.
fn services_of(policy: &Policy) -> impl Iterator<Item = &ServicePeer> {
    policy.peers().filter_map(|peer| match &peer.kind {
        PeerKind::Services(services) => Some(services),
        _ => None,
    })
}

/// The pods that Services lead to.
pub(crate) fn led_to<'m>(
    model: &'m Model,
    peer: &'m ServicePeer,
) -> impl Iterator<Item = PodSelector> + use<'m> {
    services_meant(model, peer).filter_map(|service| {
        let namespaces = Namespaces::Named(service.namespace.clone());
        Some(PodSelector { namespaces, pods: service.selector.clone()? })
    })
}

/// The Services that a peer means.
pub(crate) fn services_meant<'m>(
    model: &'m Model,
    peer: &'m ServicePeer,
) -> impl Iterator<Item = &'m Service> + use<'m> {
    model.services.iter().map(|(_, service)| service).filter(move |service| {
        peer.namespace.as_ref().is_none_or(|it| *it == service.namespace)
            && peer.name.as_ref().is_none_or(|it| *it == service.name)
            && peer.labels.matches(&service.labels)
    })
}

/// Whether a model has IPv6 addresses, or a policy that names some.
pub(crate) fn has_ipv6(model: &Model) -> bool {
    model.ipv6
        || model.address_sets().any(IpSet::has_v6)
        || model.network_sets.iter().any(|set| set.addresses.has_v6())
}

/// The addresses of the nodes with these labels.
fn node_addresses(model: &Model, selector: &crate::selector::Selector) -> IpSet {
    let nodes = model.nodes.iter().filter(|(_, node)| selector.matches(&node.labels));
    IpSet::union_of(nodes.map(|(_, node)| &node.addresses))
}

/// The addresses of all nodes.
fn all_node_addresses(model: &Model) -> IpSet {
    node_addresses(model, &crate::selector::Selector::everything())
}

/// The distinct address sets of policies, each with the pods that it means by their addresses.
fn address_sets(model: &Model) -> Vec<(IpSet, AddressReach)> {
    let peers = model.all_policies().flat_map(Policy::peers);
    let sets = peers.filter_map(|peer| match &peer.kind {
        PeerKind::Block(set) => Some((set.clone(), AddressReach::of_blocks(model.plugin))),
        PeerKind::Networks(set) => Some((set.clone(), AddressReach::ALL)),
        PeerKind::Nodes(selector) => Some((node_addresses(model, selector), AddressReach::HOSTS)),
        PeerKind::Outside(set) => Some((set.clone(), AddressReach::NONE)),
        PeerKind::NetworkSets(sets) => Some((set_addresses(model, sets), AddressReach::ALL)),
        PeerKind::CidrGroups(groups) => Some((group_addresses(model, groups), AddressReach::NONE)),
        PeerKind::Hosts => Some((all_node_addresses(model), AddressReach::HOSTS)),
        PeerKind::Pods(_)
        | PeerKind::Controllers
        | PeerKind::Services(_)
        | PeerKind::ApiServer
        | PeerKind::Unknown => None,
    });
    let sets: BTreeSet<(IpSet, AddressReach)> = sets.collect();
    sets.into_iter().collect()
}

/// The atoms of the outside, and which of them each address set means.
fn outside(model: &Model) -> (Vec<IpSet>, HashMap<IpSet, FixedBitSet>) {
    let sources = model.all_ingress_points().filter_map(|point| match &point.source {
        ExternalSource::Address(set) => Some(set),
        _ => None,
    });
    let sources: BTreeSet<&IpSet> = sources.collect();
    let policies = address_sets(model).into_iter().map(|(set, _)| set);
    let sets: BTreeSet<IpSet> = policies.chain(sources.into_iter().cloned()).collect();
    let sets: Vec<IpSet> = sets.into_iter().collect();
    let ipv6 = has_ipv6(model);
    let mut externals = Vec::new();
    let mut members: Vec<FixedBitSet> = vec![FixedBitSet::new(); sets.len()];
    for atom in atoms(&sets) {
        let addresses = if ipv6 { atom.addresses } else { atom.addresses.only_v4() };
        if addresses.is_empty() {
            continue;
        }
        for set in atom.members {
            if let Some(members) = members.get_mut(set) {
                members.grow_and_insert(externals.len());
            }
        }
        externals.push(addresses);
    }
    (externals, sets.into_iter().zip(members).collect())
}
