//! Credentials on command lines: `--password x`, `mysql -px`, `curl -u user:x`.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::{Confidence, Detection, Detector, Origin, noise};

/// Credentials in the words of a command: which word, what it is called, and what it is.
pub(super) fn in_words(detector: &Detector, words: &[&str]) -> Vec<(usize, String, Detection)> {
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
    for (place, range) in short_flags(words) {
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
    if !PROGRAMS.iter().any(|program| text.contains(program.name)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        for (place, range) in short_flags(&words) {
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
        start += line.len();
    }
    found
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

/// A program that takes a password by a short flag.
struct Program {
    name: &'static str,
    flag: &'static str,
    /// Whether the value follows the flag in the same word.
    joined: bool,
    /// Whether the value is `user:password`.
    pair: bool,
}

const PROGRAMS: &[Program] = &[
    Program { name: "mysql", flag: "-p", joined: true, pair: false },
    Program { name: "mysqladmin", flag: "-p", joined: true, pair: false },
    Program { name: "mysqldump", flag: "-p", joined: true, pair: false },
    Program { name: "mariadb", flag: "-p", joined: true, pair: false },
    Program { name: "redis-cli", flag: "-a", joined: false, pair: false },
    Program { name: "sshpass", flag: "-p", joined: false, pair: false },
    Program { name: "sshpass", flag: "-p", joined: true, pair: false },
    Program { name: "curl", flag: "-u", joined: false, pair: true },
    Program { name: "curl", flag: "--user", joined: false, pair: true },
    Program { name: "mongo", flag: "-p", joined: false, pair: false },
    Program { name: "mongosh", flag: "-p", joined: false, pair: false },
    Program { name: "sqlcmd", flag: "-P", joined: false, pair: false },
    Program { name: "ldapsearch", flag: "-w", joined: false, pair: false },
];

/// The passwords among words, by the flags of the program before them.
fn short_flags(words: &[&str]) -> Vec<(usize, Range<usize>)> {
    let mut found = Vec::new();
    let mut program = "";
    for (place, word) in words.iter().enumerate() {
        let base = word.rsplit('/').next().unwrap_or(word).trim_matches(['"', '\'', '(', '`', '$']);
        if PROGRAMS.iter().any(|known| known.name == base) {
            program = base;
        } else if matches!(*word, "&&" | "||" | "|" | ";") {
            program = "";
        }
        for known in PROGRAMS.iter().filter(|known| known.name == program) {
            let previous = place.checked_sub(1).and_then(|before| words.get(before));
            let value_start = match known.joined {
                true => word.strip_prefix(known.flag).map(|_| known.flag.len()),
                false => (previous == Some(&known.flag)).then_some(0),
            };
            let Some(start) = value_start else { continue };
            let value = word.get(start..).unwrap_or_default().trim_matches(['"', '\'']);
            let quotes = word.get(start..).unwrap_or_default().len()
                - word.get(start..).unwrap_or_default().trim_start_matches(['"', '\'']).len();
            let user = if known.pair {
                value.split_once(':').map(|(user, _)| user.len() + 1)
            } else {
                Some(0)
            };
            let Some(user) = user else { continue };
            let secret = value.get(user..).unwrap_or_default();
            if secret.len() >= 3 && !noise::is_noise(secret) && !secret.starts_with(['$', '-']) {
                let from = start + quotes + user;
                found.push((place, from..from + secret.len()));
            }
        }
    }
    found
}
