//! See [`EncryptionIdentityFirst`].

use coaming_finding::{Finding, RuleMeta};

use super::encryption::{Encryption, SNIPPET};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// An `EncryptionConfiguration` whose first provider for Secrets is `identity`, which does not
    /// encrypt.
    ///
    /// ## Why it matters
    ///
    /// The API server writes with the first provider and uses the others only to read. With
    /// `identity` first, it writes Secrets to etcd in plain text, whatever follows. Anyone with a
    /// backup or a disk of etcd can read all of them.
    ///
    /// ## Bad
    ///
    /// `identity` comes before the provider that encrypts.
    ///
    /// ```yaml
    /// apiVersion: apiserver.config.k8s.io/v1
    /// kind: EncryptionConfiguration
    /// resources:
    ///   - resources: [secrets]
    ///     providers:
    ///       - identity: {}
    ///       - kms:
    ///           apiVersion: v2
    ///           name: vault
    ///           endpoint: unix:///var/run/kms/vault.sock
    /// ```
    ///
    /// The only entry is for all resources.
    ///
    /// ```yaml
    /// apiVersion: apiserver.config.k8s.io/v1
    /// kind: EncryptionConfiguration
    /// resources:
    ///   - resources: ["*.*"]
    ///     providers:
    ///       - identity: {}
    /// ```
    ///
    /// ## Good
    ///
    /// `identity` only reads Secrets that are not encrypted yet.
    ///
    /// ```yaml
    /// apiVersion: apiserver.config.k8s.io/v1
    /// kind: EncryptionConfiguration
    /// resources:
    ///   - resources: [secrets]
    ///     providers:
    ///       - kms:
    ///           apiVersion: v2
    ///           name: vault
    ///           endpoint: unix:///var/run/kms/vault.sock
    ///       - identity: {}
    /// ```
    ///
    /// The first entry that includes Secrets decides; a later one does not matter.
    ///
    /// ```yaml
    /// apiVersion: apiserver.config.k8s.io/v1
    /// kind: EncryptionConfiguration
    /// resources:
    ///   - resources: [secrets]
    ///     providers:
    ///       - kms:
    ///           apiVersion: v2
    ///           name: vault
    ///           endpoint: unix:///var/run/kms/vault.sock
    ///   - resources: ["*.*"]
    ///     providers:
    ///       - identity: {}
    /// ```
    ///
    /// ## Fix
    ///
    /// Move `identity` to the end, restart the API servers, and write all Secrets again: `kubectl
    /// get secrets --all-namespaces -o json | kubectl replace -f -`. Run `coaming secrets etcd` on
    /// a snapshot to see what is left in old revisions and free pages.
    ///
    /// ## Limits
    ///
    /// The file only shows how Secrets are written from now on. Secrets that were written earlier
    /// keep their old encoding until they are written again.
    EncryptionIdentityFirst {
        name: "encryption-identity-first",
        summary: "Secrets are written to etcd in plain text",
        category: Secrets,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Cis("1.2.28"), Nsa("Secrets"), Attack("T1552")],
    }
}

impl ObjectRule for EncryptionIdentityFirst {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        let Some(encryption) = Encryption::of(scope.object) else { return };
        let Some(writer) = encryption.writer().filter(|writer| writer.name == "identity") else {
            return;
        };
        let message = "the first provider for Secrets is `identity`, which does not encrypt";
        findings.push(
            context
                .finding(Self::RULE, encryption.object, writer.node, message)
                .why(
                    "The API server writes Secrets to etcd in plain text: anyone with a backup or \
                     the disk can read all of them.",
                )
                .help(
                    "Put a provider that encrypts before `identity`, and write all Secrets again.",
                )
                .manual("put the provider that encrypts first", SNIPPET)
                .done(),
        );
    }
}
