//! Words that look like a secret, whatever names them.

use super::line::ends_word;
use crate::randomness::{has_words, is_hex, looks_random};

/// Whether a line has a word that looks like a secret: a random one, a long number, or letters,
/// digits and signs as in passwords that people choose.
pub(super) fn looks_secret(line: &str) -> bool {
    has_secret_characters(line) || has_long_number(line) || has_random_word(line)
}

/// Whether a line has a random word with capitals, or letters, digits and signs as in passwords.
fn has_secret_characters(line: &str) -> bool {
    const MIN_LENGTH: usize = 16;
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '_' | '-');
    let looks_random = |word: &str| {
        let bytes = word.as_bytes();
        let has = |of: fn(&u8) -> bool| bytes.iter().any(of);
        // Names of fields have neither digits nor adjacent capitals, and only a few words.
        let capitals = bytes.windows(2).filter(|pair| pair.iter().all(u8::is_ascii_uppercase));
        let words = bytes.windows(2).filter(|pair| {
            pair.first().is_some_and(u8::is_ascii_lowercase)
                && pair.last().is_some_and(u8::is_ascii_uppercase)
        });
        word.len() >= MIN_LENGTH
            && has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_lowercase)
            && (has(u8::is_ascii_digit)
                || capitals.count() > 0
                || words.count() > 3 && !has_words(word))
    };
    line.split(|c| !is_part(c)).any(looks_random)
        || line
            .split([' ', '\t', '"', '\'', ',', '`', '=', ':', '{', '}', '(', ')', '[', ']', ';'])
            .any(is_chosen)
}

/// Whether a word has letters, digits and signs: `tundra!913Q`, `P@ssw0rd`.
pub(super) fn is_chosen(word: &str) -> bool {
    let has = |of: fn(u8) -> bool| word.bytes().any(of);
    let sign = word.char_indices().any(|(at, c)| match c {
        // `HEAD~1`, an ancestor of a commit.
        '~' => at > 0 && !word.get(at + 1..).is_some_and(is_small),
        '!' | '^' => at > 0 || c == '!',
        '#' | '%' | '?' | '*' => at > 0 && !word.contains(['/', '<']),
        // A variable of a shell, or the end of a regular expression.
        '$' => word
            .get(at + 1..)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == '$')),
        // `package@1.2`, `user@host.example`.
        '@' => word.get(at + 1..).is_some_and(|rest| {
            let is_version = rest.bytes().all(|byte| byte.is_ascii_digit());
            at > 0 && !is_version && !rest.contains(['.', '/']) && !rest.starts_with("sha")
        }),
        _ => false,
    });
    word.len() >= 6 && sign && has(|b| b.is_ascii_digit()) && has(|b| b.is_ascii_alphabetic())
}

/// Whether a text is a number of at most three digits.
fn is_small(text: &str) -> bool {
    text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether digits are a number as long as a password. Round numbers (the users of `OpenShift`, sizes
/// of memory, largest values of a type) and dates are none.
pub(super) fn is_long_number(digits: &str) -> bool {
    const MIN_LENGTH: usize = 6;
    // No type of a field has longer numbers.
    const MAX_LENGTH: usize = 19;
    if digits.len() < MIN_LENGTH || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let Some(number) = digits.parse::<u64>().ok().filter(|_| digits.len() <= MAX_LENGTH) else {
        return true;
    };
    let is_round = number % 10_000 == 0 || number % (1 << 16) == 0;
    !is_round && !(number + 1).is_power_of_two() && !is_date(digits)
}

/// Whether digits are a date of this century, with or without a time: `20240229`.
fn is_date(digits: &str) -> bool {
    let part = |range: std::ops::Range<usize>| digits.get(range).and_then(|it| it.parse().ok());
    let (month, day): (Option<u8>, Option<u8>) = (part(4..6), part(6..8));
    matches!(digits.len(), 8 | 12 | 14)
        && digits.starts_with("20")
        && month.is_some_and(|month| (1..=12).contains(&month))
        && day.is_some_and(|day| (1..=31).contains(&day))
}

/// Whether a line has a long number, alone or after letters (`walnut48213`), outside of what is
/// known to contain some: paths, addresses, names of hosts, identifiers.
fn has_long_number(line: &str) -> bool {
    const ATTACHED: usize = 5;
    line.split(ends_word).any(|word| {
        let is_host =
            || word.contains('.') && word.split('.').any(|it| it.starts_with(char::is_alphabetic));
        if word.len() < ATTACHED || word.contains('/') || is_uuid(word) || is_host() {
            return false;
        }
        word.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| {
            let letters = part.trim_end_matches(|c: char| c.is_ascii_digit());
            let digits = part.get(letters.len()..).unwrap_or_default();
            let is_attached = letters.len() >= 4
                && digits.len() >= ATTACHED
                && letters.bytes().all(|byte| byte.is_ascii_alphabetic());
            is_attached || is_long_number(digits)
        })
    })
}

/// Whether a line has a random word, also in lowercase, that is not a digest.
fn has_random_word(line: &str) -> bool {
    const MIN_LENGTH: usize = 16;
    let is_part = |c: char| c.is_ascii_alphanumeric();
    let words = line.split(|c| !is_part(c)).filter(|word| word.len() >= MIN_LENGTH);
    let mut words = words.filter(|word| looks_random(word.as_bytes())).peekable();
    if words.peek().is_none() {
        return false;
    }
    let lower = line.to_ascii_lowercase();
    let has_digests = ["sha", "md5", "checksum", "digest"].iter().any(|kind| lower.contains(kind));
    let is_digest = |word: &str| {
        has_digests && matches!(word.len(), 32 | 40 | 64 | 96 | 128) && is_hex(word.as_bytes())
    };
    words.any(|word| !is_digest(word))
}

/// Whether a word is a universally unique identifier.
fn is_uuid(word: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    word.len() == 36 && word.matches('-').count() == 4 && word.bytes().all(is_part)
}

/// Whether a word is random, of a length that no word has, and not a digest.
pub(super) fn is_token(word: &str) -> bool {
    const MIN_LENGTH: usize = 20;
    word.len() >= MIN_LENGTH
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && looks_random(word.as_bytes())
        && !has_words(word)
}
