//! Who can reach a workload, in a line.

use std::collections::BTreeSet;

use coaming_network::{Direction, Endpoint, Reach, entrances};

/// A workload as the network engine names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WorkloadName {
    pub(crate) namespace: String,
    pub(crate) kind: String,
    pub(crate) name: String,
}

/// How many names are listed.
const MOST_NAMES: usize = 5;

/// Who can reach it.
#[derive(Debug)]
pub(crate) struct Exposure {
    /// What lets traffic from outside in, such as `Ingress shop/web`, with the ports.
    pub(crate) entrance: Option<String>,
    /// The workloads that can connect to it.
    pub(crate) sources: Vec<String>,
    /// How many other workloads there are.
    pub(crate) others: usize,
    /// Whether a policy guards it.
    pub(crate) guarded: bool,
}

impl Exposure {
    /// Looks a workload up; `None` if the network engine does not know it.
    pub(crate) fn of(reach: &Reach, wanted: &WorkloadName) -> Option<Self> {
        let model = reach.model();
        let (id, _) = model.workloads.iter().find(|(_, workload)| {
            workload.namespace == wanted.namespace
                && workload.kind == wanted.kind
                && workload.name == wanted.name
        })?;
        let targets: Vec<usize> =
            model.pods.iter().filter(|(_, pods)| pods.workload == id).map(|(id, _)| id).collect();
        let mut sources = BTreeSet::new();
        for (from, pods) in model.pods.iter().filter(|(_, pods)| pods.workload != id) {
            let connects =
                |&to: &usize| !reach.allowed(Endpoint::Pods(from), Endpoint::Pods(to)).is_empty();
            if pods.role == coaming_network::model::Role::Real && targets.iter().any(connects) {
                sources.insert(pods.workload);
            }
        }
        let entrance = entrances(reach).into_iter().find(|(workload, _, _)| {
            workload.namespace == wanted.namespace
                && workload.kind == wanted.kind
                && workload.name == wanted.name
        });
        let is_guarded = |&pods: &usize| !reach.policies_of(pods, Direction::Ingress).is_empty();
        let name = |id: usize| model.workloads.get(id).map(ToString::to_string);
        Some(Self {
            entrance: entrance.map(|(_, ports, via)| format!("{} ({ports})", via.join(", "))),
            sources: sources.into_iter().filter_map(name).collect(),
            others: model.workloads.len().saturating_sub(1),
            guarded: targets.iter().all(is_guarded),
        })
    }

    /// The title of a code lens.
    pub(crate) fn title(&self) -> String {
        let outside = match &self.entrance {
            Some(entrance) => format!("open to the outside through {entrance}; "),
            None => String::new(),
        };
        let guard = if self.guarded { "" } else { "; no policy guards it" };
        let count = self.sources.len();
        format!("{outside}{count} of {} other workloads can connect{guard}", self.others)
    }

    /// The same for a hover, with names.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("**Who can reach this:** {}.\n", self.title());
        for name in self.sources.iter().take(MOST_NAMES) {
            text += &format!("\n- `{}`", name.replace('`', "'"));
        }
        if self.sources.len() > MOST_NAMES {
            text += &format!("\n- … and {} more", self.sources.len() - MOST_NAMES);
        }
        text
    }
}
