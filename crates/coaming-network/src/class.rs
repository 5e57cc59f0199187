//! Equivalence classes of pods: what no policy can tell apart is one class.
//!
//! Two groups of pods fall into one class when they have the same namespace, the same values of
//! the labels that any selector asks for, the same ports, and the same place in the network. All
//! later work is on classes, so its cost grows with the variety of a cluster and not its size.
//! [`LabelIndex`] answers a selector with bitset operations, never by walking over classes.

use std::collections::{BTreeSet, HashMap};

use fixedbitset::FixedBitSet;

use crate::ip::IpSet;
use crate::model::{ContainerPort, Model, Namespaces, PodSelector, Pods, Role};
use crate::selector::{Labels, Operator, Selector};

/// One class of pods.
#[derive(Clone, Debug)]
pub(crate) struct Class {
    /// The pods in it, by their place in the model.
    pub(crate) pods: Vec<usize>,
}

/// What makes pods one class.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Key<'m> {
    namespace: &'m str,
    labels: Vec<(&'m str, &'m str)>,
    ports: &'m [ContainerPort],
    host_network: bool,
    addresses: Option<&'m IpSet>,
    role: Role,
}

impl<'m> Key<'m> {
    /// Of these pods. `by_address` says whether policies tell pods apart by their addresses.
    pub(crate) fn of(pods: &'m Pods, keys: &BTreeSet<String>, by_address: bool) -> Self {
        Self {
            namespace: &pods.namespace,
            labels: asked_labels(&pods.labels, keys),
            ports: &pods.ports,
            host_network: pods.host_network,
            addresses: (by_address || pods.host_network).then_some(&pods.addresses),
            role: pods.role,
        }
    }
}

/// The label keys of pods that any policy asks for.
pub(crate) fn asked_keys(model: &Model) -> BTreeSet<String> {
    model
        .pod_selectors()
        .flat_map(|selector| selector.pods.requirements())
        .map(|requirement| requirement.key.clone())
        .collect()
}

/// Groups the pods of a model. Gives the classes, and the class of each group of pods.
pub(crate) fn classify(
    model: &Model,
    keys: &BTreeSet<String>,
    by_address: bool,
) -> (Vec<Class>, Vec<u32>) {
    let mut classes: Vec<Class> = Vec::new();
    let mut known: HashMap<Key<'_>, u32> = HashMap::new();
    let mut class_of = Vec::with_capacity(model.pods.len());
    for (place, pods) in model.pods.iter().enumerate() {
        let key = Key::of(pods, keys, by_address);
        let next = u32::try_from(classes.len()).unwrap_or(u32::MAX);
        let class = *known.entry(key).or_insert(next);
        if class == next {
            classes.push(Class { pods: Vec::new() });
        }
        if let Some(class) = classes.get_mut(class as usize) {
            class.pods.push(place);
        }
        class_of.push(class);
    }
    (classes, class_of)
}

fn asked_labels<'m>(labels: &'m Labels, keys: &BTreeSet<String>) -> Vec<(&'m str, &'m str)> {
    let asked = labels.iter().filter(|(key, _)| keys.contains(*key));
    asked.map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

/// Which classes have which label, and which live in which namespace.
#[derive(Debug)]
pub(crate) struct LabelIndex {
    universe: usize,
    /// Classes on the pod network: only those can be selected.
    selectable: FixedBitSet,
    by_key: HashMap<String, FixedBitSet>,
    by_label: HashMap<(String, String), FixedBitSet>,
    by_namespace: HashMap<String, FixedBitSet>,
}

impl LabelIndex {
    /// Indexes the classes; `universe` is the length of every bitset.
    pub(crate) fn new(
        model: &Model,
        classes: &[Class],
        keys: &BTreeSet<String>,
        universe: usize,
    ) -> Self {
        let mut index = Self {
            universe,
            selectable: FixedBitSet::with_capacity(universe),
            by_key: HashMap::new(),
            by_label: HashMap::new(),
            by_namespace: HashMap::new(),
        };
        for (class, pods) in representatives(model, classes) {
            index.insert(class, pods, keys);
        }
        index
    }

    /// Adds a class of such pods.
    pub(crate) fn insert(&mut self, class: usize, pods: &Pods, keys: &BTreeSet<String>) {
        if pods.host_network {
            return;
        }
        let universe = self.universe;
        let empty = || FixedBitSet::with_capacity(universe);
        self.selectable.insert(class);
        let namespace = pods.namespace.to_string();
        self.by_namespace.entry(namespace).or_insert_with(empty).insert(class);
        for (key, value) in asked_labels(&pods.labels, keys) {
            self.by_key.entry(key.to_owned()).or_insert_with(empty).insert(class);
            let label = (key.to_owned(), value.to_owned());
            self.by_label.entry(label).or_insert_with(empty).insert(class);
        }
    }

    /// Forgets a class.
    pub(crate) fn remove(&mut self, class: usize) {
        self.selectable.set(class, false);
        let sets = self.by_key.values_mut().chain(self.by_label.values_mut());
        for set in sets.chain(self.by_namespace.values_mut()) {
            set.set(class, false);
        }
    }

    /// The classes that a selector means.
    pub(crate) fn select(&self, model: &Model, selector: &PodSelector) -> FixedBitSet {
        let mut found = self.in_namespaces(model, &selector.namespaces);
        self.keep_matching(&selector.pods, &mut found);
        found
    }

    /// The classes on the pod network in these namespaces.
    pub(crate) fn in_namespaces(&self, model: &Model, namespaces: &Namespaces) -> FixedBitSet {
        match namespaces {
            Namespaces::Named(name) => self.namespace(name),
            Namespaces::Selected(selector) if selector.is_everything() => self.selectable.clone(),
            Namespaces::Selected(selector) => {
                let mut found = FixedBitSet::with_capacity(self.universe);
                for (name, namespace) in &model.namespaces {
                    if selector.matches(&namespace.labels)
                        && let Some(classes) = self.by_namespace.get(name)
                    {
                        found.union_with(classes);
                    }
                }
                found
            }
        }
    }

    fn namespace(&self, name: &str) -> FixedBitSet {
        let empty = || FixedBitSet::with_capacity(self.universe);
        self.by_namespace.get(name).cloned().unwrap_or_else(empty)
    }

    fn keep_matching(&self, selector: &Selector, found: &mut FixedBitSet) {
        let any_of = |key: &str, values: &[String]| {
            let mut with = FixedBitSet::with_capacity(self.universe);
            for value in values {
                if let Some(classes) = self.by_label.get(&(key.to_owned(), value.clone())) {
                    with.union_with(classes);
                }
            }
            with
        };
        for requirement in selector.requirements() {
            let key = &requirement.key;
            match &requirement.operator {
                Operator::In(values) => found.intersect_with(&any_of(key, values)),
                Operator::NotIn(values) => found.difference_with(&any_of(key, values)),
                Operator::Exists => match self.by_key.get(key) {
                    Some(classes) => found.intersect_with(classes),
                    None => found.clear(),
                },
                Operator::DoesNotExist => {
                    if let Some(classes) = self.by_key.get(key) {
                        found.difference_with(classes);
                    }
                }
            }
        }
    }
}

/// Each class with one of its pods, which speaks for all. A class may have none.
pub(crate) fn representatives<'m>(
    model: &'m Model,
    classes: &'m [Class],
) -> impl Iterator<Item = (usize, &'m Pods)> {
    classes.iter().enumerate().filter_map(|(place, class)| {
        let pods = model.pods.get(*class.pods.first()?)?;
        Some((place, pods))
    })
}
