//! Calls of well-known functions that take a secret, whatever its name is: `new PDO(dsn, "app",
//! "x")`, `jwt.sign(claims, "x")`, `"x".toCharArray()`.
//!
//! Only a literal counts, alone or as the argument of a conversion. What is read is bounded.

use std::ops::Range;

use crate::assignment::line_before;
use crate::names::Expected;

/// A function that takes a secret.
pub(crate) struct Call {
    /// Its name and the parenthesis.
    pub(crate) callee: &'static str,
    /// The index of the argument that is the secret.
    argument: usize,
    pub(crate) expected: Expected,
}

const fn password(callee: &'static str, argument: usize) -> Call {
    Call { callee, argument, expected: Expected::Password }
}

const fn key(callee: &'static str, argument: usize) -> Call {
    Call { callee, argument, expected: Expected::Key }
}

/// The functions, by the documentation of the libraries.
pub(crate) const CALLS: &[Call] = &[
    // Databases, directories and servers.
    password("PDO(", 2),
    password("mysqli(", 2),
    password("mysqli_connect(", 2),
    password("mysqli_real_connect(", 3),
    password("mysql_connect(", 2),
    password("mysql_pconnect(", 2),
    password("mysql_real_connect(", 3),
    password("oci_connect(", 1),
    password("MySQLdb.connect(", 2),
    password("pymysql.connect(", 2),
    password("DBI->connect(", 2),
    password("Sequelize(", 2),
    password("DriverManager.getConnection(", 2),
    password("ldap_bind(", 2),
    password("simple_bind_s(", 1),
    password("ftp_login(", 2),
    password("ssh2_auth_password(", 2),
    password("imap_open(", 2),
    password("smtp.PlainAuth(", 2),
    password("smtp.CRAMMD5Auth(", 1),
    password("ssh.Password(", 0),
    password("WiFi.begin(", 1),
    password(".login(", 1),
    password("redis.auth(", 0),
    password("redis->auth(", 0),
    password("jedis.auth(", 0),
    password("red:auth(", 0),
    // Keys that people choose.
    password("PBEKeySpec(", 0),
    password("PasswordProtection(", 0),
    key("SecretKeySpec(", 0),
    key("SymmetricSecurityKey(", 0),
    key("HMACSHA256(", 0),
    key("HMACSHA512(", 0),
    key("Algorithm.HMAC256(", 0),
    key("Algorithm.HMAC384(", 0),
    key("Algorithm.HMAC512(", 0),
    key(".signWith(", 1),
    key(".setSigningKey(", 0),
    key("jwt.sign(", 1),
    key("jwt.verify(", 1),
    key("jwt.encode(", 1),
    key("jwt.decode(", 1),
    key("JWT.encode(", 1),
    key("JWT.decode(", 1),
    key("JWT::encode(", 1),
    key("JWT::decode(", 1),
    key(".SignedString(", 0),
    key("EncodingKey::from_secret(", 0),
    key("DecodingKey::from_secret(", 0),
    key("new_from_slice(", 0),
    key("createHmac(", 1),
    key("hash_hmac(", 2),
    key("hmac.new(", 0),
    key("hmac.New(", 1),
    key("createCipheriv(", 1),
    key("createDecipheriv(", 1),
    key("createCipher(", 1),
    key("createDecipher(", 1),
    key("openssl_encrypt(", 2),
    key("openssl_decrypt(", 2),
    key("AES.encrypt(", 1),
    key("AES.decrypt(", 1),
    key("AES.new(", 0),
    key("aes.NewCipher(", 0),
    key("Fernet(", 0),
    key("URLSafeTimedSerializer(", 0),
    key("sessions.NewCookieStore(", 0),
    key("cookieParser(", 0),
    key("ClientSecretCredential(", 2),
    key("Twilio(", 1),
    key("TwilioRestClient(", 1),
    key("Twilio.init(", 1),
    key("require('twilio')(", 1),
    key("require(\"twilio\")(", 1),
];

/// How much of a call is read.
const MAX_CALL: usize = 600;

impl Call {
    /// The literal that is the secret in the call that starts at `hit`.
    pub(crate) fn secret(&self, text: &[u8], hit: usize) -> Option<Range<usize>> {
        let start = hit + self.callee.len();
        // Literals are found in any case.
        if text.get(hit..start)? != self.callee.as_bytes() {
            return None;
        }
        let before = hit.checked_sub(1).and_then(|at| text.get(at));
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        if self.callee.as_bytes().first().is_some_and(is_word) && before.is_some_and(is_word) {
            return None;
        }
        literal(text, argument(text, start, self.argument)?)
    }
}

/// The argument with this index of the call whose arguments start at `start`.
fn argument(text: &[u8], start: usize, index: usize) -> Option<Range<usize>> {
    let window = text.get(start..text.len().min(start + MAX_CALL))?;
    let argument = part_of_list(window, index).filter(|argument| argument.end < window.len())?;
    Some(start + argument.start..start + argument.end)
}

