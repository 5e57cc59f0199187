//! See [`GuessablePassword`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use coaming_finding::{Confidence, Finding, RuleMeta};
use coaming_kube::{Fields as _, Object};
use coaming_secret::is_secret_name;
use coaming_yaml::Node;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// Passwords that everyone tries first: `changeme`, `password`, `admin` and the defaults of
    /// well-known programs, as the value of a variable or in a Secret; such a password in the URL of
    /// a variable; and keys and tokens such as `JWT_SECRET: secret`. In a manifest that is applied,
    /// a placeholder is the password. The finding does not show it.
    ///
    /// ## Why it matters
    ///
    /// An attacker who reaches the port has a list of these, and needs a second for it. That the
    /// password is in a file is the smaller problem.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: db
    /// spec:
    ///   containers:
    ///     - name: db
    ///       image: mysql:8.4.1
    ///       env:
    ///         - name: MYSQL_ROOT_PASSWORD
    ///           value: changeme
    /// ```
    ///
    /// A Secret does not make it better.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Secret
    /// metadata:
    ///   name: db
    /// stringData:
    ///   password: changeme
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: db
    /// spec:
    ///   containers:
    ///     - name: db
    ///       image: mysql:8.4.1
    ///       env:
    ///         - name: MYSQL_ROOT_PASSWORD
    ///           valueFrom:
    ///             secretKeyRef:
    ///               name: db
    ///               key: password
    /// ```
    ///
    /// What a tool fills in is not the password.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Secret
    /// metadata:
    ///   name: db
    /// stringData:
    ///   password: ${DB_PASSWORD}
    /// ```
    ///
    /// ## Fix
    ///
    /// Generate a password, and keep it where it is not readable: in a vault, or in an encrypted
    /// Secret.
    GuessablePassword {
        name: "guessable-password",
        summary: "Password is easy to guess",
        category: Secrets,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Authentication and authorization"), Attack("T1078.001")],
    }
}

/// Passwords of lists that attackers use, and placeholders.
const GUESSES: &[&str] = &[
    "1234",
    "12345",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "abc123",
    "admin",
    "admin1",
    "admin123",
    "administrator",
    "adminpassword",
    "bitnami",
    "changeit",
    "changeme",
    "default",
    "demo",
    "dummy",
    "elastic",
    "example",
    "fake_password",
    "foobar",
    "grafana",
    "guest",
    "hunter2",
    "letmein",
    "minio",
    "minio123",
    "minioadmin",
    "mongo",
    "mongodb",
    "mysql",
    "neo4j",
    "nopassword",
    "pass",
    "passw0rd",
    "passwd",
    "password",
    "postgres",
    "postgresql",
    "prom-operator",
    "qwerty",
    "rabbitmq",
    "redis",
    "root",
    "rootpassword",
    "sample",
    "secret",
    "supersecret",
    "test",
    "test123",
    "testtest",
    "toor",
    "user",
    "welcome",
    "welcome1",
];

impl ObjectRule for GuessablePassword {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        let object = scope.object;
        let mut found: Vec<(String, Node<'_>)> = Vec::new();
        if object.kind() == "Secret" && object.group().is_empty() {
            found.extend(in_secret(object));
        }
        for workload in context.world.workloads_of(object) {
            for container in workload.pod().containers() {
                found.extend(container.node().list("env").filter_map(|variable| {
                    let name = variable.string("name")?;
                    let value = variable.field("value")?;
                    guessed(name, value.as_str()?).then(|| (format!("variable `{name}`"), value))
                }));
            }
        }
        // The other rules report what they know to be a credential.
        let known = scope.secrets(context.detector());
        found.retain(|(_, node)| known.iter().all(|it| it.node.path() != node.path()));
        let Some((first, node)) = found.first() else { return };
        let more = match found.len() {
            1 => String::new(),
            2 => " and one more".to_owned(),
            count => format!(" and {} more", count - 1),
        };
        let message = format!(
            "{first}{more} of {} {} a password that everyone tries first",
            phrases::object(object),
            phrases::plural(found.len(), "has", "have"),
        );
        let mut draft = context.finding(Self::RULE, object, *node, message);
        for (label, node) in &found[1..] {
            draft = draft.at(*node, label.clone());
        }
        findings.push(
            draft
                .confidence(Confidence::Medium)
                .why("An attacker who reaches the port guesses it within a second.")
                .help("Generate a password, and mount it from a Secret that a vault fills.")
                .manual("generate a password", "openssl rand -base64 24")
                .done(),
        );
    }
}

/// Values that templates and tutorials give to keys and tokens, by their letters alone.
const GUESSED_KEYS: &[&str] = &[
    "changeit",
    "changeme",
    "changethis",
    "insecure",
    "jwtsecret",
    "keyboardcat",
    "minio",
    "minioadmin",
    "miniosecret",
    "mysecret",
    "mysecretkey",
    "notsecret",
    "notsosecret",
    "password",
    "replaceme",
    "secret",
    "secretkey",
    "supersecret",
    "supersecretkey",
    "topsecret",
    "verysecret",
    "verysecretkey",
];

