//! In which folders a command line writes files, as far as it says so itself: by redirections, and
//! by programs that are there to make files. What is only known while it runs is left out.

use std::collections::BTreeSet;

use super::commands::{
    MAX_NESTING, MAX_SCRIPT, ShellReads, base_name, downloaded_files, downloader, is_shell, parent,
    shell_reads,
};
use super::shell::{Command, Word, parse};
use super::wrapper::program_position;

/// The absolute folders that this command line writes to, in alphabetical order. The words are those
/// of a container's `command` and `args`.
pub(crate) fn written_folders(argv: &[&str]) -> BTreeSet<String> {
    let words = argv.iter().map(|word| Word::literal(word)).collect();
    let mut folders = BTreeSet::new();
    command(&Command { words, ..Command::default() }, 0, &mut folders);
    folders
}

fn script(text: &str, depth: usize, folders: &mut BTreeSet<String>) {
    if depth >= MAX_NESTING || text.len() > MAX_SCRIPT {
        return;
    }
    for each in parse(text).iter().flatten() {
        command(each, depth + 1, folders);
    }
}

fn command(command: &Command, depth: usize, folders: &mut BTreeSet<String>) {
    for output in &command.outputs {
        add_file(output, folders);
    }
    for inner in command.words.iter().flat_map(|word| &word.scripts) {
        script(inner, depth, folders);
    }
    let words = command.words.get(program_position(&command.words)..).unwrap_or_default();
    let Some((program, rest)) = words.split_first() else { return };
    let name = base_name(&program.text);
    let arguments: Vec<&str> = rest.iter().map(|word| word.text.as_str()).collect();
    let named = || arguments.iter().copied().filter(|word| !word.starts_with('-'));
    match name {
        "tee" | "touch" => named().for_each(|file| add_file(file, folders)),
        // An empty folder that is there already is what `mkdir -p` is content with.
        "mkdir" if arguments.iter().any(|word| word.starts_with("-p") || *word == "--parents") => {
            named().for_each(|folder| add_folder(folder, folders));
        }
        "mktemp" => add_folder("/tmp", folders),
        "cp" | "mv" | "install" => {
            if let Some(target) = named().next_back() {
                add_file(target, folders);
            }
        }
        _ => {}
    }
    if let Some(tool) = downloader(name) {
        for file in downloaded_files(tool, &arguments) {
            add_file(&file, folders);
        }
    }
    if is_shell(name)
        && let ShellReads::Script(position) = shell_reads(rest)
        && let Some(word) = rest.get(position)
    {
        script(&word.text, depth, folders);
    }
}

fn add_file(file: &str, folders: &mut BTreeSet<String>) {
    if file.ends_with('/') { add_folder(file, folders) } else { add_folder(parent(file), folders) }
}

fn add_folder(folder: &str, folders: &mut BTreeSet<String>) {
    let folder = folder.trim_end_matches('/');
    let is_plain = folder.starts_with('/')
        && !folder.contains(['$', '`', '*', '?', '[', '~'])
        && !folder.chars().any(char::is_control)
        && folder.split('/').all(|part| !matches!(part, "." | ".."));
    if is_plain {
        folders.insert(folder.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::written_folders;

    #[test]
    fn folders_are_found_where_files_are_made() {
        let folders = |argv: &[&str]| written_folders(argv).into_iter().collect::<Vec<_>>();
        let shell = |text: &str| folders(&["sh", "-c", text]);
        assert_eq!(shell("date > /var/log/app/start.log; cat /etc/x"), ["/var/log/app"]);
        assert_eq!(shell("mkdir -p /cache/a && touch /cache/b"), ["/cache", "/cache/a"]);
        assert_eq!(shell("f=$(mktemp); echo x | tee -a /run/x.pid"), ["/run", "/tmp"]);
        assert_eq!(shell("curl -o /data/x.tgz https://example.com/x"), ["/data"]);
        assert_eq!(folders(&["cp", "/src/a", "/dst/"]), ["/dst"]);
        assert!(shell("echo x > $DIR/y; echo > relative; cat < /etc/x; mkdir /z").is_empty());
        assert!(folders(&["server", "--log=/var/log/x"]).is_empty());
    }
}
