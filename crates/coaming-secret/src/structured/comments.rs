//! Comments: a value that was removed from a field often remains in a comment beside it.

use coaming_yaml::{Document, Path, Span};

use super::file::FileCredential;
use super::in_text;
use crate::Detector;

/// The longest block of comments that is read at once.
const MAX_RUN: usize = 64 << 10;

/// The credentials in the comments of a document. Consecutive lines are read as one text, without
/// their `#`: they may be a field that was commented out.
#[must_use]
pub fn in_comments(detector: &Detector, document: &Document) -> Vec<FileCredential> {
    let source = document.source();
    let mut found = Vec::new();
    let mut run: Option<Span> = None;
    for comment in document.comments() {
        let joined = run.filter(|run| {
            let between = source.get(run.end as usize..comment.span.start as usize);
            between.is_some_and(|between| {
                between.bytes().all(|byte| byte.is_ascii_whitespace())
                    && between.bytes().filter(|&byte| byte == b'\n').count() <= 1
                    && (comment.span.end - run.start) as usize <= MAX_RUN
            })
        });
        match joined {
            Some(joined) => run = Some(Span::new(joined.start, comment.span.end)),
            None => {
                found.extend(run.into_iter().flat_map(|run| in_run(detector, source, run)));
                run = Some(comment.span);
            }
        }
    }
    found.extend(run.into_iter().flat_map(|run| in_run(detector, source, run)));
    found
}

fn in_run(detector: &Detector, source: &str, run: Span) -> Vec<FileCredential> {
    let Some(text) = source.get(run.start as usize..run.end as usize) else { return Vec::new() };
    let mut lines = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let body = line.trim_start();
        let marks = body.len() - body.trim_start_matches('#').len();
        let lead = line.len() - body.len() + marks;
        lines.extend(std::iter::repeat_n(' ', lead));
        lines.push_str(line.get(lead..).unwrap_or_default());
    }
    in_text(detector, "", &lines)
        .into_iter()
        // What is in use may be this simple; in a comment, it shows what to write.
        .filter(|detection| !lines.get(detection.range.clone()).is_some_and(is_sample))
        .filter_map(|detection| {
            let start = run.start + u32::try_from(detection.range.start).ok()?;
            let end = run.start + u32::try_from(detection.range.end).ok()?;
            let (path, name) = (Path::default(), COMMENT.to_owned());
            Some(FileCredential { path, span: Span::new(start, end), name, detection })
        })
        .collect()
}

/// Whether a value is a sample's: a word for what it stands for, with a number at most.
fn is_sample(value: &str) -> bool {
    const WORDS: &[&str] = &[
        "admin",
        "changeit",
        "changeme",
        "dbpassword",
        "example",
        "key",
        "mypassword",
        "pass",
        "passwd",
        "password",
        "root",
        "secret",
        "test",
        "token",
        "user",
    ];
    let word =
        value.trim().trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '_'));
    WORDS.contains(&word.to_ascii_lowercase().as_str())
}

/// The name of a comment.
const COMMENT: &str = "#";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detector;

    #[test]
    fn commented_out_fields() {
        let text = "# password: hunter2-x
a: 1 # token: hunter
b: |
  # password: no-comment
#env:
#- name: DB_PASSWORD
#  value: x9Kq2LmZ8v
# the password is changed
c: 2
# user: user1
# password: password1
";
        let stream = coaming_yaml::parse(text.into());
        let found = in_comments(detector(), &stream.documents[0]);
        let texts: Vec<&str> = found
            .iter()
            .map(|place| &text[place.span.start as usize..place.span.end as usize])
            .collect();
        assert_eq!(texts, ["hunter2-x", "x9Kq2LmZ8v"]);
    }
}
