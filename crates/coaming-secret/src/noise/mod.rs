//! Values that look like secrets and are not: placeholders, templates, references, hashes,
//! identifiers.
//!
//! `password: changeme` and `{{ .Values.password }}` do not leak anything. Each function recognizes
//! one such family; [`is_noise`] combines them.

mod identifier;
mod placeholder;
mod reference;
mod standards;

pub(crate) use identifier::is_identifier;
pub(crate) use placeholder::{has_run, is_monotonous, is_placeholder};
pub(crate) use reference::{is_hash, is_reference, is_template};

use crate::{check, randomness};

/// Whether a value is of no use to an attacker.
pub(crate) fn is_noise(value: &str) -> bool {
    let value = value.trim();
    value.is_empty()
        || is_literal(value)
        || is_template(value)
        || is_reference(value)
        || is_hash(value)
        || is_uuid(value)
        || is_location(value)
        || is_public(value)
        || identifier::is_pattern(value)
        || identifier::is_version(value)
        || is_list(value)
        || is_validation(value)
        || is_printed_object(value)
        || is_attribute(value)
        || is_placeholder(value)
        || standards::is_of_standard(value)
}

/// Words for the absence of a value, or for a type of value.
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
    "anonymous",
    "anonymous@",
    "anoncvs",
    "tbd",
    "tba",
    "n.a.",
    "not set",
    "notset",
    "(none)",
    "<none>",
    "<nil>",
    "-",
    "key",
    "value",
    "flag",
    "flags",
    "option",
    "options",
    "argument",
    "path",
    "dir",
    "directory",
    "confirmed",
    "nullable",
    "digest",
    // Methods of authentication in networks.
    "mschap",
    "mschapv2",
    // The usual names of communities in SNMP.
    "public",
    "private",
];

/// Whether a value is one of [`LITERALS`], or one that ends a note: `(using password: YES)`.
fn is_literal(value: &str) -> bool {
    let value = value.strip_suffix(')').filter(|_| !value.starts_with('(')).unwrap_or(value);
    LITERALS.iter().any(|literal| value.eq_ignore_ascii_case(literal))
}

