//! Finds the value of a credential that has a format of its own.

use std::ops::Range;

use crate::check::Verdict;
use crate::decode;
use crate::kinds::{self, Form, Kind};

/// A credential of one of these kinds in a text, plain or in base64: its kind and its value. Kinds
/// that only a name tells apart are never found.
#[must_use]
pub fn credential_value(text: &str, wanted: &[&str]) -> Option<(&'static str, String)> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '-' | '_');
    let words = text.split(|c| !is_word(c)).filter(|word| !word.is_empty());
    plain_value(text, wanted)
        .or_else(|| words.filter_map(decode::readable).find_map(|text| plain_value(&text, wanted)))
}

/// The same, without decoding.
fn plain_value(text: &str, wanted: &[&str]) -> Option<(&'static str, String)> {
    let wanted = kinds::all().iter().filter(|kind| wanted.contains(&kind.name));
    let mut found = wanted.filter_map(|kind| Some((kind.name, token(kind, text)?)));
    found.find_map(|(name, range)| Some((name, text.get(range)?.to_owned())))
}

/// Whether the detector knows a kind of this name that has a format of its own.
#[must_use]
pub fn has_own_format(kind: &str) -> bool {
    let mut all = kinds::all().iter();
    all.any(|known| known.name == kind && !matches!(known.form, Form::Named(_)))
}

/// The first token of a kind.
fn token(kind: &Kind, text: &str) -> Option<Range<usize>> {
    let regex = kind.regex()?;
    let is_valid = |range: &Range<usize>| {
        let bytes = text.as_bytes().get(range.clone()).unwrap_or_default();
        !bytes.is_empty() && kind.check(bytes) != Verdict::Other
    };
    match kind.form {
        Form::Named(_) => None,
        Form::Around(_) => {
            regex.find_iter(text.as_bytes()).map(|found| found.range()).find(is_valid)
        }
        Form::Prefixed(prefixes) => prefixes.iter().find_map(|prefix| {
            let starts = text.match_indices(prefix).map(|(start, _)| start);
            let mut ranges = starts.filter_map(|start| {
                let rest = start + prefix.len();
                let length = regex.find(text.as_bytes().get(rest..)?)?.end();
                Some(start..rest + length)
            });
            ranges.find(is_valid)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_tokens_where_they_are_and_in_base64() {
        let token = "ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O520h6lp";
        let wanted = ["github-personal-access-token"];
        let found = credential_value(&format!("Authorization: token {token}\n"), &wanted);
        assert_eq!(found, Some((wanted[0], token.to_owned())));
        let encoded = "Z2hwX0ExYjJDM2Q0RTVmNkc3aDhJOWowSzFsMk0zbjRPNTIwaDZscA==";
        let found = credential_value(&format!("token: \"{encoded}\""), &wanted);
        assert_eq!(found, Some((wanted[0], token.to_owned())));
        assert_eq!(credential_value("ghp_short", &wanted), None);
        assert_eq!(credential_value(token, &["slack-bot-token"]), None);
    }

    #[test]
    fn a_kind_by_name_has_no_format_of_its_own() {
        assert!(has_own_format("github-personal-access-token"));
        assert!(!has_own_format("github-legacy-token"));
        assert!(!has_own_format("nothing"));
    }
}
