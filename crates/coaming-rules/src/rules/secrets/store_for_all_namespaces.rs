//! See [`StoreForAllNamespaces`].

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::Fields as _;
use coaming_yaml::Node;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// A `ClusterSecretStore` of External Secrets without `conditions`, or with a condition that
    /// selects every namespace; a `VaultAuth` or `VaultAuthGlobal` of the Vault Secrets Operator with
    /// `allowedNamespaces: ["*"]`.
    ///
    /// ## Why it matters
    ///
    /// An `ExternalSecret` (a `VaultStaticSecret`) in any namespace may use the store. Anyone who can
    /// create one there gets every secret that the store's own account can read, in a Secret of their
    /// own.
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
    /// The login of another namespace.
    ///
    /// ```yaml
    /// apiVersion: secrets.hashicorp.com/v1beta1
    /// kind: VaultAuth
    /// metadata:
    ///   name: shop
    ///   namespace: shop
    /// spec:
    ///   allowedNamespaces: ["*"]
    ///   method: kubernetes
    ///   mount: kubernetes
    ///   kubernetes:
    ///     role: shop
    ///     serviceAccount: shop
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
    /// A login that one other namespace may use.
    ///
    /// ```yaml
    /// apiVersion: secrets.hashicorp.com/v1beta1
    /// kind: VaultAuth
    /// metadata:
    ///   name: shop
    ///   namespace: shop
    /// spec:
    ///   allowedNamespaces: [shop-jobs]
    ///   method: kubernetes
    ///   mount: kubernetes
    ///   kubernetes:
    ///     role: shop
    ///     serviceAccount: shop
    /// ```
    ///
    /// ## Fix
    ///
    /// Use a `SecretStore` (a `VaultAuth`) in each namespace with a role of its own, or name the
    /// namespaces in `conditions` (`allowedNamespaces`). There is no automatic fix: the namespaces are
    /// not known.
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
        let store = match (object.group(), object.kind()) {
            ("external-secrets.io", "ClusterSecretStore") => EXTERNAL_SECRETS,
            ("secrets.hashicorp.com", "VaultAuth" | "VaultAuthGlobal") => VAULT_SECRETS_OPERATOR,
            _ => return,
        };
        let spec = object.spec();
        if !(store.is_for_all)(spec) {
            return;
        }
        let Some(node) = spec.field(store.field).or(spec) else { return };
        let message = format!("{} may be used by every namespace", phrases::object(object));
        findings.push(
            context
                .finding(Self::RULE, object, node, message)
                .why(store.why)
                .help(store.help)
                .manual("name the namespaces", store.snippet)
                .done(),
        );
    }
}

/// What gives the secrets of one account to objects in other namespaces.
struct Store {
    /// The field that names the namespaces.
    field: &'static str,
    is_for_all: fn(Option<Node<'_>>) -> bool,
    why: &'static str,
    help: &'static str,
    snippet: &'static str,
}

const EXTERNAL_SECRETS: Store = Store {
    field: "conditions",
    is_for_all: |spec| {
        let mut conditions = spec.list("conditions").peekable();
        conditions.peek().is_none() || conditions.any(selects_everything)
    },
    why: "Anyone who can create an `ExternalSecret` in any namespace gets every secret that the store's \
          account can read.",
    help: "Name the namespaces in `conditions`, or use a `SecretStore` in each of them.",
    snippet: "conditions:\n  - namespaceSelector:\n      matchLabels: {NAME: VALUE}\n",
};

/// Without the field, only the object's own namespace may use it.
const VAULT_SECRETS_OPERATOR: Store = Store {
    field: "allowedNamespaces",
    is_for_all: |spec| spec.list("allowedNamespaces").any(|name| name.as_str() == Some("*")),
    why: "Anyone who can create a `VaultStaticSecret` in any namespace gets every secret that its role in \
          Vault can read.",
    help: "Name the namespaces in `allowedNamespaces`, or use a `VaultAuth` in each of them.",
    snippet: "allowedNamespaces: [NAMESPACE]\n",
};

/// Whether a condition holds for every namespace.
fn selects_everything(condition: Node<'_>) -> bool {
    let selector = condition.field("namespaceSelector");
    let is_empty = selector.is_some_and(|selector| selector.entries().len() == 0);
    let has_names = condition.list("namespaces").next().is_some()
        || condition.list("namespaceRegexes").next().is_some();
    let any_name = |name: Option<&str>| matches!(name, Some(".*" | "^.*$" | ".+" | "^.+$"));
    is_empty && !has_names
        || condition.list("namespaceRegexes").any(|regex| any_name(regex.as_str()))
}
