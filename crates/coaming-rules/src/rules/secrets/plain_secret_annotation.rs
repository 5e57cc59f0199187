//! See [`PlainSecretAnnotation`].

use coaming_finding::{Finding, RuleMeta};
use coaming_secret::structured::Holder;

use super::found::{self, Wording};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// Credentials in annotations, such as those on Ingresses and Services for their controllers,
    /// and in `kubectl.kubernetes.io/last-applied-configuration`, where `kubectl apply` keeps a
    /// copy of whole Secrets.
    ///
    /// ## Why it matters
    ///
    /// Anyone who can list the object has its annotations, and tools copy, log and index them. The
    /// copy that `kubectl apply` keeps stays when the Secret itself is changed by other means.
    ///
    /// ## Bad
    ///
    /// A token for the controller of a Service.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    ///   annotations:
    ///     dns.example.com/api-token: q8Zr2Kx7Lm4Tn9Vb3Wc6
    /// ```
    ///
    /// The copy that `kubectl apply` keeps of a Secret.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Secret
    /// metadata:
    ///   name: database
    ///   annotations:
    ///     kubectl.kubernetes.io/last-applied-configuration: |
    ///       {"apiVersion":"v1","kind":"Secret","metadata":{"name":"database"},"stringData":{"password":"vS8kq-2pLx7w"}}
    /// ```
    ///
    /// ## Good
    ///
    /// The annotation names a Secret.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    ///   annotations:
    ///     dns.example.com/api-token-secret: dns-credentials
    /// ```
    ///
    /// Most annotations are not secret.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    ///   annotations:
    ///     prometheus.io/scrape: "true"
    ///     prometheus.io/path: /metrics
    /// ```
    ///
    /// ## Fix
    ///
    /// Replace the secret, and let the annotation name a Secret. For `last-applied-configuration`,
    /// use `kubectl apply --server-side` and remove the annotation.
    PlainSecretAnnotation {
        name: "plain-secret-annotation",
        summary: "Secret is in an annotation",
        category: Secrets,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Protecting Secrets"), Attack("T1552.001")],
    }
}

const WORDING: Wording = Wording {
    holder: "annotation",
    why: "Anyone who can list the object has it, and tools copy, log and index annotations.",
    remedy: "refer to a Secret by name",
    snippet: "kubectl annotate KIND NAME ANNOTATION-\n",
};

impl ObjectRule for PlainSecretAnnotation {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        found::report(context, scope, Self::RULE, Holder::Annotation, &WORDING, findings);
    }
}
