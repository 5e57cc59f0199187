//! See [`PackageLists`].

use coaming_dockerfile::{Base, Command, Instruction, Kind};
use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_yaml::Span;
use coaming_yaml::edit::TextEdit;

use crate::dockerfile::Script;
use crate::rule::{BuiltIn as _, rule};
use crate::text::packages::{Action, ActionKind, Manager, package_actions, programs};
use crate::{Context, DockerfileRule, DockerfileScope};

rule! {
    /// ## What it looks for
    ///
    /// Images that keep the package manager's lists of available packages: after `apt-get update`
    /// without `rm -rf /var/lib/apt/lists/*`, `apk add` without `--no-cache`, and `dnf install`
    /// without `dnf clean all`, in the stages that the image is built from.
    ///
    /// ## Why it matters
    ///
    /// With the lists in place, an attacker installs tools right away, from any mirror that they
    /// can reach. The lists also make every image larger and slower to scan.
    ///
    /// ## Bad
    ///
    /// `apt-get update` leaves its lists behind.
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// RUN apt-get update && apt-get install -y ca-certificates
    /// USER 10001
    /// ```
    ///
    /// `apk add` leaves its lists behind.
    ///
    /// ```dockerfile
    /// FROM alpine:3.19
    /// RUN apk add ca-certificates
    /// USER 10001
    /// ```
    ///
    /// `dnf install` leaves its lists behind.
    ///
    /// ```dockerfile
    /// FROM fedora:40
    /// RUN dnf install -y ca-certificates
    /// USER 10001
    /// ```
    ///
    /// ## Good
    ///
    /// The lists are removed in the same `RUN`.
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// RUN apt-get update && apt-get install -y ca-certificates \
    ///  && rm -rf /var/lib/apt/lists/*
    /// USER 10001
    /// ```
    ///
    /// `apk` keeps no lists.
    ///
    /// ```dockerfile
    /// FROM alpine:3.19
    /// RUN apk add --no-cache ca-certificates
    /// USER 10001
    /// ```
    ///
    /// The lists are in a cache that is not part of the image.
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// RUN --mount=type=cache,target=/var/lib/apt apt-get update && apt-get install -y ca-certificates
    /// USER 10001
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove the lists in the same `RUN`; for `apk`, add `--no-cache`. The fix does so and leaves
    /// the rest of the instruction as it is. It is safe because it comes after the last
    /// installation that uses the lists, and no program but the package manager reads them. Where
    /// something later may install with them, it needs `--unsafe`: another program than the usual
    /// ones of a build (`rosdep`, `ansible-playbook`, a script of one's own), another stage that is
    /// built on this one, `ONBUILD`, and `CMD` or `ENTRYPOINT` with an installation. A script that
    /// ends in another way than a plain command is left to you.
    PackageLists {
        name: "package-lists",
        summary: "Package lists are kept in the image",
        category: Utilities,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Attack("T1105")],
    }
}

impl DockerfileRule for PackageLists {
    const META: &'static RuleMeta = Self::RULE;

    fn check(_: &Context<'_>, scope: DockerfileScope<'_>, findings: &mut Vec<Finding>) {
        for manager in [Manager::Apt, Manager::Apk, Manager::Dnf] {
            if let Some(kept) = keeps(scope, manager) {
                findings.push(finding(scope, manager, &kept));
            }
        }
    }
}

/// An instruction that leaves lists behind.
struct Kept<'a> {
    instruction: &'a Instruction,
    script: Script<'a>,
    /// Whether something later may install with these lists.
    is_used_later: bool,
}

/// The last instruction that leaves lists behind, if nothing removes them afterwards.
fn keeps<'a>(scope: DockerfileScope<'a>, manager: Manager) -> Option<Kept<'a>> {
    let mut kept: Option<Kept<'a>> = None;
    for (instruction, script) in scope.scripts_of_image() {
        let is_cache = script.mounts.iter().any(|mount| {
            mount.contains("type=cache")
                && ["/var/lib/apt", "/var/cache"].iter().any(|it| mount.contains(it))
        });
        if let Some(kept) = &mut kept {
            kept.is_used_later |= runs_unknown(script.text);
        }
        for action in package_actions(script.text) {
            if action.manager != manager {
                continue;
            }
            // A later installation uses the lists of an earlier instruction: remove them after it.
            // One with a cache uses the lists in the cache.
            let installs = matches!(action.kind, ActionKind::Install { .. });
            let uses = kept.is_some() && installs && !is_cache;
            if leaves_lists(&action) && !is_cache || uses {
                kept = Some(Kept { instruction, script, is_used_later: false });
            } else if action.kind == ActionKind::Clean {
                kept = None;
            }
        }
    }
    let mut kept = kept?;
    kept.is_used_later |= of_other_stages(scope, kept.instruction).any(uses_lists)
        || scope.dockerfile.of_image().any(|it| match &it.kind {
            Kind::OnBuild(later) => uses_lists(later),
            kind @ (Kind::Cmd(_) | Kind::Entrypoint(_) | Kind::Healthcheck(_)) => {
                script_of_kind(kind).is_some_and(installs)
            }
            _ => false,
        });
    Some(kept)
}

