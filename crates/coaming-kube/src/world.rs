//! The world: all sources with their objects, which are found by kind, namespace and name.
//!
//! A world is built from files at once ([`World::new`]), or updated object by object as a cluster
//! changes ([`World::apply`]). A clone is a snapshot: it shares all data with the original, and a
//! later change copies only the tables that it modifies. Invariants:
//!
//! * An [`ObjectId`] is never reused for another object: the id of a removed object finds nothing.
//! * All results are ordered by source id, and within a source by text; the order does not depend
//!   on the order of changes.
//! * Two worlds with the same sources under the same ids give the same answers, whatever their
//!   history.
//!
//! Costs: a change is logarithmic in the number of objects. The first change after a snapshot also
//! copies the tables that it touches: that of the sources, and those of the object's kind. So a
//! writer applies what it has received, and then publishes one snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use crate::references::{self, References, Target, is_indexed};
use crate::source::controller;
use crate::{
    Container, Object, ObjectId, ObjectKey, Service, Source, SourceId, SourceKind, Workload,
};

/// A change of the world.
#[derive(Clone, Debug)]
pub enum Delta {
    /// A source is new or has changed. It replaces the source of the same name, and other sources
    /// that hold nothing but an object with the key of one of its objects.
    Put(Box<Source>),
    /// An object is gone.
    Remove(ObjectKey),
}

/// What is known.
#[derive(Clone, Debug, Default)]
pub struct World {
    sources: Arc<BTreeMap<SourceId, Arc<Source>>>,
    names: OnceLock<Arc<BTreeMap<Arc<str>, SourceId>>>,
    kinds: Arc<BTreeMap<Box<str>, Arc<OfKind>>>,
    /// Objects that were removed while their source, which holds others too, stays.
    removed: Arc<BTreeSet<ObjectId>>,
    /// Objects whose workloads repeat what their controller says, found when first asked for.
    copies: OnceLock<Arc<BTreeSet<ObjectId>>>,
    /// Objects by what they refer to, found when first asked for.
    references: OnceLock<Arc<References>>,
    /// The number of the next source.
    next: u64,
}

/// The objects of one kind.
#[derive(Clone, Debug, Default)]
struct OfKind {
    /// Sorted.
    ids: Vec<ObjectId>,
    /// By namespace and name, made when first asked for.
    named: OnceLock<ByName>,
}

type ByName = BTreeMap<Arc<str>, BTreeMap<Arc<str>, Vec<ObjectId>>>;

impl World {
    /// The world of these sources. Their order is the order of everything that comes out.
    #[must_use]
    pub fn new(sources: Vec<Source>) -> Self {
        Self::numbered((0..).map(SourceId::new).zip(sources.into_iter().map(Arc::new)))
    }

    /// The world of sources that have their ids already, because several worlds share them or
    /// because each world holds only a part of all sources.
    #[must_use]
    pub fn numbered(sources: impl IntoIterator<Item = (SourceId, Arc<Source>)>) -> Self {
        let sources: BTreeMap<SourceId, Arc<Source>> = sources.into_iter().collect();
        let mut kinds: BTreeMap<Box<str>, OfKind> = BTreeMap::new();
        for (&id, source) in &sources {
            for object in source.objects(id) {
                match kinds.get_mut(object.kind()) {
                    Some(of_kind) => of_kind.ids.push(object.id),
                    None => {
                        let of_kind = OfKind { ids: vec![object.id], named: OnceLock::new() };
                        kinds.insert(object.kind().into(), of_kind);
                    }
                }
            }
        }
        Self {
            next: sources.keys().next_back().map_or(0, |last| last.number().saturating_add(1)),
            sources: Arc::new(sources),
            kinds: Arc::new(kinds.into_iter().map(|(kind, ids)| (kind, Arc::new(ids))).collect()),
            ..Self::default()
        }
    }

    /// Applies a change, and returns the sorted keys of the objects that it may have changed:
    /// engines with a state of their own must read these again.
    pub fn apply(&mut self, delta: Delta) -> Vec<ObjectKey> {
        let mut changed = match delta {
            Delta::Put(source) => self.put(*source),
            Delta::Remove(key) => {
                let ids = self.ids(&key);
                ids.iter().for_each(|&id| self.forget(id));
                if ids.is_empty() { Vec::new() } else { vec![key] }
            }
        };
        self.copies = OnceLock::new();
        changed.sort();
        changed.dedup();
        changed
    }

