//! See [`SealedSecretScope`].

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::Fields as _;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// A `SealedSecret` that may be decrypted under another name, or in another namespace: the
    /// annotations `sealedsecrets.bitnami.com/cluster-wide` and
    /// `sealedsecrets.bitnami.com/namespace-wide`.
    ///
    /// ## Why it matters
    ///
    /// The encrypted text is meant to be public: it is in git. With a wide scope, anyone who can
    /// create a `SealedSecret` in any namespace (or, with `namespace-wide`, in this one) lets the controller
    /// decrypt a copy of it under a name of their own, and reads the Secret that comes out.
    ///
    /// ## Bad
    ///
    /// Any namespace can decrypt it.
    ///
    /// ```yaml
    /// apiVersion: bitnami.com/v1alpha1
    /// kind: SealedSecret
    /// metadata:
    ///   name: db
    ///   namespace: shop
    ///   annotations:
    ///     sealedsecrets.bitnami.com/cluster-wide: "true"
    /// spec:
    ///   encryptedData:
    ///     password: AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq
    /// ```
    ///
    /// Any name in the namespace can have it.
    ///
    /// ```yaml
    /// apiVersion: bitnami.com/v1alpha1
    /// kind: SealedSecret
    /// metadata:
    ///   name: db
    ///   namespace: shop
    ///   annotations:
    ///     sealedsecrets.bitnami.com/namespace-wide: "true"
    /// spec:
    ///   encryptedData:
    ///     password: AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq
    /// ```
    ///
    /// ## Good
    ///
    /// Only this name in this namespace.
    ///
    /// ```yaml
    /// apiVersion: bitnami.com/v1alpha1
    /// kind: SealedSecret
    /// metadata:
    ///   name: db
    ///   namespace: shop
    /// spec:
    ///   encryptedData:
    ///     password: AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq
    /// ```
    ///
    /// The annotation is off.
    ///
    /// ```yaml
    /// apiVersion: bitnami.com/v1alpha1
    /// kind: SealedSecret
    /// metadata:
    ///   name: db
    ///   namespace: shop
    ///   annotations:
    ///     sealedsecrets.bitnami.com/cluster-wide: "false"
    /// spec:
    ///   encryptedData:
    ///     password: AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq
    /// ```
    ///
    /// ## Fix
    ///
    /// Seal the secret again with the strict scope (`kubeseal --scope strict`, the default), and
    /// change the secret itself if the old text was published.
    SealedSecretScope {
        name: "sealed-secret-scope",
        summary: "SealedSecret can be decrypted elsewhere",
        category: Secrets,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Secrets"), Attack("T1552.001")],
    }
}

impl ObjectRule for SealedSecretScope {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        let object = scope.object;
        if object.group() != "bitnami.com" || object.kind() != "SealedSecret" {
            return;
        }
        let annotation = |name: &str| {
            let mut annotations = object.metadata().pairs("annotations");
            annotations
                .find(|entry| entry.name().strip_prefix("sealedsecrets.bitnami.com/") == Some(name))
                .map(|entry| entry.value)
                .filter(|value| value.as_str() == Some("true"))
        };
        let (node, where_else) = if let Some(node) = annotation("cluster-wide") {
            (node, "in every namespace")
        } else if let Some(node) = annotation("namespace-wide") {
            (node, "under every name in its namespace")
        } else {
            return;
        };
        let message = format!("{} can be decrypted {where_else}", phrases::object(object));
        findings.push(
            context
                .finding(Self::RULE, object, node, message)
                .why(
                    "Its text is in git: anyone who can create a `SealedSecret` there has it decrypted \
                     under a name of their own.",
                )
                .help("Seal it again with the strict scope: `kubeseal --scope strict`.")
                .manual("seal it with the strict scope", "kubeseal --scope strict")
                .done(),
        );
    }
}
