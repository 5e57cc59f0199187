//! See [`ServiceAccountToken`].

use std::collections::BTreeMap;

use coaming_finding::{Applicability, Confidence, Finding, RuleMeta};
use coaming_kube::{Fields as _, Workload};
use coaming_yaml::Node;

use crate::context::document_edits;
use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{Context, WorldRule};

rule! {
    /// Looks for pods that get a token for the cluster's API although nothing shows that they use
    /// it: neither the pod nor its service account sets `automountServiceAccountToken`, and no
    /// role at hand is bound to the account. Where a role is bound, the token has a use. One
    /// finding an account, for all the pods that use it.
    ///
    /// ## Why it matters
    ///
    /// The token lies in every container of the pod, at a path that every attacker knows. What its
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
        category: SecurityContext,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [
            Cis("5.1.6"),
            Nsa("Protecting Pod service account tokens"),
            Attack("T1528"),
        ],
    }
}

impl WorldRule for ServiceAccountToken {
    const META: &'static RuleMeta = Self::RULE;
    const REVIEWS: bool = true;

    fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
        let mut accounts: BTreeMap<(&str, &str), Vec<Workload<'_>>> = BTreeMap::new();
        for workload in context.world.workloads() {
            let pod = workload.pod();
            if pod.automount_service_account_token().is_none() && !pod.is_windows() {
                let key = (workload.object.namespace_or_default(), pod.service_account_name());
                accounts.entry(key).or_default().push(workload);
            }
        }
        for ((namespace, name), workloads) in accounts {
            let account = context.world.find("ServiceAccount", namespace, name);
            let decided = account.is_some_and(|account| {
                account.node().boolean("automountServiceAccountToken").is_some()
            });
            // Roles of all accounts do not count: every client of the API server has them.
            let is_bound =
                || context.access().bindings_of_account(namespace, name).next().is_some();
            if !decided && !is_bound() {
                findings.push(finding(context, namespace, name, &workloads));
            }
        }
    }
}

/// One finding for all pods that use an account: one line in it, or in each of them, serves all.
fn finding<'c>(
    context: &Context<'c>,
    namespace: &'c str,
    name: &'c str,
    workloads: &[Workload<'c>],
) -> Finding {
    let first = workloads[0];
    let who = match workloads {
        [only] => format!("Pods of {}", words::object(only.object)),
        [one, two] => {
            format!("Pods of {} and {}", words::object(one.object), words::object(two.object))
        }
        [one, rest @ ..] => {
            format!("Pods of {} and of {} more workloads", words::object(one.object), rest.len())
        }
        [] => String::new(),
    };
    let message = format!(
        "{who} get a token for the cluster's API (service account `{name}` of namespace \
         `{namespace}`), and nothing shows a use for it: an attacker finds it at a known path. \
         Set `automountServiceAccountToken: false` in the pods, or in the account.",
    );
    // An account of its own that is not at hand may well have roles that are not at hand.
    let is_default = name == "default";
    let is_known = is_default || context.world.find("ServiceAccount", namespace, name).is_some();
    let wanted = if context.settings.edits { workloads } else { &[] };
    let edits = wanted
        .iter()
        .map(|workload| {
            let edit = words::set(workload.pod().node(), &["automountServiceAccountToken"], false);
            document_edits(workload.object, vec![edit])
        })
        .collect();
    let mut draft = context.finding(ServiceAccountToken::RULE, first.object, place(first), message);
    for workload in &workloads[1..] {
        let label = words::object(workload.object);
        draft = draft.also(context, workload.object, place(*workload), label);
    }
    draft
        .confidence(if is_known { Confidence::Medium } else { Confidence::Low })
        .fix_all(
            "set `automountServiceAccountToken: false`",
            if is_default { Applicability::Safe } else { Applicability::Unsafe },
            edits,
        )
        .done()
}

/// The line that names the account, else the pod.
fn place(workload: Workload<'_>) -> Node<'_> {
    let pod = workload.pod().node();
    pod.field("serviceAccountName").or_else(|| pod.field("serviceAccount")).unwrap_or(pod)
}