/// The part with this index of a list with commas, which ends at a closing parenthesis.
pub(crate) fn part_of_list(window: &[u8], index: usize) -> Option<Range<usize>> {
    let (mut depth, mut open, mut escaped) = (0_usize, None, false);
    let (mut current, mut from) = (0, 0);
    for (at, &byte) in window.iter().enumerate() {
        match (byte, open) {
            _ if escaped => escaped = false,
            (b'\\', _) => escaped = true,
            (quote, Some(own)) if quote == own => open = None,
            (_, Some(_)) => {}
            (b'"' | b'\'' | b'`', None) => open = Some(byte),
            (b'(' | b'[' | b'{', None) => depth += 1,
            (b')' | b']' | b'}' | b',', None) if depth == 0 => {
                if current == index {
                    return Some(from..at);
                }
                if byte != b',' {
                    return None;
                }
                (current, from) = (current + 1, at + 1);
            }
            (b')' | b']' | b'}', None) => depth -= 1,
            _ => {}
        }
    }
    (current == index).then_some(from..window.len())
}

/// What converts a literal into another type, at the end of a callee's name in lower case.
const CONVERSIONS: &[&str] = &["bytes(", "byte(", "from(", "str(", "string(", "some(", "encode("];

/// The literal that an argument consists of.
fn literal(text: &[u8], argument: Range<usize>) -> Option<Range<usize>> {
    let whole = text.get(argument.clone())?;
    let quote = whole.iter().position(|byte| b"\"'`".contains(byte))?;
    let lead = std::str::from_utf8(whole.get(..quote)?).ok()?.trim().to_ascii_lowercase();
    let is_prefix = lead.len() <= 1 && lead.bytes().all(|byte| b"bru@".contains(&byte));
    if !is_prefix && !CONVERSIONS.iter().any(|ending| lead.ends_with(ending)) {
        return None;
    }
    let inner = whole.get(quote + 1..)?;
    let length = inner.iter().position(|byte| Some(byte) == whole.get(quote))?;
    // Parts of texts that are joined are not the whole secret, nor are formats.
    let after = inner.get(length + 1..)?.trim_ascii();
    let is_whole = match after {
        [] | [b')' | b']' | b'}' | b',', ..] => true,
        [b'.', next, ..] => next.is_ascii_alphabetic(),
        _ => false,
    };
    let start = argument.start + quote + 1;
    is_whole.then_some(start..start + length)
}

/// How a text becomes the type in which Java keeps passwords.
pub(crate) const CHARACTERS: &str = ".toCharArray()";

/// The literal before [`CHARACTERS`] at `hit`, on a line about passwords or key stores.
pub(crate) fn characters(text: &[u8], hit: usize) -> Option<Range<usize>> {
    const SIGNS: &[&[u8]] = &[b"pass", b"pwd", b"pbe", b".load(", b".init(", b"keystore", b"pin"];
    let line = line_before(text, hit);
    let (b'"', before) = line.split_last()? else { return None };
    let quote = before.iter().rposition(|&byte| byte == b'"')?;
    let lead = before.get(..quote)?.to_ascii_lowercase();
    let is_password = SIGNS.iter().any(|sign| crate::pem::find(&lead, sign).is_some());
    is_password.then_some(hit - (before.len() - quote)..hit - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        CALLS.iter().find_map(|call| {
            let hit = text.find(call.callee)?;
            text.get(call.secret(text.as_bytes(), hit)?)
        })
    }

    #[test]
    fn literals_in_calls() {
        for text in [
            "new PDO('mysql:host=a;dbname=b', \"app\", 'x')",
            "mysql_real_connect(c, \"db\", f(a, b), \"x\", 0)",
            "jwt.sign({ a: [1, 2] }, 'x', { expiresIn: '1h' })",
            "JWT.encode(payload, \"x\", 'HS256')",
            "new SecretKeySpec(\"x\".getBytes(UTF_8), \"AES\")",
            "new SymmetricSecurityKey(Encoding.UTF8.GetBytes(\"x\"))",
            "token.SignedString([]byte(\"x\"))",
            "EncodingKey::from_secret(\"x\".as_ref())",
            "hmac.New(sha256.New, []byte(\"x\"))",
            "hmac.new(b'x', message)",
            "smtp.PlainAuth(\"\", \"bot\", \"x\", \"mail\")",
        ] {
            assert_eq!(found(text), Some("x"), "{text}");
        }
        for text in [
            "new PDO($dsn, $user, $password)",
            "jwt.sign(claims, config.get('x'))",
            "jwt.verify(token, 'x' + suffix)",
            "hash_hmac('sha256', $a, 'x' . $b)",
            "myjwt.sign(claims, 'x')",
            "jwt.sign(claims",
            "session.login()",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn characters_of_passwords() {
        let found = |text: &str| {
            let hit = text.find(CHARACTERS)?;
            characters(text.as_bytes(), hit).map(|range| text[range].to_owned())
        };
        assert_eq!(found("store.load(in, \"x\".toCharArray());").as_deref(), Some("x"));
        assert_eq!(found("char[] hex = \"0123\".toCharArray();"), None);
        assert_eq!(found("load(password.toCharArray());"), None);
    }
}
