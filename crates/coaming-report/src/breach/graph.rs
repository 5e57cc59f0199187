//! `coaming breach --format dot` and `mermaid`: the steps of all ways as one picture.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use coaming_breach::{EntryAnswer, Foothold, Kind};
use coaming_text::Printable;

use super::View;

/// The footholds of all ways, numbered, and the steps between them.
pub(super) struct Picture {
    pub(super) numbers: BTreeMap<Foothold, usize>,
    pub(super) steps: BTreeSet<(usize, usize, &'static str, Kind)>,
    pub(super) entries: BTreeSet<usize>,
}

impl Picture {
    pub(super) fn new(view: &View<'_>) -> Self {
        let entries = &view.answer.entries;
        let mut starts: BTreeSet<Foothold> =
            entries.iter().map(|entry| entry.from.clone()).collect();
        let mut steps: BTreeSet<(Foothold, Foothold, &'static str, Kind)> = BTreeSet::new();
        for way in entries.iter().flat_map(EntryAnswer::ways) {
            starts.insert(way.from);
            for step in way.steps {
                for from in std::iter::once(step.from).chain(step.also) {
                    steps.insert((from, step.to.clone(), step.step.id, step.kind));
                }
            }
        }
        let between = steps.iter().flat_map(|(from, to, ..)| [from, to]);
        let footholds: BTreeSet<&Foothold> = starts.iter().chain(between).collect();
        let numbers: BTreeMap<Foothold, usize> = footholds.into_iter().cloned().zip(1..).collect();
        let entries = starts.iter().map(|foothold| numbers[foothold]).collect();
        let steps =
            steps.iter().map(|(from, to, id, kind)| (numbers[from], numbers[to], *id, *kind));
        let steps = steps.collect();
        Self { numbers, steps, entries }
    }
}

/// Text without line ends and control characters.
fn plain(text: &str) -> String {
    Printable(text).to_string()
}

/// Writes an answer in the language of Graphviz.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn dot(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let picture = Picture::new(view);
    out.write_all(b"digraph breach {\n  rankdir=LR;\n  node [shape=box, style=rounded];\n")?;
    for (foothold, number) in &picture.numbers {
        let label = plain(&foothold.to_string()).replace('\\', "\\\\").replace('"', "\\\"");
        let shape = match foothold.prize() {
            Some(_) => ", shape=octagon",
            None if picture.entries.contains(number) => ", penwidth=2",
            None => "",
        };
        writeln!(out, "  n{number} [label=\"{label}\"{shape}];")?;
    }
    for (from, to, step, kind) in &picture.steps {
        let style = match kind {
            Kind::Certain => "",
            Kind::Unknown => ", style=dotted",
            Kind::NeedsFlaw => ", style=dashed",
        };
        writeln!(out, "  n{from} -> n{to} [label=\"{step}\"{style}];")?;
    }
    for (number, note) in view.answer.unknown.iter().enumerate() {
        let text = plain(&note.message).replace('\\', "\\\\").replace('"', "\\\"");
        let count = note.count;
        writeln!(out, "  unknown{number} [label=\"unknown: {count} {text}\", shape=note];")?;
    }
    out.write_all(b"}\n")
}

/// Writes an answer as a Mermaid flowchart.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn mermaid(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let picture = Picture::new(view);
    out.write_all(b"flowchart LR\n")?;
    for (foothold, number) in &picture.numbers {
        let label = escaped(&foothold.to_string());
        match foothold.prize() {
            Some(_) => writeln!(out, "  n{number}{{{{\"{label}\"}}}}")?,
            None => writeln!(out, "  n{number}[\"{label}\"]")?,
        }
    }
    for (from, to, step, kind) in &picture.steps {
        match kind {
            Kind::Certain => writeln!(out, "  n{from} -->|{step}| n{to}")?,
            Kind::Unknown | Kind::NeedsFlaw => {
                writeln!(out, "  n{from} -.->|\"{step} ({})\"| n{to}", kind.as_str())?;
            }
        }
    }
    for (number, note) in view.answer.unknown.iter().enumerate() {
        let text = escaped(&note.message);
        writeln!(out, "  unknown{number}>\"unknown: {} {text}\"]", note.count)?;
    }
    Ok(())
}

/// Text that Mermaid shows as it is: it reads Markdown, HTML and entities in labels.
fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for c in plain(text).chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' | '/' | '.' | '-' | ':' | ',' => shown.push(c),
            c if c.is_alphanumeric() => shown.push(c),
            c => shown.push_str(&format!("#{};", u32::from(c))),
        }
    }
    shown
}
