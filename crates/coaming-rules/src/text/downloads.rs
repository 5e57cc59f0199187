//! What scripts do with downloads: which tools make them, which files they write, and what runs them.

use super::commands::{Started, base_name, parent};
use super::shell::Pipeline;

/// What was unpacked of a download.
#[derive(Clone, Debug)]
pub(super) struct Unpacked {
    /// The tool that downloaded it.
    pub(super) tool: &'static str,
    /// The directory it is in, if it is not the working directory.
    directory: Option<String>,
}

impl Unpacked {
    /// What a program unpacks that has these arguments.
    pub(super) fn new(tool: &'static str, arguments: &[&str]) -> Self {
        let named = arguments.iter().find_map(|word| word.strip_prefix("--directory="));
        let after = || {
            let option = arguments.iter().position(|word| matches!(*word, "-C" | "-d"))?;
            arguments.get(option + 1).copied()
        };
        let directory = named.or_else(after).filter(|directory| *directory != ".");
        Self { tool, directory: directory.map(str::to_owned) }
    }

    /// Whether a file is in it.
    pub(super) fn has(&self, file: &str) -> bool {
        match &self.directory {
            Some(directory) => file.starts_with(directory.as_str()),
            None => file.contains('/') && !file.starts_with(['-', '$', '/']),
        }
    }
}

/// What a pipeline unpacks of a download that runs into it.
pub(super) fn unpacks_download(pipeline: &Pipeline) -> Option<Unpacked> {
    let mut commands = pipeline.iter().filter_map(Started::new);
    let tool = commands.find_map(|command| downloader(command.name))?;
    let unpacker = commands.find(|command| is_unpacker(command.name))?;
    Some(Unpacked::new(tool, &unpacker.arguments))
}

pub(super) fn is_unpacker(program: &str) -> bool {
    matches!(program, "tar" | "bsdtar" | "unzip")
}

pub(super) fn is_interpreter(program: &str) -> bool {
    matches!(program, "python" | "python3" | "perl" | "ruby" | "node" | "php")
}

pub(super) fn downloader(program: &str) -> Option<&'static str> {
    let program = program.strip_suffix(".exe").unwrap_or(program);
    ["curl", "wget", "fetch", "aria2c"].into_iter().find(|tool| *tool == program)
}

/// The files that a download is written to.
pub(super) fn downloaded_files(tool: &str, arguments: &[&str]) -> Vec<String> {
    // curl's `-o FILE` and `-O`; the others name the file after the address unless told.
    let (letter, long) =
        if tool == "wget" { ('O', "--output-document") } else { ('o', "--output") };
    let mut files = Vec::new();
    let mut by_address = tool != "curl";
    let mut addresses = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if let Some(value) = word.strip_prefix(long) {
            files.extend(value.strip_prefix('=').or_else(|| words.next().copied()));
        } else if let Some(flags) = word.strip_prefix('-').filter(|it| !it.starts_with('-')) {
            let before_value = flags.find(|c| "HudXAebcFTxmwKECDQrtyYz".contains(c));
            let plain = flags.get(..before_value.unwrap_or(flags.len())).unwrap_or_default();
            by_address |= tool == "curl" && plain.contains('O');
            if let Some((_, value)) =
                plain.find(letter).and_then(|at| flags.split_at_checked(at + 1))
            {
                files.extend(if value.is_empty() { words.next().copied() } else { Some(value) });
            }
        } else if *word == "--remote-name" {
            by_address = true;
        } else if word.contains("://") {
            addresses.push(*word);
        }
    }
    if by_address && files.is_empty() {
        files.extend(addresses.iter().map(|address| {
            let path = address.split(['?', '#']).next().unwrap_or(address);
            base_name(path)
        }));
    }
    files.into_iter().filter(|file| !matches!(*file, "" | "-")).map(str::to_owned).collect()
}

/// Whether two names in a script mean the same file, as far as can be told without its directory.
pub(super) fn same_file(known: &str, file: &str) -> bool {
    let plain = |name: &str| !name.trim_start_matches("./").contains('/');
    known == file || (plain(known) || plain(file)) && base_name(known) == base_name(file)
}

/// `+x`, `a+rx`, `755` …
pub(super) fn makes_executable(mode: &str) -> bool {
    match mode.bytes().all(|byte| byte.is_ascii_digit()) {
        true => mode.bytes().rev().take(3).any(|digit| digit % 2 == 1),
        false => mode.split(',').any(|part| {
            part.split_once(['+', '=']).is_some_and(|(_, rights)| rights.contains(['x', 'X']))
        }),
    }
}

/// Whether an unpacker with these arguments unpacks into a directory of programs.
pub(super) fn unpacks_programs(arguments: &[&str]) -> bool {
    arguments.iter().any(|word| is_program_directory(word.trim_start_matches("--directory=")))
}

/// Whether programs are looked for here.
pub(super) fn is_program_directory(path: &str) -> bool {
    let path = if parent(path).ends_with("/bin") { parent(path) } else { path };
    matches!(
        path.trim_end_matches('/'),
        "/bin" | "/sbin" | "/usr/bin" | "/usr/sbin" | "/usr/local" | "/usr/local/bin" | "/opt/bin"
    )
}
