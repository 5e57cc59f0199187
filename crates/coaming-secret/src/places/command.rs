//! Credentials on command lines: `--password x`, `mysql -px`, `curl -u user:x`.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::program::{PROGRAMS, passwords};
use crate::{Confidence, Detection, Detector, Origin};

/// Credentials in the words of a command: which word, what it is called, and what it is.
pub(crate) fn in_words(detector: &Detector, words: &[&str]) -> Vec<(usize, String, Detection)> {
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
        let name = own.or(flag.copied()).filter(|name| is_flag(name)).unwrap_or("argument");
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

/// `--password`
fn is_flag(word: &str) -> bool {
    word.starts_with('-')
        && word.len() <= 40
        && word.bytes().all(|byte| byte.is_ascii_alphabetic() || b"-_.".contains(&byte))
}

/// The same in a script's lines, beside what is `known` of it.
pub(super) fn in_script(detector: &Detector, text: &str, known: &[Detection]) -> Vec<Detection> {
    static FINDER: LazyLock<Option<AhoCorasick>> =
        LazyLock::new(|| AhoCorasick::new(PROGRAMS.iter().flat_map(|program| program.names)).ok());
    let mut found = Vec::new();
    let Some(finder) = FINDER.as_ref() else { return found };
    let mut done = 0;
    for hit in finder.find_iter(text) {
        // Each line is read once, whatever it names.
        if hit.start() < done {
            continue;
        }
        let start = text.get(..hit.start()).and_then(|before| before.rfind('\n'));
        let start = start.map_or(0, |place| place + 1);
        let end = text.get(hit.end()..).and_then(|rest| rest.find('\n'));
        done = end.map_or(text.len(), |place| hit.end() + place + 1);
        in_line(detector, text.get(start..done).unwrap_or_default(), start, known, &mut found);
    }
    found
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
