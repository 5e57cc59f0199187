//! A compiled rule, and its evaluation for an object.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use coaming_config::CustomRule;
use coaming_finding::{
    Category, Confidence, Finding, Fix, Lifecycle, Location, ObjectRef, RuleId, RuleMeta, RuleRef,
    Severity,
};
use coaming_kube::{Object, World};
use coaming_yaml::Node;

use crate::CompileError;
use crate::binding::{Binding, Parameters};
use crate::expression::{Expected, Expression};
use crate::fields::Known;
use crate::lang::Str;
use crate::lang::ast::Global;
use crate::lang::check::Environment;
use crate::lang::eval::{Bindings, EvalError};
use crate::lang::value::Value;
use crate::library::opaque::Opaque;
use crate::matching::Constraints;
use crate::subject::{Operation, Subject};

/// The longest message of a `messageExpression`, in bytes: upstream's limit.
const MAX_MESSAGE: usize = 5 << 10;

/// An expression that must be true, and what to say if it is not.
#[derive(Debug)]
pub(crate) struct Validation {
    pub(crate) expression: Expression,
    pub(crate) message: Option<String>,
    pub(crate) message_expression: Option<Expression>,
}

/// Which objects a rule applies to.
#[derive(Debug)]
pub(crate) enum Scope {
    /// Objects of these kinds; if empty, all.
    Kinds(Vec<String>),
    /// Objects that a policy matches.
    Constraints(Constraints),
}

/// A rule, ready to run.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) meta: Arc<RuleMeta>,
    /// The line of the rule in `coaming.yaml`; 0 for a policy.
    pub(crate) line: u32,
    pub(crate) scope: Scope,
    /// The rule applies to an object if all of these are true.
    pub(crate) conditions: Vec<Expression>,
    pub(crate) variables: BTreeMap<Str, Expression>,
    pub(crate) validations: Vec<Validation>,
    pub(crate) parameters: Option<Parameters>,
    /// Where a policy is bound; if empty, it applies as if it were bound without conditions.
    pub(crate) bindings: Vec<Binding>,
    /// Whether an expression that fails to evaluate counts as false.
    pub(crate) strict: bool,
}

/// The description of a custom rule.
pub(crate) fn meta(name: &str, summary: &str, severity: Severity) -> Arc<RuleMeta> {
    Arc::new(RuleMeta {
        id: RuleId::custom(name),
        summary: Cow::Owned(summary.to_owned()),
        category: Category::Schema,
        severity,
        default: true,
        since: "",
        lifecycle: Lifecycle::Stable,
        standards: &[],
        docs: Cow::Borrowed(
            " A rule of your own, from `coaming.yaml` or a ValidatingAdmissionPolicy.\n",
        ),
    })
}

/// Compiles a rule of `coaming.yaml`.
pub(crate) fn compile(rule: &CustomRule) -> Result<Compiled, CompileError> {
    let environment = Environment { has_authorizer: true, ..Environment::default() };
    let compiled = Expression::compile(&rule.expression, &environment, Expected::Bool);
    let error = |message: String| CompileError {
        file: String::new(),
        line: rule.line,
        message: format!("rule `{}`: not a valid CEL expression: {message}", rule.name),
    };
    let (expression, _) = compiled.map_err(error)?;
    expression.check_fields(&Known::of(&rule.kinds)).map_err(error)?;
    Ok(Compiled {
        meta: meta(&rule.name, &rule.message, rule.severity),
        line: rule.line,
        scope: Scope::Kinds(rule.kinds.clone()),
        conditions: Vec::new(),
        variables: BTreeMap::new(),
        validations: vec![Validation {
            expression,
            message: Some(rule.message.clone()),
            message_expression: None,
        }],
        parameters: None,
        bindings: Vec::new(),
        strict: true,
    })
}

