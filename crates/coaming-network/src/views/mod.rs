//! From Kubernetes objects to the model: thin views of what policies, Services and the ways in
//! from outside say, each knowing its node.
//!
//! Invariant: what the API server would refuse does not get into the model. It becomes a
//! [`Problem`] with its place, and everything else still counts.

mod cluster_policy;
mod outside;
mod policy;
mod service;
mod workload;

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use coaming_kube::{Fields, Inventory, Object, SourceId};
use coaming_yaml::{LineIndex, Node};

use crate::model::{Model, Place, Policy, PolicyKind, Problem};
use crate::selector::{Labels, Selector};

/// Makes the model of an inventory.
#[must_use]
pub fn from_inventory(inventory: &Inventory) -> Model {
    let reader = Reader::new(inventory);
    let mut model = Model::default();
    for object in inventory.of_kind("Namespace").filter(|object| object.group().is_empty()) {
        let place = reader.place(object, object.node());
        model.add_namespace(object.name(), labels_of(object.metadata()), Some(place));
    }
    workload::read(&reader, &mut model);
    read_policies(&reader, &mut model);
    service::read(&reader, &mut model);
    outside::read(&reader, &mut model);
    model
}

fn read_policies(reader: &Reader<'_>, model: &mut Model) {
    let kinds = [
        "NetworkPolicy",
        "AdminNetworkPolicy",
        "BaselineAdminNetworkPolicy",
        "ClusterNetworkPolicy",
    ];
    let mut known = Known::new();
    for kind in kinds {
        for object in reader.inventory.of_kind(kind) {
            let mut checks = Checks::new(reader, object);
            let policy = match (object.group(), kind) {
                ("networking.k8s.io" | "extensions", "NetworkPolicy") => policy::read(&mut checks),
                ("policy.networking.k8s.io", "NetworkPolicy") => continue,
                ("policy.networking.k8s.io", _) => cluster_policy::read(&mut checks, kind),
                _ => continue,
            };
            let valid = checks.problems.is_empty();
            model.problems.append(&mut checks.problems);
            if valid && let Some(policy) = policy {
                add_policy(model, &mut known, policy, object);
            }
        }
    }
}

/// Policies by their names: their place in the model, and what they were read from.
type Known<'i> = HashMap<(PolicyKind, String, String), (usize, Object<'i>)>;

/// Of two policies with one name only one can exist: the later one, as when both are applied. That
/// the same one comes in twice, as from two overlays on one base, is nobody's mistake.
fn add_policy<'i>(model: &mut Model, known: &mut Known<'i>, policy: Policy, object: Object<'i>) {
    if !policy.namespace.is_empty() {
        model.mention_namespace(&policy.namespace);
    }
    let key = (policy.kind, policy.namespace.clone(), policy.name.clone());
    let (place, earlier) = *known.entry(key).or_insert((model.policies.len(), object));
    let spec = |object: Object<'_>| object.spec().map(Node::to_json);
    if earlier.id != object.id && spec(earlier) == spec(object) {
        return;
    }
    match model.policies.get_mut(place) {
        Some(earlier) => {
            model.problems.push(Problem {
                object: earlier.to_string(),
                message: format!(
                    "{policy} is written twice, and only the later one counts: rename or remove \
                     one of them"
                ),
                place: earlier.place.clone(),
            });
            *earlier = policy;
        }
        None => model.policies.push(policy),
    }
}

/// The inventory, and where in its files things stand.
pub(crate) struct Reader<'i> {
    pub(crate) inventory: &'i Inventory,
    files: BTreeMap<SourceId, OnceCell<(Arc<str>, LineIndex)>>,
}

impl<'i> Reader<'i> {
    pub(crate) fn new(inventory: &'i Inventory) -> Self {
        let files = inventory.sources().map(|(id, _)| (id, OnceCell::new())).collect();
        Self { inventory, files }
    }

    /// Where a node of an object stands.
    pub(crate) fn place(&self, object: Object<'_>, node: Node<'_>) -> Place {
        let entry = self.files.get(&object.source());
        let source = self.inventory.source(object.source());
        let (file, line) = match (entry, source) {
            (Some(known), Some(file)) => {
                let (name, lines) = known
                    .get_or_init(|| (Arc::from(file.name.as_str()), LineIndex::new(&file.text)));
                let line = node.span().map(|span| lines.position(&file.text, span.start).0);
                (Arc::clone(name), line)
            }
            _ => (Arc::from(""), None),
        };
        Place { object: object.id, node: node.id(), file, line }
    }
}

