//! Phrases of configuration languages, after which a password comes: `IDENTIFIED BY 'x'`, `user app
//! on >x`, `rootpw --plaintext x`.

use std::ops::Range;

use crate::assignment::{in_statement, line_before};
use crate::classify;
use crate::pem::find;
use crate::url::secret_in;

/// Reads the password after a phrase: the text, where the phrase is, and where it ends.
type Reader = fn(&[u8], usize, usize) -> Option<Range<usize>>;

/// The phrases in lower case.
pub(crate) const PHRASES: &[(&str, Reader)] = &[
    ("identified by ", in_account),
    ("identified with ", by_plugin),
    ("password('", of_function),
    (" on >", of_access_list),
    ("rootpw --plaintext ", word),
    ("password password ", of_installer),
    ("again password ", of_installer),
    ("enable password ", of_device),
    (" password 0 ", of_device),
    ("snmp-server community ", of_device),
    ("stats auth ", of_user),
    ("send \"", at_prompt),
    ("send -- \"", at_prompt),
    ("send \\\"", at_prompt),
    ("sendline(\"", at_prompt),
    ("sendline('", at_prompt),
];

/// How far before its answer a prompt is expected.
const MAX_PROMPT: usize = 160;

/// The longest password that is read.
const MAX_LENGTH: usize = 256;

/// `CREATE USER app IDENTIFIED BY 'x'`
fn in_account(text: &[u8], hit: usize, end: usize) -> Option<Range<usize>> {
    // The same words occur in prose.
    in_statement(text, hit).then(|| quoted(text, end)).flatten()
}

/// `IDENTIFIED WITH mysql_native_password BY 'x'`
fn by_plugin(text: &[u8], hit: usize, end: usize) -> Option<Range<usize>> {
    let rest = text.get(end..text.len().min(end + MAX_LENGTH))?;
    let plugin = rest.iter().position(|&byte| byte == b' ')?;
    let by = rest.get(plugin..plugin + 4)?;
    let is_by = by.eq_ignore_ascii_case(b" by ") && in_statement(text, hit);
    is_by.then(|| quoted(text, end + plugin + 4)).flatten()
}

/// `SET PASSWORD FOR app = PASSWORD('x')`
fn of_function(text: &[u8], hit: usize, end: usize) -> Option<Range<usize>> {
    let line = line_before(text, hit).trim_ascii().to_ascii_lowercase();
    let is_statement = line.starts_with(b"set password") || line.starts_with(b"update ");
    is_statement.then(|| quoted(text, end - 1)).flatten()
}

/// `user app on >x` in the settings of Redis
fn of_access_list(text: &[u8], hit: usize, end: usize) -> Option<Range<usize>> {
    let line = line_before(text, hit).trim_ascii_start();
    let is_user = line.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"user "));
    is_user.then(|| word(text, hit, end)).flatten()
}

/// `stats auth ops:x` in the settings of HAProxy
fn of_user(text: &[u8], hit: usize, end: usize) -> Option<Range<usize>> {
    let rest = text.get(end..text.len().min(end + MAX_LENGTH))?;
    let is_line = line_before(text, hit).trim_ascii().is_empty();
    let colon = rest.iter().take_while(|byte| !byte.is_ascii_whitespace()).position(|&b| b == b':');
    word(text, hit, end + colon.filter(|_| is_line)? + 1)
}

/// `d-i passwd/root-password password x` in the answers for Debian's installer
fn of_installer(text: &[u8], hit: usize, end: usize) -> Option<Range<usize>> {
    line_before(text, hit).starts_with(b"d-i ").then(|| word(text, hit, end)).flatten()
}

/// `enable password x` in the settings of a network device
fn of_device(text: &[u8], hit: usize, end: usize) -> Option<Range<usize>> {
    let line = line_before(text, hit).trim_ascii();
    let is_command = line.is_empty() || line.starts_with(b"username ");
    let range = word(text, hit, end).filter(|_| is_command)?;
    let value = std::str::from_utf8(text.get(range.clone())?).ok()?;
    classify::differs_from_prose(value).then_some(range)
}

/// `expect "assword:"; send "x\r"`, and the same in Python.
fn at_prompt(text: &[u8], hit: usize, end: usize) -> Option<Range<usize>> {
    let before = text.get(hit.saturating_sub(MAX_PROMPT)..hit)?;
    let expected = before.windows(6).rposition(|word| word == b"expect")?;
    let prompt = before.get(expected..)?;
    // Nothing else was sent since, and this is not the branch of another pattern.
    let is_asked = [&b"assword"[..], b"assphrase"].iter().any(|word| find(prompt, word).is_some())
        && find(prompt, b"send").is_none();
    let rest = text.get(end..text.len().min(end + MAX_LENGTH)).filter(|_| is_asked)?;
    let length = rest.iter().position(|byte| b"\"'\\\n".contains(byte))?;
    secret_in(text, end..end + length)
}

/// The next word.
fn word(text: &[u8], _: usize, end: usize) -> Option<Range<usize>> {
    let rest = text.get(end..text.len().min(end + MAX_LENGTH))?;
    let length = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
    secret_in(text, end..end + length)
}

/// The text in quotes that starts at `start`.
fn quoted(text: &[u8], start: usize) -> Option<Range<usize>> {
    let (quote, rest) = text.get(start..text.len().min(start + MAX_LENGTH))?.split_first()?;
    if !matches!(quote, b'\'' | b'"') {
        return None;
    }
    let length = rest.iter().position(|byte| byte == quote || *byte == b'\n')?;
    secret_in(text, start + 1..start + 1 + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        PHRASES.iter().find_map(|(phrase, read)| {
            let hit = text.to_lowercase().rfind(phrase)?;
            text.get(read(text.as_bytes(), hit, hit + phrase.len())?)
        })
    }

    #[test]
    fn words_after_phrases() {
        for text in [
            "GRANT ALL ON a.* TO 'app'@'%' IDENTIFIED BY 'vS8kq-2pLx7w';",
            "ALTER USER app IDENTIFIED WITH mysql_native_password BY 'vS8kq-2pLx7w';",
            "SET PASSWORD FOR 'app' = PASSWORD('vS8kq-2pLx7w');",
            "user app on >vS8kq-2pLx7w ~* +@all",
            "rootpw --plaintext vS8kq-2pLx7w",
            "d-i passwd/root-password password vS8kq-2pLx7w",
            "d-i passwd/root-password-again password vS8kq-2pLx7w",
            "enable password vS8kq-2pLx7w",
            "    stats auth ops:vS8kq-2pLx7w",
            "username ops password 0 vS8kq-2pLx7w",
            "snmp-server community vS8kq-2pLx7w RO",
            "expect \"*?assword:\"\nsend \"vS8kq-2pLx7w\\r\"",
            "expect \"assword:\"\nsend -- \"vS8kq-2pLx7w\\r\"",
            "expect -c 'expect \\\"assword:\\\"; send \\\"vS8kq-2pLx7w\\r\\\"'",
            "child.expect('assword:')\nchild.sendline('vS8kq-2pLx7w')",
        ] {
            assert_eq!(found(text), Some("vS8kq-2pLx7w"), "{text}");
        }
        for text in [
            "columns identified by 'vS8kq-2pLx7w'",
            "IDENTIFIED BY x",
            "click on >vS8kq-2pLx7w",
            "a new password password vS8kq-2pLx7w",
            "enable password protection",
            "PASSWORD('x')",
            "expect \"#\"\nsend \"vS8kq-2pLx7w\\r\"",
            "expect \"assword:\"\nsend \"$pw\\r\"\nsend \"show 12 x\\r\"",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
