//! See [`ImageDigest`].

use coaming_finding::{Finding, RuleMeta};

use super::image;
use crate::rule::{BuiltIn as _, rule};
use crate::rules::image_version::image_tag::ImageTag;
use crate::rules::phrases;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Images that are named by a tag alone. The rule is off by default, because a version tag is
    /// enough for most projects; turn it on where an image must never change under its name.
    ///
    /// ## Why it matters
    ///
    /// A tag is a promise by everyone who can push to the repository; a digest identifies the
    /// image itself.
    ///
    /// ## Bad
    ///
    /// The image has a version, but the tag can be moved.
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
    /// ```
    ///
    /// Without a tag, the image is `latest`.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web
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
    ///       image: registry.example.com/web:1.4.2@sha256:0d17b565c37bcbd895e9d92315a05c1c3c9a29f762b011a10c54a66cd53c9b31
    /// ```
    ///
    /// ## Fix
    ///
    /// `coaming pin` resolves the tag and appends the digest.
    ImageDigest {
        name: "image-digest",
        summary: "Image is not pinned to a digest",
        category: ImageVersion,
        severity: Low,
        default: false,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Attack("T1525")],
    }
}

impl ContainerRule for ImageDigest {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let Some((reference, node)) = image(scope) else { return };
        let tagged = reference.tag().is_some_and(|tag| tag != "latest");
        if reference.digest().is_some() || !tagged && context.enabled::<ImageTag>() {
            return;
        }
        let message = format!(
            "image `{}` of {} is not pinned to a digest",
            reference.familiar_name(),
            phrases::container(scope),
        );
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .why(
                    "An attacker who can push to the repository can put another image under the \
                     same name.",
                )
                .help("Run `coaming pin`, which adds the digest.")
                .manual("run `coaming pin`", "coaming pin .")
                .done(),
        );
    }
}
