//! Reads fields like the API does: `null` and values of the wrong type count as absent.

use coaming_yaml::{Entry, Node};

/// Typed access to a mapping's fields.
pub trait Fields<'a>: Copy {
    /// The field, if it is there at all. What asks for a type has no need to ask for `null` too.
    fn written(self, name: &str) -> Option<Node<'a>>;

    /// The field, unless it is absent or `null`.
    fn field(self, name: &str) -> Option<Node<'a>> {
        self.written(name).filter(|node| !node.is_null())
    }

    /// The field, if it is text.
    fn string(self, name: &str) -> Option<&'a str> {
        self.written(name)?.as_str()
    }

    /// The field, if it is a boolean.
    fn boolean(self, name: &str) -> Option<bool> {
        self.written(name)?.as_bool()
    }

    /// The field, if it is a whole number.
    fn integer(self, name: &str) -> Option<i64> {
        self.written(name)?.as_int()
    }

    /// The field, if it is a mapping.
    fn mapping(self, name: &str) -> Option<Node<'a>> {
        self.written(name).filter(|node| node.is_mapping())
    }

    /// The field, if it is a list.
    fn sequence(self, name: &str) -> Option<Node<'a>> {
        self.written(name).filter(|node| node.is_sequence())
    }

    /// The items of the field, if it is a list; else nothing.
    fn list(self, name: &str) -> impl Iterator<Item = Node<'a>> + use<'a, Self> {
        self.sequence(name).into_iter().flat_map(Node::items)
    }

    /// The strings in the field, if it is a list; other items are skipped.
    fn strings(self, name: &str) -> impl Iterator<Item = &'a str> + use<'a, Self> {
        self.list(name).filter_map(Node::as_str)
    }

    /// The entries of the field, if it is a mapping; else nothing.
    fn pairs(self, name: &str) -> impl Iterator<Item = Entry<'a>> + use<'a, Self> {
        self.mapping(name).into_iter().flat_map(Node::entries)
    }
}

impl<'a> Fields<'a> for Node<'a> {
    fn written(self, name: &str) -> Option<Node<'a>> {
        self.get(name)
    }
}

impl<'a> Fields<'a> for Option<Node<'a>> {
    fn written(self, name: &str) -> Option<Node<'a>> {
        self?.get(name)
    }
}
