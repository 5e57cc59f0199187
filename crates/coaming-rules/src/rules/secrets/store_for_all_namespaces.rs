//! See [`StoreForAllNamespaces`].

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::Fields as _;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// A `ClusterSecretStore` of External Secrets without `conditions`, or with a condition that
    /// selects every namespace.
    ///
    /// ## Why it matters
    ///
    /// An `ExternalSecret` in any namespace may use the store. Anyone who can create one there
    /// gets every secret that the store's own account can read, in a Secret of their own.
    ///
    /// ## Bad
    ///
    /// A store without conditions.
    ///
    /// ```yaml
    /// apiVersion: external-secrets.io/v1
    /// kind: ClusterSecretStore
    /// metadata:
    ///   name: vault
    /// spec:
    ///   provider:
    ///     vault:
    ///       server: https://vault.vault.svc:8200
    ///       path: secret
    /// ```
    ///
    /// The condition is true for each namespace.
    ///
    /// ```yaml
    /// apiVersion: external-secrets.io/v1
    /// kind: ClusterSecretStore
    /// metadata:
    ///   name: vault
    /// spec:
    ///   conditions:
    ///     - namespaceSelector: {}
    ///   provider:
    ///     vault:
    ///       server: https://vault.vault.svc:8200
    ///       path: secret
    /// ```
    ///
    /// ## Good
    ///
    /// Only namespaces with a label may use the store.
    ///
    /// ```yaml
    /// apiVersion: external-secrets.io/v1
    /// kind: ClusterSecretStore
    /// metadata:
    ///   name: vault
    /// spec:
    ///   conditions:
    ///     - namespaceSelector:
    ///         matchLabels: {team: shop}
    ///   provider:
    ///     vault:
    ///       server: https://vault.vault.svc:8200
    ///       path: secret
    /// ```
    ///
    /// A store of one namespace.
    ///
    /// ```yaml
    /// apiVersion: external-secrets.io/v1
    /// kind: SecretStore
    /// metadata:
    ///   name: vault
    ///   namespace: shop
    /// spec:
    ///   provider:
    ///     vault:
    ///       server: https://vault.vault.svc:8200
    ///       path: secret
    /// ```
    ///
    /// ## Fix
    ///
    /// Use a `SecretStore` in each namespace with a role of its own, or name the namespaces in
    /// `conditions`. There is no automatic fix: the namespaces are not known.
    StoreForAllNamespaces {
        name: "store-for-all-namespaces",
        summary: "Every namespace may read from a secret store",
        category: Secrets,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Secrets"), Attack("T1552.007")],
    }
}

impl ObjectRule for StoreForAllNamespaces {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        let object = scope.object;
        if object.group() != "external-secrets.io" || object.kind() != "ClusterSecretStore" {
            return;
        }
        let spec = object.spec();
        let mut conditions = spec.list("conditions").peekable();
        if conditions.peek().is_some() && !conditions.any(selects_everything) {
            return;
        }
        let Some(node) = spec.field("conditions").or(spec) else { return };
        let message = format!("{} may be used by every namespace", phrases::object(object));
        findings.push(
            context
                .finding(Self::RULE, object, node, message)
                .why(
                    "Anyone who can create an `ExternalSecret` in any namespace gets every secret that the \
                     store's account can read.",
                )
                .help("Name the namespaces in `conditions`, or use a `SecretStore` in each of them.")
                .manual(
                    "name the namespaces",
                    "conditions:\n  - namespaceSelector:\n      matchLabels: {NAME: VALUE}\n",
                )
                .done(),
        );
    }
}

/// Whether a condition holds for every namespace.
fn selects_everything(condition: coaming_yaml::Node<'_>) -> bool {
    let selector = condition.field("namespaceSelector");
    let is_empty = selector.is_some_and(|selector| selector.entries().len() == 0);
    let has_names = condition.list("namespaces").next().is_some()
        || condition.list("namespaceRegexes").next().is_some();
    let any_name = |name: Option<&str>| matches!(name, Some(".*" | "^.*$" | ".+" | "^.+$"));
    is_empty && !has_names
        || condition.list("namespaceRegexes").any(|regex| any_name(regex.as_str()))
}
