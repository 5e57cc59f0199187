//! The type checker: refuses what upstream's refuses, and resolves names in place.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ast::{Call, Expr, Global, Kind, Loop, Operation};
use super::declarations::{function, type_name};
use super::eval::Native;
use super::types::{Substitutions, Type, most_general};
use super::value::Value;
use super::{Mistake, Str, objects};
use crate::library;

/// What an expression may refer to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    /// The types of the policy's variables that come before the expression.
    pub(crate) variables: BTreeMap<Str, Type>,
    pub(crate) has_params: bool,
    /// Whether `variables` exists, which it does not in match conditions.
    pub(crate) has_variables: bool,
    pub(crate) has_authorizer: bool,
    /// What a rule of a CustomResourceDefinition sees instead of the API server's names.
    pub(crate) own: Option<OwnTypes>,
}

/// The types of the names in a rule of a CustomResourceDefinition.
#[derive(Clone, Debug)]
pub(crate) struct OwnTypes {
    /// Of `self`.
    pub(crate) value: Type,
    /// Of `oldSelf`.
    pub(crate) old: Type,
    /// The fields of the types of the schema.
    pub(crate) objects: Arc<ObjectTypes>,
}

/// The fields of types, by the name of the type.
pub(crate) type ObjectTypes = BTreeMap<Str, BTreeMap<Str, Type>>;

/// Checks an expression, resolves its names, and returns its type or all mistakes.
pub(crate) fn check(expr: &mut Expr, environment: &Environment) -> Result<Type, Vec<Mistake>> {
    let mut checker = Checker {
        environment,
        known: Substitutions::default(),
        fresh: 0,
        scope: Vec::new(),
        mistakes: Vec::new(),
        aggregates: Vec::new(),
        formats: Vec::new(),
    };
    let of = checker.check(expr);
    if checker.mistakes.is_empty() {
        checker.check_aggregates();
        checker.check_formats();
        library::literals::check(expr, &mut checker.mistakes);
    }
    if checker.mistakes.is_empty() {
        Ok(checker.known.apply(&of, true))
    } else {
        checker.mistakes.sort_by_key(|mistake| mistake.at);
        Err(checker.mistakes)
    }
}

struct Checker<'e> {
    environment: &'e Environment,
    known: Substitutions,
    fresh: usize,
    /// The variables of loops, innermost last.
    scope: Vec<(Str, Type)>,
    mistakes: Vec<Mistake>,
    /// The elements of literals, which must have one type each.
    aggregates: Vec<Vec<(u32, Type)>>,
    /// The literal formats, with the places and types of their arguments.
    formats: Vec<Format>,
}

/// A call of `format` of which the format and the list of arguments are literals.
struct Format {
    text: Str,
    at: u32,
    list_at: u32,
    arguments: Vec<(u32, Type)>,
}

