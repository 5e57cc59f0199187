//! What looks like a secret and is none: placeholders, templates, references, hashes, identifiers.
//!
//! Who writes `password: changeme` or `{{ .Values.password }}` has not leaked anything yet. Each
//! function here is about one such family; [`is_noise`] is all of them together.

use crate::measure;

/// Whether a value is none that an attacker could use.
pub(crate) fn is_noise(value: &str) -> bool {
    let value = value.trim();
    value.is_empty()
        || is_literal(value)
        || is_template(value)
        || is_reference(value)
        || is_hash(value)
        || is_uuid(value)
        || is_place(value)
        || is_placeholder(value)
}

/// A literal of some language that says nothing.
fn is_literal(value: &str) -> bool {
    const LITERALS: &[&str] = &[
        "true",
        "false",
        "yes",
        "no",
        "on",
        "off",
        "null",
        "nil",
        "none",
        "undefined",
        "nan",
        "~",
        "enabled",
        "disabled",
        "required",
        "optional",
        "auto",
        "always",
        "never",
        "n/a",
        "na",
        "empty",
        "string",
        "str",
        "int",
        "integer",
        "boolean",
        "bool",
        "object",
        "array",
        "bytes",
        "text",
        "env",
        "file",
        "basic",
        "bearer",
        "optional[str]",
        "any",
        "unset",
        "default",
    ];
    let lower = value.to_ascii_lowercase();
    LITERALS.contains(&lower.as_str())
}

/// Something else is put here later: `{{ .Values.x }}`, `${X}`, `$(X)`, `$X`, `%X%`, `<x>`, `@x@`.
pub(crate) fn is_template(value: &str) -> bool {
    let value = value.trim();
    const OPENINGS: &[&str] = &["{{", "${", "$(", "<%", "%{", "#{", "{%", "$[", "((", "[[", "__"];
    let identifier = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
    };
    let variable = |text: &str| {
        identifier(text) && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
    };
    let wrapped = |open: char, close: char| {
        value.len() > 2
            && value.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)).is_some()
    };
    let opened = OPENINGS.iter().any(|opening| match *opening {
        "__" => value.len() > 4 && value.starts_with("__") && value.ends_with("__"),
        "((" => value.starts_with("((") && value.ends_with("))"),
        "[[" => value.starts_with("[[") && value.ends_with("]]"),
        "#{" | "%{" | "$[" => value.contains(opening) && value.ends_with(['}', ']']),
        opening => value.contains(opening),
    });
    opened
        || value.strip_prefix('$').is_some_and(|rest| {
            variable(rest)
                && !rest.contains('-')
                && (rest.to_ascii_uppercase() == rest
                    || !rest.bytes().any(|byte| byte.is_ascii_digit()))
        })
        || value.strip_prefix("$env:").is_some_and(variable)
        || (wrapped('%', '%') || wrapped('@', '@')) && identifier(value.trim_matches(['%', '@']))
        || wrapped('<', '>')
        || wrapped('[', ']')
        || wrapped('{', '}')
        || value.starts_with('*') && value.trim_matches('*').is_empty()
}

/// The secret is somewhere else: a vault's path, a file, another variable, or it is encrypted.
pub(crate) fn is_reference(value: &str) -> bool {
    const SCHEMES: &[&str] = &[
        "vault:",
        "vault+",
        "vault/",
        "ref+",
        "secretref:",
        "op://",
        "bao:",
        "awssm",
        "awsps",
        "aws:",
        "arn:",
        "ssm:",
        "ssm://",
        "secretsmanager:",
        "gcpsm",
        "gcp:",
        "sm://",
        "azurekv",
        "azure-kv:",
        "azkv",
        "akvs",
        "keyvault:",
        "@microsoft.keyvault",
        "doppler://",
        "env:",
        "env://",
        "file:",
        "file://",
        "secret://",
        "secrets://",
        "k8s://",
        "k8s:",
        "kubernetes://",
        "kms:",
        "enc[",
        "enc(",
        "{cipher}",
        "$ansible_vault",
        "!vault",
        "encrypted:",
        "projects/",
        "secretkeyref",
        "valuefrom",
        "configmapkeyref",
        "bws:",
        "pass:",
        "chamber:",
        "conjur:",
        "summon:",
        "age-encrypted",
        "sops:",
        "path:",
        "ejson",
        "keychain:",
        "keyring:",
        "infisical:",
        "process.env",
        "os.environ",
        "os.getenv",
        "system.getenv",
        "getenv(",
        "env.",
        "secrets.",
        "var.",
        "local.",
        "data.",
        "module.",
    ];
    let lower: String = value.trim().chars().take(24).collect::<String>().to_ascii_lowercase();
    SCHEMES.iter().any(|scheme| lower.starts_with(scheme))
}

