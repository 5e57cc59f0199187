//! See [`Suppression`]. The check itself is the engine's last step, as it needs all findings.

use coaming_finding::{Finding, RuleMeta};

use crate::rule::{BuiltIn as _, rule};
use crate::{Context, WorldRule};

rule! {
    /// Looks for suppressions that are not worth their name: without a reason, expired, of a rule
    /// that does not exist, or of nothing. Only the last of them still counted; the others don't.
    ///
    /// ## Why it matters
    ///
    /// A suppression is a decision. Without a reason nobody can take it again; one that suppresses
    /// nothing any more will one day suppress what nobody decided on.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         privileged: true # coaming: ignore[privileged]
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         privileged: true # coaming: ignore[privileged] it builds images, on nodes of its own
    /// ```
    ///
    /// ## Fix
    ///
    /// Say why, or remove the suppression.
    Suppression {
        name: "suppression",
        summary: "Suppression has no reason, has expired, or suppresses nothing",
        category: Schema,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [],
    }
}

impl WorldRule for Suppression {
    const META: &'static RuleMeta = Self::RULE;
    const REVIEWS: bool = true;

    fn check(_context: &Context<'_>, _findings: &mut Vec<Finding>) {}
}
