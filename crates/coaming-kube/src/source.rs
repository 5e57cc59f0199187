//! One input: a file, a rendered chart, or a single object of a cluster, with the objects in it.
//!
//! A source is indexed on its own, so that many are indexed in parallel. Invariants: it never
//! changes once it is made, and an object keeps its number in it.

use std::sync::Arc;

use coaming_yaml::{Document, Node, NodeId};

use crate::embedded;
use crate::object::{KnownFields, is_object};
use crate::pod::PodLayout;
use crate::workload::{FoundPod, pods_in};
use crate::{Fields, Object, ObjectId, RenderMap, SourceId, Workload};

/// What a source contains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SourceKind {
    /// Kubernetes objects, in YAML or JSON.
    #[default]
    Manifest,
    /// `Dockerfile*`, `Containerfile*`, `*.dockerfile`.
    Dockerfile,
    /// `.env` and similar.
    Environment,
    /// A chart's `values*.yaml`.
    HelmValues,
    /// A `kustomization.yaml`.
    Kustomization,
    /// A `.sops.yaml`: what SOPS encrypts.
    SopsRules,
    /// Any other text, read only where secrets alone are looked for.
    Text,
    /// A template or values file of a rendered chart: findings in what is rendered point into it.
    ChartFile,
}

/// Where a source comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A file on disk, by its name.
    #[default]
    File,
    /// Standard input.
    Stdin,
    /// The output of a chart or overlay; the name is that of the template or resource file that
    /// produced it. Its lines are not that file's.
    Rendered,
    /// An object of a live cluster, which has no text.
    Cluster,
    /// The object of an admission review: a document of its own, in which the API server has set
    /// the defaults.
    Memory,
}

impl Origin {
    /// Whether lines and columns of the text are those that the user sees under the source's name.
    #[must_use]
    pub fn has_own_lines(self) -> bool {
        match self {
            Self::File | Self::Stdin | Self::Memory => true,
            Self::Rendered | Self::Cluster => false,
        }
    }

    /// Whether a fix can be written back to the file of the source's name.
    #[must_use]
    pub fn is_writable(self) -> bool {
        self == Self::File
    }
}

/// One input: parsed objects, or the text of another kind.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name for users: a path, `<stdin>`, `cluster/shop/Deployment/web`.
    pub name: String,
    /// Its text; empty where it has none.
    pub text: Arc<str>,
    /// What it contains.
    pub kind: SourceKind,
    /// Where it comes from.
    pub origin: Origin,
    /// For rendered text, where its parts come from.
    pub rendering: Option<Box<RenderMap>>,
    /// For what a renderer wrote, the file of this name as its author wrote it: comments are there.
    pub written: Option<Arc<Source>>,
    /// Where its objects are that name no namespace: the namespace of the release that a chart is
    /// rendered for. Without, it is `default`.
    pub namespace: Option<Arc<str>>,
    documents: Vec<Document>,
    objects: Vec<ObjectEntry>,
    workloads: Vec<WorkloadEntry>,
    /// Parts of pods that an operator completes.
    fragments: Vec<WorkloadEntry>,
    /// How many texts in its objects hold manifests that are not read.
    unread_manifests: u32,
    /// How many manifests in texts of its objects are templates, of which only a part is read.
    templates: u32,
    /// How many values of charts in its objects are not read: texts, and parameters.
    unread_values: u32,
}

#[derive(Clone, Copy, Debug)]
struct ObjectEntry {
    document: u32,
    node: NodeId,
    fields: KnownFields,
    /// Whether a controller made it, by its owner references.
    controlled: bool,
    /// Whether what it installs is judged by itself, as it is rendered.
    installed: bool,
}

#[derive(Clone, Copy, Debug)]
struct WorkloadEntry {
    /// The object that holds it, by its number.
    object: u32,
    template: NodeId,
    spec: NodeId,
    layout: &'static PodLayout,
    outer: Option<NodeId>,
}

impl WorkloadEntry {
    fn new(object: u32, pod: FoundPod<'_>) -> Self {
        Self {
            object,
            template: pod.template.id(),
            spec: pod.spec.id(),
            layout: pod.layout,
            outer: pod.outer.map(Node::id),
        }
    }
}

/// The pods in a manifest that is a template, as parts of the object that keeps it: which object it
/// will be is not known.
fn pods_of_template(manifest: Node<'_>, object: u32) -> Vec<WorkloadEntry> {
    let fields = KnownFields::of(manifest);
    let pods = pods_in(manifest, fields.api_version(manifest), fields.kind(manifest));
    pods.into_iter().map(|pod| WorkloadEntry::new(object, pod)).collect()
}

