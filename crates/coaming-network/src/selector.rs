//! Label selectors, exactly as the API server and every controller read them.
//!
//! A [`Selector`] is a list of requirements that must all hold; the empty one matches everything.
//! An invalid selector cannot be built: the API server would refuse the object.

use std::collections::BTreeMap;
use std::fmt;

/// Labels of an object.
pub type Labels = BTreeMap<String, String>;

/// The key under which pods have the name of their service account among their labels. No label can
/// have such a key, so that no selector of a user means it by accident.
pub const SERVICE_ACCOUNT: &str = ":service-account";

/// As [`SERVICE_ACCOUNT`], for the name of the namespace.
pub const NAMESPACE: &str = ":namespace";

/// As [`SERVICE_ACCOUNT`], for what runs the pods: `k8s`.
pub const ORCHESTRATOR: &str = ":orchestrator";

/// As [`SERVICE_ACCOUNT`], for what Istio does for the pods: see [`crate::model::Mesh`].
pub const ISTIO: &str = ":istio";

/// As [`SERVICE_ACCOUNT`], for the identity that Istio gives the pods.
pub const PRINCIPAL: &str = ":principal";

/// As [`SERVICE_ACCOUNT`], for whether the pods have a proxy of Linkerd.
pub const LINKERD: &str = ":linkerd";

/// As [`SERVICE_ACCOUNT`], for the identity that Linkerd gives the pods.
pub const LINKERD_IDENTITY: &str = ":identity";

/// As [`SERVICE_ACCOUNT`], for whom the pods' proxy of Linkerd lets in by itself.
pub const INBOUND: &str = ":inbound-policy";

/// What the keys begin with under which pods have the labels of their service account.
pub const ACCOUNT: &str = ":account/";

/// As [`SERVICE_ACCOUNT`], for that the input does not have the pods' account.
pub const ACCOUNT_UNKNOWN: &str = ":account-unknown";

/// Whether a label of pods is not theirs, but says something else about them.
pub(crate) fn is_derived(key: &str) -> bool {
    key.starts_with(':')
}

/// How a requirement tests a label.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operator {
    /// The label exists and its value is one of these.
    In(Vec<String>),
    /// The label is absent, or its value is not one of these.
    NotIn(Vec<String>),
    /// The label exists.
    Exists,
    /// The label is absent.
    DoesNotExist,
    /// The label exists and its value is like this.
    Like(Pattern),
    /// The label is absent, or its value is not like this.
    NotLike(Pattern),
}

/// A test of a value's text: Calico's operators.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pattern {
    /// The text is somewhere in it.
    Contains(String),
    /// It begins with the text.
    StartsWith(String),
    /// It ends with the text.
    EndsWith(String),
}

impl Pattern {
    /// Whether a value is like this.
    #[must_use]
    pub fn matches(&self, value: &str) -> bool {
        match self {
            Self::Contains(text) => value.contains(text),
            Self::StartsWith(text) => value.starts_with(text),
            Self::EndsWith(text) => value.ends_with(text),
        }
    }
}

impl fmt::Display for Pattern {
    /// `contains 'x'`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contains(text) => write!(f, "contains '{text}'"),
            Self::StartsWith(text) => write!(f, "starts with '{text}'"),
            Self::EndsWith(text) => write!(f, "ends with '{text}'"),
        }
    }
}

/// One requirement on one label.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Requirement {
    /// The label's key.
    pub key: String,
    /// The test.
    pub operator: Operator,
}

/// Why a selector is refused by the API server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// The `operator` is not one of the four.
    #[error("`{0}` is not a valid operator: it must be In, NotIn, Exists or DoesNotExist")]
    UnknownOperator(String),
    /// `In` or `NotIn` without values.
    #[error("operator {0} needs at least one value")]
    ValuesMissing(&'static str),
    /// `Exists` or `DoesNotExist` with values.
    #[error("operator {0} must not have values")]
    ValuesForbidden(&'static str),
    /// The key is not valid.
    #[error("`{0}` is not a valid label key")]
    BadKey(String),
    /// The value is not valid.
    #[error("`{0}` is not a valid label value")]
    BadValue(String),
}

/// Which objects are meant, by their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Selector {
    requirements: Vec<Requirement>,
    /// Of each list, one must match, too.
    alternatives: Vec<Vec<Selector>>,
}

impl Selector {
    /// The selector that matches everything: `{}`.
    #[must_use]
    pub fn everything() -> Self {
        Self::default()
    }

