//! Credentials in an image: which files are searched, and what is found in them.
//!
//! Files in which tools store credentials are known by name and read in their own format; what
//! people write into configuration is left to [`coaming_secret`]. Published files are skipped: the
//! trees of installed dependencies here, and files of the distribution's packages when the layers
//! are joined. Invariant: no value leaves this module.

use std::collections::BTreeSet;

use coaming_secret::{Detection, TextKind, detector, structured};

use crate::decode::lossy;
use crate::tree::name_of;

/// The largest file that is searched, in bytes.
pub(crate) const LIMIT: u64 = 1 << 20;
/// The most credentials that are reported of one file.
const MATCH_LIMIT: usize = 20;

/// A credential: what it is and where, never its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CredentialMatch {
    /// `private-key`.
    pub(crate) kind: String,
    /// Where in the file: `line 3`; may be empty.
    pub(crate) label: String,
    /// The variable with this value, if that is known.
    pub(crate) name: Option<String>,
}

impl CredentialMatch {
    fn of(kind: &str) -> Self {
        Self { kind: kind.to_owned(), label: String::new(), name: None }
    }
}

/// Directories of published dependencies: their contents are public.
const PUBLISHED: &[&str] = &[
    "/node_modules/",
    "/site-packages/",
    "/dist-packages/",
    "/vendor/bundle/",
    "/vendor/composer/",
    "/go/pkg/mod/",
    "/.cargo/registry/",
    "/rubygems/",
    "/gems/",
];
/// Directories of programs and their data, except [`LOCAL`].
const SYSTEM: &[&str] =
    &["/usr/", "/lib/", "/lib64/", "/bin/", "/sbin/", "/boot/", "/proc/", "/sys/", "/dev/"];
/// Directories for local files.
const LOCAL: &[&str] = &["/usr/src/", "/usr/local/", "/usr/share/nginx/"];

/// Decides whether a file of a tool contains credentials.
type Judge = fn(text: &str) -> bool;

/// Files by the end of their path, the kind of credential in them, and the test for it.
const KNOWN: &[(&str, &str, Judge)] = &[
    ("/.aws/credentials", "aws-credentials", |text| has_value(text, "aws_secret_access_key")),
    ("/.aws/config", "aws-credentials", |text| has_value(text, "aws_secret_access_key")),
    ("/gcloud/application_default_credentials.json", "gcp-credentials", is_google),
    ("/gcloud/credentials.db", "gcp-credentials", |text| !text.is_empty()),
    ("/gcloud/access_tokens.db", "gcp-credentials", |text| !text.is_empty()),
    ("/.azure/accesstokens.json", "azure-credentials", |text| text.contains("accessToken")),
    ("/.azure/msal_token_cache.json", "azure-credentials", |text| text.contains("RefreshToken")),
    ("/.docker/config.json", "registry-credentials", is_docker),
    ("/.dockercfg", "registry-credentials", is_docker),
    ("/containers/auth.json", "registry-credentials", is_docker),
    ("/.kube/config", "kubeconfig", is_kubeconfig),
    ("/etc/kubernetes/admin.conf", "kubeconfig", is_kubeconfig),
    ("/kubeconfig", "kubeconfig", is_kubeconfig),
    ("/.npmrc", "npm-token", |text| {
        ["_authtoken", "_password", "_auth"].iter().any(|key| has_value(text, key))
    }),
    ("/.yarnrc.yml", "npm-token", |text| has_value(text, "npmauthtoken")),
    ("/.netrc", "netrc", is_netrc),
    ("/_netrc", "netrc", is_netrc),
    ("/.pypirc", "pypi-credentials", |text| has_value(text, "password")),
    ("/.pgpass", "pgpass", is_pgpass),
    ("/.my.cnf", "mysql-credentials", |text| has_value(text, "password")),
    ("/.git-credentials", "git-credentials", has_login),
    ("/.git/config", "git-credentials", has_login),
    ("/.vault-token", "vault-token", |text| !text.trim().is_empty()),
    ("/.terraform.d/credentials.tfrc.json", "terraform-token", |text| text.contains("\"token\"")),
    ("/.cargo/credentials", "cargo-token", |text| has_value(text, "token")),
    ("/.cargo/credentials.toml", "cargo-token", |text| has_value(text, "token")),
    ("/.gem/credentials", "rubygems-token", |text| text.contains("api_key")),
    ("/.composer/auth.json", "composer-credentials", |text| {
        text.contains("\"password\"") || text.contains("oauth")
    }),
    ("/.m2/settings.xml", "maven-credentials", |text| {
        text.contains("<password>") && !text.contains("<password>${")
    }),
    ("/etc/shadow", "password-hash", is_shadow),
    ("/.htpasswd", "password-hash", |text| text.contains(":$") || text.contains(":{SHA}")),
    ("/secrets/kubernetes.io/serviceaccount/token", "service-account-token", |text| {
        text.starts_with("eyJ")
    }),
    ("/.bash_history", "shell-history", has_lines),
    ("/.ash_history", "shell-history", has_lines),
    ("/.sh_history", "shell-history", has_lines),
    ("/.zsh_history", "shell-history", has_lines),
    ("/.python_history", "shell-history", has_lines),
    ("/.node_repl_history", "shell-history", has_lines),
    ("/.psql_history", "shell-history", has_lines),
    ("/.mysql_history", "shell-history", has_lines),
    ("/.rediscli_history", "shell-history", has_lines),
    ("/.git/head", "git-repository", |text| text.starts_with("ref: ") || text.trim().len() == 40),
];

