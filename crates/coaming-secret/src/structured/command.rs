//! Credentials on command lines: `--password x`, `mysql -px`, `curl -u user:x`.

use std::collections::BTreeSet;
use std::ops::Range;

use super::program::{of_image, passwords};
use crate::{Confidence, Detection, Detector, TextKind, noise};

/// A credential on a command line.
#[derive(Clone, Debug)]
pub struct CommandCredential {
    /// The index of the word that contains it.
    pub word: usize,
    /// The flag it belongs to, else `argument`.
    pub name: String,
    /// What it is, with its range within the word.
    pub detection: Detection,
}

/// The credentials in the words of a command, in their order.
#[must_use]
pub fn in_command(detector: &Detector, words: &[&str]) -> Vec<CommandCredential> {
    let mut found = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let mut of_word = super::in_text(detector, "", word);
        // `--password` and its value are two words.
        let flag = index.checked_sub(1).and_then(|before| words.get(before));
        if let Some(flag) = flag.filter(|flag| flag.starts_with('-') && !flag.contains(['=', ' ']))
            && !word.starts_with('-')
            && of_word.is_empty()
        {
            of_word.extend(detector.scan(word, TextKind::Value(flag.trim_start_matches('-'))));
        }
        // The name is shown, so it must not contain the value: it ends before it, or is another
        // word.
        let own = word.split_once('=').map(|(name, _)| name);
        let named = |name: &&str| is_flag(name) && !is_script(name, word);
        let name = own.or(flag.copied()).filter(named).unwrap_or("argument");
        found.extend(of_word.into_iter().map(|detection| {
            let name = name.to_owned();
            CommandCredential { word: index, name, detection }
        }));
    }
    let known: BTreeSet<usize> = found.iter().map(|credential| credential.word).collect();
    for (index, range) in passwords(words) {
        if !known.contains(&index)
            && let Some(word) = words.get(index)
        {
            let (name, detection) = ("argument".to_owned(), password(detector, word, range));
            found.push(CommandCredential { word: index, name, detection });
        }
    }
    found.sort_by_key(|credential| (credential.word, credential.detection.range.start));
    found
}

/// The credentials in the arguments of a container, where the image may determine the program.
pub(super) fn in_arguments(
    detector: &Detector,
    image: &str,
    arguments: &[&str],
) -> Vec<CommandCredential> {
    let Some(program) = of_image(image) else { return in_command(detector, arguments) };
    let words: Vec<&str> = std::iter::once(program).chain(arguments.iter().copied()).collect();
    let found = in_command(detector, &words).into_iter();
    found
        .filter_map(|found| Some(CommandCredential { word: found.word.checked_sub(1)?, ..found }))
        .collect()
}

/// `--password`
fn is_flag(word: &str) -> bool {
    word.starts_with('-')
        && word.len() <= 40
        && word.bytes().all(|byte| byte.is_ascii_alphabetic() || b"-_.".contains(&byte))
}

/// `sh -c "…"`: the script is not a value of the flag.
fn is_script(flag: &str, word: &str) -> bool {
    !flag.starts_with("--") && flag.ends_with('c') && word.contains(char::is_whitespace)
}

/// The passwords of commands in a script's lines that are not among the `known` detections; `signs`
/// are where one of [`super::SIGNS`] is, in the order of the text.
pub(super) fn in_script(
    detector: &Detector,
    text: &str,
    signs: &[usize],
    known: &[Detection],
) -> Vec<Detection> {
    let mut found = Vec::new();
    // Each line is read once, however often it has a sign: `done` is where the next one starts.
    let mut done = 0;
    for &sign in signs {
        let Some(before) = text.as_bytes().get(done..sign) else { continue };
        let start = memchr::memrchr(b'\n', before).map_or(done, |at| done + at + 1);
        let rest = text.get(start..).unwrap_or_default();
        let line = rest.split_inclusive('\n').next().unwrap_or_default();
        done = start + line.len();
        in_line(detector, line, start, known, &mut found);
    }
    found
}

/// The passwords in lines such as `user:password`, as cloud-init and `chpasswd` read them.
pub(super) fn in_accounts(detector: &Detector, text: &str) -> Vec<Detection> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let value = line.split_once(':').map(|(_, value)| value.trim()).unwrap_or_default();
        // `RANDOM` and `R` ask for a new password.
        let is_secret = value.len() >= 3 && value != "RANDOM" && !noise::is_noise(value);
        if is_secret && let Some(at) = line.rfind(value) {
            let detection = password(detector, line, at..at + value.len());
            found.push(Detection { range: start + at..start + at + value.len(), ..detection });
        }
        start += line.len();
    }
    found
}

/// Adds the passwords on a line that starts at `start`.
fn in_line(
    detector: &Detector,
    line: &str,
    start: usize,
    known: &[Detection],
    found: &mut Vec<Detection>,
) {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    for (index, range) in passwords(&words) {
        let Some(word) = words.get(index) else { continue };
        let offset = start + (word.as_ptr() as usize).saturating_sub(line.as_ptr() as usize);
        let detection = password(detector, word, range);
        let range = detection.range.start + offset..detection.range.end + offset;
        if !known.iter().any(|other| other.overlaps(&range)) {
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
