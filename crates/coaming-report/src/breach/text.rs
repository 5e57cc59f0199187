//! `coaming breach --format text`: for people.

use std::io::{self, Write};

use coaming_breach::{Cut, End, EntryAnswer, Foothold, Kind, Prize, Way};
use coaming_text::Printable;

use super::View;

/// How many entries are shown with their ways.
const ENTRIES: usize = 3;
/// How many ways to things of a kind are shown for an entry, where an application has many of them.
const FEW: usize = 3;
/// The kinds of which only a few are shown.
const FEW_OF: &[FewOf] = &[
    FewOf {
        is: |foothold| matches!(foothold, Foothold::DataStore(_)),
        one: "data store",
        several: "data stores",
    },
    FewOf {
        is: |foothold| matches!(foothold, Foothold::Secret { .. }),
        one: "Secret",
        several: "Secrets",
    },
    FewOf {
        is: |foothold| matches!(foothold, Foothold::Credential(_)),
        one: "credential of an image",
        several: "credentials of images",
    },
];

/// A kind of things to which only a few ways are shown.
struct FewOf {
    is: fn(&Foothold) -> bool,
    one: &'static str,
    several: &'static str,
}

/// How many names a list has before it is cut short.
const NAMES: usize = 8;

/// Writes an answer for people.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn text(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let answer = view.answer;
    if answer.entries.is_empty() {
        line(out, "The input contains no workloads.")?;
    }
    if answer.entries.len() > 1 {
        ranking(&answer.entries, out)?;
    }
    let shown = if answer.entries.len() > 1 { ENTRIES } else { 1 };
    for entry in answer.entries.iter().take(shown) {
        section(view, entry, out)?;
    }
    for cut in &answer.cuts {
        write_cut(view, cut, out)?;
    }
    if !answer.unknown.is_empty() {
        line(out, "\nUnknown, and not taken as safe:")?;
        for note in &answer.unknown {
            line(out, &format!("  {} {}", note.count, note.message))?;
        }
    }
    Ok(())
}

/// A name in the input can neither end a line nor control the terminal.
fn line(out: &mut dyn Write, text: &str) -> io::Result<()> {
    for (number, part) in text.split('\n').enumerate() {
        if number > 0 {
            out.write_all(b"\n")?;
        }
        write!(out, "{}", Printable(part))?;
    }
    out.write_all(b"\n")
}

fn ranking(entries: &[EntryAnswer], out: &mut dyn Write) -> io::Result<()> {
    line(out, "Entries, those that put most at risk first:")?;
    for (number, entry) in entries.iter().enumerate() {
        if number == 20 {
            return line(out, &format!("  … and {} more", entries.len() - number));
        }
        let via = if entry.via.is_empty() {
            String::new()
        } else {
            format!(" ({})", entry.via.join(", ").replace('\n', " "))
        };
        let from = entry.from.to_string().replace('\n', " ");
        line(out, &format!("  {}. {from}{via}: {}", number + 1, summary(entry)))?;
    }
    Ok(())
}

