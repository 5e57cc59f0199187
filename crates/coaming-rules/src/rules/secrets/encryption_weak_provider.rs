//! See [`EncryptionWeakProvider`].

use coaming_finding::{Finding, RuleMeta, Severity};
use coaming_kube::Fields as _;

use super::encryption::{Encryption, Provider, SNIPPET};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// An `EncryptionConfiguration` that writes Secrets with a provider that has known weaknesses,
    /// or with a key that is in the file itself.
    ///
    /// ## Why it matters
    ///
    /// `aescbc` does not detect changed data, so an attacker with write access to etcd can recover
    /// the plain text step by step. `aesgcm` is only safe for 200,000 writes with one key, and
    /// nothing rotates that key automatically.
    ///
    /// All providers except `kms` have their key in a file on the control plane, usually on the
    /// same disk and in the same backup as etcd: an attacker who steals one has the other. Version
    /// 1 of `kms` calls the plugin for every Secret and is deprecated.
    ///
    /// ## Bad
    ///
    /// `aescbc` does not detect changed data.
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
    /// `secretbox` has no weakness but the key in the file.
    ///
    /// ```yaml
    /// apiVersion: apiserver.config.k8s.io/v1
    /// kind: EncryptionConfiguration
    /// resources:
    ///   - resources: [secrets]
    ///     providers:
    ///       - secretbox:
    ///           keys:
    ///             - name: key1
    ///               secret: REPLACE-WITH-32-RANDOM-BYTES-IN-BASE64
    /// ```
    ///
    /// `aesgcm` needs a new key after 200,000 writes.
    ///
    /// ```yaml
    /// apiVersion: apiserver.config.k8s.io/v1
    /// kind: EncryptionConfiguration
    /// resources:
    ///   - resources: [secrets]
    ///     providers:
    ///       - aesgcm:
    ///           keys:
    ///             - name: key1
    ///               secret: REPLACE-WITH-32-RANDOM-BYTES-IN-BASE64
    /// ```
    ///
    /// The first version of `kms`.
    ///
    /// ```yaml
    /// apiVersion: apiserver.config.k8s.io/v1
    /// kind: EncryptionConfiguration
    /// resources:
    ///   - resources: [secrets]
    ///     providers:
    ///       - kms:
    ///           apiVersion: v1
    ///           name: vault
    ///           endpoint: unix:///var/run/kms/vault.sock
    /// ```
    ///
    /// ## Good
    ///
    /// The key is in a vault.
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
    /// A weak provider that only reads what it wrote earlier.
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
    ///       - aescbc:
    ///           keys:
    ///             - name: key1
    ///               secret: REPLACE-WITH-32-RANDOM-BYTES-IN-BASE64
    /// ```
    ///
    /// ## Fix
    ///
    /// Write with `kms` version 2, whose key never leaves a vault. Without one, `secretbox` is the
    /// best of the others: keep its file (owned by root, mode 0600) out of etcd's backups. Leave
    /// the old provider in the list until all Secrets are written again.
    EncryptionWeakProvider {
        name: "encryption-weak-provider",
        summary: "Secrets in etcd are weakly encrypted",
        category: Secrets,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Cis("1.2.28"), Nsa("Secrets"), Attack("T1552")],
    }
}

/// How bad a provider is, what is weak about it, and why that matters.
fn weakness(provider: Provider<'_>) -> Option<(Severity, &'static str, &'static str)> {
    match provider.name {
        "aescbc" => Some((
            Severity::Medium,
            "does not detect changed data, and its key is in this file",
            "An attacker with write access to etcd can recover the plain text. The key is usually \
             on the same disk and in the same backup as etcd.",
        )),
        "aesgcm" => Some((
            Severity::Medium,
            "has a key that is only safe for 200,000 writes and is in this file",
            "After 200,000 writes with one key, the encryption can be broken. The key is usually \
             on the same disk and in the same backup as etcd.",
        )),
        "secretbox" => Some((
            Severity::Low,
            "has its key in this file",
            "An attacker who steals the control plane's disk or backup has both the encrypted \
             Secrets and the key.",
        )),
        "kms" if provider.settings.string("apiVersion") != Some("v2") => Some((
            Severity::Low,
            "uses the deprecated version 1 of its API",
            "Kubernetes 1.29 and later disable this version by default: the API server does not \
             start with this configuration.",
        )),
        _ => None,
    }
}

impl ObjectRule for EncryptionWeakProvider {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        let Some(encryption) = Encryption::of(scope.object) else { return };
        let Some(writer) = encryption.writer() else { return };
        let Some((severity, weakness, why)) = weakness(writer) else { return };
        let message = format!("provider `{}` {weakness}", writer.name);
        findings.push(
            context
                .finding(Self::RULE, encryption.object, writer.node, message)
                .severity(severity)
                .why(why)
                .help("Write Secrets with `kms` version 2, whose key never leaves a vault.")
                .manual("put a `kms` provider of version 2 first", SNIPPET)
                .done(),
        );
    }
}
