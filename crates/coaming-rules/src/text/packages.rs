//! What a script installs by the distribution's package manager, removes again, and leaves behind.

use super::commands::Started;
use super::nested::commands_in;
use super::shell::{Command, parse};
use super::wrapper::program_position;

/// A command to a distribution's package manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Action {
    /// What is done.
    pub(crate) kind: ActionKind,
    /// Which manager does it.
    pub(crate) manager: Manager,
    /// The packages, without their versions; for `apk` also the name of a virtual package.
    pub(crate) packages: Vec<String>,
}

/// What is done with packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ActionKind {
    /// The lists of what could be installed are fetched.
    Update,
    /// Packages are installed.
    Install {
        /// The lists are not kept (`apk add --no-cache`).
        keeps_no_lists: bool,
    },
    /// Packages are removed.
    Remove,
    /// The lists are removed.
    Clean,
}

/// A family of package managers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manager {
    /// Debian's and Ubuntu's.
    Apt,
    /// Alpine's.
    Apk,
    /// Red Hat's and its relatives'.
    Dnf,
}

/// Longer scripts are not read: 64 KiB.
const MAX_SCRIPT: usize = 64 << 10;

/// What a script does with packages, in the order in which it does.
pub(crate) fn package_actions(script: &str) -> Vec<Action> {
    let commands = commands_in(script);
    commands.iter().filter_map(Started::new).filter_map(|it| action(&it)).collect()
}

/// The programs that a script starts, and whether each is named by a path to its file; `None` of a
/// script that is too long.
pub(crate) fn programs(script: &str) -> Option<Vec<(String, bool)>> {
    if script.len() > MAX_SCRIPT {
        return None;
    }
    let pipelines = parse(script);
    let started = |command: &Command| {
        let name = Started::new(command)?.name.to_owned();
        let word = command.words.get(program_position(&command.words))?;
        let is_own = |path: &str| !["/bin/", "/sbin/"].iter().any(|it| path.starts_with(it));
        let path = word.text.strip_prefix("/usr").unwrap_or(&word.text);
        Some((name, path.contains('/') && is_own(path)))
    };
    Some(pipelines.iter().flatten().filter_map(started).collect())
}

fn action(command: &Started<'_>) -> Option<Action> {
    let manager = match command.name {
        "apt-get" | "apt" | "aptitude" => Manager::Apt,
        "apk" => Manager::Apk,
        "yum" | "dnf" | "microdnf" | "tdnf" => Manager::Dnf,
        "rm" => return removed_lists(&command.arguments),
        _ => return None,
    };
    let (verb, packages) = verb_and_packages(&command.arguments)?;
    let keeps_no_lists = command.arguments.contains(&"--no-cache");
    let kind = match (manager, verb) {
        (Manager::Apt | Manager::Apk, "update") => ActionKind::Update,
        (_, "install" | "add" | "build-dep" | "groupinstall") => {
            ActionKind::Install { keeps_no_lists }
        }
        (_, "remove" | "purge" | "del" | "erase") => ActionKind::Remove,
        (Manager::Dnf, "clean") => ActionKind::Clean,
        _ => return None,
    };
    Some(Action { kind, manager, packages })
}

/// `rm -rf /var/lib/apt/lists/*`
fn removed_lists(arguments: &[&str]) -> Option<Action> {
    let manager = arguments.iter().find_map(|path| match path.trim_end_matches(['*', '/']) {
        "/var/lib/apt/lists" | "/var/lib/apt" | "/var/lib/apt/lists/" => Some(Manager::Apt),
        "/var/cache/apk" | "/etc/apk/cache" => Some(Manager::Apk),
        "/var/cache/dnf" | "/var/cache/yum" | "/var/cache" => Some(Manager::Dnf),
        _ => None,
    })?;
    Some(Action { kind: ActionKind::Clean, manager, packages: Vec::new() })
}

/// Options of package managers that take the next word as their value.
const VALUED: &[&str] =
    &["-t", "--target-release", "-o", "-c", "--repository", "-X", "-p", "--root"];

fn verb_and_packages<'a>(arguments: &[&'a str]) -> Option<(&'a str, Vec<String>)> {
    let mut verb = None;
    let mut packages = Vec::new();
    let mut words = arguments.iter().copied();
    while let Some(word) = words.next() {
        match verb {
            Some("add") if matches!(word, "-t" | "--virtual") => {
                packages.extend(words.next().map(str::to_owned));
            }
            _ if VALUED.contains(&word) => {
                words.next();
            }
            _ if word.starts_with('-') => {}
            None => verb = Some(word),
            Some(_) => packages.push(without_version(word).to_owned()),
        }
    }
    Some((verb?, packages))
}

/// `curl` of `curl=7.88.1-10`, `curl~8`, `curl/stable`, `libc6:amd64`.
fn without_version(package: &str) -> &str {
    package.split(['=', '~', '<', '>', '/', ':', '@']).next().unwrap_or(package)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(script: &str) -> Vec<String> {
        package_actions(script)
            .into_iter()
            .map(|action| {
                format!("{:?} {:?} {}", action.manager, action.kind, action.packages.join(" "))
            })
            .collect()
    }

    #[test]
    fn what_is_done_with_packages() {
        assert_eq!(
            shown(
                "set -e; apt-get -qq update && DEBIAN_FRONTEND=x apt-get install -y \\\n \
                 --no-install-recommends -t stable curl=7.1 vim && apt-get purge -y curl && \
                 rm -rf /var/lib/apt/lists/* /tmp/*"
            ),
            [
                "Apt Update ",
                "Apt Install { keeps_no_lists: false } curl vim",
                "Apt Remove curl",
                "Apt Clean ",
            ]
        );
        assert_eq!(
            shown("apk add --no-cache --virtual .build gcc make && apk del .build"),
            ["Apk Install { keeps_no_lists: true } .build gcc make", "Apk Remove .build"]
        );
        assert_eq!(shown("dnf install -y gcc && dnf clean all")[1], "Dnf Clean all");
        assert!(shown("echo apt-get install curl; pip install x").is_empty());
    }
}