/// File name extensions of files that people write settings and keys into.
const ENDINGS: &[&str] = &[
    "json",
    "yaml",
    "yml",
    "properties",
    "ini",
    "conf",
    "cfg",
    "config",
    "cnf",
    "toml",
    "xml",
    "env",
    "sh",
    "tfvars",
    "tfstate",
    "pem",
    "key",
    "ppk",
    "pgp",
    "asc",
    "ovpn",
    "sql",
    "p12",
    "pfx",
    "jks",
    "keystore",
    "kdbx",
    "txt",
    "password",
    "secret",
    "token",
];

/// Names of such files, whatever their extension.
const NAMES: &[&str] = &[
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "identity",
    "settings.py",
    "config.php",
    "wp-config.php",
    "configuration.php",
    "database.php",
    "local.settings.json",
    "credentials",
    "secrets",
    "password",
    "secret",
    "token",
    "passwd.txt",
];

/// Lists of dependencies, generated files, and settings of the system: never a secret.
const HARMLESS: &[&str] = &[
    "nsswitch.conf",
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "composer.lock",
    "composer.json",
    "installed.json",
    "tsconfig.json",
    "cargo.toml",
    "pyproject.toml",
    "pnpm-lock.yaml",
    "ca-certificates.conf",
];

/// Whether the file at this path is searched for credentials.
pub(crate) fn wants(path: &str) -> bool {
    let name = name_of(path);
    let below =
        |directories: &[&str]| directories.iter().any(|directory| starts_with(path, directory));
    // Directories and names alone rule out most files, and there are many.
    let candidate = (!below(SYSTEM) || below(LOCAL)) && is_candidate(name);
    if !candidate && !is_known_name(name) {
        return false;
    }
    let lower = path.to_ascii_lowercase();
    !PUBLISHED.iter().any(|directory| lower.contains(directory))
        && (candidate || known(&lower).is_some())
}

/// Whether a text starts like this, ignoring case.
fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|it| start.eq_ignore_ascii_case(it))
}

/// Whether a file of this name is one that people write settings and keys into.
fn is_candidate(name: &str) -> bool {
    let is = |other: &&str| name.eq_ignore_ascii_case(other);
    let ends = |end: &str| {
        let place = name.len().checked_sub(end.len());
        place.and_then(|place| name.get(place..)).is_some_and(|it| end.eq_ignore_ascii_case(it))
    };
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    // Few names pass the first test, so the second one is cheap.
    (ENDINGS.iter().any(|other| ending.eq_ignore_ascii_case(other))
        || NAMES.iter().any(is)
        || starts_with(name, ".env")
        || starts_with(name, "ssh_host_") && ends("_key"))
        && !HARMLESS.iter().any(is)
}

/// Whether one of the known files has this name.
fn is_known_name(name: &str) -> bool {
    KNOWN.iter().any(|(ending, ..)| {
        let known = ending.len().checked_sub(name.len() + 1).and_then(|start| ending.get(start..));
        known
            .and_then(|known| known.strip_prefix('/'))
            .is_some_and(|known| known.eq_ignore_ascii_case(name))
    })
}

fn known(lower: &str) -> Option<&'static (&'static str, &'static str, Judge)> {
    KNOWN.iter().find(|(ending, ..)| lower.ends_with(ending))
}

/// The credentials in a file.
pub(crate) fn in_file(path: &str, bytes: &[u8]) -> Vec<CredentialMatch> {
    if let Some(kind) = key_store(path, bytes) {
        return vec![CredentialMatch::of(kind)];
    }
    let text = lossy(bytes);
    let lower = path.to_ascii_lowercase();
    if let Some((_, kind, judge)) = known(&lower) {
        // A file that a tool stores credentials in is one thing to fix, however many are in it.
        return if judge(&text) { vec![CredentialMatch::of(kind)] } else { Vec::new() };
    }
    if bytes.iter().take(1024).any(|&byte| byte == 0) {
        return Vec::new();
    }
    let mut seen = BTreeSet::new();
    detector()
        .scan(&*text, TextKind::File(path))
        .into_iter()
        .filter(|detection| detection.confidence > coaming_secret::Confidence::Low)
        .filter(|detection| seen.insert(detection.range.start))
        .take(MATCH_LIMIT)
        .map(|detection| {
            let before = text.get(..detection.range.start).unwrap_or_default();
            let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
            CredentialMatch {
                kind: detection.kind.into_owned(),
                label: format!("line {line}"),
                name: None,
            }
        })
        .collect()
}

