//! ValidatingAdmissionPolicies: compiles their expressions and collects their bindings.
//!
//! A policy is evaluated as if the object were created, once for each of its bindings among the
//! files of policies. Without one it applies as if it were bound everywhere.

use std::collections::BTreeMap;

use coaming_finding::Severity;
use coaming_kube::{Fields as _, Object, World};
use coaming_yaml::{LineIndex, Node};

use crate::CompileError;
use crate::binding::{Binding, Parameters};
use crate::expression::{Expected, Expression};
use crate::fields::{Known, Types};
use crate::lang::Str;
use crate::lang::check::Environment;
use crate::lang::types::Type;
use crate::matching::Constraints;
use crate::rule::{Compiled, Scope, Validation, meta};

/// A complaint about a part of a policy.
type Complaint<'n> = (Option<Node<'n>>, String);

/// Compiles a policy of the world.
pub(crate) fn compile(world: &World, object: Object<'_>) -> Result<Compiled, CompileError> {
    let bindings = bindings(world, object)?;
    compile_parts(object, bindings)
        .map_err(|(node, message)| error_at(world, object, node.unwrap_or(object.node()), &message))
}

fn error_at(world: &World, object: Object<'_>, node: Node<'_>, message: &str) -> CompileError {
    let source = world.source(object.source());
    let line = source.filter(|source| source.has_positions()).and_then(|source| {
        let span = node.span()?;
        Some(LineIndex::new(&source.text).position(&source.text, span.start).0)
    });
    CompileError {
        file: source.map_or_else(String::new, |source| source.name.clone()),
        line: line.unwrap_or(0),
        message: format!("{} `{}`: {message}", object.kind(), object.name()),
    }
}

fn bindings(world: &World, policy: Object<'_>) -> Result<Vec<Binding>, CompileError> {
    world
        .of_kind("ValidatingAdmissionPolicyBinding")
        .filter(|binding| binding.group() == policy.group())
        .filter(|binding| binding.spec().string("policyName") == Some(policy.name()))
        .map(|binding| {
            Binding::read(binding)
                .map_err(|message| error_at(world, binding, binding.node(), &message))
        })
        .collect()
}

fn compile_parts<'n>(
    object: Object<'n>,
    bindings: Vec<Binding>,
) -> Result<Compiled, Complaint<'n>> {
    let spec = object.spec();
    let parameters = parameters(spec)?;
    if parameters.is_some() && bindings.is_empty() {
        let message = "it takes parameters: its ValidatingAdmissionPolicyBinding and the \
                       parameters must be in files that `policies` names";
        return Err((spec.mapping("paramKind"), message.to_owned()));
    }
    let constraints = Constraints::read(spec.mapping("matchConstraints"));
    let constraints = constraints.map_err(|message| (spec.mapping("matchConstraints"), message))?;
    let mut environment = Environment {
        variables: BTreeMap::new(),
        has_params: parameters.is_some(),
        has_variables: true,
        has_authorizer: true,
        own: None,
    };
    let mut known = Known::of(&constraints.kinds());
    let variables = variables(spec, &mut environment, &mut known)?;
    let mut conditions = Vec::new();
    for (index, node) in spec.list("matchConditions").enumerate() {
        let field = format!("matchConditions[{index}].expression");
        let condition = part(node, "expression", &field, (&environment, &known), Expected::Bool)?;
        conditions.push(condition.expression);
    }
    for (index, node) in spec.list("auditAnnotations").enumerate() {
        let field = format!("auditAnnotations[{index}].valueExpression");
        let expected = Expected::StringOrNull;
        part(node, "valueExpression", &field, (&environment, &known), expected)?;
    }
    Ok(Compiled {
        meta: meta(object.name(), "Object violates a policy of your own", Severity::Medium),
        line: 0,
        scope: Scope::Constraints(constraints),
        conditions,
        variables,
        validations: validations(spec, &environment, &known)?,
        parameters,
        bindings,
        strict: spec.string("failurePolicy") != Some("Ignore"),
    })
}

fn parameters<'n>(spec: Option<Node<'n>>) -> Result<Option<Parameters>, Complaint<'n>> {
    let Some(node) = spec.mapping("paramKind") else { return Ok(None) };
    match (node.string("apiVersion"), node.string("kind")) {
        (Some(api_version), Some(kind)) => {
            Ok(Some(Parameters { api_version: api_version.to_owned(), kind: kind.to_owned() }))
        }
        _ => Err((Some(node), "paramKind needs an apiVersion and a kind".to_owned())),
    }
}

/// The variables in order: each may use those before it.
fn variables<'n>(
    spec: Option<Node<'n>>,
    environment: &mut Environment,
    known: &mut Known,
) -> Result<BTreeMap<Str, Expression>, Complaint<'n>> {
    let mut variables = BTreeMap::new();
    for (index, node) in spec.list("variables").enumerate() {
        let field = format!("variables[{index}].expression");
        let Some(name) = node.string("name") else {
            return Err((Some(node), format!("variables[{index}] has no name")));
        };
        let name = Str::from(name);
        let part = part(node, "expression", &field, (environment, known), Expected::Anything)?;
        environment.variables.insert(Str::clone(&name), part.of);
        known.add(&name, part.types);
        variables.insert(name, part.expression);
    }
    Ok(variables)
}

fn validations<'n>(
    spec: Option<Node<'n>>,
    environment: &Environment,
    known: &Known,
) -> Result<Vec<Validation>, Complaint<'n>> {
    let for_messages = Environment { has_authorizer: false, ..environment.clone() };
    let mut validations = Vec::new();
    for (index, node) in spec.list("validations").enumerate() {
        let field = format!("validations[{index}].expression");
        let expression = part(node, "expression", &field, (environment, known), Expected::Bool)?;
        let message_expression = match node.string("messageExpression") {
            None => None,
            Some(_) => {
                let field = format!("validations[{index}].messageExpression");
                let name = "messageExpression";
                let message = part(node, name, &field, (&for_messages, known), Expected::String)?;
                Some(message.expression)
            }
        };
        validations.push(Validation {
            expression: expression.expression,
            message: node.string("message").map(str::to_owned),
            message_expression,
        });
    }
    Ok(validations)
}

/// A compiled expression, with its type and what is known of its value's fields.
struct Part {
    expression: Expression,
    of: Type,
    types: Types,
}

/// Compiles the expression in a field, about objects of known kinds: a field that none of them has is
/// an error, as it is a warning of the API server's type checks.
fn part<'n>(
    node: Node<'n>,
    name: &str,
    field: &str,
    (environment, known): (&Environment, &Known),
    expected: Expected,
) -> Result<Part, Complaint<'n>> {
    let value = node.get(name);
    let text = node.string(name).unwrap_or_default();
    if text.trim().is_empty() {
        return Err((value.or(Some(node)), format!("{field} is empty")));
    }
    let error = |message| (value, format!("{field}: {message}"));
    let (expression, of) = Expression::compile(text, environment, expected).map_err(error)?;
    let types = expression.check_fields(known).map_err(error)?;
    Ok(Part { expression, of, types })
}
