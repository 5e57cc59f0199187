//! `coaming breach --compare`: the pairs of entries and prizes that two states differ in.

use std::collections::BTreeSet;
use std::io::{self, Write};

use coaming_text::Printable;
use serde_json::json;

/// Pairs of an entry and a prize, by their names.
type Pairs = BTreeSet<(String, String)>;

/// Writes what was gained and lost, for people.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn compare_text(old: &Pairs, new: &Pairs, out: &mut dyn Write) -> io::Result<()> {
    for (sign, pairs) in [('+', new.difference(old)), ('-', old.difference(new))] {
        for (entry, prize) in pairs {
            writeln!(out, "{sign} {} → {}", Printable(entry), Printable(prize))?;
        }
    }
    let (gained, lost) = (new.difference(old).count(), old.difference(new).count());
    writeln!(out, "{gained} pairs of an entry and a prize gained, {lost} lost")
}

/// Writes what was gained and lost, as JSON.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn compare_json(old: &Pairs, new: &Pairs, out: &mut dyn Write) -> io::Result<()> {
    let list = |one: &Pairs, other: &Pairs| -> Vec<serde_json::Value> {
        one.difference(other)
            .map(|(entry, prize)| json!({"entry": entry, "prize": prize}))
            .collect()
    };
    let value = json!({"version": 1, "gained": list(new, old), "lost": list(old, new)});
    serde_json::to_writer(&mut *out, &value)?;
    out.write_all(b"\n")
}
