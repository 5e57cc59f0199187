//! What a name says of its value: `DB_PASSWORD` holds one, `passwordFile` says where it is.
//!
//! Most names say nothing: one pass for the stems in [`STEMS`] tells, and only then the name is cut into
//! its words.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind};

/// What a name promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// What people choose and type: any value may be it.
    Password,
    /// What machines make: only a value that looks so is it.
    Key,
    /// Perhaps a key that machines make: only a value that looks very much so is it.
    Perhaps,
    /// An HTTP `Authorization` header.
    Authorization,
}

/// What a name says, if it says anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Says {
    /// What it promises of its value.
    pub(crate) promise: Option<Promise>,
    /// Whether the value may be a provider's key, if it has that provider's form.
    pub(crate) hints: bool,
}

/// The longest name that is looked at: longer ones are no names.
const MAX_NAME: usize = 200;

/// What is in every name that says anything.
const STEMS: &[&str] = &[
    "pass", "pwd", "pw", "psw", "pswd", "contrase", "secret", "token", "key", "cred", "auth",
    "salt", "pepper", "pat", "bearer", "psk", "cookie", "api", "licen", "webhook", "otp", "mfa",
    "2fa", "factor", "encrypt",
];

/// Names that don't end in `key` or `token` but have it in them.
const HINTS: &[&str] = &[
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

/// With one of these, a name hints at nothing.
const NO_HINTS: &[&str] = &[
    "id", "public", "hash", "sha", "commit", "digest", "revision", "checksum", "url", "name",
    "file", "path", "uri", "ref", "site",
];

/// Whether a name says that its value is a secret, whatever the value is: `DB_PASSWORD`, `NPM_TOKEN`.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    read(name).and_then(|says| says.promise).is_some_and(|promise| promise != Promise::Perhaps)
}

/// Whether a name says that its value is for everybody to see: `JWT_PUBLIC_KEY`, `siteKey`.
pub(crate) fn is_public(name: &str) -> bool {
    const PUBLIC: &[&str] = &["public", "pub", "publishable", "site", "fingerprint", "thumbprint"];
    name.len() <= MAX_NAME && Words::of(name).iter().any(|word| PUBLIC.contains(&word))
}

/// What the name says of its value; `None` if it can be no secret by this name.
pub(crate) fn read(name: &str) -> Option<Says> {
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
    let words = Words::of(name);
    let promise = promise(name, &words);
    let hints = words.iter().any(|word| HINTS.contains(&word))
        && !words.iter().any(|word| NO_HINTS.contains(&word));
    (promise.is_some() || hints).then_some(Says { promise, hints })
}

/// What the name promises of its value, if it promises a secret.
fn promise(name: &str, words: &Words) -> Option<Promise> {
    let mut count = words.len();
    while count > 1 && is_modifier(words.get(count - 1)) {
        count -= 1;
    }
    let last = words.get(count.checked_sub(1)?);
    let previous = if count > 1 { words.get(count - 2) } else { "" };
    // What stands before the last dot is where the value is, not what it is.
    let own = words.first_after(name.rfind(['.', '/']).map_or(0, |place| place + 1));
    if words.iter().skip(own).any(|word| NEGATIONS.contains(&word))
        || STARTS.contains(&words.get(own))
        // `checksum/secret`: what changes when the Secret does.
        || words.get(0) == "checksum"
        || name.contains("checksum/")
    {
        return None;
    }
    match last.trim_end_matches(|c: char| c.is_ascii_digit()) {
        "authorization" => Some(Promise::Authorization),
        "password" | "passwd" | "passphrase" | "pwd" | "pass" | "passcode" | "passwort"
        | "contraseña" | "motdepasse" | "pw" | "psw" | "pswd" => Some(Promise::Password),
        "secret" | "credential" | "credentials" | "creds" | "cred" | "auth" | "salt" | "pepper"
        | "pat" | "bearer" | "psk" => Some(Promise::Key),
        "token" => (!PAGERS.contains(&previous)).then_some(Promise::Key),
        "cookie" => {
            matches!(previous, "erlang" | "secret" | "session" | "rabbitmq").then_some(Promise::Key)
        }
        "base" => {
            (previous == "key" && words.iter().any(|word| word == "secret")).then_some(Promise::Key)
        }
        "key" | "keyfile" => match previous {
            previous if KEYS.contains(&previous) => Some(Promise::Key),
            previous if previous.is_empty() || OTHER_KEYS.contains(&previous) => None,
            _ => Some(Promise::Perhaps),
        },
        joined => of_joined(joined),
    }
}

/// A name in one word: `dbpassword`, `apikey`, `authtoken`.
fn of_joined(word: &str) -> Option<Promise> {
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
        "masterauth",
        "defaultpass",
        "bindpass",
    ]) {
        Some(Promise::Password)
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
        Some(Promise::Key)
    } else {
        None
    }
}

/// A name's words in lower case, cut at separators and at capitals.
struct Words {
    text: String,
    /// Of each word: where it ends in `text`, and where it starts in the name.
    ends: Vec<(usize, usize)>,
}

