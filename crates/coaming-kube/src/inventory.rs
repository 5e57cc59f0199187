//! All objects at hand, indexed.
//!
//! The inventory owns the parsed files; objects and workloads are indices into them, and views
//! are made on the way out. Files are indexed one by one ([`FileEntry::new`]), so that this runs
//! in parallel; putting them together is one pass.
//!
//! Files that are not Kubernetes' own but say something about what runs ([`FileKind`]) are files
//! of the inventory too: they have a text, and no objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use coaming_yaml::{Document, Node, NodeId};

use crate::workload::pods_in;
use crate::{Fields, Object, ObjectId, Service, Workload};

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
}

#[derive(Clone, Copy, Debug)]
struct WorkloadEntry {
    /// Place in the file's `objects`.
    object: u32,
    template: NodeId,
    spec: NodeId,
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
            workloads.extend(pods_in(node, api_version, kind).into_iter().map(
                |(template, spec)| WorkloadEntry {
                    object: u32::try_from(position).unwrap_or(u32::MAX),
                    template: template.id(),
                    spec: spec.id(),
                },
            ));
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
        objects.push(ObjectEntry { document, node: node.id() });
    }
}

/// All objects at hand.
#[derive(Debug, Default)]
pub struct Inventory {
    files: Vec<FileEntry>,
    /// File and place in the file, by object.
    objects: Vec<(u32, u32)>,
    /// File and place in the file, by workload.
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
            inventory.workloads.extend(places.map(|place| (file, place)));
        }
        inventory
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
        Some(Object::new(id, file, object.document, node))
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

    /// Every workload.
    #[must_use]
    pub fn workloads(&self) -> Workloads<'_> {
        Workloads { inventory: self }
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

/// The workloads of an inventory: to be walked one by one, or taken by their place.
#[derive(Clone, Copy, Debug)]
pub struct Workloads<'i> {
    inventory: &'i Inventory,
}

impl<'i> Workloads<'i> {
    /// How many there are.
    #[must_use]
    pub fn len(self) -> usize {
        self.inventory.workloads.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The workload at this place.
    #[must_use]
    pub fn get(self, position: usize) -> Option<Workload<'i>> {
        let &(file, place) = self.inventory.workloads.get(position)?;
        let entry = self.inventory.files.get(file as usize)?;
        let workload = entry.workloads.get(place as usize)?;
        let first = *self.inventory.first_object.get(file as usize)?;
        let object = self.inventory.object(ObjectId(first + workload.object))?;
        let document = entry.documents.get(object.document as usize)?;
        Some(Workload::new(object, document.node(workload.template), document.node(workload.spec)))
    }

    /// All, in the order of the files.
    pub fn iter(self) -> impl Iterator<Item = Workload<'i>> {
        (0..self.len()).filter_map(move |position| self.get(position))
    }
}
