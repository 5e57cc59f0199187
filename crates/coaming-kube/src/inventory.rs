//! All objects at hand, indexed.
//!
//! The inventory owns the parsed files; objects and workloads are indices into them, and views
//! are made on the way out. Files are indexed one by one ([`FileEntry::new`]), so that this runs
//! in parallel; putting them together is one pass.
//!
//! Files that are not Kubernetes' own but say something about what runs ([`FileKind`]) are files
//! of the inventory too: they have a text, and no objects.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use coaming_yaml::{Document, Node, NodeId};

use crate::object::Known;
use crate::workload::pods_in;
use crate::{Container, Fields, Object, ObjectId, Service, Workload};

/// What a file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileKind {
    /// Kubernetes objects, in YAML or JSON.
    #[default]
    Manifest,
    /// `Dockerfile*`, `Containerfile*`, `*.dockerfile`.
    Dockerfile,
    /// `.env` and its like.
    Environment,
    /// A chart's `values*.yaml`.
    HelmValues,
    /// A `kustomization.yaml`.
    Kustomization,
    /// Any other text, read only where secrets alone are looked for.
    Text,
}

/// A file that was read: parsed objects, or the text of another kind.
#[derive(Clone, Debug)]
pub struct FileEntry {
    /// The file as the user named it.
    pub name: String,
    /// Its text.
    pub source: Arc<str>,
    /// What it is.
    pub kind: FileKind,
    /// Whether the text came out of a renderer: lines and columns are not the named file's.
    pub rendered: bool,
    documents: Vec<Document>,
    objects: Vec<ObjectEntry>,
    workloads: Vec<WorkloadEntry>,
}

#[derive(Clone, Copy, Debug)]
struct ObjectEntry {
    document: u32,
    node: NodeId,
    known: Known,
}

#[derive(Clone, Copy, Debug)]
struct WorkloadEntry {
    /// Place in the file's `objects`.
    object: u32,
    template: NodeId,
    spec: NodeId,
    /// Its object says that a controller made it.
    controlled: bool,
}

/// How deep `List`s in `List`s are opened.
const MAX_LISTS: usize = 8;

impl FileEntry {
    /// Finds the objects and workloads in a file's documents.
    #[must_use]
    pub fn new(name: &str, source: Arc<str>, documents: Vec<Document>) -> Self {
        let mut objects = Vec::with_capacity(documents.len());
        let mut workloads = Vec::new();
        for (position, document) in documents.iter().enumerate() {
            let position = u32::try_from(position).unwrap_or(u32::MAX);
            collect_objects(document.root(), position, MAX_LISTS, &mut objects);
        }
        for (position, entry) in objects.iter().enumerate() {
            let Some(document) = documents.get(entry.document as usize) else { continue };
            let node = document.node(entry.node);
            let api_version = node.string("apiVersion").unwrap_or_default();
            let kind = node.string("kind").unwrap_or_default();
            let pods = pods_in(node, api_version, kind);
            let controlled = !pods.is_empty() && controller(node).is_some();
            workloads.extend(pods.into_iter().map(|(template, spec)| WorkloadEntry {
                object: u32::try_from(position).unwrap_or(u32::MAX),
                template: template.id(),
                spec: spec.id(),
                controlled,
            }));
        }
        let kind = FileKind::Manifest;
        Self { name: name.to_owned(), source, kind, rendered: false, documents, objects, workloads }
    }

    /// A file of another kind: text alone, without documents.
    #[must_use]
    pub fn text(name: &str, source: Arc<str>, kind: FileKind) -> Self {
        Self { kind, ..Self::new(name, source, Vec::new()) }
    }

    /// The file's documents.
    #[must_use]
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }
}

