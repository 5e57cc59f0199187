//! See [`Suppression`]. The check itself is the engine's last step, as it needs all findings.

use coaming_finding::{Finding, RuleMeta};

use crate::rule::{BuiltIn as _, rule};
use crate::{Context, WorldRule};

rule! {
    /// ## What it looks for
    ///
    /// Suppressions with a problem: without a reason, expired, of a rule that does not exist, or
    /// of nothing. Unused suppressions have no effect; the others are ignored.
    ///
    /// ## Why it matters
    ///
    /// A suppression records a decision. Without a reason, nobody can review that decision, and a
    /// suppression that suppresses nothing today may one day hide a finding that nobody has
    /// decided about.
    ///
    /// ## Bad
    ///
    /// Without a reason.
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
    /// Of a rule that does not exist.
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
    ///         privileged: true # coaming: ignore[privilege] it builds images, on nodes of its own
    /// ```
    ///
    /// Without a reason, as an annotation.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   annotations:
    ///     coaming.dev/ignore: privileged
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Good
    ///
    /// With a reason.
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
    /// An annotation with a reason.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   annotations:
    ///     coaming.dev/ignore: "privileged: it builds images, on nodes of its own"
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Fix
    ///
    /// Add a reason, set a new date, or remove the suppression.
    ///
    /// ## Limits
    ///
    /// Whether a suppression is unused is only known if its rule runs.
    Suppression {
        name: "suppression",
        summary: "Suppression has no reason, has expired, or is unused",
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
