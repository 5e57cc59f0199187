//! See [`InvalidImage`].

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::{Fields as _, Object};
use coaming_oci::Reference;

use super::is_placeholder;
use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Images whose name no container runtime can parse, by the grammar of the OCI distribution
    /// specification.
    ///
    /// ## Why it matters
    ///
    /// The pod never starts (`InvalidImageName`), often only in the one environment whose values
    /// make the name invalid.
    ///
    /// ## Bad
    ///
    /// The repository has an upper-case letter.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/Web:1.4.2
    /// ```
    ///
    /// The tag is empty, as it is where a template's value is missing.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: "registry.example.com/web:"
    /// ```
    ///
    /// The name is empty: the API server refuses the pod.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: ""
    /// ```
    ///
    /// ## Good
    ///
    /// The name is in lower case and has a tag.
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
    /// A placeholder that is filled in later is not checked.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:${VERSION}
    /// ```
    ///
    /// ## Fix
    ///
    /// Correct the name; the message says what is wrong with it.
    InvalidImage {
        name: "invalid-image",
        summary: "Image name is invalid",
        category: ImageVersion,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [],
    }
}

impl ContainerRule for InvalidImage {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        // The other rules have parsed it already: nearly all names are valid.
        if scope.image().is_some() {
            return;
        }
        let Some(node) = scope.container.node().field("image") else { return };
        let Some(text) = node.as_str() else { return };
        let message = if text.trim().is_empty() {
            if is_filled_in(scope.workload.object) {
                return;
            }
            format!("the image of {} has no name", phrases::container(scope))
        } else {
            let Err(error) = Reference::parse(text) else { return };
            if is_placeholder(text) {
                return;
            }
            format!("`{text}` of {} is not a valid image name: {error}", phrases::container(scope))
        };
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .why("The pod does not start (`InvalidImageName`).")
                .help("Correct the name to the form `REGISTRY/REPOSITORY:VERSION`.")
                .manual("correct the name", "image: REGISTRY/REPOSITORY:VERSION")
                .done(),
        );
    }
}

/// Whether something fills in the names of images that are empty: operators do, and on OpenShift the
/// triggers of a workload.
fn is_filled_in(object: Object<'_>) -> bool {
    let is_own = matches!(object.group(), "" | "apps" | "batch");
    let annotations = || object.metadata().pairs("annotations");
    !is_own || annotations().any(|entry| entry.name() == "image.openshift.io/triggers")
}
