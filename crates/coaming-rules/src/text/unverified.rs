//! Installations that a package manager does not verify.

use super::commands::{MAX_SCRIPT, Started};
use super::nested::commands_in;

/// What a script installs without a signature or a checksum, although the tool could check one.
pub(crate) fn skips_verification(script: &str) -> Option<String> {
    if script.len() > MAX_SCRIPT {
        return None;
    }
    if script.contains("[trusted=yes]") {
        return Some("`trusted=yes` in a list of sources".to_owned());
    }
    if powershell_runs_download(script) {
        return Some("PowerShell runs what it downloads".to_owned());
    }
    commands_in(script).iter().filter_map(Started::new).find_map(|command| skipped_by(&command))
}

/// `iwr … | iex`, `iex ((New-Object Net.WebClient).DownloadString('…'))`, `iwr … -OutFile x.msi;
/// Start-Process msiexec …`, unless a hash or a signature is compared.
fn powershell_runs_download(script: &str) -> bool {
    let lower = script.to_ascii_lowercase();
    let has = |known: &[&str]| {
        lower
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
            .any(|word| known.contains(&word))
    };
    let requests = has(&["iwr", "irm", "invoke-webrequest", "invoke-restmethod"]);
    if has(&["iex", "invoke-expression"]) && (requests || has(&["downloadstring"])) {
        return true;
    }
    let downloads = requests && has(&["-outfile", "-o", "-outf"])
        || has(&["downloadfile", "start-bitstransfer"]);
    downloads
        && has(&["expand-archive", "start-process", "msiexec", "add-appxpackage"])
        && !has(&[
            "get-filehash",
            "get-authenticodesignature",
            "certutil",
            "gpg",
            "gpgv",
            "-hashfile",
        ])
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
        "yum" | "dnf" | "microdnf" | "tdnf" => option(&["--nogpgcheck"])
            .or_else(|| installs_address(name, arguments, &["install", "localinstall"])),
        "zypper" => option(&["--no-gpg-checks"]),
        "rpm" => option(&["--nosignature", "--nodigest", "--noverify"]).or_else(|| {
            let is_address = |word: &&&str| is_package(word, &[".rpm"]);
            arguments.iter().find(is_address).map(|_| "`rpm` installs a URL".to_owned())
        }),
        "curl" => option(&["--insecure"])
            .or_else(|| arguments.iter().any(|word| is_insecure(word)).then(|| "`curl -k`".into()))
            .filter(|_| gets_from_elsewhere(arguments)),
        "wget" => option(&["--no-check-certificate"]).filter(|_| gets_from_elsewhere(arguments)),
        "git" => {
            let is_off =
                arguments.iter().any(|word| word.eq_ignore_ascii_case("http.sslVerify=false"));
            let clones = arguments.contains(&"clone") && is_from_plain(arguments);
            let plain = clones.then(|| "`git clone` without encryption".to_owned());
            is_off.then(|| "`git` without `http.sslVerify`".to_owned()).or(plain)
        }
        "gem" if arguments.contains(&"install") && is_from_plain(arguments) => {
            Some("`gem install` without encryption".to_owned())
        }
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
            .find(|word| {
                is_download(word) && !word.contains("#sha256=") || is_moving_checkout(word)
            })
            .filter(|_| !arguments.contains(&"--require-hashes"))
            .map(|_| "`pip install` of a URL".to_owned())
            .or_else(|| option(&["--trusted-host"])),
        "cargo" if arguments.contains(&"install") && arguments.contains(&"--git") => {
            let is_fixed = arguments.iter().any(|word| word.starts_with("--rev"));
            (!is_fixed).then(|| "`cargo install --git` without `--rev`".to_owned())
        }
        "npm" | "pnpm" | "yarn" => arguments
            .iter()
            .find(|word| {
                let is_archive = word.contains("/tarball/") && word.contains("://");
                is_download(word) || is_archive || is_moving_checkout(word)
            })
            .filter(|_| arguments.iter().any(|word| matches!(*word, "install" | "i" | "add")))
            .map(|_| format!("`{name}` installs a URL"))
            .or_else(|| {
                let is_off = arguments.contains(&"strict-ssl") && arguments.contains(&"false")
                    || arguments.contains(&"strict-ssl=false");
                is_off.then(|| format!("`{name}` without `strict-ssl`"))
            }),
        _ => None,
    }
}

/// Whether an argument is an address of another machine that is read without encryption, so that
/// everybody on the way can change what comes.
fn is_from_plain(arguments: &[&str]) -> bool {
    let is_plain = |word: &&str| word.starts_with("http://") || word.starts_with("git://");
    arguments.iter().any(is_plain) && gets_from_elsewhere(arguments)
}

/// Whether an argument is a package itself, rather than an option's address of an index.
fn is_download(word: &str) -> bool {
    is_package(word, &[".whl", ".tar.gz", ".tgz", ".zip", ".tar.bz2"])
}

fn is_package(word: &str, ends: &[&str]) -> bool {
    let path = word.split(['?', '#']).next().unwrap_or_default();
    (word.starts_with("https://") || word.starts_with("http://"))
        && ends.iter().any(|end| path.ends_with(end))
}