/// How deep `List`s in `List`s are opened.
const MAX_LISTS: usize = 8;

impl Source {
    /// Finds the objects and workloads in the documents of a file.
    #[must_use]
    pub fn new(name: &str, text: Arc<str>, mut documents: Vec<Document>) -> Self {
        let mut objects = Vec::with_capacity(documents.len());
        let (mut unread_manifests, mut unread_values, mut templates) = (0, 0, 0);
        let mut fragments = Vec::new();
        for (number, document) in (0..).zip(&mut documents) {
            let first = objects.len();
            collect_document(document.root(), number, &mut objects);
            let outer: Vec<NodeId> = objects[first..].iter().map(|entry| entry.node).collect();
            // Objects are searched for manifests only where the text names more versions than objects.
            let text = document.span().text(document.source());
            let may_hold = text.matches("apiVersion").nth(outer.len()).is_some();
            for (object, id) in (first..).zip(outer) {
                unread_values += embedded::open_values(document, id);
                unread_manifests += embedded::open_pod_patches(document, id);
                if !may_hold {
                    continue;
                }
                let manifests = embedded::open_manifests(document, id);
                unread_manifests += manifests.unread;
                let object = u32::try_from(object).unwrap_or(u32::MAX);
                for id in manifests.templates {
                    let found = pods_of_template(document.node(id), object);
                    let is_other = found.is_empty();
                    unread_manifests += u32::from(is_other);
                    templates += u32::from(!is_other);
                    fragments.extend(found);
                }
                for id in manifests.opened {
                    let inner = document.node(id);
                    let fields = KnownFields::of(inner);
                    collect_objects(inner, fields, number, MAX_LISTS, &mut objects);
                }
            }
        }
        let mut workloads = Vec::new();
        for (number, entry) in (0..).zip(&mut objects) {
            let Some(document) = documents.get(entry.document as usize) else { continue };
            let node = document.node(entry.node);
            let (api_version, kind) = (entry.fields.api_version(node), entry.fields.kind(node));
            let pods = pods_in(node, api_version, kind);
            entry.controlled = !pods.is_empty() && controller(node).is_some();
            for pod in pods {
                let entry = WorkloadEntry::new(number, pod);
                if pod.is_fragment { fragments.push(entry) } else { workloads.push(entry) }
            }
        }
        let (kind, origin) = (SourceKind::Manifest, Origin::File);
        let name = name.to_owned();
        let (rendering, written, namespace) = (None, None, None);
        Self {
            name,
            text,
            kind,
            origin,
            rendering,
            written,
            namespace,
            documents,
            objects,
            workloads,
            fragments,
            unread_manifests,
            templates,
            unread_values,
        }
    }

    /// A source of another kind: text alone, without documents.
    #[must_use]
    pub fn text(name: &str, text: Arc<str>, kind: SourceKind) -> Self {
        Self { kind, ..Self::new(name, text, Vec::new()) }
    }

    /// The same source from somewhere else than a file.
    #[must_use]
    pub fn with_origin(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// Whether a position in its text is one that the user can be shown: its own, or the one in the
    /// template that wrote it.
    #[must_use]
    pub fn has_positions(&self) -> bool {
        self.origin.has_own_lines() || self.rendering.is_some()
    }

    /// The same source, made from this file.
    #[must_use]
    pub fn written_as(self, written: Option<Arc<Self>>) -> Self {
        Self { written, ..self }
    }

    /// The text that its author wrote: its own, or that of the file it was made from.
    #[must_use]
    pub fn as_written(&self) -> &Self {
        self.written.as_deref().unwrap_or(self)
    }

    /// Its documents.
    #[must_use]
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// How many texts in its objects hold manifests that are not read.
    #[must_use]
    pub fn unread_manifests(&self) -> usize {
        self.unread_manifests as usize
    }

    /// How many manifests in texts of its objects are templates, of which only a part is read.
    #[must_use]
    pub fn templates(&self) -> usize {
        self.templates as usize
    }

    /// How many values of charts in its objects are not read.
    #[must_use]
    pub fn unread_values(&self) -> usize {
        self.unread_values as usize
    }

    /// How many objects it holds.
    #[must_use]
    pub fn object_count(&self) -> usize {
        self.objects.len()
    }

    /// Every object in it, items of lists included; `id` is what a world calls the source.
    pub fn objects(&self, id: SourceId) -> impl Iterator<Item = Object<'_>> {
        (0..).zip(&self.objects).filter_map(move |(number, entry)| {
            let node = self.documents.get(entry.document as usize)?.node(entry.node);
            Some(self.view(ObjectId::new(id, number), entry, node))
        })
    }

