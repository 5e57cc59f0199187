//! `coaming secrets --verify`: asks the providers of the credentials that were found.

use std::collections::{BTreeMap, BTreeSet};

use coaming_finding::{Finding, Severity, Verification};
use coaming_http::Runtime;
use coaming_kube::{Source, SourceId};
use coaming_scan::TextReport;
use coaming_verify::{Answer, Status, Verifier};
use coaming_yaml::Span;

use crate::args::VerifyArguments;
use crate::{CommandError, output};

/// A credential in a finding.
struct Question {
    finding: usize,
    kind: &'static str,
    value: String,
}

/// Asks the providers, and adds their answers to the findings: what is valid is worse, what is not
/// valid is harmless.
pub(crate) fn run(
    arguments: &VerifyArguments,
    report: &mut TextReport,
) -> Result<(), CommandError> {
    let invalid = |error: &dyn std::fmt::Display| CommandError::Argument(error.to_string());
    let servers = arguments
        .verify_at
        .iter()
        .map(|text| {
            text.split_once('=').ok_or_else(|| {
                invalid(&format_args!("`{text}` does not have the form PROVIDER=URL"))
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let options =
        coaming_http::Options { ca: arguments.ca.clone(), ..coaming_http::Options::default() };
    let mut verifier = Verifier::new(options, servers).map_err(|error| invalid(&error))?;
    let questions: Vec<Question> = report
        .findings
        .iter()
        .enumerate()
        .filter_map(|(number, finding)| question(number, finding, &report.sources))
        .collect();
    announce(&questions, &arguments.verify_at);
    let runtime = Runtime::shared().map_err(|error| invalid(&error))?;
    for Question { finding, kind, value } in &questions {
        if let Some(answer) = runtime.block_on(verifier.verify(kind, value)) {
            add(&mut report.findings[*finding], answer);
        }
    }
    coaming_rules::put_in_order(&mut report.findings);
    Ok(())
}

/// The credential in a finding, if its provider can be asked.
fn question(
    number: usize,
    finding: &Finding,
    sources: &BTreeMap<SourceId, Source>,
) -> Option<Question> {
    let location = finding.locations.first()?;
    let (span, text) = (location.span?, &sources.get(&location.source?)?.text);
    let key = coaming_secret::aws_key(text, span.start as usize..span.end as usize);
    let (kind, value) = match key {
        Some((id, secret)) => {
            (coaming_verify::aws_kind(around(text, span)), format!("{id}:{secret}"))
        }
        None => coaming_secret::credential_value(span.text(text), &coaming_verify::kinds())?,
    };
    // The ID of a key is not a credential without its secret.
    if kind == coaming_verify::AWS_KEY && !value.contains(':') {
        return None;
    }
    Some(Question { finding: number, kind, value })
}

/// The text around a place, in which the region of a key is named.
fn around(text: &str, span: Span) -> &str {
    const REACH: usize = 512;
    let start = text.floor_char_boundary((span.start as usize).saturating_sub(REACH));
    let end = text.ceil_char_boundary((span.end as usize).saturating_add(REACH));
    text.get(start..end).unwrap_or_default()
}

/// Says who is going to be asked.
fn announce(questions: &[Question], servers: &[String]) {
    let asked = questions.iter().filter_map(|question| coaming_verify::provider(question.kind));
    let hosts: BTreeSet<&str> = asked
        .map(|provider| {
            let own = servers.iter().filter_map(|text| text.split_once('='));
            let mut own = own.filter(|(name, _)| *name == provider.name);
            own.next_back().map_or(provider.server, |(_, address)| address)
        })
        .collect();
    for host in hosts {
        output::note(&format!("asking {host} whether credentials are valid"));
    }
}

fn add(finding: &mut Finding, answer: Answer) {
    let provider = answer.provider;
    let of = |text: &Option<String>, word: &str| {
        text.as_ref().map(|text| format!("{word}{text}")).unwrap_or_default()
    };
    let clause = match answer.status {
        Status::Live => {
            finding.severity = Severity::Critical;
            format!(
                "valid at {provider}{}{}",
                of(&answer.account, ", account "),
                of(&answer.rights, ", may: "),
            )
        }
        Status::Dead => {
            finding.severity = Severity::Low;
            format!("not valid at {provider} anymore")
        }
        Status::Unknown => format!("not verified{}", of(&answer.reason, ": ")),
    };
    finding.message = format!("{} ({clause})", finding.message);
    finding.verification = Some(Box::new(Verification {
        provider: provider.to_owned(),
        status: answer.status.as_str(),
        account: answer.account,
        rights: answer.rights,
        reason: answer.reason,
    }));
}
