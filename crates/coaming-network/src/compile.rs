//! Policies as bitsets over the other ends of connections.
//!
//! The *universe* is every class of pods, then every atom of the outside address space. A rule
//! becomes the set of those that it matches, and the ports on which it does; a named port stays a
//! name until the receiving pods are known.
//!
//! A few classes are made without pods: room for pods that change (see [`Space::put`]).

use std::collections::HashMap;
use std::sync::Arc;

use fixedbitset::FixedBitSet;

use crate::class::{Class, Key, LabelIndex, asked_keys, classify, representatives};
use crate::ip::{IpSet, atoms};
use crate::model::{
    Action, Direction, Model, Namespaces, Peer, PeerKind, PodSelector, Pods, PortMatch,
    PortNumbers, Rule,
};
use crate::ports::{Connections, PortSet, Protocol};

/// Classes that are kept free for pods that change into something new.
const SPARE_CLASSES: usize = 8;

/// Where changed pods went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    /// Into a class that was there: no set changes.
    Known,
    /// Into this class, which means something new.
    New(usize),
    /// Nowhere: no class is free.
    Full,
}

/// The other ends that connections can have, and what finds them.
#[derive(Debug)]
pub(crate) struct Space {
    /// The classes of pods: the first part of the universe.
    pub(crate) classes: Vec<Class>,
    /// The class of each group of pods.
    pub(crate) class_of: Vec<u32>,
    /// The outside addresses, cut where policies cut them: the second part of the universe.
    pub(crate) externals: Vec<IpSet>,
    /// How many members the universe has.
    pub(crate) universe: usize,
    keys: std::collections::BTreeSet<String>,
    /// Whether pods are told apart by their addresses.
    by_address: bool,
    index: LabelIndex,
    everything: Arc<FixedBitSet>,
    outside: HashMap<IpSet, FixedBitSet>,
    /// The classes that have a port of this name, by its protocol and number.
    names: HashMap<String, Vec<(Protocol, u16, FixedBitSet)>>,
    selected: HashMap<PodSelector, Arc<FixedBitSet>>,
}

impl Space {
    /// Finds the classes and atoms of a model.
    pub(crate) fn new(model: &Model) -> Self {
        let by_address = model.policies.iter().any(has_networks);
        let keys = asked_keys(model);
        let (mut classes, class_of) = classify(model, &keys, by_address);
        classes.resize_with(classes.len() + SPARE_CLASSES, || Class { pods: Vec::new() });
        let (externals, members) = outside(model);
        let universe = classes.len() + externals.len();
        let index = LabelIndex::new(model, &classes, &keys, universe);
        let mut everything = FixedBitSet::with_capacity(universe);
        everything.insert_range(..);
        let mut space = Self {
            class_of,
            externals,
            universe,
            keys,
            by_address,
            index,
            everything: Arc::new(everything),
            outside: members,
            names: HashMap::new(),
            selected: HashMap::new(),
            classes,
        };
        space.shift_outside();
        space.index_names(model);
        space
    }

    /// The external members come behind the classes.
    fn shift_outside(&mut self) {
        let (offset, universe) = (self.classes.len(), self.universe);
        for members in self.outside.values_mut() {
            let mut shifted = FixedBitSet::with_capacity(universe);
            shifted.extend(members.ones().map(|atom| atom + offset));
            *members = shifted;
        }
    }

    fn index_names(&mut self, model: &Model) {
        let classes = std::mem::take(&mut self.classes);
        for (class, pods) in representatives(model, &classes) {
            self.insert_names(class, pods);
        }
        self.classes = classes;
    }

