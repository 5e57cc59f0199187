//! What one line of a text contains that must not be shown.

use super::{name, word};

/// What a line means for itself and for the lines below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Judgement {
    /// It may contain a secret.
    pub(super) hidden: bool,
    /// The lines that are indented more belong to a secret.
    pub(super) opens: bool,
    /// The next line belongs to a secret, whatever its indentation.
    pub(super) continues: bool,
    /// It is the name of a secret, whose value is in a field beside it.
    pub(super) names: bool,
}

/// Fields beside the name of a secret that do not contain it.
const BESIDE: &[&str] = &[
    "image",
    "command",
    "args",
    "ports",
    "env",
    "envFrom",
    "valueFrom",
    "secretKeyRef",
    "secret",
    "secretRef",
    "volumeMounts",
    "resources",
    "securityContext",
    "mountPath",
    "key",
    "optional",
    "kind",
    "namespace",
    "labels",
    "apiVersion",
    "readOnly",
    "imagePullPolicy",
    "type",
];

/// Fields that take a number or a boolean: any other value there is a mistake.
const TYPED: &[&str] = &[
    "privileged",
    "hostNetwork",
    "hostPID",
    "hostIPC",
    "hostUsers",
    "shareProcessNamespace",
    "allowPrivilegeEscalation",
    "readOnlyRootFilesystem",
    "runAsNonRoot",
    "runAsUser",
    "runAsGroup",
    "fsGroup",
    "automountServiceAccountToken",
    "readOnly",
    "replicas",
    "containerPort",
    "hostPort",
    "defaultMode",
    "mode",
    "optional",
    "stdin",
    "tty",
    "suspend",
    "immutable",
    "paused",
    "revisionHistoryLimit",
    "backoffLimit",
    "activeDeadlineSeconds",
    "terminationGracePeriodSeconds",
    "initialDelaySeconds",
    "periodSeconds",
    "timeoutSeconds",
    "enableServiceLinks",
];

/// Programs and statements that take a password where nothing names it.
const COMMANDS: &[&str] = &[
    "chpasswd",
    "sshpass",
    "htpasswd",
    "openssl passwd",
    "identified by",
    "identified with",
    ".netrc",
    "requirepass",
    "psexec",
    "net user",
    "mkpasswd",
    "kinit",
    "securestring",
    "networkcredential",
    "usermod -p",
    "useradd -p",
    "--stdin",
];

/// Fields with parts, none of which is a secret.
const PLAIN: &[&str] = &[
    "capabilities",
    "limits",
    "requests",
    "resources",
    "seLinuxOptions",
    "seccompProfile",
    "securityContext",
];

/// Whether a JSON pointer, as the `path` of a patch, leads to a field that takes no text, or has only
/// parts that are no secrets.
pub(super) fn is_plain_field(path: &str) -> bool {
    let path = path.trim().trim_matches(['"', '\'']);
    let last = path.starts_with('/').then(|| path.rsplit('/').next()).flatten();
    last.is_some_and(|last| TYPED.contains(&last) || PLAIN.contains(&last))
}

