//! Private keys in PEM and other formats, and Google's service account files that contain one.

use std::ops::Range;

use base64::Engine as _;

use crate::check;

/// The start of all PEM blocks.
pub(crate) const BEGIN: &[u8] = b"-----BEGIN ";

/// The longest key whose end is searched.
const MAX_KEY: usize = 64 << 10;

/// A private key.
pub(crate) struct PrivateKey {
    pub(crate) kind: &'static str,
    pub(crate) title: &'static str,
    pub(crate) range: Range<usize>,
}

/// The private key whose `-----BEGIN ` is at `start`; `None` for certificates and public keys, and
/// for a header without a key, as in documentation.
pub(crate) fn private_key(text: &[u8], start: usize) -> Option<PrivateKey> {
    let rest = text.get(start + BEGIN.len()..)?;
    let label_end = rest.iter().take(64).position(|&byte| byte == b'-')?;
    let label = rest.get(..label_end)?;
    let (kind, title) = of_label(label)?;
    let body_start = start + BEGIN.len() + label_end + b"-----".len();
    let limit = text.len().min(body_start + MAX_KEY);
    let body = text.get(body_start..limit)?;
    let body_end = find(body, b"-----END ").unwrap_or(body.len());
    let key = body.get(..body_end)?;
    // Headers (`Proc-Type: …`), escapes and indentation are not part of the key.
    let letters = key.iter().filter(|byte| byte.is_ascii_alphanumeric()).count();
    let mut sorted: Vec<u8> = key.iter().copied().filter(u8::is_ascii_alphanumeric).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let is_closed = body_end < body.len();
    let is_example = has_ellipsis(key) || is_closed && is_cut_off(key);
    if is_example || !has_key_lines(key, letters, sorted.len(), is_closed) {
        return None;
    }
    let after = text.get(body_start + body_end..limit).unwrap_or_default();
    let footer = if after.is_empty() {
        0
    } else {
        find(after.get(9..).unwrap_or_default(), b"-----").map_or(0, |end| end + 14)
    };
    let (kind, title) = if is_encrypted(key) {
        ("encrypted-private-key", "passphrase-protected private key")
    } else if is_service_account(text, start) {
        ("gcp-service-account-key", "Google Cloud service account key")
    } else {
        (kind, title)
    };
    Some(PrivateKey { kind, title, range: start..body_start + body_end + footer })
}

/// Whether a passphrase protects the key: a header of PEM says so, or the cipher of an OpenSSH key.
fn is_encrypted(key: &[u8]) -> bool {
    // In base64: the mark of the format, and the length of the name of its cipher.
    const OPENSSH: &[u8] = b"b3BlbnNzaC1rZXktdjEAAAAA";
    const NO_CIPHER: &[u8] = b"BG5vbmU";
    let after = find(key, OPENSSH).and_then(|at| key.get(at + OPENSSH.len()..));
    find(key, b"Proc-Type: 4,ENCRYPTED").is_some()
        || after.is_some_and(|after| after.len() > 100 && !after.starts_with(NO_CIPHER))
}

/// Whether between header and footer is only the first line of a key that says it is longer, as in
/// documentation.
fn is_cut_off(key: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    let from = key.windows(3).position(|start| start == b"MII").unwrap_or(key.len());
    let digits = key.get(from..).unwrap_or_default();
    let start: Vec<u8> = digits.iter().copied().take(8).filter(is_digit).collect();
    // A sequence whose length is in the next two bytes.
    let [0x30, 0x82, high, low, ..] = check::STANDARD.decode(start).unwrap_or_default()[..] else {
        return false;
    };
    let length = usize::from(u16::from_be_bytes([high, low])) + 4;
    // Lines have at most 76 digits.
    let count = digits.iter().filter(|byte| is_digit(byte)).count();
    count <= 76 && count * 3 / 4 * 2 < length
}

