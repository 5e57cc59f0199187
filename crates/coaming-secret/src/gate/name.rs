//! Names that mean a secret, also if they are misspelled.

use crate::names;

/// Words of names, each with the halves of which one remains if one letter is wrong.
const WORDS: &[(&str, [&str; 2])] = &[
    ("password", ["pass", "word"]),
    ("passwd", ["pas", "swd"]),
    ("passphrase", ["passp", "hrase"]),
    ("stringdata", ["strin", "gdata"]),
    ("credential", ["crede", "ntial"]),
    ("privatekey", ["priva", "tekey"]),
];

/// Names that end like a secret's but contain references or objects.
const OTHERS: &[&str] = &["secret", "serviceAccountToken", "imagePullSecret"];

/// Fields whose content is a value of any kind.
const VALUES: &[&str] = &[
    "value",
    "default",
    "defaultValue",
    "val",
    "content",
    "contents",
    "literal",
    "inline",
    "stringValue",
];

/// Fields of Secrets and `ConfigMaps` whose content is never shown.
const DATA: &[&str] = &["data", "stringData", "binaryData", "encryptedData"];

/// Whether what is assigned to this name may be a secret.
pub(super) fn is_secret(name: &str) -> bool {
    names::read(name).is_some_and(|hint| hint.expected.is_some())
        || DATA.iter().any(|own| own.eq_ignore_ascii_case(name))
        || is_misspelled(name)
}

/// Whether the name is that of a variable's value.
pub(super) fn is_value(name: &str) -> bool {
    VALUES.iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// Whether fields below a field with this name are judged by their own names.
pub(super) fn is_object(name: &str) -> bool {
    OTHERS.contains(&name)
}

/// Whether a name contains a word for a secret with one wrong, missing or additional letter.
fn is_misspelled(name: &str) -> bool {
    const LONGEST: usize = 64;
    if name.len() > LONGEST || !name.is_ascii() {
        return false;
    }
    let lower = name.to_ascii_lowercase().replace(['_', '-', '.'], "");
    if name.split(['_', '-', '.']).flat_map(humps).any(is_misspelled_word) {
        return true;
    }
    WORDS.iter().any(|(word, halves)| {
        // Names with the word itself are judged by their other words (`secretName`).
        !(lower.contains(word) && *word != "stringdata")
            && halves.iter().any(|half| lower.contains(half))
            && near(&lower, word)
    })
}

/// Whether a word is a short word for a secret with one wrong letter. Within longer words these are
/// too frequent (`broken`).
fn is_misspelled_word(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    ["secret", "token", "apikey"].iter().any(|known| {
        *known != lower && lower.len() + 1 >= known.len() && distance_is_one(&lower, known)
    })
}

/// The words of a name in camel case.
fn humps(name: &str) -> impl Iterator<Item = &str> {
    let mut starts: Vec<usize> = vec![0];
    let bytes = name.as_bytes();
    starts.extend((1..bytes.len()).filter(|&at| {
        bytes.get(at).is_some_and(u8::is_ascii_uppercase)
            && bytes.get(at - 1).is_some_and(u8::is_ascii_lowercase)
    }));
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([name.len()]).collect();
    starts.into_iter().zip(ends).filter_map(|(start, end)| name.get(start..end))
}

fn near(name: &str, word: &str) -> bool {
    let bytes = name.len();
    (word.len() - 1..=word.len() + 1).any(|length| {
        (0..(bytes + 1).saturating_sub(length)).any(|start| {
            name.get(start..start + length).is_some_and(|part| distance_is_one(part, word))
        })
    })
}

/// Whether two texts differ in at most one letter, or in two adjacent letters that are swapped.
fn distance_is_one(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let prefix = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (a.get(prefix..).unwrap_or_default(), b.get(prefix..).unwrap_or_default());
    let after = |text: &'_ [u8], skipped: usize| text.get(skipped..).map(<[u8]>::to_vec);
    let swapped = matches!((a, b), ([a, b, ..], [c, d, ..]) if a == d && b == c);
    after(a, 1) == after(b, 1) && a.len() == b.len()
        || after(a, 1).as_deref() == Some(b)
        || after(b, 1).as_deref() == Some(a)
        || a.is_empty() && b.is_empty()
        || swapped && after(a, 2) == after(b, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelled_names() {
        for yes in [
            "dbpasword",
            "passwrod",
            "pasword",
            "stringdata",
            "stringDta",
            "secert",
            "apikye",
            "tokne",
            "authTokne",
            "DB_PASWORD",
            "credentails",
            "Data",
        ] {
            assert!(is_secret(yes), "{yes}");
        }
        for no in [
            "name",
            "image",
            "secretName",
            "broken",
            "path",
            "readOnly",
            "sector",
            "wordpress",
            "metadata",
            "tokenExpirationSeconds",
            "hostPath",
            "mountPath",
            "key",
            "monkey",
        ] {
            assert!(!is_secret(no), "{no}");
        }
    }
}
