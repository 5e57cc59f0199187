//! Label selectors and node selector terms.

use coaming_kube::Fields as _;
use coaming_yaml::{Entry, Node};

/// Whether a requirement of a selector is met; `value` gives the value of a key.
pub(crate) fn is_met<'a>(requirement: Node<'_>, value: impl Fn(&str) -> Option<&'a str>) -> bool {
    let Some(key) = requirement.string("key") else { return false };
    let value = value(key);
    let is_listed = || requirement.strings("values").any(|listed| Some(listed) == value);
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<i64>().ok());
    let bound = || number(requirement.strings("values").next());
    match requirement.string("operator") {
        Some("In") => value.is_some() && is_listed(),
        Some("NotIn") => !is_listed(),
        Some("Exists") => value.is_some(),
        Some("DoesNotExist") => value.is_none(),
        Some("Gt") => number(value).zip(bound()).is_some_and(|(value, bound)| value > bound),
        Some("Lt") => number(value).zip(bound()).is_some_and(|(value, bound)| value < bound),
        _ => false,
    }
}

/// Whether a label selector matches these labels. An empty one matches all.
pub(crate) fn labels_match<'a>(
    selector: Node<'_>,
    labels: impl Iterator<Item = Entry<'a>>,
) -> bool {
    let labels: Vec<(&str, &str)> =
        labels.filter_map(|entry| Some((entry.name(), entry.value.as_str()?))).collect();
    let value = |key: &str| labels.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
    selector
        .pairs("matchLabels")
        .all(|entry| entry.value.as_str().is_some() && value(entry.name()) == entry.value.as_str())
        && selector.list("matchExpressions").all(|requirement| is_met(requirement, value))
}
