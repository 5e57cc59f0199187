//! Whether a command line installs software: by a package manager, or by running what it
//! downloads.
//!
//! Nested scripts are read too: `sh -c`, here-documents, substitutions, `eval`. Downloads within a
//! script are recorded, so that a later `chmod +x` or `make` distinguishes an installation from
//! plain data. Text that merely mentions a tool (`echo apt-get`, `command -v apk`, a file that is
//! written) is not reported.

use super::downloads::{
    Unpacked, downloaded_files, downloader, is_interpreter, is_program_directory, is_unpacker,
    makes_executable, same_file, unpacks_download, unpacks_programs,
};
use super::install_tools::installed_by;
use super::shell::{Command, Pipeline, Word, parse};
use super::wrapper::program_position;

/// What a command line installs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Install {
    /// How, in the words of a message: `` `apt-get install` ``.
    pub(crate) what: String,
    /// Which word of the command line does it: the program, or a shell's whole script.
    pub(crate) argument: usize,
}

/// How deep scripts in scripts are followed.
pub(super) const MAX_NESTING: usize = 4;

/// Longer scripts are not read: 64 KiB.
pub(super) const MAX_SCRIPT: usize = 64 << 10;

/// The first thing that this command line installs when it runs. The words are those of a
/// container's `command` and `args`: the first is a program, and no shell has read them.
pub(crate) fn installs_software(argv: &[&str]) -> Option<Install> {
    if argv.is_empty() {
        return None;
    }
    let words: Vec<Word> = argv.iter().map(|word| Word::literal(word)).collect();
    let program = program_position(&words);
    let rest = words.get(program + 1..).unwrap_or_default();
    let script = match words.get(program).map(|word| base_name(&word.text)) {
        Some(name) if is_shell(name) => shell_reads(rest).script_position(),
        _ => None,
    };
    let argument = script.map_or(program, |position| program + 1 + position);
    let what = Search::default().pipeline(&vec![Command { words, ..Command::default() }], 0)?;
    Some(Install { what, argument })
}

/// A download that a script runs without verifying a checksum or a signature in between. Package
/// managers are excluded because they verify packages themselves.
pub(crate) fn runs_unverified_download(script: &str) -> Option<String> {
    if script.len() > MAX_SCRIPT {
        return None;
    }
    let pipelines = parse(script);
    let by_pipe = pipelines.iter().find_map(piped);
    by_pipe.or_else(|| {
        let commands = pipelines.iter().flatten().filter_map(Started::new);
        if commands.into_iter().any(|command| command.verifies()) {
            return None;
        }
        let mut search = Search { downloads_only: true, ..Search::default() };
        pipelines.iter().find_map(|pipeline| search.pipeline(pipeline, 1))
    })
}

/// A program that a script starts, with its arguments.
pub(crate) struct Started<'s> {
    /// The program's name, without directories.
    pub(crate) name: &'s str,
    /// Its arguments.
    pub(crate) arguments: Vec<&'s str>,
}

impl<'s> Started<'s> {
    pub(super) fn new(command: &'s Command) -> Option<Self> {
        let words = command.words.get(program_position(&command.words)..)?;
        let (program, rest) = words.split_first()?;
        let arguments = rest.iter().map(|word| word.text.as_str()).collect();
        Some(Self { name: base_name(&program.text), arguments })
    }

    /// Whether it compares something with a checksum or a signature.
    fn verifies(&self) -> bool {
        let has = |words: &[&str]| self.arguments.iter().any(|word| words.contains(word));
        match self.name {
            "sha256sum" | "sha512sum" | "sha384sum" | "sha1sum" | "shasum" | "b2sum" => {
                self.arguments.iter().any(|word| {
                    *word == "--check"
                        || word.starts_with('-') && !word.starts_with("--") && word.contains('c')
                })
            }
            "gpg" | "gpg2" => has(&["--verify", "--decrypt", "-d"]),
            "gpgv" | "minisign" | "signify" | "slsa-verifier" => true,
            "cosign" => has(&["verify", "verify-blob"]),
            "openssl" => has(&["-verify"]),
            _ => false,
        }
    }
}

/// What a script has done so far that matters for what it does next.
#[derive(Default)]
struct Search {
    /// Files that were downloaded, with the tool that did it.
    downloads: Vec<(String, &'static str)>,
    /// Whether sources were fetched.
    cloned: bool,
    /// What was unpacked of a download.
    unpacked: Option<Unpacked>,
    /// Whether to ignore package managers and builds from source.
    downloads_only: bool,
}

impl Search {
    fn script(&mut self, script: &str, depth: usize) -> Option<String> {
        if depth >= MAX_NESTING || script.len() > MAX_SCRIPT {
            return None;
        }
        parse(script).iter().find_map(|pipeline| self.pipeline(pipeline, depth + 1))
    }

