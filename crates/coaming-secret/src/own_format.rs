//! Finds the value of a credential that has a format of its own.

use std::ops::Range;

use crate::check::Verdict;
use crate::kinds::{self, Form, Kind};
use crate::{decode, tokens};

/// A credential of one of these kinds in a text, plain or in base64: its kind and its value. Kinds
/// that only a name tells apart are never found.
#[must_use]
pub fn credential_value(text: &str, wanted: &[&str]) -> Option<(&'static str, String)> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '-' | '_');
    let words = text.split(|c| !is_word(c)).filter(|word| !word.is_empty());
    plain_value(text, wanted)
        .or_else(|| words.filter_map(decode::readable).find_map(|text| plain_value(&text, wanted)))
}

/// How far from one half of an access key of AWS the other may be.
const PAIR_DISTANCE: usize = 256;

/// The ID and the secret of a lasting access key of AWS of which one half is in this range of a
/// text, plain or in base64; `None` if the other half is not near.
#[must_use]
pub fn aws_key(text: &str, range: Range<usize>) -> Option<(String, String)> {
    let own = text.get(range.clone())?;
    let start = text.floor_char_boundary(range.start.saturating_sub(PAIR_DISTANCE));
    let end = text.ceil_char_boundary(text.len().min(range.end + PAIR_DISTANCE));
    let before = halves(text.get(start..range.start)?);
    let after = halves(text.get(range.end..end)?);
    let own = halves(own);
    let find = |is_id: bool| {
        let of_kind = |half: &&Half| half.is_id == is_id;
        // An ID is usually before its secret.
        let others = if is_id {
            before.iter().rev().find(of_kind).or_else(|| after.iter().find(of_kind))
        } else {
            after.iter().find(of_kind).or_else(|| before.iter().rev().find(of_kind))
        };
        own.iter().find(of_kind).or(others)
    };
    let (id, secret) = (find(true)?, find(false)?);
    (!own.is_empty()).then(|| (id.value.clone(), secret.value.clone()))
}

/// One half of an access key of AWS.
struct Half {
    is_id: bool,
    value: String,
}

/// The halves of access keys in a text, in its order.
fn halves(text: &str) -> Vec<Half> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    let words = text.split(|c| !is_word(c));
    words
        .flat_map(|word| {
            let decoded = decode::readable(word).into_iter();
            decoded.chain(word.split('=').map(str::to_owned))
        })
        .filter_map(|value| {
            let bytes = value.as_bytes();
            let is_id = bytes.len() == 20
                && value.starts_with("AKIA")
                && bytes.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
            (is_id || tokens::is_aws_secret(bytes)).then_some(Half { is_id, value })
        })
        .collect()
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
    fn both_halves_of_a_key_of_aws() {
        let (id, secret) = ("AKIAMXPOZXL2SLAKCSOJ", "BBic/582EkOmEiIYwMJqUPHxogVV00HUGLCfv3xB");
        let pair = Some((id.to_owned(), secret.to_owned()));
        let at = |text: &str, part: &str| {
            let start = text.find(part).unwrap();
            aws_key(text, start..start + part.len())
        };
        let text = format!("id={id}\nkey: \"{secret}\"\n");
        assert_eq!(at(&text, id), pair);
        assert_eq!(at(&text, secret), pair);
        assert_eq!(at(&text, "key"), None);
        assert_eq!(at(id, id), None);
        let encoded = "id: QUtJQU1YUE9aWEwyU0xBS0NTT0o=\n\
                       key: QkJpYy81ODJFa09tRWlJWXdNSnFVUEh4b2dWVjAwSFVHTENmdjN4Qg==\n";
        assert_eq!(at(encoded, "QUtJQU1YUE9aWEwyU0xBS0NTT0o="), pair);
    }

    #[test]
    fn a_kind_by_name_has_no_format_of_its_own() {
        assert!(has_own_format("github-personal-access-token"));
        assert!(!has_own_format("github-legacy-token"));
        assert!(!has_own_format("nothing"));
    }
}
