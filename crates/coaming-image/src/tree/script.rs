//! Scripts: what runs them, and what a shell script runs.
//!
//! A shell script is searched for words in the position of commands. It is not executed, so a
//! command whose name is built at run time stays unknown, unless variables are set to texts that
//! the script contains. The result may contain too much, but lacks no command that is written
//! literally.

use super::dependencies;

/// The most commands that are kept of a script.
const COMMANDS: usize = 2000;

/// What a script needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// The first line without `#!`, split: `/usr/bin/env`, `python3`.
    pub interpreter: Vec<String>,
    /// The words of a shell script in the position of commands, without the shell's own commands.
    pub commands: Vec<String>,
    /// The files that it names.
    pub named: Vec<String>,
    /// Words that may be the names of files in another directory: `./step.sh`, `lib/functions.sh`.
    pub relative: Vec<String>,
    /// The directories that it changes to.
    pub directories: Vec<String>,
    /// Words that start with a variable whose value is not in the script: `$TOOL` in the position of a
    /// command, and paths such as `${JAVA_HOME}/bin/java`.
    pub variables: Vec<String>,
}

/// The most relative names, and the most directories, that are kept of a script.
const RELATIVE: usize = 500;

/// Programs that run another one, which follows their options and the values of those: `gosu app`,
/// `timeout 5`, `setpriv --reuid 1000`.
const STARTERS: &[&str] = &[
    "capsh",
    "catatonit",
    "chpst",
    "chroot",
    "dumb-init",
    "flock",
    "gosu",
    "ionice",
    "nice",
    "parallel",
    "runuser",
    "s6-setuidgid",
    "setpriv",
    "setuidgid",
    "start-stop-daemon",
    "stdbuf",
    "su",
    "su-exec",
    "sudo",
    "taskset",
    "timeout",
    "tini",
    "unshare",
    "watch",
    "xargs",
    "xvfb-run",
];

/// Options whose next word is a program: `find … -exec grep`.
const BEFORE_PROGRAMS: &[&str] = &["-exec", "-execdir", "-ok", "-okdir"];

/// How many words after a starter may be the program: which one it is depends on its options.
const AFTER_STARTER: usize = 8;

/// The shell's own commands: a program of the same name is not run.
const BUILTINS: &[&str] = &[
    ".", ":", "[", "[[", "alias", "bg", "break", "builtin", "case", "cd", "command", "continue",
    "declare", "do", "done", "echo", "elif", "else", "esac", "eval", "exec", "exit", "export",
    "false", "fc", "fg", "fi", "for", "function", "getopts", "hash", "if", "in", "jobs", "kill",
    "let", "local", "printf", "pwd", "read", "readonly", "return", "select", "set", "shift",
    "shopt", "source", "test", "then", "time", "times", "trap", "true", "type", "typeset",
    "ulimit", "umask", "unalias", "unset", "until", "wait", "while", "{", "}", "!",
];

/// Words that are followed by another command.
const BEFORE_COMMANDS: &[&str] = &[
    "!", "builtin", "command", "do", "elif", "else", "env", "eval", "exec", "if", "nohup",
    "setsid", "then", "time", "trap", "until", "while", "{",
];

/// Words that are followed by a program, even if its name is that of a command of the shell.
const BEFORE_FILES: &[&str] = &["env", "exec", "nohup", "setsid"];

impl Script {
    /// Whether a shell runs it.
    #[must_use]
    pub fn is_shell(&self) -> bool {
        // A file without a first line of its own is read by the shell that sources it.
        self.interpreter.is_empty() || self.interpreter.iter().take(2).any(|word| is_shell(word))
    }
}