    /// The objects of one document: as many steps as it has objects, however many documents there are.
    pub(crate) fn objects_of(
        &self,
        id: SourceId,
        document: u32,
    ) -> impl Iterator<Item = Object<'_>> {
        // Objects are in the order of the documents.
        let start = self.objects.partition_point(|entry| entry.document < document);
        let entries = self.objects.get(start..).unwrap_or_default();
        let count = entries.partition_point(|entry| entry.document == document);
        (start..start + count)
            .filter_map(move |number| self.object(ObjectId::new(id, u32::try_from(number).ok()?)))
    }

    /// The object with this number.
    pub(crate) fn object(&self, id: ObjectId) -> Option<Object<'_>> {
        let entry = self.objects.get(id.number() as usize)?;
        let node = self.documents.get(entry.document as usize)?.node(entry.node);
        Some(self.view(id, entry, node))
    }

    fn view<'s>(&'s self, id: ObjectId, entry: &ObjectEntry, node: Node<'s>) -> Object<'s> {
        let object = Object::with(id, entry.document, node, entry.fields);
        match &self.namespace {
            Some(namespace) => object.released_in(namespace),
            None => object,
        }
    }

    /// Notes that what the objects of a document install is rendered and judged by itself: the
    /// values in them are not judged by their shape, too.
    pub fn set_installed(&mut self, document: u32) {
        let mut numbers = Vec::new();
        for (number, entry) in (0..).zip(&mut self.objects) {
            if entry.document == document {
                entry.installed = true;
                numbers.push(number);
            }
        }
        self.workloads.retain(|entry| !numbers.contains(&entry.object));
        self.fragments.retain(|entry| !numbers.contains(&entry.object));
    }

    /// Notes that the objects of a document are not whole: what is absent in them says nothing, so that
    /// their workloads are judged as those that an operator completes.
    pub fn set_incomplete(&mut self, document: u32) {
        self.take_as_fragments(|source, entry| {
            let object = source.objects.get(entry.object as usize);
            object.is_some_and(|object| object.document == document)
        });
    }

    /// Takes workloads that the API server would refuse as they are for patches of others: what they
    /// say can be judged, and what they do not say cannot.
    pub fn take_patches_as_parts(&mut self) {
        self.take_as_fragments(Self::is_incomplete);
    }

    fn take_as_fragments(&mut self, is_part: impl Fn(&Self, &WorkloadEntry) -> bool) {
        let all = std::mem::take(&mut self.workloads);
        let (parts, whole) = all.into_iter().partition(|entry| is_part(self, entry));
        self.workloads = whole;
        self.fragments.extend::<Vec<_>>(parts);
        // Those of an object are found by its number.
        self.fragments.sort_by_key(|entry| entry.object);
    }

    /// Whether a workload lacks what the API server requires: a container, its image, the selector of
    /// a controller's pods.
    fn is_incomplete(&self, entry: &WorkloadEntry) -> bool {
        let object = self.objects.get(entry.object as usize);
        let Some((object, document)) =
            object.and_then(|it| Some((it, self.documents.get(it.document as usize)?)))
        else {
            return false;
        };
        let (node, spec) = (document.node(object.node), document.node(entry.spec));
        let has_image = |item: Node<'_>| item.string("image").is_some();
        let is_named = matches!(
            object.fields.kind(node),
            "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet"
        ) && object.fields.api_version(node) == "apps/v1";
        spec.list("containers").next().is_none()
            || !spec.list("containers").all(has_image)
            || is_named && node.mapping("spec").mapping("selector").is_none()
    }

    /// The same source with what is known of `other` besides its text, of which it is a new version:
    /// the namespace of its release, and what its objects install.
    #[must_use]
    pub fn in_place_of(mut self, other: &Self) -> Self {
        self.namespace.clone_from(&other.namespace);
        let installers: Vec<u32> =
            other.objects.iter().filter(|entry| entry.installed).map(|it| it.document).collect();
        installers.into_iter().for_each(|document| self.set_installed(document));
        self
    }

    /// Whether what the object with this number installs is judged by itself.
    pub(crate) fn is_installed(&self, number: u32) -> bool {
        self.objects.get(number as usize).is_some_and(|entry| entry.installed)
    }

    /// Whether the object with this number says that a controller made it.
    pub(crate) fn is_controlled(&self, number: u32) -> bool {
        self.objects.get(number as usize).is_some_and(|entry| entry.controlled)
    }

    /// Whether a controller made any of its objects.
    pub(crate) fn has_controlled(&self) -> bool {
        self.objects.iter().any(|entry| entry.controlled)
    }

    /// The workloads in the object of this source.
    pub fn workloads_of<'s>(&'s self, object: Object<'s>) -> impl Iterator<Item = Workload<'s>> {
        self.entries_of(&self.workloads, object)
    }

    /// The parts of pods in the object of this source that an operator completes: what they say
    /// can be judged, and what they do not say cannot. They are not workloads.
    pub fn fragments_of<'s>(&'s self, object: Object<'s>) -> impl Iterator<Item = Workload<'s>> {
        self.entries_of(&self.fragments, object)
    }

    fn entries_of<'s>(
        &'s self,
        entries: &'s [WorkloadEntry],
        object: Object<'s>,
    ) -> impl Iterator<Item = Workload<'s>> {
        let number = object.id.number();
        // Entries are in the order of the source's objects.
        let start = entries.partition_point(|entry| entry.object < number);
        let entries = entries.get(start..).unwrap_or_default();
        let entries = entries.iter().take_while(move |entry| entry.object == number);
        entries.filter_map(move |entry| self.workload(object, entry))
    }

    fn workload<'s>(&'s self, object: Object<'s>, entry: &WorkloadEntry) -> Option<Workload<'s>> {
        let document = self.documents.get(object.document as usize)?;
        let found = FoundPod {
            template: document.node(entry.template),
            spec: document.node(entry.spec),
            layout: entry.layout,
            outer: entry.outer.map(|id| document.node(id)),
            is_fragment: false,
        };
        Some(Workload::new(object, found))
    }

    /// Every workload in it.
    pub(crate) fn workloads(&self, id: SourceId) -> impl Iterator<Item = Workload<'_>> {
        self.workloads.iter().filter_map(move |entry| {
            self.workload(self.object(ObjectId::new(id, entry.object))?, entry)
        })
    }
}