/// A list's items are objects of their own, also of a typed list (`PodList`), whose items need
/// not say their kind.
fn collect_objects(node: Node<'_>, document: u32, depth: usize, objects: &mut Vec<ObjectEntry>) {
    let is_list = node.string("kind").is_some_and(|kind| kind.ends_with("List"))
        && node.sequence("items").is_some();
    if is_list && depth > 0 {
        for item in node.list("items").filter(|item| item.is_mapping()) {
            collect_objects(item, document, depth - 1, objects);
        }
    } else {
        objects.push(ObjectEntry { document, node: node.id(), known: Known::of(node) });
    }
}

/// The kind and name of the controller that made an object.
fn controller(object: Node<'_>) -> Option<(&str, &str)> {
    let owners = object.mapping("metadata")?.list("ownerReferences");
    let owner = owners.into_iter().find(|owner| owner.boolean("controller") == Some(true))?;
    Some((owner.string("kind")?, owner.string("name")?))
}

/// All objects at hand.
#[derive(Debug, Default)]
pub struct Inventory {
    files: Vec<FileEntry>,
    /// File and place in the file, by object.
    objects: Vec<(u32, u32)>,
    /// File and place in the file, by workload.
    all_workloads: Vec<(u32, u32)>,
    /// Those that say something of their own.
    workloads: Vec<(u32, u32)>,
    /// The first object of each file.
    first_object: Vec<u32>,
    by_kind: BTreeMap<String, Vec<ObjectId>>,
}

impl Inventory {
    /// Puts files together. Their order is the order of everything that comes out.
    #[must_use]
    pub fn new(files: Vec<FileEntry>) -> Self {
        let mut inventory = Self { files, ..Self::default() };
        for (file, entry) in inventory.files.iter().enumerate() {
            let file = u32::try_from(file).unwrap_or(u32::MAX);
            inventory.first_object.push(u32::try_from(inventory.objects.len()).unwrap_or(u32::MAX));
            for (position, object) in entry.objects.iter().enumerate() {
                let id = ObjectId(u32::try_from(inventory.objects.len()).unwrap_or(u32::MAX));
                inventory.objects.push((file, u32::try_from(position).unwrap_or(u32::MAX)));
                let Some(document) = entry.documents.get(object.document as usize) else {
                    continue;
                };
                let kind = document.node(object.node).string("kind").unwrap_or_default();
                match inventory.by_kind.get_mut(kind) {
                    Some(ids) => ids.push(id),
                    None => {
                        inventory.by_kind.insert(kind.to_owned(), vec![id]);
                    }
                }
            }
            let places = 0..u32::try_from(entry.workloads.len()).unwrap_or(u32::MAX);
            inventory.all_workloads.extend(places.map(|place| (file, place)));
        }
        inventory.workloads = inventory.without_copies();
        inventory
    }

