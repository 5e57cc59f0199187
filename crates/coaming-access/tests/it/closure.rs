//! Who can get a Secret in further steps, checked against a slow and obvious closure.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use coaming_access::{Access, Request, Subject, who_can};
use coaming_kube::{Source, World};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

const RBAC: &str = "rbac.authorization.k8s.io";
const PODS: &str = "
---
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: a}
spec:
  serviceAccountName: web
  containers: [{name: c, env: [{name: X, valueFrom: {secretKeyRef: {name: db, key: x}}}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: q, namespace: ops}
spec: {serviceAccountName: ctl, containers: [{name: c}]}
";

const IDENTITIES: [Subject<'static>; 4] = [
    Subject::User("u"),
    Subject::User("v"),
    Subject::ServiceAccount { namespace: "a", name: "web" },
    Subject::ServiceAccount { namespace: "ops", name: "ctl" },
];

fn rule() -> impl Strategy<Value = String> {
    let what = select(vec![
        ("", "secrets", "get"),
        ("", "secrets", "create"),
        ("", "pods", "create"),
        ("", "pods", "patch"),
        ("", "pods/exec", "create"),
        ("", "serviceaccounts/token", "create"),
        ("", "users", "impersonate"),
        ("", "groups", "impersonate"),
        ("", "serviceaccounts", "impersonate"),
        (RBAC, "rolebindings", "create"),
        (RBAC, "clusterrolebindings", "create"),
        (RBAC, "rolebindings", "update"),
        (RBAC, "clusterroles", "bind"),
        (RBAC, "clusterroles", "escalate"),
        (RBAC, "clusterroles", "update"),
        (RBAC, "clusterroles", "create"),
        ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "create"),
        ("certificates.k8s.io", "certificatesigningrequests", "create"),
        ("certificates.k8s.io", "certificatesigningrequests/approval", "update"),
        ("certificates.k8s.io", "signers", "approve"),
    ]);
    let names = subsequence(vec!["db", "p", "q", "web", "ctl", "u", "r0", "b0"], 0..=2);
    (what, names, any::<bool>()).prop_map(|((group, resource, verb), names, limited)| {
        let names = if limited { names } else { Vec::new() };
        format!(
            "{{apiGroups: ['{group}'], resources: ['{resource}'], verbs: [{verb}], resourceNames: {names:?}}}"
        )
    })
}

fn text(roles: &[Vec<String>], bindings: &[(Option<&str>, usize, usize)]) -> String {
    let mut text = PODS.to_owned();
    for (number, rules) in roles.iter().enumerate() {
        let _ = write!(
            text,
            "---\napiVersion: {RBAC}/v1\nkind: ClusterRole\nmetadata: {{name: r{number}}}\nrules: [{}]\n",
            rules.join(", ")
        );
    }
    for (number, (namespace, role, subject)) in bindings.iter().enumerate() {
        let (kind, place) = match namespace {
            Some(namespace) => ("RoleBinding", format!(", namespace: {namespace}")),
            None => ("ClusterRoleBinding", String::new()),
        };
        let subject = match IDENTITIES[*subject] {
            Subject::ServiceAccount { namespace, name } => {
                format!("{{kind: ServiceAccount, namespace: {namespace}, name: {name}}}")
            }
            Subject::User(name) | Subject::Group(name) => format!("{{kind: User, name: {name}}}"),
        };
        let _ = write!(
            text,
            "---\napiVersion: {RBAC}/v1\nkind: {kind}\nmetadata: {{name: b{number}{place}}}\n\
             roleRef: {{kind: ClusterRole, name: r{role}}}\nsubjects: [{subject}]\n"
        );
    }
    text
}

/// The obvious evaluator: one identity, one request at a time.
struct Closure<'t> {
    access: &'t Access,
    roles: usize,
    bindings: &'t [(Option<&'t str>, usize, usize)],
}

type Place = Option<&'static str>;

