//! Findings as diagnostics.

use std::path::Path;
use std::str::FromStr as _;

use coaming_config::ConfigError;
use coaming_finding::{InputError, Severity};
use coaming_secret::gate::masked;
use coaming_yaml::Span;
use lsp_types::{
    CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location,
    NumberOrString, Position, Range, Uri,
};

use crate::position::{Lines, first_line};
use crate::uri;
use crate::workspace::{Judgement, Placed};

/// Who found it.
pub(crate) const SOURCE: &str = "coaming";

/// The diagnostics of a document with this text.
pub(crate) fn of(judgement: &Judgement, text: &str) -> Vec<Diagnostic> {
    let lines = Lines::new(text);
    let errors = judgement.errors.iter().map(|error| unread(error, text, &lines));
    let found = judgement.findings.iter().map(|placed| diagnostic(placed, judgement, text, &lines));
    errors.chain(found).collect()
}

/// The range that a finding underlines.
pub(crate) fn range(placed: &Placed, text: &str, lines: &Lines<'_>) -> Range {
    lines.range(first_line(text, placed.span))
}

fn diagnostic(placed: &Placed, judgement: &Judgement, text: &str, lines: &Lines<'_>) -> Diagnostic {
    let finding = &placed.finding;
    let parts = [finding.message.as_str(), &finding.why, &finding.help];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let href = Uri::from_str(&coaming_report::rule_url(&finding.rule)).ok();
    let related = related(placed, judgement);
    Diagnostic {
        range: range(placed, text, lines),
        severity: Some(severity(finding.severity)),
        code: Some(NumberOrString::String(finding.rule.id.to_string())),
        code_description: href.map(|href| CodeDescription { href }),
        source: Some(SOURCE.to_owned()),
        message: masked(&parts.join("\n")).into_owned(),
        related_information: (!related.is_empty()).then_some(related),
        ..Diagnostic::default()
    }
}

fn severity(severity: Severity) -> DiagnosticSeverity {
    match severity {
        Severity::Critical | Severity::High => DiagnosticSeverity::ERROR,
        Severity::Medium => DiagnosticSeverity::WARNING,
        Severity::Low => DiagnosticSeverity::INFORMATION,
    }
}

/// The other places of a finding that have a text.
fn related(placed: &Placed, judgement: &Judgement) -> Vec<DiagnosticRelatedInformation> {
    let others = placed.finding.locations.iter().enumerate();
    let others = others.filter(|(number, _)| *number != placed.location);
    others
        .filter_map(|(_, location)| {
            let source = judgement.sources.get(&location.source?)?;
            let span = location.span.filter(|_| source.origin.has_own_lines())?;
            let message = match location.label.as_str() {
                "" => location.path.to_string(),
                label => label.to_owned(),
            };
            Some(DiagnosticRelatedInformation {
                location: Location {
                    uri: uri::of_path(Path::new(&source.name))?,
                    range: Lines::new(&source.text).range(first_line(&source.text, span)),
                },
                message: masked(&message).into_owned(),
            })
        })
        .collect()
}

/// The errors of a configuration.
pub(crate) fn of_configuration(errors: &[ConfigError], text: &str) -> Vec<Diagnostic> {
    let lines = Lines::new(text);
    let errors = errors.iter().map(|error| InputError {
        position: Some((error.line, error.column)),
        ..InputError::new(coaming_config::FILE_NAME, error.message.clone())
    });
    errors.map(|error| unread(&error, text, &lines)).collect()
}

/// What is not understood, as an error at its place.
fn unread(error: &InputError, text: &str, lines: &Lines<'_>) -> Diagnostic {
    let range = error.position.map_or(Range::default(), |(line, column)| {
        let start = lines.offset(Position::new(line.saturating_sub(1), 0));
        let rest = text.get(start as usize..).unwrap_or_default();
        let before = rest.chars().take(column.saturating_sub(1) as usize).map(char::len_utf8);
        let start = start + u32::try_from(before.sum::<usize>()).unwrap_or(0);
        let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
        lines.range(first_line(text, Span::new(start, end.max(start))))
    });
    Diagnostic {
        range,
        severity: Some(DiagnosticSeverity::ERROR),
        code: Some(NumberOrString::String("unread-input".to_owned())),
        source: Some(SOURCE.to_owned()),
        message: masked(&error.message).into_owned(),
        ..Diagnostic::default()
    }
}
