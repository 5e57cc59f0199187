//! An object of a build, with the names that it had, and the list of all objects.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use coaming_helm::Source;

use crate::annotate;
use crate::id::{Gvk, Id};
use crate::schema::Schema;
use crate::share::Shares;
use crate::value::{Kind, Value};

/// What a generator does to an object that exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Behavior {
    #[default]
    Create,
    Replace,
    Merge,
}

/// An object.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) root: Value,
    /// Kind, name and namespace that it had before, the first ones first.
    pub(crate) previous: Vec<(Rc<str>, Rc<str>, Rc<str>)>,
    pub(crate) prefixes: Vec<Rc<str>>,
    pub(crate) suffixes: Vec<Rc<str>>,
    /// Whether its name gets the hash of its content.
    pub(crate) needs_hash: bool,
    pub(crate) behavior: Behavior,
    /// The variables whose values are in it.
    pub(crate) variables: Vec<Rc<str>>,
    /// Whether Kustomize has put annotations of its own on it: the mapping goes when they do.
    pub(crate) is_annotated: bool,
    /// How many nodes are or were in several places of it.
    pub(crate) shares: u32,
}

impl Resource {
    pub(crate) fn new(root: Value) -> Self {
        Self {
            root,
            previous: Vec::new(),
            prefixes: Vec::new(),
            suffixes: Vec::new(),
            needs_hash: false,
            behavior: Behavior::Create,
            variables: Vec::new(),
            is_annotated: false,
            shares: 0,
        }
    }

    /// Its nodes that are in several places.
    pub(crate) fn shared(&self) -> Shares {
        if self.shares == 0 { Shares::default() } else { Shares::of(&self.root) }
    }

    pub(crate) fn gvk(&self) -> Gvk {
        Gvk::of_object(&self.root)
    }

    pub(crate) fn name(&self) -> &str {
        self.root.str_at(&["metadata", "name"])
    }

    pub(crate) fn namespace(&self) -> &str {
        self.root.str_at(&["metadata", "namespace"])
    }

    /// Where the object itself is from.
    pub(crate) fn source(&self) -> Source {
        self.root.source
    }

    pub(crate) fn set_name(&mut self, name: &str) {
        let metadata = self.root.map_at("metadata");
        let source = metadata.get("name").map_or(metadata.source, |name| name.source);
        metadata.set("name", Value::text(name, crate::value::whole(source)));
    }

    /// Its id as it is.
    pub(crate) fn id(&self, schema: &Schema) -> Id {
        Id::of_object(&self.root, schema)
    }

    /// The ids that it had.
    pub(crate) fn previous_ids(&self) -> impl Iterator<Item = Id> {
        let gvk = self.gvk();
        self.previous.iter().map(move |(kind, name, namespace)| Id {
            gvk: Gvk { kind: Rc::clone(kind), ..gvk.clone() },
            name: Rc::clone(name),
            namespace: Rc::clone(namespace),
        })
    }

    /// The id that it had first.
    pub(crate) fn original_id(&self, schema: &Schema) -> Id {
        self.previous_ids().next().unwrap_or_else(|| self.id(schema))
    }

    /// The ids that it had, and the one that it has.
    pub(crate) fn all_ids(&self, schema: &Schema) -> Vec<Id> {
        let mut ids: Vec<Id> = self.previous_ids().collect();
        ids.push(self.id(schema));
        ids
    }

    /// Notes its id before it changes.
    pub(crate) fn remember(&mut self, schema: &Schema) {
        let id = self.id(schema);
        self.is_annotated = true;
        self.previous.push((id.gvk.kind, id.name, id.namespace));
    }

    /// Forgets what Kustomize keeps in annotations, after these were deleted or replaced.
    pub(crate) fn forget(&mut self) {
        self.previous.clear();
        self.prefixes.clear();
        self.suffixes.clear();
        self.needs_hash = false;
    }

    /// Takes over the metadata and the history of the object that it replaces.
    pub(crate) fn take_metadata(&mut self, other: &Self) {
        for field in ["labels", "annotations"] {
            let theirs = other.root.at(&["metadata", field]);
            let own = self.root.at(&["metadata", field]);
            let joined = joined(theirs, own);
            let metadata = self.root.map_at("metadata");
            match joined {
                Some(joined) => metadata.set(field, joined),
                None => drop(metadata.remove(field)),
            }
        }
        let metadata = self.root.map_at("metadata");
        for field in ["name", "namespace"] {
            match other.root.at(&["metadata", field]) {
                Some(value) => metadata.set(field, value.clone()),
                None => drop(metadata.remove(field)),
            }
        }
        self.previous.clone_from(&other.previous);
        self.prefixes.clone_from(&other.prefixes);
        self.suffixes.clone_from(&other.suffixes);
        self.variables.clone_from(&other.variables);
        self.is_annotated |= other.is_annotated;
        self.needs_hash &= other.needs_hash;
    }

