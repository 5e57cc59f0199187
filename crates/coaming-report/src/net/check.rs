//! `coaming net check`.

use std::io::{self, Write};

use coaming_network::{AssertedPeer, Assertion, AssertionResult};

use serde::Serialize;

use super::json_line;
use super::why::{WhyJson, why_text};

/// Writes how an assertion turned out; for one that does not hold, the reason.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn check_text(
    assertion: &Assertion,
    result: &AssertionResult,
    out: &mut dyn Write,
) -> io::Result<()> {
    let verdict = match result {
        AssertionResult::Holds => "ok",
        AssertionResult::Fails(_) => "FAILED",
        AssertionResult::Unknown(_) => "unknown",
        AssertionResult::NotFound(_) | AssertionResult::NoPods(_) => "FAILED",
    };
    let verb = if assertion.must_reach { "must reach" } else { "must not reach" };
    let ports = match assertion.ports.is_empty() {
        true => String::new(),
        false => format!(" on {}", assertion.ports.join(", ")),
    };
    let (from, to) = (peer(&assertion.from), peer(&assertion.to));
    writeln!(out, "{verdict}: line {}: {from} {verb} {to}{ports}", assertion.line)?;
    match result {
        AssertionResult::Holds => Ok(()),
        AssertionResult::Fails(explanation) | AssertionResult::Unknown(explanation) => {
            let mut text = Vec::new();
            why_text(explanation, &mut text)?;
            for line in String::from_utf8_lossy(&text).lines() {
                writeln!(out, "  {line}")?;
            }
            Ok(())
        }
        AssertionResult::NotFound(error) => writeln!(out, "  {error}"),
        AssertionResult::NoPods(none) => writeln!(out, "  {}", no_pods(none)),
    }
}

/// How an assertion turned out.
#[derive(Serialize)]
struct CheckedJson<'a> {
    line: u32,
    must_reach: bool,
    from: String,
    to: String,
    ports: &'a [String],
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<WhyJson<'a>>,
}

#[derive(Serialize)]
struct ChecksJson<'a> {
    version: u32,
    assertions: Vec<CheckedJson<'a>>,
}

/// Writes as JSON how all assertions turned out.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn check_json(
    results: &[(&Assertion, AssertionResult)],
    out: &mut dyn Write,
) -> io::Result<()> {
    let assertions = results.iter().map(|(assertion, result)| {
        let (name, message, why) = match result {
            AssertionResult::Holds => ("holds", None, None),
            AssertionResult::Fails(explanation) => ("fails", None, Some(explanation)),
            AssertionResult::Unknown(explanation) => ("unknown", None, Some(explanation)),
            AssertionResult::NotFound(error) => ("not-found", Some(error.to_string()), None),
            AssertionResult::NoPods(none) => ("no-pods", Some(no_pods(none)), None),
        };
        CheckedJson {
            line: assertion.line,
            must_reach: assertion.must_reach,
            from: peer(&assertion.from),
            to: peer(&assertion.to),
            ports: &assertion.ports,
            result: name,
            message,
            why: why.map(|explanation| WhyJson::of(explanation)),
        }
    });
    json_line(&ChecksJson { version: 1, assertions: assertions.collect() }, out)
}

fn no_pods(none: &AssertedPeer) -> String {
    format!("no pods here are {}", peer(none))
}

/// A peer in words.
fn peer(peer: &AssertedPeer) -> String {
    match peer {
        AssertedPeer::Name(name) => name.clone(),
        AssertedPeer::Pods { namespace, namespace_labels, labels } => {
            let pairs = |labels: &coaming_network::Labels| {
                let pairs = labels.iter().map(|(key, value)| format!("{key}={value}"));
                pairs.collect::<Vec<_>>().join(",")
            };
            let mut text = match labels.is_empty() {
                true => "pods".to_owned(),
                false => format!("pods with {}", pairs(labels)),
            };
            if let Some(namespace) = namespace {
                text += &format!(" in namespace {namespace}");
            }
            if !namespace_labels.is_empty() {
                text += &format!(" in namespaces with {}", pairs(namespace_labels));
            }
            text
        }
    }
}
