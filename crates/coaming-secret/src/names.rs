//! What a name reveals about its value: `DB_PASSWORD` contains one, `passwordFile` is where it is.
//!
//! Most names reveal nothing, which one pass for the stems in [`STEMS`] tells; only then the name
//! is split into its words.

mod lists;

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind};

pub(crate) use lists::NAME_WORDS;
use lists::{
    LOOKUP_KEYS, NEGATIONS, NOT_PASSWORDS, PUBLIC_CREDENTIALS, PUBLIC_TOKENS, PUBLISHED,
    QUESTION_STARTS, SECRET_KEYS,
};

/// The value that a name makes likely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A password, which people choose: any value may be one.
    Password,
    /// A generated key or token: only a value that looks like one.
    Key,
    /// Possibly a generated key: only a value that very much looks like one.
    PossibleKey,
    /// An HTTP `Authorization` header.
    Authorization,
}

/// What a name reveals about its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NameHint {
    /// The likely value; `None` if only a key in a provider's own format counts.
    pub(crate) expected: Option<Expected>,
}

/// The longest name that is read: longer texts are not names.
const MAX_NAME: usize = 200;

/// Every name that reveals anything contains one of these.
const STEMS: &[&str] = &[
    "pass",
    "pwd",
    "pw",
    "psw",
    "pswd",
    "contrase",
    "secret",
    "token",
    "key",
    "cred",
    "auth",
    "salt",
    "pepper",
    "pat",
    "bearer",
    "psk",
    "cookie",
    "sonar",
    "api",
    "licen",
    "webhook",
    "otp",
    "mfa",
    "2fa",
    "factor",
    "encrypt",
    "reporter_id",
    "community",
];

/// With one of these, a name may belong to a key in a provider's own format.
const PROVIDER_HINTS: &[&str] = &[
    "token",
    "secret",
    "apikey",
    "api",
    "key",
    "pat",
    "credential",
    "auth",
    "license",
    "webhook",
    "otp",
    "totp",
    "mfa",
    "2fa",
    "factor",
    "cookie",
    "encrypt",
];

/// With one of these, a name does not belong to a provider's key.
const NO_PROVIDER_HINTS: &[&str] = &[
    "id", "public", "hash", "sha", "commit", "digest", "revision", "checksum", "url", "name",
    "file", "path", "uri", "ref", "site",
];

/// Whether a name means that its value is a secret, whatever the value is: `DB_PASSWORD`,
/// `NPM_TOKEN`.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    read(name)
        .and_then(|hint| hint.expected)
        .is_some_and(|expected| expected != Expected::PossibleKey)
}

/// Whether a name means that even a UUID is its secret: `client_secret`, `API_TOKEN`, `password`.
pub(crate) fn may_be_uuid(name: &str) -> bool {
    const OWNERS: &[&str] = &[
        "client",
        "app",
        "application",
        "consumer",
        "api",
        "auth",
        "access",
        "shared",
        "webhook",
        "admin",
        "bearer",
        "secret",
        "token",
        "oauth",
        "oidc",
        "agent",
        "license",
        "master",
    ];
    let words = NameWords::of(name);
    let Some(last) = words.len().checked_sub(1) else { return false };
    let previous = last.checked_sub(1).map_or("", |previous| words.get(previous));
    match words.get(last) {
        "password" | "passwd" | "clientsecret" | "apikey" | "apitoken" => true,
        "secret" | "token" | "key" => OWNERS.contains(&previous),
        _ => false,
    }
}

/// How far before a community the word for SNMP is expected.
const MAX_NEAR: usize = 300;

