//! `coaming breach --compare`: the pairs of entries and prizes that two states differ in.

use std::collections::BTreeSet;
use std::io::{self, Write};

use coaming_breach::Answer;
use coaming_text::Printable;
use serde_json::json;

/// Pairs of an entry and a prize, by their names.
type Pairs = BTreeSet<(String, String)>;

/// Writes what was gained and lost, for people.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn compare_text(old: &Answer, new: &Answer, out: &mut dyn Write) -> io::Result<()> {
    let unknown = &new.unknown;
    let (old, new) = (&old.pairs(), &new.pairs());
    for (sign, pairs) in [('+', new.difference(old)), ('-', old.difference(new))] {
        for (entry, prize) in pairs {
            writeln!(out, "{sign} {} → {}", Printable(entry), Printable(prize))?;
        }
    }
    let (gained, lost) = (new.difference(old).count(), old.difference(new).count());
    writeln!(out, "{gained} pairs of an entry and a prize gained, {lost} lost")?;
    if !unknown.is_empty() {
        writeln!(out, "\nUnknown in the new state, and not taken as safe:")?;
    }
    unknown
        .iter()
        .try_for_each(|note| writeln!(out, "  {} {}", note.count, Printable(&note.message)))
}

/// Writes what was gained and lost, as JSON.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn compare_json(old: &Answer, new: &Answer, out: &mut dyn Write) -> io::Result<()> {
    let notes = new.unknown.iter();
    let unknown: Vec<_> =
        notes.map(|note| json!({"message": note.message, "count": note.count})).collect();
    let (old, new) = (&old.pairs(), &new.pairs());
    let list = |one: &Pairs, other: &Pairs| -> Vec<serde_json::Value> {
        one.difference(other)
            .map(|(entry, prize)| json!({"entry": entry, "prize": prize}))
            .collect()
    };
    let value =
        json!({"version": 1, "gained": list(new, old), "lost": list(old, new), "unknown": unknown});
    serde_json::to_writer(&mut *out, &value)?;
    out.write_all(b"\n")
}
