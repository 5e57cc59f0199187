//! See [`DefaultAccountRights`].

use coaming_access::Subject;
use coaming_finding::{Finding, RuleMeta};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{Context, WorldRule};

rule! {
    /// Looks for bindings that give rights to the service account `default` of a namespace: the one
    /// of every pod that names no other.
    ///
    /// ## Why it matters
    ///
    /// What was meant for one pod, every pod of the namespace may do, those of tomorrow too: an
    /// attacker needs to get into the weakest of them only.
    ///
    /// ## Bad
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
    /// ## Good
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
    /// ## Fix
    ///
    /// Give the pod that needs the rights an account of its own (`serviceAccountName`), and bind that.
    DefaultAccountRights {
        name: "default-account-rights",
        summary: "Rights are bound to the default service account",
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
                    "{} gives role `{}` to the default service account of namespace \
                     `{namespace}`: every pod there that names no account has these rights, and \
                     so has an attacker in any of them. Bind an account of the pod's own.",
                    words::object(object),
                    binding.role.name,
                );
                let snippet = format!(
                    "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: NAME\n  namespace: {namespace}\n",
                );
                findings.push(
                    context
                        .finding(Self::RULE, object, node, message)
                        .manual("bind an account of the pod's own", snippet)
                        .done(),
                );
            }
        }
    }
}
