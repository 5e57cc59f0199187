//! `coaming explain` and `coaming rules`: what the rules say of themselves.

use coaming_rules::Rule;

use crate::args::{ExplainArguments, RulesArguments, RulesFormat};
use crate::{CommandError, Outcome, output};

/// Prints a rule's documentation.
pub(crate) fn explain(arguments: &ExplainArguments) -> Result<Outcome, CommandError> {
    let rule = coaming_rules::find(&arguments.rule).ok_or_else(|| {
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

/// A rule's page, in Markdown.
#[must_use]
pub fn page(rule: &Rule) -> String {
    let meta = rule.meta;
    let mut page = format!("# {}\n\n**{}**\n\n", meta.name, meta.summary);
    let default = if meta.default { "on" } else { "off" };
    page += &format!(
        "Measure: `{}`. Severity: `{}`. By default: {default}.\n\n",
        meta.measure, meta.severity
    );
    for line in meta.docs.lines() {
        page.push_str(line.strip_prefix(' ').unwrap_or(line));
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
            for rule in coaming_rules::all() {
                let meta = rule.meta;
                let default = if meta.default { "" } else { " (off by default)" };
                writeln!(
                    out,
                    "{:<26} {:<17} {:<9} {}{default}",
                    meta.name, meta.measure, meta.severity, meta.summary
                )?;
            }
            Ok(())
        }
        RulesFormat::Json => {
            let rules: Vec<_> = coaming_rules::all()
                .iter()
                .map(|rule| {
                    let meta = rule.meta;
                    let standards: Vec<String> =
                        meta.standards.iter().map(ToString::to_string).collect();
                    serde_json::json!({
                        "name": meta.name,
                        "summary": meta.summary,
                        "measure": meta.measure.as_str(),
                        "severity": meta.severity.as_str(),
                        "default": meta.default,
                        "standards": standards,
                        "url": coaming_report::rule_url(meta.name),
                    })
                })
                .collect();
            serde_json::to_writer_pretty(&mut *out, &rules)?;
            writeln!(out)
        }
    })?;
    Ok(Outcome::Clean)
}