impl Words {
    fn of(name: &str) -> Self {
        let mut words = Self { text: String::with_capacity(name.len()), ends: Vec::new() };
        let mut start = 0;
        let mut before: Option<char> = None;
        let mut characters = name.char_indices().peekable();
        while let Some((place, character)) = characters.next() {
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
                start = place;
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

    /// Where the word starts that is being read.
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

    /// The word at this place; empty where there is none.
    fn get(&self, place: usize) -> &str {
        let start = place.checked_sub(1).and_then(|before| self.ends.get(before));
        let start = start.map_or(0, |(end, _)| *end);
        let end = self.ends.get(place).map_or(start, |(end, _)| *end);
        self.text.get(start..end).unwrap_or_default()
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|place| self.get(place))
    }

    /// The first word that starts at this byte of the name or behind it; 0 if none does.
    fn first_after(&self, byte: usize) -> usize {
        self.ends.iter().position(|(_, start)| *start >= byte).unwrap_or(0)
    }
}

/// Words after the one that counts.
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
    ];
    word.bytes().all(|byte| byte.is_ascii_digit()) || MODIFIERS.contains(&word)
}

/// With one of these, the value is no secret whatever else the name says.
const NEGATIONS: &[&str] = &[
    "hash",
    "hashed",
    "public",
    "pub",
    "publishable",
    "encrypted",
    "sealed",
    "digest",
    "checksum",
    "fingerprint",
    "existing",
    "policy",
    "expiration",
    "expiry",
    "ttl",
    "length",
    "count",
    "regex",
    "pattern",
    "label",
    "description",
    "hint",
    "prompt",
    "placeholder",
    "help",
    "authorized",
    "error",
    "message",
    "sha256",
    "sha1",
    "md5",
    "thumbprint",
];

/// Names that start so ask a question or say what to do.
const STARTS: &[&str] = &[
    "enable", "enabled", "disable", "disabled", "use", "require", "required", "allow", "is", "has",
    "show", "hide", "enter", "confirm", "invalid", "wrong", "missing", "validate", "forgot",
    "reset", "rotate", "min", "max", "num", "generate", "no",
];

/// Tokens that say where one has got to.
const PAGERS: &[&str] = &[
    "next",
    "page",
    "continue",
    "continuation",
    "pagination",
    "sync",
    "resume",
    "start",
    "end",
    "max",
    "eos",
    "bos",
    "pad",
    "unk",
    "sep",
    "stop",
    "mask",
    "special",
    "idempotency",
    "client",
];

/// What a key is that is none to a lock.
const OTHER_KEYS: &[&str] = &[
    "cache",
    "partition",
    "primary",
    "foreign",
    "sort",
    "row",
    "map",
    "object",
    "config",
    "topology",
    "routing",
    "group",
    "index",
    "dedup",
    "bucket",
    "shard",
    "message",
    "translation",
    "i18n",
    "secret",
    "metadata",
    "label",
    "annotation",
    "unique",
    "natural",
    "lookup",
    "tag",
    "field",
    "ref",
    "order",
    "idempotence",
    "deduplication",
    "file",
    "name",
    "data",
    "property",
    "s3",
    "blob",
    "storage",
    "site",
    "color",
    "sequence",
    "api-version",
];

/// What a key is, if it is a secret.
const KEYS: &[&str] = &[
    "api",
    "access",
    "secret",
    "private",
    "encryption",
    "signing",
    "jwt",
    "hmac",
    "master",
    "account",
    "storage",
    "shared",
    "app",
    "application",
    "consumer",
    "auth",
    "authentication",
    "service",
    "session",
    "integration",
    "ingest",
    "ingestion",
    "license",
    "licence",
    "server",
    "fernet",
    "deploy",
    "ssh",
    "rsa",
    "tls",
    "admin",
    "root",
    "write",
    "read",
    "db",
    "database",
    "crypto",
    "cipher",
    "aes",
    "secretbox",
    "sign",
    "cookie",
    "csrf",
    "vapid",
    "webhook",
    "security",
    "user",
    "global",
    "interchange",
    "insert",
    "sdk",
    "rest",
    "developer",
    "dev",
    "project",
    "team",
    "org",
    "unseal",
    "recovery",
    "wireguard",
    "preshared",
    "accesskey",
    "symmetric",
    "hash",
    "x",
    "functions",
    "function",
    "host",
    "subscription",
    "connection",
    "bot",
    "client",
    "rest",
    "http",
    "token",
    "decryption",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn promise(name: &str) -> Option<Promise> {
        read(name).and_then(|says| says.promise)
    }

    #[test]
    fn names_that_promise() {
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
        ] {
            assert_eq!(promise(name), Some(Promise::Password), "{name}");
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
            assert_eq!(promise(name), Some(Promise::Key), "{name}");
        }
    }

    #[test]
    fn names_that_do_not() {
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
        ] {
            assert_eq!(promise(name), None, "{name}");
        }
    }
}
