//! The tools that install software, and the words that make them do so.

/// What a tool that was started with these arguments installs by: its name and verb.
pub(super) fn installed_by(program: &str, arguments: &[&str]) -> Option<String> {
    let name = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    // `python3 -m pip install flask`
    if let ("python", ["-m", module, rest @ ..]) = (name, arguments) {
        return installed_by(module, rest);
    }
    let verb = match name {
        "rpm" => arguments.iter().copied().find(|word| is_rpm_install(word)),
        "pacman" => arguments.iter().copied().find(|word| is_pacman_install(word)),
        "R" | "Rscript" => {
            let calls = arguments.iter().any(|word| word.contains("install.packages("));
            return calls.then(|| format!("{program} … install.packages"));
        }
        // `go run example.com/tool@latest`
        "go" if matches!(arguments, ["run", rest @ ..] if rest.iter().any(|it| it.contains('@'))) =>
        {
            return Some("go run".to_owned());
        }
        "yarn" if arguments.is_empty() => return Some(program.to_owned()),
        "cpanm" | "docker-php-ext-install" | "uvx" | "bunx" if !arguments.is_empty() => {
            return Some(program.to_owned());
        }
        _ => {
            let phrases =
                TOOLS.iter().find(|(names, _)| names.contains(&name)).map(|(_, it)| *it)?;
            return phrases
                .iter()
                .find(|phrase| says(arguments, phrase))
                .map(|phrase| format!("{program} {}", phrase.join(" ")));
        }
    }?;
    Some(format!("{program} {verb}"))
}

type Phrase = &'static [&'static str];

/// Tools, with the words that make them install. Options may be at any position.
const TOOLS: &[(&[&str], &[Phrase])] = &[
    (
        &["apt-get", "apt", "aptitude"],
        &[&["install"], &["upgrade"], &["dist-upgrade"], &["full-upgrade"], &["build-dep"]],
    ),
    (&["apk"], &[&["add"], &["upgrade"]]),
    (
        &["yum", "dnf", "microdnf", "tdnf"],
        &[
            &["install"],
            &["localinstall"],
            &["groupinstall"],
            &["reinstall"],
            &["update"],
            &["upgrade"],
        ],
    ),
    (&["zypper"], &[&["install"], &["in"], &["update"], &["up"]]),
    (&["dpkg"], &[&["-i"], &["--install"]]),
    (&["snap", "flatpak", "brew", "guix", "opkg", "swupd"], &[&["install"]]),
    (&["nix-env"], &[&["-i"], &["-iA"], &["--install"]]),
    (&["nix"], &[&["profile", "install"], &["profile", "add"]]),
    (&["pip", "pipenv", "easy_install", "conda", "mamba", "micromamba"], &[&["install"]]),
    (&["poetry"], &[&["install"], &["add"]]),
    (&["pipx"], &[&["install"], &["run"]]),
    (&["uv"], &[&["pip", "install"], &["tool", "install"], &["add"], &["sync"]]),
    (&["npm"], &[&["install"], &["i"], &["ci"], &["add"], &["update"]]),
    (&["npx"], &[&["-y"], &["--yes"]]),
    (&["yarn"], &[&["install"], &["add"], &["dlx"], &["global", "add"]]),
    (&["pnpm", "bun"], &[&["install"], &["i"], &["add"], &["dlx"]]),
    (&["gem", "luarocks", "pecl", "pear", "cpan", "cargo"], &[&["install"]]),
    (&["bundle", "bundler"], &[&["install"], &["update"]]),
    (&["composer"], &[&["install"], &["require"], &["update"], &["create-project"]]),
    (&["go"], &[&["install"], &["get"]]),
    (&["rustup"], &[&["install"], &["toolchain", "install"], &["component", "add"]]),
    (&["asdf", "mise", "pyenv", "nvm", "sdk"], &[&["install"]]),
    (&["helm"], &[&["plugin", "install"]]),
    (&["kubectl"], &[&["krew", "install"]]),
    (&["gcloud"], &[&["components", "install"], &["components", "update"]]),
];