    fn put(&mut self, source: Source) -> Vec<ObjectKey> {
        let mut changed = Vec::new();
        let before = self.source_ids().get(source.name.as_str()).copied();
        if let Some(source) = before {
            let ids: Vec<ObjectId> = self.objects_in(source).map(|object| object.id).collect();
            changed.extend(self.objects_in(source).map(Object::key));
            ids.into_iter().for_each(|id| self.forget(id));
            self.drop_source(source);
        }
        let id = SourceId::new(self.next);
        self.next += 1;
        let keys: Vec<ObjectKey> = source.objects(id).map(Object::key).collect();
        for key in &keys {
            for other in self.ids(key) {
                let alone = |source: &Arc<Source>| source.object_count() == 1;
                if self.sources.get(&other.source()).is_some_and(alone) {
                    self.forget(other);
                }
            }
        }
        let source = Arc::new(source);
        for object in source.objects(id) {
            let kinds = Arc::make_mut(&mut self.kinds);
            let of_kind = Arc::make_mut(kinds.entry(object.kind().into()).or_default());
            of_kind.insert(object);
            if let Some(references) =
                self.references.get_mut().filter(|_| is_indexed(object.kind()))
            {
                Arc::make_mut(references).insert(object);
            }
        }
        if let Some(names) = self.names.get_mut() {
            Arc::make_mut(names).insert(source.name.as_str().into(), id);
        }
        Arc::make_mut(&mut self.sources).insert(id, source);
        changed.extend(keys);
        changed
    }

    /// Takes an object out of the tables, and its source with it if that is left without any.
    fn forget(&mut self, id: ObjectId) {
        let Some(source) = self.sources.get(&id.source()).map(Arc::clone) else { return };
        let Some(object) = source.object(id) else { return };
        let kinds = Arc::make_mut(&mut self.kinds);
        if let Some(of_kind) = kinds.get_mut(object.kind()) {
            Arc::make_mut(of_kind).remove(object);
            if of_kind.ids.is_empty() {
                kinds.remove(object.kind());
            }
        }
        if let Some(references) = self.references.get_mut().filter(|_| is_indexed(object.kind())) {
            Arc::make_mut(references).remove(object);
        }
        Arc::make_mut(&mut self.removed).insert(id);
        if self.objects_in(id.source()).next().is_none() {
            self.drop_source(id.source());
        }
    }

    fn drop_source(&mut self, id: SourceId) {
        let Some(source) = Arc::make_mut(&mut self.sources).remove(&id) else { return };
        if let Some(names) =
            self.names.get_mut().filter(|names| names.get(source.name.as_str()) == Some(&id))
        {
            Arc::make_mut(names).remove(source.name.as_str());
        }
        Arc::make_mut(&mut self.removed).retain(|object| object.source() != id);
    }

    /// The sources by their names; of one name the last.
    fn source_ids(&self) -> &BTreeMap<Arc<str>, SourceId> {
        self.names.get_or_init(|| {
            let names = self.sources.iter().map(|(&id, source)| (source.name.as_str().into(), id));
            Arc::new(names.collect())
        })
    }

    /// The sources, in their order.
    pub fn sources(&self) -> impl Iterator<Item = (SourceId, &Arc<Source>)> {
        self.sources.iter().map(|(&id, source)| (id, source))
    }

    /// The source with this id.
    #[must_use]
    pub fn source(&self, id: SourceId) -> Option<&Source> {
        self.sources.get(&id).map(|source| &**source)
    }

    /// The source with this id, to be shared.
    #[must_use]
    pub fn source_arc(&self, id: SourceId) -> Option<&Arc<Source>> {
        self.sources.get(&id)
    }

    /// The sources of a kind, in their order.
    pub fn sources_of_kind(&self, kind: SourceKind) -> impl Iterator<Item = (SourceId, &Source)> {
        let sources = self.sources.iter().filter(move |(_, source)| source.kind == kind);
        sources.map(|(&id, source)| (id, &**source))
    }

    /// How many documents there are.
    #[must_use]
    pub fn document_count(&self) -> usize {
        self.sources.values().map(|source| source.documents().len()).sum()
    }

