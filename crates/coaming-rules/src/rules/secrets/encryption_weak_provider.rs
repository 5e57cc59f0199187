//! See [`EncryptionWeakProvider`].

use coaming_finding::{Finding, RuleMeta, Severity};
use coaming_kube::Fields as _;

use super::encryption::{Encryption, Provider, SNIPPET};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// Looks for an `EncryptionConfiguration` that writes Secrets by a provider with known
    /// weaknesses, or by a key that lies in the file itself.
    ///
    /// ## Why it matters
    ///
    /// `aescbc` does not notice changed data, which lets an attacker who can write to etcd learn the
    /// text bit by bit. `aesgcm` breaks when a key writes too often: it must be changed every
    /// 200,000 writes, and nothing does that by itself. And all providers but `kms` have their key
    /// in a file on the control plane, most often on the same disk and in the same backup as etcd:
    /// who steals one, steals the other. Version 1 of `kms` asks the plugin for every Secret, and is
    /// no longer supported.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: apiserver.config.k8s.io/v1
    /// kind: EncryptionConfiguration
    /// resources:
    ///   - resources: [secrets]
    ///     providers:
    ///       - aescbc:
    ///           keys:
    ///             - name: key1
    ///               secret: REPLACE-WITH-32-RANDOM-BYTES-IN-BASE64
    ///       - identity: {}
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
    /// Write by `kms` version 2, whose key never leaves a vault. Without one, `secretbox` is the best
    /// of the others: keep its file (owned by root, mode 0600) out of etcd's backups. The old
    /// provider stays in the list until all Secrets are written anew.
    EncryptionWeakProvider {
        name: "encryption-weak-provider",
        summary: "Secrets in etcd are encrypted weakly",
        category: Secrets,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Cis("1.2.28"), Nsa("Secrets"), Attack("T1552")],
    }
}

/// What is weak about a provider, and how bad that is.
fn weakness(provider: Provider<'_>) -> Option<(Severity, &'static str)> {
    match provider.name {
        "aescbc" => Some((
            Severity::Medium,
            "it does not notice changed data, from which an attacker who can write to etcd learns \
             the text, and its key lies in this file",
        )),
        "aesgcm" => Some((
            Severity::Medium,
            "its key is only safe for 200,000 writes, and lies in this file",
        )),
        "secretbox" => Some((
            Severity::Low,
            "its key lies in this file, and who steals the control plane's disk or backup steals \
             both the key and what it locks",
        )),
        "kms" if provider.settings.string("apiVersion") != Some("v2") => Some((
            Severity::Low,
            "its version 1 is no longer supported: clusters from 1.29 on refuse it by default",
        )),
        _ => None,
    }
}

impl ObjectRule for EncryptionWeakProvider {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        let Some(encryption) = Encryption::of(scope.object) else { return };
        let Some(writer) = encryption.writer() else { return };
        let Some((severity, why)) = weakness(writer) else { return };
        let message = format!(
            "Secrets are written to etcd by `{}`: {why}. Write them by `kms` version 2, whose key \
             never leaves a vault.",
            writer.name,
        );
        findings.push(
            context
                .finding(Self::RULE, encryption.object, writer.node, message)
                .severity(severity)
                .manual("put a `kms` provider of version 2 first", SNIPPET)
                .done(),
        );
    }
}