/// Words that end the tool's own subcommands, even after an option without a value.
const OTHER_VERBS: &[&str] =
    &["run", "run-script", "start", "test", "exec", "list", "show", "search", "remove", "info"];

/// Whether these arguments tell a tool to do this. A word behind an option may be its value.
fn says(arguments: &[&str], phrase: &[&str]) -> bool {
    let (Some(first), rest) = (phrase.first(), phrase.get(1..).unwrap_or_default()) else {
        return false;
    };
    if first.starts_with('-') {
        return arguments.contains(first);
    }
    let mut behind_option = false;
    for (position, word) in arguments.iter().enumerate() {
        if word.starts_with('-') {
            behind_option = !word.contains('=');
        } else if word == first {
            let words = arguments.get(position + 1..).unwrap_or_default();
            return rest.is_empty() || says(words, rest);
        } else if !behind_option || OTHER_VERBS.contains(word) {
            return false;
        } else {
            behind_option = false;
        }
    }
    false
}

/// `-i`, `-Uvh`, `--install` …, but not `-qi`, which asks.
fn is_rpm_install(word: &str) -> bool {
    if let Some(long) = word.strip_prefix("--") {
        return matches!(long, "install" | "upgrade" | "freshen" | "reinstall");
    }
    word.strip_prefix('-')
        .is_some_and(|flags| flags.contains(['i', 'U', 'F']) && !flags.contains(['q', 'e', 'V']))
}

/// `-S`, `-Syu`, `-U`, but not `-Ss`, which searches.
fn is_pacman_install(word: &str) -> bool {
    let Some(flags) = word.strip_prefix('-') else { return false };
    flags == "-sync" || flags.starts_with('U') || {
        flags.starts_with('S') && !flags.contains(['s', 'i', 'l', 'g', 'c', 'p'])
    }
}

#[cfg(test)]
mod tests {
    use super::installed_by;

    fn of(line: &str) -> Option<String> {
        let words: Vec<&str> = line.split(' ').collect();
        installed_by(words[0], &words[1..])
    }

    #[test]
    fn installing() {
        for (line, by) in [
            ("apt-get install -y curl", "apt-get install"),
            ("apt-get -o Acquire::Retries=3 -y install curl", "apt-get install"),
            ("apk --no-cache add curl", "apk add"),
            ("apk -X https://x.example add curl", "apk add"),
            ("yum -y update", "yum update"),
            ("dpkg -i a.deb", "dpkg -i"),
            ("rpm -Uvh a.rpm", "rpm -Uvh"),
            ("pacman -Sy curl", "pacman -Sy"),
            ("pip3.11 install flask", "pip3.11 install"),
            ("python3 -m pip --quiet install flask", "pip install"),
            ("npm --prefix /app ci", "npm ci"),
            ("npx -y tool", "npx -y"),
            ("yarn", "yarn"),
            ("uv pip install flask", "uv pip install"),
            ("uv -q tool install flask", "uv tool install"),
            ("go install example.com/tool@latest", "go install"),
            ("go run example.com/tool@v1", "go run"),
            ("Rscript -e install.packages('x')", "Rscript … install.packages"),
            ("helm plugin install https://x.example", "helm plugin install"),
        ] {
            assert_eq!(of(line).as_deref(), Some(by), "{line}");
        }
    }

    #[test]
    fn not_installing() {
        for line in [
            "apt-get update",
            "apt-config install",
            "apk info curl",
            "apk info -e add",
            "rpm -qi bash",
            "rpm -e bash",
            "pacman -Ss install",
            "dpkg --list",
            "npm run install",
            "npm -s run install",
            "npm start",
            "npm exec -- install",
            "yarn start",
            "npx tool",
            "pip freeze",
            "python3 app.py install",
            "python3 -m http.server",
            "go run ./cmd install",
            "go test ./...",
            "uv run install",
            "helm install release chart",
            "kubectl apply -f install.yaml",
            "install -m 0755 a b",
            "cargo run",
        ] {
            assert_eq!(of(line), None, "{line}");
        }
    }
}