/// Whether a value is a UUID: `014df517-39d1-4453-b7b3-9930c563627c`.
pub(crate) fn is_uuid(value: &str) -> bool {
    let value = value.trim_matches(['{', '}']);
    value.len() == 36
        && value.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Whether a value is a path, a file name, a URL or a host name.
pub(crate) fn is_location(value: &str) -> bool {
    const ENDINGS: &[&str] = &[
        ".pem", ".key", ".crt", ".json", ".yaml", ".yml", ".txt", ".conf", ".p12", ".jks", ".env",
    ];
    const ROOTS: &[&str] =
        &["/etc/", "/usr/", "/var/", "/run/", "/home/", "/root/", "/opt/", "/dev/"];
    let path = ROOTS.iter().any(|root| value.starts_with(root))
        || value.starts_with('/')
            && value[1..].contains('/')
            && !randomness::looks_random(value.as_bytes())
        || value.starts_with("./")
        || value.starts_with("../")
        || value.starts_with("~/");
    let file = ENDINGS.iter().any(|ending| value.ends_with(ending));
    let cluster = value.contains(".svc.cluster.local") || value.ends_with(".svc");
    path || file || value.contains("://") || cluster
}

/// Whether a value is numbers with commas, or a pattern with asterisks.
fn is_list(value: &str) -> bool {
    value.matches(',').count() >= 2
        && value.bytes().all(|byte| byte.is_ascii_digit() || b", ".contains(&byte))
        || value.starts_with('*') && value.matches('*').count() >= 3
        || is_of_syntax(value)
}

/// Whether a value is rules of a form, as Laravel writes them: `required|min:8|confirmed`.
fn is_validation(value: &str) -> bool {
    const RULES: &[&str] = &["required", "nullable", "sometimes", "confirmed", "string"];
    value.contains('|') && value.split('|').any(|rule| RULES.contains(&rule))
}

/// Whether a value is an object as logs print it: `[UsernamePassword(username=john`, or JSON, whose
/// fields are judged by their own names.
fn is_printed_object(value: &str) -> bool {
    let is_json = ["{\"", "{\\\""].iter().any(|start| value.starts_with(start));
    let Some((class, fields)) = value.trim_start_matches('[').split_once('(') else {
        return is_json && value.ends_with('}');
    };
    let field = fields.split('=').next().unwrap_or_default();
    let is_name = |name: &str| {
        name.len() >= 3 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    is_name(class)
        && class.starts_with(|c: char| c.is_ascii_uppercase())
        && field.len() < fields.len()
        && is_name(field)
        && !field.bytes().any(|byte| byte.is_ascii_digit())
}

/// Whether a value is the name of an attribute of RADIUS or of a header: `MS-CHAP-Password`.
fn is_attribute(value: &str) -> bool {
    let is_word = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_uppercase())
            && part.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    value
        .rsplit_once('-')
        .is_some_and(|(_, last)| matches!(last, "Password" | "Secret" | "Token" | "Key"))
        && value.split('-').all(is_word)
}

/// Whether a value is a flag, the start of an assignment, or a port: `--encrypt-password`, `name=`,
/// `464/tcp`.
fn is_of_syntax(value: &str) -> bool {
    let is_name = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    let port = value.strip_suffix("/tcp").or_else(|| value.strip_suffix("/udp"));
    // `StrictHostKeyChecking=no`
    let is_option = value.split_once('=').is_some_and(|(name, setting)| {
        name.len() >= 8
            && name.bytes().all(|byte| byte.is_ascii_alphabetic())
            && matches!(setting, "yes" | "no" | "true" | "false")
    });
    is_option
        || value.strip_prefix("--").is_some_and(is_name)
        || value
            .strip_suffix('=')
            .is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_alphabetic()))
        || port.is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
        // The fonts of manual pages: `\fBproxy_password:\fP <none>`.
        || ["\\fP", "\\fR", "\\fB", "\\fI"].iter().any(|font| value.starts_with(font))
}

/// Whether a value is meant to be public: a public key, the key of a web page, the token of jwt.io.
fn is_public(value: &str) -> bool {
    const STARTS: &[&str] = &[
        "pk_live_",
        "pk_test_",
        "pk1_",
        "prj_live_pk_",
        "prj_test_pk_",
        "ck_production_",
        "ck_staging_",
        "configcat-sdk-1/",
        "vlt_",
        "ssh-rsa ",
        "ssh-ed25519 ",
        "ecdsa-sha2-",
        "age1",
        "data:",
        "-----BEGIN CERTIFICATE",
        "-----BEGIN PUBLIC",
    ];
    STARTS.iter().any(|start| value.starts_with(start) && (*start != "age1" || value.len() == 62))
        || value.starts_with("eyJ") && check::is_example_jwt(value.as_bytes())
}

/// Whether the text starts with `start`, ignoring case.
pub(crate) fn starts_with(text: &str, start: &str) -> bool {
    text.as_bytes().get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start.as_bytes()))
}

/// Whether the text ends with `end`, ignoring case.
pub(crate) fn ends_with(text: &str, end: &str) -> bool {
    let start = text.len().saturating_sub(end.len());
    text.as_bytes().get(start..).is_some_and(|own| own.eq_ignore_ascii_case(end.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_and_locations() {
        assert!(is_uuid("014df517-39d1-4453-b7b3-9930c563627c"));
        assert!(!is_uuid("014df517-39d1-4453-b7b3"));
        assert!(!is_uuid("014df517-39d1-4453-b7b3-9930c563627g"));
        for yes in ["/etc/tls/tls.key", "./x", "https://example.org", "ca.pem"] {
            assert!(is_location(yes), "{yes}");
        }
        for yes in ["required|min:8|confirmed", "TBD", "none", "pk_live_x", "ssh-ed25519 AAAA"] {
            assert!(is_noise(yes), "{yes}");
        }
    }
}