    /// A selector of exact labels.
    #[must_use]
    pub fn labels<'l>(labels: impl IntoIterator<Item = (&'l str, &'l str)>) -> Self {
        let requirements = labels
            .into_iter()
            .map(|(key, value)| Requirement {
                key: key.to_owned(),
                operator: Operator::In(vec![value.to_owned()]),
            })
            .collect();
        Self { requirements, alternatives: Vec::new() }
    }

    /// The selector that matches what any of these does.
    #[must_use]
    pub fn any_of(mut selectors: Vec<Self>) -> Self {
        if selectors.len() == 1 {
            return selectors.pop().unwrap_or_default();
        }
        Self { requirements: Vec::new(), alternatives: vec![selectors] }
    }

    /// The selector that matches what all of these do.
    pub(crate) fn all_of(selectors: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::everything();
        for selector in selectors {
            all.requirements.extend(selector.requirements);
            all.alternatives.extend(selector.alternatives);
        }
        all
    }

    /// Adds a requirement of `matchLabels`.
    ///
    /// # Errors
    ///
    /// If no label can have this key or value.
    pub fn match_label(&mut self, key: &str, value: &str) -> Result<(), SelectorError> {
        self.match_expression(key, "In", vec![value.to_owned()])
    }

    /// Adds a requirement of `matchExpressions`.
    ///
    /// # Errors
    ///
    /// If the API server would refuse it.
    pub fn match_expression(
        &mut self,
        key: &str,
        operator: &str,
        mut values: Vec<String>,
    ) -> Result<(), SelectorError> {
        if !is_label_key(key) {
            return Err(SelectorError::BadKey(key.to_owned()));
        }
        if let Some(value) = values.iter().find(|value| !is_label_value(value)) {
            return Err(SelectorError::BadValue(value.clone()));
        }
        values.sort_unstable();
        values.dedup();
        let operator = match (operator, values.is_empty()) {
            ("In", false) => Operator::In(values),
            ("NotIn", false) => Operator::NotIn(values),
            ("In", true) => return Err(SelectorError::ValuesMissing("In")),
            ("NotIn", true) => return Err(SelectorError::ValuesMissing("NotIn")),
            ("Exists", true) => Operator::Exists,
            ("DoesNotExist", true) => Operator::DoesNotExist,
            ("Exists", false) => return Err(SelectorError::ValuesForbidden("Exists")),
            ("DoesNotExist", false) => return Err(SelectorError::ValuesForbidden("DoesNotExist")),
            (unknown, _) => return Err(SelectorError::UnknownOperator(unknown.to_owned())),
        };
        self.requirements.push(Requirement { key: key.to_owned(), operator });
        Ok(())
    }

    /// Adds a requirement that need not be valid for labels of users.
    pub fn require(&mut self, key: &str, operator: Operator) {
        self.requirements.push(Requirement { key: key.to_owned(), operator });
    }

    /// The requirements, in the order they were written.
    #[must_use]
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// Lists of selectors: of each, one must match besides the requirements.
    #[must_use]
    pub fn alternatives(&self) -> &[Vec<Self>] {
        &self.alternatives
    }

    /// The requirements, and those of all alternatives.
    pub(crate) fn mentioned(&self) -> Vec<&Requirement> {
        let mut found: Vec<&Requirement> = self.requirements.iter().collect();
        for selector in self.alternatives.iter().flatten() {
            found.extend(selector.mentioned());
        }
        found
    }

    /// The selector that matches what both match; `None` where two requirements plainly contradict
    /// each other.
    #[must_use]
    pub fn and(&self, other: &Self) -> Option<Self> {
        let mut requirements = self.requirements.clone();
        for requirement in &other.requirements {
            if requirements.iter().any(|known| contradict(known, requirement)) {
                return None;
            }
            if !requirements.contains(requirement) {
                requirements.push(requirement.clone());
            }
        }
        requirements.sort_unstable();
        let mut alternatives = self.alternatives.clone();
        for list in &other.alternatives {
            if !alternatives.contains(list) {
                alternatives.push(list.clone());
            }
        }
        alternatives.sort_unstable();
        Some(Self { requirements, alternatives })
    }

    /// Whether it matches everything.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.requirements.is_empty() && self.alternatives.is_empty()
    }

    /// Whether an object with these labels is meant.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        let one_of = |list: &Vec<Self>| list.iter().any(|selector| selector.matches(labels));
        let required = self.requirements.iter().all(|requirement| {
            let value = labels.get(&requirement.key);
            match &requirement.operator {
                Operator::In(values) => value.is_some_and(|value| values.contains(value)),
                Operator::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
                Operator::Exists => value.is_some(),
                Operator::DoesNotExist => value.is_none(),
                Operator::Like(pattern) => value.is_some_and(|value| pattern.matches(value)),
                Operator::NotLike(pattern) => value.is_none_or(|value| !pattern.matches(value)),
            }
        });
        required && self.alternatives.iter().all(one_of)
    }
}

