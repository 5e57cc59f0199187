//! Policies that change nothing because of others.
//!
//! A policy is moot where every one of its rules is contained in a rule of another policy for at
//! least the same pods. Containment is judged by what is written, not by the known pods, so
//! that a policy is never called moot because the pods it allows do not exist yet.

use super::{Certainty, Check, PolicyProblem};
use crate::compile::ports_without_names;
use crate::model::{
    Action, Direction, Namespaces, PeerKind, PodSelector, Policy, PortNumbers, Rule, Tier,
};
use crate::reach::Reach;
use crate::selector::Selector;

pub(super) fn find(reach: &Reach, found: &mut Vec<PolicyProblem>) {
    let policies = &reach.model().policies;
    let mut by_namespace: std::collections::BTreeMap<&str, Vec<usize>> =
        std::collections::BTreeMap::new();
    for (id, policy) in policies {
        // On Calico the order of policies counts.
        if policy.tier == Tier::Network && !policy.kind.is_calico() {
            by_namespace.entry(&policy.namespace).or_default().push(id);
        }
    }
    for ids in by_namespace.values() {
        let mut moot: Vec<usize> = Vec::new();
        // Of two equal policies the later one is moot.
        for &id in ids.iter().rev() {
            let Some(policy) = policies.get(id) else { continue };
            let others: Vec<&Policy> = ids
                .iter()
                .filter(|&&other| other != id && !moot.contains(&other))
                .filter_map(|&other| policies.get(other))
                .filter(|other| contains_selector(&other.subject, &policy.subject))
                .collect();
            if let Some(by) = covered(policy, &others) {
                moot.push(id);
                found.push(problem(policy, &by));
            }
        }
    }
}

fn problem(policy: &Policy, by: &[&Policy]) -> PolicyProblem {
    let mut names: Vec<String> = by.iter().map(|policy| policy.name.clone()).collect();
    names.sort_unstable();
    names.dedup();
    PolicyProblem {
        check: Check::NoEffect,
        certainty: Certainty::Proven,
        subject: policy.to_string(),
        message: format!(
            "{policy} changes nothing: all that it allows, {} allows too for the same pods, and \
             policies only add up",
            super::some_names(names.iter().map(String::as_str))
        ),
        help: Some("Remove it, or narrow the other".to_owned()),
        location: policy.location.clone(),
        related: by
            .iter()
            .filter_map(|other| Some((other.location.clone()?, format!("{other} allows it all"))))
            .collect(),
    }
}

/// The policies that together allow everything that this one allows; `None` if it allows more, or
/// if its purpose is to deny.
fn covered<'p>(policy: &Policy, others: &[&'p Policy]) -> Option<Vec<&'p Policy>> {
    let mut by: Vec<&Policy> = Vec::new();
    for direction in Direction::BOTH {
        let Some(rules) = policy.rules(direction) else { continue };
        if rules.is_empty() {
            return None;
        }
        for rule in rules {
            let other = others.iter().find(|other| {
                let rules = other.rules(direction).unwrap_or_default();
                (other.isolates(direction) || !policy.isolates(direction))
                    && rules.iter().any(|other| contains_rule(other, rule))
            })?;
            by.push(other);
        }
    }
    (!by.is_empty()).then_some(by)
}

fn contains_selector(outer: &PodSelector, inner: &PodSelector) -> bool {
    let namespaces = match (&outer.namespaces, &inner.namespaces) {
        (Namespaces::Selected(outer), Namespaces::Selected(inner)) => contains_labels(outer, inner),
        (Namespaces::Selected(outer), Namespaces::Named(_)) => outer.is_everything(),
        (outer, inner) => outer == inner,
    };
    namespaces && contains_labels(&outer.pods, &inner.pods)
}

/// Fewer requirements mean more objects.
fn contains_labels(outer: &Selector, inner: &Selector) -> bool {
    outer.requirements().iter().all(|requirement| inner.requirements().contains(requirement))
        && outer.alternatives().iter().all(|list| inner.alternatives().contains(list))
}

fn contains_rule(outer: &Rule, inner: &Rule) -> bool {
    let allow = |rule: &Rule| rule.action == Action::Allow;
    allow(outer)
        && allow(inner)
        && (outer.limits.is_empty() || outer.limits == inner.limits)
        && contains_peers(outer, inner)
        && contains_ports(outer, inner)
}

fn contains_peers(outer: &Rule, inner: &Rule) -> bool {
    let Some(outer) = &outer.peers else { return true };
    let Some(inner) = &inner.peers else { return false };
    inner.iter().all(|inner| {
        outer.iter().any(|outer| match (&outer.kind, &inner.kind) {
            (PeerKind::Pods(outer), PeerKind::Pods(inner)) => contains_selector(outer, inner),
            (PeerKind::Block(outer), PeerKind::Block(inner))
            | (PeerKind::Outside(outer), PeerKind::Outside(inner)) => inner.is_subset(outer),
            (outer, inner) => outer == inner,
        })
    })
}

fn contains_ports(outer: &Rule, inner: &Rule) -> bool {
    let Some(outer_ports) = &outer.ports else { return true };
    if inner.ports.is_none() {
        return false;
    }
    let (outer_set, inner_set) =
        (ports_without_names(outer.ports.as_deref()), ports_without_names(inner.ports.as_deref()));
    let named =
        inner.ports.iter().flatten().filter(|port| matches!(port.numbers, PortNumbers::Named(_)));
    inner_set.difference(&outer_set).is_empty()
        && named.into_iter().all(|inner| {
            outer_ports
                .iter()
                .any(|outer| (&outer.protocol, &outer.numbers) == (&inner.protocol, &inner.numbers))
        })
}
