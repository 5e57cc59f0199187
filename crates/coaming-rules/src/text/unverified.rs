//! Installations that a package manager does not verify.

use super::commands::{MAX_SCRIPT, Started};
use super::shell::parse;

/// What a script installs without a signature or a checksum, although the tool could check one.
pub(crate) fn skips_verification(script: &str) -> Option<String> {
    if script.len() > MAX_SCRIPT {
        return None;
    }
    if script.contains("[trusted=yes]") {
        return Some("`trusted=yes` in a list of sources".to_owned());
    }
    let pipelines = parse(script);
    pipelines.iter().flatten().filter_map(Started::new).find_map(|command| skipped_by(&command))
}

fn skipped_by(command: &Started<'_>) -> Option<String> {
    let Started { name, arguments } = command;
    let option = |options: &[&str]| {
        let found = arguments.iter().find(|word| options.contains(word))?;
        Some(format!("`{name} {found}`"))
    };
    match name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.') {
        "apk" => option(&["--allow-untrusted"]),
        "apt-get" | "apt" => option(&["--allow-unauthenticated", "--force-yes"]),
        "yum" | "dnf" | "microdnf" | "tdnf" => option(&["--nogpgcheck"]),
        "zypper" => option(&["--no-gpg-checks"]),
        "rpm" => option(&["--nosignature"]),
        // Every repository may then use the key, which nobody compared.
        "apt-key" if arguments.contains(&"add") => Some("`apt-key add`".to_owned()),
        "apt-key" => arguments
            .iter()
            .skip_while(|word| !word.starts_with("--recv"))
            .skip(1)
            .find(|key| is_short_key(key))
            .map(|_| "`apt-key` with a short key ID".to_owned()),
        "pip" if arguments.contains(&"install") => arguments
            .iter()
            .find(|word| is_download(word) && !word.contains("#sha256="))
            .filter(|_| !arguments.contains(&"--require-hashes"))
            .map(|_| "`pip install` of a URL".to_owned()),
        "npm" | "pnpm" | "yarn" => arguments
            .iter()
            .find(|word| is_download(word))
            .filter(|_| arguments.iter().any(|word| matches!(*word, "install" | "i" | "add")))
            .map(|_| format!("`{name}` installs a URL")),
        _ => None,
    }
}

/// Whether an argument is a package itself, rather than an option's address of an index.
fn is_download(word: &str) -> bool {
    let path = word.split(['?', '#']).next().unwrap_or_default();
    (word.starts_with("https://") || word.starts_with("http://"))
        && [".whl", ".tar.gz", ".tgz", ".zip", ".tar.bz2"].iter().any(|end| path.ends_with(end))
}

/// Whether an ID of a key is too short to identify it: a fingerprint has 40 digits.
fn is_short_key(word: &str) -> bool {
    let digits = word.strip_prefix("0x").unwrap_or(word);
    (8..40).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verification_is_switched_off() {
        for script in [
            "apk add --no-cache --allow-untrusted /tmp/glibc.apk",
            "apt-get update && apt-get install -y --allow-unauthenticated x",
            "curl -fsSL https://example.com/key | apt-key add -",
            "apt-key adv --keyserver keys.example.com --recv-keys 9DC85822",
            "pip3 install https://example.com/x-1.0-py3-none-any.whl",
            "npm install -g https://example.com/x.tgz",
            "yum install -y --nogpgcheck x",
            "echo 'deb [trusted=yes] https://example.com ./' > /etc/apt/sources.list.d/x.list",
        ] {
            assert!(skips_verification(script).is_some(), "{script}");
        }
        for script in [
            "apt-key adv --recv-keys 9DC858229FC7DD38854AE2D88D81803C0EBFCD88",
            "pip install --index-url https://pypi.example.com/simple requests",
            "pip install https://example.com/x.whl#sha256=0123",
            "apt-get install -y apt-key-manager",
            "apk add --no-cache curl",
        ] {
            assert_eq!(skips_verification(script), None, "{script}");
        }
    }
}
