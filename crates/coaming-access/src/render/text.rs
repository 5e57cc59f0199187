//! For people.

use std::fmt::{self, Write as _};

use super::super::who_can::{Via, title};
use crate::{Answer, ContainerUse, How, IndirectAccess, Nodes, PodUse, SubjectAccess};

/// The answer as text, control characters of the input left out.
#[must_use]
pub fn text(answer: &Answer<'_>) -> String {
    let mut out = String::new();
    // Writing to a string can't fail.
    write(answer, &mut out).unwrap_or_default();
    out.chars().filter(|&c| c == '\n' || !c.is_control()).collect()
}

fn write(answer: &Answer<'_>, out: &mut String) -> fmt::Result {
    write!(out, "Secret {}/{}", answer.namespace, answer.name)?;
    match &answer.place {
        Some(place) => writeln!(out, " ({place})")?,
        None => writeln!(out, " (not among these files)")?,
    }
    section(out, "Can read it by the API", &answer.subjects, subject)?;
    section(out, "Can get it in one more step", &answer.indirect, indirect)?;
    section(out, "Containers that have it", &answer.containers, container)?;
    section(out, "Nodes that have it", &answer.pods, pod)?;
    if !answer.unknown.is_empty() {
        writeln!(out, "\nNot known: these bindings count here, but their roles are not at hand")?;
        for (binding, role, place) in &answer.unknown {
            writeln!(out, "  {binding} to {role} ({place})")?;
        }
    }
    writeln!(
        out,
        "\nAnd in every cluster: the group system:masters, the control plane, each node that runs \
         a pod with it, and whoever reads etcd or its backups."
    )
}

fn section<T>(
    out: &mut String,
    heading: &str,
    items: &[T],
    show: impl Fn(&T, &mut String) -> fmt::Result,
) -> fmt::Result {
    writeln!(out, "\n{heading}")?;
    if items.is_empty() {
        writeln!(out, "  none that these files show")?;
    }
    items.iter().try_for_each(|item| show(item, out))
}

fn subject(access: &SubjectAccess<'_>, out: &mut String) -> fmt::Result {
    write!(out, "  {}", access.subject)?;
    if let Some(meaning) = access.subject.meaning() {
        write!(out, " ({meaning})")?;
    }
    writeln!(out, ": {}", access.verbs.join(", "))?;
    via(&access.via, out)?;
    if !access.pods.is_empty() {
        writeln!(out, "    its token lies in pods of {}", access.pods.join(", "))?;
    }
    Ok(())
}

fn indirect(access: &IndirectAccess<'_>, out: &mut String) -> fmt::Result {
    writeln!(out, "  {}: {}: {}", access.subject, access.allowed, access.how)?;
    via(&access.via, out)
}

fn via(via: &Via, out: &mut String) -> fmt::Result {
    write!(out, "    by {} ({}), {}", via.binding, via.binding_place, via.role)?;
    match &via.rule_place {
        Some(place) => writeln!(out, " ({place})"),
        None => writeln!(out, " (Kubernetes' own)"),
    }
}

fn container(found: &ContainerUse<'_>, out: &mut String) -> fmt::Result {
    write!(out, "  {}, container {}: ", title(found.workload), found.container)?;
    match &found.how {
        How::Variable { name, key } => write!(out, "variable {name} (key {key})")?,
        How::Environment { prefix } if prefix.is_empty() => write!(out, "a variable for each key")?,
        How::Environment { prefix } => write!(out, "a variable {prefix}… for each key")?,
        How::Files { path, keys } if keys.is_empty() => write!(out, "files in {path} (all keys)")?,
        How::Files { path, keys } => write!(out, "files in {path} (keys {})", keys.join(", "))?,
    }
    writeln!(out, " ({})", found.place)
}

fn pod(found: &PodUse<'_>, out: &mut String) -> fmt::Result {
    let workload = title(found.workload);
    let placement = &found.placement;
    match &placement.nodes {
        Nodes::Named(name) => write!(out, "  node {name}, by {workload}")?,
        Nodes::Every => write!(out, "  every node that fits, by {workload}")?,
        Nodes::Any => write!(out, "  any node that runs a pod of {workload}")?,
    }
    if !placement.requirements.is_empty() {
        write!(out, ", of those with {}", placement.requirements.join(" and "))?;
    }
    if let Some(fitting) = &placement.fitting {
        let names = if fitting.is_empty() { "none".to_owned() } else { fitting.join(", ") };
        write!(out, " (of the nodes at hand: {names})")?;
    }
    if found.node_only {
        write!(out, "; used by the node alone, no container has it")?;
    }
    writeln!(out)
}