    fn insert_names(&mut self, class: usize, pods: &Pods) {
        for port in &pods.ports {
            let Some(name) = &port.name else { continue };
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

    /// Puts the group of pods at `place`, which is about to become `pods`, into the class that
    /// fits: another one, its own if it has that for itself, or a free one.
    pub(crate) fn put(&mut self, model: &Model, place: usize, pods: &Pods) -> Put {
        let key = Key::of(pods, &self.keys, self.by_address);
        let known = representatives(model, &self.classes)
            .filter(|(_, other)| other.namespace == pods.namespace)
            .find(|(_, other)| Key::of(other, &self.keys, self.by_address) == key)
            .map(|(class, _)| class);
        let old = self.class_of.get(place).map(|&class| class as usize);
        if known.is_some() && known == old {
            return Put::Known;
        }
        let own = old.filter(|&class| self.classes.get(class).is_some_and(|it| it.pods.len() == 1));
        let free = || self.classes.iter().position(|class| class.pods.is_empty());
        let Some(class) = known.or(own).or_else(free) else { return Put::Full };
        self.enter(place, old, class);
        if known.is_some() {
            return Put::Known;
        }
        self.index.remove(class);
        self.index.insert(class, pods, &self.keys);
        for (_, _, classes) in self.names.values_mut().flatten() {
            classes.set(class, false);
        }
        self.insert_names(class, pods);
        let mut selected = std::mem::take(&mut self.selected);
        for (selector, classes) in &mut selected {
            set(classes, class, selects(model, selector, pods));
        }
        self.selected = selected;
        Put::New(class)
    }

    /// One of a class's pods, which speaks for all.
    pub(crate) fn representative<'m>(&self, model: &'m Model, class: usize) -> Option<&'m Pods> {
        model.pods.get(*self.classes.get(class)?.pods.first()?)
    }

    /// Moves a group of pods from its class to another.
    fn enter(&mut self, place: usize, old: Option<usize>, class: usize) {
        if let Some(old) = old.and_then(|old| self.classes.get_mut(old)) {
            old.pods.retain(|&other| other != place);
        }
        if let Some(members) = self.classes.get_mut(class).map(|class| &mut class.pods) {
            members.insert(members.partition_point(|&other| other < place), place);
        }
        let number = u32::try_from(class).unwrap_or(u32::MAX);
        match self.class_of.get_mut(place) {
            Some(class) => *class = number,
            None => self.class_of.push(number),
        }
    }

    /// Whether the classes and atoms can tell apart all that this policy tells apart.
    pub(crate) fn knows(&self, policy: &crate::model::Policy) -> bool {
        let keys = policy.pod_selectors().flat_map(|selector| selector.pods.requirements());
        keys.map(|requirement| &requirement.key).all(|key| self.keys.contains(key))
            && peers_of(policy).all(|peer| match &peer.kind {
                PeerKind::Block(set) => self.outside.contains_key(set),
                PeerKind::Networks(_) | PeerKind::Nodes(_) => false,
                PeerKind::Pods(_) | PeerKind::Unknown => true,
            })
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
        let found = Arc::new(self.index.select(model, selector));
        self.selected.insert(selector.clone(), Arc::clone(&found));
        found
    }

    /// Who in the universe an address set means: atoms, nodes that pods share, and with `pods`
    /// also pods by their addresses.
    fn addresses(&self, model: &Model, set: &IpSet, pods_too: bool) -> FixedBitSet {
        let empty = || FixedBitSet::with_capacity(self.universe);
        let mut found = self.outside.get(set).cloned().unwrap_or_else(empty);
        for (class, pods) in representatives(model, &self.classes) {
            if has_address_in(pods, set, pods_too) {
                found.insert(class);
            }
        }
        found
    }

    fn peer(&mut self, model: &Model, peer: &Peer) -> Arc<FixedBitSet> {
        match &peer.kind {
            PeerKind::Pods(selector) => self.select(model, selector),
            PeerKind::Block(set) => Arc::new(self.addresses(model, set, false)),
            PeerKind::Networks(set) => Arc::new(self.addresses(model, set, true)),
            PeerKind::Nodes(selector) => {
                Arc::new(self.addresses(model, &node_addresses(model, selector), false))
            }
            PeerKind::Unknown => Arc::new(FixedBitSet::with_capacity(self.universe)),
        }
    }

    /// Who a rule matches.
    pub(crate) fn peers(&mut self, model: &Model, rule: &Rule) -> Arc<FixedBitSet> {
        match rule.peers.as_deref() {
            None => Arc::clone(&self.everything),
            Some([peer]) => self.peer(model, peer),
            Some(peers) => {
                let mut found = FixedBitSet::with_capacity(self.universe);
                for peer in peers {
                    found.union_with(&self.peer(model, peer));
                }
                Arc::new(found)
            }
        }
    }