/// What other stages do that are built on the stage of an instruction, and not part of the image.
fn of_other_stages<'a>(
    scope: DockerfileScope<'a>,
    instruction: &Instruction,
) -> impl Iterator<Item = &'a Kind> {
    let stages = &scope.dockerfile.stages;
    let contains = |place: usize| {
        stages
            .get(place)
            .is_some_and(|stage| stage.instructions.iter().any(|it| std::ptr::eq(it, instruction)))
    };
    let mut built_on: Vec<bool> = Vec::with_capacity(stages.len());
    for stage in stages {
        // A stage is built on an earlier one.
        built_on.push(match stage.base {
            Base::Stage(place) => {
                contains(place) || built_on.get(place).is_some_and(|known| *known)
            }
            _ => false,
        });
    }
    let lineage = scope.dockerfile.lineage();
    let stages = stages.iter().zip(built_on).filter_map(|(stage, is_on)| is_on.then_some(stage));
    stages
        .filter(move |stage| !lineage.iter().any(|it| std::ptr::eq(*it, *stage)))
        .flat_map(|stage| &stage.instructions)
        .map(|instruction| &instruction.kind)
}

/// Whether an instruction may install something with lists that are there.
fn uses_lists(kind: &Kind) -> bool {
    script_of_kind(kind).is_some_and(|script| runs_unknown(script) || installs(script))
}

/// The text that an instruction runs.
fn script_of_kind(kind: &Kind) -> Option<&str> {
    match kind.unwrapped() {
        Kind::Run { command, .. }
        | Kind::Cmd(command)
        | Kind::Entrypoint(command)
        | Kind::Healthcheck(command) => match command {
            Command::Shell { script, .. } => Some(script),
            Command::Exec { line, .. } => Some(line),
        },
        _ => None,
    }
}

fn installs(script: &str) -> bool {
    package_actions(script).iter().any(|it| matches!(it.kind, ActionKind::Install { .. }))
}

/// Programs of builds that install no packages of the distribution.
const HARMLESS: &[&str] = &[
    "[",
    "[[",
    ":",
    "add-apt-repository",
    "addgroup",
    "adduser",
    "apk",
    "apt",
    "apt-cache",
    "apt-get",
    "apt-key",
    "apt-mark",
    "aptitude",
    "awk",
    "base64",
    "basename",
    "bunzip2",
    "cargo",
    "cat",
    "cd",
    "chgrp",
    "chmod",
    "chown",
    "composer",
    "corepack",
    "cp",
    "curl",
    "cut",
    "date",
    "dirname",
    "dnf",
    "dotnet",
    "dpkg",
    "dpkg-query",
    "dpkg-reconfigure",
    "echo",
    "done",
    "esac",
    "fi",
    "for",
    "}",
    "exit",
    "export",
    "false",
    "find",
    "gem",
    "git",
    "go",
    "gosu",
    "gpg",
    "grep",
    "groupadd",
    "groupmod",
    "gunzip",
    "gzip",
    "head",
    "id",
    "install",
    "ldconfig",
    "ln",
    "locale-gen",
    "ls",
    "md5sum",
    "microdnf",
    "mkdir",
    "mktemp",
    "mv",
    "npm",
    "passwd",
    "pip",
    "pip3",
    "pnpm",
    "poetry",
    "printf",
    "pwd",
    "readlink",
    "rm",
    "rmdir",
    "rustup",
    "sed",
    "set",
    "setcap",
    "sha256sum",
    "sha512sum",
    "shift",
    "sleep",
    "sort",
    "strip",
    "sync",
    "tail",
    "tar",
    "tdnf",
    "tee",
    "test",
    "touch",
    "tr",
    "true",
    "umask",
    "uname",
    "unlink",
    "unset",
    "unzip",
    "update-alternatives",
    "update-ca-certificates",
    "update-locale",
    "useradd",
    "usermod",
    "uv",
    "wc",
    "wget",
    "which",
    "xargs",
    "xz",
    "yarn",
    "yum",
];

/// Whether a script runs a program that may install packages of the distribution.
fn runs_unknown(script: &str) -> bool {
    let runs_file = || {
        script
            .split(|c: char| c.is_whitespace() || ";&|()\"'".contains(c))
            .any(|word| word.starts_with("./") || word.ends_with(".sh") || word.ends_with(".py"))
    };
    programs(script).is_none_or(|programs| {
        programs.iter().any(|(name, is_path)| *is_path || !HARMLESS.contains(&name.as_str()))
    }) || runs_file()
}