    /// Adds the entries of another object's data that it does not have.
    pub(crate) fn merge_data(&mut self, other: &Self) {
        for field in ["data", "binaryData"] {
            let joined = joined(other.root.get(field), self.root.get(field));
            match joined {
                Some(joined) => self.root.set(field, joined),
                None => drop(self.root.remove(field)),
            }
        }
    }

    /// Whether a patch has deleted it.
    pub(crate) fn is_deleted(&self) -> bool {
        self.root.is_null() || (self.root.is_map() && self.root.entries().is_empty())
    }

    /// What Kustomize does to annotations in the end: their values are text.
    pub(crate) fn finish(&mut self) {
        let is_annotated = self.is_annotated;
        let Some(metadata) = self.root.get_mut("metadata") else { return };
        let Some(annotations) = metadata.get_mut("annotations") else { return };
        let Kind::Map(entries) = &mut annotations.kind else { return };
        for entry in entries.iter_mut() {
            match &mut entry.value.kind {
                Kind::Scalar(scalar) => scalar.is_text = true,
                // Kustomize takes the text of the node, which lists and mappings have none of.
                Kind::List(_) | Kind::Map(_) => entry.value.set_text("", entry.value.source),
            }
        }
        if entries.is_empty() && is_annotated {
            metadata.remove("annotations");
        }
    }
}

/// The entries of both mappings; those of the second one win. `None` without any.
fn joined(first: Option<&Value>, second: Option<&Value>) -> Option<Value> {
    let mut joined = match (first, second) {
        (Some(first), _) if first.is_map() => first.clone(),
        (_, Some(second)) if second.is_map() => second.clone(),
        _ => return None,
    };
    for entry in second.map(Value::entries).unwrap_or_default() {
        let mut value = entry.value.clone();
        if let Kind::Scalar(scalar) = &mut value.kind {
            scalar.is_text = true;
        }
        joined.set(&entry.key, value);
    }
    (!joined.entries().is_empty()).then_some(joined)
}

/// The objects of a build, in the order in which they were loaded.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    pub(crate) list: Vec<Resource>,
}

impl Resources {
    /// Appends objects, none of which may have the id of another one.
    pub(crate) fn append(&mut self, more: Vec<Resource>, schema: &Schema) -> Result<(), Refused> {
        let mut known: HashSet<Id> = self.list.iter().map(|one| one.id(schema)).collect();
        for resource in more {
            let id = resource.id(schema);
            if known.contains(&id) {
                let message = format!("{} is already among the resources", id.described());
                return Err(Refused { message, source: resource.source() });
            }
            known.insert(id);
            self.list.push(resource);
        }
        Ok(())
    }

    /// Adds what a generator made: creates, replaces or merges.
    pub(crate) fn absorb(&mut self, mut new: Resource, schema: &Schema) -> Result<(), Refused> {
        let id = new.id(schema);
        let source = new.source();
        let refused = |message: String| Refused { message, source };
        let matches = self.matching(&id, schema);
        match (matches.as_slice(), new.behavior) {
            ([], Behavior::Create) => {
                self.list.push(new);
                Ok(())
            }
            ([], _) => Err(refused(format!(
                "{} does not exist, so that nothing can be merged or replaced",
                id.described()
            ))),
            ([_], Behavior::Create) => Err(refused(format!(
                "{} exists: `behavior` must be `merge` or `replace`",
                id.described()
            ))),
            ([index], behavior) => {
                let Some(old) = self.list.get_mut(*index) else { return Ok(()) };
                new.take_metadata(old);
                if behavior == Behavior::Merge {
                    new.merge_data(old);
                    annotate::keep_origin(&mut new, old);
                }
                *old = new;
                Ok(())
            }
            _ => Err(refused(format!("several objects could be {}", id.described()))),
        }
    }

    /// The objects that have or had this id.
    pub(crate) fn matching(&self, id: &Id, schema: &Schema) -> Vec<usize> {
        let fits = |resource: &Resource| {
            // Most objects have another name, and building ids costs more than comparing it.
            let is_named = resource.name() == &*id.name
                || resource.previous.iter().any(|(_, name, _)| *name == id.name);
            is_named && resource.all_ids(schema).contains(id)
        };
        let all = self.list.iter().enumerate();
        all.filter(|(_, resource)| fits(resource)).map(|(index, _)| index).collect()
    }

    /// The only object that has or had this id.
    pub(crate) fn only(&self, id: &Id, schema: &Schema) -> Result<usize, String> {
        match self.matching(id, schema).as_slice() {
            [index] => Ok(*index),
            [] => Err(format!("no resource is {}", id.described())),
            _ => Err(format!("several resources are {}", id.described())),
        }
    }

    /// How many objects have each id.
    pub(crate) fn counts(&self, schema: &Schema) -> HashMap<Id, usize> {
        let mut counts = HashMap::new();
        for resource in &self.list {
            *counts.entry(resource.id(schema)).or_default() += 1;
        }
        counts
    }

    pub(crate) fn drop_deleted(&mut self) {
        self.list.retain(|resource| !resource.is_deleted());
    }
}

/// Why an object was not added.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) message: String,
    pub(crate) source: Source,
}