/// What a name means after the text before it: many APIs call their key just `key` in the query of
/// a URL, in prose it is an `API key`, and drivers of databases call a password `PWD`.
pub(crate) fn by_context(name: &str, before: &[u8]) -> Option<NameHint> {
    const OWNERS: [&[u8]; 4] = [b"api ", b"secret ", b"access ", b"license "];
    let ends = |owner: &&[u8]| {
        let start = before.len().saturating_sub(owner.len());
        before.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(owner))
    };
    let follows_user = || {
        let line = before.strip_suffix(b"\n").unwrap_or_default();
        let start = line.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        line.get(start..start + 3).is_some_and(|start| start.eq_ignore_ascii_case(b"uid"))
    };
    // `[[inputs.snmp]]` with `community = "x"`
    let follows_snmp = || {
        let near = before.get(before.len().saturating_sub(MAX_NEAR)..).unwrap_or_default();
        near.windows(4).any(|word| word.eq_ignore_ascii_case(b"snmp"))
    };
    let expected = if name == "key" && matches!(before.last(), Some(b'?' | b'&')) {
        Expected::PossibleKey
    } else if name.eq_ignore_ascii_case("key") && OWNERS.iter().any(ends) {
        Expected::Key
    } else if name == "PWD" && (before.last() == Some(&b';') || follows_user())
        || name == "community" && follows_snmp()
    {
        Expected::Password
    } else {
        return None;
    };
    Some(NameHint { expected: Some(expected) })
}

/// Whether a name means that its value is public: `JWT_PUBLIC_KEY`, `siteKey`.
pub(crate) fn is_public(name: &str) -> bool {
    const PUBLIC: &[&str] = &["public", "pub", "publishable", "site", "fingerprint", "thumbprint"];
    name.len() <= MAX_NAME && NameWords::of(name).iter().any(|word| PUBLIC.contains(&word))
}

/// Whether the value of a field with this name is often the name of a method or of another object:
/// `auth: snmp_v3`, `credentials: prod_1`.
pub(crate) fn may_refer(name: &str) -> bool {
    const REFERRING: &[&str] = &["auth", "credential", "credentials", "creds", "cred"];
    let words = NameWords::of(name);
    words.len().checked_sub(1).is_some_and(|last| REFERRING.contains(&words.get(last)))
}

/// What a name reveals about its value; `None` if a value with this name is not a secret.
pub(crate) fn read(name: &str) -> Option<NameHint> {
    static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        AhoCorasickBuilder::new()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(STEMS)
            .ok()
    });
    if name.len() > MAX_NAME || !FINDER.as_ref()?.is_match(name) {
        return None;
    }
    let words = NameWords::of(name);
    let has = |word: &str| words.iter().any(|own| own == word);
    if PUBLISHED.iter().any(|both| both.iter().all(|word| has(word))) {
        return None;
    }
    let expected = expected(name, &words);
    // Code Climate calls its token an ID.
    let is_reporter = name.to_ascii_lowercase().ends_with("test_reporter_id");
    let may_be_of_provider = is_reporter
        || words.iter().any(|word| PROVIDER_HINTS.contains(&word))
            && !words.iter().any(|word| NO_PROVIDER_HINTS.contains(&word));
    (expected.is_some() || may_be_of_provider).then_some(NameHint { expected })
}

