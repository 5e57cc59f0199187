//! How many findings each rule has, most first.

use std::collections::BTreeMap;
use std::io;

use coaming_finding::{Applicability, Finding, RuleMeta, Severity};
use serde::Serialize;

use crate::Report;

/// The findings of a rule.
#[derive(Serialize)]
struct Count<'r> {
    rule: &'r str,
    category: &'static str,
    /// The worst of its findings.
    severity: &'static str,
    count: usize,
    /// How many have a fix that does not affect a working application.
    fixable: usize,
    summary: &'r str,
}

fn counts<'r>(report: &Report<'r>) -> Vec<Count<'r>> {
    let mut by_rule: BTreeMap<&str, (&RuleMeta, Severity, usize, usize)> = BTreeMap::new();
    for finding in report.active() {
        let rule: &RuleMeta = &finding.rule;
        let (_, severity, count, fixable) =
            by_rule.entry(rule.id.as_str()).or_insert((rule, finding.severity, 0, 0));
        *severity = finding.severity.max(*severity);
        *count += 1;
        *fixable += usize::from(has_safe_fix(finding));
    }
    let mut counts: Vec<_> = by_rule
        .into_values()
        .map(|(rule, severity, count, fixable)| Count {
            rule: rule.id.as_str(),
            category: rule.category.as_str(),
            severity: severity.as_str(),
            count,
            fixable,
            summary: &rule.summary,
        })
        .collect();
    counts.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.rule.cmp(b.rule)));
    counts
}

fn has_safe_fix(finding: &Finding) -> bool {
    finding.fix.as_ref().is_some_and(|fix| fix.applicability == Applicability::Safe)
}

/// A table for people; `[*]` marks rules with fixes that `coaming fix` applies.
///
/// # Errors
///
/// If writing fails.
pub fn text(report: &Report<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    for Count { rule, severity, count, fixable, summary, .. } in counts(report) {
        let mark = if fixable > 0 { "[*]" } else { "   " };
        writeln!(out, "{count:>6}  {severity:<8}  {mark} {rule:<26}  {summary}")?;
    }
    Ok(())
}

/// The same for programs: a contract.
///
/// # Errors
///
/// If writing fails.
pub fn json(report: &Report<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let document = serde_json::json!({"version": 1, "statistics": counts(report)});
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}