/// A package of an address, which no repository signs.
fn installs_address(name: &str, arguments: &[&str], commands: &[&str]) -> Option<String> {
    let installs = arguments.iter().any(|word| commands.contains(word));
    let is_address = arguments.iter().any(|word| is_package(word, &[".rpm"]));
    (installs && is_address).then(|| format!("`{name} install` of a URL"))
}

/// Whether an argument is a repository at a branch or a tag, which moves: `git+https://…` without a
/// commit.
fn is_moving_checkout(word: &str) -> bool {
    let Some(address) = word.strip_prefix("git+") else { return false };
    let is_commit = |revision: &str| {
        revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    // pip writes the commit after `@`, and npm after `#`.
    let (path, fragment) = address.split_once('#').unwrap_or((address, ""));
    let revision = path.rsplit_once('@').map_or("", |(_, revision)| revision);
    !is_commit(revision) && !is_commit(fragment)
}

/// Whether a word has curl's `-k` among its letters, before one that takes a value.
fn is_insecure(word: &str) -> bool {
    let Some(flags) = word.strip_prefix('-').filter(|it| !it.starts_with('-')) else {
        return false;
    };
    let plain = flags.split(|c: char| "HudXAebcFTxmwoKECDQrtyYz".contains(c)).next();
    plain.is_some_and(|flags| flags.contains('k'))
}

/// Whether a download is from another machine: nobody is between a container and itself.
fn gets_from_elsewhere(arguments: &[&str]) -> bool {
    let local = ["://localhost", "://127.", "://[::1]", "://0.0.0.0"];
    arguments.iter().any(|word| word.contains("://") && !local.iter().any(|it| word.contains(it)))
}

/// Variables that switch off the verification of certificates, with the values that do.
const VARIABLES: &[(&str, &[&str])] = &[
    ("NODE_TLS_REJECT_UNAUTHORIZED", &["0"]),
    ("PYTHONHTTPSVERIFY", &["0"]),
    ("GIT_SSL_NO_VERIFY", &["1", "true"]),
    ("NPM_CONFIG_STRICT_SSL", &["false"]),
    ("PIP_TRUSTED_HOST", &[]),
];

/// The setting, if a variable with this value switches the verification of certificates off.
pub(crate) fn trusts_everybody(name: &str, value: &str) -> Option<String> {
    let (known, values) = VARIABLES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    let is_off = match *values {
        [] => !value.is_empty(),
        values => values.iter().any(|it| it.eq_ignore_ascii_case(value)),
    };
    is_off.then(|| format!("`{known}`"))
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
            "yum install -y http://example.com/x.rpm",
            "rpm -i https://example.com/x.rpm",
            "pip install git+https://example.com/a/b.git@main",
            "pip install --trusted-host pypi.example.com x",
            "npm config set strict-ssl false",
            "curl -fsSLk https://example.com/x -o /tmp/x",
            "wget --no-check-certificate https://example.com/x",
            "git clone http://example.com/x /x",
            "git clone --depth 1 git://example.com/x",
            "gem install x --source http://gems.example.com",
            "powershell -Command iwr https://example.com/x.ps1 -UseBasicParsing | iex",
            "iex ((New-Object Net.WebClient).DownloadString('https://example.com/i.ps1'))",
            "npm install -g https://example.com/a/b/tarball/main",
            "npm i git+https://example.com/a/b.git#main",
            "cargo install --git https://example.com/a/b tool",
            "Invoke-WebRequest -Uri https://example.com/x.zip -OutFile x.zip ; Expand-Archive x.zip C:\\x",
            "(New-Object Net.WebClient).DownloadFile('https://example.com/x.msi', 'x.msi'); Start-Process msiexec -ArgumentList '/i x.msi /qn' -Wait",
            "git config --global http.sslVerify=false",
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
            "pip install git+https://example.com/a/b@0123456789abcdef0123456789abcdef01234567",
            "curl -fsSL -o /tmp/k https://example.com/x",
            "curl -k https://localhost:8443/health",
            "yum install -y curl",
            "git clone https://example.com/x",
            "git clone http://localhost:3000/x",
            "Invoke-WebRequest https://example.com/x.zip -OutFile x.zip",
            "Invoke-WebRequest https://example.com/x.zip -OutFile x.zip; if ((Get-FileHash x.zip -Algorithm sha256).Hash -ne $env:SUM) { exit 1 }; Expand-Archive x.zip C:\\x",
            "cargo install --git https://example.com/a/b --rev 0123456789abcdef0123456789abcdef01234567 tool",
            "npm i git+https://example.com/a/b.git#0123456789abcdef0123456789abcdef01234567",
        ] {
            assert_eq!(skips_verification(script), None, "{script}");
        }
        assert!(trusts_everybody("node_tls_reject_unauthorized", "0").is_some());
        assert_eq!(trusts_everybody("NODE_TLS_REJECT_UNAUTHORIZED", "1"), None);
    }
}
