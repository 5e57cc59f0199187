//! What an answer does not take into account: objects that are not evaluated, and policies that the
//! API server refuses.

use std::io::{self, Write};

use coaming_finding::Note;
use coaming_network::model::{Influence, Problem, Rule};
use coaming_network::{Beyond, Model, UnevaluatedKind, Workload, plugin_dependent, unevaluated};
use serde::Serialize;

/// What a reader must know besides the answer itself.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Remarks {
    /// What is not evaluated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// Objects that the API server refuses, and that do not count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Remark>,
}

impl Remarks {
    /// Whether there is nothing that an answer could be about.
    #[must_use]
    pub fn is_without_workloads(&self) -> bool {
        self.notes.iter().any(|note| note.count == 0)
    }
}

/// An object that does not count.
#[derive(Clone, Debug, Serialize)]
pub struct Remark {
    /// The object: `NetworkPolicy shop/web`.
    pub object: String,
    /// What is wrong, and what to do.
    pub message: String,
    /// Where it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

impl From<&Problem> for Remark {
    fn from(problem: &Problem) -> Self {
        let location = problem.location.as_ref();
        Self {
            object: problem.object.clone(),
            message: problem.message.clone(),
            file: location.map(|location| location.file.to_string()),
            line: location.and_then(|location| location.line),
        }
    }
}

/// What a reader must know about any answer on a model.
#[must_use]
pub fn remarks(model: &Model) -> Remarks {
    let mut notes: Vec<Note> = unevaluated(model, None).iter().map(not_evaluated).collect();
    if plugin_dependent(model) {
        notes.push(Note {
            message: "an ipBlock covers addresses of pods: whether it means these pods depends on \
                      the network plugin, and here it does not; say which with --network-plugin"
                .to_owned(),
            count: 1,
        });
    }
    notes.extend(without_effect(model));
    notes.extend(restricted(model));
    notes.extend(beyond_addresses(model));
    if model.pods.is_empty() {
        notes.push(Note { message: "there are no workloads here".to_owned(), count: 0 });
    }
    Remarks { notes, problems: model.problems.iter().map(Remark::from).collect() }
}

/// That the network plugin does not know the policies of another.
fn without_effect(model: &Model) -> Option<Note> {
    let policies = model.policies.iter().map(|(_, policy)| policy);
    let count = policies.filter(|policy| !model.plugin.enforces(policy.kind)).count();
    let subject = match count {
        1 => "1 policy has".to_owned(),
        _ => format!("{count} policies have"),
    };
    let message =
        format!("{subject} no effect: only another network plugin knows policies of their kind");
    (count > 0).then_some(Note { message, count })
}

/// That rules allow only some requests, or only the addresses of some names.
fn restricted(model: &Model) -> Option<Note> {
    let policies = model.policies.iter();
    let rules = policies.flat_map(|(_, policy)| policy.all_rules());
    let count = rules.filter(|rule| !rule.limits.is_empty()).count();
    let subject = match count {
        1 => "1 rule allows".to_owned(),
        _ => format!("{count} rules allow"),
    };
    let message = format!(
        "{subject} only some requests or domain names: what only such rules open is further \
         restricted, and `coaming net why` says to what"
    );
    (count > 0).then_some(Note { message, count })
}

/// That rules are about what has no known address, so that no list of addresses can show it.
fn beyond_addresses(model: &Model) -> Option<Note> {
    let policies = model.policies.iter();
    let rules = policies.flat_map(|(_, policy)| policy.all_rules());
    let is_meant = |rule: &&Rule| {
        rule.peers
            .iter()
            .flatten()
            .any(|peer| Beyond::of(&peer.kind).is_some_and(Beyond::is_unknown))
    };
    let count = rules.filter(is_meant).count();
    let subject = match count {
        1 => "1 rule is".to_owned(),
        _ => format!("{count} rules are"),
    };
    let message = format!(
        "{subject} about domain names or the API server, whose addresses are not known: what it \
         decides is not among the addresses here, and `coaming net exposure` shows it"
    );
    (count > 0).then_some(Note { message, count })
}

/// Writes the notes as text.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn remarks_text(remarks: &Remarks, out: &mut dyn Write) -> io::Result<()> {
    remarks.notes.iter().try_for_each(|note| writeln!(out, "note: {}", note.message))
}

/// That objects of a kind are not evaluated, with the workloads that they can touch.
pub(super) fn not_evaluated(kind: &UnevaluatedKind) -> Note {
    const SHOWN: usize = 3;
    let UnevaluatedKind { kind: name, group, field, count, influence, workloads } = kind;
    let mut subject = counted(*count, name);
    // Kubernetes has kinds of these names too, and those are evaluated.
    if ["NetworkPolicy", "ClusterNetworkPolicy", "Service"].contains(&name.as_str()) {
        subject = format!("{subject} ({group})");
    }
    let (verb, mut are) = if *count == 1 { ("selects", " and is") } else { ("select", " and are") };
    if let Some(field) = field {
        subject = format!("`{field}` of {subject}, which");
        are = ", is";
    }
    let verb = if *influence == Influence::Entrance { "may lead to" } else { verb };
    let names: Vec<String> = workloads.iter().take(SHOWN).map(short).collect();
    let more = match workloads.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let effect = match influence {
        Influence::Policy => "the answer may differ",
        Influence::Mesh => "the mesh may refuse requests on connections that are possible",
        Influence::Proxy => {
            "whether they have a proxy of the mesh is not known (their namespace is not here, or has \
             no label for it), so that the mesh may refuse what is possible here"
        }
        Influence::Outbound => {
            "their proxies refuse connections to what the mesh does not list (`REGISTRY_ONLY`)"
        }
        Influence::Entrance => "traffic from outside may enter through it",
        Influence::Network => "pods may be on other networks, with other rules",
    };
    let message =
        format!("{subject} {verb} {}{more}{are} not evaluated: {effect}", names.join(", "));
    Note { message, count: *count }
}

fn short(workload: &Workload) -> String {
    format!("{}/{}", workload.namespace, workload.name)
}

/// `1 Server`, `3 CiliumNetworkPolicies`.
fn counted(count: usize, kind: &str) -> String {
    match (count, kind.strip_suffix('y')) {
        (1, _) => format!("1 {kind}"),
        (_, Some(stem)) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{count} {stem}ies"),
        _ if kind.ends_with('s') => format!("{count} {kind}"),
        _ => format!("{count} {kind}s"),
    }
}
