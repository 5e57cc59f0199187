//! Our labels on namespaces: they change what is enforced, so changing them needs the right to
//! change policies.

use coaming_text::Printable;
use serde_json::{Map, Value};

use crate::{Mode, Operation, Request, ReviewError};

/// The label that sets the mode of a namespace.
pub const MODE_LABEL: &str = "coaming.dev/mode";
/// The label that says what happens while no server answers: `fail` or `ignore`.
pub const FAILURE_POLICY_LABEL: &str = "coaming.dev/failure-policy";
/// The label of a namespace whose pods with secrets are not entered: `refuse` or `allow`.
pub const EXEC_LABEL: &str = "coaming.dev/exec";
/// The label that allows it for a while; its value says why.
pub const BREAK_GLASS_LABEL: &str = "coaming.dev/break-glass";
/// What all our labels start with.
const PREFIX: &str = "coaming.dev/";

/// A right that the user of a request must have for it to be allowed: to update the
/// `coamingpolicies` of `coaming.dev` in a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeededRight {
    /// The namespace.
    pub namespace: String,
    /// What the user is refused without it: one sentence.
    pub refusal: String,
}

/// What a change of a Namespace's labels needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LabelChange {
    /// None of ours is changed.
    None,
    /// One gets a value that does not exist; the text says which one.
    Invalid(String),
    /// The user needs this right, and is warned of this.
    Needs(NeededRight, Vec<String>),
}

/// What a request for a Namespace needs, by the labels that it changes.
pub(crate) fn change(request: &Request) -> Result<LabelChange, ReviewError> {
    let labels = |text: Option<&str>| -> Result<Map<String, Value>, ReviewError> {
        let Some(text) = text else { return Ok(Map::new()) };
        let mut object: Value = serde_json::from_str(text)?;
        let labels = object.pointer_mut("/metadata/labels").map(Value::take);
        let mut ours = match labels {
            Some(Value::Object(labels)) => labels,
            _ => Map::new(),
        };
        ours.retain(|name, _| name.starts_with(PREFIX));
        Ok(ours)
    };
    if request.operation == Operation::Delete {
        return Ok(LabelChange::None);
    }
    let (new, old) = (labels(request.object.as_deref())?, labels(request.old_object.as_deref())?);
    if new == old {
        return Ok(LabelChange::None);
    }
    let is_new = |name: &str| new.get(name) != old.get(name);
    let written = new.iter().filter(|(name, _)| is_new(name));
    let mut warnings = Vec::new();
    for (name, value) in written {
        match problem(name, value.as_str().unwrap_or_default()) {
            None => {}
            Some(Problem::Value(reason)) => return Ok(LabelChange::Invalid(reason)),
            Some(Problem::Name(warning)) => warnings.push(warning),
        }
    }
    let changed: Vec<&str> =
        new.keys().chain(old.keys()).map(String::as_str).filter(|name| is_new(name)).collect();
    let first = changed.first().copied().unwrap_or(MODE_LABEL);
    let namespace = request.name.clone();
    let refusal = format!(
        "the label `{}` of namespace `{}` changes what is enforced there: it needs the right to \
         update coamingpolicies.coaming.dev in that namespace",
        Printable(first),
        Printable(&namespace)
    );
    Ok(LabelChange::Needs(NeededRight { namespace, refusal }, warnings))
}

/// What is wrong with a label.
enum Problem {
    /// Its value: somebody would believe that it has an effect.
    Value(String),
    /// Its name, which another version may know.
    Name(String),
}

fn problem(name: &str, value: &str) -> Option<Problem> {
    let expected = match name {
        MODE_LABEL => value.parse::<Mode>().err().map(|()| "disabled, audit, warn or enforce"),
        FAILURE_POLICY_LABEL => (!matches!(value, "fail" | "ignore")).then_some("fail or ignore"),
        EXEC_LABEL => (!matches!(value, "refuse" | "allow")).then_some("refuse or allow"),
        BREAK_GLASS_LABEL => value.is_empty().then_some("the reason, such as incident-7"),
        other => return Some(Problem::Name(unknown(other))),
    };
    expected.map(|expected| Problem::Value(invalid(name, value, expected)))
}

fn unknown(label: &str) -> String {
    let known = [MODE_LABEL, FAILURE_POLICY_LABEL, EXEC_LABEL, BREAK_GLASS_LABEL];
    let own = |label: &'static str| label.strip_prefix(PREFIX).unwrap_or(label);
    let written = label.strip_prefix(PREFIX).unwrap_or(label);
    let hint = match coaming_text::nearest(written, known.map(own)) {
        Some(near) => format!("did you mean `{PREFIX}{near}`?"),
        None => format!("the labels are {}", known.join(", ")),
    };
    format!("the label `{}` has no effect; {hint}", Printable(label))
}

fn invalid(label: &str, value: &str, expected: &str) -> String {
    format!("`{}` is not a value of the label `{label}`: use {expected}", Printable(value))
}
