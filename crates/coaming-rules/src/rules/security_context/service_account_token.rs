//! See [`ServiceAccountToken`].

use std::collections::BTreeMap;

use coaming_finding::{Applicability, Confidence, Finding, RuleMeta};
use coaming_kube::{Fields as _, Workload};
use coaming_yaml::Node;

use crate::context::document_edits;
use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, WorldRule};

rule! {
    /// ## What it looks for
    ///
    /// Pods that get a token for the Kubernetes API although nothing shows that they use it:
    /// neither the pod nor its service account sets `automountServiceAccountToken`, and no known
    /// role is bound to the account. Where a role is bound, the token is assumed to be used. One
    /// finding per account covers all pods that use it.
    ///
    /// ## Why it matters
    ///
    /// The token is in every container of the pod, at a path that every attacker knows. They can
    /// do whatever its account may do, today and after the next role that someone binds to it.
    ///
    /// ## Bad
    ///
    /// The pod gets a token of the account `default`.
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
    /// Two pods use one account.
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
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: worker
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// The account is not part of the input, so it may have roles that are not known either: the
    /// confidence is low.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   serviceAccountName: web
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Good
    ///
    /// The pod gets no token.
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
    /// The account decides for all its pods.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   serviceAccountName: web
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ---
    /// apiVersion: v1
    /// kind: ServiceAccount
    /// metadata:
    ///   name: web
    /// automountServiceAccountToken: false
    /// ```
    ///
    /// A role is bound to the account.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   serviceAccountName: web
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ---
    /// apiVersion: v1
    /// kind: ServiceAccount
    /// metadata:
    ///   name: web
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: RoleBinding
    /// metadata:
    ///   name: web
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: Role
    ///   name: web
    /// subjects:
    ///   - kind: ServiceAccount
    ///     name: web
    /// ```
    ///
    /// ## Fix
    ///
    /// Set `automountServiceAccountToken: false` in the pod, or in its ServiceAccount for all pods
    /// that use it.
    ///
    /// ## Limits
    ///
    /// Whether the application talks to the Kubernetes API is not visible in its manifest. Role
    /// bindings that are not part of the input are not known.
    ServiceAccountToken {
        name: "service-account-token",
        summary: "Service account token is mounted without a use",
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

/// One finding for all pods that use an account, as one line in the account fixes them all.
fn finding<'c>(
    context: &Context<'c>,
    namespace: &'c str,
    name: &'c str,
    workloads: &[Workload<'c>],
) -> Finding {
    let first = workloads[0];
    let first_name = phrases::object(first.object);
    let who = match workloads {
        [one, two] => {
            format!("{} and {}", phrases::object(one.object), phrases::object(two.object))
        }
        [_, _, rest @ ..] => format!("{first_name} and {} more workloads", rest.len() + 1),
        _ => first_name,
    };
    let message = format!(
        "{who} {} a token of service account `{name}` (namespace `{namespace}`) without a visible \
         use",
        phrases::plural(workloads.len(), "mounts", "mount"),
    );
    // An account that is not part of the input may well have roles that are not, either.
    let is_default = name == "default";
    let is_known = is_default || context.world.find("ServiceAccount", namespace, name).is_some();
    let wanted = if context.settings.edits { workloads } else { &[] };
    let edits = wanted
        .iter()
        .map(|workload| {
            let edit =
                phrases::set(workload.pod().node(), &["automountServiceAccountToken"], false);
            document_edits(workload.object, vec![edit])
        })
        .collect();
    let mut draft =
        context.finding(ServiceAccountToken::RULE, first.object, account_node(first), message);
    for workload in &workloads[1..] {
        let label = phrases::object(workload.object);
        draft = draft.also(context, workload.object, account_node(*workload), label);
    }
    draft
        .why(
            "An attacker finds the token at a known path, and can do whatever its account can do, \
             now or after the next role binding.",
        )
        .help("Set `automountServiceAccountToken: false` in the pods, or in the service account.")
        .confidence(if is_known { Confidence::Medium } else { Confidence::Low })
        .fix_all(
            "set `automountServiceAccountToken: false`",
            if is_default { Applicability::Safe } else { Applicability::Unsafe },
            edits,
        )
        .done()
}

/// The node that names the account, else the pod.
fn account_node(workload: Workload<'_>) -> Node<'_> {
    let pod = workload.pod().node();
    pod.field("serviceAccountName").or_else(|| pod.field("serviceAccount")).unwrap_or(pod)
}
