//! Where in the world a fact is written, without borrowing from the world.

use coaming_kube::{Object, ObjectId, Role, RoleBinding, World};
use coaming_yaml::Node;

/// A rule of a role, or a subject of a binding. It is valid as long as its object is in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldRef {
    object: ObjectId,
    /// Its number among the rules or subjects of the object.
    number: u32,
}

impl FieldRef {
    pub(crate) fn new(object: ObjectId, number: u32) -> Self {
        Self { object, number }
    }

    /// The object: a role or a binding.
    #[must_use]
    pub fn object(self) -> ObjectId {
        self.object
    }

    /// The object, and the node of the rule or subject in it; `None` if the object is gone.
    #[must_use]
    pub fn find(self, world: &World) -> Option<(Object<'_>, Node<'_>)> {
        let object = world.object(self.object)?;
        let number = self.number as usize;
        let node = match Role::new(object) {
            Some(role) => role.rules().nth(number)?.node(),
            None => RoleBinding::new(object)?.subjects().nth(number)?.node(),
        };
        Some((object, node))
    }
}