/// Whether the text between header and footer is a key: base64 in lines of a real length, or a
/// short one with nothing else around it. Prose after a header is in a comment or documentation.
fn has_key_lines(key: &[u8], letters: usize, distinct: usize, is_closed: bool) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    let mut longest = 0;
    let mut at = 0;
    while let Some(rest) = key.get(at..).filter(|rest| !rest.is_empty()) {
        let mut length = rest.iter().take_while(|byte| is_digit(byte)).count();
        // The letter of an escaped line break is not part of the line.
        if length > 0 && at > 0 && key.get(at - 1) == Some(&b'\\') {
            length -= 1;
        }
        longest = longest.max(length);
        at += length.max(1);
    }
    let is_short = is_closed && (20..64).contains(&letters) && longest >= 20 && distinct >= 10;
    letters >= 40 && distinct >= 12 && longest >= 40 || is_short
}

/// The start of a key file of PuTTY.
pub(crate) const PUTTY: &str = "PuTTY-User-Key-File-";

/// The private key in a key file of PuTTY that starts at `start`.
pub(crate) fn putty_key(text: &[u8], start: usize) -> Option<PrivateKey> {
    let file = text.get(start..text.len().min(start + MAX_KEY))?;
    let private = find(file, b"Private-Lines:")?;
    let end = find(file, b"Private-MAC:").unwrap_or(file.len());
    let line = file.get(end..)?.iter().position(|&byte| byte == b'\n');
    let end = line.map_or(file.len(), |length| end + length);
    let key = file.get(private..end)?;
    let letters = key.iter().filter(|byte| byte.is_ascii_alphanumeric()).count();
    (letters >= 60 && !has_ellipsis(key)).then_some(PrivateKey {
        kind: "putty-private-key",
        title: "PuTTY private key",
        range: start..start + end,
    })
}

/// Every JSON Web Key contains this.
pub(crate) const JWK: &str = "\"kty\"";

/// How far around its type the rest of a JSON Web Key is searched.
const MAX_JWK: usize = 4 << 10;

/// The private part of the JSON Web Key whose `"kty"` is at `hit`: `d`, or `k` of a symmetric key.
pub(crate) fn web_key(text: &[u8], hit: usize) -> Option<PrivateKey> {
    let before = text.get(hit.saturating_sub(MAX_JWK)..hit)?;
    let open = hit - before.len() + before.iter().rposition(|&byte| byte == b'{')?;
    let after = text.get(hit..text.len().min(hit + MAX_JWK))?;
    let close = hit + after.iter().position(|&byte| byte == b'}').unwrap_or(after.len());
    let key = text.get(open..close)?;
    let member = [&b"\"d\""[..], b"\"k\""].into_iter().find_map(|name| find(key, name))? + 3;
    let rest = key.get(member..)?;
    let gap = rest.iter().take_while(|byte| b" \t\r\n:\"\\".contains(byte)).count();
    let is_digit = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    let length = rest.get(gap..)?.iter().take_while(is_digit).count();
    let from = open + member + gap;
    (length >= 20).then_some(PrivateKey {
        kind: "json-web-key",
        title: "private JSON Web Key",
        range: from..from + length,
    })
}

/// How far around a key the rest of its file is searched.
const MAX_FILE: usize = 4 << 10;

/// Whether the key is a field of a service account file of Google.
fn is_service_account(text: &[u8], start: usize) -> bool {
    let around = text.get(start.saturating_sub(MAX_FILE)..text.len().min(start + MAX_FILE));
    let before = text.get(start.saturating_sub(40)..start).unwrap_or_default();
    find(before, b"private_key").is_some()
        && around.is_some_and(|around| find(around, b"service_account").is_some())
}

