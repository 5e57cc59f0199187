//! See [`PackageLists`].

use coaming_dockerfile::Instruction;
use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_yaml::Span;
use coaming_yaml::edit::TextEdit;

use crate::dockerfile::Script;
use crate::rule::{BuiltIn as _, rule};
use crate::text::packages::{Action, ActionKind, Manager, package_actions};
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
    /// installation of the stage that uses the lists, and no program but the package manager reads
    /// them; where a later instruction runs a script from a file, which may install with them, it
    /// needs `--unsafe`. A script that ends in another way than a plain command is left to you.
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
    /// Whether a later one runs a script that is not read: it may install with these lists.
    is_before_script: bool,
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
            kept.is_before_script |= runs_file(script.text);
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
                kept = Some(Kept { instruction, script, is_before_script: false });
            } else if action.kind == ActionKind::Clean {
                kept = None;
            }
        }
    }
    kept
}

/// Whether a script runs another one from a file.
fn runs_file(script: &str) -> bool {
    script.split(|c: char| c.is_whitespace() || ";&|()\"'".contains(c)).any(|word| {
        word.starts_with("./") || word.ends_with(".sh") || word.ends_with(".py") || word == "make"
    })
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
    &Kept { instruction, script, is_before_script }: &Kept<'_>,
) -> Finding {
    let applicability = if is_before_script { Applicability::Unsafe } else { Applicability::Safe };
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
    let edit = if manager == Manager::Apk { no_cache(script) } else { appended(script, clean) };
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
fn appended(script: Script<'_>, clean: &str) -> Option<Vec<TextEdit>> {
    let text = script.text.trim_end();
    let is_plain = !text.contains("<<") && !text.contains('#') && !text.ends_with(['&', ';', '|']);
    // A script that needs `sudo` to install needs it to clean up, too.
    if !is_plain || text.contains("||") || text.contains("sudo ") || !script.is_verbatim() {
        return None;
    }
    let at = script.span.start + u32::try_from(text.len()).ok()?;
    let several_lines = text.contains('\n');
    let joint = match (several_lines, text.contains("\r\n")) {
        (false, _) => " && ",
        (true, false) => " \\\n && ",
        (true, true) => " \\\r\n && ",
    };
    Some(vec![TextEdit { span: Span::new(at, at), replacement: format!("{joint}{clean}") }])
}

/// The edits that add `--no-cache` to every `apk add`, where no list is fetched as well.
fn no_cache(script: Script<'_>) -> Option<Vec<TextEdit>> {
    let fetched =
        package_actions(script.text).iter().any(|action| action.kind == ActionKind::Update);
    if fetched || !script.is_verbatim() {
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
        let script = "FROM a:1\nRUN apt-get update && apt-get install -y b\nRUN /setup.sh\n";
        assert_eq!(found(script), [(2, Applicability::Unsafe)]);
    }

    #[test]
    fn scripts_that_may_break_have_a_manual_fix() {
        for script in [
            "sudo apt-get update && sudo apt-get install b",
            "apt-get update; apt-get install b;",
            "apt-get update && (apt-get install b || true)",
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