    fn pipeline(&mut self, pipeline: &Pipeline, depth: usize) -> Option<String> {
        let found = piped(pipeline)
            .or_else(|| pipeline.iter().find_map(|command| self.command(command, depth)));
        if self.unpacked.is_none() {
            self.unpacked = unpacks_download(pipeline);
        }
        found
    }

    fn command(&mut self, command: &Command, depth: usize) -> Option<String> {
        let words = command.words.get(program_position(&command.words)..).unwrap_or_default();
        let found = words.split_first().and_then(|(program, rest)| {
            let name = base_name(&program.text);
            let arguments: Vec<&str> = rest.iter().map(|word| word.text.as_str()).collect();
            let installer = if self.downloads_only { None } else { installed_by(name, &arguments) };
            installer
                .map(|how| format!("`{how}`"))
                .or_else(|| self.runs_text(name, rest, command, depth))
                .or_else(|| self.runs_download(&program.text, &arguments))
                .or_else(|| {
                    self.remember(name, &arguments, command);
                    None
                })
        });
        found.or_else(|| {
            let mut scripts = command.words.iter().flat_map(|word| &word.scripts);
            scripts.find_map(|script| self.script(script, depth))
        })
    }

    /// The script that a shell, or a builtin that takes a script, runs.
    fn runs_text(
        &mut self,
        name: &str,
        rest: &[Word],
        command: &Command,
        depth: usize,
    ) -> Option<String> {
        let from_download = |word: &Word| {
            let downloader = word.scripts.iter().find_map(|script| downloads_to_output(script))?;
            Some(format!("`{name}` runs what `{downloader}` downloads"))
        };
        match name {
            "eval" => rest.iter().find_map(from_download).or_else(|| {
                let text: Vec<&str> = rest.iter().map(|word| word.text.as_str()).collect();
                self.script(&text.join(" "), depth)
            }),
            "source" | "." => {
                let file = rest.first()?;
                from_download(file).or_else(|| self.is_download(&file.text))
            }
            "su" | "runuser" => {
                let flag = rest.iter().position(|word| word.text == "-c")?;
                self.script(&rest.get(flag + 1)?.text, depth)
            }
            interpreter if is_interpreter(interpreter) => {
                let flag =
                    rest.iter().position(|word| matches!(word.text.as_str(), "-c" | "-e"))?;
                // A script that only takes in an answer is not one.
                let script = rest.get(flag + 1)?;
                let is_whole = script.text.starts_with("$(") && script.text.ends_with(')');
                if is_whole { from_download(script) } else { None }
            }
            shell if is_shell(shell) => match shell_reads(rest) {
                ShellReads::Script(position) => {
                    let script = rest.get(position)?;
                    from_download(script).or_else(|| self.script(&script.text, depth))
                }
                ShellReads::File(position) => {
                    let file = rest.get(position)?;
                    from_download(file).or_else(|| self.is_download(&file.text))
                }
                ShellReads::Input => self.script(command.input.as_deref()?, depth),
            },
            _ => None,
        }
    }

    /// What a program does with something that was downloaded before.
    fn runs_download(&self, program: &str, arguments: &[&str]) -> Option<String> {
        let any = |files: &[&str]| files.iter().find_map(|file| self.is_download(file));
        match base_name(program) {
            "chmod" => {
                let (mode, files) = arguments
                    .iter()
                    .position(|it| !it.starts_with('-'))
                    .and_then(|position| arguments.get(position..)?.split_first())?;
                if makes_executable(mode) { any(files) } else { None }
            }
            "install" | "mv" | "cp" | "ln" => {
                let (target, files) = arguments.split_last()?;
                if !is_program_directory(target) {
                    return None;
                }
                any(files).or_else(|| self.is_unpacked(files))
            }
            name if is_unpacker(name) => {
                if unpacks_programs(arguments) {
                    any(arguments)
                } else {
                    None
                }
            }
            "dpkg" | "gdebi" | "rpm" | "apt" | "apt-get" | "yum" | "dnf" | "apk" | "msiexec" => {
                let tool = arguments.iter().find_map(|file| self.downloaded_by(file))?;
                Some(format!("a package that `{tool}` downloads is installed"))
            }
            "make" | "cmake" | "configure" if self.unpacked.is_some() => {
                let tool = self.unpacked.as_ref()?.tool;
                Some(format!("what `{tool}` downloads is built"))
            }
            "make" | "cmake" | "configure" | "ninja" | "meson"
                if self.cloned && !self.downloads_only =>
            {
                Some(format!("`git clone`, then `{}`", base_name(program)))
            }
            name if is_interpreter(name) => any(arguments.get(..1).unwrap_or_default()),
            _ if program.contains('/') => {
                self.is_download(program).or_else(|| self.is_unpacked(&[program]))
            }
            // Windows also looks for programs in the working directory.
            name if name.ends_with(".exe") => self.is_download(name),
            _ => None,
        }
    }

