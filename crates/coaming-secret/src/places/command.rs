//! Credentials on command lines: `--password x`, `mysql -px`, `curl -u user:x`.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem;

use super::program::{SIGNS, of_image, passwords};
use crate::{Confidence, Detection, Detector, Origin};

/// The credentials in the words of a command: which word, the flag it belongs to (else `argument`), and what
/// it is, with its range within the word.
#[must_use]
pub fn in_words(detector: &Detector, words: &[&str]) -> Vec<(usize, String, Detection)> {
    let mut found = Vec::new();
    for (place, word) in words.iter().enumerate() {
        let mut of_word = super::in_text(detector, "", word);
        // `--password` and its value are two words.
        let flag = place.checked_sub(1).and_then(|before| words.get(before));
        if let Some(flag) = flag.filter(|flag| flag.starts_with('-') && !flag.contains(['=', ' ']))
            && !word.starts_with('-')
            && of_word.is_empty()
        {
            of_word.extend(detector.scan(word, Origin::Value(flag.trim_start_matches('-'))));
        }
        // What is shown as a name must not hold the value: it ends before it, or is another word.
        let own = word.split_once('=').map(|(name, _)| name);
        let named = |name: &&str| is_flag(name) && !is_script(name, word);
        let name = own.or(flag.copied()).filter(named).unwrap_or("argument");
        found.extend(of_word.into_iter().map(|detection| (place, name.to_owned(), detection)));
    }
    let reached: BTreeSet<usize> = found.iter().map(|(place, ..)| *place).collect();
    for (place, range) in passwords(words) {
        if !reached.contains(&place)
            && let Some(word) = words.get(place)
        {
            found.push((place, "argument".to_owned(), password(detector, word, range)));
        }
    }
    found.sort_by_key(|(place, _, detection)| (*place, detection.range.start));
    found
}

/// The same in the arguments of a container whose image starts a program of its own.
pub(super) fn in_arguments(
    detector: &Detector,
    image: &str,
    arguments: &[&str],
) -> Vec<(usize, String, Detection)> {
    let Some(program) = of_image(image) else { return in_words(detector, arguments) };
    let words: Vec<&str> = std::iter::once(program).chain(arguments.iter().copied()).collect();
    let found = in_words(detector, &words).into_iter();
    found.filter_map(|(place, name, found)| Some((place.checked_sub(1)?, name, found))).collect()
}

/// `--password`
fn is_flag(word: &str) -> bool {
    word.starts_with('-')
        && word.len() <= 40
        && word.bytes().all(|byte| byte.is_ascii_alphabetic() || b"-_.".contains(&byte))
}

/// `sh -c "…"`: the script is no value of the flag.
fn is_script(flag: &str, word: &str) -> bool {
    !flag.starts_with("--") && flag.ends_with('c') && word.contains(char::is_whitespace)
}

/// The same in a script's lines, beside what is `known` of it.
pub(super) fn in_script(detector: &Detector, text: &str, known: &[Detection]) -> Vec<Detection> {
    let mut found = Vec::new();
    for start in lines_with_flags(text) {
        let rest = text.get(start..).unwrap_or_default();
        let line = rest.split_inclusive('\n').next().unwrap_or_default();
        in_line(detector, line, start, known, &mut found);
    }
    found
}

/// Where the lines start that may have a program's flag for a password, in their order.
fn lines_with_flags(text: &str) -> BTreeSet<usize> {
    static FINDERS: LazyLock<Vec<memmem::Finder<'_>>> =
        LazyLock::new(|| SIGNS.iter().map(memmem::Finder::new).collect());
    let bytes = text.as_bytes();
    let mut starts = BTreeSet::new();
    for finder in FINDERS.iter() {
        // Each line is looked at once, however often the sign is on it: `done` is where one starts.
        let mut done = 0;
        for hit in finder.find_iter(bytes) {
            let Some(before) = bytes.get(done..hit) else { continue };
            starts.insert(memchr::memrchr(b'\n', before).map_or(done, |at| done + at + 1));
            let rest = bytes.get(hit..).unwrap_or_default();
            done = memchr::memchr(b'\n', rest).map_or(bytes.len(), |at| hit + at + 1);
        }
    }
    starts
}

/// Adds what is on a line that starts at `start`.
fn in_line(
    detector: &Detector,
    line: &str,
    start: usize,
    known: &[Detection],
    found: &mut Vec<Detection>,
) {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    for (place, range) in passwords(&words) {
        let Some(word) = words.get(place) else { continue };
        let offset = start + (word.as_ptr() as usize).saturating_sub(line.as_ptr() as usize);
        let detection = password(detector, word, range);
        let range = detection.range.start + offset..detection.range.end + offset;
        let overlaps =
            |other: &Detection| other.range.start < range.end && other.range.end > range.start;
        if !known.iter().any(overlaps) {
            found.push(Detection { range, ..detection });
        }
    }
}

fn password(detector: &Detector, word: &str, range: Range<usize>) -> Detection {
    let value = word.get(range.clone()).unwrap_or_default();
    Detection {
        kind: "password".into(),
        title: "password".into(),
        fingerprint: detector.fingerprint(value.as_bytes()),
        range,
        confidence: Confidence::High,
    }
}