/// Key stores, by their first bytes.
fn key_store(path: &str, bytes: &[u8]) -> Option<&'static str> {
    let ending = path.rsplit_once('.')?.1.to_ascii_lowercase();
    match (ending.as_str(), bytes) {
        ("p12" | "pfx", [0x30, 0x80..=0x84, ..]) => Some("pkcs12-key-store"),
        ("jks" | "keystore", [0xfe, 0xed, 0xfe, 0xed, ..]) => Some("java-key-store"),
        ("kdbx", [0x03, 0xd9, 0xa2, 0x9a, ..]) => Some("keepass-database"),
        _ => None,
    }
}

/// The text with `…` in place of each credential, and the credentials; `name` is the name of the
/// variable or label with this text, if there is one.
pub(crate) fn redact(text: &str, name: Option<&str>) -> (String, Vec<CredentialMatch>) {
    let found = match name {
        Some(name) => detector().scan(text, TextKind::Value(name)),
        None => structured::in_text(detector(), "", text),
    };
    without(text, found)
}

/// The same for each word of a command: `-u` and what follows it are two words.
pub(crate) fn redact_words(words: &[String]) -> Vec<(String, Vec<CredentialMatch>)> {
    let texts: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut found = vec![Vec::new(); words.len()];
    for credential in structured::in_command(detector(), &texts) {
        if let Some(of_word) = found.get_mut(credential.word) {
            of_word.push(credential.detection);
        }
    }
    texts.into_iter().zip(found).map(|(text, found)| without(text, found)).collect()
}

/// The text without the detections in it.
fn without(text: &str, found: Vec<Detection>) -> (String, Vec<CredentialMatch>) {
    let mut redacted = String::new();
    let mut matches = Vec::new();
    let mut done = 0;
    for detection in found {
        let Some(before) = text.get(done..detection.range.start) else { continue };
        redacted.push_str(before);
        redacted.push('…');
        done = detection.range.end;
        let variable = assigned(before);
        matches.push(CredentialMatch {
            kind: detection.kind.into_owned(),
            label: String::new(),
            name: variable.map(str::to_owned),
        });
    }
    redacted.push_str(text.get(done..).unwrap_or_default());
    (redacted, matches)
}

/// The name in `… NAME=` or `… NAME="`.
fn assigned(before: &str) -> Option<&str> {
    let before = before.trim_end_matches(['"', '\'']).strip_suffix('=')?;
    let start =
        before.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(0, |at| at + 1);
    before.get(start..).filter(|name| !name.is_empty())
}

/// Whether a line gives the key a value that is neither empty nor a variable.
fn has_value(text: &str, key: &str) -> bool {
    text.lines().any(|line| {
        let Some((name, value)) = line.split_once(['=', ':']) else { return false };
        // In .npmrc the registry precedes the key: //registry.example/:_authToken=…
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name, value),
            None => (name, value),
        };
        let name = name.trim().trim_matches(['"', '\'']).to_ascii_lowercase();
        let name = name.rsplit(':').next().unwrap_or_default().trim();
        let value = value.trim().trim_matches(['"', '\'']);
        name == key && !value.is_empty() && !value.starts_with("${") && !value.starts_with('$')
    })
}

fn is_google(text: &str) -> bool {
    text.contains("\"private_key\"") || text.contains("\"refresh_token\"")
}

fn is_docker(text: &str) -> bool {
    let Ok(document) = serde_json::from_str::<serde_json::Value>(text) else { return false };
    let accounts = document.get("auths").unwrap_or(&document);
    accounts.as_object().into_iter().flatten().any(|(_, account)| {
        ["auth", "password", "identitytoken", "registrytoken"].iter().any(|key| {
            account.get(key).and_then(serde_json::Value::as_str).is_some_and(|it| !it.is_empty())
        })
    })
}

fn is_kubeconfig(text: &str) -> bool {
    ["client-key-data", "token", "password", "id-token", "refresh-token"].iter().any(|key| {
        text.lines().any(|line| {
            line.trim_start_matches([' ', '-']).strip_prefix(key).is_some_and(|rest| {
                rest.strip_prefix(':').is_some_and(|value| !value.trim().is_empty())
            })
        })
    })
}

fn is_netrc(text: &str) -> bool {
    let mut words = text.split_whitespace();
    words.any(|word| word == "password") && words.next().is_some_and(|it| !it.starts_with('$'))
}

