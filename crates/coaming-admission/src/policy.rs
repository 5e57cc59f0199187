//! What a policy says, as people write it: the `spec` of a `CoamingPolicy`, and the same in the
//! cluster's own ConfigMap.

use coaming_finding::Severity;
use coaming_yaml::{LineIndex, Node};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Mode;

/// The content of a policy.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    default,
    expecting = "the fields of a policy, such as `mode: warn`"
)]
pub struct PolicySpec {
    /// The mode of the namespace, or of all namespaces without a mode of their own. The namespace's
    /// label `coaming.dev/mode` overrides it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// The strictest mode of some rules; of several entries about a rule, the last one counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleMode>,
    /// The least severity that is refused: what is below is a warning at most. A configuration with a
    /// Pod Security Standard refuses whatever the standard forbids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforce_severity: Option<Severity>,
    /// Findings that are accepted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exemptions: Vec<Exemption>,
    /// Whether safe fixes are applied to what is created or changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mutate: Option<bool>,
    /// Whether tags of images are replaced by digests in what is created or changed: registries are
    /// asked for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digests: Option<bool>,
    /// Whether the annotation `coaming.dev/ignore` on an object suppresses findings about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept_annotations: Option<bool>,
    /// What `coaming.yaml` says: rules, severities, suppressions. Replaces the cluster's in this
    /// namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Value>,
}

/// The strictest mode of some rules.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "`rules` with a list, and `mode`"
)]
pub struct RuleMode {
    /// Rules and categories; `ALL` for all.
    pub rules: Vec<String>,
    /// The mode.
    pub mode: Mode,
}

/// Findings that are accepted until a date.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "`rules` with a list, `reason`, and `expires`"
)]
pub struct Exemption {
    /// Rules and categories; `ALL` for all.
    pub rules: Vec<String>,
    /// Patterns of objects, as `name` or `Kind/name`; all if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<String>,
    /// Patterns of namespaces; all that the policy is about if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// Why the findings are acceptable.
    pub reason: String,
    /// The last day on which they are, as in `2027-01-31`.
    pub expires: String,
}

/// Why a policy cannot be used. The text names the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A field has a value that is not understood.
    #[error("{field}: {reason}")]
    Invalid {
        /// The field.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The configuration in it is not valid.
    #[error("{0}")]
    Configuration(String),
    /// Another policy of the namespace has a configuration already.
    #[error("configuration: policy `{other}` of this namespace has one already")]
    TwoConfigurations {
        /// The other policy.
        other: String,
    },
}

impl PolicyError {
    pub(crate) fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), reason: reason.into() }
    }
}

impl PolicySpec {
    /// Reads a `spec`.
    ///
    /// # Errors
    ///
    /// A field is not known or has the wrong type.
    pub fn from_value(spec: Value) -> Result<Self, PolicyError> {
        // A policy without a `spec` says nothing.
        if spec.is_null() {
            return Ok(Self::default());
        }
        if spec.get("kind").is_some() && spec.get("spec").is_some() {
            let reason = "it is a whole object: write only what is in its `spec`";
            return Err(PolicyError::invalid("spec", reason));
        }
        // Item by item first: the decoder does not say where it is.
        check_items::<RuleMode>(&spec, "rules")?;
        check_items::<Exemption>(&spec, "exemptions")?;
        serde_json::from_value(spec)
            .map_err(|error| PolicyError::invalid("spec", error.to_string()))
    }

    /// Reads the same from YAML.
    ///
    /// # Errors
    ///
    /// The text is not a single YAML document, or as [`PolicySpec::from_value`].
    pub fn from_yaml(text: &str) -> Result<Self, PolicyError> {
        let stream = coaming_yaml::parse(text.into());
        let line = |offset: u32| LineIndex::new(text).position(text, offset).0;
        if let Some(error) = stream.errors.first() {
            let reason = format!("line {}: {}", line(error.offset), error.message);
            return Err(PolicyError::invalid("YAML", reason));
        }
        // Which of the two is meant cannot be known, and one of them may be stricter.
        let nodes = stream.documents.iter().flat_map(|document| document.root().descendants());
        if let Some(twice) = nodes.flat_map(Node::duplicate_keys).next() {
            let line = line(twice.key.span().map_or(0, |span| span.start));
            let reason = format!("line {line}: the key `{}` is there twice", twice.name());
            return Err(PolicyError::invalid("YAML", reason));
        }
        match stream.documents.as_slice() {
            [] => Ok(Self::default()),
            [document] => Self::from_value(document.root().to_json()),
            _ => Err(PolicyError::invalid("YAML", "a single document is expected")),
        }
    }
}

/// Fails at the first item of a list that is not of this form.
fn check_items<T: for<'de> Deserialize<'de>>(spec: &Value, list: &str) -> Result<(), PolicyError> {
    let items = spec.get(list).and_then(Value::as_array).into_iter().flatten();
    for (index, item) in items.enumerate() {
        T::deserialize(item)
            .map_err(|error| PolicyError::invalid(format!("{list}[{index}]"), error.to_string()))?;
    }
    Ok(())
}

/// Fails if a rule or category does not exist, or if there are none.
pub(crate) fn check_rules(
    rules: &[String],
    field: &str,
    known: &dyn Fn(&str) -> bool,
) -> Result<(), PolicyError> {
    if rules.is_empty() {
        return Err(PolicyError::invalid(field, "name at least one rule or category"));
    }
    match rules.iter().find(|rule| !known(rule)) {
        None => Ok(()),
        Some(rule) => {
            let hint = coaming_rules::nearest(rule)
                .map_or_else(String::new, |near| format!(" Did you mean `{near}`?"));
            Err(PolicyError::invalid(
                field,
                format!("there is no rule or category `{rule}`.{hint}"),
            ))
        }
    }
}
