//! Asks the providers of the credentials that a search for secrets found.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use coaming_finding::{Finding, Severity, Verification};
use coaming_http::Runtime;
use coaming_kube::{Source, SourceId};
use coaming_verify::{Answer, ServerError, Status, Verifier};
use coaming_yaml::Span;

use crate::TextReport;

/// Why providers cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum VerificationError {
    /// A text does not name a provider and the server to ask in its place.
    #[error("`{0}` does not have the form PROVIDER=URL")]
    Form(String),
    /// A server cannot be asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The runtime for requests cannot be started.
    #[error(transparent)]
    Http(#[from] coaming_http::Error),
}

/// A credential in a finding.
struct Question {
    finding: usize,
    kind: &'static str,
    value: String,
}

/// Asks the providers, and adds their answers to the findings: what is valid is worse, what is not
/// valid is harmless. `servers` are asked in the place of the providers' own, as
/// `gitlab=https://gitlab.example.com`; `announce` gets each host before any of them is asked.
///
/// # Errors
///
/// See [`VerificationError`].
pub fn verify_credentials(
    report: &mut TextReport,
    servers: &[String],
    ca: &[PathBuf],
    announce: impl Fn(&str),
) -> Result<(), VerificationError> {
    let named = servers
        .iter()
        .map(|text| text.split_once('=').ok_or_else(|| VerificationError::Form(text.clone())))
        .collect::<Result<Vec<_>, _>>()?;
    let options = coaming_http::Options { ca: ca.to_vec(), ..coaming_http::Options::default() };
    let mut verifier = Verifier::new(options, named.iter().copied())?;
    let questions: Vec<Question> = report
        .findings
        .iter()
        .enumerate()
        .filter_map(|(number, finding)| question(number, finding, &report.sources))
        .collect();
    hosts(&questions, &named).into_iter().for_each(announce);
    let runtime = Runtime::shared()?;
    for Question { finding, kind, value } in &questions {
        if let Some(answer) = runtime.block_on(verifier.verify(kind, value)) {
            add(&mut report.findings[*finding], answer);
        }
    }
    coaming_rules::put_in_order(&mut report.findings);
    Ok(())
}

/// Where a credential of a known provider is revoked.
#[must_use]
pub fn revocation_page(text: &str) -> Option<&'static str> {
    let (kind, _) = coaming_secret::credential_value(text, &coaming_verify::kinds())?;
    coaming_verify::provider(kind).map(|provider| provider.revoke)
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

/// Who is going to be asked.
fn hosts<'a>(questions: &[Question], servers: &[(&str, &'a str)]) -> BTreeSet<&'a str> {
    let asked = questions.iter().filter_map(|question| coaming_verify::provider(question.kind));
    asked
        .map(|provider| {
            let mut own = servers.iter().filter(|(name, _)| *name == provider.name);
            own.next_back().map_or(provider.server, |(_, address)| address)
        })
        .collect()
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
