//! What a name says of its value: `DB_PASSWORD` holds one, `passwordFile` says where it is.

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

/// The longest name that is looked at: longer ones are no names.
const MAX_NAME: usize = 200;

/// What the name promises of its value, if it promises a secret.
pub(crate) fn promise(name: &str) -> Option<Promise> {
    if name.len() > MAX_NAME {
        return None;
    }
    let all = words(name);
    let mut considered: &[String] = &all;
    while let [rest @ .., last] = considered
        && !rest.is_empty()
        && is_modifier(last)
    {
        considered = rest;
    }
    let (last, before) = considered.split_last()?;
    let previous = before.last().map(String::as_str).unwrap_or_default();
    // What stands before the last dot is where the value is, not what it is.
    let own = words(name.rsplit(['.', '/']).next().unwrap_or(name));
    let own = if own.is_empty() { &all } else { &own };
    if own.iter().any(|word| NEGATIONS.contains(&word.as_str()))
        || own.first().is_some_and(|first| STARTS.contains(&first.as_str()))
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
        "base" => (previous == "key" && before.iter().any(|word| word == "secret"))
            .then_some(Promise::Key),
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
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let characters: Vec<char> = name.chars().collect();
    for (position, &character) in characters.iter().enumerate() {
        if !character.is_alphanumeric() {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            continue;
        }
        let before = position.checked_sub(1).and_then(|place| characters.get(place));
        let after = characters.get(position + 1);
        let starts = character.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_ascii_digit()
                    || before.is_uppercase() && after.is_some_and(|after| after.is_lowercase())
            });
        if starts && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        word.extend(character.to_lowercase());
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Words after the one that counts.
fn is_modifier(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
        || [
            "value",
            "val",
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
        ]
        .contains(&word)
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
    "show", "hide", "validate", "forgot", "reset", "rotate", "min", "max", "num", "generate", "no",
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
    "pgp",
    "gpg",
    "decryption",
];

#[cfg(test)]
mod tests {
    use super::*;

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