/// Judges a line. `beside` says that a line shortly above is the name of a secret; `is_known` that its
/// `value` is that of a field or variable without secrets.
pub(super) fn judge(line: &str, beside: bool, is_known: bool) -> Judgement {
    let mut judgement = Judgement::default();
    let bytes = line.as_bytes();
    let statement = line.trim_start_matches([' ', '\t', '#', '-', '+']);
    let is_setting = ["ENV ", "ARG ", "LABEL ", "env ", "arg "]
        .iter()
        .any(|keyword| statement.starts_with(keyword));
    let machine = line.find("machine ");
    let mut at = 0;
    let mut named_before = false;
    while let Some((start, end)) = next_word(bytes, at) {
        at = end;
        let own = line.get(start..end).unwrap_or_default();
        let rest = line.get(end..).unwrap_or_default();
        let Some((value, is_spaced)) = assigned(rest) else { continue };
        let is_flag = own.starts_with('-');
        let own = own.trim_matches(['-', '.', '_']);
        if is_spaced && !is_flag && !is_setting && !is_entry(line, start, machine) {
            continue;
        }
        let is_plain = is_known && own == "value";
        let (is_secret, is_value) = (name::is_secret(own), name::is_value(own) && !is_plain);
        let is_field = rest.trim_start_matches(['"', '\'', '\\']).starts_with(':');
        if is_secret || is_value && is_field {
            let (harmless, is_open) = (is_harmless(value), is_open(value));
            let is_object =
                name::is_object(own) && (is_open || value.trim_start().starts_with('{'));
            // A switch or a small number (`value: "0"`) under a name that means no secret.
            let is_small = !is_secret && !beside && is_small_number(value);
            judgement.hidden |= !harmless && !is_object && !is_small;
            judgement.opens |= is_open && !is_object;
            judgement.continues |= is_open && !is_object;
        }
        if is_field && TYPED.contains(&own) {
            let typed = value.split([',', '}', '#']).next().unwrap_or_default();
            let typed = typed.trim().trim_matches(['"', '\'']);
            let is_number = typed.bytes().all(|byte| byte.is_ascii_digit());
            // No port has more digits.
            let is_too_long = own.ends_with("Port") && typed.len() > 5;
            judgement.hidden |= (!is_number || is_too_long) && !is_harmless(value);
        }
        // In `{name: PASSWORD, vlaue: x}`.
        if is_field && BESIDE.contains(&own) {
            named_before = false;
        } else if is_field && own == "name" {
            let named = value.split([',', '}']).next().unwrap_or_default();
            named_before =
                value.contains(',') && name::is_secret(named.trim().trim_matches(['"', '\'']));
        }
        judgement.hidden |= named_before && is_field && own != "name" && !is_harmless(value);
        // Only of a field at the start of its line.
        let first = line.get(..start).unwrap_or_default();
        if is_field && first.trim_matches([' ', '\t', '-', '"', '\'', '{', '#']).is_empty() {
            judgement.hidden |= beside && !BESIDE.contains(&own) && !is_harmless(value);
            if matches!(own, "name" | "key" | "variable") && !is_open(value) {
                let named = value.trim().trim_matches(['"', '\'', ',']);
                judgement.names |= name::is_secret(named) && named.contains(char::is_alphanumeric);
            }
        }
    }
    // `- --password`, and the value in the next item.
    let item = statement.trim_matches(['"', '\'', ',', ' ']);
    judgement.continues |= line.trim_start().starts_with(['-', '"', '\''])
        && item.starts_with(|c: char| c.is_alphanumeric())
        && !item.contains([' ', '=', ':'])
        && line.contains("--")
        && name::is_secret(item);
    judgement.hidden |= word::looks_secret(line) || takes_password(line) || has_user_info(line);
    judgement
}

/// The next name in a line.
fn next_word(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    let start = from + bytes.get(from..)?.iter().position(is_part)?;
    let length = bytes.get(start..)?.iter().take_while(|byte| is_part(byte)).count();
    Some((start, start + length))
}

/// What is assigned to a name, by what follows it, and whether only a space separates them.
fn assigned(rest: &str) -> Option<(&str, bool)> {
    let after = rest.trim_start_matches(['"', '\'', '\\', '`', ']', ')']);
    let spaceless = after.trim_start_matches([' ', '\t']);
    match spaceless.as_bytes() {
        [b':' | b'=' | b'>', ..] => {
            let value = spaceless.get(1..)?.trim_start_matches(['=', '>', ':']);
            Some((value, false))
        }
        [b',', ..] if after.len() < rest.len() => Some((spaceless.get(1..)?, true)),
        _ if spaceless.len() < after.len() && !spaceless.is_empty() => Some((spaceless, true)),
        _ => None,
    }
}

