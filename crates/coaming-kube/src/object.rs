//! Any object: its type and its metadata.

use std::fmt;

use coaming_yaml::{Document, Entry, Node, NodeId};

use crate::{Fields, SourceId, scope};

/// The identity of an object in a [`crate::World`]: its source, and its number in it.
///
/// Opaque and stable: other objects that come and go do not change it, and it is never used again
/// for another object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    source: SourceId,
    number: u32,
}

impl ObjectId {
    pub(crate) fn new(source: SourceId, number: u32) -> Self {
        Self { source, number }
    }

    /// The source that holds it.
    #[must_use]
    pub fn source(self) -> SourceId {
        self.source
    }

    /// Its number in that source.
    pub(crate) fn number(self) -> u32 {
        self.number
    }
}

/// The identity of an object in Kubernetes. The API version is not part of it: the API server
/// serves the same object in all versions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind: `Deployment`.
    pub kind: String,
    /// The namespace; `default` where the object names none, also for kinds that are in no
    /// namespace, as nothing here knows the scope of custom kinds.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl fmt::Display for ObjectKey {
    /// `Deployment shop/web`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

/// A Kubernetes object.
#[derive(Clone, Copy, Debug)]
pub struct Object<'a> {
    /// Its identity in the world.
    pub id: ObjectId,
    /// Its document in the source, counting from 0.
    pub document: u32,
    node: Node<'a>,
    known: KnownFields,
    /// The namespace of the release that it belongs to.
    release: Option<&'a str>,
}

/// Where in an object's tree the fields are that are read again and again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownFields {
    /// The `apiVersion`, if it is text.
    api_version: Option<NodeId>,
    /// The `kind`, if it is text.
    kind: Option<NodeId>,
    /// The `metadata`, if it is a mapping.
    metadata: Option<NodeId>,
    /// Whether `kind` is that of the list that holds the object: `PodList`.
    kind_of_list: bool,
}

impl KnownFields {
    pub(crate) fn of(object: Node<'_>) -> Self {
        let text = |name: &str| {
            object.written(name).filter(|value| value.as_str().is_some()).map(Node::id)
        };
        Self {
            api_version: text("apiVersion"),
            kind: text("kind"),
            metadata: object.mapping("metadata").map(Node::id),
            kind_of_list: false,
        }
    }

    /// The fields of an item of `list`, which need not repeat what the list says of all items.
    pub(crate) fn of_item(item: Node<'_>, list: Node<'_>) -> Self {
        let (own, of_list) = (Self::of(item), Self::of(list));
        Self {
            api_version: own.api_version.or(of_list.api_version),
            kind: own.kind.or(of_list.kind),
            kind_of_list: own.kind.is_none(),
            ..own
        }
    }

    /// The API version of the object that `node` is; empty where it is missing.
    pub(crate) fn api_version<'a>(&self, node: Node<'a>) -> &'a str {
        let value = self.api_version.map(|id| node.document().node(id));
        value.and_then(Node::as_str).unwrap_or_default()
    }

    /// The kind of the object that `node` is; empty where it is missing.
    pub(crate) fn kind<'a>(&self, node: Node<'a>) -> &'a str {
        let value = self.kind.map(|id| node.document().node(id));
        let kind = value.and_then(Node::as_str).unwrap_or_default();
        if self.kind_of_list { kind.strip_suffix("List").unwrap_or(kind) } else { kind }
    }
}

impl<'a> Object<'a> {
    /// A view of `node`, which is a document's root or an item of a `List`.
    #[must_use]
    pub fn new(id: ObjectId, document: u32, node: Node<'a>) -> Self {
        Self::with(id, document, node, KnownFields::of(node))
    }

    /// A view of `node`, whose fields are known.
    pub(crate) fn with(id: ObjectId, document: u32, node: Node<'a>, known: KnownFields) -> Self {
        Self { id, document, node, known, release: None }
    }

    /// The same object as part of a release, which is in this namespace.
    pub(crate) fn released_in(self, namespace: &'a str) -> Self {
        Self { release: Some(namespace), ..self }
    }

    /// The source that holds it.
    #[must_use]
    pub fn source(self) -> SourceId {
        self.id.source()
    }

