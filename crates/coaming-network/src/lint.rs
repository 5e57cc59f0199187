//! Rules that change nothing.
//!
//! A rule is idle if the pods that its policy selects may connect to the same without it, on the same
//! ports. That is proven by evaluating them again without the rule, against every class of pods and
//! every piece of the address space that policies tell apart. Rules that were found idle stay out, so
//! that all of them together can be removed; of two that say the same, the later one is idle.
//!
//! A rule with limits, such as the requests that it allows, opens less than one without: it is idle if
//! rules without limits open the same, and never makes another idle.
//!
//! What a rule may mean for pods that are not in the input does not count: a rule that matches nothing
//! here is not judged.

use std::collections::{HashMap, HashSet};
use std::ptr;
use std::sync::Arc;

use fixedbitset::FixedBitSet;

use crate::advice::AdvisedRule;
use crate::compile::{CompiledPolicy, CompiledRule};
use crate::evaluate::profile;
use crate::explain::rule_name;
use crate::model::{Action, Direction, Model, Policy, PolicyKind, Rule, SourceRef};
use crate::reach::Reach;

/// How many rules are named as the reason.
const MOST_REASONS: usize = 4;

/// A rule without which everything is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdleRule {
    /// Where the model has it: a mode of a PeerAuthentication is several rules, and who is authorized
    /// on several Servers is a rule of each.
    pub places: Vec<RulePlace>,
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
    let mut left = reach.policies.clone();
    let limited = take_out_limited(&mut left, model);
    let mut found = Vec::new();
    for unit in units(model) {
        let Some(because) = idle(reach, &mut left, &unit, limited) else { continue };
        let Some((place, policy, rule)) = unit.first().and_then(|place| place.written(model))
        else {
            continue;
        };
        let name = rule_name(rule, place.direction, place.position);
        let is_mode = policy.kind == PolicyKind::PeerAuthentication;
        found.push(IdleRule {
            policy: policy.to_string(),
            rule: name.split(':').next().filter(|_| is_mode).unwrap_or(&name).to_owned(),
            location: rule.location.clone(),
            because,
            places: unit,
        });
    }
    found.sort_by(|a, b| (&a.policy, &a.places).cmp(&(&b.policy, &b.places)));
    found
}

/// What is judged as one: the rules that are taken out together, those first that come last.
fn units(model: &Model) -> Vec<Vec<RulePlace>> {
    // What the network plugin does not know decides nothing: one note says so for all of them.
    let enforced = model.policies.iter().filter(|(_, policy)| model.plugin.enforces(policy.kind));
    let mut order: Vec<(usize, &Policy)> = enforced.collect();
    order.sort_by_key(|(_, policy)| model.turn(policy));
    let mut units: Vec<(Unit<'_>, Vec<RulePlace>)> = Vec::new();
    let mut known: HashMap<Unit<'_>, usize> = HashMap::new();
    for &(policy_id, policy) in order.iter().rev() {
        for direction in Direction::BOTH {
            let rules = policy.rules(direction).unwrap_or_default();
            for (position, rule) in rules.iter().enumerate().rev() {
                let place = RulePlace { policy: policy_id, direction, position };
                let Some(unit) = unit_of(policy, rule, place) else { continue };
                let at = *known.entry(unit).or_insert(units.len());
                match units.get_mut(at) {
                    Some((_, places)) => places.push(place),
                    None => units.push((unit, vec![place])),
                }
            }
        }
    }
    let mut units: Vec<Vec<RulePlace>> = units.into_iter().map(|(_, places)| places).collect();
    units.iter_mut().for_each(|places| places.sort_unstable());
    units
}

/// What the rules of one unit have in common: a place of their own, or what they are written as.
type Unit<'m> = (Option<RulePlace>, PolicyKind, &'m str, &'m str, &'m str);

/// The unit that a rule belongs to; `None` for one that is not judged by itself.
fn unit_of<'m>(policy: &'m Policy, rule: &'m Rule, place: RulePlace) -> Option<Unit<'m>> {
    let (kind, namespace) = (policy.kind, policy.namespace.as_str());
    let path = rule.path.as_deref().unwrap_or_default();
    match kind {
        PolicyKind::PeerAuthentication => {
            let field = path.split([' ', ':']).next().unwrap_or_default();
            Some((None, kind, namespace, &policy.name, field))
        }
        // What refuses only some requests of a connection is not seen in its answer.
        PolicyKind::AuthorizationPolicy => (rule.action != Action::Pass).then_some((
            None,
            kind,
            namespace,
            policy.name.as_str(),
            path,
        )),
        // Who is authorized, on whatever Servers. What a Server does by itself is what it is for.
        PolicyKind::Server => is_authorization(path).then_some((None, kind, namespace, "", path)),
        _ => kind.is_network_policy().then_some((Some(place), kind, "", "", "")),
    }
}

