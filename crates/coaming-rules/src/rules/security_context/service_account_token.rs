//! See [`ServiceAccountToken`].

use coaming_finding::{Applicability, Confidence, Finding, RuleMeta, Severity};
use coaming_kube::{Fields as _, Inventory, Workload};

use crate::rule::rule;
use crate::rules::words;
use crate::{Context, PodRule};

rule! {
    /// Looks for pods that get a token for the cluster's API although nothing shows that they use
    /// it: neither the pod nor its service account sets `automountServiceAccountToken`, and no
    /// role at hand is bound to the account. Where a role is bound, the token has a use.
    ///
    /// ## Why it matters
    ///
    /// The token lies in every container of the pod, at a path that every intruder knows. What its
    /// account may do, he may do, today and after the next role that somebody binds to it.
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
    ///   automountServiceAccountToken: false
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Fix
    ///
    /// Set `automountServiceAccountToken: false` in the pod, or in its ServiceAccount for all pods
    /// that use it.
    ServiceAccountToken {
        name: "service-account-token",
        summary: "Token for the cluster's API is mounted without a use",
        measure: SecurityContext,
        severity: Low,
        default: true,
        standards: [
            Cis("5.1.6"),
            Nsa("Protecting Pod service account tokens"),
            Attack("T1528"),
        ],
    }
}

impl PodRule for ServiceAccountToken {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, workload: Workload<'_>, findings: &mut Vec<Finding>) {
        let pod = workload.pod();
        if pod.automount_service_account_token().is_some() {
            return;
        }
        let namespace = workload.object.namespace_or_default();
        let name = pod.service_account_name();
        let account = context.inventory.find("ServiceAccount", namespace, name);
        let decided = account.is_some_and(|account| {
            account.node().boolean("automountServiceAccountToken").is_some()
        });
        if decided || is_bound(context.inventory, namespace, name) {
            return;
        }
        // An account of its own that is not at hand may well have roles that are not at hand.
        let is_known = name == "default" || account.is_some();
        let message = format!(
            "Pods of {} get a token for the cluster's API (service account `{name}`), and nothing \
             shows a use for it: an intruder finds it at a known path. Set \
             `automountServiceAccountToken: false`.",
            words::object(workload.object),
        );
        let edit = words::set(pod.node(), &["automountServiceAccountToken"], false);
        let node = pod
            .node()
            .field("serviceAccountName")
            .or_else(|| pod.node().field("serviceAccount"))
            .unwrap_or(pod.node());
        let safe = is_known && name == "default";
        findings.push(
            context
                .finding(Self::RULE, workload.object, node, message)
                .severity(Severity::Low)
                .confidence(if is_known { Confidence::Medium } else { Confidence::Low })
                .fix(
                    "set `automountServiceAccountToken: false`",
                    if safe { Applicability::Safe } else { Applicability::Unsafe },
                    vec![edit],
                )
                .done(),
        );
    }
}

/// Whether a role at hand is bound to this service account by name.
fn is_bound(inventory: &Inventory, namespace: &str, name: &str) -> bool {
    ["RoleBinding", "ClusterRoleBinding"].into_iter().flat_map(|kind| inventory.of_kind(kind)).any(
        |binding| {
            binding.node().list("subjects").any(|subject| {
                let place = subject.string("namespace").unwrap_or(binding.namespace_or_default());
                subject.string("kind") == Some("ServiceAccount")
                    && subject.string("name") == Some(name)
                    && place == namespace
            })
        },
    )
}
