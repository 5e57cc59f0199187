//! Random roles and bindings, evaluated by us and by a real API server: every answer is the same.

use std::fmt::Write as _;

use coaming_access::{Access, Request, Subject};
use coaming_kube::{Source, World};
use serde_json::{Value, json};

use super::lab::{Lab, lab};

/// A generator with a fixed seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    /// Some of these, at least one, as a YAML list.
    fn some(&mut self, from: &[&str]) -> String {
        let one = self.pick(from);
        let chosen: Vec<&str> =
            from.iter().copied().filter(|&text| text == one || self.below(3) == 0).collect();
        format!("{chosen:?}")
    }
}

const NAMESPACES: [&str; 2] = ["rbac-a", "rbac-b"];
const RESOURCES: [&str; 10] = [
    "secrets",
    "secrets",
    "pods",
    "pods/exec",
    "pods/*",
    "*/exec",
    "serviceaccounts/token",
    "*",
    "*/*",
    "configmaps",
];
const VERBS: [&str; 8] =
    ["get", "list", "watch", "create", "patch", "deletecollection", "*", "impersonate"];

fn rules(random: &mut Random) -> String {
    let mut text = "rules:\n".to_owned();
    for _ in 0..=random.below(2) {
        let _ = writeln!(
            text,
            "- apiGroups: {}\n  resources: {}\n  verbs: {}",
            random.some(&["", "", "apps", "*"]),
            random.some(&RESOURCES),
            random.some(&VERBS),
        );
        if random.below(3) == 0 {
            let _ = writeln!(text, "  resourceNames: {}", random.some(&["db", "web", "x"]));
        }
    }
    text
}

/// Roles, aggregated ones among them, and bindings of them to users, groups and service accounts.
fn objects(random: &mut Random) -> String {
    let mut text = String::new();
    let head = |kind: &str, name: &str| {
        format!(
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n  name: {name}\n"
        )
    };
    for namespace in NAMESPACES {
        let _ =
            writeln!(text, "---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}}}");
    }
    for number in 0..12 {
        let own = head("ClusterRole", &format!("rbac-c{number}"));
        let part = random.pick(&["p0", "p1", "p2"]);
        let _ = writeln!(text, "{own}  labels: {{rbac-part: {part}}}\n{}", rules(random));
    }
    for (number, part) in ["p0", "p1"].iter().enumerate() {
        let own = head("ClusterRole", &format!("rbac-g{number}"));
        let _ = writeln!(
            text,
            "{own}aggregationRule: {{clusterRoleSelectors: [{{matchLabels: {{rbac-part: {part}}}}}]}}\nrules: []"
        );
    }
    for number in 0..10 {
        let own = head("Role", &format!("rbac-r{number}"));
        let _ = writeln!(text, "{own}  namespace: {}\n{}", random.pick(&NAMESPACES), rules(random));
    }
    for number in 0..28 {
        let is_cluster = random.below(5) == 0;
        let own = head(
            if is_cluster { "ClusterRoleBinding" } else { "RoleBinding" },
            &format!("rbac-b{number}"),
        );
        let namespace = random.pick(&NAMESPACES);
        let place = if is_cluster { String::new() } else { format!("  namespace: {namespace}\n") };
        let (kind, role) = match random.below(if is_cluster { 2 } else { 4 }) {
            0 => ("ClusterRole", format!("rbac-c{}", random.below(12))),
            1 => ("ClusterRole", format!("rbac-g{}", random.below(2))),
            // A role of another namespace is unknown here, like one that does not exist.
            2 => ("Role", format!("rbac-r{}", random.below(11))),
            _ => ("ClusterRole", random.pick(&["view", "edit", "rbac-none"]).to_owned()),
        };
        let subject = match random.below(4) {
            0 => format!("{{kind: User, name: u{}}}", random.below(4)),
            1 => format!("{{kind: Group, name: g{}}}", random.below(3)),
            2 => format!(
                "{{kind: ServiceAccount, name: web, namespace: {}}}",
                random.pick(&NAMESPACES)
            ),
            _ => format!("{{kind: Group, name: 'system:serviceaccounts:{namespace}'}}"),
        };
        let _ = writeln!(
            text,
            "{own}{place}roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: {kind}, name: {role}}}\nsubjects: [{}]",
            subject
                .replace("kind: User,", "apiGroup: rbac.authorization.k8s.io, kind: User,")
                .replace("kind: Group,", "apiGroup: rbac.authorization.k8s.io, kind: Group,"),
        );
    }
    text
}

/// The user of a request: a person with groups, or a service account.
struct Requester {
    user: String,
    groups: Vec<String>,
    account: Option<(&'static str, &'static str)>,
}

impl Requester {
    /// Whether a subject of a binding is this one.
    fn is(&self, subject: Subject<'_>) -> bool {
        match (subject, self.account) {
            (subject, Some((namespace, name))) => subject.covers(namespace, name),
            (Subject::User(user), None) => user == self.user,
            (Subject::Group(group), None) => self.groups.iter().any(|own| own == group),
            _ => false,
        }
    }
}

