//! See [`PlainSecretAnnotation`].

use coaming_finding::{Finding, RuleMeta};
use coaming_secret::structured::Holder;

use super::found::{self, Wording};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// Looks for credentials in annotations: of Ingresses and Services for their controllers, and in
    /// `kubectl.kubernetes.io/last-applied-configuration`, in which `kubectl apply` keeps whole Secrets.
    ///
    /// ## Why it matters
    ///
    /// Whoever may list the object has its annotations, and tools copy, log and index them. The copy that
    /// `kubectl apply` keeps stays when the Secret itself is changed by other means.
    ///
    /// ## Bad
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
    /// ## Good
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
    /// ## Fix
    ///
    /// Replace the secret and let the annotation name a Secret. For `last-applied-configuration`, use
    /// `kubectl apply --server-side`, and remove the annotation.
    PlainSecretAnnotation {
        name: "plain-secret-annotation",
        summary: "Annotation has a secret in it",
        category: Secrets,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Protecting Secrets"), Attack("T1552.001")],
    }
}

const WORDING: Wording = Wording {
    holder: "Annotation",
    reader: "whoever may list the object has it",
    order: "refer to a Secret by name",
    snippet: "kubectl annotate KIND NAME ANNOTATION-\n",
};

impl ObjectRule for PlainSecretAnnotation {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        found::report(context, scope, Self::RULE, Holder::Annotation, &WORDING, findings);
    }
}
