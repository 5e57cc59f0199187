//! Files with a credential in a fixed position of each line, recognized by the file's name:
//! `.pgpass`, PgBouncer's `userlist.txt`, Postfix's `sasl_passwd`, Zulip's `zuliprc`, Rails'
//! `master.key`, `chap-secrets` of pppd, `snmpd.conf`, `NuGet.Config`.

use std::ops::Range;

use crate::candidate::Candidate;
use crate::{noise, randomness};

/// Finds the password in a line of such a file.
type LineReader = fn(&str) -> Option<Range<usize>>;

/// Files by the end of their name in any case; some have several readers.
const FILES: &[(&str, LineReader)] = &[
    ("pgpass", after_four_colons),
    ("pgpass.conf", after_four_colons),
    ("userlist.txt", second_quoted),
    ("sasl_passwd", after_user),
    ("zuliprc", after_key),
    ("chap-secrets", third_word),
    ("pap-secrets", third_word),
    ("snmpd.conf", community),
    ("snmpd.conf", passphrase_of_user),
    ("snmpd.conf", second_passphrase_of_user),
    ("nuget.config", key_of_feed),
];

/// The passwords in a file of this name.
pub(crate) fn in_file(name: &str, text: &[u8], found: &mut Vec<Candidate>) {
    if name.ends_with("master.key") || name.contains("credentials/") && name.ends_with(".key") {
        return key_of_rails(text, found);
    }
    for (_, read) in FILES.iter().filter(|(ending, _)| noise::ends_with(name, ending)) {
        by_line(text, *read, found);
    }
}

/// The passwords that a reader finds.
fn by_line(text: &[u8], read: LineReader, found: &mut Vec<Candidate>) {
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

/// The words of a line, which may be in quotes.
fn words(line: &str) -> Vec<Range<usize>> {
    let (mut words, mut at) = (Vec::new(), 0);
    while let Some(rest) = line.get(at..) {
        let start = at + (rest.len() - rest.trim_start().len());
        let Some(first) = line.get(start..).and_then(|rest| rest.chars().next()) else { break };
        let (from, end) = if first == '"' {
            let inner = line.get(start + 1..).unwrap_or_default();
            let end = start + 1 + inner.find('"').unwrap_or(inner.len());
            (start + 1, end)
        } else {
            let rest = line.get(start..).unwrap_or_default();
            (start, start + rest.find(char::is_whitespace).unwrap_or(rest.len()))
        };
        words.push(from..end);
        at = end + usize::from(first == '"');
    }
    words
}

/// `client server secret addresses`; a secret with `@` is the path of its file.
fn third_word(line: &str) -> Option<Range<usize>> {
    let range = words(line).into_iter().nth(2)?;
    (!line.get(range.clone())?.starts_with('@')).then_some(range)
}

/// `rocommunity x`, `com2sec name source x`, `trapsink host x`
fn community(line: &str) -> Option<Range<usize>> {
    let words = words(line);
    let index = match line.get(words.first()?.clone())? {
        "rocommunity" | "rwcommunity" | "rocommunity6" | "rwcommunity6" | "trapcommunity"
        | "authcommunity" => 1,
        "trapsink" | "trap2sink" | "informsink" => 2,
        "com2sec" | "com2sec6" if line.contains(" -Cn ") => 5,
        "com2sec" | "com2sec6" => 3,
        _ => return None,
    };
    words.get(index).cloned()
}

/// `createUser name SHA x`
fn passphrase_of_user(line: &str) -> Option<Range<usize>> {
    let words = words(line);
    let is_user = line.get(words.first()?.clone())?.eq_ignore_ascii_case("createuser");
    words.get(3).filter(|_| is_user).cloned()
}

/// `createUser name SHA x AES y`
fn second_passphrase_of_user(line: &str) -> Option<Range<usize>> {
    passphrase_of_user(line)?;
    words(line).get(5).cloned()
}

/// `<add key="https://…" value="x" />`, of the section `apikeys`: sources have their addresses in
/// the value.
fn key_of_feed(line: &str) -> Option<Range<usize>> {
    const KEY: &str = "<add key=\"http";
    const VALUE: &str = " value=\"";
    let key = line.find(KEY)?;
    let start = key + line.get(key..)?.find(VALUE)? + VALUE.len();
    let length = line.get(start..)?.find('"')?;
    Some(start..start + length)
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
        let text =
            "# client server secret\nann * hunter2 *\n\"b c\" x \"hunter 3\"\nd * @/etc/d *\n";
        assert_eq!(found("etc/ppp/chap-secrets", text), ["hunter2", "hunter 3"]);
        let text = "rocommunity hunter2 10.0.0.0/8\nrocommunity public\ncom2sec ro default hunter3\n\
                    createUser ops SHA \"hunter 4\" AES hunter5\nsyslocation Rack 12\n";
        let mut all = found("etc/snmp/snmpd.conf", text);
        all.sort_unstable();
        assert_eq!(all, ["hunter 4", "hunter2", "hunter3", "hunter5"]);
        let text = "<add key=\"corp\" value=\"https://nuget.shop.test/\" />\n\
                    <add key=\"https://nuget.shop.test/\" value=\"hunter2\" />\n\
                    <add key=\"https://other.shop.test/\" value=\"AQAAANCMnd8BFdERjHoAwE\" />\n";
        assert_eq!(found("NuGet.Config", text), ["hunter2"]);
        assert_eq!(found("notes.txt", "db:5432:shop:app:hunter2"), [""; 0]);
    }
}
