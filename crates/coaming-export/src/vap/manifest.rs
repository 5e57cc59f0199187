//! The objects of the API: a policy, and its bindings.

use coaming_admission::{MODE_LABEL, Mode};
use coaming_finding::RuleMeta;
use coaming_yaml::edit::Value;

use super::{Expressed, Form, Options, Policy, Resource, Subject, cel};
use crate::render::mapping;

const API_VERSION: &str = "admissionregistration.k8s.io/v1";
/// What the names of static policies end with.
const STATIC: &str = ".static.k8s.io";

/// The policy of a rule, with its bindings.
pub(super) fn policy(rule: &'static RuleMeta, expressed: &Expressed, options: &Options) -> Policy {
    let end = if options.form == Form::Manifest { STATIC } else { "" };
    let name = format!("coaming-{}{end}", rule.id);
    let mut objects = vec![object(
        "ValidatingAdmissionPolicy",
        &name,
        mapping([
            ("failurePolicy", "Fail".into()),
            ("matchConstraints", constraints(expressed.subject)),
            ("matchConditions", Value::Sequence(conditions(expressed.subject, options))),
            ("variables", Value::Sequence(variables(expressed))),
            ("validations", Value::Sequence(vec![validation(rule, expressed)])),
        ]),
    )];
    let modes = [Mode::Enforce, Mode::Warn, Mode::Audit];
    let named: Vec<(Mode, String)> =
        modes.into_iter().map(|mode| (mode, format!("coaming-{}-{mode}{end}", rule.id))).collect();
    objects.extend(named.iter().map(|(mode, binding)| {
        object("ValidatingAdmissionPolicyBinding", binding, self::binding(&name, *mode, options))
    }));
    let bindings = named.into_iter().map(|(_, binding)| binding).collect();
    Policy { rule, name, bindings, objects }
}

fn object(kind: &str, name: &str, spec: Value) -> Value {
    mapping([
        ("apiVersion", API_VERSION.into()),
        ("kind", kind.into()),
        (
            "metadata",
            mapping([
                ("name", name.into()),
                ("labels", mapping([("app.kubernetes.io/part-of", "coaming".into())])),
            ]),
        ),
        ("spec", spec),
    ])
}

/// Which resources a policy is about.
fn constraints(subject: Subject) -> Value {
    let rule = |group: &str, version: &str, resources: &[&str]| {
        mapping([
            ("apiGroups", texts([group])),
            ("apiVersions", texts([version])),
            ("operations", texts(["CREATE", "UPDATE"])),
            ("resources", texts(resources.iter().copied())),
        ])
    };
    let rules = match subject {
        Subject::Object(Resource { group, version, name }, _) => {
            vec![rule(group, version, &[name])]
        }
        Subject::Container | Subject::Pod | Subject::Workload(_) => vec![
            rule(
                "",
                "v1",
                &["pods", "pods/ephemeralcontainers", "podtemplates", "replicationcontrollers"],
            ),
            rule("apps", "v1", &["daemonsets", "deployments", "replicasets", "statefulsets"]),
            rule("batch", "v1", &["cronjobs", "jobs"]),
        ],
    };
    mapping([("resourceRules", Value::Sequence(rules))])
}

/// What is not judged, although it is of a kind that is.
fn conditions(subject: Subject, options: &Options) -> Vec<Value> {
    let part = |object: &str| match subject {
        Subject::Container | Subject::Pod => format!("({})", cel::template_of(object)),
        Subject::Workload(field) | Subject::Object(_, field) => format!("dyn({object}).?{field}"),
    };
    // Labels and status of a pod are beside its specification, which never changes as a whole.
    let rest = match subject {
        Subject::Container | Subject::Pod => ".?spec",
        Subject::Workload(_) | Subject::Object(..) => "",
    };
    let annotations = match subject {
        Subject::Container | Subject::Pod => format!(
            " || {0}.?metadata.?annotations != {1}.?metadata.?annotations",
            part("object"),
            part("oldObject")
        ),
        Subject::Workload(_) | Subject::Object(..) => String::new(),
    };
    let changed = format!(
        "request.operation != 'UPDATE' || {}{rest} != {}{rest}{annotations}",
        part("object"),
        part("oldObject")
    );
    let not_a_copy = format!(
        "!((request.userInfo.username in [{}] || \
         'system:nodes' in request.userInfo.?groups.orValue([])) && \
         dyn(object).?metadata.?ownerReferences.orValue([])\
         .exists(o, o.?controller.orValue(false)))",
        cel::texts(&options.guard.controllers)
    );
    [("changes-what-is-judged", changed), ("is-not-made-by-a-controller", not_a_copy)]
        .into_iter()
        .map(named)
        .collect()
}

