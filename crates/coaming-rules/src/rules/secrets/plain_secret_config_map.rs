//! See [`PlainSecretConfigMap`].

use coaming_finding::{Finding, RuleMeta};
use coaming_secret::structured::Holder;

use super::found::{self, Wording};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// Looks for credentials in ConfigMaps, also within the files they hold: properties, JSON, YAML, XML,
    /// `.env`, PEM, scripts.
    ///
    /// ## Why it matters
    ///
    /// ConfigMaps are not encrypted in etcd, are read by far more roles than Secrets, and are shown in full
    /// by `kubectl describe` and by dashboards.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: ConfigMap
    /// metadata:
    ///   name: web
    /// data:
    ///   application.properties: |
    ///     spring.datasource.username=shop
    ///     spring.datasource.password=vS8kq-2pLx7w
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: ConfigMap
    /// metadata:
    ///   name: web
    /// data:
    ///   application.properties: |
    ///     spring.datasource.username=shop
    ///     spring.datasource.password=${DB_PASSWORD}
    /// ```
    ///
    /// ## Fix
    ///
    /// Replace the secret, keep the new one in a Secret that a vault fills, and let the file name it: by a
    /// variable, an include, or a file of its own.
    PlainSecretConfigMap {
        name: "plain-secret-config-map",
        summary: "ConfigMap has a secret in it",
        category: Secrets,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Protecting Secrets"), Attack("T1552.001")],
    }
}

const WORDING: Wording = Wording {
    holder: "Key",
    reader: "every role that may read ConfigMaps has it, and etcd keeps it in plain text",
    order: "move the new one to a Secret",
    snippet: "volumeMounts:\n  - {name: NAME, mountPath: /run/secrets/NAME, readOnly: true}\nvolumes:\n  - name: NAME\n    secret: {secretName: NAME}\n",
};

impl ObjectRule for PlainSecretConfigMap {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        found::report(context, scope, Self::RULE, Holder::ConfigMap, &WORDING, findings);
    }
}