fn is_pgpass(text: &str) -> bool {
    text.lines().any(|line| !line.starts_with('#') && line.split(':').count() >= 5)
}

/// `https://user:password@host`
fn has_login(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '\n', ' ', '"']).next().unwrap_or_default();
        authority.rsplit_once('@').is_some_and(|(login, _)| {
            login.split_once(':').is_some_and(|(_, password)| !password.is_empty())
                || login.len() >= 20
        })
    })
}

/// Whether there is a hash of a password, not only `*` or `!`.
fn is_shadow(text: &str) -> bool {
    text.lines().any(|line| line.split(':').nth(1).is_some_and(|hash| hash.starts_with('$')))
}

fn has_lines(text: &str) -> bool {
    text.lines().any(|line| !line.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(path: &str, text: &str) -> Vec<String> {
        assert!(wants(path), "{path}");
        in_file(path, text.as_bytes()).into_iter().map(|found| found.kind).collect()
    }

    #[test]
    fn recognizes_the_files_that_tools_store_credentials_in() {
        for (path, text, kind) in [
            (
                "/root/.aws/credentials",
                "[default]\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG\n",
                "aws-credentials",
            ),
            ("/app/.npmrc", "//registry.npmjs.org/:_authToken=npm_abcdef\n", "npm-token"),
            ("/home/app/.netrc", "machine x login y password z\n", "netrc"),
            (
                "/root/.docker/config.json",
                r#"{"auths": {"r.example": {"auth": "dXNlcjpwYXNz"}}}"#,
                "registry-credentials",
            ),
            ("/root/.kube/config", "users:\n- name: a\n  user:\n    token: abc\n", "kubeconfig"),
            (
                "/app/.git/config",
                "[remote \"origin\"]\nurl = https://me:pass@git.example/x\n",
                "git-credentials",
            ),
            ("/app/.git/HEAD", "ref: refs/heads/main\n", "git-repository"),
            ("/etc/shadow", "root:$y$j9T$abc$def:19000::::::\n", "password-hash"),
            ("/root/.bash_history", "mysql -u root\n", "shell-history"),
        ] {
            assert_eq!(kinds(path, text), [kind], "{path}");
        }
        assert_eq!(in_file("/app/key.p12", &[0x30, 0x82, 1, 0])[0].kind, "pkcs12-key-store");
    }

    #[test]
    fn settings_of_the_system_are_not_credentials() {
        // `passwd: files` says where users are looked up.
        assert!(!wants("/etc/nsswitch.conf"));
        assert!(wants("/etc/app.conf") && wants("/etc/Shadow") && wants("/app/.ENV.local"));
        assert!(!wants("/usr/share/app.conf") && !wants("/app/main.py") && !wants("/app/config"));
        assert!(wants("/app/.git/config") && wants("/etc/ssh/ssh_host_rsa_key"));
        assert!(!wants("/app/node_modules/x/.npmrc"));
    }

    #[test]
    fn reports_nothing_in_such_files_without_credentials() {
        for (path, text) in [
            ("/root/.aws/config", "[default]\nregion = eu-central-1\n"),
            ("/app/.npmrc", "//registry.npmjs.org/:_authToken=${NPM_TOKEN}\nfund=false\n"),
            ("/root/.docker/config.json", r#"{"auths": {"r.example": {}}, "credsStore": "pass"}"#),
            ("/root/.kube/config", "users:\n- name: a\n  user:\n    token:\n    exec: {}\n"),
            ("/app/.git/config", "url = https://git.example/x@y:z\nurl = git@github.com:a/b\n"),
            ("/etc/shadow", "root:*:19000::::::\nsync:!:1:\n"),
            ("/root/.bash_history", "\n"),
            ("/app/.env", "PORT=8080\nDEBUG=false\n"),
        ] {
            assert_eq!(kinds(path, text), [""; 0], "{path}");
        }
    }

    #[test]
    fn skips_published_files() {
        for path in [
            "/app/node_modules/agent/test/key.pem",
            "/usr/lib/python3/dist-packages/tests/keycert.pem",
            "/usr/share/doc/x/examples/server.key",
            "/app/package-lock.json",
        ] {
            assert!(!wants(path), "{path}");
        }
        assert!(wants("/usr/local/app/config.yaml"));
    }

    #[test]
    fn redacts_and_names_the_variable() {
        let key = "ghp_".to_owned() + "R4nd0mT0k3nV4lu3F0rT3sts0nly1234abcd";
        let (text, matches) = redact(&format!("RUN |1 GITHUB_TOKEN={key} /bin/sh -c make"), None);
        assert!(!text.contains("R4nd0m"), "{text}");
        assert!(text.starts_with("RUN |1 GITHUB_TOKEN=…"), "{text}");
        assert_eq!(matches[0].name.as_deref(), Some("GITHUB_TOKEN"));
    }
}