    /// Every object, items of lists included.
    pub fn objects(&self) -> impl Iterator<Item = Object<'_>> {
        self.sources.keys().flat_map(|&id| self.objects_in(id))
    }

    /// The objects of a source.
    pub fn objects_in(&self, id: SourceId) -> impl Iterator<Item = Object<'_>> {
        let source = self.sources.get(&id);
        let objects = source.into_iter().flat_map(move |source| source.objects(id));
        objects.filter(|object| self.removed.is_empty() || !self.removed.contains(&object.id))
    }

    /// The objects of one document of a source.
    pub fn objects_of_document(
        &self,
        id: SourceId,
        document: u32,
    ) -> impl Iterator<Item = Object<'_>> {
        let source = self.sources.get(&id);
        let objects = source.into_iter().flat_map(move |source| source.objects_of(id, document));
        objects.filter(|object| self.removed.is_empty() || !self.removed.contains(&object.id))
    }

    /// The object with this id.
    #[must_use]
    pub fn object(&self, id: ObjectId) -> Option<Object<'_>> {
        let object = self.sources.get(&id.source())?.object(id)?;
        (self.removed.is_empty() || !self.removed.contains(&id)).then_some(object)
    }

    /// Whether what an object installs is rendered, and judged by itself ([`Source::set_installed`]).
    #[must_use]
    pub fn is_installed(&self, object: Object<'_>) -> bool {
        let source = self.sources.get(&object.source());
        source.is_some_and(|source| source.is_installed(object.id.number()))
    }

    /// Every object of a kind, whatever its API group.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = Object<'_>> {
        let ids = self.kinds.get(kind).into_iter().flat_map(|of_kind| &of_kind.ids);
        ids.filter_map(|&id| self.object(id))
    }

    /// Every object of a kind in a namespace (empty counts as `default`), by name: as many steps as
    /// there are such objects.
    pub fn of_kind_in<'w>(
        &'w self,
        kind: &str,
        namespace: &str,
    ) -> impl Iterator<Item = Object<'w>> + use<'w> {
        let named = self.named(kind).and_then(|named| named.get(or_default(namespace)));
        let ids = named.into_iter().flat_map(BTreeMap::values).flatten();
        ids.filter_map(|&id| self.object(id))
    }

    /// The first object of this kind, namespace (empty counts as `default`) and name.
    #[must_use]
    pub fn find(&self, kind: &str, namespace: &str, name: &str) -> Option<Object<'_>> {
        let ids = self.named(kind)?.get(or_default(namespace))?.get(name)?;
        self.object(*ids.first()?)
    }

    /// The first object with this key.
    #[must_use]
    pub fn get(&self, key: &ObjectKey) -> Option<Object<'_>> {
        self.all(key).next()
    }

    /// Every object with this key: more than one only where the input holds it more than once.
    pub fn all<'w>(&'w self, key: &ObjectKey) -> impl Iterator<Item = Object<'w>> + use<'w> {
        self.ids(key).into_iter().filter_map(|id| self.object(id))
    }

    fn ids(&self, key: &ObjectKey) -> Vec<ObjectId> {
        let named = self.named(&key.kind).and_then(|named| named.get(&*key.namespace));
        let ids = named.and_then(|names| names.get(&*key.name)).into_iter().flatten();
        let has_group =
            |id: &ObjectId| self.object(*id).is_some_and(|object| object.group() == key.group);
        ids.copied().filter(has_group).collect()
    }

    fn named(&self, kind: &str) -> Option<&ByName> {
        let of_kind = self.kinds.get(kind)?;
        Some(of_kind.named.get_or_init(|| {
            let mut named = ByName::new();
            for object in self.of_kind(kind) {
                insert_name(&mut named, object);
            }
            named
        }))
    }

    /// The workloads that an object is, or holds.
    pub fn workloads_of<'w>(&'w self, object: Object<'w>) -> impl Iterator<Item = Workload<'w>> {
        let source = self.sources.get(&object.source());
        source.into_iter().flat_map(move |source| source.workloads_of(object))
    }

    /// The workloads of an object, unless they repeat what their controller says.
    pub fn own_workloads_of<'w>(
        &'w self,
        object: Object<'w>,
    ) -> impl Iterator<Item = Workload<'w>> {
        let is_own = !self.copies().contains(&object.id);
        is_own.then(|| self.workloads_of(object)).into_iter().flatten()
    }

    /// The parts of pods in an object that an operator completes ([`Source::fragments_of`]).
    pub fn fragments_of<'w>(&'w self, object: Object<'w>) -> impl Iterator<Item = Workload<'w>> {
        self.source(object.source()).into_iter().flat_map(move |source| source.fragments_of(object))
    }

    /// The workloads, without the copies that a controller created from another known workload (a
    /// Deployment's ReplicaSets and their pods), unless these were changed.
    pub fn workloads(&self) -> impl Iterator<Item = Workload<'_>> {
        let copies = self.copies();
        self.all_workloads()
            .filter(|workload| copies.is_empty() || !copies.contains(&workload.object.id))
    }

    /// Every workload, including those that controllers made.
    pub fn all_workloads(&self) -> impl Iterator<Item = Workload<'_>> {
        let all = self.sources.iter().flat_map(|(&id, source)| source.workloads(id));
        all.filter(|workload| {
            self.removed.is_empty() || !self.removed.contains(&workload.object.id)
        })
    }

    /// Whether an object holds workloads that repeat what their controller says.
    #[must_use]
    pub fn is_copy(&self, object: Object<'_>) -> bool {
        self.copies().contains(&object.id)
    }

    /// Whether a controller made any of the objects, by their owner references.
    #[must_use]
    pub fn has_controlled(&self) -> bool {
        self.sources.values().any(|source| source.has_controlled())
    }

    /// The object at the top of the chain of controllers that made an object, as far as they are
    /// known; the object itself if no controller made it.
    #[must_use]
    pub fn top_owner<'w>(&'w self, object: Object<'w>) -> Object<'w> {
        /// A CronJob's Job's Pod has two; a chain that is longer is a circle.
        const MAX_OWNERS: usize = 8;
        let mut top = object;
        for _ in 0..MAX_OWNERS {
            let owner = controller(top.node())
                .and_then(|(kind, name)| self.find(kind, top.namespace(), name))
                .filter(|owner| self.workloads_of(*owner).next().is_some());
            match owner {
                Some(owner) if owner.id != top.id => top = owner,
                _ => break,
            }
        }
        top
    }

    fn copies(&self) -> &BTreeSet<ObjectId> {
        self.copies.get_or_init(|| {
            let is_copied = |object: &Object<'_>| {
                let workloads: Vec<_> = self.workloads_of(*object).collect();
                workloads.into_iter().all(|workload| self.repeats_its_owner(workload))
            };
            let controlled = self.sources.iter().flat_map(|(&id, source)| {
                source.objects(id).filter(|object| source.is_controlled(object.id.number()))
            });
            Arc::new(controlled.filter(is_copied).map(|object| object.id).collect())
        })
    }

    /// Whether a workload repeats what its controller, which is known too, says.
    fn repeats_its_owner(&self, workload: Workload<'_>) -> bool {
        let object = workload.object;
        let owner = controller(object.node())
            .and_then(|(kind, name)| self.find(kind, object.namespace(), name))
            .and_then(|owner| self.workloads_of(owner).next());
        owner.is_some_and(|owner| is_copy(workload, owner))
    }

    /// The Services that select pods with these labels in this namespace.
    pub fn services_selecting<'w, 'l>(
        &'w self,
        namespace: &str,
        labels: &'l [(&'l str, &'l str)],
    ) -> impl Iterator<Item = Service<'w>> + use<'w, 'l> {
        let found = self.services_near(namespace, labels).map(|object| Service { object });
        found.filter(move |service| service.selects(labels))
    }

    /// The Services of a namespace that may select pods with these labels: a superset, found
    /// quickly.
    pub fn services_near<'w>(
        &'w self,
        namespace: &str,
        labels: &[(&str, &str)],
    ) -> impl Iterator<Item = Object<'w>> + use<'w> {
        self.referring_to(&references::of_pods("Service", or_default(namespace), labels))
    }

    /// The NetworkPolicies of a namespace that may select pods with these labels: a superset, found
    /// quickly.
    pub fn policies_near<'w>(
        &'w self,
        namespace: &str,
        labels: &[(&str, &str)],
    ) -> impl Iterator<Item = Object<'w>> + use<'w> {
        self.referring_to(&references::of_pods("NetworkPolicy", or_default(namespace), labels))
    }

    /// The bindings that name this service account, its user name or one of its groups.
    pub fn bindings_of_account<'w>(
        &'w self,
        namespace: &str,
        name: &str,
    ) -> impl Iterator<Item = Object<'w>> + use<'w> {
        self.referring_to(&references::of_account(or_default(namespace), name))
    }

    /// The bindings that grant this role; `namespace` is empty for a ClusterRole.
    pub fn bindings_to_role<'w>(
        &'w self,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> impl Iterator<Item = Object<'w>> + use<'w> {
        self.referring_to(&[Target::Role(kind.into(), namespace.into(), name.into())])
    }

    fn referring_to<'w>(
        &'w self,
        targets: &[Target],
    ) -> impl Iterator<Item = Object<'w>> + use<'w> {
        let references = self.references.get_or_init(|| {
            let mut references = References::default();
            for kind in self.kinds.keys().filter(|kind| is_indexed(kind)) {
                self.of_kind(kind).for_each(|object| references.insert(object));
            }
            Arc::new(references)
        });
        references.to(targets).into_iter().filter_map(|id| self.object(id))
    }
}

