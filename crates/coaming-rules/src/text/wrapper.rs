//! Programs that run another one: which program a command runs in the end.

use super::commands::base_name;
use super::shell::Word;

/// A program that runs another one.
struct Wrapper {
    names: &'static [&'static str],
    /// Its options that take the next word as their value.
    valued: &'static [&'static str],
    /// How many words it takes before the other program.
    takes: usize,
}

const WRAPPERS: &[Wrapper] = &[
    Wrapper {
        names: &["sudo", "doas"],
        valued: &["-u", "-g", "-h", "-p", "-C", "-D", "-R", "-T", "-U", "--user", "--group"],
        takes: 0,
    },
    Wrapper { names: &["env"], valued: &["-u", "-C", "--unset", "--chdir"], takes: 0 },
    Wrapper { names: &["nice", "ionice"], valued: &["-n", "-c"], takes: 0 },
    Wrapper { names: &["timeout"], valued: &["-k", "-s", "--signal"], takes: 1 },
    Wrapper {
        names: &["chroot", "gosu", "su-exec", "taskset", "setuidgid"],
        valued: &[],
        takes: 1,
    },
    Wrapper { names: &["stdbuf"], valued: &["-i", "-o", "-e"], takes: 0 },
    Wrapper { names: &["time", "exec"], valued: &["-f", "-o", "-a"], takes: 0 },
    Wrapper { names: &["tini", "dumb-init", "catatonit"], valued: &["-p", "-e", "-r"], takes: 0 },
    Wrapper { names: &["nsenter"], valued: &["-t", "-S", "-G", "--target"], takes: 0 },
    Wrapper {
        names: &["xargs"],
        valued: &["-n", "-I", "-P", "-L", "-d", "-s", "-a", "-E"],
        takes: 0,
    },
    Wrapper {
        names: &[
            "busybox",
            "toybox",
            "nohup",
            "setsid",
            "builtin",
            "command",
            "eatmydata",
            "unshare",
        ],
        valued: &[],
        takes: 0,
    },
];

/// Words of the shell's grammar that a command may follow.
const KEYWORDS: &[&str] = &["if", "then", "elif", "else", "while", "until", "do", "!", "{"];

/// The position of the program that a command runs in the end: behind assignments, keywords and
/// whatever only changes how it is run.
pub(super) fn program_position(words: &[Word]) -> usize {
    let mut position = 0;
    while let Some(word) = words.get(position) {
        let text = word.text.as_str();
        if KEYWORDS.contains(&text) || is_assignment(text) {
            position += 1;
            continue;
        }
        let name = base_name(text);
        let Some(wrapper) = WRAPPERS.iter().find(|wrapper| wrapper.names.contains(&name)) else {
            break;
        };
        position += 1;
        while let Some(option) = words.get(position).filter(|it| it.text.starts_with('-')) {
            // `command -v` only asks where a program is.
            if name == "command" && option.text.contains(['v', 'V']) {
                return words.len();
            }
            position += 1 + usize::from(wrapper.valued.contains(&option.text.as_str()));
            if option.text == "--" {
                break;
            }
        }
        position += wrapper.takes;
    }
    position.min(words.len())
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        let name = name.strip_suffix('+').unwrap_or(name);
        !name.is_empty()
            && !name.starts_with(|first: char| first.is_ascii_digit())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}