    /// The workloads but for those that repeat what their controller, which is at hand too, says.
    fn without_copies(&self) -> Vec<(u32, u32)> {
        let is_controlled = |&(file, place): &(u32, u32)| {
            let workload = self.files.get(file as usize)?.workloads.get(place as usize)?;
            Some(workload.controlled)
        };
        if !self.all_workloads.iter().any(|place| is_controlled(place) == Some(true)) {
            return self.all_workloads.clone();
        }
        let workloads = self.all_workloads();
        let mut by_name: HashMap<[&str; 3], Workload<'_>> = HashMap::new();
        for workload in workloads.iter() {
            let object = workload.object;
            let key = [object.kind(), object.namespace_or_default(), object.name()];
            by_name.entry(key).or_insert(workload);
        }
        let repeats = |workload: Workload<'_>| {
            let object = workload.object;
            let Some((kind, name)) = controller(object.node()) else { return false };
            by_name
                .get(&[kind, object.namespace_or_default(), name])
                .is_some_and(|owner| is_copy(workload, *owner))
        };
        (0..workloads.len())
            .filter(|&position| !workloads.get(position).is_some_and(repeats))
            .filter_map(|position| self.all_workloads.get(position).copied())
            .collect()
    }

    /// The files, in their order; an [`Object::file`] is a place in here.
    #[must_use]
    pub fn files(&self) -> &[FileEntry] {
        &self.files
    }

    /// The files of a kind, each with its place among all.
    pub fn files_of_kind(&self, kind: FileKind) -> impl Iterator<Item = (u32, &FileEntry)> {
        let numbered = self.files.iter().enumerate().filter(move |(_, file)| file.kind == kind);
        numbered.map(|(place, file)| (u32::try_from(place).unwrap_or(u32::MAX), file))
    }

    /// How many documents there are.
    #[must_use]
    pub fn document_count(&self) -> usize {
        self.files.iter().map(|file| file.documents.len()).sum()
    }

    /// Every object, items of lists included.
    pub fn objects(&self) -> impl Iterator<Item = Object<'_>> {
        (0..self.objects.len())
            .filter_map(|position| self.object(ObjectId(u32::try_from(position).ok()?)))
    }

    /// The object with this index.
    #[must_use]
    pub fn object(&self, id: ObjectId) -> Option<Object<'_>> {
        let &(file, position) = self.objects.get(id.0 as usize)?;
        let entry = self.files.get(file as usize)?;
        let object = entry.objects.get(position as usize)?;
        let node = entry.documents.get(object.document as usize)?.node(object.node);
        Some(Object::with(id, file, object.document, node, object.known))
    }

    /// Every object of a kind, whatever its API group.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = Object<'_>> {
        self.by_kind.get(kind).into_iter().flatten().filter_map(|&id| self.object(id))
    }

    /// The object of this kind, namespace (empty counts as `default`) and name.
    #[must_use]
    pub fn find(&self, kind: &str, namespace: &str, name: &str) -> Option<Object<'_>> {
        let namespace = if namespace.is_empty() { "default" } else { namespace };
        self.of_kind(kind)
            .find(|object| object.name() == name && object.namespace_or_default() == namespace)
    }

    /// The workloads that an object is, or holds.
    pub fn workloads_of<'i>(&'i self, object: Object<'i>) -> impl Iterator<Item = Workload<'i>> {
        let entry = self.files.get(object.file as usize);
        let first = self.first_object.get(object.file as usize).copied().unwrap_or(0);
        let place = object.id.0.saturating_sub(first);
        entry.into_iter().flat_map(move |entry| {
            // A file's workloads stand in the order of its objects.
            let start = entry.workloads.partition_point(|workload| workload.object < place);
            entry
                .workloads
                .get(start..)
                .unwrap_or_default()
                .iter()
                .take_while(move |workload| workload.object == place)
                .filter_map(move |workload| {
                    let document = entry.documents.get(object.document as usize)?;
                    let template = document.node(workload.template);
                    Some(Workload::new(object, template, document.node(workload.spec)))
                })
        })
    }

    /// The workloads that say something of their own. What a controller made of another workload at
    /// hand (a Deployment's ReplicaSets and their pods) is left out, unless it was changed on the way.
    #[must_use]
    pub fn workloads(&self) -> Workloads<'_> {
        Workloads { inventory: self, places: &self.workloads }
    }

    /// Every workload, with those that controllers made.
    #[must_use]
    pub fn all_workloads(&self) -> Workloads<'_> {
        Workloads { inventory: self, places: &self.all_workloads }
    }

    /// The Services that select pods with these labels in this namespace.
    pub fn services_selecting<'i>(
        &'i self,
        namespace: &'i str,
        labels: &'i [(&'i str, &'i str)],
    ) -> impl Iterator<Item = Service<'i>> {
        self.of_kind("Service")
            .filter(move |object| object.namespace_or_default() == namespace)
            .map(|object| Service { object })
            .filter(move |service| service.selects(labels))
    }
}

/// Whether a workload runs what its controller's template says, or nothing: an admission webhook may
/// have put a container of its own into it, and a ReplicaSet scaled to zero is history.
fn is_copy(workload: Workload<'_>, owner: Workload<'_>) -> bool {
    let scaled_down =
        workload.object.node().mapping("spec").and_then(|spec| spec.integer("replicas")) == Some(0);
    let theirs: BTreeSet<_> =
        owner.pod().containers().map(|container| (container.name(), container.image())).collect();
    let runs_as_told =
        |container: Container<'_>| theirs.contains(&(container.name(), container.image()));
    scaled_down || workload.pod().containers().all(runs_as_told)
}

