//! See [`AnonymousBinding`].

use coaming_access::{Binding, Subject};
use coaming_finding::{Finding, RuleMeta};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, WorldRule};

rule! {
    /// ## What it looks for
    ///
    /// A binding that gives a role to `system:anonymous` or `system:unauthenticated`, other than those that Kubernetes
    /// and kubeadm make: the version and health of the server, and the cluster's public address.
    ///
    /// ## Why it matters
    ///
    /// Anyone who reaches the API server has these rights, without an account, a token or a trace of who it was.
    ///
    /// ## Bad
    ///
    /// Anyone reads what `view` reads.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRoleBinding
    /// metadata:
    ///   name: public
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: ClusterRole
    ///   name: view
    /// subjects:
    ///   - apiGroup: rbac.authorization.k8s.io
    ///     kind: Group
    ///     name: system:unauthenticated
    /// ```
    ///
    /// The same as a user, in one namespace.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: RoleBinding
    /// metadata:
    ///   name: public
    ///   namespace: shop
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: ClusterRole
    ///   name: edit
    /// subjects:
    ///   - apiGroup: rbac.authorization.k8s.io
    ///     kind: User
    ///     name: system:anonymous
    /// ```
    ///
    /// ## Good
    ///
    /// Anyone reads the version, as in every cluster.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRoleBinding
    /// metadata:
    ///   name: public
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: ClusterRole
    ///   name: system:public-info-viewer
    /// subjects:
    ///   - apiGroup: rbac.authorization.k8s.io
    ///     kind: Group
    ///     name: system:unauthenticated
    /// ```
    ///
    /// Only users with credentials read.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRoleBinding
    /// metadata:
    ///   name: readers
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: ClusterRole
    ///   name: view
    /// subjects:
    ///   - apiGroup: rbac.authorization.k8s.io
    ///     kind: Group
    ///     name: readers
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove the subject. Give monitoring and dashboards a service account.
    AnonymousBinding {
        name: "anonymous-binding",
        summary: "Clients without credentials have rights",
        category: Cluster,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Preview,
        standards: [Cis("5.1.1"), Nsa("Authentication and authorization"), Attack("T1078")],
    }
}

/// What Kubernetes and kubeadm give to clients without credentials: it holds nothing secret.
const USUAL: &[&str] = &[
    "system:public-info-viewer",
    "system:discovery",
    "system:basic-user",
    "kubeadm:bootstrap-signer-clusterinfo",
    "system:service-account-issuer-discovery",
];

impl WorldRule for AnonymousBinding {
    const META: &'static RuleMeta = Self::RULE;
    const REVIEWS: bool = true;

    fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
        let bindings = context.access().bindings();
        let unusual = bindings
            .filter(|binding| !binding.is_built_in && !USUAL.contains(&&*binding.role.name));
        findings.extend(unusual.flat_map(|binding| of_binding(context, binding)));
    }
}

fn of_binding(context: &Context<'_>, binding: &Binding) -> Vec<Finding> {
    let world = context.world;
    // Other rules report what such a role lets its holders do, at the same binding.
    let mut roles = context.access().roles_named(&binding.role).iter();
    let is_reported = roles.any(|role| crate::rules::secrets::reports_rights(context, role));
    let is_anonymous = |subject: Subject<'_>| {
        matches!(
            subject,
            Subject::Group("system:unauthenticated") | Subject::User("system:anonymous")
        )
    };
    if is_reported {
        return Vec::new();
    }
    let subjects = binding.subjects().filter(|(subject, _)| is_anonymous(*subject));
    subjects
        .filter_map(|(subject, field)| {
            let (object, node) = field.find(world)?;
            let role = format!("{} `{}`", binding.role.kind(), binding.role.name);
            let message = format!("{} gives {role} to {subject}", phrases::object(object));
            Some(
                context
                    .finding(AnonymousBinding::RULE, object, node, message)
                    .why("Anyone who reaches the API server has the rights of the role.")
                    .help(
                        "Remove the subject, and give what needs the rights an account of its own.",
                    )
                    .manual(
                        "bind an account",
                        "subjects:\n  - {kind: ServiceAccount, name: NAME, namespace: NAMESPACE}\n",
                    )
                    .done(),
            )
        })
        .collect()
}
