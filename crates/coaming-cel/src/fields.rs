//! The fields that an expression reads of objects of known kinds: a misspelt one would never hold, and
//! nobody would notice.
//!
//! Invariant: only what is certain is a mistake. A value whose type is not known (parameters, status,
//! anything computed) may have any field, and so may a value that one of several kinds gives it.

use std::collections::BTreeMap;

use coaming_kube::schema::{ApiField, ApiType};

use crate::lang::ast::{Call, Expr, Global, Kind, Loop, Operation};
use crate::lang::{Mistake, Str};

/// The types that a value may have; `None` if they are not known.
pub(crate) type Types = Option<Vec<ApiType>>;

/// What is known of the names that an expression reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// The kinds of `object`; if empty, it may be of any.
    kinds: Vec<String>,
    /// The types of a policy's variables.
    variables: BTreeMap<Str, Types>,
}

impl Known {
    /// Of objects of these kinds.
    pub(crate) fn of(kinds: &[String]) -> Self {
        Self { kinds: kinds.to_vec(), variables: BTreeMap::new() }
    }

    /// Adds a variable, for the expressions after it.
    pub(crate) fn add(&mut self, name: &Str, types: Types) {
        self.variables.insert(Str::clone(name), types);
    }
}

/// Kinds that others define too, with other fields: there, only a field that is nearly right counts.
const AMBIGUOUS: &[&str] = &["Event", "Ingress", "Job", "Service"];

/// The types of an expression, and the fields in it that no object of the kinds has. Without kinds, or
/// with one that is not Kubernetes' own, there are none.
pub(crate) fn read(tree: &Expr, known: &Known) -> (Types, Vec<Mistake>) {
    let kinds = &known.kinds;
    let of_kinds: Vec<Vec<ApiType>> = kinds.iter().map(|kind| ApiType::of_kind(kind)).collect();
    if kinds.is_empty() || of_kinds.iter().any(Vec::is_empty) {
        return (None, Vec::new());
    }
    let only_near = kinds.iter().any(|kind| AMBIGUOUS.contains(&kind.as_str()));
    let objects = of_kinds.into_iter().flatten().collect();
    let variables = &known.variables;
    let mut walk = Walk { objects, variables, only_near, locals: Vec::new(), mistakes: Vec::new() };
    let types = walk.expression(tree);
    (types, walk.mistakes)
}

struct Walk<'k> {
    objects: Vec<ApiType>,
    variables: &'k BTreeMap<Str, Types>,
    only_near: bool,
    /// The types of the loops' variables in scope.
    locals: Vec<Types>,
    mistakes: Vec<Mistake>,
}

impl Walk<'_> {
    fn expression(&mut self, expr: &Expr) -> Types {
        match &expr.kind {
            Kind::Global(Global::Object | Global::OldObject) => Some(self.objects.clone()),
            Kind::Literal(_) | Kind::Name(_) | Kind::Global(_) => None,
            Kind::Local(position) => self.locals.get(*position).cloned().flatten(),
            Kind::Select { operand, field, .. }
                if matches!(operand.kind, Kind::Global(Global::Variables)) =>
            {
                self.variables.get(field).cloned().flatten()
            }
            Kind::Select { operand, field, .. } => self.field(expr.at, operand, field),
            Kind::Has { operand, field } => {
                self.field(expr.at, operand, field);
                None
            }
            Kind::Index { operand, index, .. } => {
                let of = self.expression(operand);
                self.expression(index);
                each(of, |of| of.item().or_else(|| of.value()))
            }
            Kind::Call(call) => self.call(call),
            Kind::And(parts) | Kind::Or(parts) => {
                for part in parts {
                    self.expression(part);
                }
                None
            }
            Kind::Conditional(parts) => {
                let [condition, yes, no] = &**parts;
                self.expression(condition);
                let (yes, no) = (self.expression(yes), self.expression(no));
                joined(yes, no)
            }
            Kind::List(elements) => {
                for (_, element) in elements {
                    self.expression(element);
                }
                elements.is_empty().then(Vec::new)
            }
            Kind::Map(entries) => {
                for (_, key, value) in entries {
                    self.expression(key);
                    self.expression(value);
                }
                entries.is_empty().then(Vec::new)
            }
            Kind::Loop(each) => self.each(each),
        }
    }

    fn field(&mut self, at: u32, operand: &Expr, name: &str) -> Types {
        let types = self.expression(operand)?;
        let fields: Vec<ApiField> = types.iter().map(|of| of.field(name)).collect();
        let mut known = Vec::new();
        let mut meant = None;
        for field in &fields {
            match field {
                ApiField::Known(of) => known.push(*of),
                ApiField::Absent(near) => meant = meant.or(*near),
                ApiField::Open => return None,
            }
        }
        let is_absent = known.is_empty() && !fields.is_empty();
        if is_absent && (meant.is_some() || !self.only_near) {
            let hint = meant.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            self.mistakes.push(Mistake { at, message: format!("undefined field '{name}'{hint}") });
        }
        (!known.is_empty()).then_some(known)
    }

    fn call(&mut self, call: &Call) -> Types {
        let arguments = call.arguments.iter();
        let types: Vec<Types> = arguments.map(|argument| self.expression(argument)).collect();
        let mut types = types.into_iter();
        let (first, second) = (types.next().flatten(), types.next().flatten());
        match (&*call.function, call.arguments.len()) {
            ("value", 1) => first,
            ("orValue" | "or" | "_+_", 2) => joined(first, second),
            _ => None,
        }
    }

    fn each(&mut self, of: &Loop) -> Types {
        let range = self.expression(&of.range);
        let is_optional = matches!(of.operation, Operation::OptMap | Operation::OptFlatMap);
        let element = if is_optional {
            range.clone()
        } else if of.variables.len() == 1 {
            // Of a mapping, the variable is the key.
            each(range.clone(), ApiType::item)
        } else {
            each(range.clone(), |of| of.item().or_else(|| of.value()))
        };
        let scope = self.locals.len();
        self.locals.extend(of.variables.iter().skip(1).map(|_| None));
        self.locals.push(element);
        if let Some(filter) = &of.filter {
            self.expression(filter);
        }
        let body = self.expression(&of.body);
        self.locals.truncate(scope);
        match of.operation {
            Operation::Filter | Operation::SortBy => range,
            Operation::OptMap | Operation::OptFlatMap => body,
            _ => None,
        }
    }
}

