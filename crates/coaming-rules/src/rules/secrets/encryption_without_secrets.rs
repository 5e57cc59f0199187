//! See [`EncryptionWithoutSecrets`].

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::Fields as _;

use super::encryption::{Encryption, SNIPPET};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// An `EncryptionConfiguration` that encrypts some resources, but not Secrets.
    ///
    /// ## Why it matters
    ///
    /// The API server writes resources that no entry names to etcd in plain text. The flag is set
    /// and the audit passes, but a backup still gives away all credentials.
    ///
    /// ## Bad
    ///
    /// Only ConfigMaps are encrypted.
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
    /// The wildcard covers only the API group that it names.
    ///
    /// ```yaml
    /// apiVersion: apiserver.config.k8s.io/v1
    /// kind: EncryptionConfiguration
    /// resources:
    ///   - resources: ["*.apps"]
    ///     providers:
    ///       - kms:
    ///           apiVersion: v2
    ///           name: vault
    ///           endpoint: unix:///var/run/kms/vault.sock
    /// ```
    ///
    /// ## Good
    ///
    /// One entry covers both resources.
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
    /// This wildcard covers all resources of the core group, to which Secrets belong.
    ///
    /// ```yaml
    /// apiVersion: apiserver.config.k8s.io/v1
    /// kind: EncryptionConfiguration
    /// resources:
    ///   - resources: ["*."]
    ///     providers:
    ///       - kms:
    ///           apiVersion: v2
    ///           name: vault
    ///           endpoint: unix:///var/run/kms/vault.sock
    /// ```
    ///
    /// ## Fix
    ///
    /// Add `secrets` to the resources of an entry, or add an entry for them. Then restart the API
    /// servers and write all Secrets again.
    EncryptionWithoutSecrets {
        name: "encryption-without-secrets",
        summary: "Secrets are not encrypted at rest",
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
        let message = "no entry of the encryption configuration names `secrets`";
        findings.push(
            context
                .finding(Self::RULE, encryption.object, node, message)
                .why(
                    "The API server writes Secrets to etcd in plain text: anyone with a backup or \
                     the disk can read all of them.",
                )
                .help("Add `secrets` to the resources of an entry, and write all Secrets again.")
                .manual("add `secrets` to the resources that are encrypted", SNIPPET)
                .done(),
        );
    }
}