/// An object under examination: what is wrong with it gathers here.
pub(crate) struct Checks<'r, 'i> {
    pub(crate) reader: &'r Reader<'i>,
    pub(crate) object: Object<'i>,
    pub(crate) problems: Vec<Problem>,
}

impl<'r, 'i> Checks<'r, 'i> {
    pub(crate) fn new(reader: &'r Reader<'i>, object: Object<'i>) -> Self {
        Self { reader, object, problems: Vec::new() }
    }

    /// Where a node of the object stands.
    pub(crate) fn place(&self, node: Node<'_>) -> Option<Place> {
        Some(self.reader.place(self.object, node))
    }

    /// The object is invalid, because of what stands at `node`.
    pub(crate) fn refuse(&mut self, node: Node<'_>, message: impl Into<String>) {
        let name = match self.object.namespace() {
            "" => self.object.name().to_owned(),
            namespace => format!("{namespace}/{}", self.object.name()),
        };
        self.problems.push(Problem {
            object: format!("{} {name}", self.object.kind()),
            message: message.into(),
            place: self.place(node),
        });
    }

    /// The mapping in a field; absent and `null` are `None`, and anything else is refused.
    pub(crate) fn mapping(&mut self, node: Node<'i>, field: &str) -> Option<Node<'i>> {
        let value = node.field(field)?;
        if value.is_mapping() {
            return Some(value);
        }
        self.refuse(value, format!("`{field}` must be a mapping"));
        None
    }

    /// The items in a field; absent, `null` and empty are none, and anything but a list is
    /// refused.
    pub(crate) fn items(&mut self, node: Node<'i>, field: &str) -> Vec<Node<'i>> {
        match node.field(field) {
            None => Vec::new(),
            Some(value) if value.is_sequence() => value.items().collect(),
            Some(value) => {
                self.refuse(value, format!("`{field}` must be a list: put `-` before its items"));
                Vec::new()
            }
        }
    }

    /// The text in a field; anything but text is refused.
    pub(crate) fn text(&mut self, node: Node<'i>, field: &str) -> Option<&'i str> {
        let value = node.field(field)?;
        let text = value.as_str();
        if text.is_none() {
            self.refuse(value, format!("`{field}` must be text: put it in quotes"));
        }
        text
    }

    /// A label selector.
    pub(crate) fn selector(&mut self, node: Node<'i>) -> Selector {
        let mut selector = Selector::everything();
        if let Some(labels) = self.mapping(node, "matchLabels") {
            for entry in labels.entries() {
                let Some(value) = entry.value.as_str() else {
                    let message = format!(
                        "the value of label `{}` must be text: put it in quotes",
                        entry.name()
                    );
                    self.refuse(entry.value, message);
                    continue;
                };
                if let Err(error) = selector.match_label(entry.name(), value) {
                    self.refuse(entry.value, error.to_string());
                }
            }
        }
        for item in self.items(node, "matchExpressions") {
            let values: Vec<_> = self.items(item, "values");
            let values = values.iter().filter_map(|value| value.as_str()).map(str::to_owned);
            let values = values.collect();
            let key = self.text(item, "key").unwrap_or_default();
            let operator = self.text(item, "operator").unwrap_or_default();
            if let Err(error) = selector.match_expression(key, operator, values) {
                self.refuse(item, error.to_string());
            }
        }
        selector
    }
}

/// The NetworkPolicies of a namespace that select pods with any of these labels. One whose selector
/// the API server would refuse selects none.
#[must_use]
pub fn policies_selecting<'i>(
    inventory: &'i Inventory,
    namespace: &str,
    pods: &[Labels],
) -> Vec<Object<'i>> {
    let reader = Reader::new(inventory);
    let policies = inventory.of_kind("NetworkPolicy");
    policies
        .filter(|policy| policy.namespace_or_default() == namespace)
        .filter(|policy| {
            let mut checks = Checks::new(&reader, *policy);
            let node = policy.spec().mapping("podSelector");
            let selector = node.map(|node| checks.selector(node)).unwrap_or_default();
            checks.problems.is_empty() && pods.iter().any(|labels| selector.matches(labels))
        })
        .collect()
}

/// The labels in a metadata mapping; values that are no text are left out.
pub(crate) fn labels_of(metadata: Option<Node<'_>>) -> Labels {
    metadata
        .pairs("labels")
        .filter_map(|entry| Some((entry.name().to_owned(), entry.value.as_str()?.to_owned())))
        .collect()
}

/// A port number, if it is one.
pub(crate) fn port_number(number: i64) -> Option<u16> {
    u16::try_from(number).ok().filter(|&number| number > 0)
}
