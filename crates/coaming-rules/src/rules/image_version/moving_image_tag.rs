//! See [`MovingImageTag`].

use coaming_finding::{Confidence, Finding, RuleMeta};

use super::{image, moving};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Tags that are meant to move: channels (`stable`, `main`, `latest-amd64`), variants (`alpine`,
    /// `bookworm-slim`), series (`3.x`) and major versions (`1`), where no digest pins the image.
    /// The tag `latest` is reported by `image-tag`.
    ///
    /// ## Why it matters
    ///
    /// The same manifest runs different code tomorrow, on one node but not on the next. A scan is
    /// about an image that may no longer be the one that runs, and an attacker who can push to the
    /// repository runs code in the cluster without any change that a review would see.
    ///
    /// ## Bad
    ///
    /// A channel:
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:stable
    /// ```
    ///
    /// A variant:
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:alpine
    /// ```
    ///
    /// A major version:
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1
    /// ```
    ///
    /// ## Good
    ///
    /// The full version is named.
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
    /// A digest pins the image, whatever its tag.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:stable@sha256:0d17b565c37bcbd895e9d92315a05c1c3c9a29f762b011a10c54a66cd53c9b31
    /// ```
    ///
    /// ## Fix
    ///
    /// Name the full version. `coaming pin` adds the digest that it has now.
    ///
    /// ## Limits
    ///
    /// What a tag names is judged by its text alone: any tag can be moved. To require digests,
    /// turn on `image-digest`.
    MovingImageTag {
        name: "moving-image-tag",
        summary: "Image tag moves between versions",
        category: ImageVersion,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Cis("5.5.1"), Attack("T1525")],
    }
}

impl ContainerRule for MovingImageTag {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let Some((reference, node)) = image(scope) else { return };
        let Some(tag) = reference.tag().filter(|_| reference.digest().is_none()) else { return };
        let Some(reason) = moving(tag) else { return };
        let name = reference.familiar_name();
        let message = format!(
            "image `{name}` of {} has the tag `{tag}`, which {}",
            phrases::container(scope),
            reason.phrase(),
        );
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .why(
                    "The same manifest runs different code tomorrow, without a change that anyone \
                     reviews. An attacker who can push to the repository decides which.",
                )
                .help("Name the full version, or pin the digest with `coaming pin`.")
                .confidence(Confidence::Medium)
                .manual("name the full version", format!("image: {name}:VERSION"))
                .done(),
        );
    }
}