impl Closure<'_> {
    fn can(
        &self,
        who: Subject<'_>,
        verb: &str,
        on: (&str, &str),
        place: Place,
        name: Option<&str>,
    ) -> bool {
        let (resource, subresource) = on.1.split_once('/').unwrap_or((on.1, ""));
        let request = Request { verb, group: on.0, resource, subresource, namespace: place, name };
        self.access
            .allowing(&request)
            .iter()
            .any(|allowed| allowed.binding.subjects().any(|(subject, _)| subject == who))
    }

    /// The request for an object of any name.
    fn some(&self, who: Subject<'_>, verb: &str, on: (&str, &str), place: Place) -> bool {
        let names = ["db", "p", "q", "web", "ctl", "u", "r0", "b0"];
        self.can(who, verb, on, place, None)
            || names.iter().any(|name| self.can(who, verb, on, place, Some(name)))
    }

    fn reads(&self, who: Subject<'_>) -> bool {
        self.can(who, "get", ("", "secrets"), Some("a"), Some("db"))
    }

    /// Whether the role of this number lets its subjects read the Secret.
    fn is_reader(&self, roles: &[Vec<String>], role: usize) -> bool {
        roles[role].iter().any(|rule| {
            rule.contains("['secrets'], verbs: [get]")
                && (rule.contains("Names: []") || rule.contains("\"db\""))
        })
    }

    fn grants_itself(&self, who: Subject<'_>, roles: &[Vec<String>]) -> bool {
        let role = (RBAC, "clusterroles");
        let by_binding = (0..self.roles).any(|number| {
            let name = format!("r{number}");
            let binds = |place| self.can(who, "bind", role, place, Some(&name));
            let writes = |resource, place: Place| {
                self.can(who, "create", (RBAC, resource), place, None)
                    || self.bindings.iter().enumerate().any(|(binding, (namespace, of, _))| {
                        *of == number
                            && *namespace == place
                            && self.can(
                                who,
                                "update",
                                (RBAC, resource),
                                place,
                                Some(&format!("b{binding}")),
                            )
                    })
            };
            self.is_reader(roles, number)
                && (binds(Some("a")) && writes("rolebindings", Some("a"))
                    || binds(None) && writes("clusterrolebindings", None))
        });
        let by_role = self.bindings.iter().any(|(namespace, number, subject)| {
            let name = format!("r{number}");
            IDENTITIES[*subject] == who
                && namespace.is_none_or(|namespace| namespace == "a")
                && self.can(who, "escalate", role, None, Some(&name))
                && self.can(who, "update", role, None, Some(&name))
        });
        let by_new_role = self.can(who, "escalate", role, None, None)
            && self.can(who, "create", role, None, None)
            && (self.some(who, "bind", role, Some("a"))
                && self.can(who, "create", (RBAC, "rolebindings"), Some("a"), None)
                || self.some(who, "bind", role, None)
                    && self.can(who, "create", (RBAC, "clusterrolebindings"), None, None));
        by_binding || by_role || by_new_role || self.binds_built_in(who)
    }

    /// Every cluster has roles that read Secrets.
    fn binds_built_in(&self, who: Subject<'_>) -> bool {
        [(Some("a"), "rolebindings"), (None, "clusterrolebindings")].iter().any(
            |(place, resource)| {
                self.can(who, "bind", (RBAC, "clusterroles"), *place, Some("admin"))
                    && self.can(who, "create", (RBAC, resource), *place, None)
            },
        )
    }

    fn enters(&self, who: Subject<'_>, place: Place, pod: &str) -> bool {
        self.can(who, "create", ("", "pods/exec"), place, Some(pod))
            || self.can(who, "patch", ("", "pods"), place, Some(pod))
    }

    fn impersonates(&self, who: Subject<'_>) -> bool {
        self.some(who, "impersonate", ("", "users"), None)
            || [Some("a"), Some("ops")]
                .iter()
                .any(|place| self.some(who, "impersonate", ("", "serviceaccounts"), *place))
    }

    fn gets(&self, who: Subject<'_>, known: &BTreeSet<Subject<'_>>, roles: &[Vec<String>]) -> bool {
        let certificates = |resource| ("certificates.k8s.io", resource);
        self.reads(who)
            || self.can(who, "create", ("", "pods"), Some("a"), None)
            || self.enters(who, Some("a"), "p")
            || self.grants_itself(who, roles)
            || self.can(
                who,
                "create",
                ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
                None,
                None,
            )
            || self.can(who, "create", certificates("certificatesigningrequests"), None, None)
                && self.some(
                    who,
                    "update",
                    certificates("certificatesigningrequests/approval"),
                    None,
                )
                && self.can(
                    who,
                    "approve",
                    certificates("signers"),
                    None,
                    Some("kubernetes.io/kube-apiserver-client"),
                )
            || self.can(who, "impersonate", ("", "groups"), None, Some("system:masters"))
                && self.impersonates(who)
            || self.can(
                who,
                "impersonate",
                ("", "users"),
                None,
                Some("system:kube-controller-manager"),
            )
            || known.iter().any(|target| self.acts_as(who, *target))
    }

    fn acts_as(&self, who: Subject<'_>, target: Subject<'_>) -> bool {
        match target {
            Subject::User(name) | Subject::Group(name) => {
                self.can(who, "impersonate", ("", "users"), None, Some(name))
            }
            Subject::ServiceAccount { namespace, name } => {
                let (place, pod) =
                    if namespace == "a" { (Some("a"), "p") } else { (Some("ops"), "q") };
                self.can(who, "create", ("", "serviceaccounts/token"), place, Some(name))
                    || self.can(who, "impersonate", ("", "serviceaccounts"), place, Some(name))
                    || self.can(who, "create", ("", "pods"), place, None)
                    || self.enters(who, place, pod)
                    || self.can(who, "create", ("", "secrets"), place, None)
                        && self.some(who, "get", ("", "secrets"), place)
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn who_can_is_the_closure(
        roles in prop::collection::vec(prop::collection::vec(rule(), 1..5), 3),
        bindings in prop::collection::vec(
            (select(vec![None, Some("a"), Some("ops")]), 0..3_usize, 0..4_usize), 1..6),
    ) {
        let text = text(&roles, &bindings);
        let stream = coaming_yaml::parse(Arc::from(text.as_str()));
        prop_assert_eq!(stream.errors, []);
        let world = World::new(vec![Source::new("all.yaml", stream.source, stream.documents)]);
        let access = Access::new(&world);
        let closure = Closure { access: &access, roles: roles.len(), bindings: &bindings };
        let mut expected = BTreeSet::new();
        loop {
            let more: Vec<_> = IDENTITIES
                .into_iter()
                .filter(|who| !expected.contains(who) && closure.gets(*who, &expected, &roles))
                .collect();
            if more.is_empty() {
                break;
            }
            expected.extend(more);
        }
        let answer = who_can(&world, &access, "a/db").unwrap();
        let direct = answer.direct.iter().map(|access| access.subject);
        let found: BTreeSet<_> =
            direct.chain(answer.indirect.iter().map(|access| access.subject)).collect();
        prop_assert_eq!(found, expected, "{}", text);
    }
}
