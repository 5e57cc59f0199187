//! See [`ImageRegistry`].

use coaming_finding::{Finding, RuleMeta};

use super::image;
use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Images from registries that are not allowed. The rule reports nothing until `coaming.yaml`
    /// lists the allowed ones, each as a registry or as a registry and the beginning of a
    /// repository's path:
    ///
    /// ```text
    /// # coaming.yaml
    /// registries:
    ///   allow:
    ///     - registry.example.com
    ///     - docker.io/library
    /// ```
    ///
    /// ## Why it matters
    ///
    /// An image from anywhere is code from anyone. A registry of your own is where images are
    /// scanned, signed and kept.
    ///
    /// ## Bad
    ///
    /// This registry is not in the list.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: elsewhere.example.net/web:1.4.2
    /// ```
    ///
    /// A name without a registry is an image of `docker.io`.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: web:1.4.2
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
    /// Copy the image to an allowed registry, and use its name there.
    ImageRegistry {
        name: "image-registry",
        summary: "Image comes from a registry that is not allowed",
        category: ImageVersion,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Cis("5.5.1"), Attack("T1525")],
    }
}

impl ContainerRule for ImageRegistry {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let allowed = &context.settings.config.allowed_registries;
        let Some((reference, node)) = image(scope).filter(|_| !allowed.is_empty()) else { return };
        if allowed.iter().any(|place| reference.is_in(place)) {
            return;
        }
        let message = format!(
            "{} runs an image from `{}`, which is not an allowed registry",
            phrases::container(scope),
            reference.registry(),
        );
        let help = format!(
            "Copy the image to an allowed registry ({}), and use its name there.",
            phrases::list(allowed),
        );
        let name = reference.repository().to_owned();
        let place = allowed.first().map_or("REGISTRY", String::as_str);
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .why(
                    "Images from elsewhere are not scanned, signed or kept by you. An attacker \
                     who controls that registry runs code in the cluster.",
                )
                .help(help)
                .manual("copy it to an allowed registry", format!("image: {place}/{name}"))
                .done(),
        );
    }
}
