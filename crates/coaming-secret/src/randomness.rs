//! Statistics of a text, and how random it looks.

/// How many characters of each class a text has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CharacterStats {
    pub(crate) lower: usize,
    pub(crate) upper: usize,
    pub(crate) digits: usize,
    pub(crate) others: usize,
    /// How many different bytes there are.
    pub(crate) distinct: usize,
    /// How often the class changes from one character to the next, which is rare in words.
    pub(crate) changes: usize,
}

/// Counts the characters of a text.
pub(crate) fn character_stats(text: &[u8]) -> CharacterStats {
    let mut stats = CharacterStats::default();
    let mut seen = Seen::default();
    let mut last = None;
    for &byte in text {
        let (lower, upper) = (byte.is_ascii_lowercase(), byte.is_ascii_uppercase());
        let digit = byte.is_ascii_digit();
        stats.lower += usize::from(lower);
        stats.upper += usize::from(upper);
        stats.digits += usize::from(digit);
        let class = (lower, upper, digit);
        stats.changes += usize::from(last.is_some_and(|last| last != class));
        last = Some(class);
        stats.distinct += usize::from(seen.is_new(byte));
    }
    stats.others = text.len() - stats.lower - stats.upper - stats.digits;
    stats
}

/// The bytes that were seen, as one bit each.
#[derive(Default)]
struct Seen([u64; 4]);

impl Seen {
    /// Adds a byte. Returns whether it was not seen before.
    fn is_new(&mut self, byte: u8) -> bool {
        let (word, bit) = (&mut self.0[usize::from(byte >> 6)], 1 << (byte & 63));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}

/// Whether a text has at most this many distinct bytes. For most texts, the first bytes decide.
pub(crate) fn has_at_most(text: &[u8], distinct: usize) -> bool {
    let mut seen = Seen::default();
    text.iter().filter(|&&byte| seen.is_new(byte)).nth(distinct).is_none()
}

/// Shannon entropy in bits per character: 0 for an empty text and for one repeated character.
pub(crate) fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for &byte in text {
        counts[usize::from(byte)] += 1;
    }
    #[expect(clippy::cast_precision_loss, reason = "texts are far shorter than 2^52")]
    let total = text.len() as f64;
    counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| {
            let share = f64::from(count) / total;
            -share * share.log2()
        })
        .sum()
}

/// Whether a text looks randomly generated: keys do, words, names and paths do not.
pub(crate) fn looks_random(text: &[u8]) -> bool {
    let stats = character_stats(text);
    let length = text.len();
    if length < 12 || stats.distinct < 7 {
        return false;
    }
    if is_hex(text) {
        return length >= 16 && stats.digits > 0 && stats.lower + stats.upper > 0;
    }
    // In random text the class changes every second or third character; in words it does not.
    let mixed = stats.changes * if stats.digits > 0 { 4 } else { 3 } >= length;
    let classes = [stats.lower, stats.upper, stats.digits].iter().filter(|&&n| n > 0).count();
    mixed && classes >= 2 && stats.others * 4 <= length && entropy(text) >= 2.9
}

/// Whether nobody can guess the value: it has about 80 random bits or more.
pub(crate) fn looks_unguessable(value: &[u8]) -> bool {
    let length = value.len();
    let enough = if is_hex(value) { length >= 24 } else { length >= 20 };
    enough
        && looks_random(value)
        && character_stats(value).distinct >= 10
        && !has_word(value)
        && (is_hex(value) || !crate::passphrase::has_words(value))
}

/// Whether there is a run of lowercase letters that could be a word: in random text, runs of one
/// case are short.
fn has_word(value: &[u8]) -> bool {
    let mut run = 0;
    value.iter().any(|byte| {
        run = if byte.is_ascii_lowercase() { run + 1 } else { 0 };
        run >= 5 && !is_hex(value)
    })
}

/// Whether a text in camel case (`getPassword`, `HTTPClient`) consists of words: in a random text,
/// most of the parts between capitals have one or two letters, or no vowel.
pub(crate) fn has_words(text: &str) -> bool {
    let (mut humps, mut words) = (0, 0);
    for part in text.split(['_', '.']).filter(|part| !part.is_empty()) {
        let bytes = part.as_bytes();
        let mut start = 0;
        for end in 1..=bytes.len() {
            let upper = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_uppercase);
            // A part starts at a capital after a lowercase letter, and at the last of several
            // capitals.
            let ends = end == bytes.len()
                || upper(end) && !upper(end - 1)
                || upper(end) && bytes.get(end + 1).is_some_and(u8::is_ascii_lowercase);
            if ends {
                let hump = bytes.get(start..end).unwrap_or_default();
                let vowels = hump.iter().filter(|byte| b"aeiouyAEIOUY".contains(byte)).count();
                let has_lower = hump.iter().any(u8::is_ascii_lowercase);
                humps += 1;
                words += usize::from(hump.len() >= 3 && has_lower && vowels * 7 >= hump.len());
                start = end;
            }
        }
    }
    words > 0 && words * 2 >= humps
}

/// Whether a text consists of hexadecimal digits only.
pub(crate) fn is_hex(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_and_other_texts() {
        for yes in ["x9Kq2LmZ8vTn4RwY", "9f86d081884c7d65", "aG9Kd83jKLs02mXq+/w="] {
            assert!(looks_random(yes.as_bytes()), "{yes}");
        }
        for no in [
            "my-application-name",
            "ServiceAccountTokenVolume",
            "aaaaaaaaaaaaaaaaaaaa",
            "/var/run/secrets/token",
            "1234567890123456",
            "",
        ] {
            assert!(!looks_random(no.as_bytes()), "{no}");
        }
    }

    #[test]
    fn words_in_camel_case() {
        for yes in ["getPassword", "newPassword", "HTTPClient", "config.dbPassword", "some_secret"]
        {
            assert!(has_words(yes), "{yes}");
        }
        for no in ["WHSlyfInAD", "RVwjfNhpLjN", "OSSzqdKDuJF", "QJcDnGHp"] {
            assert!(!has_words(no), "{no}");
        }
    }

    #[test]
    fn entropy_of_known_texts() {
        assert!(entropy(b"aaaa").abs() < 1e-9);
        assert!((entropy(b"abcd") - 2.0).abs() < 1e-9);
        assert!(entropy(b"").abs() < 1e-9);
    }
}
