//! See [`ImageTag`].

use coaming_finding::{Finding, RuleMeta};

use super::image;
use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Images without a version: no tag, which means `latest`, or the tag `latest` itself, where
    /// no digest pins the image.
    ///
    /// ## Why it matters
    ///
    /// What runs is whatever the registry holds when the pod happens to start: it was never
    /// tested, yesterday's scan was about another image, and there is no way to roll back to the
    /// last one that worked. An attacker who can push to the repository runs code in the cluster
    /// at the next restart.
    ///
    /// ## Bad
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
    /// The tag `latest` names no version either.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:latest
    /// ```
    ///
    /// Init containers count, too.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   initContainers:
    ///     - name: setup
    ///       image: registry.example.com/setup:latest
    ///       command: ["/setup"]
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Good
    ///
    /// The version is named.
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
    ///       image: registry.example.com/web:latest@sha256:0d17b565c37bcbd895e9d92315a05c1c3c9a29f762b011a10c54a66cd53c9b31
    /// ```
    ///
    /// ## Fix
    ///
    /// Name the version that was tested. `coaming pin` adds the digest that it has now.
    ImageTag {
        name: "image-tag",
        summary: "Image has no version tag",
        category: ImageVersion,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Cis("5.5.1"), Attack("T1525")],
    }
}

impl ContainerRule for ImageTag {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let Some((reference, node)) = image(scope) else { return };
        if reference.digest().is_some() {
            return;
        }
        let what = match reference.tag() {
            None => "has no tag, which means `latest`",
            Some("latest") => "has the tag `latest`",
            Some(_) => return,
        };
        let name = reference.familiar_name();
        let message = format!("image `{name}` of {} {what}", phrases::container(scope));
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .why(
                    "What runs is whatever the registry holds when the pod starts, untested and \
                     unscanned, and there is no way to roll back. An attacker who can push to the \
                     repository runs code in the cluster at the next restart.",
                )
                .help("Name the version that was tested.")
                .manual("name the version that was tested", format!("image: {name}:VERSION"))
                .done(),
        );
    }
}
