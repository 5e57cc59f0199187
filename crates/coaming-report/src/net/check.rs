//! `coaming net check`.

use std::io::{self, Write};

use coaming_network::{AssertedPeer, Assertion, AssertionResult};

use super::why::why_text;

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
        AssertionResult::NoPods(none) => writeln!(out, "  no pods here are {}", peer(none)),
    }
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
