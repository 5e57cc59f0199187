//! On which nodes a pod can run: by its own words, and of the nodes at hand.

use coaming_kube::{Fields as _, Inventory, Object, Workload};
use coaming_yaml::{Entry, Node};

/// Where the pods of a workload run.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Nodes {
    /// On this node and no other: the pod names it.
    Named(String),
    /// On every node that fits: one pod each.
    Every,
    /// On whichever node that fits the scheduler picks.
    Any,
}

/// What the pods of a workload say of their nodes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Placement {
    /// Where they run.
    pub nodes: Nodes,
    /// What a node must have, as people write it: `disktype=ssd`; alternatives are joined by `or`.
    pub requirements: Vec<String>,
    /// Of the nodes at hand, those that fit by labels and taints; `None` where no node is at hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fitting: Option<Vec<String>>,
}

impl Placement {
    /// The placement of a workload's pods.
    #[must_use]
    pub fn of(inventory: &Inventory, workload: Workload<'_>) -> Self {
        let pod = workload.pod().node();
        let nodes = match pod.string("nodeName").filter(|name| !name.is_empty()) {
            Some(name) => Nodes::Named(name.to_owned()),
            None if workload.object.kind() == "DaemonSet" => Nodes::Every,
            None => Nodes::Any,
        };
        let mut requirements: Vec<String> = pod
            .pairs("nodeSelector")
            .filter_map(|entry| Some(format!("{}={}", entry.name(), entry.value.as_str()?)))
            .collect();
        let terms = affinity_terms(pod);
        let alternatives: Vec<String> = terms.iter().flatten().map(|term| told(*term)).collect();
        if !alternatives.is_empty() {
            requirements.push(alternatives.join(" or "));
        }
        let mut at_hand =
            inventory.of_kind("Node").filter(|node| node.group().is_empty()).peekable();
        let fitting = at_hand.peek().is_some().then(|| {
            at_hand
                .filter(|node| match &nodes {
                    Nodes::Named(name) => node.name() == name,
                    Nodes::Every | Nodes::Any => fits(pod, *node, terms.as_deref()),
                })
                .map(|node| node.name().to_owned())
                .collect()
        });
        Self { nodes, requirements, fitting }
    }
}

/// The terms of which a node must match one; `None` where the pod has no required node affinity.
fn affinity_terms(pod: Node<'_>) -> Option<Vec<Node<'_>>> {
    let required = pod
        .mapping("affinity")
        .mapping("nodeAffinity")
        .mapping("requiredDuringSchedulingIgnoredDuringExecution")?;
    Some(required.list("nodeSelectorTerms").collect())
}

/// Whether the scheduler would take this node for the pod, by labels and taints.
fn fits(pod: Node<'_>, node: Object<'_>, terms: Option<&[Node<'_>]>) -> bool {
    let has = |entry: Entry<'_>| label(node, entry.name()) == entry.value.as_str();
    let selected = pod.pairs("nodeSelector").all(has);
    let near = terms.is_none_or(|terms| terms.iter().any(|term| term_matches(*term, node)));
    let mut taints = node.spec().list("taints");
    selected && near && taints.all(|taint| is_tolerated(pod, taint))
}

fn label<'a>(node: Object<'a>, name: &str) -> Option<&'a str> {
    node.metadata().mapping("labels").string(name)
}

fn term_matches(term: Node<'_>, node: Object<'_>) -> bool {
    let by_label = |expression| holds(expression, |key| label(node, key));
    let by_field =
        |expression| holds(expression, |key| (key == "metadata.name").then(|| node.name()));
    let mut expressions = term.list("matchExpressions").peekable();
    let mut fields = term.list("matchFields").peekable();
    // A term without requirements matches no node.
    (expressions.peek().is_some() || fields.peek().is_some())
        && expressions.all(by_label)
        && fields.all(by_field)
}

/// Whether a requirement of a selector holds; `value` gives the value of a key.
fn holds<'a>(expression: Node<'_>, value: impl Fn(&str) -> Option<&'a str>) -> bool {
    let Some(key) = expression.string("key") else { return false };
    let value = value(key);
    let is_listed = || expression.strings("values").any(|listed| Some(listed) == value);
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<i64>().ok());
    let bound = || number(expression.strings("values").next());
    match expression.string("operator") {
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
        && selector.list("matchExpressions").all(|expression| holds(expression, value))
}

/// Whether the pod may run in spite of a taint, or the taint only asks.
fn is_tolerated(pod: Node<'_>, taint: Node<'_>) -> bool {
    let effect = taint.string("effect").unwrap_or_default();
    if !matches!(effect, "NoSchedule" | "NoExecute") {
        return true;
    }
    pod.list("tolerations").any(|toleration| {
        let key = toleration.string("key").unwrap_or_default();
        let exists = toleration.string("operator") == Some("Exists");
        let same_effect =
            toleration.string("effect").is_none_or(|own| own.is_empty() || own == effect);
        let same_key = key == taint.string("key").unwrap_or_default() || key.is_empty() && exists;
        let value = |node: Node<'_>| node.string("value").unwrap_or_default().to_owned();
        same_effect && same_key && (exists || value(toleration) == value(taint))
    })
}

/// A term as people write it.
fn told(term: Node<'_>) -> String {
    let parts: Vec<String> = term
        .list("matchExpressions")
        .chain(term.list("matchFields"))
        .map(|expression| {
            let key = expression.string("key").unwrap_or_default();
            let values: Vec<&str> = expression.strings("values").collect();
            let values = values.join(", ");
            match expression.string("operator").unwrap_or_default() {
                "In" => format!("{key} in ({values})"),
                "NotIn" => format!("{key} not in ({values})"),
                "Exists" => key.to_owned(),
                "DoesNotExist" => format!("no {key}"),
                "Gt" => format!("{key} > {values}"),
                "Lt" => format!("{key} < {values}"),
                other => format!("{key} {other} ({values})"),
            }
        })
        .collect();
    parts.join(" and ")
}