impl Compiled {
    /// The finding for this object, if the rule applies to one of these operations on it and its
    /// expression is false.
    pub(crate) fn judge(&self, subject: &Subject<'_>, operations: &[Operation]) -> Option<Finding> {
        let constraints = match &self.scope {
            Scope::Kinds(kinds) => {
                let applies =
                    kinds.is_empty() || kinds.iter().any(|kind| kind == subject.object.kind());
                let operation = *operations.first()?;
                return applies.then(|| self.violation(subject, operation)).flatten();
            }
            Scope::Constraints(constraints) => constraints,
        };
        let mut matched = false;
        operations.iter().find_map(|&operation| {
            let is_repeated = matched && !self.sees_request();
            if is_repeated || !constraints.hold(subject, operation) {
                return None;
            }
            matched = self.bindings.is_empty();
            self.violation(subject, operation)
        })
    }

    /// Whether it is about requests: an expression reads what differs between them for one and the
    /// same object.
    pub(crate) fn sees_request(&self) -> bool {
        let validations = self.validations.iter().map(|validation| &validation.expression);
        let mut all = self.conditions.iter().chain(self.variables.values()).chain(validations);
        all.any(|expression| expression.sees_request)
    }

    /// The finding for an operation that the rule applies to.
    fn violation(&self, subject: &Subject<'_>, operation: Operation) -> Option<Finding> {
        if self.bindings.is_empty() {
            let message = self.denial(subject, operation, &Value::Null)?;
            return Some(self.finding(subject, &message, self.meta.severity));
        }
        let bound = self.bindings.iter().filter(|binding| binding.matches.hold(subject, operation));
        bound.into_iter().find_map(|binding| {
            let message = self.denial_of(binding, subject, operation)?;
            let severity = if binding.denies { self.meta.severity } else { Severity::Low };
            Some(self.finding(subject, &message, severity))
        })
    }

    fn denial_of(
        &self,
        binding: &Binding,
        subject: &Subject<'_>,
        operation: Operation,
    ) -> Option<String> {
        match binding.parameters(self.parameters.as_ref(), subject) {
            Ok(values) => values.iter().find_map(|value| self.denial(subject, operation, value)),
            Err(message) => self.strict.then_some(message),
        }
    }

    /// The message of the first validation that does not hold.
    pub(crate) fn denial(
        &self,
        subject: &Subject<'_>,
        operation: Operation,
        parameters: &Value,
    ) -> Option<String> {
        let scene = Scene {
            rule: self,
            subject,
            operation,
            parameters,
            variables: RefCell::default(),
            authorizer: OnceCell::new(),
        };
        match self.conditions_hold(&scene) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(message) => return self.strict.then_some(message),
        }
        self.validations.iter().find_map(|validation| {
            match validation.expression.evaluate(&scene) {
                Ok(Value::Bool(true)) => None,
                Ok(_) => Some(validation.message(&scene)),
                Err(_) if !self.strict => None,
                Err(error) => Some(failure(&validation.expression.text, &error)),
            }
        })
    }

    /// A condition that is false wins over errors in others.
    fn conditions_hold(&self, scene: &Scene<'_, '_>) -> Result<bool, String> {
        let mut error = None;
        for condition in &self.conditions {
            match condition.evaluate(scene) {
                Ok(Value::Bool(true)) => {}
                Ok(_) => return Ok(false),
                Err(why) => {
                    error.get_or_insert_with(|| failure(&condition.text, &why));
                }
            }
        }
        error.map_or(Ok(true), Err)
    }

    fn finding(&self, subject: &Subject<'_>, message: &str, severity: Severity) -> Finding {
        let object = subject.object;
        let place: Node<'_> = object
            .metadata()
            .and_then(|metadata| metadata.get("name"))
            .unwrap_or_else(|| object.node());
        let rule = RuleRef::from(Arc::clone(&self.meta));
        let expression = self.validations.first().map(|check| check.expression.text.as_str());
        Finding {
            severity,
            help: Cow::Borrowed("Make the rule's expression true, or change the rule."),
            ..finding_at((subject.world, object), place, rule, message, expression)
        }
    }
}

