//! Policies as bitsets over the universe.
//!
//! A rule becomes the set of members that it matches, and the ports on which it does; a named port
//! stays a name until the receiving pods are known.

use std::sync::Arc;

use fixedbitset::FixedBitSet;

use crate::model::{Action, Direction, Model, Pods, Policy, PortMatch, PortNumbers, Rule};
use crate::ports::{Connections, PortSet, Protocol};
use crate::space::{Space, means, selects, set};

/// The members that a rule matches.
fn peers(space: &mut Space, model: &Model, rule: &Rule) -> Arc<FixedBitSet> {
    match rule.peers.as_deref() {
        None => Arc::clone(space.everything()),
        Some([peer]) => space.peer(model, peer),
        Some(peers) => {
            let mut found = FixedBitSet::with_capacity(space.universe);
            for peer in peers {
                found.union_with(&space.peer(model, peer));
            }
            Arc::new(found)
        }
    }
}

/// The ports that a rule's items give by number, and those that they give by name.
fn rule_ports(ports: Option<&[PortMatch]>) -> (Connections, Vec<(Option<Protocol>, String)>) {
    let Some(ports) = ports else { return (Connections::all(), Vec::new()) };
    let mut fixed = Connections::none();
    let mut named = Vec::new();
    for port in ports {
        let set = match &port.numbers {
            PortNumbers::All => PortSet::all(),
            PortNumbers::Range(first, last) => PortSet::range(*first, *last),
            PortNumbers::Named(name) => {
                named.push((port.protocol, name.clone()));
                continue;
            }
        };
        for protocol in Protocol::ALL {
            if port.protocol.is_none_or(|wanted| wanted == protocol) {
                fixed = fixed.union(&Connections::of(protocol, set.clone()));
            }
        }
    }
    (fixed, named)
}

/// The ports that a rule's items give by number.
pub(crate) fn ports_without_names(ports: Option<&[PortMatch]>) -> Connections {
    rule_ports(ports).0
}

/// A rule over the universe.
#[derive(Clone, Debug)]
pub(crate) struct CompiledRule {
    /// What it does.
    pub(crate) action: Action,
    /// The members that it matches.
    pub(crate) peers: Arc<FixedBitSet>,
    /// On which ports, by number.
    pub(crate) fixed: Connections,
    /// On which ports, by name.
    pub(crate) named: Vec<(Option<Protocol>, String)>,
}

impl CompiledRule {
    pub(crate) fn new(space: &mut Space, model: &Model, rule: &Rule) -> Self {
        let (fixed, named) = rule_ports(rule.ports.as_deref());
        Self { action: rule.action, peers: peers(space, model, rule), fixed, named }
    }

    /// The rule as pairs of peers and connections. For ingress, names are those of the policy's
    /// own pods, given as `own`; for egress, those of each peer.
    pub(crate) fn expand(
        &self,
        space: &Space,
        direction: Direction,
        own: &Pods,
    ) -> Vec<(Arc<FixedBitSet>, Connections)> {
        let mut pairs = Vec::with_capacity(1 + self.named.len());
        let mut fixed = self.fixed.clone();
        for (protocol, name) in &self.named {
            match direction {
                Direction::Ingress => {
                    for port in Model::named_ports(own, *protocol, name) {
                        let ports = PortSet::range(port.number, port.number);
                        fixed = fixed.union(&Connections::of(port.protocol, ports));
                    }
                }
                Direction::Egress => {
                    for (protocol, number, classes) in space.named(*protocol, name) {
                        let mut peers = (*self.peers).clone();
                        peers.intersect_with(classes);
                        let ports = PortSet::range(number, number);
                        pairs.push((Arc::new(peers), Connections::of(protocol, ports)));
                    }
                }
            }
        }
        if !fixed.is_empty() {
            pairs.push((Arc::clone(&self.peers), fixed));
        }
        pairs
    }
}

/// A policy over the universe.
#[derive(Clone, Debug)]
pub(crate) struct CompiledPolicy {
    /// The classes it selects.
    pub(crate) subject: Arc<FixedBitSet>,
    /// Its rules; `None` for a direction that it does not govern.
    pub(crate) ingress: Option<Vec<CompiledRule>>,
    /// As `ingress`.
    pub(crate) egress: Option<Vec<CompiledRule>>,
}

impl CompiledPolicy {
    /// Compiles a policy.
    pub(crate) fn new(space: &mut Space, model: &Model, policy: &Policy) -> Self {
        let mut rules = |rules: Option<&[Rule]>| -> Option<Vec<CompiledRule>> {
            Some(rules?.iter().map(|rule| CompiledRule::new(space, model, rule)).collect())
        };
        let ingress = rules(policy.rules(Direction::Ingress));
        let egress = rules(policy.rules(Direction::Egress));
        Self { subject: space.select(model, &policy.subject), ingress, egress }
    }

    /// Brings one class up to date, which now means `pods`. Gives whether the rules of each
    /// direction, ingress and egress, may treat it differently than before.
    pub(crate) fn renew(
        &mut self,
        model: &Model,
        policy: &Policy,
        class: usize,
        pods: &Pods,
    ) -> [bool; 2] {
        set(&mut self.subject, class, selects(model, &policy.subject, pods));
        Direction::BOTH.map(|direction| {
            let compiled = self.rules_mut(direction).unwrap_or_default();
            let rules = policy.rules(direction).unwrap_or_default();
            compiled.iter_mut().zip(rules).fold(false, |changed, (compiled, rule)| {
                let meant = rule.peers.as_ref().map(|peers| {
                    set(&mut compiled.peers, class, peers.iter().any(|it| means(model, it, pods)))
                });
                // A port of a name may have another number in these pods, or none.
                let renamed = direction == Direction::Egress
                    && !compiled.named.is_empty()
                    && compiled.peers.contains(class);
                changed || renamed || meant == Some(true)
            })
        })
    }

    /// The rules for a direction.
    pub(crate) fn rules(&self, direction: Direction) -> Option<&[CompiledRule]> {
        match direction {
            Direction::Ingress => self.ingress.as_deref(),
            Direction::Egress => self.egress.as_deref(),
        }
    }

    /// As [`CompiledPolicy::rules`], to change them.
    pub(crate) fn rules_mut(&mut self, direction: Direction) -> Option<&mut [CompiledRule]> {
        match direction {
            Direction::Ingress => self.ingress.as_deref_mut(),
            Direction::Egress => self.egress.as_deref_mut(),
        }
    }
}