impl OfKind {
    fn insert(&mut self, object: Object<'_>) {
        let at = self.ids.partition_point(|id| *id < object.id);
        self.ids.insert(at, object.id);
        if let Some(named) = self.named.get_mut() {
            insert_name(named, object);
        }
    }

    fn remove(&mut self, object: Object<'_>) {
        if let Ok(at) = self.ids.binary_search(&object.id) {
            self.ids.remove(at);
        }
        let Some(named) = self.named.get_mut() else { return };
        let Some(names) = named.get_mut(object.namespace_or_default()) else { return };
        let Some(ids) = names.get_mut(object.name()) else { return };
        ids.retain(|id| *id != object.id);
        if ids.is_empty() {
            names.remove(object.name());
        }
        if names.is_empty() {
            named.remove(object.namespace_or_default());
        }
    }
}

fn insert_name(named: &mut ByName, object: Object<'_>) {
    let namespace = object.namespace_or_default();
    if !named.contains_key(namespace) {
        named.insert(namespace.into(), BTreeMap::new());
    }
    let Some(names) = named.get_mut(namespace) else { return };
    match names.get_mut(object.name()) {
        Some(ids) => ids.push(object.id),
        None => {
            names.insert(object.name().into(), vec![object.id]);
        }
    }
}

fn or_default(namespace: &str) -> &str {
    if namespace.is_empty() { "default" } else { namespace }
}

