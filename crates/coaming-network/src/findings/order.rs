//! Cluster-wide policies of one priority that decide differently: which of them counts is undefined.

use super::{Certainty, Check, PolicyProblem};
use crate::compile::CompiledRule;
use crate::model::{Direction, Policy, Tier};
use crate::reach::Reach;

pub(super) fn find(reach: &Reach, found: &mut Vec<PolicyProblem>) {
    let policies = &reach.model().policies;
    // Calico decides between equals by their names.
    let ordered =
        policies.iter().filter(|(_, policy)| matches!(policy.tier, Tier::Admin | Tier::Baseline));
    let mut ordered: Vec<(usize, &Policy)> = ordered.collect();
    ordered.sort_by_key(|(_, policy)| (policy.kind, &policy.tier, policy.priority, &policy.name));
    for (position, &(id, policy)) in ordered.iter().enumerate() {
        let equals = ordered.iter().skip(position + 1).take_while(|(_, other)| {
            (other.kind, &other.tier, other.priority)
                == (policy.kind, &policy.tier, policy.priority)
        });
        for &(other_id, other) in equals {
            if decide_differently(reach, id, other_id) {
                found.push(problem(policy, other));
            }
        }
    }
}

/// Whether both select some pods, and a rule of one allows or denies what a rule of the other does
/// not.
fn decide_differently(reach: &Reach, a: usize, b: usize) -> bool {
    let compiled = |id: usize| reach.policies.get(id).and_then(Option::as_ref);
    let (Some(a), Some(b)) = (compiled(a), compiled(b)) else { return false };
    let contrary = |one: &CompiledRule, other: &CompiledRule| {
        one.action != other.action
            && !one.peers.is_disjoint(&other.peers)
            && (!one.fixed.intersection(&other.fixed).is_empty()
                || one.named.iter().any(|name| other.named.contains(name)))
    };
    !a.subject.is_disjoint(&b.subject)
        && Direction::BOTH.into_iter().any(|direction| {
            let (ours, theirs) = (a.rules(direction), b.rules(direction));
            ours.unwrap_or_default()
                .iter()
                .any(|one| theirs.unwrap_or_default().iter().any(|other| contrary(one, other)))
        })
}

fn problem(policy: &Policy, other: &Policy) -> PolicyProblem {
    PolicyProblem {
        check: Check::EqualPriorities,
        certainty: Certainty::Proven,
        subject: policy.to_string(),
        message: format!(
            "{policy} and {other} have the same priority {} and decide differently: which of them \
             counts is undefined",
            policy.priority
        ),
        help: Some("Give them different priorities; the lower number counts first".to_owned()),
        location: policy.location.clone(),
        related: other
            .location
            .clone()
            .into_iter()
            .map(|location| (location, "the other policy".to_owned()))
            .collect(),
    }
}
