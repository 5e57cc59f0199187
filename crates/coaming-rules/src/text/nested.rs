//! The commands of a script with those of the scripts in it: what a shell is given (`sh -c`, a
//! here-document), `eval`, `su -c`, substitutions.

use super::commands::{MAX_NESTING, MAX_SCRIPT, ShellReads, base_name, is_shell, shell_reads};
use super::shell::{Command, parse};
use super::wrapper::program_position;

/// All commands, each before those that it contains.
pub(super) fn commands_in(script: &str) -> Vec<Command> {
    let mut found = Vec::new();
    add_script(script, 0, &mut found);
    found
}

fn add_script(script: &str, depth: usize, found: &mut Vec<Command>) {
    if depth >= MAX_NESTING || script.len() > MAX_SCRIPT {
        return;
    }
    for command in parse(script).into_iter().flatten() {
        let mut inner: Vec<String> =
            command.words.iter().flat_map(|word| word.scripts.iter().cloned()).collect();
        inner.extend(given(&command));
        found.push(command);
        for script in inner {
            add_script(&script, depth + 1, found);
        }
    }
}

/// The script that a command is given to run.
fn given(command: &Command) -> Option<String> {
    let words = command.words.get(program_position(&command.words)..)?;
    let (program, rest) = words.split_first()?;
    match base_name(&program.text) {
        "eval" => {
            let words: Vec<&str> = rest.iter().map(|word| word.text.as_str()).collect();
            Some(words.join(" "))
        }
        "su" | "runuser" => {
            let flag = rest.iter().position(|word| word.text == "-c")?;
            rest.get(flag + 1).map(|word| word.text.clone())
        }
        shell if is_shell(shell) => match shell_reads(rest) {
            ShellReads::Script(position) => rest.get(position).map(|word| word.text.clone()),
            ShellReads::Input => command.input.clone(),
            ShellReads::File(_) => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_in_commands_are_found() {
        let programs = |script: &str| {
            let commands = commands_in(script).into_iter();
            commands.filter_map(|it| Some(it.words.first()?.text.clone())).collect::<Vec<_>>()
        };
        for (script, expected) in [
            ("a; b | c", &["a", "b", "c"][..]),
            ("bash -euo pipefail -c 'a && b'", &["bash", "a", "b"]),
            ("sh <<EOF\na\nEOF\nb", &["sh", "a", "b"]),
            ("cat <<EOF\na\nEOF", &["cat"]),
            ("a $(b)", &["a", "b"]),
            ("eval 'a b'", &["eval", "a"]),
            ("su app -c 'a b'", &["su", "a"]),
            ("'sh' '-c' 'a \"b c\"'", &["sh", "a"]),
        ] {
            assert_eq!(programs(script), expected, "{script}");
        }
        let deep = (0..12).fold("a".to_owned(), |inner, _| format!("eval $({inner})"));
        assert!(commands_in(&deep).len() < 100);
    }
}