/// A hash of a secret, or of anything else: it can't be used in the secret's place.
pub(crate) fn is_hash(value: &str) -> bool {
    const PREFIXES: &[&str] = &[
        "$2a$",
        "$2b$",
        "$2x$",
        "$2y$",
        "$argon2",
        "$1$",
        "$5$",
        "$6$",
        "$y$",
        "$7$",
        "$apr1$",
        "$pbkdf2",
        "$scrypt",
        "$sha1$",
        "$P$",
        "$H$",
        "$8$",
        "$9$",
        "{sha",
        "{ssha",
        "{crypt}",
        "{pbkdf2",
        "{argon2",
        "{bcrypt}",
        "sha1:",
        "sha224:",
        "sha256:",
        "sha384:",
        "sha512:",
        "sha3-",
        "md5:",
        "md5$",
        "sha256-",
        "sha384-",
        "sha512-",
        "sha1-",
        "blake2",
        "blake3:",
        "pbkdf2",
        "bcrypt",
        "scrypt:",
        "scram-sha",
        "h1:",
        "argon2",
    ];
    let value = value.trim();
    // `htpasswd` writes the user before the hash.
    let after_user = value.split_once(':').map_or(value, |(_, rest)| rest);
    let start = |text: &str| text.chars().take(10).collect::<String>().to_ascii_lowercase();
    let (whole, rest) = (start(value), start(after_user));
    PREFIXES.iter().any(|prefix| {
        let prefix = prefix.to_ascii_lowercase();
        whole.starts_with(&prefix) || prefix.starts_with(['$', '{']) && rest.starts_with(&prefix)
    }) || value.contains("@sha256:")
}

/// `014df517-39d1-4453-b7b3-9930c563627c`
pub(crate) fn is_uuid(value: &str) -> bool {
    let value = value.trim_matches(['{', '}']);
    let parts: Vec<&str> = value.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| measure::is_hex(part.as_bytes()))
}

/// A path, an address, a time span, a version, an image: it says where or how much.
pub(crate) fn is_place(value: &str) -> bool {
    let path = value.starts_with('/')
        && value[1..].contains('/')
        && !measure::looks_random(value.as_bytes())
        || value.starts_with("./")
        || value.starts_with("../")
        || value.starts_with("~/");
    let file =
        [".pem", ".key", ".crt", ".json", ".yaml", ".yml", ".txt", ".conf", ".p12", ".jks", ".env"]
            .iter()
            .any(|ending| value.ends_with(ending));
    let url = value.contains("://");
    let cluster = value.contains(".svc.cluster.local") || value.ends_with(".svc");
    path || file || url || cluster
}

/// Words that only stand where the real value is missing.
const MARKERS: &[&str] = &[
    "changeme",
    "change-me",
    "change_me",
    "change me",
    "changeit",
    "change-it",
    "changethis",
    "change-this",
    "change_this",
    "replaceme",
    "replace-me",
    "replace_me",
    "replace_with",
    "replace-with",
    "replacewith",
    "replacethis",
    "replace_this",
    "replace-this",
    "placeholder",
    "redacted",
    "example",
    "dummy",
    "your-",
    "your_",
    "yourpass",
    "yoursecret",
    "yourtoken",
    "yourapi",
    "yourkey",
    "<your",
    "xxxx",
    "****",
    "....",
    "insert-",
    "insert_",
    "todo",
    "fixme",
    "to-be-",
    "to_be_",
    "fillme",
    "fill-me",
    "fill_me",
    "lorem",
    "notarealsecret",
    "not-a-real",
    "not_a_real",
    "not-real",
    "notreal",
    "sample",
    "goes-here",
    "goes_here",
    "-here",
    "_here",
    "foobar",
    "no-secret",
    "nosecret",
    "removed",
    "masked",
    "hidden",
    "set-me",
    "set_me",
    "setme",
];

/// Words that placeholders are put together from. What consists of nothing else is one.
const WORDS: &[&str] = &[
    "a",
    "access",
    "actual",
    "add",
    "an",
    "any",
    "api",
    "app",
    "auth",
    "bar",
    "be",
    "baz",
    "change",
    "client",
    "config",
    "database",
    "db",
    "default",
    "demo",
    "dev",
    "development",
    "do",
    "encoded",
    "encryption",
    "enter",
    "fake",
    "foo",
    "for",
    "from",
    "generate",
    "generated",
    "goes",
    "here",
    "hidden",
    "id",
    "in",
    "insecure",
    "insert",
    "is",
    "it",
    "jwt",
    "key",
    "keys",
    "local",
    "me",
    "mock",
    "must",
    "my",
    "mysql",
    "new",
    "not",
    "of",
    "only",
    "or",
    "pass",
    "passphrase",
    "passwd",
    "password",
    "placeholder",
    "please",
    "postgres",
    "private",
    "prod",
    "production",
    "pwd",
    "put",
    "random",
    "real",
    "redis",
    "replace",
    "root",
    "sample",
    "secret",
    "secrets",
    "secure",
    "set",
    "session",
    "signing",
    "some",
    "stage",
    "staging",
    "string",
    "strong",
    "stub",
    "super",
    "test",
    "testing",
    "the",
    "this",
    "to",
    "token",
    "top",
    "unused",
    "use",
    "user",
    "value",
    "very",
    "with",
    "xxx",
    "you",
    "your",
];