/// The guessable values of a Secret.
fn in_secret(secret: Object<'_>) -> impl Iterator<Item = (String, Node<'_>)> {
    let plain = secret.node().pairs("stringData").map(|entry| {
        let text = entry.value.as_str().map(str::to_owned);
        (entry, text)
    });
    let encoded = secret.node().pairs("data").map(|entry| {
        let text = entry.value.as_str().and_then(decoded);
        (entry, text)
    });
    plain.chain(encoded).filter_map(|(entry, text)| {
        let is_guess = text.is_some_and(|text| guessed(entry.name(), &text));
        is_guess.then(|| (format!("key `{}`", entry.name()), entry.value))
    })
}

/// A short text in base64: longer ones are not guessed.
fn decoded(text: &str) -> Option<String> {
    let text = Some(text.trim()).filter(|text| text.len() <= 40)?;
    String::from_utf8(STANDARD.decode(text).ok()?).ok()
}

/// Whether a name is that of a credential, and its value one that everyone tries.
fn guessed(name: &str, value: &str) -> bool {
    let value = value.trim().to_ascii_lowercase();
    let is_filled_in = value.contains(['$', '{', '<', '%']) || value.starts_with("vault:");
    if is_filled_in {
        return false;
    }
    if let Some(password) = password_of_url(&value) {
        return is_guess(password);
    }
    is_password_name(name) && is_guess(&value) || is_key_name(name) && is_guessed_key(&value)
}

/// The password of an address: `postgres://app:password@db/app`.
fn password_of_url(value: &str) -> Option<&str> {
    let (_, rest) = value.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (info, _) = authority.rsplit_once('@')?;
    info.split_once(':').map(|(_, password)| password)
}

fn is_guessed_key(value: &str) -> bool {
    let letters: String = value.chars().filter(char::is_ascii_alphabetic).collect();
    GUESSED_KEYS.contains(&letters.as_str())
}

fn is_guess(value: &str) -> bool {
    let letters: String = value.chars().filter(|c| !matches!(c, '-' | '_' | '.' | '!')).collect();
    let base = letters.trim_end_matches(|c: char| c.is_ascii_digit());
    GUESSES.contains(&value)
        || GUESSES.contains(&letters.as_str())
        || matches!(
            base,
            "password"
                | "changeme"
                | "changeit"
                | "fakepassword"
                | "mypassword"
                | "secretpassword"
                | "replaceme"
                | "yourpassword"
                | "mysecretpassword"
        )
}

/// Whether a name is that of a key or token that the program itself makes or checks.
fn is_key_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase().replace(['-', '.'], "_");
    let ends = [
        "secret",
        "secret_key",
        "secretkey",
        "secret_access_key",
        "secret_key_base",
        "signing_key",
        "encryption_key",
        "token",
    ];
    is_secret_name(name) && ends.iter().any(|end| lower.ends_with(end))
}

fn is_password_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let names = ["password", "passwd", "pwd"];
    is_secret_name(name) && (names.iter().any(|it| lower.contains(it)) || lower.ends_with("pass"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_passwords() {
        for (name, value) in [
            ("MYSQL_ROOT_PASSWORD", "changeme"),
            ("MYSQL_PASSWORD", "password"),
            ("MYSQL_ROOT_PASSWORD", "fake_password"),
            ("DB_PASS", "postgres"),
            ("password", "Password123"),
            ("ADMIN_PASSWORD", "change-me"),
            ("JWT_SECRET", "secret"),
            ("SECRET_KEY_BASE", "replace-me"),
            ("SESSION_SECRET", "keyboard cat"),
            ("AUTH_TOKEN", "changeme"),
            ("MINIO_SECRET_KEY", "minioadmin"),
            ("AWS_SECRET_ACCESS_KEY", "minio123"),
            ("secretkey", "minioadmin"),
            ("s3.secretKey", "minioadmin"),
            ("DATABASE_URL", "postgres://app:password@db:5432/app"),
        ] {
            assert!(guessed(name, value), "{name}: {value}");
        }
        for (name, value) in [
            ("MYSQL_ROOT_PASSWORD", "${PASSWORD}"),
            ("PASSWORD_FILE", "password"),
            ("AUTH_TYPE", "password"),
            ("DB_USER", "postgres"),
            ("MYSQL_PASSWORD", "k3Jd92kfQ"),
            ("PASSWORD_POLICY_URL", "example"),
            ("TOKEN_TYPE", "secret"),
            ("JWT_SECRET", "todo"),
            ("DATABASE_URL", "postgres://app:${PASSWORD}@db/app"),
            ("SECRET_NAME", "secret"),
        ] {
            assert!(!guessed(name, value), "{name}: {value}");
        }
        assert_eq!(decoded("cGFzc3dvcmQ=").as_deref(), Some("password"));
        assert_eq!(decoded("%%"), None);
    }
}