/// Whether a workload runs what its controller's template says, or nothing: an admission webhook
/// may have added a container, and a ReplicaSet scaled to zero is history.
fn is_copy(workload: Workload<'_>, owner: Workload<'_>) -> bool {
    use crate::Fields as _;
    let scaled_down =
        workload.object.node().mapping("spec").and_then(|spec| spec.integer("replicas")) == Some(0);
    let theirs: BTreeSet<_> =
        owner.pod().containers().map(|container| (container.name(), container.image())).collect();
    let is_theirs =
        |container: Container<'_>| theirs.contains(&(container.name(), container.image()));
    scaled_down || workload.pod().containers().all(is_theirs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(text: &str) -> World {
        let stream = coaming_yaml::parse(Arc::from(text));
        World::new(vec![Source::new("a.yaml", stream.source, stream.documents)])
    }

    fn workload(kind: &str, name: &str, owner: Option<(&str, &str)>, images: &[&str]) -> String {
        let owner = owner.map_or_else(String::new, |(kind, name)| {
            format!(", ownerReferences: [{{kind: {kind}, name: {name}, controller: true}}]")
        });
        let containers: Vec<String> =
            images.iter().map(|image| format!("{{name: {image}, image: {image}}}")).collect();
        let pod = format!("spec: {{containers: [{}]}}", containers.join(", "));
        let spec = if kind == "Pod" { pod } else { format!("spec: {{template: {{{pod}}}}}") };
        let api = if kind == "Pod" { "v1" } else { "apps/v1" };
        format!("---\napiVersion: {api}\nkind: {kind}\nmetadata: {{name: {name}{owner}}}\n{spec}\n")
    }

    #[test]
    fn copies_that_a_controller_made_are_left_out() {
        let text = workload("Deployment", "web", None, &["nginx"])
            + &workload("ReplicaSet", "web-1", Some(("Deployment", "web")), &["nginx"])
            + &workload("Pod", "web-1-a", Some(("ReplicaSet", "web-1")), &["nginx"])
            + &workload("Pod", "web-1-b", Some(("ReplicaSet", "web-1")), &["nginx", "proxy"])
            + &workload("Pod", "orphan", Some(("ReplicaSet", "gone")), &["nginx"]);
        let world = world(&text);
        let names: Vec<&str> = world.workloads().map(|workload| workload.object.name()).collect();
        assert_eq!(names, ["web", "web-1-b", "orphan"]);
        let own: Vec<&str> = world
            .objects()
            .flat_map(|object| world.own_workloads_of(object))
            .map(|workload| workload.object.name())
            .collect();
        assert_eq!(own, names);
        assert_eq!(world.all_workloads().count(), 5);
        let tops: Vec<&str> =
            world.objects().map(|object| world.top_owner(object).name()).collect();
        assert_eq!(tops, ["web", "web", "web", "web", "orphan"]);
        assert!(world.has_controlled());
    }
}