    /// Notes what a command fetches.
    fn remember(&mut self, name: &str, arguments: &[&str], command: &Command) {
        if is_unpacker(name)
            && let Some(tool) = arguments.iter().find_map(|file| self.downloaded_by(file))
        {
            self.unpacked = Some(Unpacked::new(tool, arguments));
        }
        match name {
            "git" if arguments.iter().take(4).any(|word| *word == "clone") => self.cloned = true,
            _ => {
                let Some(tool) = downloader(name) else { return };
                let written = downloaded_files(tool, arguments);
                let files = written.into_iter().chain(command.outputs.iter().cloned());
                self.downloads.extend(files.map(|file| (file, tool)));
            }
        }
    }

    /// Whether one of these is from a download that was unpacked.
    fn is_unpacked(&self, files: &[&str]) -> Option<String> {
        let unpacked = self.unpacked.as_ref()?;
        files.iter().find(|file| unpacked.has(file))?;
        Some(format!("a program that `{}` downloads is run", unpacked.tool))
    }

    fn is_download(&self, file: &str) -> Option<String> {
        let tool = self.downloaded_by(file)?;
        Some(format!("a program that `{tool}` downloads is run"))
    }

    /// The tool that downloaded a file.
    fn downloaded_by(&self, file: &str) -> Option<&'static str> {
        let (_, tool) = self.downloads.iter().find(|(known, _)| same_file(known, file))?;
        Some(tool)
    }
}

/// A download that is piped into a shell, or unpacked into a directory of programs.
fn piped(pipeline: &Pipeline) -> Option<String> {
    let mut downloads = None;
    for command in pipeline {
        let words = command.words.get(program_position(&command.words)..).unwrap_or_default();
        let Some((program, rest)) = words.split_first() else { continue };
        let name = base_name(&program.text);
        let Some(tool) = downloads else {
            downloads = downloader(name);
            continue;
        };
        let arguments: Vec<&str> = rest.iter().map(|word| word.text.as_str()).collect();
        let runs = match name {
            name if is_interpreter(name) => matches!(arguments.as_slice(), [] | ["-", ..]),
            name if is_unpacker(name) => unpacks_programs(&arguments),
            "tee" => arguments.iter().any(|file| is_program_directory(parent(file))),
            _ => is_shell(name) && shell_reads(rest) == ShellReads::Input,
        };
        if runs {
            return Some(format!("`{tool} … | {name}`"));
        }
    }
    None
}

/// The tool by which a script downloads something to its output, if it does.
fn downloads_to_output(script: &str) -> Option<&'static str> {
    let script = script.get(..script.len().min(MAX_SCRIPT))?;
    parse(script).iter().flatten().find_map(|command| {
        let program = command.words.get(program_position(&command.words))?;
        downloader(base_name(&program.text))
    })
}

pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

pub(super) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

pub(super) fn is_shell(program: &str) -> bool {
    matches!(program, "sh" | "bash" | "ash" | "dash" | "zsh" | "ksh" | "mksh" | "hush")
}

/// Where a shell takes its script from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ShellReads {
    /// From the argument at this position.
    Script(usize),
    /// From the file that this argument names.
    File(usize),
    /// From its standard input.
    Input,
}

impl ShellReads {
    pub(super) fn script_position(self) -> Option<usize> {
        if let Self::Script(position) = self { Some(position) } else { None }
    }
}

