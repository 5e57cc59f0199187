//! What the container starts: the entry point and its arguments, as a container runtime reads them.

use crate::ImageConfig;
use crate::tree::{Tree, join, name_of};

/// Where programs are searched if the image sets no `PATH`: containerd's default.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Programs that start another one, which their arguments name.
const STARTERS: &[&str] = &[
    "catatonit",
    "chpst",
    "chroot",
    "docker-entrypoint.sh",
    "docker-init",
    "dumb-init",
    "env",
    "gosu",
    "nice",
    "nohup",
    "runuser",
    "setpriv",
    "setsid",
    "stdbuf",
    "su-exec",
    "sudo",
    "taskset",
    "time",
    "timeout",
    "tini",
    "tini-static",
    "xvfb-run",
];

/// How the image says that the container is started.
pub(super) struct Start<'t> {
    tree: &'t Tree,
    pub(super) directory: String,
    path: Vec<String>,
    /// The entry point, followed by the command.
    pub(super) words: Vec<String>,
}

impl<'t> Start<'t> {
    pub(super) fn new(tree: &'t Tree, config: &ImageConfig) -> Self {
        let directory = match config.working_directory.as_str() {
            directory if directory.starts_with('/') => directory.to_owned(),
            directory => format!("/{directory}"),
        };
        let path = variable(config, "PATH").filter(|path| !path.is_empty()).unwrap_or(PATH);
        Self {
            tree,
            directory,
            path: path.split(':').map(str::to_owned).collect(),
            words: config.entrypoint.iter().chain(&config.command).cloned().collect(),
        }
    }

    /// The file that the name of a program means: relative to the working directory if it has a
    /// slash, else in `PATH`. Only files that may be executed count.
    pub(super) fn program(&self, name: &str) -> Option<String> {
        if name.is_empty() {
            return None;
        }
        let runs = |path: &str| self.tree.find(path).is_some_and(|(_, node)| node.is_executable());
        if name.contains('/') {
            return Some(join(&self.directory, name)).filter(|path| runs(path));
        }
        self.path
            .iter()
            .map(|directory| join(&join(&self.directory, directory), name))
            .find(|path| runs(path))
    }

    /// The first of these words that is a program: what a starter or a script's `exec "$@"` runs.
    pub(super) fn first_program(&self, words: &[String]) -> Option<(usize, String)> {
        words.iter().enumerate().find_map(|(index, word)| {
            // Options and assignments come before the program: `nice -n 5 nginx`, `env A=b nginx`.
            if word.starts_with('-') || word.contains('=') {
                return None;
            }
            Some((index, self.program(word)?))
        })
    }

    /// The existing file or directory that an argument names, also as `--option=PATH`.
    pub(super) fn named(&self, word: &str) -> Option<String> {
        let value = match word.split_once('=') {
            Some((option, value)) if option.starts_with('-') => value,
            _ => word,
        };
        let value = value.split(',').next().unwrap_or(value);
        if value.is_empty() || value.starts_with('-') || value == "." {
            return None;
        }
        let path = join(&self.directory, value);
        self.tree.find(&path).is_some().then_some(path)
    }
}

/// Whether a program starts another one, which its arguments name.
pub(super) fn is_starter(program: &str) -> bool {
    STARTERS.contains(&name_of(program))
}

/// A variable's value, unless that is a secret.
pub(super) fn variable<'c>(config: &'c ImageConfig, name: &str) -> Option<&'c str> {
    let mut found = config.environment.iter().filter(|(key, _)| key == name);
    found.next_back().and_then(|(_, value)| value.as_deref())
}
