//! The directories in which a command line visibly writes files: by redirections, and by programs
//! whose purpose is to create files. Effects that are known only at run time are ignored.

use std::collections::BTreeSet;

use super::commands::{
    MAX_NESTING, MAX_SCRIPT, ShellReads, base_name, is_shell, parent, shell_reads,
};
use super::downloads::{downloaded_files, downloader};
use super::shell::{Command, Word, parse};
use super::wrapper::program_position;

/// The absolute directories that this command line writes to, in alphabetical order. The words are those
/// of a container's `command` and `args`.
pub(crate) fn written_directories(argv: &[&str]) -> BTreeSet<String> {
    let words = argv.iter().map(|word| Word::literal(word)).collect();
    let mut directories = BTreeSet::new();
    command(&Command { words, ..Command::default() }, 0, &mut directories);
    directories
}

fn script(text: &str, depth: usize, directories: &mut BTreeSet<String>) {
    if depth >= MAX_NESTING || text.len() > MAX_SCRIPT {
        return;
    }
    for each in parse(text).iter().flatten() {
        command(each, depth + 1, directories);
    }
}

fn command(command: &Command, depth: usize, directories: &mut BTreeSet<String>) {
    for output in &command.outputs {
        add_file(output, directories);
    }
    for inner in command.words.iter().flat_map(|word| &word.scripts) {
        script(inner, depth, directories);
    }
    let words = command.words.get(program_position(&command.words)..).unwrap_or_default();
    let Some((program, rest)) = words.split_first() else { return };
    let name = base_name(&program.text);
    let arguments: Vec<&str> = rest.iter().map(|word| word.text.as_str()).collect();
    let named = || arguments.iter().copied().filter(|word| !word.starts_with('-'));
    match name {
        "tee" | "touch" => named().for_each(|file| add_file(file, directories)),
        // `mkdir -p` writes nothing if the directory already exists.
        "mkdir" if arguments.iter().any(|word| word.starts_with("-p") || *word == "--parents") => {
            named().for_each(|directory| add_directory(directory, directories));
        }
        "mktemp" => add_directory("/tmp", directories),
        "cp" | "mv" | "install" => {
            if let Some(target) = named().next_back() {
                add_file(target, directories);
            }
        }
        _ => {}
    }
    if let Some(tool) = downloader(name) {
        for file in downloaded_files(tool, &arguments) {
            add_file(&file, directories);
        }
    }
    if is_shell(name)
        && let ShellReads::Script(position) = shell_reads(rest)
        && let Some(word) = rest.get(position)
    {
        script(&word.text, depth, directories);
    }
}

fn add_file(file: &str, directories: &mut BTreeSet<String>) {
    if file.ends_with('/') {
        add_directory(file, directories)
    } else {
        add_directory(parent(file), directories)
    }
}

fn add_directory(directory: &str, directories: &mut BTreeSet<String>) {
    let directory = directory.trim_end_matches('/');
    let is_plain = directory.starts_with('/')
        && !directory.contains(['$', '`', '*', '?', '[', '~'])
        && !directory.chars().any(char::is_control)
        && directory.split('/').all(|part| !matches!(part, "." | ".."));
    if is_plain {
        directories.insert(directory.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::written_directories;

    #[test]
    fn directories_are_found_where_files_are_made() {
        let directories = |argv: &[&str]| written_directories(argv).into_iter().collect::<Vec<_>>();
        let shell = |text: &str| directories(&["sh", "-c", text]);
        assert_eq!(shell("date > /var/log/app/start.log; cat /etc/x"), ["/var/log/app"]);
        assert_eq!(shell("mkdir -p /cache/a && touch /cache/b"), ["/cache", "/cache/a"]);
        assert_eq!(shell("f=$(mktemp); echo x | tee -a /run/x.pid"), ["/run", "/tmp"]);
        assert_eq!(shell("curl -o /data/x.tgz https://example.com/x"), ["/data"]);
        assert_eq!(directories(&["cp", "/src/a", "/dst/"]), ["/dst"]);
        assert!(shell("echo x > $DIR/y; echo > relative; cat < /etc/x; mkdir /z").is_empty());
        assert!(directories(&["server", "--log=/var/log/x"]).is_empty());
    }
}
