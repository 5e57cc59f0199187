//! See [`ImagePullPolicy`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::Fields as _;

use super::{image, moves};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// Looks for pull policies that defeat the tag: `Never` and `IfNotPresent` with a tag that
    /// moves, so that each node goes on running whatever it happened to pull first; and `Never`
    /// with any tag, where the image can only have come to the node by another way.
    ///
    /// ## Why it matters
    ///
    /// Nodes run different code under one name, and an image with a known flaw stays in use on the
    /// nodes that already have it. With `Never`, whoever can load images on a node decides what
    /// the pod runs, and the registry's credentials are never asked for.
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
    ///       image: registry.example.com/web:latest
    ///       imagePullPolicy: IfNotPresent
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
    ///       imagePullPolicy: IfNotPresent
    /// ```
    ///
    /// ## Fix
    ///
    /// Name a full version; until then, pull always.
    ImagePullPolicy {
        name: "image-pull-policy",
        summary: "Pull policy defeats the tag",
        category: ImageVersion,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Cis("5.5.1")],
    }
}

impl ContainerRule for ImagePullPolicy {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let Some((reference, _)) = image(scope) else { return };
        let Some(node) = scope.container.node().field("imagePullPolicy") else { return };
        let policy = node.as_str().unwrap_or_default();
        if reference.digest().is_some() || !matches!(policy, "Never" | "IfNotPresent") {
            return;
        }
        let tag = reference.tag().unwrap_or("latest");
        let moving = tag == "latest" || moves(tag).is_some();
        if !moving && policy == "IfNotPresent" {
            return;
        }
        let why = if moving {
            format!(
                "each node goes on running whatever it first pulled as `{tag}`, a fixed image \
                 never arrives"
            )
        } else {
            "the image can only have been put on the nodes by hand, where no registry's access \
             control applies"
                .to_owned()
        };
        let message = format!(
            "`imagePullPolicy: {policy}` of {} defeats its tag: {why}. Pull always, or name a \
             full version.",
            words::container(scope),
        );
        let edit = words::set(scope.container.node(), &["imagePullPolicy"], "Always");
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .fix("set `imagePullPolicy: Always`", Applicability::Unsafe, vec![edit])
                .done(),
        );
    }
}
