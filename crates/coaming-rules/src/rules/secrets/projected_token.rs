//! See [`ProjectedToken`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::{Fields as _, Workload};
use coaming_yaml::Node;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{Context, PodRule};

rule! {
    /// Looks for projected service account tokens that live longer than a day, and for those without
    /// an audience that are not there to talk to the cluster's API (as they are beside the
    /// cluster's CA certificate).
    ///
    /// ## Why it matters
    ///
    /// A token without an audience is good for the cluster's API: the vault or cloud that it is
    /// shown to, and whoever steals it there, can be the pod. And a stolen token is of use until
    /// it expires.
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
    /// ## Fix
    ///
    /// Name in `audience` who the token is for, and let it live an hour: the kubelet puts a new one
    /// into the file in time, and the application must read it again.
    ProjectedToken {
        name: "projected-token",
        summary: "Projected token has no audience, or lives long",
        category: Secrets,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Cis("5.1.6"), Attack("T1528")],
    }
}

/// The longest life of a token that is not reported, in seconds: a day.
const LONGEST: i64 = 24 * 60 * 60;
/// The life that the fix gives, in seconds.
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
    let who = words::object(workload.object);
    let node = token.field("expirationSeconds").filter(|_| life.is_some()).unwrap_or(token);
    let long = life
        .map(|seconds| format!("lives {} days: a stolen one is good as long", seconds / 86_400));
    let what = match (&long, lacks_audience) {
        (None, false) => return None,
        (Some(long), false) => format!("{long}. Set `expirationSeconds: {GOOD}`"),
        (None, true) => {
            "has no audience: whoever it is shown to can use it for the cluster's API. \
                         Set `audience` to whom it is for"
                .to_owned()
        }
        (Some(long), true) => format!(
            "has no audience, so that whoever it is shown to can use it for the cluster's API, and \
             {long}. Set `audience` to whom it is for, and `expirationSeconds: {GOOD}`",
        ),
    };
    let message = format!("The projected token in pods of {who} {what}.");
    let draft = context.finding(ProjectedToken::RULE, workload.object, node, message);
    let draft = if lacks_audience {
        let snippet = format!(
            "serviceAccountToken:\n  audience: WHO-IT-IS-FOR\n  expirationSeconds: {GOOD}\n  path: {}\n",
            token.string("path").unwrap_or("token"),
        );
        draft.manual("name whom the token is for in `audience`", snippet)
    } else {
        let edit = words::set(token, &["expirationSeconds"], GOOD);
        draft.fix(format!("set `expirationSeconds: {GOOD}`"), Applicability::Unsafe, vec![edit])
    };
    Some(draft.done())
}
