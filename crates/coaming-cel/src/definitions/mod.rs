//! Rules in CEL of CustomResourceDefinitions (`x-kubernetes-validations`), for the objects of the
//! world that they define.
//!
//! Invariants: an object is judged as one that is created, so that rules which compare with what it was
//! before do not run; a rule that does not compile is counted; and what is not certain about a value
//! (another type, a placeholder) is not judged.

mod types;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use coaming_finding::{Finding, RuleMeta, RuleRef};
use coaming_kube::schema::Definitions;
use coaming_kube::{Fields as _, Object, SourceId, World};
use coaming_yaml::{Node, NodeId};

use crate::expression::{Expected, Expression};
use crate::lang::ast::Global;
use crate::lang::check::{Environment, OwnTypes};
use crate::lang::eval::{Bindings, EvalError};
use crate::lang::types::Type;
use crate::lang::value::Value;
use crate::rule::finding_at;
use types::{RULES, Types, is_embedded_resource};

/// How deep an object is followed.
const MAX_DEPTH: usize = 64;

/// What the rules of definitions say.
#[derive(Debug, Default)]
pub struct DefinitionReport {
    /// The objects that break a rule.
    pub findings: Vec<Finding>,
    /// How many rules could not be compiled, and so were not evaluated.
    pub unknown: usize,
}

/// Judges the custom resources of a world, or of one of its sources, by the rules of their
/// definitions. `rule` is the one that findings are of; `concerns` says which objects are judged.
#[must_use]
pub fn judge(
    world: &World,
    rule: &'static RuleMeta,
    only: Option<SourceId>,
    concerns: impl Fn(Object<'_>) -> bool,
) -> DefinitionReport {
    let mut report = DefinitionReport::default();
    let definitions = Definitions::of(world);
    let mut compiled: BTreeMap<(String, String), Rules<'_>> = BTreeMap::new();
    for object in world.objects() {
        if only.is_some_and(|only| only != object.source()) {
            continue;
        }
        let Some(schema) = definitions.certain_schema_of(object, world) else { continue };
        let key = (object.api_version().to_owned(), object.kind().to_owned());
        let rules = compiled.entry(key).or_insert_with(|| {
            let rules = Rules::of(schema);
            report.unknown += rules.unknown;
            rules
        });
        if rules.by_part.is_empty() || !concerns(object) {
            continue;
        }
        let mut judge = Judge { world, rule, object, rules, findings: &mut report.findings };
        judge.part(object.node(), schema, true, 0);
    }
    report
}

/// The rules of a schema, by the part that they are about.
struct Rules<'w> {
    by_part: BTreeMap<NodeId, Vec<Rule<'w>>>,
    unknown: usize,
}

/// A rule.
struct Rule<'w> {
    expression: Expression,
    message: Option<&'w str>,
    message_expression: Option<Expression>,
    field: Option<&'w str>,
    /// Whether it runs where there is no old value.
    old_is_optional: bool,
}

impl<'w> Rules<'w> {
    fn of(schema: Node<'w>) -> Self {
        let mut types = Types::default();
        types.read(schema, true);
        let Types { objects, of_rules } = types;
        let objects = Arc::new(objects);
        let mut rules = Self { by_part: BTreeMap::new(), unknown: 0 };
        for (part, value) in of_rules {
            for node in schema.document().node(part).list(RULES) {
                let is_optional = node.boolean("optionalOldSelf") == Some(true);
                let old = if is_optional { Type::optional(value.clone()) } else { value.clone() };
                let own = OwnTypes { value: value.clone(), old, objects: Arc::clone(&objects) };
                let environment = Environment { own: Some(own), ..Environment::default() };
                match Rule::read(node, &environment) {
                    Some(rule) => rules.by_part.entry(part).or_default().push(rule),
                    None => rules.unknown += 1,
                }
            }
        }
        rules
    }
}

impl<'w> Rule<'w> {
    /// Compiles a rule; `None` if it does not compile here.
    fn read(node: Node<'w>, environment: &Environment) -> Option<Self> {
        let text = node.string("rule")?;
        let (expression, _) = Expression::compile(text, environment, Expected::Bool).ok()?;
        let message_expression = node.string("messageExpression").and_then(|text| {
            Some(Expression::compile(text, environment, Expected::String).ok()?.0)
        });
        Some(Self {
            expression,
            message: node.string("message").map(str::trim).filter(|text| !text.is_empty()),
            message_expression,
            field: node.string("fieldPath"),
            old_is_optional: node.boolean("optionalOldSelf") == Some(true),
        })
    }