impl Script {
    fn read_shell(&mut self, text: &str) {
        let found = Commands::of(text);
        self.commands = found.words;
        self.variables = found.variables;
        self.named = dependencies::names(text.as_bytes());
        let words = text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .flat_map(|line| line.split([' ', '\t', ';', '|', '&', '(', ')', '`', '"', '\'']));
        let paths = text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .flat_map(|line| line.split([' ', '\t', ';', '|', '&', '(', ')', '`', '=']))
            .map(|word| word.trim_matches(['"', '\'']))
            .filter(|word| is_path_below_variable(word));
        for word in paths {
            if self.variables.len() < RELATIVE && !self.variables.iter().any(|known| known == word)
            {
                self.variables.push(word.to_owned());
            }
        }
        let (mut is_directory, mut is_beside_own) = (false, false);
        for word in words.filter(|word| !word.is_empty()) {
            let is_plain = is_plain(word);
            // `. "$(dirname "$0")/functions"`.
            let is_beside = is_beside_own && is_plain && word.starts_with('/');
            is_beside_own = word == "dirname" || is_beside_own && word.starts_with(['$', '{', '-']);
            let word = if is_beside { word.trim_start_matches('/') } else { word };
            if std::mem::replace(&mut is_directory, matches!(word, "cd" | "pushd")) && is_plain {
                if self.directories.len() < RELATIVE {
                    self.directories.push(word.to_owned());
                }
            } else if is_plain
                && !word.starts_with(['/', '-'])
                && (is_beside || word.contains(['/', '.']))
                && word.len() > 2
                && self.relative.len() < RELATIVE
                && !self.relative.iter().any(|known| known == word)
            {
                self.relative.push(word.to_owned());
            }
        }
    }
}

/// Whether this is the name of a shell.
pub(crate) fn is_shell(program: &str) -> bool {
    matches!(super::name_of(program), "sh" | "bash" | "dash" | "ash" | "ksh" | "zsh" | "mksh")
}

/// Reads a file that a shell sources.
pub(crate) fn read_sourced(text: &str) -> Script {
    let mut script = Script::default();
    script.read_shell(text);
    script
}

/// Reads a script; `None` if its first line names no interpreter.
pub(super) fn read(text: &str) -> Option<Script> {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let words = first.strip_prefix("#!")?.split_whitespace().take(8);
    let mut script =
        Script { interpreter: words.map(str::to_owned).collect(), ..Script::default() };
    script.interpreter.first()?;
    if script.is_shell() {
        script.read_shell(rest);
    }
    Some(script)
}

/// The words of a shell script in the position of commands, each once, in their order.
struct Commands {
    words: Vec<String>,
    /// Those that are variables whose value is not in the script.
    variables: Vec<String>,
}

impl Commands {
    fn of(text: &str) -> Self {
        let mut found = Self { words: Vec::new(), variables: Vec::new() };
        let lines = || text.lines().map(str::trim_start).filter(|line| !line.starts_with('#'));
        let variables = Variables::of(lines());
        for line in lines() {
            // What ends one command starts another.
            for part in line.split(['|', '&', ';', '(', ')', '`']) {
                for word in commands_of(part, &variables) {
                    let is_variable = word.starts_with('$');
                    let list = if is_variable { &mut found.variables } else { &mut found.words };
                    if list.len() < COMMANDS && !list.contains(&word) {
                        list.push(word);
                    }
                }
            }
        }
        found
    }
}

/// The name of the variable that a word starts with, and what follows it: `$A/b`, `"${A}/b"`.
pub(crate) fn split_variable(word: &str) -> Option<(&str, &str)> {
    let rest = word.strip_prefix('$')?;
    let (name, end) = match rest.strip_prefix('{') {
        Some(inside) => inside.split_once('}')?,
        None => {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            rest.split_at(end.unwrap_or(rest.len()))
        }
    };
    let end = end.trim_start_matches(['"', '\'']);
    let is_parameter = name.starts_with(|first: char| first.is_ascii_digit());
    (is_name(name) && !is_parameter && (end.is_empty() || is_plain(end))).then_some((name, end))
}

/// Whether a word is a path in a directory that a variable names.
fn is_path_below_variable(word: &str) -> bool {
    split_variable(word).is_some_and(|(_, end)| end.starts_with('/') && end.len() > 1)
}

/// The most values of variables that are kept of a script.
const VALUES: usize = 500;

