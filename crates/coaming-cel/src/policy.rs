//! ValidatingAdmissionPolicies: the objects that they match, and their expressions.
//!
//! A policy is evaluated as if the object were created, and as if its binding had no selectors.
//! Parameters are in the cluster: a policy that needs them cannot be evaluated offline, which is an
//! error.

use coaming_finding::Severity;
use coaming_kube::{Fields as _, Object, World};
use coaming_yaml::Node;
use kube_cel::VapExpression;

use crate::CompileError;
use crate::rule::{Check, Compiled, check, meta};

/// Which objects a rule applies to.
#[derive(Debug)]
pub(crate) enum Scope {
    /// Objects of these kinds; if empty, all.
    Kinds(Vec<String>),
    /// Objects that match the rules of `matchConstraints`.
    Resources {
        included: Vec<ResourceRule>,
        excluded: Vec<ResourceRule>,
        labels: Vec<(String, String)>,
    },
}

/// One of a policy's resource rules.
#[derive(Debug)]
pub(crate) struct ResourceRule {
    groups: Vec<String>,
    versions: Vec<String>,
    resources: Vec<String>,
}

impl Scope {
    /// Whether it applies to this object.
    pub(crate) fn holds(&self, _inventory: &World, object: Object<'_>) -> bool {
        match self {
            Self::Kinds(kinds) => {
                kinds.is_empty() || kinds.iter().any(|kind| kind == object.kind())
            }
            Self::Resources { included, excluded, labels } => {
                let has_labels = labels.iter().all(|(key, value)| {
                    object
                        .labels()
                        .any(|label| label.name() == key && label.value.as_str() == Some(value))
                });
                has_labels
                    && included.iter().any(|rule| rule.holds(object))
                    && !excluded.iter().any(|rule| rule.holds(object))
            }
        }
    }
}

impl ResourceRule {
    fn holds(&self, object: Object<'_>) -> bool {
        let version = object.api_version().rsplit('/').next().unwrap_or_default();
        let resource = resource_name(object.kind());
        let has = |list: &[String], wanted: &str| {
            list.iter().any(|item| item == "*" || item == "*/*" || item == wanted)
        };
        has(&self.groups, object.group())
            && has(&self.versions, version)
            && has(&self.resources, &resource)
    }
}

/// The resource that a kind is served as: `Ingress` as `ingresses`.
fn resource_name(kind: &str) -> String {
    let lower = kind.to_ascii_lowercase();
    match lower.as_str() {
        "endpoints" => lower,
        _ if lower.ends_with('s') || lower.ends_with('x') || lower.ends_with("ch") => {
            format!("{lower}es")
        }
        _ => match lower.strip_suffix('y') {
            Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
            _ => format!("{lower}s"),
        },
    }
}

/// Compiles a policy.
pub(crate) fn compile(world: &World, object: Object<'_>) -> Result<Compiled, CompileError> {
    let file = world.source(object.source());
    let error = |message: String| CompileError {
        file: file.map_or_else(String::new, |file| file.name.clone()),
        line: 0,
        message: format!("ValidatingAdmissionPolicy `{}`: {message}", object.name()),
    };
    let spec = object.spec();
    for (field, why) in [
        ("paramKind", "needs parameters, which are in the cluster"),
        ("variables", "uses `variables`, which are not evaluated offline: write them out"),
    ] {
        if spec.field(field).is_some_and(|node| !node.is_sequence() || node.items().len() > 0) {
            return Err(error(format!("it {why}")));
        }
    }
    let constraints = spec.mapping("matchConstraints");
    if constraints.mapping("namespaceSelector").is_some_and(|node| node.entries().len() > 0)
        || constraints.mapping("objectSelector").field("matchExpressions").is_some()
    {
        let what = "namespaceSelector or matchExpressions in its matchConstraints";
        return Err(error(format!("it has a {what}, which is not evaluated offline")));
    }
    let checks = |field: &str| -> Result<Vec<Check>, CompileError> {
        spec.list(field).map(|node| check(expression(node)).map_err(error)).collect()
    };
    let labels = constraints.mapping("objectSelector").pairs("matchLabels");
    Ok(Compiled {
        meta: meta(object.name(), "Object violates a policy of your own", Severity::Medium),
        scope: Scope::Resources {
            included: resource_rules(constraints, "resourceRules"),
            excluded: resource_rules(constraints, "excludeResourceRules"),
            labels: labels
                .filter_map(|entry| {
                    Some((entry.name().to_owned(), entry.value.as_str()?.to_owned()))
                })
                .collect(),
        },
        conditions: checks("matchConditions")?,
        checks: checks("validations")?,
        strict: spec.string("failurePolicy") != Some("Ignore"),
    })
}

fn expression(node: Node<'_>) -> VapExpression {
    VapExpression {
        expression: node.string("expression").unwrap_or_default().to_owned(),
        message: node.string("message").map(str::to_owned),
        message_expression: node.string("messageExpression").map(str::to_owned),
    }
}

/// The rules that apply to the creation of objects.
fn resource_rules(constraints: Option<Node<'_>>, field: &str) -> Vec<ResourceRule> {
    let texts = |rule: Node<'_>, field: &str| rule.strings(field).map(str::to_owned).collect();
    constraints
        .list(field)
        .filter(|rule| rule.strings("operations").any(|name| matches!(name, "*" | "CREATE")))
        .map(|rule| ResourceRule {
            groups: texts(rule, "apiGroups"),
            versions: texts(rule, "apiVersions"),
            resources: texts(rule, "resources"),
        })
        .collect()
}
