//! PEP 440, as Python's `packaging` reads and orders it, with numbers of any size; what it does not
//! allow is not a valid version.
//!
//! (The crate `pep440_rs` refuses numbers beyond 64 bits, such as a date and time with fractions of
//! seconds.)

use std::cmp::Ordering;

use super::{compare_digits, significant, take_while};

/// Fields are compared in their order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    epoch: Number,
    /// Without trailing zeros.
    release: Vec<Number>,
    pre_release: (Phase, Number),
    /// `None` is older than any post-release.
    post_release: Option<Number>,
    development: Development,
    /// `None` is older than any local version.
    local: Option<Vec<Local>>,
}

/// The stage of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// In development, before any pre-release.
    Before,
    Alpha,
    Beta,
    Candidate,
    Released,
}

/// A development release is older than the release that it precedes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Development {
    Number(Number),
    Done,
}

/// A part of a local version: words are older than numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Local {
    Word(Vec<u8>),
    Number(Number),
}

/// Digits without leading zeros: empty is zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Number(Vec<u8>);

impl Number {
    fn new(digits: &[u8]) -> Self {
        Self(significant(digits).to_vec())
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_digits(&self.0, &other.0)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The words for pre-releases; a word comes before its prefixes.
const PRE_RELEASES: [(&[u8], Phase); 8] = [
    (b"alpha", Phase::Alpha),
    (b"a", Phase::Alpha),
    (b"beta", Phase::Beta),
    (b"b", Phase::Beta),
    (b"preview", Phase::Candidate),
    (b"pre", Phase::Candidate),
    (b"c", Phase::Candidate),
    (b"rc", Phase::Candidate),
];
const POST_RELEASES: [(&[u8], ()); 3] = [(b"post", ()), (b"rev", ()), (b"r", ())];
const DEVELOPMENT: [(&[u8], ()); 1] = [(b"dev", ())];

impl Version {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches(is_blank).to_ascii_lowercase();
        let (public, local) = match text.split_once('+') {
            Some((public, local)) => (public, Some(local_version(local)?)),
            None => (text.as_str(), None),
        };
        let mut reader = Reader(public.as_bytes());
        reader.skip(b"v");
        let (epoch, first) = match reader.number()? {
            epoch if reader.skip(b"!") => (epoch, reader.number()?),
            first => (Number::default(), first),
        };
        let mut release = vec![first];
        while let Some(number) = reader.next_of_release() {
            release.push(number);
        }
        let end = release.iter().rposition(|number| *number != Number::default());
        release.truncate(end.map_or(0, |end| end + 1));
        let pre_release = reader.labelled(&PRE_RELEASES);
        let post_release = reader
            .implicit_post_release()
            .or_else(|| reader.labelled(&POST_RELEASES).map(|((), number)| number));
        let development = match reader.labelled(&DEVELOPMENT) {
            Some(((), number)) => Development::Number(number),
            None => Development::Done,
        };
        let none = match (&post_release, &development) {
            (None, Development::Number(_)) => Phase::Before,
            _ => Phase::Released,
        };
        reader.0.is_empty().then(|| Self {
            epoch,
            release,
            pre_release: pre_release.unwrap_or((none, Number::default())),
            post_release,
            development,
            local,
        })
    }
}

/// What Python's `\s` is.
fn is_blank(character: char) -> bool {
    character.is_whitespace() || ('\x1c'..='\x1f').contains(&character)
}

/// Letters and digits, in parts between dots, dashes and underscores.
fn local_version(text: &str) -> Option<Vec<Local>> {
    text.as_bytes()
        .split(|byte| b".-_".contains(byte))
        .map(|part| {
            if part.is_empty() || !part.iter().all(u8::is_ascii_alphanumeric) {
                None
            } else if part.iter().all(u8::is_ascii_digit) {
                Some(Local::Number(Number::new(part)))
            } else {
                Some(Local::Word(part.to_vec()))
            }
        })
        .collect()
}

/// The rest of the text.
struct Reader<'t>(&'t [u8]);

impl Reader<'_> {
    /// Skips this, if it comes next.
    fn skip(&mut self, word: &[u8]) -> bool {
        let rest = self.0.strip_prefix(word);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn number(&mut self) -> Option<Number> {
        let (digits, rest) = take_while(self.0, |byte| byte.is_ascii_digit());
        self.0 = rest;
        (!digits.is_empty()).then(|| Number::new(digits))
    }

    /// A dot and a number.
    fn next_of_release(&mut self) -> Option<Number> {
        let after = self.0.strip_prefix(b".")?;
        after.first()?.is_ascii_digit().then(|| self.0 = after)?;
        self.number()
    }

    /// `-1` alone is a post-release.
    fn implicit_post_release(&mut self) -> Option<Number> {
        let after = self.0.strip_prefix(b"-")?;
        after.first()?.is_ascii_digit().then(|| self.0 = after)?;
        self.number()
    }

    fn skip_separator(&mut self) {
        if let Some((b'.' | b'-' | b'_', rest)) = self.0.split_first() {
            self.0 = rest;
        }
    }

    /// One of these words with its number, which is optional, optionally with separators around it.
    fn labelled<T: Copy>(&mut self, words: &[(&[u8], T)]) -> Option<(T, Number)> {
        let mut reader = Reader(self.0);
        reader.skip_separator();
        let (_, meaning) = words.iter().find(|(word, _)| reader.skip(word))?;
        reader.skip_separator();
        let number = reader.number().unwrap_or_default();
        self.0 = reader.0;
        Some((*meaning, number))
    }
}
