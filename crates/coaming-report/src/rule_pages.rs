//! The documentation of rules: the page of one, and the list of all.

use std::io;

use coaming_finding::{Category, RuleMeta};
use serde::Serialize;

use crate::full::{FullOptions, bold};
use crate::rule_url;
use crate::text::{plain, wrapped_to};

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

/// A category's page, in Markdown: what it is about, and those of `rules` that are in it.
#[must_use]
pub fn category_page<'r>(category: Category, rules: impl Iterator<Item = &'r RuleMeta>) -> String {
    let mut page = format!("# {category}\n\n**{}**\n\n## Rules\n\n", category.goal());
    for rule in rules.filter(|rule| rule.category == category) {
        let default = if rule.default { "" } else { " (off by default)" };
        page += &format!("- `{}` ({}): {}{default}\n", rule.id, rule.severity, rule.summary);
    }
    page += &format!(
        "\n`coaming scan --select {category}` runs only these rules; `coaming explain RULE` says \
         more about one of them.\n"
    );
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

/// A page as a terminal shows it: headings in bold, text in the terminal's width, examples indented.
#[must_use]
pub fn on_terminal(page: &str, options: FullOptions) -> String {
    let mut shown = Terminal { options, out: String::new(), paragraph: String::new() };
    let mut in_example = false;
    for line in page.lines() {
        if line.starts_with("```") {
            shown.end_paragraph();
            in_example = !in_example;
        } else if in_example {
            shown.line(&format!("    {line}"));
        } else if let Some(heading) = line.strip_prefix('#') {
            shown.end_paragraph();
            shown.out.push_str(&bold(&plain(heading.trim_start_matches('#').trim()), options));
            shown.out.push('\n');
        } else if line.trim().is_empty() {
            shown.end_paragraph();
            shown.line("");
        } else {
            shown.text(line);
        }
    }
    shown.end_paragraph();
    shown.out
}

/// Text on its way to a terminal.
struct Terminal {
    options: FullOptions,
    out: String,
    /// The lines of the paragraph that is being read, joined.
    paragraph: String,
}

impl Terminal {
    fn line(&mut self, line: &str) {
        self.out.push_str(&plain(line));
        self.out.push('\n');
    }

    /// A line of running text; an item of a list is a paragraph of its own.
    fn text(&mut self, line: &str) {
        if is_item(line) {
            self.end_paragraph();
        }
        if !self.paragraph.is_empty() {
            self.paragraph.push(' ');
        }
        self.paragraph.push_str(line.trim());
    }

    fn end_paragraph(&mut self) {
        let paragraph = std::mem::take(&mut self.paragraph).replace("**", "");
        if paragraph.is_empty() {
            return;
        }
        let indent = if is_item(&paragraph) { "  " } else { "" };
        let text = wrapped_to(&paragraph, self.options.line_width() - indent.len());
        for (number, line) in text.lines().enumerate() {
            let indent = if number == 0 { "" } else { indent };
            self.line(&format!("{indent}{line}"));
        }
    }
}

fn is_item(line: &str) -> bool {
    line.trim_start().starts_with("- ") || line.trim_start().starts_with("* ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_shows_text_in_its_width_and_examples_as_they_are() {
        let page = "# rule\n\n**Container is privileged**\n\nOne line of\ntext that is long.\n\n- an item that is long\n- two\n\n```yaml\na:   1\n```\n";
        let options = FullOptions { width: Some(20), ..FullOptions::default() };
        let expected = "rule\n\nContainer is\nprivileged\n\nOne line of text\nthat is long.\n\n- an item that is\n  long\n- two\n\n    a:   1\n";
        assert_eq!(on_terminal(page, options), expected);
    }
}
