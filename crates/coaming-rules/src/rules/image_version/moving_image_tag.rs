//! See [`MovingImageTag`].

use coaming_finding::{Confidence, Finding, RuleMeta};

use super::{image, moves};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// Looks for tags that are meant to move: channels (`stable`, `main`), variants (`alpine`) and
    /// major versions (`1`), where no digest says which image is meant. `latest` is
    /// `image-tag`'s business.
    ///
    /// ## Why it matters
    ///
    /// The same manifest runs different code tomorrow, on one node and not on the next. A scan is
    /// about an image that may not run any more, and whoever can push to the repository runs code
    /// in the cluster without any change that a review would see.
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
    ///       image: registry.example.com/web:stable
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
    /// Name the full version; `coaming pin` adds the digest that it has now.
    MovingImageTag {
        name: "moving-image-tag",
        summary: "Image tag moves from version to version",
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
        let Some(why) = moves(tag) else { return };
        let name = reference.familiar_name();
        let message = format!(
            "Tag `{tag}` of image `{name}` {why}: the same manifest runs other code tomorrow, \
             without a change that anybody reviews. Name the full version, or pin the digest.",
        );
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .confidence(Confidence::Medium)
                .manual(
                    "name the full version",
                    format!("image: {name}:VERSION # {} follows it", words::container(scope)),
                )
                .done(),
        );
    }
}