    /// What to say of a value that breaks the rule; `None` of one that does not.
    fn broken_by(&self, value: &Value) -> Option<String> {
        // It compares with the value before an update.
        if self.expression.sees_request && !self.old_is_optional {
            return None;
        }
        match self.expression.evaluate(&Own { value }) {
            Ok(Value::Bool(true)) => None,
            Ok(_) => Some(self.message(value)),
            Err(EvalError(why)) => {
                Some(format!("rule `{}` fails: {why}", self.expression.text.trim()))
            }
        }
    }

    fn message(&self, value: &Value) -> String {
        let computed = self.message_expression.as_ref().and_then(|expression| {
            let Ok(Value::String(text)) = expression.evaluate(&Own { value }) else { return None };
            let text = text.trim();
            (!text.is_empty() && !text.contains('\n')).then(|| text.to_owned())
        });
        computed.or_else(|| self.message.map(str::to_owned)).unwrap_or_else(|| {
            format!("rule `{}` does not hold", self.expression.text.trim().replace('\n', " "))
        })
    }
}

/// What a rule sees.
struct Own<'v> {
    value: &'v Value,
}

impl Bindings for Own<'_> {
    fn global(&self, global: Global) -> Value {
        match global {
            Global::Object => self.value.clone(),
            _ => Value::Optional(None),
        }
    }

    fn variable(&self, name: &str) -> Result<Value, EvalError> {
        Err(EvalError::new(format!("no such key: {name}")))
    }
}

struct Judge<'j, 'w> {
    world: &'w World,
    rule: &'static RuleMeta,
    object: Object<'w>,
    rules: &'j Rules<'w>,
    findings: &'j mut Vec<Finding>,
}

impl<'w> Judge<'_, 'w> {
    /// Judges a part of the object, and the parts in it.
    fn part(&mut self, node: Node<'w>, schema: Node<'w>, is_resource: bool, depth: usize) {
        if depth > MAX_DEPTH || node.is_null() {
            return;
        }
        let rules = self.rules;
        if let Some(rules) = rules.by_part.get(&schema.id())
            && let Ok(Some(value)) = types::value(node, schema, is_resource)
        {
            for rule in rules {
                if let Some(message) = rule.broken_by(&value) {
                    self.report(node, rule, &message);
                }
            }
        }
        for property in schema.pairs("properties") {
            let is_written_by_others =
                is_resource && matches!(property.name(), "status" | "metadata");
            if let Some(value) = node.get(property.name()).filter(|_| !is_written_by_others) {
                self.part(value, property.value, is_embedded_resource(property.value), depth + 1);
            }
        }
        if let Some(items) = schema.mapping("items") {
            for item in node.items() {
                self.part(item, items, is_embedded_resource(items), depth + 1);
            }
        }
        if let Some(others) = schema.mapping("additionalProperties") {
            let named = schema.mapping("properties");
            for entry in node.entries().filter(|entry| named.field(entry.name()).is_none()) {
                self.part(entry.value, others, is_embedded_resource(others), depth + 1);
            }
        }
    }

    fn report(&mut self, node: Node<'w>, rule: &Rule<'_>, message: &str) {
        let field = rule.field.and_then(|path| at(node, path));
        let place = field.unwrap_or(node);
        let path = place.path();
        let object = match self.object.name() {
            "" => self.object.kind().to_owned(),
            name => format!("{} `{name}`", self.object.kind()),
        };
        let subject = if path.is_root() { object } else { format!("`{path}` of {object}") };
        let message = format!("{subject} breaks a rule of its definition: {message}");
        let expression = Some(rule.expression.text.as_str());
        let of_rule = RuleRef::from(self.rule);
        let finding = finding_at((self.world, self.object), place, of_rule, &message, expression);
        self.findings.push(Finding {
            why: Cow::Borrowed("The API server refuses the whole object."),
            help: Cow::Borrowed("Change the values that the rule reads."),
            ..finding
        });
    }
}

/// The node at a path such as `.spec.replicas`, if it is there.
fn at<'a>(node: Node<'a>, path: &str) -> Option<Node<'a>> {
    let keys = path.strip_prefix('.')?.split('.');
    keys.into_iter().try_fold(node, |node, key| node.get(key))
}

#[cfg(test)]
mod tests;
