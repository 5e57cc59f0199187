//! References by name, which follow the names of objects that were changed.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::config::{Config, Create, FieldSpec};
use crate::id::{Gvk, Id};
use crate::resource::{Refused, Resource, Resources};
use crate::schema::Schema;
use crate::value::{Kind, Value, whole};

/// What is known of an object that others may refer to.
struct Candidate {
    id: Id,
    original: Id,
    previous: Vec<Id>,
    /// The namespace as it is written.
    namespace: Rc<str>,
    prefixes: Vec<Rc<str>>,
    suffixes: Vec<Rc<str>>,
}

/// Objects by the names that they had: only those that were renamed are referred to.
struct Candidates {
    all: Vec<Candidate>,
    by_name: HashMap<Rc<str>, Vec<usize>>,
    /// The namespaces that objects had first, also those of objects that were not renamed.
    original_namespaces: HashSet<Rc<str>>,
}

impl Candidates {
    fn of(resources: &Resources, schema: &Schema) -> Self {
        let namespaces = resources.list.iter().map(|one| one.original_id(schema).namespace);
        let mut this = Self {
            all: Vec::new(),
            by_name: HashMap::new(),
            original_namespaces: namespaces.collect(),
        };
        for resource in resources.list.iter().filter(|one| !one.previous.is_empty()) {
            let candidate = Candidate {
                id: resource.id(schema),
                original: resource.original_id(schema),
                previous: resource.previous_ids().collect(),
                namespace: resource.namespace().into(),
                prefixes: resource.prefixes.clone(),
                suffixes: resource.suffixes.clone(),
            };
            let names: HashSet<Rc<str>> =
                candidate.previous.iter().map(|id| Rc::clone(&id.name)).collect();
            for name in names {
                this.by_name.entry(name).or_default().push(this.all.len());
            }
            this.all.push(candidate);
        }
        this
    }

    fn named(&self, name: &str) -> Vec<&Candidate> {
        let indices = self.by_name.get(name).map(Vec::as_slice).unwrap_or_default();
        indices.iter().filter_map(|index| self.all.get(*index)).collect()
    }
}

/// Updates all references.
pub(crate) fn update(
    resources: &mut Resources,
    config: &Config,
    schema: &Schema,
) -> Result<(), Refused> {
    let candidates = Candidates::of(resources, schema);
    if candidates.all.is_empty() {
        return Ok(());
    }
    for resource in &mut resources.list {
        let referrer = Referrer::of(resource, schema);
        let source = resource.source();
        for reference in &config.name_reference {
            let specs = reference
                .referrers
                .iter()
                .filter(|spec| referrer.original.gvk.is_selected(&spec.gvk));
            for spec in specs {
                let update = Update {
                    referrer: &referrer,
                    target: &reference.gvk,
                    spec,
                    candidates: &candidates,
                };
                // The kind was compared with that of the original object already.
                let everywhere = FieldSpec { gvk: Gvk::default(), ..spec.clone() };
                everywhere
                    .apply(&mut resource.root, Create::Nothing, source, &mut |node| {
                        update.node(node)
                    })
                    .map_err(|message| Refused { message, source })?;
            }
        }
    }
    Ok(())
}

/// The object whose references are updated.
struct Referrer {
    id: Id,
    original: Id,
    prefixes: Vec<Rc<str>>,
    suffixes: Vec<Rc<str>>,
    /// The namespaces of service accounts that a binding names.
    accounts: HashSet<String>,
    role: Option<Gvk>,
}

impl Referrer {
    fn of(resource: &Resource, schema: &Schema) -> Self {
        let root = &resource.root;
        let mut accounts = HashSet::new();
        if root.str_at(&["kind"]) == "RoleBinding" {
            let subjects = root.get("subjects").map(Value::items).unwrap_or_default();
            let meant = subjects.iter().filter(|it| it.str_at(&["kind"]) == "ServiceAccount");
            accounts
                .extend(meant.filter_map(|it| it.get("namespace")).map(|it| it.str().to_owned()));
        }
        let role = root.get("roleRef").and_then(|role| {
            let group = role.get("apiGroup")?.str();
            Some(Gvk {
                group: group.into(),
                version: "".into(),
                kind: role.get("kind")?.str().into(),
            })
        });
        Self {
            id: resource.id(schema),
            original: resource.original_id(schema),
            prefixes: resource.prefixes.clone(),
            suffixes: resource.suffixes.clone(),
            accounts,
            role,
        }
    }

    /// Whether it can refer to an object at all, by their namespaces.
    fn reaches(&self, candidate: &Candidate) -> bool {
        self.id.is_cluster_scoped()
            || candidate.id.is_cluster_scoped()
            || candidate.id.namespace == self.id.namespace
            || (self.accounts.contains(&*candidate.namespace)
                && &*candidate.id.gvk.kind == "ServiceAccount")
    }
}

