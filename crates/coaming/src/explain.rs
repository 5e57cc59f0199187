//! `coaming explain` and `coaming rules`: the documentation of the rules.

use coaming_args::{ExplainArguments, RulesArguments, RulesFormat};
use coaming_config::PodSecurityLevel;
use coaming_console as output;
use coaming_finding::{Category, RuleMeta};
use coaming_report::rule_pages;
use coaming_scan::all_rules;

use crate::{CommandError, Outcome, failed, scope};

/// Prints the documentation of a rule, of a rule of the user's own, or of a category.
pub(crate) fn explain(arguments: &ExplainArguments) -> Result<Outcome, CommandError> {
    let name = arguments.rule.as_str();
    let built_in =
        all_rules().chain(standards()).find(|rule| rule.id == *name).map(rule_pages::page);
    let of_category = || {
        let category = Category::ALL.into_iter().find(|category| category.as_str() == name)?;
        Some(rule_pages::category_page(category, all_rules()))
    };
    let page = match built_in.or_else(of_category) {
        Some(page) => page,
        None => own_rule(name)?.ok_or_else(|| unknown(name))?,
    };
    let options = output::full_options(None, false);
    let shown = match options.width {
        Some(_) => rule_pages::on_terminal(&page, options),
        None => page,
    };
    output::write(None, |out| out.write_all(shown.as_bytes()))?;
    Ok(Outcome::Clean)
}

fn unknown(name: &str) -> CommandError {
    let categories = Category::ALL.map(Category::as_str);
    let nearest = coaming_rules::nearest(name).or_else(|| coaming_text::nearest(name, categories));
    let hint = nearest.map_or_else(String::new, |name| format!(" Did you mean `{name}`?"));
    failed(format!("there is no rule or category `{name}`.{hint} `coaming rules` lists all rules."))
}

/// The rules that `--standard` runs instead of all others.
fn standards() -> impl Iterator<Item = &'static RuleMeta> {
    [PodSecurityLevel::Baseline, PodSecurityLevel::Restricted]
        .into_iter()
        .map(coaming_rules::standard_rule)
}

/// The page of a rule that the nearest configuration defines.
fn own_rule(name: &str) -> Result<Option<String>, CommandError> {
    let engine = scope::engine(scope::config_here(None)?)?;
    let rule = engine.own_rules().find(|rule| rule.id == *name);
    Ok(rule.map(|rule| rule_pages::page(&rule)))
}

/// Lists all rules.
pub(crate) fn list(arguments: &RulesArguments) -> Result<Outcome, CommandError> {
    output::write(None, |out| match arguments.format {
        RulesFormat::Text => rule_pages::list_text(all_rules(), out),
        RulesFormat::Json => rule_pages::list_json(all_rules(), out),
    })?;
    Ok(Outcome::Clean)
}
