//! See [`ReadableCredential`].

use coaming_finding::{Confidence, Finding, RuleMeta};
use coaming_image::{Credential, ImageFacts, UtilityKind};

use super::image_credential;
use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Images that contain a credential in a file that the container's user can read, *and* a
    /// program to read it with: a pager, a reader, an editor, a shell or an interpreter. The rule
    /// needs the contents of the image: see `--images`, and `images:` in `coaming.yaml`.
    ///
    /// ## Why it matters
    ///
    /// Either is of less use to an attacker alone: a key that no program can show, or a `cat` with
    /// nothing worth reading. Together, they are one command away from everything that the
    /// credential opens. Everyone who can pull the image has it too.
    ///
    /// ## Bad
    ///
    /// The image contains `/app/.env` with a password, and `/bin/cat`.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/with-credential-and-cat:1.4.2
    /// ```
    ///
    /// The image of an init container.
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
    ///   initContainers:
    ///     - name: setup
    ///       image: registry.example.com/with-credential-and-cat:1.4.2
    /// ```
    ///
    /// ## Good
    ///
    /// An image without credentials.
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
    /// A credential without a program to read it, which `image-credential` reports.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/with-credential:1.4.2
    /// ```
    ///
    /// ## Fix
    ///
    /// Replace the credential, and build the image without it. Deliver the new one as a file from
    /// a Secret or a vault. Build on an image without a shell and tools.
    ReadableCredential {
        name: "readable-credential",
        summary: "Image contains a credential and a program to read it",
        category: Secrets,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Protecting Secrets"), Attack("T1552.001")],
    }
}

impl ContainerRule for ReadableCredential {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let Some(facts) = context.image_facts(scope) else { return };
        let Some(tool) = tool(facts) else { return };
        let readable: Vec<(&Credential, Confidence)> = facts
            .credentials
            .iter()
            .filter_map(|it| Some((it, image_credential::readable(scope, it)?)))
            .collect();
        let Some(sure) = readable.iter().map(|(_, confidence)| *confidence).max() else { return };
        let credentials: Vec<&Credential> = readable.iter().map(|(it, _)| *it).collect();
        let message = format!(
            "the image of {} contains {}, readable by its user, and {tool} to read with",
            phrases::container(scope),
            image_credential::shown(&credentials),
        );
        findings.push(
            context
                .container_finding(Self::RULE, scope, context.image_node(scope), message)
                .confidence(sure)
                .why("An attacker in the container gets the credential with one command.")
                .help(
                    "Treat the credential as compromised: replace it, build the image without it, \
                     and deliver the new one from a Secret or a vault.",
                )
                .manual("build the image without it", image_credential::MOUNT)
                .done(),
        );
    }
}

/// A program that shows files, the simplest first.
pub(super) fn tool(facts: &ImageFacts) -> Option<String> {
    let of_kind = |kind: UtilityKind| facts.utilities.iter().find(move |it| it.kind == kind);
    let cat = facts.utilities.iter().find(|it| it.name == "cat");
    let tool = cat
        .or_else(|| of_kind(UtilityKind::Reader))
        .or_else(|| of_kind(UtilityKind::Editor))
        .or_else(|| of_kind(UtilityKind::Shell))
        .or_else(|| of_kind(UtilityKind::Interpreter))?;
    Some(format!("`{}`", tool.place.path))
}