/// The update of one field of an object.
struct Update<'u> {
    referrer: &'u Referrer,
    target: &'u Gvk,
    spec: &'u FieldSpec,
    candidates: &'u Candidates,
}

impl<'u> Update<'u> {
    fn node(&self, node: &mut Value) -> Result<(), String> {
        if node.is_null() {
            return Ok(());
        }
        match &mut node.kind {
            Kind::Scalar(_) => self.scalar(node),
            Kind::Map(_) => self.mapping(node),
            Kind::List(items) => items.iter_mut().try_for_each(|item| match item.kind {
                Kind::Scalar(_) => self.scalar(item),
                Kind::Map(_) => self.mapping(item),
                Kind::List(_) => Err(format!("`{}` has a list in a list", self.spec.path)),
            }),
        }
    }

    fn scalar(&self, node: &mut Value) -> Result<(), String> {
        let name = node.str().to_owned();
        let candidates = self.candidates.named(&name);
        if let Some(found) = self.select(candidates, false)?
            && *found.id.name != name
        {
            let source = whole(node.source);
            node.set_text(&found.id.name, source);
        }
        Ok(())
    }

    fn mapping(&self, node: &mut Value) -> Result<(), String> {
        let Some(name) = node.get("name").map(|name| name.str().to_owned()) else {
            return Err(format!("`{}` has no `name`", self.spec.path));
        };
        let mut candidates = self.candidates.named(&name);
        if let Some(namespace) = node.get("namespace").map(Value::str) {
            // The original namespaces count, unless none of the objects was in this one.
            let is_original = self.candidates.original_namespaces.contains(namespace);
            candidates.retain(|candidate| {
                let id = if is_original { &candidate.original } else { &candidate.id };
                &*id.namespace == namespace
            });
        }
        let Some(found) = self.select(candidates, true)? else { return Ok(()) };
        let set = |node: &mut Value, field: &str, text: &str| {
            let old = node.get(field).map(|old| (old.str() == text, whole(old.source)));
            match old {
                Some((true, _)) => {}
                Some((false, source)) => node.set(field, Value::text(text, source)),
                None => {
                    let source = whole(node.source);
                    node.set(field, Value::text(text, source));
                }
            }
        };
        set(node, "name", &found.id.name);
        if !found.namespace.is_empty() {
            set(node, "namespace", &found.namespace);
        }
        Ok(())
    }

    /// The object that is meant, among those that had the name.
    fn select(
        &self,
        candidates: Vec<&'u Candidate>,
        with_namespace: bool,
    ) -> Result<Option<&'u Candidate>, String> {
        let had = |candidate: &Candidate, gvk: &Gvk| {
            candidate.previous.iter().any(|id| id.gvk.is_selected(gvk))
        };
        let role = self.referrer.role.as_ref().filter(|_| self.spec.path.ends_with("roleRef/name"));
        let mut left = candidates;
        left.retain(|candidate| {
            self.referrer.reaches(candidate)
                && had(candidate, self.target)
                && role.is_none_or(|role| had(candidate, role))
                && self.is_near(candidate)
        });
        for lenient in [true, false] {
            if left.len() <= 1 {
                return Ok(left.first().copied());
            }
            left.retain(|candidate| self.has_same_affixes(candidate, lenient));
        }
        let Some(first) = left.first() else { return Ok(None) };
        let is_same = |other: &&Candidate| {
            other.id.name == first.id.name
                && (!with_namespace || other.namespace == first.namespace)
        };
        if left.iter().all(is_same) {
            return Ok(Some(first));
        }
        Err(format!(
            "`{}` of {} may refer to several objects",
            self.spec.path,
            self.referrer.id.described()
        ))
    }

    fn is_near(&self, candidate: &Candidate) -> bool {
        self.referrer.id.is_cluster_scoped()
            || candidate.id.is_cluster_scoped()
            || &*candidate.id.gvk.kind == "ServiceAccount"
            || candidate.id.namespace == self.referrer.id.namespace
    }

    fn has_same_affixes(&self, candidate: &Candidate, lenient: bool) -> bool {
        let same = |own: &[Rc<str>], other: &[Rc<str>]| {
            lenient && (own.is_empty() || other.is_empty()) || ends_alike(own, other)
        };
        same(&self.referrer.prefixes, &candidate.prefixes)
            && same(&self.referrer.suffixes, &candidate.suffixes)
    }
}

/// Whether the longer list ends with the shorter one, which is empty only if both are.
fn ends_alike(one: &[Rc<str>], other: &[Rc<str>]) -> bool {
    let (short, long) = if one.len() > other.len() { (other, one) } else { (one, other) };
    if short.is_empty() { long.is_empty() } else { long.ends_with(short) }
}
