//! `coaming net lint`.

use std::io::{self, Write};

use coaming_network::IdleRule;

use super::notes::{Remarks, remarks_text};
use super::why::of;

/// Writes the rules that change nothing.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn lint_text(rules: &[IdleRule], remarks: &Remarks, out: &mut dyn Write) -> io::Result<()> {
    for idle in rules {
        let location = idle.location.as_ref();
        let location = location.map_or_else(String::new, |location| format!("{location}: "));
        writeln!(out, "{location}{} of {} changes nothing", idle.rule, idle.policy)?;
        for other in &idle.because {
            writeln!(out, "  {} is about the same connections", of(other))?;
        }
    }
    match rules.len() {
        0 if remarks.is_without_workloads() => {}
        0 => writeln!(out, "every rule that matches something here changes something")?,
        1 => writeln!(out, "without it, every connection between what is here is the same")?,
        count => writeln!(
            out,
            "without these {count} rules together, every connection between what is here is the same"
        )?,
    }
    remarks_text(remarks, out)
}