impl fmt::Display for Selector {
    /// As `kubectl get -l` takes it: `app=web,tier in (a,b),!canary`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, Requirement { key, operator }) in self.requirements.iter().enumerate() {
            if position > 0 {
                f.write_str(",")?;
            }
            let of_mesh = key == ISTIO || key == LINKERD;
            let key = key.trim_start_matches(':');
            match operator {
                Operator::In(values) if of_mesh && values.len() > 1 => {
                    f.write_str("a proxy of the mesh")?;
                }
                Operator::NotIn(_) if of_mesh => f.write_str("no proxy of the mesh")?,
                Operator::In(values) if values.len() == 1 => {
                    write!(f, "{key}={}", values.join(","))?;
                }
                Operator::In(values) => write!(f, "{key} in ({})", values.join(","))?,
                Operator::NotIn(values) => write!(f, "{key} notin ({})", values.join(","))?,
                Operator::Exists => f.write_str(key)?,
                Operator::DoesNotExist => write!(f, "!{key}")?,
                Operator::Like(pattern) => write!(f, "{key} {pattern}")?,
                Operator::NotLike(pattern) => write!(f, "!({key} {pattern})")?,
            }
        }
        for (position, list) in self.alternatives.iter().enumerate() {
            if position > 0 || !self.requirements.is_empty() {
                f.write_str(",")?;
            }
            let any: Vec<String> = list.iter().map(|one| format!("({one})")).collect();
            f.write_str(if any.is_empty() { "nothing" } else { "" })?;
            f.write_str(&any.join(" or "))?;
        }
        Ok(())
    }
}

/// Whether no label meets both requirements.
fn contradict(a: &Requirement, b: &Requirement) -> bool {
    if a.key != b.key {
        return false;
    }
    match (&a.operator, &b.operator) {
        (Operator::In(a), Operator::In(b)) => !a.iter().any(|value| b.contains(value)),
        (Operator::In(values), Operator::NotIn(refused))
        | (Operator::NotIn(refused), Operator::In(values)) => {
            values.iter().all(|value| refused.contains(value))
        }
        (Operator::In(_) | Operator::Exists, Operator::DoesNotExist)
        | (Operator::DoesNotExist, Operator::In(_) | Operator::Exists) => true,
        _ => false,
    }
}

/// `[prefix/]name`: the prefix a DNS subdomain, the name up to 63 letters, digits, `-`, `_`, `.`.
fn is_label_key(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is_name(name),
        None => is_name(key),
    }
}

fn is_label_value(value: &str) -> bool {
    value.is_empty() || is_name(value)
}

fn is_name(name: &str) -> bool {
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    name.len() <= 63
        && ends(bytes.first())
        && ends(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

fn is_subdomain(text: &str) -> bool {
    let part = |part: &str| {
        let bytes = part.as_bytes();
        let ends = |byte: Option<&u8>| {
            byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        ends(bytes.first())
            && ends(bytes.last())
            && bytes
                .iter()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
    };
    text.len() <= 253 && text.split('.').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn expression(operator: &str, values: &[&str]) -> Selector {
        let mut selector = Selector::everything();
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        selector.match_expression("app", operator, values).unwrap();
        selector
    }

    #[test]
    fn absent_labels() {
        let none = labels(&[]);
        let web = labels(&[("app", "web")]);
        assert!(Selector::everything().matches(&none));
        assert!(!expression("In", &["web"]).matches(&none));
        assert!(expression("NotIn", &["web"]).matches(&none));
        assert!(!expression("NotIn", &["web"]).matches(&web));
        assert!(expression("Exists", &[]).matches(&web));
        assert!(!expression("DoesNotExist", &[]).matches(&web));
        assert!(expression("DoesNotExist", &[]).matches(&none));
    }

    #[test]
    fn refuses_what_the_api_server_refuses() {
        let mut selector = Selector::everything();
        let refused = |result: Result<(), SelectorError>| result.unwrap_err().to_string();
        assert!(
            refused(selector.match_expression("a", "in", vec![])).contains("not a valid operator")
        );
        assert!(refused(selector.match_expression("a", "In", vec![])).contains("at least one"));
        let values = vec!["x".to_owned()];
        assert!(refused(selector.match_expression("a", "Exists", values)).contains("not have"));
        assert!(refused(selector.match_label("-a", "x")).contains("label key"));
        assert!(refused(selector.match_label("a", "x y")).contains("label value"));
        assert!(selector.match_label("app.kubernetes.io/name", "").is_ok());
        assert!(selector.match_label("App.Kubernetes.io/name", "x").is_err());
        assert_eq!(expression("NotIn", &["b", "a"]).to_string(), "app notin (a,b)");
    }
}
