//! On which nodes a pod can run: by its own fields, and among the known nodes.

use coaming_kube::{Fields as _, Object, Workload, World};
use coaming_yaml::{Entry, Node};

use crate::selector::is_met;

/// Which nodes run the pods of a workload.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Nodes {
    /// Only this node: the pod names it.
    Named(String),
    /// Every node that fits, with one pod each.
    Every,
    /// Whichever fitting node the scheduler picks.
    Any,
}

/// The nodes that the pods of a workload can run on.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct NodePlacement {
    /// Which nodes run the pods.
    pub nodes: Nodes,
    /// What a node must have, for people: `disktype=ssd`; alternatives are joined by `or`.
    pub requirements: Vec<String>,
    /// The known nodes that fit by labels and taints; `None` if no node is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fitting: Option<Vec<String>>,
}

impl NodePlacement {
    /// The placement of the pods of a workload.
    #[must_use]
    pub fn of(world: &World, workload: Workload<'_>) -> Self {
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
        let alternatives: Vec<String> =
            terms.iter().flatten().map(|term| description(*term)).collect();
        if !alternatives.is_empty() {
            requirements.push(alternatives.join(" or "));
        }
        let mut known = world.of_kind("Node").filter(|node| node.group().is_empty()).peekable();
        let fitting = known.peek().is_some().then(|| {
            known
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

/// The terms of which a node must match one; `None` if the pod has no required node affinity.
fn affinity_terms(pod: Node<'_>) -> Option<Vec<Node<'_>>> {
    let required = pod
        .mapping("affinity")
        .mapping("nodeAffinity")
        .mapping("requiredDuringSchedulingIgnoredDuringExecution")?;
    Some(required.list("nodeSelectorTerms").collect())
}

/// Whether the scheduler would accept this node for the pod, by labels and taints.
fn fits(pod: Node<'_>, node: Object<'_>, terms: Option<&[Node<'_>]>) -> bool {
    let has = |entry: Entry<'_>| label(node, entry.name()) == entry.value.as_str();
    let is_selected = pod.pairs("nodeSelector").all(has);
    let is_near = terms.is_none_or(|terms| terms.iter().any(|term| term_matches(*term, node)));
    let mut taints = node.spec().list("taints");
    is_selected && is_near && taints.all(|taint| is_tolerated(pod, taint))
}

fn label<'a>(node: Object<'a>, name: &str) -> Option<&'a str> {
    node.metadata().mapping("labels").string(name)
}

fn term_matches(term: Node<'_>, node: Object<'_>) -> bool {
    let by_label = |requirement| is_met(requirement, |key| label(node, key));
    let by_field =
        |requirement| is_met(requirement, |key| (key == "metadata.name").then(|| node.name()));
    let mut expressions = term.list("matchExpressions").peekable();
    let mut fields = term.list("matchFields").peekable();
    // A term without requirements matches no node.
    (expressions.peek().is_some() || fields.peek().is_some())
        && expressions.all(by_label)
        && fields.all(by_field)
}

/// Whether the pod tolerates a taint, or the taint is only a preference.
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

/// A term for people: `zone in (a, b) and ssd`.
fn description(term: Node<'_>) -> String {
    let parts: Vec<String> = term
        .list("matchExpressions")
        .chain(term.list("matchFields"))
        .map(|requirement| {
            let key = requirement.string("key").unwrap_or_default();
            let values: Vec<&str> = requirement.strings("values").collect();
            let values = values.join(", ");
            match requirement.string("operator").unwrap_or_default() {
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
