//! Any object: its type and its metadata.

use std::fmt;

use coaming_yaml::{Document, Entry, Node, NodeId};

use crate::{Fields, SourceId};

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
}

/// Where in an object's tree the fields are that are read again and again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownFields {
    /// The `kind`, if it is text.
    kind: Option<NodeId>,
    /// The `metadata`, if it is a mapping.
    metadata: Option<NodeId>,
    /// The typed list (`RoleBindingList`) that it is an item of, if it does not name its kind.
    list: Option<NodeId>,
}

impl KnownFields {
    pub(crate) fn of(object: Node<'_>) -> Self {
        let kind = object.written("kind").filter(|kind| kind.as_str().is_some());
        let metadata = object.mapping("metadata").map(Node::id);
        Self { kind: kind.map(Node::id), metadata, list: None }
    }

    /// Of an item of a list: an item of a typed list need not name its kind and version.
    pub(crate) fn of_item(object: Node<'_>, list: Node<'_>) -> Self {
        let known = Self::of(object);
        Self { list: known.kind.is_none().then(|| list.id()), ..known }
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
        Self { id, document, node, known }
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
        let own = self.node.string("apiVersion");
        own.or_else(|| self.field(self.known.list).string("apiVersion")).unwrap_or_default()
    }

    /// The API group: `apps`; empty for the core group.
    #[must_use]
    pub fn group(self) -> &'a str {
        self.api_version().split_once('/').map_or("", |(group, _)| group)
    }

    /// `Deployment`; empty where it is missing.
    #[must_use]
    pub fn kind(self) -> &'a str {
        let own = self.field(self.known.kind).and_then(Node::as_str);
        let of_list = || self.field(self.known.list).string("kind")?.strip_suffix("List");
        own.or_else(of_list).unwrap_or_default()
    }

    /// The `metadata` mapping.
    #[must_use]
    pub fn metadata(self) -> Option<Node<'a>> {
        self.field(self.known.metadata)
    }

    fn field(self, known: Option<NodeId>) -> Option<Node<'a>> {
        known.map(|id| self.node.document().node(id))
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
        metadata.string("name").or_else(|| metadata.string("generateName")).unwrap_or_default()
    }

    /// The namespace it names; empty where it names none.
    #[must_use]
    pub fn namespace(self) -> &'a str {
        self.metadata().string("namespace").unwrap_or_default()
    }

    /// The namespace it ends up in: `default` where it names none.
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

/// Whether a document is a Kubernetes object: a mapping that says its `apiVersion` and `kind`.
#[must_use]
pub fn looks_like_kubernetes(document: &Document) -> bool {
    let root = document.root();
    root.string("apiVersion").is_some() && root.string("kind").is_some()
}