/// An expression with its name.
fn named((name, expression): (&str, String)) -> Value {
    mapping([("name", name.into()), ("expression", expression.into())])
}

/// The variables that a condition uses, with those that they use themselves.
fn variables(expressed: &Expressed) -> Vec<Value> {
    let mut all = cel::variables();
    all.push(("found", format!("variables.containers.filter(c, {})", expressed.condition)));
    let mut used = Vec::new();
    let mut texts = vec![match expressed.subject {
        Subject::Container => "variables.found".to_owned(),
        _ => expressed.condition.clone(),
    }];
    while let Some(text) = texts.pop() {
        for (name, expression) in &all {
            if !used.contains(name) && uses(&text, name) {
                used.push(name);
                texts.push(expression.clone());
            }
        }
    }
    all.retain(|(name, _)| used.contains(name));
    all.into_iter().map(named).collect()
}

fn uses(expression: &str, variable: &str) -> bool {
    let name = format!("variables.{variable}");
    expression.match_indices(&name).any(|(start, _)| {
        !expression[start + name.len()..].starts_with(|next: char| next.is_ascii_alphanumeric())
    })
}

fn validation(rule: &RuleMeta, expressed: &Expressed) -> Value {
    let remedy = remedy(rule);
    let summary = format!("{} ({})", rule.summary, rule.id);
    let message = format!("{summary}. {remedy}");
    if expressed.subject != Subject::Container {
        return mapping([
            ("expression", format!("!({})", expressed.condition).into()),
            ("message", message.into()),
            ("reason", "Forbidden".into()),
        ]);
    }
    let names = "variables.found.map(c, string(c.?name.orValue(''))).join(', ')";
    let (start, end) = (format!("{summary}: "), format!(". {remedy}"));
    let named = format!("{} + {names} + {}", cel::literal(&start), cel::literal(&end));
    mapping([
        ("expression", "size(variables.found) == 0".into()),
        ("message", message.into()),
        ("messageExpression", named.into()),
        ("reason", "Forbidden".into()),
    ])
}

/// What to do: the first sentence of the rule's documentation about its repair.
fn remedy(rule: &RuleMeta) -> String {
    let section = rule.docs.split("## Fix").nth(1).unwrap_or_default();
    let section = section.split("##").next().unwrap_or_default();
    let words: Vec<&str> = section.split_whitespace().collect();
    let text = words.join(" ");
    let sentence = text.split(". ").next().unwrap_or_default().trim_end_matches('.');
    if sentence.is_empty() {
        return format!("Run `coaming explain {}`.", rule.id);
    }
    format!("{sentence}.")
}

/// The binding of a policy for the namespaces with a mode.
fn binding(policy: &str, mode: Mode, options: &Options) -> Value {
    let label = |operator: &str, modes: Vec<&str>| {
        mapping([
            ("key", MODE_LABEL.into()),
            ("operator", operator.into()),
            ("values", texts(modes)),
        ])
    };
    let of_mode = if mode == options.mode {
        // Namespaces without the label, too.
        let others = Mode::ALL.into_iter().rev().filter(|other| *other != mode);
        label("NotIn", others.map(Mode::as_str).collect())
    } else {
        label("In", vec![mode.as_str()])
    };
    let excluded = mapping([
        ("key", "kubernetes.io/metadata.name".into()),
        ("operator", "NotIn".into()),
        ("values", texts(options.guard.excluded_namespaces.iter().map(String::as_str))),
    ]);
    let selector = mapping([("matchExpressions", Value::Sequence(vec![excluded, of_mode]))]);
    let actions = match mode {
        Mode::Enforce => texts(["Deny"]),
        Mode::Warn => texts(["Warn", "Audit"]),
        Mode::Audit | Mode::Disabled => texts(["Audit"]),
    };
    mapping([
        ("policyName", policy.into()),
        ("validationActions", actions),
        ("matchResources", mapping([("namespaceSelector", selector)])),
    ])
}

fn texts<'a>(items: impl IntoIterator<Item = &'a str>) -> Value {
    Value::Sequence(items.into_iter().map(Value::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_those_that_are_used() {
        let expressed = Expressed::pod("host-path", "variables.volumes.exists(v, true)");
        let names: Vec<String> = variables(&expressed)
            .iter()
            .map(|variable| serde_json::Value::from(variable)["name"].to_string())
            .collect();
        assert_eq!(names, ["\"template\"", "\"pod\"", "\"volumes\""]);
        assert!(!uses("variables.volumes", "volume"));
    }

    #[test]
    fn remedies_are_sentences() {
        for rule in coaming_rules::all() {
            let remedy = remedy(rule.meta);
            assert!(remedy.ends_with('.') && remedy.len() > 10, "{}: {remedy}", rule.meta.id);
        }
    }
}