/// The secret that a name makes likely, if it does.
fn expected(name: &str, words: &NameWords) -> Option<Expected> {
    let mut count = words.len();
    while count > 1 && is_modifier(words.get(count - 1)) {
        count -= 1;
    }
    let last = words.get(count.checked_sub(1)?);
    let previous = if count > 1 { words.get(count - 2) } else { "" };
    // What precedes the last dot is where the value is, not what it is.
    let own = words.first_after(name.rfind(['.', '/']).map_or(0, |at| at + 1));
    // A salt of hashes is a secret; a hash is not.
    let is_negation = |word: &str| {
        NEGATIONS.contains(&word)
            && !(matches!(word, "hash" | "digest") && matches!(last, "salt" | "secret"))
    };
    if words.iter().skip(own).any(is_negation)
        || QUESTION_STARTS.contains(&words.get(own))
        // `checksum/secret`: an annotation that changes when the Secret does.
        || words.get(0) == "checksum"
        || name.contains("checksum/")
    {
        return None;
    }
    // Directives of nginx, and the name that etcd's members have in common.
    const UPSTREAMS: &[&str] = &["proxy", "fastcgi", "uwsgi", "scgi", "grpc", "memcached", "tcp"];
    if last == "pass" && UPSTREAMS.contains(&previous)
        || last == "token" && previous == "cluster" && words.iter().any(|word| word == "initial")
        || matches!(name.rsplit('.').next(), Some("PWD" | "OLDPWD"))
        || NOT_PASSWORDS.contains(&name.rsplit(['.', '/']).next().unwrap_or(name))
        || last.starts_with("credential") && PUBLIC_CREDENTIALS.contains(&previous)
    {
        return None;
    }
    match last.trim_end_matches(|c: char| c.is_ascii_digit()) {
        "authorization" => Some(Expected::Authorization),
        "password" | "passwd" | "passphrase" | "pwd" | "pass" | "passcode" | "passwort"
        | "contraseña" | "motdepasse" | "pw" | "psw" | "pswd" | "psk" => Some(Expected::Password),
        "secret" | "credential" | "credentials" | "creds" | "cred" | "auth" | "salt" | "pepper"
        | "pat" | "bearer" => Some(Expected::Key),
        "community" => matches!(previous, "snmp" | "ro" | "rw" | "read" | "write" | "trap")
            .then_some(Expected::Password),
        "token" => (!PUBLIC_TOKENS.contains(&previous)).then_some(Expected::Key),
        // SonarQube takes a token in place of the user.
        "login" => previous.ends_with("sonar").then_some(Expected::Key),
        "cookie" => matches!(previous, "erlang" | "secret" | "session" | "rabbitmq")
            .then_some(Expected::Key),
        "base" => (previous == "key" && words.iter().any(|word| word == "secret"))
            .then_some(Expected::Key),
        "key" | "keyfile" => match previous {
            previous if SECRET_KEYS.contains(&previous) => Some(Expected::Key),
            previous if previous.is_empty() || LOOKUP_KEYS.contains(&previous) => None,
            _ => Some(Expected::PossibleKey),
        },
        joined => of_joined(joined),
    }
}

/// The secret that a name in one word makes likely: `dbpassword`, `apikey`, `authtoken`.
fn of_joined(word: &str) -> Option<Expected> {
    let ends = |endings: &[&str]| endings.iter().any(|ending| word.ends_with(ending));
    if ends(&[
        "password",
        "passwd",
        "passphrase",
        "rootpw",
        "userpw",
        "adminpw",
        "dbpass",
        "pgpass",
        "userpass",
        "requirepass",
        "storepass",
        "keypass",
        "masterauth",
        "defaultpass",
        "bindpass",
    ]) {
        Some(Expected::Password)
    } else if ends(&[
        "secret",
        "apikey",
        "secretkey",
        "accesskey",
        "privatekey",
        "authtoken",
        "accesstoken",
        "apitoken",
        "bottoken",
        "refreshtoken",
        "encryptionkey",
        "signingkey",
        "authkey",
        "masterkey",
        "accountkey",
        "licensekey",
        "sharedkey",
        "appkey",
        "servicekey",
        "admintoken",
        "roottoken",
    ]) {
        Some(Expected::Key)
    } else {
        None
    }
}

/// A name's words in lower case, split at separators and before capitals.
struct NameWords {
    text: String,
    /// For each word, where it ends in `text`, and where it starts in the name.
    ends: Vec<(usize, usize)>,
}