/// The workloads of an inventory: to be walked one by one, or taken by their place.
#[derive(Clone, Copy, Debug)]
pub struct Workloads<'i> {
    inventory: &'i Inventory,
    places: &'i [(u32, u32)],
}

impl<'i> Workloads<'i> {
    /// How many there are.
    #[must_use]
    pub fn len(self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The workload at this place.
    #[must_use]
    pub fn get(self, position: usize) -> Option<Workload<'i>> {
        let &(file, place) = self.places.get(position)?;
        let entry = self.inventory.files.get(file as usize)?;
        let workload = entry.workloads.get(place as usize)?;
        let first = *self.inventory.first_object.get(file as usize)?;
        let object = self.inventory.object(ObjectId(first + workload.object))?;
        let document = entry.documents.get(object.document as usize)?;
        Some(Workload::new(object, document.node(workload.template), document.node(workload.spec)))
    }

    /// Those that are, or are in, these objects, which follow each other in the inventory.
    pub fn of(self, objects: &[Object<'i>]) -> impl Iterator<Item = Workload<'i>> + use<'i> {
        let first = objects.first().map_or(0, |object| object.id.0);
        let end = objects.last().map_or(0, |object| object.id.0 + 1);
        let before = |id: u32| {
            let is_before = |&(file, place): &(u32, u32)| {
                let entry = self.inventory.files.get(file as usize);
                let workload = entry.and_then(|entry| entry.workloads.get(place as usize));
                let start = self.inventory.first_object.get(file as usize);
                start.zip(workload).is_some_and(|(start, workload)| start + workload.object < id)
            };
            self.places.partition_point(is_before)
        };
        (before(first)..before(end)).filter_map(move |position| self.get(position))
    }

    /// All, in the order of the files.
    pub fn iter(self) -> impl Iterator<Item = Workload<'i>> {
        (0..self.len()).filter_map(move |position| self.get(position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory(text: &str) -> Inventory {
        let stream = coaming_yaml::parse(Arc::from(text));
        Inventory::new(vec![FileEntry::new("a.yaml", stream.source, stream.documents)])
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

    fn names(workloads: Workloads<'_>) -> Vec<&str> {
        workloads.iter().map(|workload| workload.object.name()).collect()
    }

    #[test]
    fn what_a_controller_made_is_said_once() {
        let text = workload("Deployment", "web", None, &["nginx"])
            + &workload("ReplicaSet", "web-1", Some(("Deployment", "web")), &["nginx"])
            + &workload("Pod", "web-1-a", Some(("ReplicaSet", "web-1")), &["nginx"])
            + &workload("Pod", "web-1-b", Some(("ReplicaSet", "web-1")), &["nginx", "proxy"])
            + &workload("Pod", "orphan", Some(("ReplicaSet", "gone")), &["nginx"]);
        let inventory = inventory(&text);
        assert_eq!(names(inventory.workloads()), ["web", "web-1-b", "orphan"]);
        let objects: Vec<_> = inventory.objects().collect();
        for (count, expected) in
            [(1, "web"), (2, "web"), (4, "web web-1-b"), (5, "web web-1-b orphan")]
        {
            let (begin, rest) = objects.split_at(count);
            let of = |objects: &[Object<'_>]| -> Vec<String> {
                inventory.workloads().of(objects).map(|w| w.object.name().to_owned()).collect()
            };
            assert_eq!(of(begin).join(" "), expected);
            assert_eq!([of(begin), of(rest)].concat().join(" "), "web web-1-b orphan");
        }
        assert_eq!(inventory.workloads().of(&[]).count(), 0);
        assert_eq!(inventory.all_workloads().len(), 5);
    }
}