/// What an entry leads to, in a few words.
fn summary(entry: &EntryAnswer) -> String {
    let prizes = || entry.ends().filter_map(|end| end.foothold.prize());
    let has = |wanted: &Prize| prizes().any(|prize| prize == *wanted);
    let mut parts: Vec<String> = Vec::new();
    for (prize, text) in [
        (Prize::Admin, "cluster administrator"),
        (Prize::Node, "root on a node"),
        (Prize::CloudIdentity, "cloud identity"),
    ] {
        if has(&prize) {
            parts.push(text.to_owned());
        }
    }
    let stores = prizes().filter(|prize| matches!(prize, Prize::DataStore(_))).count();
    let secrets = prizes().filter(|prize| matches!(prize, Prize::Secret { .. })).count();
    let credentials = prizes().filter(|prize| matches!(prize, Prize::Credential(_))).count();
    for (count, one, several) in [
        (stores, "data store", "data stores"),
        (secrets, "Secret", "Secrets"),
        (credentials, "credential of an image", "credentials of images"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {}", if count == 1 { one } else { several }));
        }
    }
    if has(&Prize::Exfiltration) {
        parts.push("a connection to the internet".to_owned());
    }
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

fn section(view: &View<'_>, entry: &EntryAnswer, out: &mut dyn Write) -> io::Result<()> {
    let from = entry.from.to_string().replace('\n', " ");
    let heading = match &entry.from {
        Foothold::Container(own) if entry.holds().count() > 1 => {
            let workload = own.workload.to_string().replace('\n', " ");
            format!("If any container of {workload} is compromised, an attacker")
        }
        Foothold::Container(_) => format!("If {from} is compromised, an attacker"),
        _ => format!("From {from}, an attacker"),
    };
    line(out, &format!("\n{heading}"))?;
    let list = |names: Vec<String>| {
        let count = names.len();
        let more =
            if count > NAMES { format!(" and {} more", count - NAMES) } else { String::new() };
        let shown: Vec<String> = names.into_iter().take(NAMES).collect();
        let text = if count == 0 { "nothing".to_owned() } else { shown.join(", ") };
        format!("{text}{more}").replace('\n', " ")
    };
    if !entry.via.is_empty() {
        line(out, &format!("  comes in through: {}", entry.via.join(", ").replace('\n', " ")))?;
    }
    let runs = list(entry.runs().iter().map(ToString::to_string).collect());
    line(out, &format!("  runs commands in: {runs}"))?;
    let reads = list(entry.reads().iter().map(ToString::to_string).collect());
    line(out, &format!("  reads: {reads}"))?;
    let reaches = list(entry.reaches().iter().map(ToString::to_string).collect());
    line(out, &format!("  connects to: {reaches}"))?;
    if entry.ends().next().is_none() {
        return line(out, "\n  No attack path leads to what was asked for.");
    }
    let mut counts = [0; FEW_OF.len()];
    let kind_of = |foothold: &Foothold| FEW_OF.iter().position(|kind| (kind.is)(foothold));
    let is_shown = |end: End<'_>| {
        let Some(kind) = kind_of(end.foothold) else { return true };
        counts[kind] += 1;
        counts[kind] <= FEW
    };
    for way in entry.ways_to(is_shown) {
        write_way(view, &way, out)?;
    }
    for kind in FEW_OF {
        let more = entry.ends().filter(|end| (kind.is)(end.foothold)).count().saturating_sub(FEW);
        if more > 0 {
            let name = if more == 1 { kind.one } else { kind.several };
            line(out, &format!("\n  … and paths to {more} more {name} (`--format json` has all)"))?;
        }
    }
    Ok(())
}

fn write_way(view: &View<'_>, way: &Way, out: &mut dyn Write) -> io::Result<()> {
    let assumption = match way.kind() {
        Kind::Certain => "",
        Kind::Unknown => " (depends on something unknown)",
        Kind::NeedsFlaw => " (needs a flaw in the target)",
    };
    let to = way.to.to_string().replace('\n', " ");
    line(out, &format!("\n  → {to}{assumption}"))?;
    for (number, step) in way.steps.iter().enumerate() {
        let kind = match step.kind {
            Kind::Certain => String::new(),
            kind => format!(", {}", kind.as_str()),
        };
        let to = step.to.to_string().replace('\n', " ");
        let info = step.step;
        line(out, &format!("    {}. {} ({}{kind}): {to}", number + 1, info.id, info.technique))?;
        line(out, &format!("       {}", step.reason.replace('\n', " ")))?;
        let places = step.evidence.iter().filter_map(|evidence| view.place(evidence));
        let places: Vec<String> =
            places.map(|place| place.to_string().replace('\n', " ")).collect();
        if !places.is_empty() {
            line(out, &format!("       at {}", places.join(", ")))?;
        }
    }
    Ok(())
}

fn write_cut(view: &View<'_>, cut: &Cut, out: &mut dyn Write) -> io::Result<()> {
    let count = cut.findings.len();
    let changes =
        if count == 1 { "This change".to_owned() } else { format!("These {count} changes") };
    let verb = if count == 1 { "closes" } else { "close" };
    let proof = match cut.gap {
        0 => "proven smallest".to_owned(),
        gap => format!("costs at most {gap} more than the smallest"),
    };
    line(
        out,
        &format!(
            "\n{changes}, of {} findings, {verb} {} of {} pairs of an entry and a prize ({proof}):",
            view.answer.finding_count, cut.closed, cut.of
        ),
    )?;
    for finding in cut.findings.iter().filter_map(|&number| view.findings.get(number)) {
        let title = finding.fix.as_ref().map_or("", |fix| fix.title.as_str());
        let kind = finding.fix.as_ref().map_or("manual", |fix| fix.applicability.as_str());
        let text = format!("  {}: {} → {title} ({kind})", finding.rule.id, finding.message);
        line(out, &text.replace('\n', " "))?;
    }
    Ok(())
}
