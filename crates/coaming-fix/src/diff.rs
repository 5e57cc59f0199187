//! A unified diff with the reasons above it.

use std::fmt::Write as _;

use similar::TextDiff;

use crate::Change;

/// A change as a unified diff that `git apply` and `patch` take; lines that start with `#` say
/// what is done and why.
#[must_use]
pub fn diff(change: &Change) -> String {
    let mut out = String::new();
    for made in &change.made {
        // Writing to a string can't fail.
        let _ = writeln!(out, "# {made} ({})", made.rule);
    }
    let diff = TextDiff::from_lines(&*change.before, &*change.after);
    let text = diff
        .unified_diff()
        .header(&format!("a/{}", change.file), &format!("b/{}", change.file))
        .to_string();
    out.push_str(&text);
    out
}
