//! See [`ImagePullPolicy`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::Fields as _;

use super::{image, moving};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Pull policies that keep a new image from being pulled: `Never` and `IfNotPresent` with a
    /// tag that moves, so that each node keeps running whatever it pulled first; and `Never` with
    /// any tag, where the image can only have come to the node in another way.
    ///
    /// ## Why it matters
    ///
    /// Nodes run different code under one name, and an image with a known vulnerability stays in
    /// use on the nodes that already have it. With `Never`, anyone who can load images on a node
    /// decides what the pod runs, and the registry's access control does not apply.
    ///
    /// ## Bad
    ///
    /// Each node keeps the first `latest` that it pulled.
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
    /// The image is never pulled from the registry.
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
    ///       imagePullPolicy: Never
    /// ```
    ///
    /// Both at once:
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
    ///       imagePullPolicy: Never
    /// ```
    ///
    /// ## Good
    ///
    /// The tag names a full version, so the policy makes no difference.
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
    /// The image is pulled at each start.
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
    ///       imagePullPolicy: Always
    /// ```
    ///
    /// A digest is always the same image.
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
    ///       imagePullPolicy: Never
    /// ```
    ///
    /// ## Fix
    ///
    /// Name a full version; until then, set `imagePullPolicy: Always`. In the place of `Never`, only
    /// somebody who knows that a registry has the image can do so.
    ImagePullPolicy {
        name: "image-pull-policy",
        summary: "Pull policy keeps outdated images",
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
        let moves = tag == "latest" || moving(tag).is_some();
        // The API server may have set what nobody wrote.
        let is_default = tag != "latest" && context.has_defaults(scope.workload.object);
        if policy == "IfNotPresent" && (!moves || is_default) {
            return;
        }
        let who = phrases::container(scope);
        let (message, why) = if moves {
            (
                format!(
                    "`imagePullPolicy: {policy}` of {who} keeps whatever a node first pulled as \
                     `{tag}`"
                ),
                "Nodes run different code under one name, and a fixed image never reaches the \
                 nodes that have the vulnerable one.",
            )
        } else {
            (
                format!("`imagePullPolicy: Never` of {who} runs images that no registry delivers"),
                "The image can only have been put on the nodes by hand. An attacker who can load \
                 images on a node decides what the pod runs.",
            )
        };
        let help = match (moves, policy) {
            (true, "IfNotPresent") => {
                "Name a full version; until then, set `imagePullPolicy: Always`."
            }
            (true, _) => "Set `imagePullPolicy: Always`, and name a full version.",
            (false, _) => "Set `imagePullPolicy: Always`.",
        };
        let draft = context.container_finding(Self::RULE, scope, node, message).why(why).help(help);
        let title = "set `imagePullPolicy: Always`";
        let draft = if policy == "Never" {
            // Perhaps no registry has it: then the pod would not start.
            draft.manual(title, "imagePullPolicy: Always\n")
        } else {
            let edit = phrases::set(scope.container.node(), &["imagePullPolicy"], "Always");
            draft.fix(title, Applicability::Unsafe, vec![edit])
        };
        findings.push(draft.done());
    }
}
