//! See [`ServiceAccountToken`].

use std::collections::BTreeMap;

use coaming_access::{Binding, Subject};
use coaming_finding::{Applicability, Confidence, Finding, RuleMeta};
use coaming_kube::{Fields as _, Object, Workload};
use coaming_yaml::Node;

use super::token_use::{TokenUse, token_use};
use crate::context::document_edits;
use crate::rule::{BuiltIn as _, rule};
use crate::rules::{injection, phrases};
use crate::safety::may_be_completed;
use crate::{Context, WorldRule};

rule! {
    /// ## What it looks for
    ///
    /// Pods that get a token for the Kubernetes API although nothing shows that they use it:
    /// neither the pod nor its service account sets `automountServiceAccountToken`, no known
    /// role is bound to the account, and nothing in the pod is a client of the API. Signs of a use
    /// are an image, program, option or configuration of a client (`kubectl`, an operator,
    /// Prometheus with `kubernetes_sd_configs`), the path of the token, and a sidecar that a
    /// webhook adds and that needs the token (Vault, Consul, Linkerd, Istio). One finding per
    /// account covers all pods that use it.
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
    /// The pod runs a client of the API.
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
    ///       command: [kubectl, get, pods, --watch]
    /// ```
    ///
    /// Linkerd's sidecar needs the token: without it, the pod gets no sidecar and no encryption.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   annotations:
    ///     linkerd.io/inject: enabled
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
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
    /// that use it. The fix is safe only where all of this holds: the account is `default`, which
    /// has no rights unless a role is bound to it; no binding of the input names the account (in
    /// any namespace, if the pod names none) or a group that contains it; no text of the pod, its
    /// hooks, probes and ConfigMaps mentions the Kubernetes API, and the input has these
    /// ConfigMaps; its images are your own and not named after Kubernetes' objects (`pod-reaper`),
    /// or published ones that are known to be no clients (`nginx`, `postgres` …); no webhook or
    /// mesh of the input may add a sidecar, and no annotation or label is of a domain that we do
    /// not know, as it may ask for one; no chart made the pod, and it is not a base of overlays, which may add a container;
    /// and the pod is of one of Kubernetes' own kinds. Otherwise it needs `--unsafe`.
    ///
    /// Argo Workflows and Tekton decide about the token of their pods by fields of their own, so
    /// that their pods are not reported.
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
        let mut accounts: BTreeMap<(&str, &str), Vec<Holder<'_>>> = BTreeMap::new();
        let mut injectable = None;
        for workload in context.world.workloads() {
            let pod = workload.pod();
            let applies = pod.automount_service_account_token().is_none()
                && !pod.is_windows()
                && !is_task(workload.object);
            if !applies {
                continue;
            }
            let injectable =
                *injectable.get_or_insert_with(|| injection::is_possible(context.world));
            let token_use = token_use(context.world, workload, injectable);
            if token_use != TokenUse::Shown {
                let key = (workload.object.namespace_or_default(), pod.service_account_name());
                accounts.entry(key).or_default().push(Holder { workload, token_use });
            }
        }
        for ((namespace, name), holders) in accounts {
            let account = context.world.find("ServiceAccount", namespace, name);
            let decided = account.is_some_and(|account| {
                account.node().boolean("automountServiceAccountToken").is_some()
            });
            // Roles of all accounts do not count: every client of the API server has them.
            let is_bound =
                || context.access().bindings_of_account(namespace, name).next().is_some();
            if decided || is_bound() {
                continue;
            }
            // Pods that may use the token are not reported with those that do not: the fix differs.
            for token_use in [TokenUse::None, TokenUse::Possible] {
                let alike: Vec<Workload<'_>> = holders
                    .iter()
                    .filter(|holder| holder.token_use == token_use)
                    .map(|holder| holder.workload)
                    .collect();
                let (suppressed, alike): (Vec<_>, Vec<_>) =
                    alike.into_iter().partition(|workload| {
                        context.is_suppressed(Self::RULE, workload.object, account_node(*workload))
                    });
                let alone = suppressed.iter().map(std::slice::from_ref);
                let together = Some(alike.as_slice()).filter(|alike| !alike.is_empty());
                for workloads in alone.chain(together) {
                    findings.push(finding(context, namespace, name, workloads, token_use));
                }
            }
        }
    }
}

/// A workload whose pods get the token.
struct Holder<'a> {
    workload: Workload<'a>,
    token_use: TokenUse,
}

/// Whether an engine makes the pods and hands them the token: Argo's executor reports through it.
fn is_task(object: Object<'_>) -> bool {
    match object.group() {
        "argoproj.io" => object.kind() != "Rollout",
        group => group == "tekton.dev" || group.ends_with(".tekton.dev"),
    }
}

/// Whether the input may bind a role to the account although it does not name it so: pods without
/// a namespace are in the one that they are applied to, and so are accounts of bindings.
fn may_be_bound(context: &Context<'_>, namespace: &str, name: &str, pods: &[Workload<'_>]) -> bool {
    let is_anywhere = pods.iter().any(|pod| pod.object.namespace().is_empty());
    let bindings = || ["RoleBinding", "ClusterRoleBinding"].into_iter();
    let subjects = bindings()
        .flat_map(|kind| context.world.of_kind(kind))
        .flat_map(|binding| binding.node().list("subjects"));
    let mut accounts = subjects.filter(|subject| {
        subject.string("kind") == Some("ServiceAccount") && subject.string("name") == Some(name)
    });
    accounts.any(|account| match account.string("namespace") {
        None | Some("") => true,
        Some(other) => is_anywhere || other == namespace || other.contains(['$', '{']),
    })
}

/// Whether a role is bound to a group that contains the account.
fn is_bound_by_group(context: &Context<'_>, namespace: &str) -> bool {
    let of_namespace = format!("system:serviceaccounts:{namespace}");
    let contains = |binding: &Binding| {
        !binding.is_built_in
            && binding.subjects().any(|(who, _)| match who {
                Subject::Group(group) => {
                    group == of_namespace
                        || matches!(group, "system:serviceaccounts" | "system:authenticated")
                }
                _ => false,
            })
    };
    let access = context.access();
    access.bindings().chain(access.unresolved()).any(contains)
}

/// One finding for all pods that use an account, as one line in the account fixes them all.
fn finding<'c>(
    context: &Context<'c>,
    namespace: &'c str,
    name: &'c str,
    workloads: &[Workload<'c>],
    token_use: TokenUse,
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
    let is_safe = is_default
        && token_use == TokenUse::None
        && !is_bound_by_group(context, namespace)
        && !may_be_bound(context, namespace, name, workloads)
        && !workloads.iter().any(|workload| may_be_completed(context.world, workload.object));
    let confidence = match (is_known, token_use) {
        (true, TokenUse::None) => Confidence::Medium,
        _ => Confidence::Low,
    };
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
        .confidence(confidence)
        .fix_all(
            "set `automountServiceAccountToken: false`",
            if is_safe { Applicability::Safe } else { Applicability::Unsafe },
            edits,
        )
        .done()
}

/// The node that names the account, else the pod.
fn account_node(workload: Workload<'_>) -> Node<'_> {
    let pod = workload.pod().node();
    pod.field("serviceAccountName").or_else(|| pod.field("serviceAccount")).unwrap_or(pod)
}
