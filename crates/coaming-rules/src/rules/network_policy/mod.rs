//! Pods reach only what they need. `coaming-network` finds the problems; each rule reports one
//! kind of them.

pub(crate) mod allows_internet;
pub(crate) mod ambiguous_namespace;
pub(crate) mod closed_ambient_tunnel;
pub(crate) mod closed_ingress;
pub(crate) mod dead_policy_rules;
pub(crate) mod egress_without_dns;
pub(crate) mod equal_policy_priorities;
mod exposed_custom;
pub(crate) mod exposed_service;
pub(crate) mod external_ips;
pub(crate) mod ignored_policies;
pub(crate) mod ingress_snippet;
pub(crate) mod ingress_without_tls;
pub(crate) mod invalid_network_policy;
pub(crate) mod metadata_reachable;
pub(crate) mod missing_service_port;
pub(crate) mod no_egress_policy;
pub(crate) mod no_ingress_policy;
pub(crate) mod openings;
pub(crate) mod peer_matches_nothing;
pub(crate) mod policy_selects_nothing;
pub(crate) mod policy_without_effect;
pub(crate) mod split_peer;
pub(crate) mod unserved_port;

use std::borrow::Cow;
use std::collections::HashSet;

use coaming_finding::{Confidence, Finding, RuleMeta};
use coaming_kube::Object;
use coaming_network::model::SourceRef;
use coaming_network::{Certainty, Check};
use coaming_yaml::Node;

use crate::Context;

/// What a rule adds to the problems of its kind.
struct Texts {
    why: &'static str,
    /// The help for problems that have none of their own.
    help: &'static str,
    /// The title of the fix.
    title: &'static str,
}

/// Reports every problem of one kind.
fn report(
    context: &Context<'_>,
    rule: &'static RuleMeta,
    check: Check,
    texts: &Texts,
    findings: &mut Vec<Finding>,
) {
    let title = texts.title;
    for problem in context.policy_problems().iter().filter(|problem| problem.check == check) {
        let places = problem
            .location
            .iter()
            .map(|place| (place, ""))
            .chain(problem.related.iter().map(|(place, label)| (place, label.as_str())));
        let places: Vec<Place<'_>> = places
            .filter_map(|(place, label)| {
                let (object, node) = locate(context, place)?;
                Some(Place { object, node, label })
            })
            .collect();
        let is_of_pods = matches!(check, Check::NoIngressPolicy | Check::NoEgressPolicy);
        let known = places.len();
        let places: Vec<Place<'_>> = places
            .into_iter()
            .filter(|it| !(is_of_pods && is_template_of_runs(it.object)))
            .collect();
        let is_part = places.len() < known;
        let message = in_backticks(&problem.message, &problem.subject);
        let (suppressed, others): (Vec<_>, Vec<_>) = places
            .into_iter()
            .partition(|place| is_of_pods && context.is_suppressed(rule, place.object, place.node));
        let alone = suppressed.iter().map(std::slice::from_ref);
        let help: Cow<'static, str> = match &problem.help {
            Some(help) => Cow::Owned(format!("{help}.")),
            None => Cow::Borrowed(texts.help),
        };
        for places in alone.chain(Some(others.as_slice())) {
            let Some((first, others)) = places.split_first() else { continue };
            let message = if suppressed.is_empty() && !is_part {
                message.clone()
            } else {
                about(&message, places)
            };
            let mut draft = context
                .finding(rule, first.object, first.node, message)
                .why(texts.why)
                .help(help.clone());
            for Place { object, node, label } in others {
                draft = draft.also(context, *object, *node, *label);
            }
            let confidence = match problem.certainty {
                Certainty::Proven => Confidence::High,
                Certainty::Likely => Confidence::Medium,
            };
            let snippet =
                if title.contains("coaming net suggest") { "coaming net suggest ." } else { title };
            findings.push(draft.confidence(confidence).manual(title, snippet).done());
        }
    }
}

/// A place of a problem.
struct Place<'c> {
    object: Object<'c>,
    node: Node<'c>,
    label: &'c str,
}

/// Whether an object only describes what others run, in their own namespaces and with their labels.
fn is_template_of_runs(object: Object<'_>) -> bool {
    object.group() == "tekton.dev" && !object.kind().ends_with("Run")
        || object.group() == "argoproj.io" && object.kind().ends_with("WorkflowTemplate")
}

/// A message about pods, for some of them alone: `… of a, b in namespace …`.
fn about(message: &str, places: &[Place<'_>]) -> String {
    let (mut names, mut seen) = (Vec::new(), HashSet::new());
    for object in places.iter().map(|place| place.object) {
        let name = match object.name() {
            "" => Cow::Owned(format!("a {} without a name", object.kind())),
            name => Cow::Borrowed(name),
        };
        // Names that are generated are the same for many objects.
        if seen.insert(name.clone()) {
            names.push(name);
        }
    }
    let names = match names.as_slice() {
        [one, two, three, _, _, ..] => {
            format!("{one}, {two}, {three} and {} more", names.len() - 3)
        }
        few => few.join(", "),
    };
    let (before, after) = message.split_once(" of ").unwrap_or((message, ""));
    let end = after.find(" in namespace ").and_then(|at| after.get(at..)).unwrap_or_default();
    format!("{before} of {names}{end}")
}

/// ``NetworkPolicy `shop/web` `` for `NetworkPolicy shop/web`, as other findings name objects.
fn in_backticks(clause: &str, subject: &str) -> String {
    match subject.split_once(' ') {
        Some((kind, name)) => clause.replacen(subject, &format!("{kind} `{name}`"), 1),
        None => clause.to_owned(),
    }
}

fn locate<'c>(context: &Context<'c>, place: &SourceRef) -> Option<(Object<'c>, Node<'c>)> {
    let object = context.world.object(place.object)?;
    Some((object, object.node().document().node(place.node)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_in_backticks() {
        assert_eq!(
            in_backticks("NetworkPolicy a/b selects no pod", "NetworkPolicy a/b"),
            "NetworkPolicy `a/b` selects no pod"
        );
    }
}
