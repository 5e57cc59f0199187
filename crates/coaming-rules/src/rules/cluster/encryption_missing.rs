//! See [`EncryptionMissing`].

use coaming_finding::Finding;

use super::component::Component;
use super::{component_rule, draft, is_api_server};
use crate::Context;
use crate::rule::{BuiltIn as _, rule};
use crate::rules::secrets::ENCRYPTION_SNIPPET as SNIPPET;

rule! {
    /// ## What it looks for
    ///
    /// A `kube-apiserver` without `--encryption-provider-config`, and a k3s server without
    /// `--secrets-encryption`.
    ///
    /// ## Why it matters
    ///
    /// Without it, etcd holds every Secret in plain text: anyone who gets a disk, a snapshot or a backup of etcd
    /// reads all of them.
    ///
    /// ## Bad
    ///
    /// Secrets are written as they are.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: kube-apiserver, namespace: kube-system, labels: {tier: control-plane}}
    /// spec:
    ///   containers:
    ///     - name: kube-apiserver
    ///       image: registry.k8s.io/kube-apiserver:v1.34.2
    ///       command:
    ///         - kube-apiserver
    ///         - --authorization-mode=Node,RBAC
    /// ```
    ///
    /// The same for k3s.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Node
    /// metadata:
    ///   name: server-1
    ///   annotations:
    ///     k3s.io/node-args: '["server","--disable","traefik"]'
    /// ```
    ///
    /// ## Good
    ///
    /// A file says how Secrets are encrypted.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: kube-apiserver, namespace: kube-system, labels: {tier: control-plane}}
    /// spec:
    ///   containers:
    ///     - name: kube-apiserver
    ///       image: registry.k8s.io/kube-apiserver:v1.34.2
    ///       command:
    ///         - kube-apiserver
    ///         - --encryption-provider-config=/etc/kubernetes/encryption.yaml
    /// ```
    ///
    /// k3s encrypts by itself.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Node
    /// metadata:
    ///   name: server-1
    ///   annotations:
    ///     k3s.io/node-args: '["server","--secrets-encryption"]'
    /// ```
    ///
    /// ## Fix
    ///
    /// Write an `EncryptionConfiguration` with a KMS provider, name it in `--encryption-provider-config`, restart
    /// the API servers and write all Secrets again. For k3s, see `k3s secrets-encrypt`.
    ///
    /// ## Limits
    ///
    /// The file itself is judged by the rules that start with `encryption-`, where it is part of the input.
    /// `coaming secrets etcd` shows what is in plain text in a snapshot. A disk that is encrypted as a whole is
    /// not known here.
    EncryptionMissing {
        name: "encryption-missing",
        summary: "Secrets are not encrypted in etcd",
        category: Cluster,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Preview,
        standards: [Cis("1.2.27"), Nsa("Protecting Secrets"), Attack("T1552")],
    }
}

component_rule!(EncryptionMissing);

fn judge<'a>(context: &Context<'a>, component: &Component<'a>, findings: &mut Vec<Finding>) {
    const FLAG: &str = "encryption-provider-config";
    // The flag of Kubernetes up to 1.13.
    let is_missing =
        component.lacks(FLAG) && component.lacks("experimental-encryption-provider-config");
    if !is_api_server(component) || !is_missing {
        return;
    }
    let message = "the API server writes Secrets to etcd in plain text".to_owned();
    findings.push(
        draft(context, EncryptionMissing::RULE, component, FLAG, message)
            .why("Anyone with a disk, a snapshot or a backup of etcd reads every Secret.")
            .help(
                "Set `--encryption-provider-config` (k3s: `--secrets-encryption`), and write all \
                 Secrets again.",
            )
            .manual("encrypt Secrets", SNIPPET)
            .done(),
    );
}
