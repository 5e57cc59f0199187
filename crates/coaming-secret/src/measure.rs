//! How random a text looks.

/// What characters a text is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Makeup {
    pub(crate) lower: usize,
    pub(crate) upper: usize,
    pub(crate) digits: usize,
    pub(crate) others: usize,
    /// How many different bytes there are.
    pub(crate) distinct: usize,
    /// How often the class changes from one character to the next: words have few such changes.
    pub(crate) changes: usize,
}

/// What a text is made of.
pub(crate) fn makeup(text: &[u8]) -> Makeup {
    let mut makeup = Makeup::default();
    let mut seen = Seen::default();
    let mut last = None;
    for &byte in text {
        let (lower, upper) = (byte.is_ascii_lowercase(), byte.is_ascii_uppercase());
        let digit = byte.is_ascii_digit();
        makeup.lower += usize::from(lower);
        makeup.upper += usize::from(upper);
        makeup.digits += usize::from(digit);
        let class = (lower, upper, digit);
        makeup.changes += usize::from(last.is_some_and(|last| last != class));
        last = Some(class);
        makeup.distinct += usize::from(seen.is_new(byte));
    }
    makeup.others = text.len() - makeup.lower - makeup.upper - makeup.digits;
    makeup
}

/// The bytes that were seen, a bit for each.
#[derive(Default)]
struct Seen([u64; 4]);

impl Seen {
    /// Whether the byte is seen for the first time.
    fn is_new(&mut self, byte: u8) -> bool {
        let (word, bit) = (&mut self.0[usize::from(byte >> 6)], 1 << (byte & 63));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}

/// Whether a text is made of so few different bytes. Most texts tell by their first ones.
pub(crate) fn has_at_most(text: &[u8], distinct: usize) -> bool {
    let mut seen = Seen::default();
    text.iter().filter(|&&byte| seen.is_new(byte)).nth(distinct).is_none()
}

/// Shannon entropy in bits a character: 0 for nothing and for one character repeated.
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

/// Whether the text looks as if a machine had made it at random: what words, names and paths don't
/// do, and keys do.
pub(crate) fn looks_random(text: &[u8]) -> bool {
    let makeup = makeup(text);
    let length = text.len();
    if length < 12 || makeup.distinct < 7 {
        return false;
    }
    if is_hex(text) {
        return length >= 16 && makeup.digits > 0 && makeup.lower + makeup.upper > 0;
    }
    // At random, letters and digits change every second or third character; in words they don't.
    let mixed = makeup.changes * if makeup.digits > 0 { 4 } else { 3 } >= length;
    let classes = [makeup.lower, makeup.upper, makeup.digits].iter().filter(|&&n| n > 0).count();
    mixed && classes >= 2 && makeup.others * 4 <= length && entropy(text) >= 2.9
}

/// Whether nobody could guess the value: at least some 80 random bits.
pub(crate) fn looks_unguessable(value: &[u8]) -> bool {
    let length = value.len();
    let enough = if is_hex(value) { length >= 24 } else { length >= 20 };
    enough && looks_random(value) && makeup(value).distinct >= 10 && !has_word(value)
}

/// Whether there is a run of letters that could be a word with its usual capital: random text has
/// runs of one case that are short.
fn has_word(value: &[u8]) -> bool {
    let mut run = 0;
    value.iter().any(|byte| {
        run = if byte.is_ascii_lowercase() { run + 1 } else { 0 };
        run >= 5 && !is_hex(value)
    })
}

/// Whether letters in humps (`getPassword`, `HTTPClient`) are words: most humps of a random text have one
/// or two letters, or no vowel.
pub(crate) fn has_words(text: &str) -> bool {
    let mut humps = (0, 0);
    for part in text.split(['_', '.']).filter(|part| !part.is_empty()) {
        let bytes = part.as_bytes();
        let mut start = 0;
        for place in 1..=bytes.len() {
            let upper = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_uppercase);
            // A hump starts at a capital after a small letter, and at the last of several capitals.
            let ends = place == bytes.len()
                || upper(place) && !upper(place - 1)
                || upper(place) && bytes.get(place + 1).is_some_and(u8::is_ascii_lowercase);
            if ends {
                let hump = bytes.get(start..place).unwrap_or_default();
                let vowels = hump.iter().filter(|byte| b"aeiouyAEIOUY".contains(byte)).count();
                let has_small = hump.iter().any(u8::is_ascii_lowercase);
                humps.0 += 1;
                humps.1 += usize::from(hump.len() >= 3 && has_small && vowels * 7 >= hump.len());
                start = place;
            }
        }
    }
    humps.1 > 0 && humps.1 * 2 >= humps.0
}

/// Whether there are hexadecimal digits alone.
pub(crate) fn is_hex(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_and_not() {
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
    fn words_in_humps() {
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
