//! A compiled rule, and its evaluation for an object.

use std::borrow::Cow;
use std::sync::Arc;

use coaming_config::CustomRule;
use coaming_finding::{
    Category, Confidence, Finding, Fix, Lifecycle, Location, ObjectRef, RuleId, RuleMeta, Severity,
};
use coaming_kube::{Object, World};
use coaming_yaml::Node;
use kube_cel::cel::Program;
use kube_cel::{AdmissionRequest, VapEvaluator, VapExpression};

use crate::policy::Scope;
use crate::{CompileError, cost};

/// An expression that must be true.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) expression: VapExpression,
    depth: u32,
}

/// A rule, ready to run.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) meta: Arc<RuleMeta>,
    pub(crate) scope: Scope,
    /// The rule applies to an object if all of these are true.
    pub(crate) conditions: Vec<Check>,
    pub(crate) checks: Vec<Check>,
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
    let expression = VapExpression {
        expression: rule.expression.clone(),
        message: Some(rule.message.clone()),
        message_expression: None,
    };
    let check = check(expression).map_err(|message| CompileError {
        file: String::new(),
        line: rule.line,
        message: format!("rule `{}`: {message}", rule.name),
    })?;
    Ok(Compiled {
        meta: meta(&rule.name, &rule.message, rule.severity),
        scope: Scope::Kinds(rule.kinds.clone()),
        conditions: Vec::new(),
        checks: vec![check],
        strict: true,
    })
}

/// Compiles an expression, and rejects one that could cost too much.
pub(crate) fn check(expression: VapExpression) -> Result<Check, String> {
    let mut deepest = 0;
    for text in [Some(&expression.expression), expression.message_expression.as_ref()] {
        let Some(text) = text else { continue };
        if text.len() > cost::MAX_LENGTH {
            return Err(format!("the expression is longer than {} KiB", cost::MAX_LENGTH >> 10));
        }
        let program = Program::compile(text)
            .map_err(|error| format!("not a valid CEL expression: {error}"))?;
        deepest = match cost::depth(&program) {
            Some(depth) if depth <= cost::MAX_DEPTH => depth.max(deepest),
            Some(depth) => {
                return Err(format!(
                    "loops are nested {depth} deep, but at most {} levels are allowed",
                    cost::MAX_DEPTH
                ));
            }
            None => return Err("`lists.range` has no bound: use the object's own lists".to_owned()),
        };
    }
    Ok(Check { expression, depth: deepest })
}

impl Compiled {
    /// The finding for this object, if the rule applies to it and its expression is false.
    pub(crate) fn judge(&self, world: &World, object: Object<'_>) -> Option<Finding> {
        if !self.scope.holds(world, object) {
            return None;
        }
        let nodes = object.node().descendants().count();
        let deepest = self.conditions.iter().chain(&self.checks).map(|check| check.depth).max();
        if !cost::affordable(deepest.unwrap_or(0), nodes) {
            let message = format!(
                "rule `{}` was not evaluated: its loops over the {nodes} values of this object \
                 would take too long",
                self.meta.id
            );
            return Some(self.finding(world, object, message, Confidence::Low));
        }
        let evaluator = evaluator(world, object);
        let conditions: Vec<_> =
            self.conditions.iter().map(|check| check.expression.clone()).collect();
        if evaluator.evaluate(&conditions).iter().any(|result| !result.passed) {
            return None;
        }
        let checks: Vec<_> = self.checks.iter().map(|check| check.expression.clone()).collect();
        let failed = evaluator.evaluate(&checks).into_iter().find(|result| {
            let broken = result
                .message
                .as_deref()
                .is_some_and(|message| message.starts_with("evaluation error"));
            !result.passed && (self.strict || !broken)
        })?;
        let message = failed.message.unwrap_or_else(|| self.meta.summary.clone().into_owned());
        let message = message.trim_end_matches('.').to_owned();
        Some(self.finding(world, object, message, Confidence::High))
    }

    fn finding(
        &self,
        world: &World,
        object: Object<'_>,
        message: String,
        confidence: Confidence,
    ) -> Finding {
        let source = world.source(object.source());
        let has_spans = source.is_some_and(|source| source.has_positions());
        let place: Node<'_> = object
            .metadata()
            .and_then(|metadata| metadata.get("name"))
            .unwrap_or_else(|| object.node());
        Finding {
            rule: Arc::clone(&self.meta).into(),
            severity: self.meta.severity,
            confidence,
            message,
            why: Cow::Borrowed(""),
            help: Cow::Borrowed("Make the rule's expression true, or change the rule."),
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
            fix: Some(Fix::manual(
                "make the rule's expression true",
                self.checks
                    .first()
                    .map_or_else(String::new, |check| check.expression.expression.clone()),
            )),
            suppressed: None,
            variants: Vec::new(),
        }
    }
}

/// Binds what an API server would bind when the object is created.
fn evaluator(world: &World, object: Object<'_>) -> VapEvaluator {
    let namespace = object.namespace_or_default();
    let request = AdmissionRequest {
        operation: "CREATE".to_owned(),
        name: object.name().to_owned(),
        namespace: namespace.to_owned(),
        ..AdmissionRequest::default()
    };
    let namespace_object =
        world.of_kind("Namespace").find(|candidate| candidate.name() == namespace).map_or_else(
            || {
                serde_json::json!({
                    "apiVersion": "v1",
                    "kind": "Namespace",
                    "metadata": {
                        "name": namespace,
                        "labels": {"kubernetes.io/metadata.name": namespace},
                    },
                })
            },
            |object| object.node().to_json(),
        );
    VapEvaluator::builder()
        .object(object.node().to_json())
        .request(request)
        .namespace_object(namespace_object)
        .build()
}
