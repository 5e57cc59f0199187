//! Equivalence classes of pods: what no policy can tell apart is one class.
//!
//! Pods are projected onto what the policies ask for ([`Terms`]): the label keys and values that
//! selectors mention, the port names that rules mention, the address sets that they name. Two
//! groups of pods with the same projection ([`ClassKey`]) are one class; a label that no selector
//! mentions, such as the unique one of a Job, makes no class. All later work is on classes, so its
//! cost grows with the variety that policies ask for, and not with the size of a cluster.
//! [`LabelIndex`] answers a selector with bitset operations, never by walking over classes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use fixedbitset::FixedBitSet;

use crate::model::{
    Model, Namespaces, PeerKind, PodSelector, Pods, Policy, PortMatch, PortNumbers, Role, Waypoint,
};
use crate::ports::Protocol;
use crate::selector::{Operator, Pattern, Selector};

/// A class of pods.
#[derive(Clone, Debug, Default)]
pub(crate) struct Class {
    /// The pods in it, by their ids in the model, ascending; none in a free class.
    pub(crate) pods: Vec<usize>,
    /// What they have in common; `None` in a free class.
    pub(crate) key: Option<ClassKey>,
}

/// The number of a label key or a port name that policies mention.
type TermId = u32;

/// A label: its key, and its value, of which [`OTHER`] is any that no selector mentions.
type LabelTerm = (TermId, TermId);

/// A label value that no selector mentions.
const OTHER: TermId = 0;

/// What makes pods one class.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ClassKey {
    namespace: Arc<str>,
    labels: Vec<LabelTerm>,
    ports: Vec<(TermId, Protocol, u16)>,
    host_network: bool,
    /// The patterns that values of their labels are like.
    patterns: Vec<TermId>,
    /// The address sets that mean the pods, by their numbers.
    addresses: Vec<u32>,
    role: Role,
}

/// The label keys, label values and port names that policies mention.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    keys: HashMap<String, (TermId, HashMap<String, TermId>)>,
    /// By key: the patterns for its values.
    patterns: HashMap<String, Vec<(Pattern, TermId)>>,
    pattern_count: TermId,
    port_names: HashMap<String, TermId>,
}

/// Terms that were not known before.
#[derive(Debug, Default)]
pub(crate) struct NewTerms {
    /// Label keys, all values of which are concerned.
    keys: HashSet<String>,
    labels: HashSet<(String, String)>,
    port_names: HashSet<String>,
}

impl NewTerms {
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.labels.is_empty() && self.port_names.is_empty()
    }

    /// Whether pods may be of another class because of these terms.
    pub(crate) fn concern(&self, pods: &Pods) -> bool {
        let mut labels = pods.labels.iter();
        let mut names = pods.ports.iter().filter_map(|port| port.name.as_ref());
        let has_label = |(key, value): (&String, &String)| {
            self.keys.contains(key)
                || !self.labels.is_empty() && self.labels.contains(&(key.clone(), value.clone()))
        };
        labels.any(has_label) || names.any(|name| self.port_names.contains(name))
    }
}

fn next_id<K, V>(map: &HashMap<K, V>, first: TermId) -> TermId {
    u32::try_from(map.len()).unwrap_or(u32::MAX).saturating_add(first)
}

impl Terms {
    /// Adds what a waypoint and its policies mention.
    pub(crate) fn add_waypoint(&mut self, waypoint: &Waypoint) {
        waypoint.policies.iter().for_each(|policy| drop(self.add(policy)));
        let mut new = NewTerms::default();
        let sources = waypoint.carries.peers.iter().flatten().filter_map(|peer| match &peer.kind {
            PeerKind::Pods(selector) => Some(selector),
            _ => None,
        });
        for selector in [&waypoint.pods, &waypoint.target].into_iter().chain(sources) {
            self.add_selector(&selector.pods, &mut new);
        }
        self.add_ports(waypoint.carries.ports.iter().flatten(), &mut new);
    }

    /// Adds what a policy mentions; gives what is new.
    pub(crate) fn add(&mut self, policy: &Policy) -> NewTerms {
        let mut new = NewTerms::default();
        for selector in policy.pod_selectors() {
            self.add_selector(&selector.pods, &mut new);
        }
        self.add_ports(policy.port_matches(), &mut new);
        new
    }