/// Where a shell with these arguments takes its script from.
pub(super) fn shell_reads(arguments: &[Word]) -> ShellReads {
    let (mut script, mut input, mut options) = (false, false, true);
    let mut position = 0;
    while let Some(word) = arguments.get(position) {
        let text = word.text.as_str();
        if text == "--" {
            options = false;
        } else if options && text.starts_with(['-', '+']) && text.len() > 1 {
            let short = !text.starts_with("--");
            script |= short && text.starts_with('-') && text.contains('c');
            input |= short && text.starts_with('-') && text.contains('s');
            // `-o pipefail`, also at the end of others: `-euo pipefail`.
            position += usize::from(short && text.ends_with(['o', 'O']));
        } else if script {
            return ShellReads::Script(position);
        } else if text == "-" || input {
            return ShellReads::Input;
        } else {
            return ShellReads::File(position);
        }
        position += 1;
    }
    ShellReads::Input
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Option<String> {
        installs_software(&["sh", "-c", script]).map(|install| install.what)
    }

    #[test]
    fn package_managers() {
        for (script, what) in [
            ("apt-get update && apt-get install -y curl && exec /app", "`apt-get install`"),
            ("if ! command -v jq; then apk add jq; fi", "`apk add`"),
            ("DEBIAN_FRONTEND=noninteractive apt-get -qq install x", "`apt-get install`"),
            ("sudo -u root -- apt-get install x", "`apt-get install`"),
            ("timeout -k 5 60 /usr/bin/yum -y install x", "`yum install`"),
            ("chroot /host apt-get install -y nfs-common", "`apt-get install`"),
            ("nsenter -t 1 -m -u -- dnf install x", "`dnf install`"),
            ("cat list | xargs -n 1 pip install", "`pip install`"),
            ("busybox sh -ce 'apk add x'", "`apk add`"),
            ("su -c 'apt install x' root", "`apt install`"),
            ("bash -eo pipefail -c \"npm ci\"", "`npm ci`"),
            ("bash <<EOF\npip install flask\nEOF", "`pip install`"),
            ("echo \"$(apk add x)\"", "`apk add`"),
            ("eval apk add x", "`apk add`"),
            ("time -p apk add x", "`apk add`"),
            ("f() { apt-get install x; }; f", "`apt-get install`"),
            ("case $x in a) apk add y ;; esac", "`apk add`"),
            ("set -eux\n\nyarn --cwd /app install \\\n  --frozen-lockfile\n", "`yarn install`"),
        ] {
            assert_eq!(shell(script).as_deref(), Some(what), "{script}");
        }
    }

    #[test]
    fn downloads_that_are_run() {
        for (script, what) in [
            ("curl -sL https://x.example | sudo bash -", "`curl … | bash`"),
            ("wget -qO- https://x.example | gunzip | sh -s -- -y", "`wget … | sh`"),
            ("curl https://x.example | python3", "`curl … | python3`"),
            ("curl -L https://x.example/a.tgz | tar xz -C /usr/local/bin", "`curl … | tar`"),
            ("bash <(curl -s https://x.example)", "`bash` runs what `curl` downloads"),
            ("sh -c \"$(curl -fsSL https://x.example)\"", "`sh` runs what `curl` downloads"),
            ("eval \"$(wget -qO- https://x.example)\"", "`eval` runs what `wget` downloads"),
            (". <(curl -s https://x.example)", "`.` runs what `curl` downloads"),
            (
                "curl -fsSLo /tmp/i.sh https://x.example && sh /tmp/i.sh",
                "a program that `curl` downloads is run",
            ),
            (
                "cd /tmp; curl -O https://x.example/i.sh?v=1; bash ./i.sh",
                "a program that `curl` downloads is run",
            ),
            (
                "wget https://x.example/tool; chmod 755 tool; ./tool",
                "a program that `wget` downloads is run",
            ),
            (
                "curl -s https://x.example > /t/kubectl && chmod +x /t/kubectl",
                "a program that `curl` downloads is run",
            ),
            (
                "curl -Lo k https://x.example/k; install -m 0755 k /usr/local/bin/kubectl",
                "a program that `curl` downloads is run",
            ),
            (
                "curl -Lo h.tgz https://x.example/h && tar xf h.tgz && mv linux-amd64/h /usr/local/bin/",
                "a program that `curl` downloads is run",
            ),
            (
                "curl -L https://x.example/h.tgz | tar xz; cp x/h /usr/bin/h",
                "a program that `curl` downloads is run",
            ),
            (
                "cd /tmp && wget https://x.example/g.tgz && tar -C /usr/local -xzf g.tgz",
                "a program that `wget` downloads is run",
            ),
            (
                "curl -LO https://x.example/x.tgz && tar -xzf x.tgz && ./x/install.sh",
                "a program that `curl` downloads is run",
            ),
            (
                "wget https://x.example/x.tgz && tar -xzf x.tgz && cd x && ./configure && make",
                "what `wget` downloads is built",
            ),
            (
                "python3 -c \"$(curl -fsSL https://x.example/x.py)\"",
                "`python3` runs what `curl` downloads",
            ),
            (
                "curl.exe -o x.exe https://x.example/x && x.exe /quiet",
                "a program that `curl` downloads is run",
            ),
            (
                "curl -L https://x.example/h.tgz | tar xz -C /opt/h && /opt/h/bin/run",
                "a program that `curl` downloads is run",
            ),
            ("git clone https://x.example/a && cd a && make install", "`git clone`, then `make`"),
            ("git -C /src clone x; cd x; ./configure", "`git clone`, then `configure`"),
        ] {
            assert_eq!(shell(script).as_deref(), Some(what), "{script}");
        }
    }

    #[test]
    fn no_false_alarms() {
        for script in [
            "echo apt-get install curl",
            "echo 'curl x | sh'",
            "cat <<EOF > /out\napt-get install x\ncurl x | sh\nEOF",
            "# apt-get install x\n/app",
            "command -v apt-get install",
            "which apk add",
            "/usr/bin/apt-config install",
            "apt-get update",
            "npm run install",
            "for x in apk add; do echo $x; done",
            "curl -s https://x.example | grep ok",
            "curl -s https://x.example | python3 -m json.tool",
            "curl -s https://x.example | python3 -c 'import json'",
            "curl -s https://x.example | bash /scripts/handle.sh",
            "curl -s https://x.example | tar xz -C /data",
            "curl -s https://x.example | tar xz -C /data && ./scripts/start.sh /data/x",
            "curl -so d.zip https://x.example/d.zip && unzip d.zip -d /data && cp run.sh /usr/local/bin/",
            "python3 -c \"print('$(curl -s https://x.example)')\"",
            "curl -o /data/config.json https://x.example; /app /data/config.json",
            "curl -o data.json https://x.example; chmod 644 data.json",
            "curl -H 'X-Foo: o' https://x.example/a; sh a.sh",
            "wget -O- https://x.example; sh /app.sh",
            "git clone https://x.example/pages /www && nginx",
            "make run",
            "until curl -sf http://db; do sleep 1; done; exec sh /start.sh",
            "TOKEN=$(curl -s https://x.example); exec /app",
            "grep -r 'apt-get install' /docs",
            "",
            "'",
        ] {
            assert_eq!(shell(script), None, "{script}");
        }
    }

    #[test]
    fn packages_and_archives_that_no_one_verifies() {
        for script in [
            "wget https://x.example/a.deb && dpkg -i a.deb",
            "curl -o /tmp/a.deb https://x.example/a && apt-get install -y /tmp/a.deb",
            "curl -L https://x.example/go.tgz -o go.tgz && tar -C /usr/local -xzf go.tgz",
        ] {
            assert!(runs_unverified_download(script).is_some(), "{script}");
        }
        for script in [
            "apt-get update && apt-get install -y wget",
            "curl -fsSL https://x.example/gpg -o /etc/apt/keyrings/x.asc && apt-get install -y x",
            "wget https://x.example/a.tgz && echo 'ab  a.tgz' | sha256sum -c && tar xf a.tgz && make -C a",
            "wget https://x.example/a.tgz && wget https://x.example/a.asc && gpg --verify a.asc && tar xf a.tgz && cd a && ./configure && make",
            "curl -L https://x.example/data.tgz | tar xz -C /srv && chown -R app /srv",
        ] {
            assert_eq!(runs_unverified_download(script), None, "{script}");
        }
    }

    #[test]
    fn the_word_that_does_it() {
        let at = |argv: &[&str]| installs_software(argv).map(|install| install.argument);
        assert_eq!(at(&["apk", "add", "curl"]), Some(0));
        assert_eq!(at(&["env", "A=b", "npm", "i"]), Some(2));
        assert_eq!(at(&["/bin/bash", "-euo", "pipefail", "-c", "pip install x"]), Some(4));
        assert_eq!(at(&["tini", "--", "sh", "-c", "pip install x", "arg"]), Some(4));
        assert_eq!(at(&["/app", "sh", "-c", "pip install x"]), None);
        assert_eq!(at(&["echo", "$(apk add x)"]), None, "no shell reads it");
        assert_eq!(at(&["sh", "/run.sh", "-c", "apk add x"]), None, "arguments of a script");
        assert_eq!(at(&[]), None);
    }

    #[test]
    fn bounds() {
        let long = format!("apk add {}", "x".repeat(MAX_SCRIPT));
        assert_eq!(shell(&long), None);
        let mut deep = "apk add x".to_owned();
        for _ in 0..12 {
            deep = format!("eval $({deep})");
        }
        assert_eq!(shell(&deep), None);
        let many = "curl -O x://a; sh b; ".repeat(3000);
        assert_eq!(shell(&many), None);
        let nested = "$(".repeat(20_000);
        assert_eq!(shell(&nested), None);
    }
}
