//! See [`ImageUtilities`].

use coaming_finding::{Finding, RuleMeta};
use coaming_image::{ImageFacts, UtilityKind, Verdict};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Images with a shell. The finding also names what else an attacker finds in the image:
    /// package managers, downloaders and network tools, interpreters, compilers, and setuid
    /// programs. The rule needs to know what is in the image: see `--images` and `images:` in
    /// `coaming.yaml`.
    ///
    /// ## Why it matters
    ///
    /// Most attacks end in a command that the application is tricked into running. Without a shell
    /// and tools, that command has nothing to run. Setuid programs let any user become root,
    /// unless `allowPrivilegeEscalation: false` prevents it.
    ///
    /// ## Bad
    ///
    /// This image contains a shell, `apt-get` and `curl`.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/full:1.4.2
    /// ```
    ///
    /// This image also contains a setuid program, and the container may use it.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/setuid:1.4.2
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
    ///       image: registry.example.com/distroless:1.4.2
    /// ```
    ///
    /// ## Fix
    ///
    /// Build in one stage, and copy the result into an image without a shell and a package
    /// manager, such as `gcr.io/distroless`.
    ///
    /// ## Limits
    ///
    /// Images that were not inspected are not reported.
    ImageUtilities {
        name: "image-utilities",
        summary: "Image contains tools for an attacker",
        category: Utilities,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Attack("T1059.004"), Attack("T1105")],
    }
}

/// What an attacker does with the tools of a kind; the finding names one of each.
const KINDS: &[(UtilityKind, &str)] = &[
    (UtilityKind::Shell, "run commands"),
    (UtilityKind::PackageManager, "install software"),
    (UtilityKind::Network, "fetch programs and explore the network"),
    (UtilityKind::Interpreter, "run scripts of their own"),
    (UtilityKind::Compiler, "build programs"),
    (UtilityKind::Debugger, "inspect other processes"),
    (UtilityKind::Orchestration, "talk to the cluster or the cloud"),
];

impl ContainerRule for ImageUtilities {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let Some(facts) = context.image_facts(scope) else { return };
        if facts.verdict == Verdict::Distroless || !has_shell(facts) {
            return;
        }
        let mut names: Vec<&str> = Vec::new();
        let mut uses: Vec<String> = Vec::new();
        for (kind, what_for) in KINDS {
            if let Some(tool) = facts.utilities.iter().find(|tool| tool.kind == *kind) {
                names.push(&tool.name);
                uses.push(format!("{what_for} (`{}`)", tool.name));
            }
        }
        let message = format!(
            "the image of {} contains {}",
            phrases::container(scope),
            phrases::list(&names),
        );
        let mut why = format!("An attacker can {}.", phrases::clauses(&uses));
        let may_escalate = scope
            .container
            .security_context()
            .is_none_or(|security| security.allow_privilege_escalation() != Some(false));
        if let (Some(file), true) = (facts.privileged_files.first(), may_escalate) {
            let file = &file.place.path;
            why += &match facts.privileged_files.len() {
                1 => format!(" The setuid or privileged file `{file}` may give them root."),
                count => format!(
                    " {count} setuid or privileged files (such as `{file}`) may give them root."
                ),
            };
        }
        findings.push(
            context
                .container_finding(Self::RULE, scope, context.image_node(scope), message)
                .why(why)
                .help("Build on an image without a shell and a package manager.")
                .manual(
                    "build on an image without a shell",
                    "FROM gcr.io/distroless/base-debian12:nonroot",
                )
                .done(),
        );
    }
}

fn has_shell(facts: &ImageFacts) -> bool {
    facts.utilities.iter().any(|tool| tool.kind == UtilityKind::Shell)
}