/// Whether a name and the word after it are an entry of a settings file or of a list of flags:
/// `requirepass x`, `machine x login y password z`, `PASSWORD 'x'`. `machine` is where that word is
/// in the line.
fn is_entry(line: &str, start: usize, machine: Option<usize>) -> bool {
    let before = line.get(..start).unwrap_or_default();
    before.trim_matches([' ', '\t', '#', '-', '"', '\'']).is_empty()
        || machine.is_some_and(|machine| machine < start)
        || before.ends_with(['"', '\''])
}

/// Whether a value says nothing: nothing, true or false, or something that is filled in later.
fn is_harmless(value: &str) -> bool {
    let value = value.trim().trim_start_matches(['"', '\'', '\\']);
    let end = value.find([',', '}', ']', '"', '\'', '\\', ' ', '#', '<', '&', ';']);
    let first = value.get(..end.unwrap_or(value.len())).unwrap_or_default();
    let is_template = ["{{", "${", "$(", "<%", "$"].iter().any(|open| {
        value.strip_prefix(open).is_some_and(|rest| {
            let name = rest.trim_start_matches([' ', '.', '$', '-']);
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        })
    });
    let is_empty = !value.contains(char::is_alphanumeric);
    let is_word = matches!(first, "" | "true" | "false" | "null" | "~" | "yes" | "no" | "|" | ">");
    (is_word || is_empty && matches!(first, "{" | "["))
        && !value.starts_with('<')
        && (end.is_none_or(|end| end > 0) || is_empty)
        || is_template && !value.contains("default") && !value.contains(":-")
}

/// Whether a value is a number of at most three digits, too short for a password.
fn is_small_number(value: &str) -> bool {
    let number = value.trim().trim_matches(['"', '\'', ',']);
    (1..=3).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the value is on the lines below.
fn is_open(value: &str) -> bool {
    let value = value.trim();
    let unclosed = |quote: char| {
        value.starts_with(quote) && value.chars().filter(|c| *c == quote).count() % 2 == 1
    };
    value.is_empty()
        || value.starts_with(['|', '>', '&', '!', '#'])
        || value.ends_with(['{', '[', ',', '\\', '('])
        || unclosed('"')
        || unclosed('\'')
        || value.starts_with("\"\"\"")
}

/// Whether a command on the line takes a password.
pub(super) fn takes_password(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    COMMANDS.iter().any(|command| lower.contains(command))
        || ["?key=", "&key=", "?sig=", "&sig="].iter().any(|key| lower.contains(key))
}

/// The part of a word before a host, if it is `user:password` without a scheme:
/// `registry.example/app:password@host/image`.
pub(super) fn bare_user_info(word: &str) -> Option<&str> {
    let (info, host) = word.rsplit_once('@')?;
    let (user, password) = info.rsplit_once(':')?;
    // Digests of images, versions of packages.
    let is_other = ["sha256:", "sha384:", "sha512:"].iter().any(|kind| host.starts_with(kind))
        || host.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit())
            && !host.contains([':', '/'])
        || word.contains("pkg:");
    let is_host = host.starts_with(|c: char| c.is_ascii_alphanumeric());
    (is_host && !is_other && !user.is_empty() && password.len() >= 3 && !is_harmless(password))
        .then_some(info)
}

/// The characters between the words of a line.
pub(super) fn ends_word(c: char) -> bool {
    c.is_whitespace() || "\"'`,;()[]{}=<>".contains(c)
}

/// Whether the line has an address with a password: `https://user:password@host`.
pub(super) fn has_user_info(line: &str) -> bool {
    line.split(ends_word).any(|word| !word.contains("://") && bare_user_info(word).is_some())
        || line.match_indices("://").any(|(at, separator)| {
            let rest = line.get(at + separator.len()..).unwrap_or_default();
            let end = rest.find(['/', ' ', '"', '\'', '<', '>']).unwrap_or(rest.len());
            let authority = rest.get(..end).unwrap_or_default();
            authority
                .rsplit_once('@')
                .and_then(|(info, _)| info.split_once(':'))
                .is_some_and(|(_, password)| !password.is_empty() && !is_harmless(password))
        })
}
