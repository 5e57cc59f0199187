//! `coaming explain` and `coaming rules`: the documentation of the rules.

use coaming_finding::RuleMeta;
use coaming_report::rule_pages;

use crate::args::{Color, ExplainArguments, RulesArguments, RulesFormat};
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
    let page = rule_pages::page(rule);
    let options = output::full_options(Color::Auto, false);
    let shown = match options.width {
        Some(_) => rule_pages::on_terminal(&page, options),
        None => page,
    };
    output::write(None, |out| out.write_all(shown.as_bytes()))?;
    Ok(Outcome::Clean)
}

/// All rules: those for objects, then those of other commands.
pub fn rules() -> impl Iterator<Item = &'static RuleMeta> {
    let of_objects = coaming_rules::all().iter().map(|rule| rule.meta);
    of_objects.chain(coaming_etcd::RULES.iter().copied())
}

/// Lists all rules.
pub(crate) fn list(arguments: &RulesArguments) -> Result<Outcome, CommandError> {
    output::write(None, |out| match arguments.format {
        RulesFormat::Text => rule_pages::list_text(rules(), out),
        RulesFormat::Json => rule_pages::list_json(rules(), out),
    })?;
    Ok(Outcome::Clean)
}
