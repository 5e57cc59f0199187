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
    /// What shows that the function is the one meant, if others have its name.
    sign: Option<Sign>,
}

/// What shows that a function takes a secret, in addition to its name.
#[derive(Clone, Copy)]
enum Sign {
    /// The first argument is an account of Twilio, or the file names Twilio before.
    Twilio,
    /// The first argument is the name of an entry in a directory: `cn=admin,dc=example`.
    Entry,
}

const fn password(callee: &'static str, argument: usize) -> Call {
    Call { callee, argument, expected: Expected::Password, sign: None }
}

const fn key(callee: &'static str, argument: usize) -> Call {
    Call { callee, argument, expected: Expected::Key, sign: None }
}

const fn only(call: Call, sign: Sign) -> Call {
    Call { sign: Some(sign), ..call }
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
    password("redis.Redis(", 3),
    password("redis.StrictRedis(", 3),
    password("pymssql.connect(", 2),
    password("cx_Oracle.connect(", 1),
    password("oracledb.connect(", 1),
    password("odbc_connect(", 2),
    password("InfluxDBClient(", 3),
    password("PlainTextAuthProvider(", 1),
    password("auth.basic(", 1),
    password("ftplib.FTP(", 2),
    password("Net::FTP.open(", 2),
    password("Net::FTP.new(", 2),
    password("NewDialer(", 3),
    password("username_pw_set(", 1),
    password("WiFi.softAP(", 1),
    password("Credentials.basic(", 1),
    password("HttpBasicAuthenticator(", 1),
    password("HTTPDigestAuth(", 1),
    password("HttpNtlmAuth(", 1),
    password("SqlCredential(", 1),
    only(password(".bind(", 1), Sign::Entry),
    // Clients of providers.
    password("Minio(", 2),
    key("NewStaticV4(", 1),
    key("NewStaticV2(", 1),
    key("AwsBasicCredentials.create(", 1),
    key("Aws::Credentials.new(", 1),
    key("AmazonS3Client(", 1),
    key("boto3.Session(", 1),
    key("S3Connection(", 1),
    key("AzureKeyCredential(", 0),
    key("StorageSharedKeyCredential(", 1),
    key("Pusher(", 1),
    key("Vonage(", 1),
    key("plivo.RestClient(", 1),
    key("OAuthHandler(", 1),
    key("OAuth1UserHandler(", 1),
    key(".set_access_token(", 1),
    key("OAuth1(", 1),
    key("OAuth1(", 3),
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
    key("TwilioClient.Init(", 1),
    key("NewTwilioClient(", 1),
    key("Twilio::REST::Client.new(", 1),
    key("Twilio::REST::Client.new ", 1),
    only(key("Client(", 1), Sign::Twilio),
    only(key("twilio(", 1), Sign::Twilio),
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
        if self.sign.is_some_and(|sign| !sign.is_there(text, start)) {
            return None;
        }
        if self.callee.ends_with(' ') {
            // Ruby needs no parentheses.
            let line = text.get(start..)?.split(|byte| *byte == b'\n').next()?;
            let argument = part_of_list(line.get(..MAX_CALL).unwrap_or(line), self.argument)?;
            return literal(text, start + argument.start..start + argument.end);
        }
        literal(text, argument(text, start, self.argument)?)
    }
}

impl Sign {
    /// Whether the call whose arguments start at `start` has the sign.
    fn is_there(self, text: &[u8], start: usize) -> bool {
        let first = argument(text, start, 0).and_then(|argument| text.get(argument));
        let first = first.unwrap_or_default().trim_ascii();
        let inner = first.get(1..first.len().max(2) - 1).unwrap_or_default();
        let is_literal = first.first().is_some_and(|byte| b"\"'`".contains(byte));
        match self {
            Self::Twilio => {
                // What is imported is at the start of a file.
                const START: usize = 4096;
                let is_account = inner.len() == 34
                    && (inner.starts_with(b"AC") || inner.starts_with(b"SK"))
                    && inner
                        .get(2..)
                        .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
                let before = text.get(..start.min(START)).unwrap_or_default();
                let is_named = || {
                    memchr::memmem::find(before, b"import Client").is_some()
                        && memchr::memmem::find(before, b"from twilio").is_some()
                };
                if is_literal { is_account } else { is_named() }
            }
            Self::Entry => is_literal && memchr::memchr(b'=', inner).is_some(),
        }
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
            "Client(\"AC0123456789abcdef0123456789abcdef\", \"x\")",
            "from twilio.rest import Client\nc = Client(sid, 'x')",
            "@c = Twilio::REST::Client.new sid, 'x'\n",
            "new Client('SK0123456789abcdef0123456789abcdef', \"x\");",
            "client.bind('cn=admin,dc=example', 'x', done)",
            "Minio('s3.local:9000', 'app', 'x')",
            "AzureKeyCredential(\"x\")",
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
            "Client(\"http://localhost\", \"x\")",
            "from twilio.rest import Client\nc = Client(sid, token)",
            "Client(sid, \"x\")",
            "button.bind('click', 'x')",
            "new Pusher('x', { cluster: 'eu' })",
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
