//! Values that are filled in later, refer to a secret elsewhere, or are hashes.

use super::starts_with;

/// Whether a value is a template that is filled in later: `{{ .Values.x }}`, `${X}`, `$(X)`, `$X`,
/// `%X%`, `<x>`, `@x@`, `%s`.
pub(crate) fn is_template(value: &str) -> bool {
    // In a command, a variable may be in quotes of its own: `"password": "'$PASSWORD'"`.
    let value = value.trim().trim_matches('\'');
    // A template that goes on in the next line.
    if value.starts_with("{{ ") && !value.contains("}}") {
        return true;
    }
    // Every form contains one of these, which most values do not: a quick check.
    let is_sign = |byte| {
        matches!(
            byte,
            b'{' | b'$' | b'(' | b'<' | b'%' | b'#' | b'[' | b'_' | b'@' | b'&' | b'*' | b'?'
        )
    };
    if !value.bytes().any(is_sign) {
        return false;
    }
    const OPENINGS: &[&str] = &["{{", "${", "$(", "<%", "%{", "#{", "{%", "$[", "((", "[[", "__"];
    let identifier = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-:".contains(&byte))
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
        "#{" | "%{" | "$[" => {
            let end = value.trim_end_matches(['#', ')', '\\', '"', '\'']);
            value.contains(opening) && end.ends_with(['}', ']'])
        }
        opening => value.contains(opening),
    });
    // Formats of `printf`, and those of Python with names.
    let printed = matches!(value, "%s" | "%v" | "%d" | "%q" | "{}" | "{0}" | "?")
        || value.starts_with("%(") && value.ends_with(")s");
    // Text around a variable: `::add-mask::$PASSWORD`.
    let has_variable = value.rsplit_once(['=', ':', '/', ' ']).is_some_and(|(_, last)| {
        last.strip_prefix('$').is_some_and(|name| {
            name.len() >= 3 && variable(name) && !name.bytes().any(|byte| byte.is_ascii_lowercase())
        })
    });
    opened
        || printed
        || has_variable
        || value.starts_with("$__")
        || value.strip_prefix('$').is_some_and(|rest| {
            variable(rest)
                && !rest.contains('-')
                && (rest.to_ascii_uppercase() == rest
                    || !rest.bytes().any(|byte| byte.is_ascii_digit()))
        })
        || value.strip_prefix("$env:").is_some_and(variable)
        || (wrapped('%', '%') || wrapped('@', '@')) && identifier(value.trim_matches(['%', '@']))
        || wrapped('<', '>')
        || wrapped('[', ']') && !value.contains('"')
        || wrapped('{', '}') && !value.contains('"')
        || value.starts_with("&lt;")
        || starts_with_tag(value)
        || value.starts_with("@{")
        || value.strip_prefix('@').is_some_and(|rest| {
            rest.contains("PASS") && variable(rest) && rest.to_ascii_uppercase() == rest
        })
        || value.starts_with('*') && value.trim_matches('*').is_empty()
}

/// Whether a value starts with formatting in HTML, as documentation writes placeholders:
/// `<i>Password</i>`.
fn starts_with_tag(value: &str) -> bool {
    const TAGS: &[&str] = &["<i>", "<b>", "<em>", "<code>", "<var>", "<strong>", "<span"];
    TAGS.iter().any(|tag| starts_with(value, tag))
}

/// The starts of references, in lower case.
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
    "vault://",
    "awskms:",
    "gcpkms:",
    "azurekeyvault",
    "akeyless:",
    "cyberark:",
    "ssm-secure:",
    "akv:",
    "1password:",
    // The source of a secret that is mounted: `--secret id=npm,src=.npmrc`.
    "source=",
    "src=",
    "id=",
    // What Windows encrypted for one account, in base64 and hexadecimal.
    "aqaaancmnd8bfderjhoa",
    "01000000d08c9ddf0115d111",
];

/// Whether a value refers to a secret elsewhere (in a vault, a file, a variable), or is encrypted.
pub(crate) fn is_reference(value: &str) -> bool {
    let value = value.trim();
    SCHEMES.iter().any(|scheme| starts_with(value, scheme))
}

/// The starts of hashes.
const PREFIXES: &[&str] = &[
    // What `openssl enc` encrypted starts so in base64: `Salted__`.
    "U2FsdGVkX1",
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
    "hmacsha",
];

/// Whether a value is a hash of a secret or of anything else, which cannot be used as the secret.
pub(crate) fn is_hash(value: &str) -> bool {
    let value = value.trim();
    // `htpasswd` writes the username before the hash.
    let after_user = value.split_once(':').map_or(value, |(_, rest)| rest);
    PREFIXES.iter().any(|prefix| {
        starts_with(value, prefix)
            || prefix.starts_with(['$', '{']) && starts_with(after_user, prefix)
    }) || value.contains("@sha256:")
        || is_postgres_hash(value)
        || is_mysql_hash(value)
}

/// Whether a value is `md5` followed by the digest of password and user, as Postgres and PgBouncer
/// store it.
fn is_postgres_hash(value: &str) -> bool {
    value
        .strip_prefix("md5")
        .is_some_and(|digest| digest.len() == 32 && crate::randomness::is_hex(digest.as_bytes()))
}

/// Whether a value is the hash that `mysql_native_password` stores: `*2470C0C06DEE42FD…`.
fn is_mysql_hash(value: &str) -> bool {
    value
        .strip_prefix('*')
        .is_some_and(|digest| digest.len() == 40 && crate::randomness::is_hex(digest.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            "@VMWARE_PASSWORD",
            "#{password}",
            "#{password}#",
            "%s",
            "%(password)s",
            "$__file{/etc/secrets/password}",
            "'$NEW_PASS'",
            "::add-mask::$PASSWORD",
            "<i>Password</i>",
        ] {
            assert!(is_template(yes), "{yes}");
        }
        for no in [r#"{"auths": {}}"#, "pa$$word1", "$ecret-1", "a<b>c", "100%"] {
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
    fn hashes() {
        for yes in [
            "md5c3d7b9f0a1b2c3d4e5f60718293a4b5c",
            "$2y$10$abcdefghijk",
            "user:$apr1$x$y",
            "sha256:abc",
            "{SHA}x",
            "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19",
            "a/b@sha256:00",
        ] {
            assert!(is_hash(yes), "{yes}");
        }
    }
}
