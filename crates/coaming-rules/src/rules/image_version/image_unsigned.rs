//! See [`ImageUnsigned`].

use coaming_finding::{Finding, RuleMeta};

use super::image;
use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Images without a signature by a key or an identity that you name under `images.signatures` in
    /// `coaming.yaml`. The signature must be for the digest of the image that the tag leads to. The
    /// rule is off by default, because most images are not signed by anybody whom you know.
    ///
    /// ## Why it matters
    ///
    /// An attacker who can push to the repository, or to a mirror in between, can replace the image.
    /// A signature is made where the image is built, with a key that the registry does not have.
    ///
    /// ## Bad
    ///
    /// The image is not signed.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/unsigned:1.4.2
    /// ```
    ///
    /// The image of an init container is signed by somebody else.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   initContainers:
    ///     - name: setup
    ///       image: registry.example.com/signed-by-others:1.4.2
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/signed:1.4.2
    /// ```
    ///
    /// ## Good
    ///
    /// The image is signed by a key that `coaming.yaml` names.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/signed:1.4.2
    /// ```
    ///
    /// ## Fix
    ///
    /// Sign the image where it is built, for example with `cosign sign`, or add the public key or the
    /// identity of those who signed it to `coaming.yaml`, if you trust them.
    ///
    /// ## Limits
    ///
    /// Signatures are read from OCI layouts that `images.archives` names, such as those of `cosign
    /// save`, and with `--images require` from the registry: cosign's `.sig` tags and Sigstore
    /// bundles. Images in other places are not reported; a warning counts them. A scan downloads no
    /// keys: identities need `trusted-root`.
    ImageUnsigned {
        name: "image-unsigned",
        summary: "Image has no trusted signature",
        category: ImageVersion,
        severity: Medium,
        default: false,
        since: "0.1.0",
        lifecycle: Preview,
        standards: [Nsa("Container image scanning"), Attack("T1525")],
    }
}

impl ContainerRule for ImageUnsigned {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let Some((reference, node)) = image(scope) else { return };
        let Some(reason) = context.images.unsigned(reference) else { return };
        let message = format!(
            "image `{}` of {} has no signature that counts: {reason}",
            reference.familiar_name(),
            phrases::container(scope),
        );
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .why(
                    "An attacker who can push to the repository or to a mirror can replace the image, \
                     and nothing notices.",
                )
                .help(
                    "Sign the image where it is built, or add the key or identity of those who signed \
                     it to `images.signatures` in `coaming.yaml`.",
                )
                .manual("sign the image", "cosign sign --key cosign.key IMAGE@DIGEST")
                .done(),
        );
    }
}
