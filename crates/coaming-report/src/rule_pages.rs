//! The documentation of rules: the page of one, and the list of all.

use std::io;

use coaming_finding::RuleMeta;
use serde::Serialize;

use crate::rule_url;

/// A rule's page, in Markdown.
#[must_use]
pub fn page(meta: &RuleMeta) -> String {
    let mut page = format!("# {}\n\n**{}**\n\n", meta.id, meta.summary);
    let default = if meta.default { "on" } else { "off" };
    page += &format!(
        "Category: `{}`. Severity: `{}`. By default: {default}.\n\n",
        meta.category, meta.severity
    );
    // The lines of a doc comment begin with a space; those of a text file do not.
    let margin = meta.docs.lines().all(|line| line.is_empty() || line.starts_with(' '));
    for line in meta.docs.lines() {
        page.push_str(line.strip_prefix(' ').filter(|_| margin).unwrap_or(line));
        page.push('\n');
    }
    if !meta.standards.is_empty() {
        page.push_str("\n## Standards\n\n");
        for standard in meta.standards {
            page += &format!("- {standard}\n");
        }
    }
    page
}

/// All rules, one line each.
///
/// # Errors
///
/// If writing fails.
pub fn list_text<'r>(
    rules: impl Iterator<Item = &'r RuleMeta>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    for meta in rules {
        let default = if meta.default { "" } else { " (off by default)" };
        writeln!(
            out,
            "{:<26} {:<17} {:<9} {}{default}",
            meta.id, meta.category, meta.severity, meta.summary
        )?;
    }
    Ok(())
}

/// A rule, for programs.
#[derive(Serialize)]
struct Entry<'r> {
    name: &'r str,
    summary: &'r str,
    category: &'static str,
    severity: &'static str,
    default: bool,
    standards: Vec<String>,
    url: String,
}

/// All rules, for programs.
///
/// # Errors
///
/// If writing fails.
pub fn list_json<'r>(
    rules: impl Iterator<Item = &'r RuleMeta>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let rules: Vec<_> = rules
        .map(|meta| Entry {
            name: meta.id.as_str(),
            summary: &meta.summary,
            category: meta.category.as_str(),
            severity: meta.severity.as_str(),
            default: meta.default,
            standards: meta.standards.iter().map(ToString::to_string).collect(),
            url: rule_url(meta),
        })
        .collect();
    serde_json::to_writer_pretty(&mut *out, &rules)?;
    writeln!(out)
}