/// What variables may be set to: `bin=/usr/lib/app/bin`, `APP=${APP:-/usr/bin/app}`. Which one it
/// is at run time is unknown: all count.
struct Variables<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Variables<'a> {
    fn of(lines: impl Iterator<Item = &'a str>) -> Self {
        let words = lines.flat_map(|line| line.split([' ', '\t', ';', '&', '|', '`']));
        let set = words.filter_map(|word| {
            let word = word.trim_matches(['"', '\'']);
            // `${APP:=/usr/bin/app}` is at once a use and a value.
            let inside = word.strip_prefix("${").and_then(|it| it.strip_suffix('}'));
            let (name, value) = inside
                .and_then(|it| it.split_once(":=").or_else(|| it.split_once('=')))
                .or_else(|| word.split_once('='))?;
            let value = value.trim_matches(['"', '\'']);
            let value = fallback(value).unwrap_or(value);
            (is_name(name) && is_plain(value)).then_some((name, value))
        });
        Self(set.take(VALUES).collect())
    }

    /// The words that a word with a variable at its start may become: `$APP`, `"${bin}/app"`.
    fn expanded(&self, word: &str) -> Vec<String> {
        let found = self.values(word);
        let is_unknown = found.is_empty() && split_variable(word).is_some();
        if is_unknown { vec![word.to_owned()] } else { found }
    }

    fn values(&self, word: &str) -> Vec<String> {
        let Some(rest) = word.strip_prefix('$') else { return Vec::new() };
        if let Some(value) = fallback(word) {
            return vec![value.to_owned()];
        }
        let (name, end) = match rest.strip_prefix('{').and_then(|it| it.split_once('}')) {
            Some((name, end)) => (name.split([':', '-', '=']).next().unwrap_or(name), end),
            None => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                rest.split_at(end.unwrap_or(rest.len()))
            }
        };
        let end = end.trim_start_matches(['"', '\'']);
        if !end.is_empty() && !is_plain(end) {
            return Vec::new();
        }
        let values = self.0.iter().filter(|(known, _)| *known == name);
        values.map(|(_, value)| format!("{value}{end}")).collect()
    }
}

/// The value of `${NAME:-value}` if the variable is not set.
fn fallback(word: &str) -> Option<&str> {
    let inside = word.strip_prefix("${")?.strip_suffix('}')?;
    let (name, value) = inside.split_once(['-', '='])?;
    (is_name(name.trim_end_matches(':')) && is_plain(value)).then_some(value)
}