fn requesters() -> Vec<Requester> {
    let person = |user: &str, groups: &[&str]| Requester {
        user: user.to_owned(),
        groups: groups.iter().copied().chain(["system:authenticated"]).map(str::to_owned).collect(),
        account: None,
    };
    let account = |namespace: &'static str| Requester {
        user: format!("system:serviceaccount:{namespace}:web"),
        groups: vec![
            "system:serviceaccounts".into(),
            format!("system:serviceaccounts:{namespace}"),
            "system:authenticated".into(),
        ],
        account: Some((namespace, "web")),
    };
    vec![
        person("u0", &["g0"]),
        person("u1", &["g1", "g2"]),
        person("u2", &[]),
        person("u3", &["g2"]),
        account("rbac-a"),
        account("rbac-b"),
    ]
}

fn requests() -> Vec<Request<'static>> {
    let mut requests = Vec::new();
    for namespace in NAMESPACES {
        for verb in ["get", "list", "watch", "patch", "deletecollection"] {
            for name in ["db", "other"] {
                let request = Request::on_secret(verb, namespace, name);
                // A request without a name does not match rules that are limited to names.
                let name = request.name.filter(|_| verb != "deletecollection");
                requests.push(Request { name, ..request });
            }
        }
        let of = |verb, resource, subresource, name| Request {
            verb,
            group: "",
            resource,
            subresource,
            namespace: Some(namespace),
            name,
        };
        requests.push(of("create", "pods", "exec", Some("web")));
        requests.push(of("get", "pods", "exec", Some("web")));
        requests.push(of("create", "pods", "", None));
        requests.push(of("create", "serviceaccounts", "token", Some("web")));
        requests.push(Request { group: "apps", ..of("create", "deployments", "", None) });
    }
    for verb in ["list", "impersonate"] {
        let request = Request::on_secret(verb, "", "");
        requests.push(Request { namespace: None, name: None, ..request });
    }
    requests
}

fn review(requester: &Requester, request: &Request<'_>) -> Value {
    json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": requester.user,
            "groups": requester.groups,
            "resourceAttributes": {
                "verb": request.verb,
                "group": request.group,
                "version": "*",
                "resource": request.resource,
                "subresource": request.subresource,
                "namespace": request.namespace.unwrap_or_default(),
                "name": request.name.unwrap_or_default(),
            },
        },
    })
}

/// Waits until the controllers have written the rules of the aggregated roles.
fn wait_for_aggregation(lab: &Lab) {
    for _ in 0..120 {
        let role = |name: &str| lab.kubectl(&["get", "clusterrole", name, "-o", "json"], "");
        let is_filled = |text: &str| {
            let role: Value = serde_json::from_str(text).unwrap();
            role["rules"].as_array().is_some_and(|rules| !rules.is_empty())
        };
        if is_filled(&role("rbac-g0")) && is_filled(&role("rbac-g1")) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(250));
    }
    panic!("no controller filled the aggregated roles");
}

#[test]
fn the_api_server_gives_the_same_answers() {
    let Some(lab) = lab() else { return };
    let mut random = Random(0x5EED_ACCE_55ED_5EED);
    let text = objects(&mut random);
    lab.kubectl(&["apply", "-f", "-"], &text);
    wait_for_aggregation(lab);
    let stream = coaming_yaml::parse(text.as_str().into());
    assert_eq!(stream.errors, [], "{text}");
    let world = World::new(vec![Source::new("all.yaml", stream.source, stream.documents)]);
    let access = Access::new(&world);
    let (requesters, requests) = (requesters(), requests());
    let cases: Vec<(&Requester, &Request<'_>)> = requesters
        .iter()
        .flat_map(|requester| requests.iter().map(move |request| (requester, request)))
        .collect();
    let reviews: Vec<Value> =
        cases.iter().map(|(requester, request)| review(requester, request)).collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": reviews}).to_string();
    // One object after another.
    let text = lab.kubectl(&["create", "-f", "-", "-o", "json"], &list);
    let answers: Vec<Value> =
        serde_json::Deserializer::from_str(&text).into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.len(), cases.len());
    let mut counts = [0, 0];
    for ((requester, request), answer) in cases.iter().zip(&answers) {
        let theirs = answer["status"]["allowed"].as_bool().unwrap();
        let ours = access
            .allowing(request)
            .iter()
            .any(|allowed| allowed.binding.subjects().any(|(subject, _)| requester.is(subject)));
        assert_eq!(ours, theirs, "{} requests: {request:?}: {}", requester.user, answer["status"]);
        counts[usize::from(theirs)] += 1;
    }
    // A cluster that refuses or allows everything would prove nothing.
    assert!(counts[0] > 40 && counts[1] > 40, "{counts:?}");
}
