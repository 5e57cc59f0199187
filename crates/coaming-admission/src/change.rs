//! What an update changes: the findings of the new object that the old one does not have.

use std::collections::BTreeMap;

use coaming_finding::Finding;
use coaming_kube::Source;
use coaming_yaml::{Node, Path, Step};

/// The rule about secrets in environment variables.
const IN_ENVIRONMENT: &str = "plain-secret-environment";
/// How a message introduces the fingerprint of a secret.
const FINGERPRINT: &str = "(fingerprint ";

/// A problem, wherever in its list it is: lists are reordered and shortened by updates.
type Key = (String, Option<String>, Vec<String>);

/// Keeps the findings that are not in the old object.
///
/// A finding is old if the old object has one of the same rule, about the same container, at the
/// same path but for positions in lists, and if either its message is the same or the value that it
/// points to is. So a change from one bad value to another is judged, and a change of something else
/// is not. Messages name secrets by their fingerprints, and those that are easily guessed not at all: of
/// them, the values are compared.
pub(crate) fn retain_new(
    findings: &mut Vec<Finding>,
    source: &Source,
    old_findings: &[Finding],
    old_source: &Source,
) {
    let mut old: BTreeMap<Key, Vec<&Finding>> = BTreeMap::new();
    for finding in old_findings {
        old.entry(key(finding)).or_default().push(finding);
    }
    // Each old finding accounts for one: equal messages are matched first.
    let mut take = |finding: &Finding, is_same: &dyn Fn(&Finding) -> bool| {
        let Some(candidates) = old.get_mut(&key(finding)) else { return false };
        let position = candidates.iter().position(|candidate| is_same(candidate));
        position.map(|position| candidates.remove(position)).is_some()
    };
    findings.retain(|finding| {
        let node = node(source, finding);
        let is_same = |old: &Finding| {
            old.message == finding.message
                && !is_other_secret(node, self::node(old_source, old), finding)
        };
        !take(finding, &is_same)
    });
    findings.retain(|finding| {
        let node = node(source, finding);
        !take(finding, &|old| is_unchanged(node, self::node(old_source, old), finding))
    });
}

/// Whether a finding with the same message is about another secret than before: one that is easily
/// guessed, so that the message has no fingerprint. Only environment variables have nothing else in
/// their value; that of a script or a file changes for many reasons.
fn is_other_secret(new: Option<Node<'_>>, old: Option<Node<'_>>, finding: &Finding) -> bool {
    let (Some(new), Some(old)) = (new, old) else { return false };
    let is_whole = new.is_mapping() || new.is_sequence();
    finding.rule.id == *IN_ENVIRONMENT
        && !finding.message.contains(FINGERPRINT)
        && !is_whole
        && new.to_json() != old.to_json()
}

fn key(finding: &Finding) -> Key {
    let path = finding.locations.first().map(|location| keys(&location.path));
    (finding.rule.id.to_string(), finding.container.clone(), path.unwrap_or_default())
}

fn keys(path: &Path) -> Vec<String> {
    let name = |step: &Step| match step {
        Step::Key(key) => Some(key.to_string()),
        Step::Index(_) => None,
    };
    path.steps().iter().filter_map(name).collect()
}

fn node<'s>(source: &'s Source, finding: &Finding) -> Option<Node<'s>> {
    source.documents().first()?.at(&finding.locations.first()?.path)
}

/// Whether what a finding points to is the same as before. A whole container has other fields, too:
/// that one of them changed says nothing about this problem.
fn is_unchanged(new: Option<Node<'_>>, old: Option<Node<'_>>, finding: &Finding) -> bool {
    let (Some(new), Some(old)) = (new, old) else { return false };
    let is_whole = new.is_mapping() || new.is_sequence();
    if is_whole { finding.container.is_some() } else { new.to_json() == old.to_json() }
}
