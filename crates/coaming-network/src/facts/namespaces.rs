//! Namespaces: declared by an object, mentioned by what is in them, or made up for the stand-ins of
//! ingress controllers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use coaming_kube::ObjectId;

use super::{ObjectFacts, Statement};
use crate::model::{NAMESPACE_NAME_LABEL, Namespace, Problem, ProblemKind};
use crate::selector::Labels;
use crate::views::controllers;

/// Why namespaces exist.
#[derive(Debug, Default)]
pub(super) struct Mentions {
    declared: HashMap<String, BTreeSet<ObjectId>>,
    /// How many pods and policies are in each.
    mentioned: HashMap<String, usize>,
    /// How many objects in each may have pods that the input does not show.
    opaque: HashMap<String, usize>,
    dirty: BTreeSet<String>,
    /// Namespaces that several objects define, with different labels.
    ambiguous: BTreeMap<String, Problem>,
    controlled: bool,
}

fn count(counts: &mut HashMap<String, usize>, name: &str, add: bool) {
    let entry = counts.entry(name.to_owned()).or_default();
    *entry = if add { *entry + 1 } else { entry.saturating_sub(1) };
    if *entry == 0 {
        counts.remove(name);
    }
}

impl Mentions {
    pub(super) fn declare(&mut self, name: &str, id: ObjectId, add: bool) {
        let declared = self.declared.entry(name.to_owned()).or_default();
        if add {
            declared.insert(id);
        } else {
            declared.remove(&id);
        }
        self.dirty.insert(name.to_owned());
    }

    pub(super) fn mention(&mut self, name: &str, add: bool) {
        count(&mut self.mentioned, name, add);
        self.dirty.insert(name.to_owned());
    }

    pub(super) fn opaque(&mut self, name: &str, add: bool) {
        count(&mut self.opaque, name, add);
        self.dirty.insert(name.to_owned());
    }

    /// The namespaces that may have changed, as they are now. They may change once more.
    pub(super) fn changed(
        &self,
        sources: &BTreeMap<ObjectId, ObjectFacts>,
    ) -> Vec<(String, Option<Namespace>)> {
        let dirty = self.dirty.iter();
        dirty.map(|name| (name.clone(), self.value(sources, name))).collect()
    }

    /// The namespaces that may have changed, after pods and ingress points are settled.
    pub(super) fn settled(
        &mut self,
        sources: &BTreeMap<ObjectId, ObjectFacts>,
        controlled: bool,
    ) -> Vec<(String, Option<Namespace>)> {
        if controlled != self.controlled {
            self.controlled = controlled;
            self.dirty.extend(controllers().map(|controller| controller.namespace.to_owned()));
        }
        let dirty = std::mem::take(&mut self.dirty).into_iter();
        dirty.map(|name| (name.clone(), self.value(sources, &name))).collect()
    }

    /// Looks for namespaces that objects define differently; gives whether that changed. To be
    /// called before [`Self::settled`].
    pub(super) fn settle_problems(&mut self, sources: &BTreeMap<ObjectId, ObjectFacts>) -> bool {
        let mut changed = false;
        for name in &self.dirty {
            let ids = self.declared.get(name).into_iter().flatten();
            let mut declared = ids.filter_map(|id| match &sources.get(id)?.statement {
                Statement::Namespace(labels, location) => Some((labels, location)),
                _ => None,
            });
            let first = declared.next();
            let other = first.and_then(|(labels, _)| declared.find(|(other, _)| *other != labels));
            let problem = other.map(|(_, location)| Problem {
                kind: ProblemKind::AmbiguousNamespace,
                object: format!("Namespace {name}"),
                message: format!(
                    "Namespace {name} is defined more than once, with different labels: which of \
                     them policies see depends on what is applied last"
                ),
                location: Some(location.clone()),
            });
            let known = self.ambiguous.get(name);
            if known != problem.as_ref() {
                changed = true;
                match problem {
                    Some(problem) => self.ambiguous.insert(name.clone(), problem),
                    None => self.ambiguous.remove(name),
                };
            }
        }
        changed
    }

    /// Namespaces that several objects define differently.
    pub(super) fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.ambiguous.values()
    }

    fn value(&self, sources: &BTreeMap<ObjectId, ObjectFacts>, name: &str) -> Option<Namespace> {
        let declared = self.declared.get(name).and_then(BTreeSet::last);
        let statement = declared.and_then(|id| sources.get(id)).map(|facts| &facts.statement);
        let opaque = self.opaque.contains_key(name);
        let (mut labels, location) = match statement {
            Some(Statement::Namespace(labels, location)) => {
                (labels.clone(), Some(location.clone()))
            }
            _ if opaque || self.mentioned.contains_key(name) => (Labels::new(), None),
            _ if self.controlled => {
                let controller = controllers().find(|it| it.namespace == name)?;
                (controller.namespace_labels(), None)
            }
            _ => return None,
        };
        labels.insert(NAMESPACE_NAME_LABEL.to_owned(), name.to_owned());
        Some(Namespace { labels, location, opaque })
    }
}
