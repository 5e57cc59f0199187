//! See [`SecretCopiedFromStore`].

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::{Fields as _, Object};
use coaming_yaml::Node;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// Objects that copy secrets from a store into a Secret of the cluster: `secretObjects` of a
    /// `SecretProviderClass`, which mounts files anyway, `ExternalSecret` and `ClusterExternalSecret`,
    /// `VaultStaticSecret`, `VaultDynamicSecret` and `VaultPKISecret`.
    ///
    /// ## Why it matters
    ///
    /// The copy is in etcd, in plain text unless the API server encrypts it. Roles that can read
    /// Secrets, backups of etcd and every pod of the namespace can reach it, and the store's own
    /// access control and audit log see none of that.
    ///
    /// ## Bad
    ///
    /// The driver mounts the secret as a file, and copies it too.
    ///
    /// ```yaml
    /// apiVersion: secrets-store.csi.x-k8s.io/v1
    /// kind: SecretProviderClass
    /// metadata:
    ///   name: db
    /// spec:
    ///   provider: vault
    ///   parameters:
    ///     roleName: web
    ///   secretObjects:
    ///     - secretName: db
    ///       type: Opaque
    ///       data:
    ///         - objectName: password
    ///           key: password
    /// ```
    ///
    /// ```yaml
    /// apiVersion: external-secrets.io/v1
    /// kind: ExternalSecret
    /// metadata:
    ///   name: db
    /// spec:
    ///   secretStoreRef: {name: vault, kind: SecretStore}
    ///   target: {name: db}
    ///   data:
    ///     - secretKey: password
    ///       remoteRef: {key: web/db, property: password}
    /// ```
    ///
    /// ## Good
    ///
    /// The secret is only a file in a pod.
    ///
    /// ```yaml
    /// apiVersion: secrets-store.csi.x-k8s.io/v1
    /// kind: SecretProviderClass
    /// metadata:
    ///   name: db
    /// spec:
    ///   provider: vault
    ///   parameters:
    ///     roleName: web
    /// ```
    ///
    /// ```yaml
    /// apiVersion: external-secrets.io/v1
    /// kind: SecretStore
    /// metadata:
    ///   name: vault
    /// spec:
    ///   provider:
    ///     vault:
    ///       server: https://vault.vault.svc:8200
    ///       path: secret
    /// ```
    ///
    /// ## Fix
    ///
    /// Mount the secret from the store as a file: by the Secrets Store CSI driver without
    /// `secretObjects`, or by an agent in the pod. Where the copy has to stay, encrypt Secrets in
    /// etcd, and see with `coaming secrets who-can NAMESPACE/NAME` who can read it.
    SecretCopiedFromStore {
        name: "secret-copied-from-store",
        summary: "Secret from a store is copied to etcd",
        category: Secrets,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Secrets"), Attack("T1552.007")],
    }
}

impl ObjectRule for SecretCopiedFromStore {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        let object = scope.object;
        let Some((node, target)) = copy(object) else { return };
        let message = format!(
            "{} copies a secret from its store into the Secret `{target}`",
            phrases::object(object),
        );
        findings.push(
            context
                .finding(Self::RULE, object, node, message)
                .why(
                    "The copy is in etcd and its backups, and every role that reads Secrets reads it \
                     without a trace in the store.",
                )
                .help("Mount the secret from the store as a file, and do not copy it.")
                .manual(
                    "mount the secret as a file",
                    "volumes:\n  - name: NAME\n    csi:\n      driver: \
                     secrets-store.csi.k8s.io\n      readOnly: true\n",
                )
                .done(),
        );
    }
}

/// Where an object says that a secret is copied, and the name of the copy.
fn copy(object: Object<'_>) -> Option<(Node<'_>, &str)> {
    let spec = object.spec();
    let (node, name) = match (object.group(), object.kind()) {
        ("secrets-store.csi.x-k8s.io", "SecretProviderClass") => {
            let copy = spec.list("secretObjects").next();
            (copy, copy.string("secretName"))
        }
        ("external-secrets.io", "ExternalSecret") => of_external_secret(spec),
        ("external-secrets.io", "ClusterExternalSecret") => {
            let inner = spec.field("externalSecretSpec");
            let (node, name) = of_external_secret(inner);
            (node, spec.string("externalSecretName").or(name))
        }
        (
            "secrets.hashicorp.com",
            "VaultStaticSecret" | "VaultDynamicSecret" | "VaultPKISecret",
        ) => {
            let destination = spec.field("destination");
            (destination, destination.string("name"))
        }
        _ => return None,
    };
    Some((node?, name.unwrap_or(object.name())))
}

/// The target of the copy; one that is not created by the operator is a Secret of somebody else.
fn of_external_secret(spec: Option<Node<'_>>) -> (Option<Node<'_>>, Option<&str>) {
    let target = spec.field("target");
    (target.or(spec), target.string("name"))
}