/// Whether a word can name a variable.
fn is_name(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Whether a word is what it is written as.
fn is_plain(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-/".contains(&b))
}

/// The words of a simple command that are run: one, or several after `exec`, `if` and similar
/// words.
fn commands_of(part: &str, variables: &Variables<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let mut words = part.split_whitespace().map(|word| word.trim_matches(['"', '\'']));
    let mut after = false;
    let mut is_file = false;
    let mut is_set = false;
    for word in words.by_ref() {
        // `set -- nginx "$@"` is what `exec "$@"` runs.
        if word == "set" || is_set && word == "--" {
            after = word == "--";
            is_set = !after;
            continue;
        }
        if is_set {
            break;
        }
        let assigned = word.split_once('=').is_some_and(|(name, _)| is_name(name));
        if word.is_empty() || assigned || after && word.starts_with('-') {
            continue;
        }
        if BEFORE_COMMANDS.contains(&word) {
            after = true;
            is_file = BEFORE_FILES.contains(&word);
            // `env` and similar words are programs themselves.
            if !BUILTINS.contains(&word) {
                found.push(word.to_owned());
            }
            continue;
        }
        found.extend(variables.expanded(word));
        let plain = is_plain(word);
        if plain && (is_file || !BUILTINS.contains(&word)) {
            found.push(word.to_owned());
        }
        if is_shell(word) {
            // `sh -c 'date'`: what follows its options is a command, or a script.
            after = true;
            continue;
        }
        if plain && STARTERS.contains(&super::name_of(word)) {
            for word in words.by_ref().filter(|it| !it.starts_with('-')).take(AFTER_STARTER) {
                found.extend(variables.expanded(word));
                found.extend(is_plain(word).then(|| word.to_owned()));
            }
        }
        break;
    }
    // After the first command there are arguments, some of which are commands.
    let mut is_program = false;
    for word in words {
        if std::mem::replace(&mut is_program, BEFORE_PROGRAMS.contains(&word)) && is_plain(word) {
            found.push(word.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(text: &str) -> Vec<String> {
        Commands::of(text).words
    }

    #[test]
    fn reads_what_a_script_runs() {
        let text = "#!/bin/sh -e\n# cat is not run\nif [ \"$1\" = x ]; then\n  FOO=1 exec nginx -g x\nfi\n\
                    ls | grep -q y && find /a -name b || true\nx=$(date +%s)\n\"$@\"\nexec \"$@\"\n\
                    echo done > /var/log/x\nenv A=b python3 -m http\n";
        let script = read(text).unwrap();
        assert_eq!(script.interpreter, ["/bin/sh", "-e"]);
        assert!(script.is_shell());
        assert_eq!(script.commands, ["nginx", "ls", "grep", "find", "date", "env", "python3"]);
        assert_eq!(script.named, ["/var/log/x"]);
    }

    #[test]
    fn reads_the_commands_in_arguments() {
        for (line, expected) in [
            ("sh -c 'date'", &["sh", "date"][..]),
            ("bash -lc \"exec nginx -g x\"", &["bash", "nginx"]),
            ("find . -name x -exec grep -l y {} +", &["find", "grep"]),
            ("ls | xargs -I {} cp {} /x", &["ls", "xargs", "cp", "/x"]),
            ("xargs -n 1 rm", &["xargs", "1", "rm"]),
            ("nice -n 5 app", &["nice", "5", "app"]),
            ("grep -exec x", &["grep"]),
            ("set -- nginx -g x \"$@\"", &["nginx"]),
            ("shift; set -- gosu web \"$@\"", &["gosu", "web"]),
            ("trap 'rm -f /tmp/x; kill 1' EXIT", &["rm"]),
            ("exec true", &["true"]),
            ("exec env echo x", &["env", "echo"]),
        ] {
            let found = commands(line);
            for command in expected {
                assert!(found.iter().any(|it| it == command), "{line}: {found:?}");
            }
        }
    }

    #[test]
    fn reads_the_commands_in_variables() {
        for (text, expected) in [
            // As in Debian's `apachectl`.
            (
                "HTTPD=${APACHE_HTTPD:-/usr/sbin/apache2}\n$HTTPD ${ARGUMENTS} \"$@\"",
                "/usr/sbin/apache2",
            ),
            ("bin=/usr/lib/app/bin\nexec $bin/app -D x", "/usr/lib/app/bin/app"),
            ("export BIN='/opt/app'\nexec \"${BIN}/run\"", "/opt/app/run"),
            (": ${APP:=/opt/app/run}\nexec gosu web \"$APP\"", "/opt/app/run"),
            ("exec ${APP:-/opt/app/run}", "/opt/app/run"),
            ("if x; then A=/bin/a; else A=/bin/b; fi; \"$A\"", "/bin/b"),
        ] {
            let found = commands(text);
            assert!(found.iter().any(|it| it == expected), "{text}: {found:?}");
        }
        // A value alone is not run, and an unknown variable is nothing.
        let text = "A=/bin/a\necho $A\n$B\n$A$B\n${A%/*}/b\n\"$@\"\nPATH=$A:/bin:$PATH";
        assert_eq!(commands(text), [""; 0]);
        assert_eq!(commands("set -e\nset -o pipefail\nset x\ntrue\nset - a"), [""; 0]);
    }

    #[test]
    fn reads_variables_that_are_set_elsewhere() {
        let text = "A=x\n. \"$HERE\"/lib/common.sh\nexec \"${JAVA_HOME}/bin/java\" $OPTS -jar \"$APP\"\n$TOOL x\n\
                    $A $1 $@ ${X%/*}/y \"$1/z\" $A/b\n";
        let found = read_sourced(text).variables;
        assert_eq!(found, ["${JAVA_HOME}/bin/java", "$TOOL", "$HERE\"/lib/common.sh", "$A/b"]);
        assert_eq!(split_variable(&found[2]), Some(("HERE", "/lib/common.sh")));
        assert_eq!(split_variable("${JAVA_HOME}/bin/java"), Some(("JAVA_HOME", "/bin/java")));
        let text = ". \"$(dirname \"$0\")/functions\"\nD=$(cd \"$(dirname -- \"${BASH_SOURCE[0]}\")/lib\" && pwd)\n";
        assert_eq!(read_sourced(text).relative, ["functions", "lib"]);
    }

    #[test]
    fn reads_the_interpreter_of_other_scripts() {
        let script = read("#! /usr/bin/env python3\nimport cat\n").unwrap();
        assert_eq!(script.interpreter, ["/usr/bin/env", "python3"]);
        assert!(!script.is_shell() && script.commands.is_empty());
        assert_eq!(read("#!\n"), None);
        assert_eq!(read("text"), None);
    }

    #[test]
    fn reads_what_starters_and_directories_lead_to() {
        let text = "#!/bin/sh\ncd /opt; ./step.sh && sh lib/more.sh\n\
                    exec setpriv --reuid 1000 --clear-groups perl -e 1\n. ./functions\n";
        let script = read(text).unwrap();
        assert_eq!(
            script.commands,
            ["./step.sh", "sh", "lib/more.sh", "setpriv", "1000", "perl", "1"]
        );
        assert_eq!(script.directories, ["/opt"]);
        assert_eq!(script.relative, ["./step.sh", "lib/more.sh", "./functions"]);
        assert!(read_sourced("greet() { date; }\n").is_shell());
    }
}