    fn add_ports<'p>(&mut self, ports: impl Iterator<Item = &'p PortMatch>, new: &mut NewTerms) {
        for port in ports {
            if let PortNumbers::Named(name) = &port.numbers
                && !self.port_names.contains_key(name)
            {
                self.port_names.insert(name.clone(), next_id(&self.port_names, 0));
                new.port_names.insert(name.clone());
            }
        }
    }

    /// Adds what a selector mentions, and what of it is new to `new`.
    pub(crate) fn add_selector(&mut self, selector: &Selector, new: &mut NewTerms) {
        for requirement in selector.mentioned() {
            let key = &requirement.key;
            if let Operator::Like(pattern) | Operator::NotLike(pattern) = &requirement.operator {
                let known = self.patterns.entry(key.clone()).or_default();
                if !known.iter().any(|(known, _)| known == pattern) {
                    known.push((pattern.clone(), self.pattern_count));
                    self.pattern_count += 1;
                    new.keys.insert(key.clone());
                }
                continue;
            }
            if !self.keys.contains_key(key) {
                self.keys.insert(key.clone(), (next_id(&self.keys, 0), HashMap::new()));
                new.keys.insert(key.clone());
            }
            let (Operator::In(values) | Operator::NotIn(values)) = &requirement.operator else {
                continue;
            };
            let Some((_, known)) = self.keys.get_mut(key) else { continue };
            for value in values {
                if !known.contains_key(value) {
                    known.insert(value.clone(), next_id(known, OTHER + 1));
                    new.labels.insert((key.clone(), value.clone()));
                }
            }
        }
    }

    /// Whether a policy mentions a port of this name.
    pub(crate) fn names_port(&self, name: &str) -> bool {
        self.port_names.contains_key(name)
    }

    fn pattern(&self, key: &str, pattern: &Pattern) -> Option<TermId> {
        let known = self.patterns.get(key)?.iter().find(|(known, _)| known == pattern);
        known.map(|(_, id)| *id)
    }

    fn key(&self, key: &str) -> Option<TermId> {
        self.keys.get(key).map(|(id, _)| *id)
    }

    fn label(&self, key: &str, value: &str) -> Option<LabelTerm> {
        let (id, values) = self.keys.get(key)?;
        Some((*id, *values.get(value)?))
    }

    /// Projects pods onto these terms; `addresses` are the address sets that mean them.
    pub(crate) fn project(&self, pods: &Pods, addresses: Vec<u32>) -> ClassKey {
        let labels = pods.labels.iter().filter_map(|(key, value)| {
            let (id, values) = self.keys.get(key)?;
            Some((*id, values.get(value).copied().unwrap_or(OTHER)))
        });
        let ports = pods.ports.iter().filter_map(|port| {
            let name = self.port_names.get(port.name.as_ref()?)?;
            Some((*name, port.protocol, port.number))
        });
        let mut labels: Vec<_> = labels.collect();
        labels.sort_unstable();
        let mut patterns: Vec<TermId> = Vec::new();
        for (key, known) in &self.patterns {
            if let Some(value) = pods.labels.get(key) {
                let like = known.iter().filter(|(pattern, _)| pattern.matches(value));
                patterns.extend(like.map(|(_, id)| *id));
            }
        }
        patterns.sort_unstable();
        let mut ports: Vec<_> = ports.collect();
        ports.sort_unstable();
        ports.dedup();
        ClassKey {
            namespace: Arc::clone(&pods.namespace),
            labels,
            ports,
            host_network: pods.host_network,
            patterns,
            addresses,
            role: pods.role,
        }
    }
}

/// Which classes have which label, and which are in which namespace.
#[derive(Debug)]
pub(crate) struct LabelIndex {
    universe: usize,
    /// Classes on the pod network: only those can be selected.
    selectable: FixedBitSet,
    by_key: HashMap<TermId, FixedBitSet>,
    by_label: HashMap<LabelTerm, FixedBitSet>,
    by_pattern: HashMap<TermId, FixedBitSet>,
    by_namespace: HashMap<Arc<str>, FixedBitSet>,
}

impl LabelIndex {
    /// An index of no class; `universe` is the length of every bitset.
    pub(crate) fn new(universe: usize) -> Self {
        Self {
            universe,
            selectable: FixedBitSet::with_capacity(universe),
            by_key: HashMap::new(),
            by_label: HashMap::new(),
            by_pattern: HashMap::new(),
            by_namespace: HashMap::new(),
        }
    }