    /// A rule, compiled.
    pub(crate) fn rule(&mut self, model: &Model, rule: &Rule) -> CompiledRule {
        let (fixed, named) = rule_ports(rule.ports.as_deref());
        CompiledRule { action: rule.action, peers: self.peers(model, rule), fixed, named }
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

/// Sets one member's bit, and copies a shared set only if that changes it, which it tells.
fn set(members: &mut Arc<FixedBitSet>, member: usize, wanted: bool) -> bool {
    let changes = members.contains(member) != wanted;
    if changes {
        Arc::make_mut(members).set(member, wanted);
    }
    changes
}

/// Whether a selector means these pods.
fn selects(model: &Model, selector: &PodSelector, pods: &Pods) -> bool {
    let here = match &selector.namespaces {
        Namespaces::Named(name) => **name == *pods.namespace,
        Namespaces::Selected(selector) if selector.is_everything() => true,
        Namespaces::Selected(selector) => {
            let namespace = model.namespaces.get(&*pods.namespace);
            namespace.is_some_and(|namespace| selector.matches(&namespace.labels))
        }
    };
    here && !pods.host_network && selector.pods.matches(&pods.labels)
}

/// Whether an address set means these pods: by their node's address, or with `pods_too` by their
/// own.
fn has_address_in(pods: &Pods, set: &IpSet, pods_too: bool) -> bool {
    let inside = if pods.addresses.is_empty() {
        set.covers_a_family()
    } else {
        pods.addresses.is_subset(set)
    };
    inside && (pods.host_network || pods_too)
}

/// Whether a peer means these pods.
fn means(model: &Model, peer: &Peer, pods: &Pods) -> bool {
    match &peer.kind {
        PeerKind::Pods(selector) => selects(model, selector, pods),
        PeerKind::Block(set) => has_address_in(pods, set, false),
        PeerKind::Networks(set) => has_address_in(pods, set, true),
        PeerKind::Nodes(selector) => has_address_in(pods, &node_addresses(model, selector), false),
        PeerKind::Unknown => false,
    }
}

fn peers_of(policy: &crate::model::Policy) -> impl Iterator<Item = &Peer> {
    let rules = policy.ingress.iter().chain(&policy.egress).flatten();
    rules.flat_map(|rule| rule.peers.iter().flatten())
}

fn has_networks(policy: &crate::model::Policy) -> bool {
    peers_of(policy).any(|peer| matches!(peer.kind, PeerKind::Networks(_)))
}

/// The addresses of the nodes with these labels.
pub(crate) fn node_addresses(model: &Model, selector: &crate::selector::Selector) -> IpSet {
    let nodes = model.nodes.iter().filter(|node| selector.matches(&node.labels));
    nodes.fold(IpSet::none(), |found, node| found.union(&node.addresses))
}

/// The atoms of the outside, and which of them each address set of the policies means.
fn outside(model: &Model) -> (Vec<IpSet>, HashMap<IpSet, FixedBitSet>) {
    let nodes = model.policies.iter().flat_map(peers_of).filter_map(|peer| match &peer.kind {
        PeerKind::Nodes(selector) => Some(node_addresses(model, selector)),
        _ => None,
    });
    let knockers = model.ways_in.iter().filter_map(|way| match &way.knocker {
        crate::model::Knocker::Address(set) => Some(set.clone()),
        crate::model::Knocker::Controller => None,
    });
    let mut sets: Vec<IpSet> = model.address_sets().cloned().chain(nodes).chain(knockers).collect();
    sets.sort_unstable();
    sets.dedup();
    let ipv6 = model.ipv6 || model.address_sets().any(IpSet::has_v6);
    let mut externals = Vec::new();
    let mut members: Vec<FixedBitSet> = vec![FixedBitSet::new(); sets.len()];
    for atom in atoms(&sets) {
        let addresses = if ipv6 { atom.addresses } else { atom.addresses.only_v4() };
        if addresses.is_empty() {
            continue;
        }
        for place in atom.members {
            if let Some(members) = members.get_mut(place) {
                members.grow_and_insert(externals.len());
            }
        }
        externals.push(addresses);
    }
    (externals, sets.into_iter().zip(members).collect())
}

/// The ports that a rule's items say by number, and those that they say by name.
fn rule_ports(ports: Option<&[PortMatch]>) -> (Connections, Vec<(Option<Protocol>, String)>) {
    let Some(ports) = ports else { return (Connections::all(), Vec::new()) };
    let mut fixed = Connections::none();
    let mut named = Vec::new();
    for port in ports {
        let set = match &port.numbers {
            PortNumbers::All => PortSet::all(),
            PortNumbers::Range(first, last) => PortSet::range(*first, *last),
            PortNumbers::Named(name) => {
                named.push((port.protocol, name.clone()));
                continue;
            }
        };
        for protocol in Protocol::ALL {
            if port.protocol.is_none_or(|wanted| wanted == protocol) {
                fixed = fixed.union(&Connections::of(protocol, set.clone()));
            }
        }
    }
    (fixed, named)
}

/// The ports that a rule's items say by number.
pub(crate) fn ports_without_names(ports: Option<&[PortMatch]>) -> Connections {
    rule_ports(ports).0
}

/// A rule over the universe.
#[derive(Clone, Debug)]
pub(crate) struct CompiledRule {
    /// What it does.
    pub(crate) action: Action,
    /// Whom it matches.
    pub(crate) peers: Arc<FixedBitSet>,
    /// On which ports, said by number.
    pub(crate) fixed: Connections,
    /// On which ports, said by name.
    pub(crate) named: Vec<(Option<Protocol>, String)>,
}

impl CompiledRule {
    /// The rule as pairs of peers and connections. For ingress, names are those of the policy's
    /// own pods, given as `own`; for egress, those of each peer.
    pub(crate) fn expand(
        &self,
        space: &Space,
        direction: Direction,
        own: &crate::model::Pods,
    ) -> Vec<(Arc<FixedBitSet>, Connections)> {
        let mut pairs = Vec::with_capacity(1 + self.named.len());
        let mut fixed = self.fixed.clone();
        for (protocol, name) in &self.named {
            match direction {
                Direction::Ingress => {
                    for port in Model::named_ports(own, *protocol, name) {
                        let ports = PortSet::range(port.number, port.number);
                        fixed = fixed.union(&Connections::of(port.protocol, ports));
                    }
                }
                Direction::Egress => {
                    for (protocol, number, classes) in space.named(*protocol, name) {
                        let mut peers = (*self.peers).clone();
                        peers.intersect_with(classes);
                        let ports = PortSet::range(number, number);
                        pairs.push((Arc::new(peers), Connections::of(protocol, ports)));
                    }
                }
            }
        }
        if !fixed.is_empty() {
            pairs.push((Arc::clone(&self.peers), fixed));
        }
        pairs
    }
}

/// A policy over the universe.
#[derive(Clone, Debug)]
pub(crate) struct CompiledPolicy {
    /// The classes it selects.
    pub(crate) subject: Arc<FixedBitSet>,
    /// Its rules; `None` for a direction that it has no say in.
    pub(crate) ingress: Option<Vec<CompiledRule>>,
    /// As `ingress`.
    pub(crate) egress: Option<Vec<CompiledRule>>,
}

impl CompiledPolicy {
    /// Compiles a policy.
    pub(crate) fn new(space: &mut Space, model: &Model, policy: &crate::model::Policy) -> Self {
        let mut rules = |rules: Option<&[Rule]>| -> Option<Vec<CompiledRule>> {
            Some(rules?.iter().map(|rule| space.rule(model, rule)).collect())
        };
        let ingress = rules(policy.rules(Direction::Ingress));
        let egress = rules(policy.rules(Direction::Egress));
        Self { subject: space.select(model, &policy.subject), ingress, egress }
    }

    /// Brings one class up to date, which now stands for `pods`. Tells whether the rules of each
    /// direction, ingress and egress, may treat it otherwise than before.
    pub(crate) fn renew(
        &mut self,
        model: &Model,
        policy: &crate::model::Policy,
        class: usize,
        pods: &Pods,
    ) -> [bool; 2] {
        set(&mut self.subject, class, selects(model, &policy.subject, pods));
        Direction::BOTH.map(|direction| {
            let compiled = match direction {
                Direction::Ingress => &mut self.ingress,
                Direction::Egress => &mut self.egress,
            };
            let rules = policy.rules(direction).unwrap_or_default();
            compiled.iter_mut().flatten().zip(rules).fold(false, |changed, (compiled, rule)| {
                let meant = rule.peers.as_ref().map(|peers| {
                    set(&mut compiled.peers, class, peers.iter().any(|it| means(model, it, pods)))
                });
                // A port of a name may have another number in these pods, or none.
                let renamed = direction == Direction::Egress
                    && !compiled.named.is_empty()
                    && compiled.peers.contains(class);
                changed || renamed || meant == Some(true)
            })
        })
    }

    /// The rules for a direction.
    pub(crate) fn rules(&self, direction: Direction) -> Option<&[CompiledRule]> {
        match direction {
            Direction::Ingress => self.ingress.as_deref(),
            Direction::Egress => self.egress.as_deref(),
        }
    }
}