impl NameWords {
    fn of(name: &str) -> Self {
        let mut words = Self { text: String::with_capacity(name.len()), ends: Vec::new() };
        let mut start = 0;
        let mut before: Option<char> = None;
        let mut characters = name.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            if !character.is_alphanumeric() {
                words.close(start);
                before = Some(character);
                continue;
            }
            let after = characters.peek().map(|(_, after)| *after);
            let starts = character.is_uppercase()
                && before.is_some_and(|before| {
                    before.is_lowercase()
                        || before.is_ascii_digit()
                        || before.is_uppercase() && after.is_some_and(char::is_lowercase)
                });
            if starts {
                words.close(start);
            }
            if words.open() == words.text.len() {
                start = at;
            }
            if character.is_ascii() {
                words.text.push(character.to_ascii_lowercase());
            } else {
                words.text.extend(character.to_lowercase());
            }
            before = Some(character);
        }
        words.close(start);
        words
    }

    /// Where the current word starts in `text`.
    fn open(&self) -> usize {
        self.ends.last().map_or(0, |(end, _)| *end)
    }

    fn close(&mut self, start: usize) {
        if self.open() < self.text.len() {
            self.ends.push((self.text.len(), start));
        }
    }

    fn len(&self) -> usize {
        self.ends.len()
    }

    /// The word with this index; empty if there is none.
    fn get(&self, index: usize) -> &str {
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before));
        let start = start.map_or(0, |(end, _)| *end);
        let end = self.ends.get(index).map_or(start, |(end, _)| *end);
        self.text.get(start..end).unwrap_or_default()
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// The index of the first word that starts at this byte of the name or after it; 0 if none
    /// does.
    fn first_after(&self, byte: usize) -> usize {
        self.ends.iter().position(|(_, start)| *start >= byte).unwrap_or(0)
    }
}

/// Words that may follow the one that counts.
fn is_modifier(word: &str) -> bool {
    const MODIFIERS: &[&str] = &[
        "value",
        "val",
        "inline",
        "string",
        "str",
        "text",
        "raw",
        "plain",
        "plaintext",
        "base64",
        "b64",
        "txt",
        "old",
        "new",
        "current",
        "previous",
        "prod",
        "production",
        "dev",
        "development",
        "staging",
        "stage",
        "test",
        "live",
        "default",
        "primary",
        "secondary",
        "backup",
        "data",
        "unencrypted",
        "decrypted",
    ];
    let number = word.strip_prefix('v').unwrap_or(word);
    number.bytes().all(|byte| byte.is_ascii_digit()) || MODIFIERS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(name: &str) -> Option<Expected> {
        read(name).and_then(|hint| hint.expected)
    }

    #[test]
    fn names_of_secrets() {
        for name in [
            "password",
            "DB_PASSWORD",
            "dbPassword",
            "POSTGRES_PASSWORD",
            "spring.datasource.password",
            "mysql-root-password",
            "rootPassword",
            "PGPASSWORD",
            "smtp_pass",
            "redisPassword2",
            "DB_PWD",
            "SNMP_COMMUNITY",
        ] {
            assert_eq!(expected(name), Some(Expected::Password), "{name}");
        }
        for name in [
            "API_KEY",
            "apiKey",
            "apikey",
            "x-api-key",
            "CLIENT_SECRET",
            "authToken",
            "SECRET_KEY_BASE",
            "jwtSecret",
            "aws_secret_access_key",
            "token",
            "bearer-token",
            "encryptionKey",
            "clientSecretValue",
        ] {
            assert_eq!(expected(name), Some(Expected::Key), "{name}");
        }
    }

    #[test]
    fn names_of_other_values() {
        for name in [
            "passwordFile",
            "PASSWORD_FILE",
            "secretName",
            "existingSecret",
            "secretKeyRef",
            "tokenUrl",
            "publicKey",
            "sortKey",
            "cacheKey",
            "key",
            "password_hash",
            "enablePassword",
            "tokenExpiry",
            "maxTokens",
            "access_key_id",
            "tokenReview",
            "keyspace",
            "compass",
            "bypass",
            "monkey",
            "passwordPolicy",
            "next_token",
            "secretRef",
            "pod-template-hash",
            "passwordSecretKey.name",
            "mysql_native_password",
            "mysql_user.update_password",
            "ansible_env.PWD",
            "NOPASSWD",
            "Access-Control-Allow-Credentials",
            "X-Amz-Credential",
            "output_token",
            "authenticity_token",
            "csrf-token",
            "result_key",
        ] {
            assert_eq!(expected(name), None, "{name}");
        }
    }
}
