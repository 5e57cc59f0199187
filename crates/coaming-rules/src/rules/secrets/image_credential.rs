//! See [`ImageCredential`].

use coaming_finding::{Confidence, Finding, RuleMeta};
use coaming_image::Credential;

use super::readable_credential::tool;
use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::rules::secrets::readable_credential::ReadableCredential;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Images that contain credentials: in files, in variables, in the history, and in lower
    /// layers whose files upper layers deleted. If the container's user can read one and the image
    /// has a program to do so, `readable-credential` reports it instead. The rule needs the
    /// contents of the image: see `--images`, and `images:` in `coaming.yaml`.
    ///
    /// ## Why it matters
    ///
    /// Everyone who can pull the image has the credential, even a deleted one, because layers only
    /// add. Images are copied to nodes, mirrors and caches that nobody keeps track of.
    ///
    /// ## Bad
    ///
    /// The image contains a private key, `/app/tls.key`, and no program to read it with.
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
    ///       image: registry.example.com/with-credential:1.4.2
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
    /// An image that contains programs, but no credential.
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
    /// ## Fix
    ///
    /// Replace the credential, and build the image without it. A build gets what it needs with
    /// `RUN --mount=type=secret`; the application gets it from a Secret or a vault.
    ImageCredential {
        name: "image-credential",
        summary: "Image contains a credential",
        category: Secrets,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Protecting Secrets"), Attack("T1552.001")],
    }
}

/// How to deliver a credential instead.
pub(super) const MOUNT: &str =
    "volumes:\n  - name: credential\n    secret:\n      secretName: NAME\n";

/// The most credentials that a message names.
const NAMED: usize = 3;

impl ContainerRule for ImageCredential {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let Some(facts) = context.image_facts(scope) else { return };
        let reported = context.enabled::<ReadableCredential>() && tool(facts).is_some();
        let left: Vec<&Credential> = facts
            .credentials
            .iter()
            .filter(|credential| !(reported && readable(scope, credential).is_some()))
            .collect();
        if left.is_empty() {
            return;
        }
        let deleted =
            if left.iter().all(|credential| credential.deleted) { " in lower layers" } else { "" };
        let message = format!(
            "the image of {} contains {}{deleted}",
            phrases::container(scope),
            shown(&left),
        );
        findings.push(
            context
                .container_finding(Self::RULE, scope, context.image_node(scope), message)
                .why(
                    "Everyone who can pull the image has the credential. Deleting a file in an \
                     upper layer does not remove it.",
                )
                .help("Replace the credential, and build the image without it.")
                .manual("build the image without it", MOUNT)
                .done(),
        );
    }
}

/// Whether the container's user can read a credential's file, and how certain that is.
pub(super) fn readable(scope: ContainerScope<'_>, credential: &Credential) -> Option<Confidence> {
    if credential.deleted || credential.place.path.is_empty() {
        return None;
    }
    match (scope.effective.run_as_user(), credential.readable) {
        // Root reads everything.
        (Some((0, _)), _) | (None, Some(true)) => Some(Confidence::High),
        (None, Some(false)) => None,
        // The image's facts are about its own user, and the pod runs it as another.
        (Some(_), Some(true)) | (_, None) => Some(Confidence::Medium),
        (Some(_), Some(false)) => None,
    }
}

/// `private-key in /app/tls.key, and 2 more`
pub(super) fn shown(credentials: &[&Credential]) -> String {
    let one = |credential: &&Credential| {
        let place = match (credential.place.path.as_str(), credential.label.as_str()) {
            ("", label) => label.to_owned(),
            (path, _) => format!("`{path}`"),
        };
        format!("a credential ({}) in {place}", credential.kind)
    };
    let mut named: Vec<String> = credentials.iter().take(NAMED).map(one).collect();
    if credentials.len() > NAMED {
        named.push(format!("{} more", credentials.len() - NAMED));
    }
    phrases::and(&named)
}
