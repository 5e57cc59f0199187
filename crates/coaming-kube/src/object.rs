//! Any object: its type and its metadata.

use coaming_yaml::{Document, Entry, Node, NodeId};

use crate::Fields;

/// The index of an object in its [`crate::Inventory`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub u32);

/// A Kubernetes object.
#[derive(Clone, Copy, Debug)]
pub struct Object<'a> {
    /// Its place in the inventory.
    pub id: ObjectId,
    /// The file it came from, by its place in [`crate::Inventory::files`].
    pub file: u32,
    /// The document in that file, counting from 0.
    pub document: u32,
    node: Node<'a>,
    known: Known,
}

/// Where in an object's tree its fields are that are asked for again and again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    /// The `kind`, if it is text.
    kind: Option<NodeId>,
    /// The `metadata`, if it is a mapping.
    metadata: Option<NodeId>,
}

impl Known {
    pub(crate) fn of(object: Node<'_>) -> Self {
        let kind = object.written("kind").filter(|kind| kind.as_str().is_some());
        Self { kind: kind.map(Node::id), metadata: object.mapping("metadata").map(Node::id) }
    }
}

impl<'a> Object<'a> {
    /// A view of `node`, which is a document's root or an item of a `List`.
    #[must_use]
    pub fn new(id: ObjectId, file: u32, document: u32, node: Node<'a>) -> Self {
        Self::with(id, file, document, node, Known::of(node))
    }

    /// A view of `node`, of which this is known.
    pub(crate) fn with(
        id: ObjectId,
        file: u32,
        document: u32,
        node: Node<'a>,
        known: Known,
    ) -> Self {
        Self { id, file, document, node, known }
    }

    /// The object's node: its fields' paths start at the document's root, which for an item of a
    /// `List` lies above.
    #[must_use]
    pub fn node(self) -> Node<'a> {
        self.node
    }

    /// `apps/v1`; empty where it is missing.
    #[must_use]
    pub fn api_version(self) -> &'a str {
        self.node.string("apiVersion").unwrap_or_default()
    }

    /// The API group: `apps`; empty for the core group.
    #[must_use]
    pub fn group(self) -> &'a str {
        self.api_version().split_once('/').map_or("", |(group, _)| group)
    }

    /// `Deployment`; empty where it is missing.
    #[must_use]
    pub fn kind(self) -> &'a str {
        self.field(self.known.kind).and_then(Node::as_str).unwrap_or_default()
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
