//! Pods reach only what they need. The engine is `coaming-network`'s; each rule reports one kind of
//! its problems.

pub(crate) mod allows_internet;
pub(crate) mod invalid_network_policy;
pub(crate) mod metadata_reachable;
pub(crate) mod no_egress_policy;
pub(crate) mod no_ingress_policy;
pub(crate) mod peer_matches_nothing;
pub(crate) mod policy_selects_nothing;
pub(crate) mod policy_without_effect;
pub(crate) mod split_peer;
pub(crate) mod unserved_port;

use coaming_finding::{Confidence, Finding, RuleMeta};
use coaming_kube::Object;
use coaming_network::model::SourceRef;
use coaming_network::{Certainty, Check};
use coaming_yaml::Node;

use crate::Context;

/// Reports every problem of one kind.
fn report(
    context: &Context<'_>,
    rule: &'static RuleMeta,
    check: Check,
    title: &str,
    findings: &mut Vec<Finding>,
) {
    for problem in context.policy_problems().iter().filter(|problem| problem.check == check) {
        let mut places = problem
            .location
            .iter()
            .map(|place| (place, ""))
            .chain(problem.related.iter().map(|(place, label)| (place, label.as_str())));
        let Some((object, node)) = places.next().and_then(|(place, _)| locate(context, place))
        else {
            continue;
        };
        let mut draft = context.finding(
            rule,
            object,
            node,
            format!("{}.", problem.message.trim_end_matches('.')),
        );
        for (place, label) in places {
            if let Some((object, node)) = locate(context, place) {
                draft = draft.also(context, object, node, label);
            }
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

fn locate<'c>(context: &Context<'c>, place: &SourceRef) -> Option<(Object<'c>, Node<'c>)> {
    let object = context.world.object(place.object)?;
    Some((object, object.node().document().node(place.node)))
}