fn leaves_lists(action: &Action) -> bool {
    match (action.manager, action.kind) {
        (Manager::Apt | Manager::Apk, ActionKind::Update) => true,
        (Manager::Apk | Manager::Dnf, ActionKind::Install { keeps_no_lists }) => !keeps_no_lists,
        _ => false,
    }
}

fn finding(
    scope: DockerfileScope<'_>,
    manager: Manager,
    &Kept { instruction, script, is_used_later }: &Kept<'_>,
) -> Finding {
    let applicability = if is_used_later { Applicability::Unsafe } else { Applicability::Safe };
    let (name, clean) = match manager {
        Manager::Apt => ("apt", "rm -rf /var/lib/apt/lists/*"),
        Manager::Apk => ("apk", "rm -rf /var/cache/apk/*"),
        Manager::Dnf if script.text.contains("yum ") => ("yum", "yum clean all"),
        Manager::Dnf => ("dnf", "dnf clean all"),
    };
    let message = format!("package lists of `{name}` stay in the image");
    let draft = scope.finding(PackageLists::RULE, instruction.span, message).why(
        "An attacker can install tools right away. The lists also make the image larger and \
         slower to scan.",
    );
    let edit =
        if manager == Manager::Apk { no_cache(script) } else { appended(scope, script, clean) };
    match edit {
        Some(edits) if manager == Manager::Apk => draft
            .help("Add `--no-cache` to `apk add`.")
            .fix("add `--no-cache`", applicability, edits)
            .done(),
        edits => {
            let draft = draft.help(format!("Remove the lists in the same `RUN`: `{clean}`."));
            let title = format!("add `{clean}`");
            match edits {
                Some(edits) => draft.fix(title, applicability, edits).done(),
                None => draft.manual(title, clean).done(),
            }
        }
    }
}

/// The edit that removes the lists at the end of a plain script; `None` for a script that ends in a
/// here-document, a comment or a background command, or that continues after a failure.
fn appended(scope: DockerfileScope<'_>, script: Script<'_>, clean: &str) -> Option<Vec<TextEdit>> {
    let text = script.text.trim_end();
    let is_plain = !text.contains("<<") && !text.contains('#') && !text.ends_with(['&', ';', '|']);
    // A script that needs `sudo` to install needs it to clean up, too.
    // Nothing runs after `exit` and `exec`.
    let last = text.rsplit([';', '&', '|', '\n']).next().unwrap_or_default();
    let ends = matches!(last.split_whitespace().next(), Some("exit" | "exec" | "return"));
    let stops = ends || !is_plain || text.contains("||") || text.contains("sudo ");
    if stops || !script.is_verbatim() {
        return None;
    }
    let at = script.span.start + u32::try_from(text.len()).ok()?;
    // The file says which character continues a line; in the script it is always `\`.
    let first_line = script.span.text(scope.source).split_once('\n').map(|(line, _)| line);
    let joint = first_line.map_or_else(
        || " && ".to_owned(),
        |line| {
            let newline = if line.ends_with('\r') { "\r\n" } else { "\n" };
            let escape = line.trim_end().chars().next_back().filter(|c| *c == '`').unwrap_or('\\');
            format!(" {escape}{newline} && ")
        },
    );
    Some(vec![TextEdit { span: Span::new(at, at), replacement: format!("{joint}{clean}") }])
}

