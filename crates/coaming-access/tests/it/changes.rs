//! After any sequence of changes, what is known equals what is read from scratch.

use std::sync::Arc;

use coaming_access::{Access, who_can};
use coaming_kube::{Delta, ObjectKey, Source, World};
use proptest::prelude::*;
use proptest::sample::select;

const RBAC: &str = "rbac.authorization.k8s.io";
const NAMESPACES: [&str; 2] = ["a", "b"];
/// Roles that every cluster has, among others: a known object takes their place.
const ROLES: [&str; 6] = ["r0", "r1", "r2", "view", "admin", "cluster-admin"];

/// A change of a cluster, or of a directory of files.
#[derive(Clone, Debug)]
enum Change {
    /// A file or object is new, or has changed.
    Put {
        source: String,
        objects: Vec<String>,
    },
    Remove(ObjectKey),
}

fn head(kind: &'static str, name: &str, namespace: &str, labels: &str) -> String {
    format!(
        "apiVersion: {RBAC}/v1\nkind: {kind}\n\
         metadata: {{name: {name}, namespace: {namespace}, labels: {{{labels}}}}}\n"
    )
}

fn rule() -> impl Strategy<Value = String> {
    let resource = select(vec!["secrets", "pods", "pods/exec", "serviceaccounts/token", "*"]);
    let verb = select(vec!["get", "list", "create", "*"]);
    (resource, verb).prop_map(|(resource, verb)| {
        format!("{{apiGroups: [''], resources: ['{resource}'], verbs: ['{verb}']}}")
    })
}

fn labels() -> impl Strategy<Value = &'static str> {
    select(vec![
        "",
        "part: x",
        "part: y",
        "rbac.authorization.k8s.io/aggregate-to-view: 'true'",
        "rbac.authorization.k8s.io/aggregate-to-admin: 'true'",
    ])
}

fn role() -> impl Strategy<Value = String> {
    let aggregation = select(vec![
        "{matchLabels: {part: x}}",
        "{matchLabels: {part: y}}",
        "{}",
        "{matchExpressions: [{key: part, operator: DoesNotExist}]}",
    ]);
    let rules = prop_oneof![
        3 => prop::collection::vec(rule(), 0..3)
            .prop_map(|rules| format!("rules: [{}]\n", rules.join(", "))),
        1 => aggregation
            .prop_map(|by| format!("aggregationRule: {{clusterRoleSelectors: [{by}]}}\n")),
    ];
    let kind = select(vec!["Role", "ClusterRole"]);
    (kind, select(ROLES.to_vec()), select(NAMESPACES.to_vec()), labels(), rules).prop_map(
        |(kind, name, namespace, labels, rules)| head(kind, name, namespace, labels) + &rules,
    )
}

fn binding() -> impl Strategy<Value = String> {
    let subject = select(vec![
        "{kind: User, name: u}",
        "{kind: User, name: 'system:serviceaccount:a:web'}",
        "{kind: Group, name: 'system:serviceaccounts:b'}",
        "{kind: Group, name: 'system:authenticated'}",
        "{kind: ServiceAccount, name: web}",
        "{kind: ServiceAccount, name: web, namespace: b}",
        "{kind: Robot, name: x}",
    ]);
    (
        select(vec!["RoleBinding", "ClusterRoleBinding"]),
        select(vec!["b0", "b1", "b2"]),
        select(NAMESPACES.to_vec()),
        select(vec!["Role", "ClusterRole"]),
        select(ROLES.to_vec()),
        prop::collection::vec(subject, 0..3),
    )
        .prop_map(|(kind, name, namespace, role_kind, role, subjects)| {
            format!(
                "{}roleRef: {{kind: {role_kind}, name: {role}}}\nsubjects: [{}]\n",
                head(kind, name, namespace, ""),
                subjects.join(", ")
            )
        })
}

fn pod() -> impl Strategy<Value = String> {
    (select(NAMESPACES.to_vec()), any::<bool>()).prop_map(|(namespace, token)| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: {namespace}}}\n\
             spec: {{serviceAccountName: web, automountServiceAccountToken: {token}}}\n"
        )
    })
}

fn change() -> impl Strategy<Value = Change> {
    let object = prop_oneof![4 => role(), 4 => binding(), 1 => pod()];
    let source = select(vec!["f0", "f1", "f2", "f3", "f4", "f5"]);
    let put = (source, prop::collection::vec(object, 1..4))
        .prop_map(|(source, objects)| Change::Put { source: source.to_owned(), objects });
    let kinds = vec!["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"];
    let names = [&ROLES[..], &["b0", "b1", "b2"]].concat();
    let remove = (select(kinds), select(names), select(NAMESPACES.to_vec())).prop_map(
        |(kind, name, namespace)| {
            Change::Remove(ObjectKey {
                group: RBAC.to_owned(),
                kind: kind.to_owned(),
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            })
        },
    );
    prop_oneof![3 => put, 1 => remove]
}

fn delta(change: Change) -> Delta {
    match change {
        Change::Put { source, objects } => {
            let stream = coaming_yaml::parse(Arc::from(objects.join("---\n")));
            assert_eq!(stream.errors, []);
            Delta::Put(Box::new(Source::new(&source, stream.source, stream.documents)))
        }
        Change::Remove(key) => Delta::Remove(key),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn what_is_known_equals_what_is_read_from_scratch(
        changes in prop::collection::vec(change(), 1..60),
    ) {
        let mut world = World::default();
        let mut access = Access::new(&world);
        for change in changes {
            for key in world.apply(delta(change)) {
                access.refresh(&world, &key);
            }
            let fresh = Access::new(&world);
            prop_assert_eq!(&access, &fresh);
            let answer = |access| format!("{:?}", who_can(&world, access, "a/db"));
            prop_assert_eq!(answer(&access), answer(&fresh));
        }
    }
}
