//! See [`ReadableCredential`].

use coaming_finding::{Confidence, Finding, RuleMeta};
use coaming_image::{Credential, ImageFacts, UtilityKind};

use super::image_credential;
use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// Looks for images that hold a credential in a file that the container's user may read, *and* a
    /// program to read it with: a pager, a reader, an editor, a shell, an interpreter. It needs to
    /// know what is in the image: see `--images` and `images:` in `coaming.yaml`.
    ///
    /// ## Why it matters
    ///
    /// Each alone is of less use to an attacker: a key that no program shows, or a `cat` with nothing
    /// worth reading. Together they are one command between a first foothold and whatever the
    /// credential opens. Everybody who may pull the image has it too.
    ///
    /// ## Bad
    ///
    /// In this image lie `/app/.env` with a password, and `/bin/cat`.
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
    /// Replace the credential, and build the image without it; deliver the new one as a file from a
    /// Secret or a vault. Build on an image without shell and tools.
    ReadableCredential {
        name: "readable-credential",
        summary: "Image holds a credential and a program to read it with",
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
        let it = if credentials.len() == 1 { "it" } else { "them" };
        let message = format!(
            "The image of {} holds {}, which its user may read, and {tool} to read {it} with: to an \
             attacker that is one command. Take {it} to be known: replace {it}, build the image \
             without, and deliver the new from a Secret or a vault.",
            words::container(scope),
            image_credential::shown(&credentials),
        );
        findings.push(
            context
                .container_finding(Self::RULE, scope, context.image_node(scope), message)
                .confidence(sure)
                .manual("build the image without it", image_credential::MOUNT)
                .done(),
        );
    }
}

/// A program that shows files, the plainest first.
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