/// Whether a rule of a Server is an object of its own.
fn is_authorization(path: &str) -> bool {
    let kind = path.split(' ').next().unwrap_or_default();
    ["AuthorizationPolicy", "ServerAuthorization"].contains(&kind)
}

/// Where a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RulePlace {
    /// Its policy, by its id in the model.
    pub policy: usize,
    /// Its direction.
    pub direction: Direction,
    /// Its position among the rules of the direction.
    pub position: usize,
}

impl RulePlace {
    fn written(self, model: &Model) -> Option<(Self, &Policy, &Rule)> {
        let policy = model.policies.get(self.policy)?;
        Some((self, policy, policy.rules(self.direction)?.get(self.position)?))
    }

    fn rule(self, policies: &[Option<CompiledPolicy>]) -> Option<&CompiledRule> {
        let policy = policies.get(self.policy)?.as_ref()?;
        policy.rules(self.direction)?.get(self.position)
    }

    /// Lets the rule match these peers; the positions of the other rules stay.
    fn put(self, policies: &mut [Option<CompiledPolicy>], peers: Arc<FixedBitSet>) {
        let policy = policies.get_mut(self.policy).and_then(Option::as_mut);
        let rules = policy.and_then(|policy| policy.rules_mut(self.direction));
        if let Some(rule) = rules.and_then(|rules| rules.get_mut(self.position)) {
            rule.peers = peers;
        }
    }

    /// Takes the rule out.
    fn take_out(self, policies: &mut [Option<CompiledPolicy>]) {
        let Some(rule) = self.rule(policies) else { return };
        let nobody = Arc::new(FixedBitSet::with_capacity(rule.peers.len()));
        self.put(policies, nobody);
    }
}

/// Takes the rules with limits out; gives whether there are any.
fn take_out_limited(left: &mut [Option<CompiledPolicy>], model: &Model) -> bool {
    let mut any = false;
    for (id, policy) in &model.policies {
        for direction in Direction::BOTH {
            let rules = policy.rules(direction).unwrap_or_default().iter().enumerate();
            for (position, _) in rules.filter(|(_, rule)| !rule.limits.is_empty()) {
                RulePlace { policy: id, direction, position }.take_out(left);
                any = true;
            }
        }
    }
    any
}

/// Takes rules out together if that changes nothing; gives the rules about the same connections. Where
/// rules are `limited`, those are out already.
fn idle(
    reach: &Reach,
    left: &mut [Option<CompiledPolicy>],
    unit: &[RulePlace],
    limited: bool,
) -> Option<Vec<AdvisedRule>> {
    let rules: Vec<(RulePlace, CompiledRule)> = unit
        .iter()
        .filter_map(|&place| Some((place, place.rule(&reach.policies)?.clone())))
        .filter(|(_, rule)| {
            !(rule.peers.is_clear() || rule.fixed.is_empty() && rule.named.is_empty())
        })
        .collect();
    let were_out: Vec<bool> = rules
        .iter()
        .map(|(place, _)| place.rule(left).is_some_and(|rule| rule.peers.is_clear()))
        .collect();
    let classes = concerned(reach, left, unit);
    let (first, direction) = *classes.first()?;
    let (_, shown) = rules.first()?;
    let evaluated = |left: &[Option<CompiledPolicy>], class: usize, direction: Direction| {
        let own = reach.representative(class)?;
        let policies = reach.governing(class, direction);
        Some(profile(&reach.model, &reach.space, left, policies, direction, own))
    };
    rules.iter().for_each(|(place, rule)| place.put(left, Arc::clone(&rule.peers)));
    let mut before = Vec::new();
    if limited {
        before.extend(classes.iter().map(|&(class, direction)| evaluated(left, class, direction)));
    }
    rules.iter().for_each(|(place, _)| place.take_out(left));
    let unchanged = classes.iter().enumerate().all(|(position, &(class, direction))| {
        let now = evaluated(left, class, direction);
        match before.get(position) {
            Some(before) => *before == now,
            None => reach.profile(class, direction) == now.as_ref(),
        }
    });
    if unchanged {
        return Some(about_the_same(reach, left, first, direction, shown));
    }
    for ((place, rule), was_out) in rules.into_iter().zip(were_out) {
        if !was_out {
            place.put(left, rule.peers);
        }
    }
    None
}

/// The classes that rules are for. Those whose policies and ports are the same share a profile: one of
/// them is evaluated.
fn concerned(
    reach: &Reach,
    left: &[Option<CompiledPolicy>],
    unit: &[RulePlace],
) -> Vec<(usize, Direction)> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for place in unit {
        let Some(policy) = left.get(place.policy).and_then(Option::as_ref) else { continue };
        let real = policy.subject.ones().filter(|class| reach.representative(*class).is_some());
        for class in real {
            let profile = reach.profile(class, place.direction).map(ptr::from_ref);
            if seen.insert((profile, place.direction)) {
                found.push((class, place.direction));
            }
        }
    }
    found
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
