//! See [`PlainSecretConfigMap`].

use coaming_finding::{Finding, RuleMeta};
use coaming_secret::structured::Holder;

use super::found::{self, Wording};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// Credentials in ConfigMaps, including those in the files that a ConfigMap contains:
    /// properties, JSON, YAML, XML, `.env`, PEM and scripts.
    ///
    /// ## Why it matters
    ///
    /// ConfigMaps are usually not encrypted in etcd, many more roles can read them than Secrets,
    /// and `kubectl describe` and dashboards show them in full.
    ///
    /// ## Bad
    ///
    /// In a file with properties.
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
    /// A key of its own.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: ConfigMap
    /// metadata:
    ///   name: web
    /// data:
    ///   database-user: shop
    ///   database-password: vS8kq-2pLx7w
    /// ```
    ///
    /// ## Good
    ///
    /// The file refers to a variable.
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
    /// The file refers to another file.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: ConfigMap
    /// metadata:
    ///   name: web
    /// data:
    ///   config.yaml: |
    ///     database:
    ///       user: shop
    ///       passwordFile: /run/secrets/database/password
    /// ```
    ///
    /// ## Fix
    ///
    /// Replace the secret, keep the new one in a Secret that a vault fills, and let the file refer
    /// to it: by a variable, an include, or a file of its own.
    PlainSecretConfigMap {
        name: "plain-secret-config-map",
        summary: "Secret is in a ConfigMap",
        category: Secrets,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Protecting Secrets"), Attack("T1552.001")],
    }
}

const WORDING: Wording = Wording {
    holder: "key",
    why: "Every role that can read ConfigMaps has it, and etcd usually stores it in plain text.",
    remedy: "move the new one to a Secret",
    snippet: "volumeMounts:\n  - {name: NAME, mountPath: /run/secrets/NAME, readOnly: true}\nvolumes:\n  - name: NAME\n    secret: {secretName: NAME}\n",
};

impl ObjectRule for PlainSecretConfigMap {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        found::report(context, scope, Self::RULE, Holder::ConfigMap, &WORDING, findings);
    }
}
