//! Answers for single cases. How a whole answer looks is tested where it is rendered.

use std::sync::Arc;

use coaming_access::{Access, Request, who_can};
use coaming_kube::{Source, World};

fn world(text: &str) -> World {
    let stream = coaming_yaml::parse(Arc::from(text));
    assert_eq!(stream.errors, [], "{text}");
    World::new(vec![Source::new("all.yaml", stream.source, stream.documents)])
}

#[test]
fn invalid_names_are_refused() {
    let world = world("{}");
    let access = Access::new(&world);
    for text in ["", "/", "a/", "/b", "a/b/c"] {
        assert!(who_can(&world, &access, text).is_err(), "{text}");
    }
    assert_eq!(who_can(&world, &access, "db").unwrap().namespace, "default");
}

/// The subjects that can get a Secret of namespace `a` through the cluster role `top`, bound in
/// `a`.
fn readers(roles: &str) -> Vec<String> {
    let binding = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n\
        metadata: {name: b, namespace: a}\nroleRef: {kind: ClusterRole, name: top}\nsubjects: [{kind: User, name: u}]\n";
    let world = world(&format!("{roles}{binding}"));
    let access = Access::new(&world);
    let request = Request::on_secret("get", "a", "s");
    access
        .allowing(&request)
        .iter()
        .flat_map(|allowed| allowed.binding.subjects().map(|(subject, _)| subject.to_string()))
        .collect()
}

fn role(name: &str, rest: &str) -> String {
    format!(
        "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\n\
         metadata: {{name: {name}, labels: {{part: {name}}}}}\n{rest}\n"
    )
}

#[test]
fn aggregated_roles_get_the_rules_of_others() {
    let reads = "rules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]";
    let selects = |what: &str| {
        format!("aggregationRule: {{clusterRoleSelectors: [{{matchLabels: {{part: {what}}}}}]}}")
    };
    let whole = [role("top", &selects("mid")), role("mid", &selects("low")), role("low", reads)];
    assert_eq!(readers(&whole.concat()), ["User u"]);
    // The rules that an aggregated role states itself are overwritten.
    let overwritten = role("top", &format!("{}\n{reads}", selects("nothing")));
    assert!(readers(&overwritten).is_empty());
    // Roles that select each other do not loop.
    let circle = [role("top", &selects("mid")), role("mid", &selects("top"))];
    assert!(readers(&circle.concat()).is_empty());
    let expression = "aggregationRule: {clusterRoleSelectors: \
        [{matchExpressions: [{key: part, operator: In, values: [x, low]}]}]}";
    assert_eq!(readers(&[role("top", expression), role("low", reads)].concat()), ["User u"]);
}

#[test]
fn bindings_are_found_by_account() {
    let binding = |name: &str, subject: &str| {
        format!(
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n\
             metadata: {{name: {name}, namespace: a}}\nroleRef: {{kind: Role, name: unknown}}\nsubjects: [{subject}]\n"
        )
    };
    let world = world(
        &[
            binding("own", "{kind: ServiceAccount, name: web}"),
            binding("user", "{kind: User, name: 'system:serviceaccount:b:web'}"),
            binding("group", "{kind: Group, name: 'system:serviceaccounts:b'}"),
            binding("all", "{kind: Group, name: 'system:serviceaccounts'}"),
        ]
        .concat(),
    );
    let access = Access::new(&world);
    let names = |namespace: &str, account: &str| -> Vec<&str> {
        let bindings = access.bindings_of_account(namespace, account);
        bindings.map(|binding| world.object(binding.object).unwrap().name()).collect()
    };
    assert_eq!(names("a", "web"), ["own"]);
    assert_eq!(names("b", "web"), ["user", "group"]);
    assert_eq!(names("b", "other"), ["group"]);
    assert!(names("a", "other").is_empty());
}
