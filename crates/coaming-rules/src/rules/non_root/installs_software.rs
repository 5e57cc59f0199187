//! See [`InstallsSoftware`].

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::Fields as _;
use coaming_yaml::Node;

use crate::rule::rule;
use crate::rules::words;
use crate::shell::{self, Command, Pipeline};
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// Looks for software that is installed when the container starts: package managers, and
    /// downloads that are piped into a shell, in `command`, `args`, lifecycle hooks and probes,
    /// in init containers too.
    ///
    /// ## Why it matters
    ///
    /// What is installed at run time no scanner has seen, no version is pinned, and whoever
    /// controls the download controls the container. It is also why the container needs root, a
    /// writable file system and the internet, all of which then serve the intruder as well.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       command: ["sh", "-c", "apt-get update && apt-get install -y curl && exec /app"]
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web-with-curl:1.4.2
    ///       command: ["/app"]
    /// ```
    ///
    /// ## Fix
    ///
    /// Install it when the image is built, and run the finished image.
    InstallsSoftware {
        name: "installs-software",
        summary: "Software is installed at run time",
        measure: NonRoot,
        severity: High,
        default: true,
        standards: [Nsa("Immutable container file systems"), Attack("T1105")],
    }
}

impl ContainerRule for InstallsSoftware {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let Some((node, what)) = found(scope) else { return };
        let message = format!(
            "{} installs software when it runs ({what}): no scanner ever sees what that brings, \
             and it needs root, a writable file system and the internet to do so, as would an \
             intruder. Install it when the image is built.",
            words::sentence(&words::container(scope)),
        );
        let build = format!(
            "FROM {}\nRUN … # what is installed at run time now",
            scope.container.image().unwrap_or("IMAGE")
        );
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .manual("install it when the image is built", build)
                .done(),
        );
    }
}

/// The first thing that a container installs when it runs, and where it says so.
pub(crate) fn found(scope: ContainerScope<'_>) -> Option<(Node<'_>, String)> {
    let container = scope.container.node();
    let lifecycle = container.mapping("lifecycle");
    let main: Vec<&str> = scope.container.command().chain(scope.container.args()).collect();
    let place = container.sequence("command").or_else(|| container.sequence("args"));
    let start = place.and_then(|place| Some((place, installs(&main)?)));
    start.or_else(|| {
        ["postStart", "preStop"]
            .into_iter()
            .filter_map(|hook| lifecycle.mapping(hook))
            .chain(
                ["livenessProbe", "readinessProbe", "startupProbe"]
                    .into_iter()
                    .filter_map(|probe| container.mapping(probe)),
            )
            .filter_map(|handler| handler.mapping("exec")?.sequence("command"))
            .find_map(|command| {
                let words: Vec<&str> = command.items().filter_map(Node::as_str).collect();
                Some((command, installs(&words)?))
            })
    })
}

/// What a command line installs, in the words to say so.
fn installs(words: &[&str]) -> Option<String> {
    // Most commands name no such tool at all: no need to take them apart.
    if !words
        .iter()
        .any(|word| TOOLS.iter().any(|(tool, _)| word.contains(tool)) || word.contains("sh"))
    {
        return None;
    }
    shell::pipelines(words.iter().copied()).iter().find_map(|pipeline| {
        piped_to_shell(pipeline).or_else(|| pipeline.iter().find_map(installed_by))
    })
}

/// Tools that install, with the words that make them do so.
const TOOLS: &[(&str, &[&str])] = &[
    ("apt-get", &["install", "upgrade", "dist-upgrade"]),
    ("apt", &["install", "upgrade", "full-upgrade"]),
    ("aptitude", &["install"]),
    ("apk", &["add", "upgrade"]),
    ("yum", &["install", "localinstall", "update", "upgrade"]),
    ("dnf", &["install", "update", "upgrade"]),
    ("microdnf", &["install", "update", "upgrade"]),
    ("zypper", &["install", "in", "update"]),
    ("pacman", &["-S", "-Sy", "-Syu", "-U"]),
    ("dpkg", &["-i", "--install"]),
    ("rpm", &["-i", "-ivh", "-U", "-Uvh", "--install"]),
    ("pip", &["install"]),
    ("pip3", &["install"]),
    ("pipx", &["install"]),
    ("uv", &["add", "sync"]),
    ("conda", &["install"]),
    ("npm", &["install", "i", "ci", "add"]),
    ("yarn", &["install", "add"]),
    ("pnpm", &["install", "i", "add"]),
    ("gem", &["install"]),
    ("bundle", &["install"]),
    ("composer", &["install", "require"]),
    ("cargo", &["install"]),
    ("go", &["install", "get"]),
    ("cpan", &["install"]),
    ("cpanm", &[]),
    ("luarocks", &["install"]),
    ("snap", &["install"]),
    ("brew", &["install"]),
];

fn installed_by(command: &Command) -> Option<String> {
    let words = shell::without_wrappers(command);
    let (program, rest) = words.split_first()?;
    let mut program = shell::program_name(program);
    let mut rest = rest;
    // `python -m pip install x`
    if program.starts_with("python")
        && let [flag, module, after @ ..] = rest
        && flag == "-m"
    {
        program = module;
        rest = after;
    }
    let (tool, verbs) = TOOLS.iter().find(|(tool, _)| *tool == program)?;
    if verbs.is_empty() && !rest.is_empty() {
        return Some(format!("`{tool}`"));
    }
    let verb = rest.iter().find(|word| verbs.contains(&word.as_str()))?;
    // The first word that is no option is the verb; `npm run install` runs a script.
    let first = rest.iter().find(|word| !word.starts_with('-'));
    (verb.starts_with('-') || first == Some(verb)).then(|| format!("`{tool} {verb}`"))
}

/// A download that is run as it comes.
fn piped_to_shell(pipeline: &Pipeline) -> Option<String> {
    let program = |command: &Command| {
        shell::without_wrappers(command).first().map(|word| shell::program_name(word).to_owned())
    };
    let (first, rest) = pipeline.split_first()?;
    let downloader =
        program(first).filter(|name| matches!(name.as_str(), "curl" | "wget" | "fetch"))?;
    let runner = rest.iter().filter_map(program).find(|name| {
        shell::is_shell(name)
            || matches!(name.as_str(), "python" | "python3" | "perl" | "ruby" | "node")
    })?;
    Some(format!("`{downloader} … | {runner}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_installing_from_talking_of_it() {
        for (words, found) in [
            (
                vec!["sh", "-c", "apt-get update && apt-get install -y curl"],
                Some("`apt-get install`"),
            ),
            (vec!["apk", "add", "--no-cache", "curl"], Some("`apk add`")),
            (vec!["apk", "--no-cache", "add", "curl"], Some("`apk add`")),
            (
                vec!["bash", "-c", "curl -sL https://x.example | sudo bash -"],
                Some("`curl … | bash`"),
            ),
            (
                vec!["sh", "-c", "python3 -m pip install flask; exec python3 app.py"],
                Some("`pip install`"),
            ),
            (vec!["sh", "-c", "echo apt-get install curl"], None),
            (vec!["sh", "-c", "curl -s https://x.example | grep ok"], None),
            (vec!["npm", "run", "install"], None),
            (vec!["npm", "start"], None),
            (vec!["/usr/bin/apt-config", "install"], None),
            (vec!["sh", "-c", "dpkg --list"], None),
            (vec![], None),
        ] {
            assert_eq!(installs(&words).as_deref(), found, "{words:?}");
        }
    }
}