    /// Its identity in Kubernetes.
    #[must_use]
    pub fn key(self) -> ObjectKey {
        ObjectKey {
            group: self.group().to_owned(),
            kind: self.kind().to_owned(),
            namespace: self.namespace_or_default().to_owned(),
            name: self.name().to_owned(),
        }
    }

    /// The object's node: its fields' paths start at the document's root, which for an item of a
    /// `List` is above it.
    #[must_use]
    pub fn node(self) -> Node<'a> {
        self.node
    }

    /// `apps/v1`; empty where it is missing.
    #[must_use]
    pub fn api_version(self) -> &'a str {
        self.known.api_version(self.node)
    }

    /// The API group: `apps`; empty for the core group.
    #[must_use]
    pub fn group(self) -> &'a str {
        self.api_version().split_once('/').map_or("", |(group, _)| group)
    }

    /// `Deployment`; empty where it is missing.
    #[must_use]
    pub fn kind(self) -> &'a str {
        self.known.kind(self.node)
    }

    /// The `metadata` mapping.
    #[must_use]
    pub fn metadata(self) -> Option<Node<'a>> {
        self.known.metadata.map(|id| self.node.document().node(id))
    }

    /// The `spec` mapping.
    #[must_use]
    pub fn spec(self) -> Option<Node<'a>> {
        self.node.mapping("spec")
    }

    /// `metadata.name`, else `metadata.generateName`, else nothing.
    #[must_use]
    pub fn name(self) -> &'a str {
        let metadata = self.metadata();
        let text = metadata.string("name").or_else(|| metadata.string("generateName"));
        // A name such as `n` without quotes is not text, and still what people call the object.
        text.or_else(|| metadata.field("name").map(Node::text)).unwrap_or_default()
    }

    /// The namespace it names, or that of its release; empty where there is neither.
    #[must_use]
    pub fn namespace(self) -> &'a str {
        match self.metadata().string("namespace") {
            Some(namespace) if !namespace.is_empty() => namespace,
            _ => self.release_namespace(),
        }
    }

    /// The namespace of its release; empty for an object that is in no namespace.
    fn release_namespace(self) -> &'a str {
        let release = self.release.unwrap_or_default();
        let is_inside = release.is_empty() || !scope::is_cluster_wide(self.group(), self.kind());
        if is_inside { release } else { "" }
    }

    /// The namespace it ends up in: `default` where neither it nor its release names one.
    #[must_use]
    pub fn namespace_or_default(self) -> &'a str {
        match self.namespace() {
            "" => "default",
            namespace => namespace,
        }
    }

    /// The value of an annotation.
    #[must_use]
    pub fn annotation(self, name: &str) -> Option<&'a str> {
        self.metadata().mapping("annotations")?.string(name)
    }

    /// Its labels.
    pub fn labels(self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        self.metadata().pairs("labels")
    }

    /// The programs that wrote its fields, as the API server recorded them; nothing in a file.
    pub fn managers(self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.metadata().list("managedFields").filter_map(|entry| entry.string("manager"))
    }

    /// The objects that own it, as `(kind, name)`; the one that controls it first.
    #[must_use]
    pub fn owners(self) -> Vec<(&'a str, &'a str)> {
        let mut owners: Vec<_> = self.metadata().list("ownerReferences").collect();
        owners.sort_by_key(|owner| owner.boolean("controller") != Some(true));
        owners
            .into_iter()
            .filter_map(|owner| Some((owner.string("kind")?, owner.string("name")?)))
            .collect()
    }
}

/// Whether a document holds Kubernetes objects: it is a mapping that says its `apiVersion` and
/// `kind`, or a sequence of which an item is (as `jq .items` writes it, and `jq -s` in a sequence).
#[must_use]
pub fn looks_like_kubernetes(document: &Document) -> bool {
    let root = document.root();
    is_object(root) || root.items().any(|item| is_object(item) || item.items().any(is_object))
}

/// The API group of a node that is an object by its own words; the core group is empty.
#[must_use]
pub fn group_of_node(node: Node<'_>) -> Option<&str> {
    let api_version = node.string("apiVersion").filter(|_| is_object(node))?;
    Some(api_version.split_once('/').map_or("", |(group, _)| group))
}

/// Whether a node is a mapping that says its `apiVersion` and `kind`.
pub(crate) fn is_object(node: Node<'_>) -> bool {
    node.string("apiVersion").is_some() && node.string("kind").is_some()
}
