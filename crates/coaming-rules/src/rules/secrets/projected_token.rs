//! See [`ProjectedToken`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::{Fields as _, Workload};
use coaming_yaml::Node;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, PodRule};

rule! {
    /// ## What it looks for
    ///
    /// Projected service account tokens that are valid for more than a day, and those without an
    /// audience that are not for the cluster's API. A token beside the cluster's CA certificate
    /// (`kube-root-ca.crt`) is for the API.
    ///
    /// ## Why it matters
    ///
    /// A token without an audience is valid for the cluster's API. A vault or cloud that receives
    /// it, and anyone who steals it there, can act as the pod. A stolen token remains valid until
    /// it expires.
    ///
    /// ## Bad
    ///
    /// The token is valid for a year.
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
    ///       volumeMounts:
    ///         - name: vault-login
    ///           mountPath: /var/run/vault
    ///           readOnly: true
    ///   volumes:
    ///     - name: vault-login
    ///       projected:
    ///         sources:
    ///           - serviceAccountToken:
    ///               audience: vault
    ///               expirationSeconds: 31536000
    ///               path: login
    /// ```
    ///
    /// No audience.
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
    ///       volumeMounts:
    ///         - name: vault-login
    ///           mountPath: /var/run/vault
    ///           readOnly: true
    ///   volumes:
    ///     - name: vault-login
    ///       projected:
    ///         sources:
    ///           - serviceAccountToken:
    ///               expirationSeconds: 3600
    ///               path: login
    /// ```
    ///
    /// Neither an audience nor a short lifetime.
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
    ///       volumeMounts:
    ///         - name: vault-login
    ///           mountPath: /var/run/vault
    ///           readOnly: true
    ///   volumes:
    ///     - name: vault-login
    ///       projected:
    ///         sources:
    ///           - serviceAccountToken:
    ///               expirationSeconds: 604800
    ///               path: login
    /// ```
    ///
    /// ## Good
    ///
    /// The token is valid for an hour.
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
    ///       volumeMounts:
    ///         - name: vault-login
    ///           mountPath: /var/run/vault
    ///           readOnly: true
    ///   volumes:
    ///     - name: vault-login
    ///       projected:
    ///         sources:
    ///           - serviceAccountToken:
    ///               audience: vault
    ///               expirationSeconds: 3600
    ///               path: login
    /// ```
    ///
    /// For the cluster's API, as the CA certificate beside it shows.
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
    ///       volumeMounts:
    ///         - name: api
    ///           mountPath: /var/run/secrets/kubernetes.io/serviceaccount
    ///           readOnly: true
    ///   volumes:
    ///     - name: api
    ///       projected:
    ///         sources:
    ///           - serviceAccountToken:
    ///               expirationSeconds: 3607
    ///               path: token
    ///           - configMap:
    ///               name: kube-root-ca.crt
    /// ```
    ///
    /// ## Fix
    ///
    /// Name the recipient of the token in `audience`, and set a lifetime of one hour. The kubelet
    /// replaces the token in the file in time, and the application must read it again.
    ProjectedToken {
        name: "projected-token",
        summary: "Projected token has no audience or is valid for long",
        category: Secrets,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Cis("5.1.6"), Attack("T1528")],
    }
}

/// The longest lifetime of a token that is not reported, in seconds: a day.
const LONGEST: i64 = 24 * 60 * 60;
/// The lifetime that the fix sets, in seconds.
const GOOD: i64 = 3600;

impl PodRule for ProjectedToken {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, workload: Workload<'_>, findings: &mut Vec<Finding>) {
        for volume in workload.pod().volumes() {
            let Some(projected) = volume.source("projected") else { continue };
            let for_cluster = projected.list("sources").any(|source| {
                source.mapping("configMap").string("name") == Some("kube-root-ca.crt")
            });
            let tokens = projected.list("sources").filter_map(|s| s.mapping("serviceAccountToken"));
            findings
                .extend(tokens.filter_map(|token| finding(context, workload, token, for_cluster)));
        }
    }
}

fn finding(
    context: &Context<'_>,
    workload: Workload<'_>,
    token: Node<'_>,
    for_cluster: bool,
) -> Option<Finding> {
    let life = token.integer("expirationSeconds").filter(|&seconds| seconds > LONGEST);
    let lacks_audience =
        !for_cluster && token.string("audience").is_none_or(|audience| audience.is_empty());
    let who = phrases::object(workload.object);
    let node = token.field("expirationSeconds").filter(|_| life.is_some()).unwrap_or(token);
    let long = life.map(|seconds| format!("is valid for {} days", seconds / 86_400));
    let (what, why, help) = match (long, lacks_audience) {
        (None, false) => return None,
        (Some(long), false) => {
            let help = format!("Set `expirationSeconds: {GOOD}`.");
            (long, "A stolen token can be used until it expires.", help)
        }
        (None, true) => (
            "has no audience".to_owned(),
            "Anyone who receives the token can use it for the cluster's API.",
            "Set `audience` to the recipient of the token.".to_owned(),
        ),
        (Some(long), true) => (
            format!("has no audience and {long}"),
            "Anyone who receives the token can use it for the cluster's API until it expires.",
            format!(
                "Set `audience` to the recipient of the token, and `expirationSeconds: {GOOD}`."
            ),
        ),
    };
    let message = format!("the projected token of {who} {what}");
    let draft =
        context.finding(ProjectedToken::RULE, workload.object, node, message).why(why).help(help);
    let draft = if lacks_audience {
        let snippet = format!(
            "serviceAccountToken:\n  audience: RECIPIENT\n  expirationSeconds: {GOOD}\n  path: {}\n",
            token.string("path").unwrap_or("token"),
        );
        draft.manual("name the recipient of the token in `audience`", snippet)
    } else {
        let edit = phrases::set(token, &["expirationSeconds"], GOOD);
        draft.fix(format!("set `expirationSeconds: {GOOD}`"), Applicability::Unsafe, vec![edit])
    };
    Some(draft.done())
}