/// Whether somebody is still to put the real value here.
pub(crate) fn is_placeholder(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    if MARKERS.iter().any(|marker| lower.contains(marker)) || is_filler(value.as_bytes()) {
        return true;
    }
    // Digits and signs make a password of words, if a bad one; only separators don't.
    if !lower.bytes().all(|byte| byte.is_ascii_lowercase() || b"-_. ".contains(&byte)) {
        return false;
    }
    // The usual default users are passwords that work: `postgres`, `root`, `admin`.
    if matches!(lower.as_str(), "postgres" | "root" | "mysql" | "redis" | "user" | "admin") {
        return false;
    }
    lower.split(['-', '_', '.', ' ']).all(|part| is_of_words(part.as_bytes()))
}

/// Whether a text can be cut into known words. Short texts only: nobody fills in an essay.
fn is_of_words(text: &[u8]) -> bool {
    const LONGEST: usize = 64;
    if text.len() > LONGEST {
        return false;
    }
    let mut reachable = [false; LONGEST + 1];
    reachable[0] = true;
    for start in 0..text.len() {
        if !reachable[start] {
            continue;
        }
        let rest = text.get(start..).unwrap_or_default();
        for word in WORDS.iter().filter(|word| rest.starts_with(word.as_bytes())) {
            reachable[start + word.len()] = true;
        }
    }
    reachable[text.len()]
}

/// The same few characters again and again, or the alphabet in its order.
pub(crate) fn is_filler(value: &[u8]) -> bool {
    if value.len() < 3 {
        return false;
    }
    let distinct = measure::makeup(value).distinct;
    if distinct <= 2 || value.len() >= 16 && distinct <= 4 {
        return true;
    }
    let (mut same, mut rising, mut longest_same, mut longest_rising) = (1, 1, 1, 1);
    for pair in value.windows(2) {
        let (before, after) = (pair[0].to_ascii_lowercase(), pair[1].to_ascii_lowercase());
        same = if before == after { same + 1 } else { 1 };
        let follows = after == before.wrapping_add(1)
            || before == b'9' && after == b'0'
            || before == b'9' && after == b'a';
        rising = if follows { rising + 1 } else { 1 };
        longest_same = longest_same.max(same);
        longest_rising = longest_rising.max(rising);
    }
    longest_same >= 6 && longest_same * 5 >= value.len() && value.len() < 60
        || longest_same >= 4 && longest_same * 3 >= value.len()
        || longest_rising >= 9 && value.len() > 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders() {
        for yes in [
            "changeme",
            "CHANGE_ME",
            "your-password-here",
            "YOUR_API_KEY",
            "<password>",
            "xxxxxxxx",
            "********",
            "password",
            "my-secret-password",
            "mysecretpassword",
            "AKIAIOSFODNN7EXAMPLE",
            "dummy-token",
            "replace-with-real-token",
            "secret",
            "supersecret",
            "todo",
            "test",
            "aaaaaaaa",
            "0000000000000000",
            "abcdefghijklmnop",
            "changeme123",
            "fake_password",
        ] {
            assert!(is_placeholder(yes) || is_template(yes), "{yes}");
        }
        for no in [
            "hunter2",
            "P@ssw0rd123",
            "postgres",
            "admin",
            "Tr0ub4dor&3",
            "x9Kq2LmZ8vTn4RwY",
            "password123!",
            "correct horse battery",
            "s3cr3t",
            "letmein",
            "12345678",
        ] {
            assert!(!is_placeholder(no), "{no}");
        }
    }

    #[test]
    fn templates_and_references() {
        for yes in [
            "{{ .Values.password }}",
            "${PASSWORD}",
            "$(PASSWORD)",
            "$PASSWORD",
            "%PASSWORD%",
            "<password>",
            "{{password}}",
            "prefix-${X}",
            "@password@",
            "#{password}",
        ] {
            assert!(is_template(yes), "{yes}");
        }
        for no in ["pa$$word1", "$ecret-1", "a<b>c", "100%"] {
            assert!(!is_template(no), "{no}");
        }
        for yes in [
            "vault:secret/data/x#y",
            "op://vault/item",
            "arn:aws:secretsmanager:x",
            "ENC[AES256_GCM,data:x]",
        ] {
            assert!(is_reference(yes), "{yes}");
        }
    }

    #[test]
    fn hashes_identifiers_and_places() {
        for yes in ["$2y$10$abcdefghijk", "user:$apr1$x$y", "sha256:abc", "{SHA}x", "a/b@sha256:00"]
        {
            assert!(is_hash(yes), "{yes}");
        }
        assert!(is_uuid("014df517-39d1-4453-b7b3-9930c563627c"));
        assert!(!is_uuid("014df517-39d1-4453-b7b3"));
        for yes in ["/etc/tls/tls.key", "./x", "https://example.org", "ca.pem"] {
            assert!(is_place(yes), "{yes}");
        }
    }
}