/// The edits that add `--no-cache` to every `apk add`, where no list is fetched as well.
fn no_cache(script: Script<'_>) -> Option<Vec<TextEdit>> {
    let actions = package_actions(script.text);
    let fetched = actions.iter().any(|action| action.kind == ActionKind::Update);
    let is_add =
        |it: &&Action| it.manager == Manager::Apk && matches!(it.kind, ActionKind::Install { .. });
    // Text that only mentions the command stays as it is.
    let is_clear = actions.iter().filter(is_add).count() == script.text.matches("apk add").count();
    if fetched || !is_clear || !script.is_verbatim() {
        return None;
    }
    let mut edits = Vec::new();
    for (at, found) in script.text.match_indices("apk add") {
        let at = script.span.start + u32::try_from(at + found.len()).ok()?;
        edits.push(TextEdit { span: Span::new(at, at), replacement: " --no-cache".to_owned() });
    }
    (!edits.is_empty()).then_some(edits)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use coaming_kube::{Source, SourceKind, World};

    use super::*;
    use crate::{Images, Input, RuleSet, Settings, run};

    /// The line of each finding, and how its fix may be applied.
    fn found(text: &str) -> Vec<(u32, Applicability)> {
        let file = Source::text("Dockerfile", Arc::from(text), SourceKind::Dockerfile);
        let rules = RuleSet::matching(|rule| rule.meta.id == PackageLists::RULE.id);
        let (world, images) = (World::new(vec![file]), Images::default());
        let settings = Settings::default();
        let input = Input::new(&world, &images, &settings);
        let findings = run(input, &rules, Vec::new());
        let place = |finding: &Finding| finding.locations[0].span.unwrap().start;
        let line = |at: u32| u32::try_from(text[..at as usize].lines().count()).unwrap() + 1;
        findings
            .iter()
            .map(|finding| (line(place(finding)), finding.fix.as_ref().unwrap().applicability))
            .collect()
    }

    #[test]
    fn lists_are_removed_after_the_last_installation_that_uses_them() {
        let text = "FROM a:1\nRUN apt-get update\nRUN apt-get install -y b\n";
        assert_eq!(found(text), [(3, Applicability::Safe)]);
        let update = "FROM a:1 AS a\nRUN apt-get update && apt-get install -y b\n";
        for harmless in [
            "RUN mkdir /x && chown a:b /x; pip install c\nCMD [\"app\"]",
            "FROM b:1\nRUN apt-get install -y c\nFROM a",
            "FROM a\nRUN apt-get update && apt-get install -y c && rm -rf /var/lib/apt/lists/*\nFROM b:2\nFROM a AS z\nRUN true",
        ] {
            let text = format!("{update}{harmless}\n");
            let found = found(&text);
            let is_other = text.contains("lists/*");
            assert_eq!(
                found,
                [(2, if is_other { Applicability::Unsafe } else { Applicability::Safe })],
                "{text}"
            );
        }
    }

    #[test]
    fn what_may_install_later_needs_unsafe() {
        for later in [
            "RUN /setup.sh",
            "RUN /usr/local/bin/setup",
            "RUN bash /tmp/setup",
            "RUN rosdep install -y --from-paths src",
            "RUN ansible-playbook site.yml",
            "RUN cd /src && mk-build-deps -i",
            "RUN gdebi -n /x.deb",
            "RUN python3 /src/install",
            "RUN make",
            "CMD [\"sh\", \"-c\", \"apt-get install -y $EXTRA && exec app\"]",
            "ENTRYPOINT apt-get install -y $EXTRA && exec app",
            "ONBUILD RUN apt-get install -y $(cat packages.txt)",
            "ONBUILD RUN /install",
            "FROM a AS dev\nRUN apt-get install -y vim\nFROM a\nRUN true",
            "FROM a AS dev\nFROM dev AS test\nRUN apt-get install -y vim\nFROM a\nRUN true",
        ] {
            let text =
                format!("FROM a:1 AS a\nRUN apt-get update && apt-get install -y b\n{later}\n");
            assert_eq!(found(&text), [(2, Applicability::Unsafe)], "{later}");
        }
    }

    #[test]
    fn a_line_continues_with_the_character_of_the_file() {
        let text = "# escape=`\nFROM a:1\nRUN apt-get update `\n && apt-get install -y b\n";
        let file = Source::text("Dockerfile", Arc::from(text), SourceKind::Dockerfile);
        let rules = RuleSet::matching(|rule| rule.meta.id == PackageLists::RULE.id);
        let (world, images) = (World::new(vec![file]), Images::default());
        let settings = Settings::default();
        let findings = run(Input::new(&world, &images, &settings), &rules, Vec::new());
        let edit = &findings[0].fix.as_ref().unwrap().file_edits[0].edits[0];
        assert_eq!(edit.replacement, " `\n && rm -rf /var/lib/apt/lists/*");
    }

    #[test]
    fn scripts_that_may_break_have_a_manual_fix() {
        for script in [
            "sudo apt-get update && sudo apt-get install b",
            "apt-get update; apt-get install b;",
            "apt-get update && (apt-get install b || true)",
            "apt-get update && apt-get install b; exit 0",
            "echo 'apk add c' > /hint && apk add b",
        ] {
            let text = format!("FROM a:1\nRUN {script}\n");
            assert_eq!(found(&text), [(2, Applicability::Manual)], "{script}");
        }
    }

    #[test]
    fn removed_and_cached_lists_are_not_reported() {
        for script in [
            "apt-get update && apt-get install b && rm -rf /var/lib/apt/lists/*",
            "--mount=type=cache,target=/var/lib/apt apt-get update && apt-get install b",
            "apk add --no-cache b",
            "dnf install b && dnf clean all",
            "apt-get update\nRUN rm -rf /var/lib/apt/lists/*",
            "apt-get update\nFROM a:1",
        ] {
            assert_eq!(found(&format!("FROM a:1\nRUN {script}\n")), [], "{script}");
        }
    }
}