/// The objects of a document: a sequence of objects (`jq .items`) holds several.
fn collect_document(root: Node<'_>, document: u32, objects: &mut Vec<ObjectEntry>) {
    if root.is_sequence() {
        let items = root.items().flat_map(|item| std::iter::once(item).chain(item.items()));
        for item in items.filter(|item| is_object(*item)) {
            collect_objects(item, KnownFields::of(item), document, MAX_LISTS, objects);
        }
    } else {
        collect_objects(root, KnownFields::of(root), document, MAX_LISTS, objects);
    }
}

/// A list's items are objects of their own. Also those of a typed list (`PodList`), which need not
/// name their kind, and those of an OpenShift template.
fn collect_objects(
    node: Node<'_>,
    fields: KnownFields,
    document: u32,
    depth: usize,
    objects: &mut Vec<ObjectEntry>,
) {
    let items = if depth > 0 { items_of(node, &fields) } else { None };
    let Some(items) = items else {
        objects.push(ObjectEntry {
            document,
            node: node.id(),
            fields,
            controlled: false,
            installed: false,
        });
        return;
    };
    for item in items.items().filter(|item| item.is_mapping()) {
        collect_objects(item, KnownFields::of_item(item, node), document, depth - 1, objects);
    }
}

/// The sequence of objects in a list or a template; `None` for any other object, also for a custom
/// resource that only has the name of a list.
fn items_of<'a>(node: Node<'a>, fields: &KnownFields) -> Option<Node<'a>> {
    let (api_version, kind) = (fields.api_version(node), fields.kind(node));
    if kind == "Template" && matches!(api_version, "v1" | "template.openshift.io/v1") {
        return node.sequence("objects");
    }
    let items = kind.strip_suffix("List").and_then(|_| node.sequence("items"))?;
    let may_be_object =
        |item: Node<'_>| item.mapping("metadata").is_some() || item.string("kind").is_some();
    (kind == "List" || items.items().all(may_be_object)).then_some(items)
}

/// The kind and name of the controller that made an object.
pub(crate) fn controller(object: Node<'_>) -> Option<(&str, &str)> {
    let owners = object.mapping("metadata")?.list("ownerReferences");
    let owner = owners.into_iter().find(|owner| owner.boolean("controller") == Some(true))?;
    Some((owner.string("kind")?, owner.string("name")?))
}
