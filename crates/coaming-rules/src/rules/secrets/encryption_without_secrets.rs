//! See [`EncryptionWithoutSecrets`].

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::Fields as _;

use super::encryption::{Encryption, SNIPPET};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// Looks for an `EncryptionConfiguration` that encrypts some resources, and Secrets are not among
    /// them.
    ///
    /// ## Why it matters
    ///
    /// What no entry names, the API server writes to etcd in plain text. The flag is set and the
    /// audit is content, and a backup still gives all credentials away.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: apiserver.config.k8s.io/v1
    /// kind: EncryptionConfiguration
    /// resources:
    ///   - resources: [configmaps]
    ///     providers:
    ///       - kms:
    ///           apiVersion: v2
    ///           name: vault
    ///           endpoint: unix:///var/run/kms/vault.sock
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: apiserver.config.k8s.io/v1
    /// kind: EncryptionConfiguration
    /// resources:
    ///   - resources: [secrets, configmaps]
    ///     providers:
    ///       - kms:
    ///           apiVersion: v2
    ///           name: vault
    ///           endpoint: unix:///var/run/kms/vault.sock
    /// ```
    ///
    /// ## Fix
    ///
    /// Add `secrets` to the resources of an entry, or an entry for them, start the API servers
    /// again, and write all Secrets anew.
    EncryptionWithoutSecrets {
        name: "encryption-without-secrets",
        summary: "Encryption at rest leaves Secrets out",
        category: Secrets,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Cis("1.2.28"), Nsa("Secrets"), Attack("T1552")],
    }
}

impl ObjectRule for EncryptionWithoutSecrets {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        let Some(encryption) = Encryption::of(scope.object) else { return };
        if encryption.entry_of_secrets().is_some() {
            return;
        }
        let root = encryption.object.node();
        let node = root.field("resources").unwrap_or(root);
        let message = "No entry of this encryption configuration names `secrets`: the API server \
                       writes them to etcd in plain text, and whoever gets a backup or the disk \
                       reads them all. Add them, and write all Secrets anew.";
        findings.push(
            context
                .finding(Self::RULE, encryption.object, node, message)
                .manual("add `secrets` to the resources that are encrypted", SNIPPET)
                .done(),
        );
    }
}
