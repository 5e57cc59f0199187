//! See [`PlainSecretManifest`].

use coaming_finding::{Finding, RuleMeta};
use coaming_secret::structured::Holder;

use super::found::{self, Wording};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// Secrets in files that have real values in `data` or `stringData`: tokens in the formats of
    /// their providers, private keys, passwords by their names, and values that look
    /// machine-generated. Credentials for image registries and Helm's releases are decoded.
    ///
    /// Placeholders, templates, references to a vault, certificates and public keys are not
    /// reported, nor are Sealed Secrets, External Secrets and files that SOPS encrypted.
    ///
    /// ## Why it matters
    ///
    /// Base64 is not encryption. Anyone who can read the file, its history or a copy of it has the
    /// secret, and more people and programs read files than Secrets in a cluster.
    ///
    /// ## Bad
    ///
    /// A password in `stringData`.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Secret
    /// metadata:
    ///   name: database
    /// stringData:
    ///   username: shop
    ///   password: vS8kq-2pLx7w
    /// ```
    ///
    /// In base64.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Secret
    /// metadata:
    ///   name: database
    /// data:
    ///   password: dlM4a3EtMnBMeDd3
    /// ```
    ///
    /// The credentials for an image registry.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Secret
    /// metadata:
    ///   name: registry
    /// type: kubernetes.io/dockerconfigjson
    /// stringData:
    ///   .dockerconfigjson: |
    ///     {"auths": {"registry.example.com": {"username": "shop", "password": "vS8kq-2pLx7w"}}}
    /// ```
    ///
    /// ## Good
    ///
    /// The value comes from a vault.
    ///
    /// ```yaml
    /// apiVersion: external-secrets.io/v1
    /// kind: ExternalSecret
    /// metadata:
    ///   name: database
    /// spec:
    ///   secretStoreRef:
    ///     kind: ClusterSecretStore
    ///     name: vault
    ///   target:
    ///     name: database
    ///   dataFrom:
    ///     - extract:
    ///         key: shop/database
    /// ```
    ///
    /// The value is empty, and something else fills it in.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Secret
    /// metadata:
    ///   name: database
    /// stringData:
    ///   username: shop
    ///   password: ""
    /// ```
    ///
    /// ## Fix
    ///
    /// Replace the secret, because it must be considered known. Keep the new one in a vault, and
    /// put a reference into the file: an ExternalSecret, a SealedSecret, a SecretProviderClass, or
    /// a file encrypted with SOPS.
    ///
    /// ## Limits
    ///
    /// A password that looks like a word, under a name that does not suggest a secret, is not
    /// found.
    PlainSecretManifest {
        name: "plain-secret-manifest",
        summary: "Secret is in a manifest in plain text",
        category: Secrets,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Protecting Secrets"), Attack("T1552.001")],
    }
}

const WORDING: Wording = Wording {
    holder: "key",
    why: "Anyone who can read the file or its history has it.",
    remedy: "keep the new one in a vault, with a reference in the file",
    snippet: "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata:\n  name: NAME\nspec:\n  secretStoreRef: {kind: ClusterSecretStore, name: vault}\n  target: {name: NAME}\n  dataFrom:\n    - extract: {key: NAME}\n",
};

impl ObjectRule for PlainSecretManifest {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        found::report(context, scope, Self::RULE, Holder::Secret, &WORDING, findings);
    }
}