/// The types that all of these lead to; `None` if one leads nowhere.
fn each(types: Types, step: impl Fn(ApiType) -> Option<ApiType>) -> Types {
    types?.into_iter().map(step).collect()
}

/// The types of a value that is one or the other.
fn joined(one: Types, other: Types) -> Types {
    let (mut one, other) = (one?, other?);
    one.extend(other);
    Some(one)
}

#[cfg(test)]
mod tests {
    use crate::expression::{Expected, Expression};
    use crate::lang::check::Environment;

    fn wrong(kinds: &[&str], text: &str) -> Option<String> {
        let environment = Environment { has_authorizer: true, ..Environment::default() };
        let (expression, _) = Expression::compile(text, &environment, Expected::Bool).unwrap();
        let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        expression.check_fields(&super::Known::of(&kinds)).err()
    }

    #[test]
    fn fields_that_no_kind_has_are_mistakes() {
        for (kinds, text, expected) in [
            (
                &["Pod"][..],
                "object.spec.hostNetwrk == true",
                "'hostNetwrk'; did you mean `hostNetwork`?",
            ),
            (&["Pod"], "has(object.metadata.lables)", "'lables'; did you mean `labels`?"),
            (&["Deployment"], "object.spec.containers.all(c, true)", "'containers'"),
            (
                &["Deployment"],
                "object.spec.template.spec.containers.all(c, has(c.securtyContext))",
                "'securtyContext'",
            ),
            (
                &["Pod"],
                "object.spec.containers.filter(c, c.name == 'a').all(c, c.imag == '')",
                "'imag'",
            ),
            (&["Pod"], "object.spec.?volumes.orValue([]).all(v, !has(v.hostPth))", "'hostPth'"),
            (
                &["Pod"],
                "(object.spec.containers + object.spec.?initContainers.orValue([])).all(c, has(c.imag))",
                "'imag'",
            ),
            (
                &["Pod"],
                "object.?spec.?securityContext.optMap(s, s.runAsNonRot == true).orValue(false)",
                "'runAsNonRot'",
            ),
            (&["Pod", "Deployment"], "object.spec.foo == 1", "'foo'"),
            (&["Service"], "object.spec.typ == 'x'", "'typ'"),
        ] {
            let message = wrong(kinds, text).unwrap_or_default();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }

    #[test]
    fn what_may_be_there_is_no_mistake() {
        for (kinds, text) in [
            (
                &["Pod", "Deployment"][..],
                "object.kind == 'Pod' ? has(object.spec.containers) : has(object.spec.template)",
            ),
            (&["Pod"], "object.metadata.labels.team == 'a'"),
            (&["Pod"], "object.status.anything == 1"),
            (&["Pod"], "object.metadata.labels.all(key, key != 'x')"),
            (&["Pod"], "object.metadata.?annotations[?'x'].orValue('') == ''"),
            (&["Pod"], "[{'a': 1}].all(c, c.a == 1)"),
            (&["Pod"], "object.spec.containers.map(c, {'x': c.name}).all(c, c.x != '')"),
            (
                &["Pod"],
                "(has(object.spec.initContainers) ? object.spec.initContainers : []).all(c, has(c.image))",
            ),
            (&["Widget"], "object.spec.size == 1"),
            (&[], "object.spec.size == 1"),
            (&["Service"], "object.spec.template.spec.containerConcurrency == 1"),
            (&["ConfigMap"], "object.data.all(key, value, value.size() < 10)"),
        ] {
            assert_eq!(wrong(kinds, text), None, "{text}");
        }
    }
}
