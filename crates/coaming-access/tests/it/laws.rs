//! Laws for all roles and bindings, checked against a slow and obvious evaluator.

use std::sync::Arc;

use coaming_access::{Access, Request, Subject, who_can};
use coaming_kube::{Source, World};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

#[derive(Clone, Debug)]
struct Rule {
    groups: Vec<&'static str>,
    resources: Vec<&'static str>,
    verbs: Vec<&'static str>,
    names: Vec<&'static str>,
}

#[derive(Clone, Debug)]
struct Binding {
    /// `None` for a cluster role binding.
    namespace: Option<&'static str>,
    role: usize,
    user: &'static str,
}

fn rule() -> impl Strategy<Value = Rule> {
    (
        subsequence(vec!["", "apps", "*"], 1..=2),
        subsequence(vec!["secrets", "pods/exec", "pods/*", "*/exec", "*", "*/*"], 1..=3),
        subsequence(vec!["get", "list", "create", "*"], 1..=2),
        subsequence(vec!["db", "web"], 0..=1),
    )
        .prop_map(|(groups, resources, verbs, names)| Rule { groups, resources, verbs, names })
}

fn binding() -> impl Strategy<Value = Binding> {
    (select(vec![None, Some("a"), Some("b")]), 0..4_usize, select(vec!["u", "v"]))
        .prop_map(|(namespace, role, user)| Binding { namespace, role, user })
}

fn documents(roles: &[Vec<Rule>], bindings: &[Binding]) -> Vec<String> {
    let head = |kind: &str, metadata: String| {
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{{metadata}}}\n"
        )
    };
    let rules = |rules: &[Rule]| {
        let lines = rules.iter().map(|rule| {
            let Rule { groups, resources, verbs, names } = rule;
            format!(
                "- {{apiGroups: {groups:?}, resources: {resources:?}, verbs: {verbs:?}, resourceNames: {names:?}}}\n"
            )
        });
        lines.collect::<String>()
    };
    let roles = roles.iter().enumerate().map(|(number, of_role)| {
        format!("{}rules:\n{}", head("ClusterRole", format!("name: r{number}")), rules(of_role))
    });
    let bindings = bindings.iter().enumerate().map(|(number, binding)| {
        let (kind, metadata) = match binding.namespace {
            None => ("ClusterRoleBinding", format!("name: b{number}")),
            Some(namespace) => ("RoleBinding", format!("name: b{number}, namespace: {namespace}")),
        };
        format!(
            "{}roleRef: {{kind: ClusterRole, name: r{}}}\nsubjects: [{{kind: User, name: {}}}]\n",
            head(kind, metadata),
            binding.role,
            binding.user
        )
    });
    roles.chain(bindings).collect()
}

fn world(documents: &[String]) -> World {
    let stream = coaming_yaml::parse(Arc::from(documents.join("---\n")));
    assert_eq!(stream.errors, []);
    World::new(vec![Source::new("all.yaml", stream.source, stream.documents)])
}

/// As Kubernetes documents it.
fn allows(rule: &Rule, request: &Request<'_>) -> bool {
    let combined = match request.subresource {
        "" => request.resource.to_owned(),
        subresource => format!("{}/{subresource}", request.resource),
    };
    let any_of = format!("*/{}", request.subresource);
    (rule.verbs.contains(&"*") || rule.verbs.contains(&request.verb))
        && (rule.groups.contains(&"*") || rule.groups.contains(&request.group))
        && rule.resources.iter().any(|&resource| {
            resource == "*"
                || resource == combined
                || !request.subresource.is_empty() && resource == any_of
        })
        && (rule.names.is_empty() || request.name.is_some_and(|name| rule.names.contains(&name)))
}

fn requests() -> Vec<Request<'static>> {
    let mut requests = Vec::new();
    for namespace in [Some("a"), Some("b"), None] {
        for (verb, resource, subresource) in [
            ("get", "secrets", ""),
            ("list", "secrets", ""),
            ("create", "pods", "exec"),
            ("get", "pods", ""),
        ] {
            for name in [Some("db"), Some("x"), None] {
                requests.push(Request { verb, group: "", resource, subresource, namespace, name });
            }
        }
    }
    requests
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn answers_are_those_of_the_documentation(
        roles in prop::collection::vec(prop::collection::vec(rule(), 0..3), 1..4),
        bindings in prop::collection::vec(binding(), 0..5),
    ) {
        let world = world(&documents(&roles, &bindings));
        let access = Access::new(&world);
        for request in requests() {
            for user in ["u", "v", "w"] {
                let expected = bindings.iter().any(|binding| {
                    binding.user == user
                        && (binding.namespace.is_none() || binding.namespace == request.namespace)
                        && roles.get(binding.role).is_some_and(|role| {
                            role.iter().any(|rule| allows(rule, &request))
                        })
                });
                let found = access.allowing(&request).iter().any(|allowed| {
                    allowed.binding.subjects().any(|(subject, _)| subject == Subject::User(user))
                });
                prop_assert_eq!(found, expected, "{} {:?}", user, request);
            }
        }
    }

    #[test]
    fn the_order_of_documents_does_not_matter(
        roles in prop::collection::vec(prop::collection::vec(rule(), 0..3), 1..4),
        bindings in prop::collection::vec(binding(), 0..5),
    ) {
        let mut documents = documents(&roles, &bindings);
        let names = |world: &World| -> Vec<String> {
            let access = Access::new(world);
            let answer = who_can(world, &access, "a/db").unwrap();
            let mut names: Vec<String> =
                answer.direct.iter().map(|access| access.subject.to_string()).collect();
            names.sort();
            names.dedup();
            names
        };
        let before = names(&world(&documents));
        documents.reverse();
        prop_assert_eq!(before, names(&world(&documents)));
    }

    #[test]
    fn any_text_has_an_answer(text in "[a-zA-Z:{}\\[\\], \n-]{0,200}") {
        let stream = coaming_yaml::parse(Arc::from(text.as_str()));
        let world = World::new(vec![Source::new("x", stream.source, stream.documents)]);
        let access = Access::new(&world);
        prop_assert!(who_can(&world, &access, "a/b").is_ok());
    }
}