fn of_label(label: &[u8]) -> Option<(&'static str, &'static str)> {
    Some(match label {
        b"RSA PRIVATE KEY" => ("rsa-private-key", "RSA private key"),
        b"EC PRIVATE KEY" => ("ec-private-key", "EC private key"),
        b"DSA PRIVATE KEY" => ("dsa-private-key", "DSA private key"),
        b"OPENSSH PRIVATE KEY" => ("openssh-private-key", "OpenSSH private key"),
        b"SSH2 ENCRYPTED PRIVATE KEY" => ("ssh2-private-key", "SSH2 private key"),
        b"PGP PRIVATE KEY BLOCK" => ("pgp-private-key", "PGP private key"),
        b"ENCRYPTED PRIVATE KEY" => ("encrypted-private-key", "passphrase-protected private key"),
        label if label.ends_with(b"PRIVATE KEY") => ("private-key", "private key"),
        _ => return None,
    })
}

/// Whether the middle of a key is left out, as in documentation.
fn has_ellipsis(key: &[u8]) -> bool {
    find(key, b"...").is_some() || find(key, "…".as_bytes()).is_some() || find(key, b"{{").is_some()
}

/// Where `needle` first occurs in `text`.
pub(crate) fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "MIIEpAIBAAKCAQEA1c7+9z5Pad7OejecsQ0bu3aozN3tihPmljnnudb9G3HECdnH\nlWu2/a1gB9JW5TBQ+AVpum9Okx7KfqkfBKL9mcHgSlWWMdwjfNdY\n";

    fn key(label: &str, body: &str) -> String {
        format!("-----BEGIN {label}-----\n{body}-----END {label}-----\n")
    }

    #[test]
    fn private_keys_alone() {
        let text = key("RSA PRIVATE KEY", BODY);
        let found = private_key(text.as_bytes(), 0).unwrap();
        assert_eq!(found.kind, "rsa-private-key");
        assert_eq!(found.range, 0..text.len() - 1);
        for label in ["CERTIFICATE", "PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE REQUEST"] {
            assert!(private_key(key(label, BODY).as_bytes(), 0).is_none(), "{label}");
        }
        for body in ["...\n", "{{ .Values.key }}\n", "MIIE...\n", ""] {
            assert!(private_key(key("PRIVATE KEY", body).as_bytes(), 0).is_none(), "{body}");
        }
        assert!(private_key(b"-----BEGIN ", 0).is_none());
        let protected = key("RSA PRIVATE KEY", &format!("Proc-Type: 4,ENCRYPTED\n\n{BODY}"));
        assert_eq!(private_key(protected.as_bytes(), 0).unwrap().kind, "encrypted-private-key");
        let short = "-----BEGIN PRIVATE KEY-----\\nbbyGAzJAGJIQrk84hZ94ImZUW\\n-----END PRIVATE KEY-----\\n";
        assert!(private_key(short.as_bytes(), 0).is_some());
        let prose = "-----BEGIN RSA PRIVATE KEY-----\n## the name should line up with a secret that is set\n";
        assert!(private_key(prose.as_bytes(), 0).is_none());
        let putty = format!(
            "{PUTTY}3: ssh-ed25519\nPublic-Lines: 1\nAAAA\nPrivate-Lines: 2\n{BODY}Private-MAC: 00\n"
        );
        assert_eq!(putty_key(putty.as_bytes(), 0).unwrap().range, 0..putty.len() - 1);
        let web = |name: &str| {
            format!(
                "{{\"{name}\": \"{}\", {JWK}: \"RSA\"}}",
                "x9Kq2LmZ8vTn4RwYx9Kq2LmZ8vTn4RwYx9Kq2LmZ"
            )
        };
        let found = |text: &str| web_key(text.as_bytes(), find(text.as_bytes(), b"\"kty")?);
        assert_eq!(found(&web("d")).unwrap().range, 7..47);
        assert!(found(&web("n")).is_none());
        let account = format!(
            r#"{{"type": "service_account", "private_key": "{}"}}"#,
            key("PRIVATE KEY", BODY).replace('\n', "\\n")
        );
        let start = account.find("-----").unwrap();
        let found = private_key(account.as_bytes(), start).unwrap();
        assert_eq!(found.kind, "gcp-service-account-key");
    }
}
