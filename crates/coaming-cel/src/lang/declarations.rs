//! The functions that exist, with their types.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Str;
use super::eval::Native;
use super::types::Type;
use crate::library;

/// A function's name, implementation and overloads.
pub(crate) struct Function {
    pub(crate) overloads: Vec<Overload>,
    pub(crate) natives: Vec<Native>,
}

/// One combination of types that a function takes.
pub(crate) struct Overload {
    pub(crate) is_member: bool,
    pub(crate) arguments: Vec<Type>,
    pub(crate) result: Type,
}

/// A library: signatures, one per line, and the implementations by name.
pub(crate) struct Library {
    /// `name(T, …) R` for functions, `T.name(T, …) R` for members; `A` and `B` are parameters.
    pub(crate) signatures: &'static str,
    pub(crate) natives: &'static [(&'static str, Native)],
}

/// A function by its name.
pub(crate) fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.get(name)
}

static FUNCTIONS: LazyLock<HashMap<&'static str, Function>> = LazyLock::new(|| {
    let mut functions: HashMap<&'static str, Function> = HashMap::new();
    for library in library::ALL {
        for line in library.signatures.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (name, overload) = signature(line);
            let empty = || Function { overloads: Vec::new(), natives: Vec::new() };
            functions.entry(name).or_insert_with(empty).overloads.push(overload);
        }
        for (name, native) in library.natives {
            if let Some(function) = functions.get_mut(name) {
                function.natives.push(*native);
            }
        }
    }
    functions
});

fn signature(line: &'static str) -> (&'static str, Overload) {
    let (head, rest) = split_head(line);
    let mut reader = TypeReader { text: rest };
    let mut arguments: Vec<Type> = Vec::new();
    let (name, is_member) = match head.strip_prefix('@').filter(|_| is_member(line)) {
        // `@T name(…)` is a member of T.
        Some(member) => {
            let (target, name) = member.split_once(' ').unwrap_or((member, ""));
            arguments.push(TypeReader { text: target }.read());
            (name, true)
        }
        None => (head, false),
    };
    while !reader.accept(')') {
        arguments.push(reader.read());
        reader.accept(',');
    }
    let result = reader.read();
    (name, Overload { is_member, arguments, result })
}

/// Whether a signature is `@T name(…)`; `@in(…)` is the name of an operator.
fn is_member(line: &str) -> bool {
    line.starts_with('@') && !line.starts_with("@in(")
}

/// The part before the parenthesis of the arguments, and what follows it.
fn split_head(line: &'static str) -> (&'static str, &'static str) {
    // The target's type may have parentheses of its own; the name has none.
    let after_target = if is_member(line) { line.find(' ').unwrap_or(0) } else { 0 };
    let open = line[after_target..].find('(').map_or(line.len(), |at| at + after_target);
    (&line[..open], line.get(open + 1..).unwrap_or_default())
}

struct TypeReader {
    text: &'static str,
}

impl TypeReader {
    fn accept(&mut self, symbol: char) -> bool {
        self.text = self.text.trim_start();
        match self.text.strip_prefix(symbol) {
            Some(rest) => {
                self.text = rest;
                true
            }
            None => false,
        }
    }

    fn read(&mut self) -> Type {
        self.text = self.text.trim_start();
        let end = self.text.find(['(', ')', ',', ' ']).unwrap_or(self.text.len());
        let (name, rest) = self.text.split_at(end);
        self.text = rest;
        match name {
            "dyn" => return Type::Dyn,
            "A" | "B" => return Type::Param(name.into()),
            _ => {}
        }
        let mut inner = Vec::new();
        if self.text.starts_with('(') {
            self.text = &self.text[1..];
            while !self.accept(')') && !self.text.is_empty() {
                inner.push(self.read());
                self.accept(',');
            }
        }
        Type::Named(name.into(), inner)
    }
}

/// A type as signatures write it.
pub(crate) fn type_of(text: &'static str) -> Type {
    TypeReader { text }.read()
}

/// The names of types that are values: `type(x) == int`.
pub(crate) fn type_name(name: &str) -> Option<Type> {
    let of = match name {
        "list" => Type::list(Type::Dyn),
        "map" => Type::map(Type::Dyn, Type::Dyn),
        "bool"
        | "bytes"
        | "double"
        | "int"
        | "null_type"
        | "string"
        | "uint"
        | "type"
        | "google.protobuf.Timestamp"
        | "google.protobuf.Duration"
        | "net.IP"
        | "net.CIDR" => Type::named(name),
        "optional_type" => Type::optional(Type::Dyn),
        _ => return None,
    };
    Some(Type::Named(Str::from("type"), vec![of]))
}
