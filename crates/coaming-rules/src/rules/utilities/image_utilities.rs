//! See [`ImageUtilities`].

use coaming_finding::{Finding, RuleMeta};
use coaming_image::{ImageFacts, UtilityKind, Verdict};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// Looks for images with a shell, and says what else an attacker finds in them: package managers,
    /// downloaders and network tools, interpreters, compilers, and setuid programs. It needs to know
    /// what is in the image: see `--images` and `images:` in `coaming.yaml`.
    ///
    /// ## Why it matters
    ///
    /// Most break-ins end as a command that the application runs by mistake. Where there is no shell
    /// and no tool, that command has nothing to run. Setuid programs make root of any user, unless
    /// `allowPrivilegeEscalation: false` keeps them from it.
    ///
    /// ## Bad
    ///
    /// In this image lie a shell, `apt-get` and `curl`.
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
    /// Build in one stage, and copy what was built into an image without shell and package manager,
    /// such as `gcr.io/distroless`.
    ImageUtilities {
        name: "image-utilities",
        summary: "Image has tools for an attacker",
        category: Utilities,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Attack("T1059.004"), Attack("T1105")],
    }
}

/// What an attacker does with the tools of a kind; one of them is named.
const KINDS: &[(UtilityKind, &str)] = &[
    (UtilityKind::Shell, "run commands"),
    (UtilityKind::PackageManager, "install software"),
    (UtilityKind::Network, "fetch programs and look round the network"),
    (UtilityKind::Interpreter, "run programs that he brings along"),
    (UtilityKind::Compiler, "build programs"),
    (UtilityKind::Debugger, "look into other processes"),
    (UtilityKind::Orchestration, "talk to the cluster or the cloud"),
];

impl ContainerRule for ImageUtilities {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let Some(facts) = context.image_facts(scope) else { return };
        if facts.verdict == Verdict::Distroless || !has_shell(facts) {
            return;
        }
        let uses: Vec<String> = KINDS
            .iter()
            .filter_map(|(kind, what_for)| {
                let tool = facts.utilities.iter().find(|tool| tool.kind == *kind)?;
                Some(format!("{what_for} (`{}`)", tool.name))
            })
            .collect();
        let mut message = format!(
            "With what lies in the image of {}, an attacker can {}.",
            words::container(scope),
            words::and(&uses),
        );
        let may_escalate = scope
            .container
            .security_context()
            .is_none_or(|security| security.allow_privilege_escalation() != Some(false));
        if let (Some(file), true) = (facts.privileged_files.first(), may_escalate) {
            message += &format!(
                " {} setuid or privileged files (such as `{}`) may make root of him.",
                facts.privileged_files.len(),
                file.place.path
            );
        }
        message += " Build on an image without shell and package manager.";
        findings.push(
            context
                .container_finding(Self::RULE, scope, context.image_node(scope), message)
                .manual(
                    "build on an image without shell",
                    "FROM gcr.io/distroless/base-debian12:nonroot",
                )
                .done(),
        );
    }
}

fn has_shell(facts: &ImageFacts) -> bool {
    facts.utilities.iter().any(|tool| tool.kind == UtilityKind::Shell)
}