    /// Adds a class.
    pub(crate) fn insert(&mut self, class: usize, key: &ClassKey) {
        if key.host_network {
            return;
        }
        let universe = self.universe;
        let empty = || FixedBitSet::with_capacity(universe);
        self.selectable.insert(class);
        let namespace = Arc::clone(&key.namespace);
        self.by_namespace.entry(namespace).or_insert_with(empty).insert(class);
        for label in &key.labels {
            self.by_key.entry(label.0).or_insert_with(empty).insert(class);
            self.by_label.entry(*label).or_insert_with(empty).insert(class);
        }
        for pattern in &key.patterns {
            self.by_pattern.entry(*pattern).or_insert_with(empty).insert(class);
        }
    }

    /// Removes a class.
    pub(crate) fn remove(&mut self, class: usize, key: &ClassKey) {
        self.selectable.set(class, false);
        let namespace = self.by_namespace.get_mut(&key.namespace).into_iter();
        namespace.for_each(|classes| classes.set(class, false));
        for label in &key.labels {
            let with_key = self.by_key.get_mut(&label.0).into_iter();
            let with_label = self.by_label.get_mut(label).into_iter();
            with_key.chain(with_label).for_each(|classes| classes.set(class, false));
        }
        for pattern in &key.patterns {
            let with_pattern = self.by_pattern.get_mut(pattern).into_iter();
            with_pattern.for_each(|classes| classes.set(class, false));
        }
    }

    /// The classes that a selector means.
    pub(crate) fn select(
        &self,
        model: &Model,
        terms: &Terms,
        selector: &PodSelector,
    ) -> FixedBitSet {
        let mut found = self.in_namespaces(model, &selector.namespaces);
        self.keep_matching(terms, &selector.pods, &mut found);
        found
    }

    /// The classes on the pod network in these namespaces.
    fn in_namespaces(&self, model: &Model, namespaces: &Namespaces) -> FixedBitSet {
        match namespaces {
            Namespaces::Named(name) => self.namespace(name),
            Namespaces::Selected(selector) if selector.is_everything() => self.selectable.clone(),
            Namespaces::Selected(selector) => {
                let mut found = FixedBitSet::with_capacity(self.universe);
                for (name, namespace) in &model.namespaces {
                    if selector.matches(&namespace.labels)
                        && let Some(classes) = self.by_namespace.get(name.as_str())
                    {
                        found.union_with(classes);
                    }
                }
                found
            }
        }
    }

    /// The classes on the pod network in a namespace.
    pub(crate) fn namespace(&self, name: &str) -> FixedBitSet {
        let empty = || FixedBitSet::with_capacity(self.universe);
        self.by_namespace.get(name).cloned().unwrap_or_else(empty)
    }

    fn keep_matching(&self, terms: &Terms, selector: &Selector, found: &mut FixedBitSet) {
        let any_of = |key: &str, values: &[String]| {
            let mut with = FixedBitSet::with_capacity(self.universe);
            for label in values.iter().filter_map(|value| terms.label(key, value)) {
                if let Some(classes) = self.by_label.get(&label) {
                    with.union_with(classes);
                }
            }
            with
        };
        for list in selector.alternatives() {
            let mut any = FixedBitSet::with_capacity(self.universe);
            for alternative in list {
                let mut matching = found.clone();
                self.keep_matching(terms, alternative, &mut matching);
                any.union_with(&matching);
            }
            *found = any;
        }
        let like = |key: &str, pattern: &Pattern| {
            let id = terms.pattern(key, pattern);
            let classes = id.and_then(|id| self.by_pattern.get(&id)).cloned();
            classes.unwrap_or_else(|| FixedBitSet::with_capacity(self.universe))
        };
        for requirement in selector.requirements() {
            let key = &requirement.key;
            let with_key = terms.key(key).and_then(|id| self.by_key.get(&id));
            match (&requirement.operator, with_key) {
                (Operator::In(values), _) => found.intersect_with(&any_of(key, values)),
                (Operator::NotIn(values), _) => found.difference_with(&any_of(key, values)),
                (Operator::Exists, Some(classes)) => found.intersect_with(classes),
                (Operator::Exists, None) => found.clear(),
                (Operator::DoesNotExist, Some(classes)) => found.difference_with(classes),
                (Operator::DoesNotExist, None) => {}
                (Operator::Like(pattern), _) => found.intersect_with(&like(key, pattern)),
                (Operator::NotLike(pattern), _) => found.difference_with(&like(key, pattern)),
            }
        }
    }
}
