//! Our labels on namespaces: they change what is enforced, so changing them needs the right to
//! change policies.

use coaming_text::Printable;
use serde_json::{Map, Value};

use crate::{Mode, Operation, Request, ReviewError};

/// The label that sets the mode of a namespace.
pub const MODE_LABEL: &str = "coaming.dev/mode";
/// The label that says what happens while no server answers: `fail` or `ignore`.
pub const FAILURE_POLICY_LABEL: &str = "coaming.dev/failure-policy";
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
    /// The user needs this right.
    Needs(NeededRight),
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
    let text = |name: &str| new.get(name).and_then(Value::as_str);
    let is_new = |name: &str| new.get(name) != old.get(name);
    if let Some(mode) = text(MODE_LABEL).filter(|_| is_new(MODE_LABEL))
        && mode.parse::<Mode>().is_err()
    {
        return Ok(LabelChange::Invalid(invalid(
            MODE_LABEL,
            mode,
            "disabled, audit, warn or enforce",
        )));
    }
    if let Some(policy) = text(FAILURE_POLICY_LABEL).filter(|_| is_new(FAILURE_POLICY_LABEL))
        && !matches!(policy, "fail" | "ignore")
    {
        return Ok(LabelChange::Invalid(invalid(FAILURE_POLICY_LABEL, policy, "fail or ignore")));
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
    Ok(LabelChange::Needs(NeededRight { namespace, refusal }))
}

fn invalid(label: &str, value: &str, expected: &str) -> String {
    format!("`{}` is not a value of the label `{label}`: use {expected}", Printable(value))
}
