//! Values that are one node in several places of an object.
//!
//! Kustomize puts one node for a label into all the places that a label has: metadata, selectors,
//! templates. What later writes into one of these places in place, such as a strategic merge or a
//! replacement, writes into all of them. A JSON patch makes a new tree, in which nothing is shared.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::rc::Rc;

use coaming_helm::Source;

use crate::value::{Kind, Scalar, Value};

/// What marks scalars of an object as one node.
pub(crate) type Share = NonZeroU32;

/// The scalars of an object that are shared, before it changes.
#[derive(Default)]
pub(crate) struct Shares {
    texts: HashMap<Share, (Rc<str>, bool)>,
}

impl Shares {
    /// The shared scalars of a tree.
    pub(crate) fn of(root: &Value) -> Self {
        let mut this = Self::default();
        visit(root, &mut |share, scalar, _| {
            this.texts.insert(share, (Rc::clone(&scalar.text), scalar.is_text));
        });
        this
    }

    /// Writes what one place has got into the others of the same node.
    pub(crate) fn settle(self, root: &mut Value) {
        let mut changed: HashMap<Share, (Scalar, Source)> = HashMap::new();
        visit(root, &mut |share, scalar, source| {
            let known = self.texts.get(&share);
            let is_same = known
                .is_some_and(|(text, is_text)| *text == scalar.text && *is_text == scalar.is_text);
            if known.is_some() && !is_same {
                changed.insert(share, (scalar.clone(), source));
            }
        });
        if !changed.is_empty() {
            visit_mut(root, &mut |value| {
                let Kind::Scalar(scalar) = &mut value.kind else { return };
                let new = scalar.share.and_then(|share| changed.get(&share));
                if let Some((new, source)) = new {
                    scalar.clone_from(new);
                    value.source = *source;
                }
            });
        }
    }
}

/// Makes a node of each place.
pub(crate) fn separate(root: &mut Value) {
    visit_mut(root, &mut |value| {
        if let Kind::Scalar(scalar) = &mut value.kind {
            scalar.share = None;
        }
    });
}

fn visit(value: &Value, see: &mut dyn FnMut(Share, &Scalar, Source)) {
    match &value.kind {
        Kind::Scalar(scalar) => {
            if let Some(share) = scalar.share {
                see(share, scalar, value.source);
            }
        }
        Kind::List(items) => items.iter().for_each(|item| visit(item, see)),
        Kind::Map(entries) => entries.iter().for_each(|entry| visit(&entry.value, see)),
    }
}

fn visit_mut(value: &mut Value, change: &mut dyn FnMut(&mut Value)) {
    match &mut value.kind {
        Kind::Scalar(_) => change(value),
        Kind::List(items) => items.iter_mut().for_each(|item| visit_mut(item, change)),
        Kind::Map(entries) => {
            entries.iter_mut().for_each(|entry| visit_mut(&mut entry.value, change))
        }
    }
}
