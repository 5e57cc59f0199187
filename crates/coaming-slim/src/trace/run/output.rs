//! The last that a process wrote.

use std::collections::VecDeque;
use std::io::{PipeReader, Read as _};
use std::sync::{Arc, Mutex};

/// How many bytes are kept.
const KEPT: usize = 4096;
/// How many lines are shown.
const LINES: usize = 5;
/// Shorter values are not secrets, and removing them would make the text unreadable.
const SHORTEST: usize = 4;

/// Reads a pipe to its end and keeps the last bytes.
#[derive(Clone, Default)]
pub(super) struct Output(Arc<Mutex<VecDeque<u8>>>);

impl Output {
    /// Reads in a thread of its own, which ends with the last process that has the pipe.
    pub(super) fn of(mut pipe: PipeReader) -> Self {
        let this = Self::default();
        let kept = Arc::clone(&this.0);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                let Ok(mut kept) = kept.lock() else { return };
                kept.extend(buffer.get(..count).unwrap_or_default());
                let more = kept.len().saturating_sub(KEPT);
                kept.drain(..more);
            }
        });
        this
    }

    /// The last lines, without these secrets.
    pub(super) fn last(&self, secrets: &[&str]) -> String {
        let bytes: Vec<u8> = match self.0.lock() {
            Ok(kept) => kept.iter().copied().collect(),
            Err(_) => Vec::new(),
        };
        shown(&String::from_utf8_lossy(&bytes), secrets)
    }
}

fn shown(text: &str, secrets: &[&str]) -> String {
    let mut text = text.to_owned();
    let mut secrets: Vec<&str> =
        secrets.iter().copied().filter(|it| it.len() >= SHORTEST).collect();
    secrets.sort_by_key(|it| std::cmp::Reverse(it.len()));
    for secret in secrets {
        text = text.replace(secret, "[value]");
    }
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|it| !it.is_empty()).collect();
    let last = lines.len().saturating_sub(LINES);
    match lines.get(last..) {
        Some(lines) if !lines.is_empty() => lines.join(" / "),
        _ => "nothing".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn the_last_lines_are_shown_without_secrets() {
        let text = "1\n2\n3\n4\n\n  cannot log in with s3cr3t-s3cr3t and s3cr3t\n5\n6\n";
        let expected = "3 / 4 / cannot log in with [value] and [value] / 5 / 6";
        assert_eq!(shown(text, &["s3cr3t", "s3cr3t-s3cr3t", "1"]), expected);
        assert_eq!(shown("\n \n", &[]), "nothing");
    }
}
