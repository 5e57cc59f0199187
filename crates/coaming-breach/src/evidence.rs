//! Where a step is written, and which findings undo it.

use coaming_kube::{Object, ObjectId, World};
use coaming_yaml::{Node, NodeId, Path};

/// A field that shows a step, without borrowing from the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Evidence {
    /// The object.
    pub object: ObjectId,
    node: NodeId,
}

impl Evidence {
    /// The field of an object.
    #[must_use]
    pub fn at(object: Object<'_>, node: Node<'_>) -> Self {
        Self { object: object.id, node: node.id() }
    }

    /// The object as a whole.
    #[must_use]
    pub fn of(object: Object<'_>) -> Self {
        Self::at(object, object.node())
    }

    /// An object's field, by its id.
    #[must_use]
    pub fn new(object: ObjectId, node: NodeId) -> Self {
        Self { object, node }
    }

    /// The object and the node; `None` if the object is gone.
    #[must_use]
    pub fn find(self, world: &World) -> Option<(Object<'_>, Node<'_>)> {
        let object = world.object(self.object)?;
        Some((object, object.node().document().node(self.node)))
    }
}

/// Findings of these rules about this object (and container), any one of which undoes a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Undo {
    pub(crate) rules: &'static [&'static str],
    pub(crate) object: ObjectId,
    pub(crate) container: Option<Box<str>>,
    /// Whether they are about the object's namespace.
    pub(crate) of_namespace: bool,
    /// The field that they must point to.
    pub(crate) path: Option<Path>,
}

impl Undo {
    pub(crate) fn of_object(rules: &'static [&'static str], object: ObjectId) -> Self {
        Self { rules, object, container: None, path: None, of_namespace: false }
    }

    /// Findings about the namespace of an object.
    pub(crate) fn of_namespace(rules: &'static [&'static str], object: ObjectId) -> Self {
        Self { of_namespace: true, ..Self::of_object(rules, object) }
    }

    /// Findings about one field, or something in it.
    pub(crate) fn at_node(rules: &'static [&'static str], object: ObjectId, path: Path) -> Self {
        Self { rules, object, container: None, path: Some(path), of_namespace: false }
    }

    pub(crate) fn of_container(
        rules: &'static [&'static str],
        object: ObjectId,
        container: &str,
    ) -> Self {
        Self { rules, object, container: Some(container.into()), path: None, of_namespace: false }
    }
}
