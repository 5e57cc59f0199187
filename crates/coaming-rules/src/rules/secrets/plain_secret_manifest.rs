//! See [`PlainSecretManifest`].

use coaming_finding::{Finding, RuleMeta};
use coaming_secret::structured::Holder;

use super::found::{self, Wording};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// Looks for Secrets in files that have real values in `data` or `stringData`: tokens by the formats of
    /// their providers, private keys, passwords by their names, and what looks as if a machine had made it.
    /// Credentials of image registries, and Helm's releases, are looked into.
    ///
    /// Placeholders, templates, references to a vault, certificates and public keys raise nothing, nor do
    /// Sealed Secrets, External Secrets and files that SOPS encrypted.
    ///
    /// ## Why it matters
    ///
    /// Base64 is no encryption. Whoever can read the file, its history or a copy of it has the secret: and
    /// files are read by more people and programs than Secrets in a cluster are.
    ///
    /// ## Bad
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
    /// ## Good
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
    /// ## Fix
    ///
    /// Replace the secret (it is known now), keep the new one in a vault, and put a reference into the
    /// file: an ExternalSecret, a SealedSecret, a SecretProviderClass, or a file encrypted with SOPS.
    PlainSecretManifest {
        name: "plain-secret-manifest",
        summary: "Secret in a file has its value in it",
        category: Secrets,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Protecting Secrets"), Attack("T1552.001")],
    }
}

const WORDING: Wording = Wording {
    holder: "Key",
    reader: "whoever can read the file or its history has it",
    order: "keep the new one in a vault, with a reference in the file",
    snippet: "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata:\n  name: NAME\nspec:\n  secretStoreRef: {kind: ClusterSecretStore, name: vault}\n  target: {name: NAME}\n  dataFrom:\n    - extract: {key: NAME}\n",
};

impl ObjectRule for PlainSecretManifest {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        found::report(context, scope, Self::RULE, Holder::Secret, &WORDING, findings);
    }
}