/// A finding about a part of an object that makes an expression false.
pub(crate) fn finding_at(
    (world, object): (&World, Object<'_>),
    place: Node<'_>,
    rule: RuleRef,
    message: &str,
    expression: Option<&str>,
) -> Finding {
    let source = world.source(object.source());
    let has_spans = source.is_some_and(|source| source.has_positions());
    Finding {
        severity: rule.severity,
        rule,
        confidence: Confidence::High,
        message: message.trim_end_matches('.').to_owned(),
        why: Cow::Borrowed(""),
        help: Cow::Borrowed(""),
        object: Some(ObjectRef {
            api_version: object.api_version().to_owned(),
            kind: object.kind().to_owned(),
            namespace: object.namespace().to_owned(),
            name: object.name().to_owned(),
        }),
        container: None,
        locations: vec![Location {
            source: Some(object.source()),
            path: place.path(),
            span: place.span().filter(|_| has_spans),
            label: String::new(),
        }],
        fix: Some(Fix::manual("make the rule's expression true", expression.unwrap_or_default())),
        suppressed: None,
        variants: Vec::new(),
        commit: None,
        verification: None,
        way: None,
    }
}

fn failure(text: &str, EvalError(why): &EvalError) -> String {
    format!("expression '{}' resulted in error: {why}", text.trim())
}

impl Validation {
    /// What to say if the expression is false. A message expression that fails, or whose text is
    /// empty, too long or of several lines, gives way to the message.
    fn message(&self, scene: &Scene<'_, '_>) -> String {
        let computed = self.message_expression.as_ref().and_then(|expression| {
            let Ok(Value::String(text)) = expression.evaluate(scene) else { return None };
            let text = text.trim();
            let fits = !text.is_empty() && text.len() <= MAX_MESSAGE && !text.contains('\n');
            fits.then(|| text.to_owned())
        });
        computed
            .or_else(|| self.message.as_deref().map(str::trim).map(str::to_owned))
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| format!("failed expression: {}", self.expression.text.trim()))
    }
}

/// What an evaluation sees. Variables are computed when they are first used.
struct Scene<'s, 'w> {
    rule: &'s Compiled,
    subject: &'s Subject<'w>,
    operation: Operation,
    parameters: &'s Value,
    variables: RefCell<BTreeMap<Str, Result<Value, EvalError>>>,
    authorizer: OnceCell<[Value; 2]>,
}

impl Scene<'_, '_> {
    fn object(&self) -> Value {
        match self.rule.scope {
            Scope::Kinds(_) => self.subject.value(),
            Scope::Constraints(_) => self.subject.admitted(),
        }
    }
}

impl Bindings for Scene<'_, '_> {
    fn global(&self, global: Global) -> Value {
        match global {
            Global::OldObject if self.operation == Operation::Create => Value::Null,
            Global::OldObject => self.subject.old().unwrap_or_else(|| self.object()),
            Global::Object => self.object(),
            Global::Params => self.parameters.clone(),
            Global::Request => self.subject.request(self.operation),
            Global::NamespaceObject => self.subject.namespace(),
            Global::Variables => {
                let value =
                    |name: &Str| Some((Value::String(name.clone()), self.variable(name).ok()?));
                Value::map(self.rule.variables.keys().filter_map(value).collect())
            }
            Global::Authorizer | Global::RequestResource => {
                let [authorizer, resource] = self.authorizer.get_or_init(|| {
                    [Value::opaque(Opaque::Authorizer), Value::opaque(Opaque::ResourceCheck)]
                });
                if global == Global::Authorizer { authorizer.clone() } else { resource.clone() }
            }
        }
    }

    fn variable(&self, name: &str) -> Result<Value, EvalError> {
        if let Some(known) = self.variables.borrow().get(name) {
            return known.clone();
        }
        let Some((name, expression)) = self.rule.variables.get_key_value(name) else {
            return Err(EvalError::new(format!("no such key: {name}")));
        };
        let value = expression.evaluate(self).map_err(|EvalError(why)| {
            EvalError::new(format!("composited variable \"{name}\" fails to evaluate: {why}"))
        });
        self.variables.borrow_mut().insert(Str::clone(name), value.clone());
        value
    }
}
