//! Rules that change nothing.
//!
//! A rule is idle if the pods that its policy selects may connect to the same without it, on the same
//! ports. That is proven by evaluating them again without the rule, against every class of pods and
//! every piece of the address space that policies tell apart. Rules that were found idle stay out, so
//! that all of them together can be removed; of two that say the same, the later one is idle.
//!
//! What a rule may mean for pods that are not in the input does not count: a rule that matches nothing
//! here is not judged.

use std::collections::HashSet;
use std::ptr;
use std::sync::Arc;

use fixedbitset::FixedBitSet;

use crate::advice::AdvisedRule;
use crate::compile::{CompiledPolicy, CompiledRule};
use crate::evaluate::profile;
use crate::explain::rule_name;
use crate::model::{Direction, Policy, SourceRef};
use crate::reach::Reach;

/// How many rules are named as the reason.
const MOST_REASONS: usize = 4;

/// A rule without which everything is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdleRule {
    /// Its policy, by its id in the model.
    pub policy_id: usize,
    /// Its direction.
    pub direction: Direction,
    /// Its position among the rules of the direction.
    pub position: usize,
    /// Its policy: `NetworkPolicy shop/db`.
    pub policy: String,
    /// `ingress[0]`, or the rule's own name.
    pub rule: String,
    /// Where it is written.
    pub location: Option<SourceRef>,
    /// Rules about the same connections, of which some decide instead; the first few.
    pub because: Vec<AdvisedRule>,
}

/// The rules that change nothing, in the order of their policies.
#[must_use]
pub fn idle_rules(reach: &Reach) -> Vec<IdleRule> {
    let model = reach.model();
    // What the network plugin does not know decides nothing: one note says so for all of them.
    let enforced = model.policies.iter().filter(|(_, policy)| {
        model.plugin.enforces(policy.kind) && policy.kind.is_network_policy()
    });
    let mut order: Vec<(usize, &Policy)> = enforced.collect();
    order.sort_by_key(|(_, policy)| model.turn(policy));
    let mut left = reach.policies.clone();
    let mut found = Vec::new();
    for &(id, policy) in order.iter().rev() {
        for direction in Direction::BOTH {
            let rules = policy.rules(direction).unwrap_or_default();
            for (position, rule) in rules.iter().enumerate().rev() {
                let Some(because) = idle(reach, &mut left, id, direction, position) else {
                    continue;
                };
                found.push(IdleRule {
                    policy_id: id,
                    direction,
                    position,
                    policy: policy.to_string(),
                    rule: rule_name(rule, direction, position),
                    location: rule.location.clone(),
                    because,
                });
            }
        }
    }
    found.sort_by(|a, b| {
        (&a.policy, a.direction, a.position).cmp(&(&b.policy, b.direction, b.position))
    });
    found
}

/// Takes a rule out if that changes nothing; gives the rules about the same connections.
fn idle(
    reach: &Reach,
    left: &mut [Option<CompiledPolicy>],
    id: usize,
    direction: Direction,
    position: usize,
) -> Option<Vec<AdvisedRule>> {
    let policy = left.get(id)?.as_ref()?;
    let rule = policy.rules(direction)?.get(position)?.clone();
    let subject = Arc::clone(&policy.subject);
    if rule.peers.is_clear() || rule.fixed.is_empty() && rule.named.is_empty() {
        return None;
    }
    let classes = || subject.ones().filter(|&class| reach.representative(class).is_some());
    let first = classes().next()?;
    // The positions of the other rules stay.
    let nobody = Arc::new(FixedBitSet::with_capacity(rule.peers.len()));
    rule_mut(left, id, direction, position)?.peers = nobody;
    let unchanged = |class: usize| {
        let (Some(own), Some(now)) = (reach.representative(class), reach.profile(class, direction))
        else {
            return true;
        };
        let policies = reach.governing(class, direction);
        profile(&reach.model, &reach.space, left, policies, direction, own) == *now
    };
    // Classes share a profile if their policies and ports are the same: one of them is evaluated.
    let mut seen = HashSet::new();
    let mut distinct =
        classes().filter(|&class| seen.insert(reach.profile(class, direction).map(ptr::from_ref)));
    if distinct.all(unchanged) {
        return Some(about_the_same(reach, left, first, direction, &rule));
    }
    *rule_mut(left, id, direction, position)? = rule;
    None
}

fn rule_mut(
    left: &mut [Option<CompiledPolicy>],
    id: usize,
    direction: Direction,
    position: usize,
) -> Option<&mut CompiledRule> {
    left.get_mut(id)?.as_mut()?.rules_mut(direction)?.get_mut(position)
}

/// The rules for a class that are about connections of a rule, which is out already.
fn about_the_same(
    reach: &Reach,
    left: &[Option<CompiledPolicy>],
    class: usize,
    direction: Direction,
    rule: &CompiledRule,
) -> Vec<AdvisedRule> {
    let Some(own) = reach.representative(class) else { return Vec::new() };
    let wanted = rule.expand(&reach.space, direction, own);
    let mut found = Vec::new();
    for &id in reach.governing(class, direction) {
        let Some(policy) = reach.model.policies.get(id) else { continue };
        let written = policy.rules(direction).unwrap_or_default();
        let compiled = left.get(id).and_then(Option::as_ref).and_then(|it| it.rules(direction));
        for (position, other) in compiled.unwrap_or_default().iter().enumerate() {
            let overlaps =
                other.expand(&reach.space, direction, own).iter().any(|(peers, ports)| {
                    wanted.iter().any(|(own_peers, own_ports)| {
                        !peers.is_disjoint(own_peers) && !ports.intersection(own_ports).is_empty()
                    })
                });
            if let Some(written) = written.get(position).filter(|_| overlaps) {
                found.push(AdvisedRule {
                    rule: rule_name(written, direction, position),
                    policy: policy.to_string(),
                    location: written.location.clone(),
                });
            }
        }
    }
    found.truncate(MOST_REASONS);
    found
}