impl Checker<'_> {
    fn mistake(&mut self, at: u32, message: String) -> Type {
        self.mistakes.push(Mistake { at, message });
        Type::Error
    }

    fn parameter(&mut self) -> Type {
        self.fresh += 1;
        Type::Param(format!("_var{}", self.fresh).into())
    }

    fn now(&self, of: &Type) -> Type {
        self.known.apply(of, false)
    }

    fn check(&mut self, expr: &mut Expr) -> Type {
        let at = expr.at;
        if let Some(resolved) = self.qualified(expr) {
            return resolved;
        }
        match &mut expr.kind {
            Kind::Literal(value) => value.literal_type(),
            Kind::Name(name) => {
                let message = format!("undeclared reference to '{name}' (in container '')");
                self.mistake(at, message)
            }
            Kind::Local(_) | Kind::Global(_) => Type::Error,
            Kind::Select { operand, field, optional } => {
                let (field, optional) = (Str::clone(field), *optional);
                self.select(at, operand, &field, optional)
            }
            Kind::Has { operand, field } => {
                let field = Str::clone(field);
                self.select(at, operand, &field, false);
                Type::named("bool")
            }
            Kind::Index { operand, index, optional } => {
                let types = vec![self.check(operand), self.check(index)];
                let name = if *optional { "_[?_]" } else { "_[_]" };
                self.overload(at, name, false, &types).0
            }
            Kind::Call(call) => self.call(at, call),
            Kind::And(parts) => self.junction(at, "_&&_", parts),
            Kind::Or(parts) => self.junction(at, "_||_", parts),
            Kind::Conditional(parts) => {
                let types: Vec<Type> = parts.iter_mut().map(|part| self.check(part)).collect();
                self.overload(at, "_?_:_", false, &types).0
            }
            Kind::List(elements) => {
                let parts = elements.iter_mut().map(|(optional, element)| (*optional, element));
                let element = self.aggregate(parts);
                Type::list(element)
            }
            Kind::Map(entries) => {
                let keys = entries.iter_mut().map(|(_, key, _)| (false, key));
                let key = self.aggregate(keys);
                let values = entries.iter_mut().map(|(optional, _, value)| (*optional, value));
                let value = self.aggregate(values);
                Type::map(key, value)
            }
            Kind::Loop(each) => self.each(each),
        }
    }

    /// Resolves a name, or a dotted name that is declared as a whole.
    fn qualified(&mut self, expr: &mut Expr) -> Option<Type> {
        let name = dotted(expr)?;
        if let Some(position) = self.scope.iter().rposition(|(own, _)| **own == *name) {
            expr.kind = Kind::Local(position);
            return self.scope.get(position).map(|(_, of)| of.clone());
        }
        let root = name.split('.').next().unwrap_or_default();
        if name.contains('.') && self.scope.iter().any(|(own, _)| &**own == root) {
            return None;
        }
        let own = self.environment.own.as_ref();
        let (global, of) = match (&*name, own) {
            ("self", Some(own)) => (Global::Object, own.value.clone()),
            ("oldSelf", Some(own)) => (Global::OldObject, own.old.clone()),
            ("object", None) => (Global::Object, Type::Dyn),
            ("oldObject", None) => (Global::OldObject, Type::Dyn),
            ("params", _) if self.environment.has_params => (Global::Params, Type::Dyn),
            ("request", None) => {
                (Global::Request, Type::Struct("kubernetes.AdmissionRequest".into()))
            }
            ("namespaceObject", None) => {
                (Global::NamespaceObject, Type::Struct("kubernetes.Namespace".into()))
            }
            ("variables", _) if self.environment.has_variables => {
                (Global::Variables, Type::Struct("kubernetes.variables".into()))
            }
            ("authorizer", _) if self.environment.has_authorizer => {
                (Global::Authorizer, Type::named("kubernetes.authorization.Authorizer"))
            }
            ("authorizer.requestResource", _) if self.environment.has_authorizer => {
                let of = Type::named("kubernetes.authorization.ResourceCheck");
                (Global::RequestResource, of)
            }
            _ => {
                let of = type_name(&name)?;
                expr.kind = Kind::Literal(Value::Type(name));
                return Some(of);
            }
        };
        expr.kind = Kind::Global(global);
        Some(of)
    }

    fn select(&mut self, at: u32, operand: &mut Expr, field: &str, optional: bool) -> Type {
        let of = self.check(operand);
        let of = self.now(&of);
        let is_optional = optional || of.unwrapped().is_some();
        let result = match of.unwrapped().unwrap_or(&of) {
            Type::Named(name, inner) if &**name == "map" => {
                inner.get(1).cloned().unwrap_or(Type::Dyn)
            }
            Type::Struct(name) => {
                let found = if &**name == "kubernetes.variables" {
                    self.environment.variables.get(field).cloned()
                } else {
                    let own = self.environment.own.as_ref().and_then(|own| own.objects.get(name));
                    own.map_or_else(|| objects::field(name, field), |own| own.get(field).cloned())
                };
                match found {
                    Some(found) => found,
                    None => self.mistake(at, format!("undefined field '{field}'")),
                }
            }
            parameter @ Type::Param(_) => {
                self.known.assign(&Type::Dyn, parameter);
                Type::Dyn
            }
            Type::Dyn | Type::Error => Type::Dyn,
            other @ Type::Named(..) => {
                let message = format!("type '{other}' does not support field selection");
                self.mistake(at, message)
            }
        };
        if is_optional { Type::optional(result) } else { result }
    }

    fn junction(&mut self, at: u32, name: &str, parts: &mut [Expr]) -> Type {
        let bool_type = Type::named("bool");
        let types: Vec<Type> = parts.iter_mut().map(|part| self.check(part)).collect();
        let fits = types.iter().all(|of| self.known.assign(of, &bool_type));
        if fits {
            return bool_type;
        }
        let shown = self.shown(&types);
        self.mistake(at, format!("found no matching overload for '{name}' applied to '({shown})'"))
    }

    fn call(&mut self, at: u32, call: &mut Call) -> Type {
        if call.is_member
            && let Some(space) = call.arguments.first().and_then(dotted)
        {
            let name = format!("{space}.{}", call.function);
            let root = space.split('.').next().unwrap_or_default();
            let is_local = self.scope.iter().any(|(own, _)| &**own == root);
            if !is_local && function(&name).is_some() {
                call.function = name.into();
                call.is_member = false;
                call.arguments.remove(0);
            }
        }
        let before = self.aggregates.len();
        let types: Vec<Type> = call.arguments.iter_mut().map(|part| self.check(part)).collect();
        let (result, natives) = self.overload(at, &call.function, call.is_member, &types);
        call.natives = natives;
        if &*call.function == "format" && call.is_member {
            self.note_format(call);
            // Literals in a call of `format` may have elements of several types.
            self.aggregates.truncate(before);
        }
        result
    }

    fn note_format(&mut self, call: &Call) {
        let [format, list] = &call.arguments[..] else { return };
        let (Kind::Literal(Value::String(text)), Kind::List(elements)) = (&format.kind, &list.kind)
        else {
            return;
        };
        // The list is the literal that was checked last.
        let checked = self.aggregates.last().filter(|_| !elements.is_empty());
        let checked = checked.into_iter().flatten().zip(elements);
        let arguments = checked
            .map(|((at, of), (optional, _))| {
                (*at, if *optional { Type::optional(of.clone()) } else { of.clone() })
            })
            .collect();
        let text = Str::clone(text);
        self.formats.push(Format { text, at: format.at, list_at: list.at, arguments });
    }

    fn check_formats(&mut self) {
        for format in std::mem::take(&mut self.formats) {
            let known = |(at, of): &(u32, Type)| (*at, self.known.apply(of, true));
            let arguments: Vec<(u32, Type)> = format.arguments.iter().map(known).collect();
            let checked =
                library::format::check(&format.text, format.at, format.list_at, &arguments);
            self.mistakes.extend(checked.err());
        }
    }

    fn shown(&self, types: &[Type]) -> String {
        let types: Vec<String> =
            types.iter().map(|of| self.known.apply(of, true).to_string()).collect();
        types.join(", ")
    }

    /// The result of a call, and the function's implementations.
    fn overload(
        &mut self,
        at: u32,
        name: &str,
        is_member: bool,
        types: &[Type],
    ) -> (Type, Vec<Native>) {
        let Some(function) = function(name) else {
            let message = format!("undeclared reference to '{name}' (in container '')");
            return (self.mistake(at, message), Vec::new());
        };
        let mut result: Option<Type> = None;
        for overload in &function.overloads {
            if overload.is_member != is_member || overload.arguments.len() != types.len() {
                continue;
            }
            let mut fresh: BTreeMap<Str, Type> = BTreeMap::new();
            let expected: Vec<Type> =
                overload.arguments.iter().map(|of| self.instance(of, &mut fresh)).collect();
            let returned = self.instance(&overload.result, &mut fresh);
            if self.known.assign_all(types, &expected) {
                let returned = self.now(&returned);
                result = Some(match result {
                    None => returned,
                    Some(before) if before == returned => before,
                    Some(_) => Type::Dyn,
                });
            }
        }
        let Some(result) = result else {
            let shown = match types.split_first() {
                Some((target, rest)) if is_member => {
                    format!("{}.({})", self.known.apply(target, true), self.shown(rest))
                }
                _ => format!("({})", self.shown(types)),
            };
            let message = format!("found no matching overload for '{name}' applied to '{shown}'");
            return (self.mistake(at, message), Vec::new());
        };
        (result, function.natives.clone())
    }

    /// The type with its parameters replaced by new ones.
    fn instance(&mut self, of: &Type, fresh: &mut BTreeMap<Str, Type>) -> Type {
        match of {
            Type::Param(name) => match fresh.get(name) {
                Some(known) => known.clone(),
                None => {
                    let new = self.parameter();
                    fresh.insert(Str::clone(name), new.clone());
                    new
                }
            },
            Type::Named(name, inner) => Type::Named(
                Str::clone(name),
                inner.iter().map(|part| self.instance(part, fresh)).collect(),
            ),
            _ => of.clone(),
        }
    }

    /// The common type of the elements of a literal.
    fn aggregate<'x>(&mut self, parts: impl Iterator<Item = (bool, &'x mut Expr)>) -> Type {
        let mut common: Option<Type> = None;
        let mut seen = Vec::new();
        for (optional, part) in parts {
            let at = part.at;
            let mut of = self.check(part);
            if optional {
                let wanted = self.parameter();
                if !self.known.assign(&of, &Type::optional(wanted.clone())) {
                    let message = format!("expected type 'optional_type' but found '{of}'");
                    self.mistake(at, message);
                }
                of = self.now(&wanted);
            }
            common = Some(match common {
                None => of.clone(),
                Some(before) if self.known.assign(&before, &of) => most_general(&before, &of),
                Some(_) => Type::Dyn,
            });
            seen.push((at, of));
        }
        if !seen.is_empty() {
            self.aggregates.push(seen);
        }
        common.unwrap_or_else(|| self.parameter())
    }

    fn check_aggregates(&mut self) {
        for list in std::mem::take(&mut self.aggregates) {
            let mut first: Option<Type> = None;
            for (at, of) in list {
                let of = self.known.apply(&of, true);
                match &first {
                    None => first = Some(of),
                    Some(expected) if *expected == of => {}
                    Some(expected) => {
                        let message = format!("expected type '{expected}' but found '{of}'");
                        self.mistake(at, message);
                        break;
                    }
                }
            }
        }
    }

    fn each(&mut self, each: &mut Loop) -> Type {
        let range = self.check(&mut each.range);
        let range = self.now(&range);
        if matches!(each.operation, Operation::OptMap | Operation::OptFlatMap) {
            return self.optional_map(each, &range);
        }
        let (key, value) = match &range {
            Type::Named(name, inner) if &**name == "list" => {
                (Type::named("int"), inner.first().cloned().unwrap_or(Type::Dyn))
            }
            Type::Named(name, inner) if &**name == "map" => (
                inner.first().cloned().unwrap_or(Type::Dyn),
                inner.get(1).cloned().unwrap_or(Type::Dyn),
            ),
            Type::Dyn | Type::Error | Type::Param(_) => {
                self.known.assign(&Type::Dyn, &range);
                (Type::Dyn, Type::Dyn)
            }
            other => {
                let message = format!(
                    "expression of type '{other}' cannot be range of a comprehension (must be \
                     list, map, or dynamic)"
                );
                self.mistake(each.range.at, message);
                (Type::Error, Type::Error)
            }
        };
        let single = if range.is("map") { key.clone() } else { value.clone() };
        let element = single.clone();
        let types = if each.variables.len() == 2 { vec![key.clone(), value] } else { vec![single] };
        let depth = self.scope.len();
        self.scope.extend(each.variables.iter().cloned().zip(types));
        if let Some(filter) = &mut each.filter {
            self.condition(filter, "_?_:_");
        }
        let result = self.loop_result(each, key, element, &range);
        self.scope.truncate(depth);
        result
    }

    fn loop_result(&mut self, each: &mut Loop, key: Type, element: Type, range: &Type) -> Type {
        let body_at = each.body.at;
        match each.operation {
            Operation::All => self.condition(&mut each.body, "_&&_"),
            Operation::Exists => self.condition(&mut each.body, "_||_"),
            Operation::ExistsOne => self.condition(&mut each.body, "_?_:_"),
            Operation::Filter => {
                self.condition(&mut each.body, "_?_:_");
                Type::list(element)
            }
            Operation::ToList => Type::list(self.check(&mut each.body)),
            Operation::TransformMap => Type::map(key, self.check(&mut each.body)),
            Operation::TransformMapEntry => {
                let of = self.check(&mut each.body);
                let (key, value) = (self.parameter(), self.parameter());
                let map = Type::map(key, value);
                if !self.known.assign(&of, &map) {
                    let message = format!(
                        "found no matching overload for 'cel.@mapInsert' applied to \
                         '(map(dyn, dyn), {of})'"
                    );
                    return self.mistake(body_at, message);
                }
                self.now(&map)
            }
            Operation::SortBy => {
                let of = self.check(&mut each.body);
                let types = [range.clone(), Type::list(of)];
                self.overload(body_at, "@sortByAssociatedKeys", true, &types).0
            }
            Operation::OptMap | Operation::OptFlatMap => Type::Error,
        }
    }

    fn optional_map(&mut self, each: &mut Loop, range: &Type) -> Type {
        let inner = self.parameter();
        if !self.known.assign(range, &Type::optional(inner.clone())) {
            let message =
                format!("found no matching overload for 'hasValue' applied to '{range}.()'");
            return self.mistake(each.range.at, message);
        }
        let inner = self.now(&inner);
        let depth = self.scope.len();
        self.scope.extend(each.variables.iter().cloned().zip([inner]));
        let of = self.check(&mut each.body);
        self.scope.truncate(depth);
        if each.operation == Operation::OptMap {
            return Type::optional(of);
        }
        let none = Type::optional(self.parameter());
        self.overload(each.body.at, "_?_:_", false, &[Type::named("bool"), of, none]).0
    }

    /// A part that must be true or false.
    fn condition(&mut self, part: &mut Expr, operator: &str) -> Type {
        let of = self.check(part);
        let bool_type = Type::named("bool");
        if !self.known.assign(&of, &bool_type) {
            let shown = self.shown(&[bool_type.clone(), of]);
            let message =
                format!("found no matching overload for '{operator}' applied to '({shown})'");
            self.mistake(part.at, message);
        }
        bool_type
    }
}

/// The dotted name that an expression is, if it is one.
fn dotted(expr: &Expr) -> Option<Str> {
    match &expr.kind {
        Kind::Name(name) => Some(Str::clone(name)),
        Kind::Select { operand, field, optional: false } => {
            Some(format!("{}.{field}", dotted(operand)?).into())
        }
        _ => None,
    }
}
