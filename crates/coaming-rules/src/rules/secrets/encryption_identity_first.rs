//! See [`EncryptionIdentityFirst`].

use coaming_finding::{Finding, RuleMeta};

use super::encryption::{Encryption, SNIPPET};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// Looks for an `EncryptionConfiguration` whose first provider for Secrets is `identity`, which
    /// does not encrypt.
    ///
    /// ## Why it matters
    ///
    /// The first provider writes, the others only read. With `identity` first the API server writes
    /// Secrets to etcd in plain text, whatever follows: a backup or a disk gives them all away.
    ///
    /// ## Bad
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
    /// ## Good
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
    /// ## Fix
    ///
    /// Move `identity` to the end, start the API servers again, and write all Secrets anew:
    /// `kubectl get secrets --all-namespaces -o json | kubectl replace -f -`. What is left in old
    /// revisions and free pages of etcd, `coaming secrets etcd` tells.
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
        let message = "The first provider for Secrets is `identity`, and the first one writes: the \
                       API server writes Secrets to etcd in plain text, and whoever gets a backup \
                       or the disk reads them all. Move `identity` to the end, and write all \
                       Secrets anew.";
        findings.push(
            context
                .finding(Self::RULE, encryption.object, writer.node, message)
                .manual("put the provider that encrypts first", SNIPPET)
                .done(),
        );
    }
}
