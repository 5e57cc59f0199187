//! `coaming explain` and `coaming rules`: the documentation of the rules.

use coaming_finding::RuleMeta;

use crate::args::{ExplainArguments, RulesArguments, RulesFormat};
use crate::{CommandError, Outcome, output};

/// Prints a rule's documentation.
pub(crate) fn explain(arguments: &ExplainArguments) -> Result<Outcome, CommandError> {
    let rule = rules().find(|rule| rule.id == *arguments.rule).ok_or_else(|| {
        let nearest = coaming_rules::nearest(&arguments.rule)
            .map_or_else(String::new, |name| format!(" Did you mean `{name}`?"));
        CommandError::Argument(format!(
            "there is no rule `{}`.{nearest} `coaming rules` lists them all.",
            arguments.rule
        ))
    })?;
    output::write(None, |out| out.write_all(page(rule).as_bytes()))?;
    Ok(Outcome::Clean)
}

/// All rules: those for objects, then those of other commands.
pub fn rules() -> impl Iterator<Item = &'static RuleMeta> {
    let of_objects = coaming_rules::all().iter().map(|rule| rule.meta);
    of_objects.chain(coaming_etcd::RULES.iter().copied())
}

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

/// Lists all rules.
pub(crate) fn list(arguments: &RulesArguments) -> Result<Outcome, CommandError> {
    output::write(None, |out| match arguments.format {
        RulesFormat::Text => {
            for meta in rules() {
                let default = if meta.default { "" } else { " (off by default)" };
                writeln!(
                    out,
                    "{:<26} {:<17} {:<9} {}{default}",
                    meta.id, meta.category, meta.severity, meta.summary
                )?;
            }
            Ok(())
        }
        RulesFormat::Json => {
            let rules: Vec<_> = rules()
                .map(|meta| {
                    let standards: Vec<String> =
                        meta.standards.iter().map(ToString::to_string).collect();
                    serde_json::json!({
                        "name": meta.id,
                        "summary": meta.summary,
                        "category": meta.category.as_str(),
                        "severity": meta.severity.as_str(),
                        "default": meta.default,
                        "standards": standards,
                        "url": coaming_report::rule_url(meta),
                    })
                })
                .collect();
            serde_json::to_writer_pretty(&mut *out, &rules)?;
            writeln!(out)
        }
    })?;
    Ok(Outcome::Clean)
}
