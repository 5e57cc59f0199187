//! See [`AmbiguousNamespace`].

use coaming_finding::{Finding, RuleMeta};
use coaming_network::Check;

use super::{Texts, report};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, WorldRule};

rule! {
    /// ## What it looks for
    ///
    /// Several objects that define one namespace, with different labels.
    ///
    /// ## Why it matters
    ///
    /// Network policies and Pod Security admission go by these labels. Which of them the cluster has depends
    /// on what was applied last.
    ///
    /// ## Bad
    ///
    /// Which team it is of is open.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Namespace
    /// metadata: {name: watch, labels: {team: sre}}
    /// ---
    /// apiVersion: v1
    /// kind: Namespace
    /// metadata: {name: watch, labels: {team: web}}
    /// ```
    ///
    /// A label of Pod Security admission in one of two files.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Namespace
    /// metadata: {name: shop}
    /// ---
    /// apiVersion: v1
    /// kind: Namespace
    /// metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: restricted}}
    /// ```
    ///
    /// ## Good
    ///
    /// The same definition twice does not contradict itself.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Namespace
    /// metadata: {name: watch, labels: {team: sre}}
    /// ---
    /// apiVersion: v1
    /// kind: Namespace
    /// metadata: {name: watch, labels: {team: sre}}
    /// ```
    ///
    /// ## Fix
    ///
    /// Keep one of the definitions.
    AmbiguousNamespace {
        name: "ambiguous-namespace",
        summary: "Namespace is defined twice with different labels",
        category: NetworkPolicy,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Network separation and hardening")],
    }
}

impl WorldRule for AmbiguousNamespace {
    const META: &'static RuleMeta = Self::RULE;
    const REVIEWS: bool = false;

    fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
        let texts = Texts {
            why: "A policy that selects namespaces by these labels may mean another namespace than its author did.",
            help: "Keep one of the definitions.",
            title: "keep one of the definitions",
        };
        report(context, Self::RULE, Check::AmbiguousNamespace, &texts, findings);
    }
}
