//! What is wrong with the policies themselves: the engine behind the scan's rules.
//!
//! One [`PolicyProblem`] is one thing to do. Only what the input proves is reported: a selector may
//! well mean pods that are not in the input, so nothing is reported about namespaces that the input
//! does not show.

mod effect;
mod entrances;
mod guard;
mod order;
mod peers;
mod ports;
mod tunnel;

use std::collections::BTreeMap;

pub use entrances::broken_routes;
pub use peers::reaches_metadata;

use crate::model::{
    Direction, Model, Namespaces, PodSelector, Pods, Policy, ProblemKind, Role, Rule, SourceRef,
};
use crate::reach::Reach;
use crate::space::in_namespaces;

/// What kind of thing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Check {
    /// The API server would refuse the policy.
    InvalidPolicy,
    /// No policy guards the ingress of some pods of a namespace (and perhaps their egress).
    NoIngressPolicy,
    /// No policy guards the egress of some pods of a namespace, while their ingress is guarded.
    NoEgressPolicy,
    /// A policy selects no pod.
    SelectsNothing,
    /// An item of `from` or `to` matches no pod.
    PeerMatchesNothing,
    /// A `namespaceSelector` and a `podSelector` are two items where one was meant.
    SplitPeer,
    /// A rule allows the whole internet.
    AllowsInternet,
    /// A rule lets pods reach the cloud's metadata service.
    MetadataReachable,
    /// A policy changes nothing, because of others.
    NoEffect,
    /// A rule names a port on which nothing listens.
    UnservedPort,
    /// A policy has rules for a direction that its `policyTypes` leaves out.
    DeadRules,
    /// Policies of one priority decide differently.
    EqualPriorities,
    /// Pods may leave for some targets, but cannot resolve names.
    NoDns,
    /// An ingress point leads to pods that policies close to it.
    ClosedEntrance,
    /// A policy names the application's port of pods in the ambient mesh, and not the one that carries
    /// its connections.
    ClosedTunnel,
    /// A route names a port that its Service does not have.
    NoSuchServicePort,
    /// Several objects define one namespace, with different labels.
    AmbiguousNamespace,
}

/// How certain a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Certainty {
    /// The input proves it.
    Proven,
    /// It is so unless there is more than the input shows.
    Likely,
}

/// One thing to do about the policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyProblem {
    /// What kind of thing is wrong.
    pub check: Check,
    /// How certain it is.
    pub certainty: Certainty,
    /// What it is about: `NetworkPolicy shop/db` or `namespace shop`.
    pub subject: String,
    /// What is wrong: one clause.
    pub message: String,
    /// What to do, where the check alone does not say it: one or more sentences without the last
    /// period.
    pub help: Option<String>,
    /// Where to do it; `None` where the model was not made from files.
    pub location: Option<SourceRef>,
    /// Related locations, each with what it shows.
    pub related: Vec<(SourceRef, String)>,
}

/// Everything that is wrong with the policies of a model, sorted by check and subject.
#[must_use]
pub fn policy_findings(reach: &Reach) -> Vec<PolicyProblem> {
    let mut found: Vec<PolicyProblem> = reach.model().problems.iter().map(invalid).collect();
    guard::find(reach, &mut found);
    let inventory = Inventory::new(reach.model());
    let policies = reach.model().policies.iter();
    for (id, _) in policies.filter(|(_, policy)| policy.kind.is_network_policy()) {
        guard::selects_nothing(&inventory, id, &mut found);
        guard::dead_rules(reach, id, &mut found);
        peers::find(reach, &inventory, id, &mut found);
        ports::find(reach, id, &mut found);
    }
    peers::open_egress(reach, &mut found);
    effect::find(reach, &mut found);
    order::find(reach, &mut found);
    guard::without_dns(reach, &mut found);
    entrances::find(reach, &mut found);
    tunnel::find(reach, &mut found);
    found.sort_by(|a, b| (a.check, &a.subject).cmp(&(b.check, &b.subject)));
    found
}

fn invalid(problem: &crate::model::Problem) -> PolicyProblem {
    PolicyProblem {
        check: match problem.kind {
            ProblemKind::Refused => Check::InvalidPolicy,
            ProblemKind::AmbiguousNamespace => Check::AmbiguousNamespace,
        },
        certainty: Certainty::Proven,
        subject: problem.object.clone(),
        message: problem.message.trim_end_matches('.').to_owned(),
        help: None,
        location: problem.location.clone(),
        related: Vec::new(),
    }
}

/// The pods in the input.
fn real_pods(model: &Model) -> impl Iterator<Item = (usize, &Pods)> {
    model.pods.iter().filter(|(_, pods)| pods.role == Role::Real)
}

/// Whether a selector means these pods.
fn means(model: &Model, selector: &PodSelector, pods: &Pods) -> bool {
    !pods.host_network
        && in_namespaces(model, &selector.namespaces, &pods.namespace)
        && selector.pods.matches(&pods.labels)
}

/// The pods of the input by namespace. There may be as many policies as pods, and most of them are
/// about one namespace.
struct Inventory<'m> {
    model: &'m Model,
    pods: BTreeMap<&'m str, Vec<&'m Pods>>,
    /// The namespaces that may contain pods that the input does not show.
    opaque: Vec<&'m str>,
}

impl<'m> Inventory<'m> {
    fn new(model: &'m Model) -> Self {
        let mut pods: BTreeMap<&str, Vec<&Pods>> = BTreeMap::new();
        for (_, it) in real_pods(model) {
            pods.entry(&it.namespace).or_default().push(it);
        }
        let opaque = model.namespaces.iter().filter(|(_, namespace)| namespace.opaque);
        Self { model, pods, opaque: opaque.map(|(name, _)| name.as_str()).collect() }
    }

    /// The pods in these namespaces.
    fn pods_in<'s>(
        &'s self,
        namespaces: &'s Namespaces,
    ) -> impl Iterator<Item = &'m Pods> + use<'s, 'm> {
        let found: Vec<&Vec<&Pods>> = match namespaces {
            Namespaces::Named(name) => self.pods.get(name.as_str()).into_iter().collect(),
            Namespaces::Selected(_) => {
                let meant = |name: &str| in_namespaces(self.model, namespaces, name);
                self.pods.iter().filter(|(name, _)| meant(name)).map(|(_, pods)| pods).collect()
            }
        };
        found.into_iter().flatten().copied()
    }

    /// Whether one of these namespaces may contain pods that the input does not show.
    fn may_hold_more(&self, namespaces: &Namespaces) -> bool {
        match namespaces {
            Namespaces::Named(name) => self.opaque.binary_search(&name.as_str()).is_ok(),
            Namespaces::Selected(_) => {
                self.opaque.iter().any(|name| in_namespaces(self.model, namespaces, name))
            }
        }
    }
}

/// The rules of a policy with their directions and positions.
fn rules_of(policy: &Policy) -> impl Iterator<Item = (Direction, usize, &Rule)> {
    Direction::BOTH.into_iter().flat_map(move |direction| {
        let rules = policy.rules(direction).unwrap_or_default().iter().enumerate();
        rules.map(move |(position, rule)| (direction, position, rule))
    })
}

/// Names in a sentence, the first few of them.
fn some_names<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    const SHOWN: usize = 5;
    let mut names = names.into_iter();
    let shown = names.by_ref().take(SHOWN).collect::<Vec<_>>().join(", ");
    match names.count() {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
