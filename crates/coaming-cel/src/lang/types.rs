//! Types, and upstream's rules of which may stand where another is expected.

use std::collections::HashMap;
use std::fmt;

use super::Str;

/// A type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// What a mistake has; it fits everywhere, so that one mistake is reported once.
    Error,
    Dyn,
    /// A type by its name, with its parameters: `int`, `list(int)`, `optional_type(int)`.
    Named(Str, Vec<Self>),
    /// An object with known fields.
    Struct(Str),
    /// A type parameter.
    Param(Str),
}

impl Type {
    pub(crate) fn named(name: &str) -> Self {
        Self::Named(name.into(), Vec::new())
    }

    pub(crate) fn list(element: Self) -> Self {
        Self::Named("list".into(), vec![element])
    }

    pub(crate) fn map(key: Self, value: Self) -> Self {
        Self::Named("map".into(), vec![key, value])
    }

    pub(crate) fn optional(inner: Self) -> Self {
        Self::Named("optional_type".into(), vec![inner])
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        matches!(self, Self::Named(own, _) if &**own == name)
    }

    pub(crate) fn is_dyn(&self) -> bool {
        matches!(self, Self::Dyn | Self::Error)
    }

    /// The type in an optional.
    pub(crate) fn unwrapped(&self) -> Option<&Self> {
        match self {
            Self::Named(name, inner) if &**name == "optional_type" => inner.first(),
            _ => None,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error => f.write_str("!error!"),
            Self::Dyn => f.write_str("dyn"),
            Self::Struct(name) | Self::Param(name) => f.write_str(name),
            Self::Named(name, inner) => {
                f.write_str(if &**name == "null_type" { "null" } else { name })?;
                for (position, part) in inner.iter().enumerate() {
                    write!(f, "{}{part}", if position == 0 { "(" } else { ", " })?;
                }
                if inner.is_empty() { Ok(()) } else { f.write_str(")") }
            }
        }
    }
}

/// What type parameters are known to be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Substitutions(HashMap<Str, Type>);

impl Substitutions {
    /// The type with its parameters replaced; unknown ones become `dyn` if `finally`.
    pub(crate) fn apply(&self, of: &Type, finally: bool) -> Type {
        match of {
            Type::Param(name) => match self.0.get(name) {
                Some(known) => self.apply(known, finally),
                None if finally => Type::Dyn,
                None => of.clone(),
            },
            Type::Named(name, inner) => Type::Named(
                Str::clone(name),
                inner.iter().map(|part| self.apply(part, finally)).collect(),
            ),
            _ => of.clone(),
        }
    }

    /// Whether each type may stand for the other of its pair. Parameters are bound only if all may.
    pub(crate) fn assign_all(&mut self, left: &[Type], right: &[Type]) -> bool {
        let mut trial = self.clone();
        let fits = left.len() == right.len()
            && left.iter().zip(right).all(|(left, right)| trial.fits(left, right));
        if fits {
            *self = trial;
        }
        fits
    }

    pub(crate) fn assign(&mut self, left: &Type, right: &Type) -> bool {
        self.assign_all(std::slice::from_ref(left), std::slice::from_ref(right))
    }

    fn fits(&mut self, left: &Type, right: &Type) -> bool {
        if let Type::Param(name) = right {
            let was_known = self.0.contains_key(name);
            if self.substitute(left, right, name) {
                return true;
            }
            if was_known {
                return false;
            }
        }
        if let Type::Param(name) = left {
            return self.substitute(right, left, name);
        }
        if left.is_dyn() || right.is_dyn() {
            return true;
        }
        if left.is("null_type") || right.is("null_type") {
            let other = if left.is("null_type") { right } else { left };
            return is_nullable(other);
        }
        match (left, right) {
            (Type::Struct(left), Type::Struct(right)) => left == right,
            (Type::Named(left, of_left), Type::Named(right, of_right)) => {
                left == right
                    && (&**left == "type"
                        || (of_left.len() == of_right.len()
                            && of_left.iter().zip(of_right).all(|(l, r)| self.fits(l, r))))
            }
            _ => false,
        }
    }

    /// Whether the parameter may be this type, which then becomes known of it.
    fn substitute(&mut self, by: &Type, parameter: &Type, name: &Str) -> bool {
        if by == parameter {
            return true;
        }
        if let Some(known) = self.0.get(name).cloned() {
            if *by == known {
                return true;
            }
            if !self.fits(by, &known) {
                return false;
            }
            let general = most_general(by, &known);
            if !self.mentions(&general, name) {
                self.0.insert(Str::clone(name), general);
            }
            return true;
        }
        let is_new = !self.mentions(by, name);
        if is_new {
            self.0.insert(Str::clone(name), by.clone());
        }
        is_new
    }

    fn mentions(&self, of: &Type, name: &Str) -> bool {
        match of {
            Type::Param(own) if own == name => true,
            Type::Param(own) => self.0.get(own).is_some_and(|known| self.mentions(known, name)),
            Type::Named(_, inner) => inner.iter().any(|part| self.mentions(part, name)),
            _ => false,
        }
    }
}

fn is_nullable(of: &Type) -> bool {
    match of {
        Type::Named(name, _) => !matches!(
            &**name,
            "bool" | "int" | "uint" | "double" | "string" | "bytes" | "list" | "map" | "type"
        ),
        Type::Struct(_) => true,
        _ => false,
    }
}

/// The less specific of two types.
pub(crate) fn most_general(left: &Type, right: &Type) -> Type {
    if is_equal_or_less_specific(left, right) { left.clone() } else { right.clone() }
}

fn is_equal_or_less_specific(left: &Type, right: &Type) -> bool {
    match (left, right) {
        (Type::Dyn | Type::Error | Type::Param(_), _) => true,
        (_, Type::Dyn | Type::Error | Type::Param(_)) => false,
        (Type::Named(left, of_left), Type::Named(right, of_right)) => {
            left == right
                && (&**left == "type"
                    || (of_left.len() == of_right.len()
                        && of_left
                            .iter()
                            .zip(of_right)
                            .all(|(l, r)| is_equal_or_less_specific(l, r))))
        }
        _ => left == right,
    }
}
