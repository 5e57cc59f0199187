//! Files with a credential in a fixed position of each line, recognized by the file's name:
//! `.pgpass`, PgBouncer's `userlist.txt`, Postfix's `sasl_passwd`, Zulip's `zuliprc`, Rails'
//! `master.key`.

use std::ops::Range;

use crate::candidate::Candidate;
use crate::{noise, randomness};

/// Finds the password in a line of such a file.
type LineReader = fn(&str) -> Option<Range<usize>>;

/// Files by the end of their name.
const FILES: &[(&str, LineReader)] = &[
    ("pgpass", after_four_colons),
    ("pgpass.conf", after_four_colons),
    ("userlist.txt", second_quoted),
    ("sasl_passwd", after_user),
    ("zuliprc", after_key),
];

/// The passwords in a file of this name.
pub(crate) fn in_file(name: &str, text: &[u8], found: &mut Vec<Candidate>) {
    if name.ends_with("master.key") || name.contains("credentials/") && name.ends_with(".key") {
        return key_of_rails(text, found);
    }
    let Some((_, read)) = FILES.iter().find(|(ending, _)| name.ends_with(ending)) else { return };
    let mut start = 0;
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let range = std::str::from_utf8(line)
            .ok()
            .filter(|line| !line.trim_start().starts_with('#'))
            .and_then(|line| read(line.trim_end()).filter(|range| is_secret(line, range)));
        if let Some(range) = range {
            let range = start + range.start..start + range.end;
            found.push(Candidate::human("password", "password", range, 3));
        }
        start += line.len();
    }
}

/// The key of Rails' encrypted credentials, which is all that its file contains.
fn key_of_rails(text: &[u8], found: &mut Vec<Candidate>) {
    let key = text.trim_ascii();
    if key.len() == 32 && randomness::is_hex(key) && !noise::has_run(key) {
        let start = text.len() - text.trim_ascii_start().len();
        let (kind, title) = ("secret-key", "secret, key or token");
        found.push(Candidate::generated(kind, title, start..start + key.len(), 3));
    }
}

fn is_secret(line: &str, range: &Range<usize>) -> bool {
    line.get(range.clone()).is_some_and(|value| value.len() >= 3 && !noise::is_noise(value))
}

/// `host:port:database:user:password`
fn after_four_colons(line: &str) -> Option<Range<usize>> {
    let (at, _) = line.match_indices(':').nth(3)?;
    Some(at + 1..line.len())
}

/// `"user" "password"`
fn second_quoted(line: &str) -> Option<Range<usize>> {
    let mut quotes = line.match_indices('"').map(|(at, _)| at);
    let (start, end) = (quotes.nth(2)? + 1, quotes.next()?);
    Some(start..end)
}

/// `key=value`
fn after_key(line: &str) -> Option<Range<usize>> {
    let (name, value) = line.split_once('=')?;
    let start = line.len() - value.trim_start().len();
    (name.trim() == "key").then_some(start..line.len())
}

/// `[host]:port user:password`
fn after_user(line: &str) -> Option<Range<usize>> {
    let user = line.rfind(char::is_whitespace)? + 1;
    let colon = line.get(user..)?.find(':')?;
    Some(user + colon + 1..line.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'t>(name: &str, text: &'t str) -> Vec<&'t str> {
        let mut found = Vec::new();
        in_file(name, text.as_bytes(), &mut found);
        found.into_iter().filter_map(|candidate| text.get(candidate.range)).collect()
    }

    #[test]
    fn every_line_has_a_password() {
        let text = "# host:port:db:user:pass\ndb:5432:shop:app:hunter2\n*:*:*:x:${PASSWORD}\n";
        assert_eq!(found("home/.pgpass", text), ["hunter2"]);
        let text =
            "\"app\" \"hunter2\"\n\"old\" \"md5c3d7b9f0a1b2c3d4e5f60718293a4b5c\"\n\"none\"\n";
        assert_eq!(found("userlist.txt", text), ["hunter2"]);
        assert_eq!(found("sasl_passwd", "[mail.shop.test]:587 bot@shop.test:hunter2"), ["hunter2"]);
        let text = "[api]\nemail=bot@shop.test\nkey=x9Kq2LmZ8vTn4RwY6bHc1JdF3gSa5PeU\n";
        assert_eq!(found(".zuliprc", text), ["x9Kq2LmZ8vTn4RwY6bHc1JdF3gSa5PeU"]);
        assert_eq!(
            found("config/master.key", "9a54358a557f78817592ce63dfa1c7ef\n"),
            ["9a54358a557f78817592ce63dfa1c7ef"]
        );
        assert_eq!(found("notes.txt", "db:5432:shop:app:hunter2"), [""; 0]);
    }
}
