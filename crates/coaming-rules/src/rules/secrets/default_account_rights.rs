//! See [`DefaultAccountRights`].

use coaming_access::Subject;
use coaming_finding::{Finding, RuleMeta};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, WorldRule};

rule! {
    /// ## What it looks for
    ///
    /// Bindings that grant rights to the service account `default` of a namespace. Every pod that
    /// names no other account uses it.
    ///
    /// ## Why it matters
    ///
    /// Permissions meant for one pod are granted to every pod in the namespace, including future
    /// ones. An attacker only has to compromise the weakest.
    ///
    /// ## Bad
    ///
    /// A binding in one namespace.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: RoleBinding
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: ClusterRole
    ///   name: view
    /// subjects:
    ///   - kind: ServiceAccount
    ///     name: default
    ///     namespace: shop
    /// ```
    ///
    /// A binding for the whole cluster.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRoleBinding
    /// metadata:
    ///   name: web
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: ClusterRole
    ///   name: view
    /// subjects:
    ///   - kind: ServiceAccount
    ///     name: default
    ///     namespace: shop
    /// ```
    ///
    /// ## Good
    ///
    /// The pod has a service account of its own.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: RoleBinding
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: ClusterRole
    ///   name: view
    /// subjects:
    ///   - kind: ServiceAccount
    ///     name: web
    ///     namespace: shop
    /// ```
    ///
    /// A user who happens to have this name.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: RoleBinding
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: ClusterRole
    ///   name: view
    /// subjects:
    ///   - apiGroup: rbac.authorization.k8s.io
    ///     kind: User
    ///     name: default
    /// ```
    ///
    /// ## Fix
    ///
    /// Give the pod that needs the rights a service account of its own (`serviceAccountName`), and
    /// bind that account.
    DefaultAccountRights {
        name: "default-account-rights",
        summary: "Rights are granted to the default service account",
        category: Secrets,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Cis("5.1.5"), Attack("T1078.001")],
    }
}

impl WorldRule for DefaultAccountRights {
    const META: &'static RuleMeta = Self::RULE;
    const REVIEWS: bool = true;

    fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
        let access = context.access();
        let all = access.bindings().chain(access.unresolved());
        for binding in all.filter(|binding| !binding.is_built_in) {
            for (subject, field) in binding.subjects() {
                let Subject::ServiceAccount { namespace, name: "default" } = subject else {
                    continue;
                };
                let Some((object, node)) = field.find(context.world) else { continue };
                let message = format!(
                    "{} grants role `{}` to the default service account of namespace `{namespace}`",
                    phrases::object(object),
                    binding.role.name,
                );
                let snippet = format!(
                    "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: NAME\n  namespace: {namespace}\n",
                );
                findings.push(
                    context
                        .finding(Self::RULE, object, node, message)
                        .why(
                            "Every pod of the namespace that names no service account has these \
                             rights, and so has an attacker in any of them.",
                        )
                        .help(
                            "Create a service account for the pod that needs the rights, and bind \
                             that account instead.",
                        )
                        .manual("bind a service account of the pod's own", snippet)
                        .done(),
                );
            }
        }
    }
}
