//! See [`ImageTag`].

use coaming_finding::{Finding, RuleMeta};

use super::image;
use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// Looks for images without a version: no tag, which means `latest`, or `latest` itself, where
    /// no digest says which one is meant.
    ///
    /// ## Why it matters
    ///
    /// What runs is whatever the registry holds when the pod happens to start: nobody has tested
    /// it, no scan of yesterday is about it, and going back to what worked is not possible.
    /// Whoever can push to the repository runs code in the cluster at the next restart.
    ///
    /// ## Bad
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
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Fix
    ///
    /// Name the version that was tested; `coaming pin` adds the digest that it has now.
    ImageTag {
        name: "image-tag",
        summary: "Image has no version",
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
        let message = format!(
            "Image `{name}` of {} {what}: what runs is whatever the registry holds when the pod \
             starts, untested and unscanned, and there is no going back. Name the version that \
             was tested.",
            words::container(scope),
        );
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .manual("name the version that was tested", format!("image: {name}:VERSION"))
                .done(),
        );
    }
}
