//! Walls that an expert would name, one test for each kind.

use coaming_breach::{Query, To};

use crate::common::{ask, first_way, query, steps, world};

fn pod(spec: &str, container: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: web, namespace: shop}}\nspec:\n  {spec}\n  \
         containers:\n  - name: web\n    image: registry.example.com/web:1\n    {container}\n"
    )
}

fn way(spec: &str, container: &str, to: &str) -> Option<Vec<&'static str>> {
    steps(&world(&[("a.yaml", &pod(spec, container))]), "shop/web", to)
}

#[test]
fn a_privileged_container_of_another_user_needs_a_flaw() {
    let privileged = "securityContext: {privileged: true, runAsUser: 1000}";
    assert_eq!(way("", privileged, "node").unwrap(), ["container-root", "privileged-container"]);
    let answer = ask(&world(&[("a.yaml", &pod("", privileged))]), &query("shop/web", "node"));
    assert_eq!(first_way(&answer).kind(), coaming_breach::Kind::NeedsFlaw);
}

#[test]
fn host_network_alone_is_no_way_to_the_node() {
    assert_eq!(way("hostNetwork: true", "securityContext: {runAsUser: 0}", "node"), None);
}

#[test]
fn names_of_capabilities_are_read_as_the_runtime_does() {
    for name in ["SYS_MODULE", "CAP_SYS_MODULE", "sys_module", "ALL"] {
        let container =
            format!("securityContext: {{runAsUser: 0, capabilities: {{add: [{name}]}}}}");
        assert!(way("", &container, "node").is_some(), "{name}");
    }
    let dropped =
        "securityContext: {runAsUser: 0, capabilities: {drop: [ALL], add: [DAC_READ_SEARCH]}}";
    assert_eq!(way("", dropped, "node"), None);
}

#[test]
fn a_volume_that_no_container_mounts_gives_nothing() {
    let volume = "volumes: [{name: s, hostPath: {path: /var/run/docker.sock}}]";
    assert_eq!(way(volume, "securityContext: {runAsUser: 0}", "node"), None);
    let mounted = "volumeMounts: [{name: s, mountPath: /s, readOnly: true}]";
    assert!(way(volume, mounted, "node").is_some());
}

#[test]
fn an_administrator_by_group_of_all_accounts() {
    let binding = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: everyone}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: Group, name: 'system:serviceaccounts:shop', apiGroup: rbac.authorization.k8s.io}]
";
    let pod = pod("", "");
    assert!(steps(&world(&[("a.yaml", &pod), ("b.yaml", binding)]), "shop/web", "admin").is_some());
    let other = binding.replace("accounts:shop", "accounts:other");
    assert_eq!(steps(&world(&[("a.yaml", &pod), ("b.yaml", &other)]), "shop/web", "admin"), None);
}

#[test]
fn get_on_exec_sufficed_before_1_35() {
    use coaming_breach::{CutOptions, Scene, answer};
    use coaming_rules::Knowledge;
    let text = "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: r, namespace: shop}
rules: [{apiGroups: [''], resources: [pods/exec], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: r, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}
subjects: [{kind: ServiceAccount, name: default, namespace: shop}]
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop}
spec: {containers: [{name: db, image: 'registry.example.com/db:1'}]}
";
    let world = world(&[("a.yaml", &pod("", "")), ("b.yaml", text)]);
    let images = coaming_rules::Images::default();
    let ways = |minor| {
        let scene = Scene::new(&world, &images, minor, &Knowledge::default());
        let query = query("shop/web", "container/shop/db");
        let answer = answer(&scene, &query, &[], &CutOptions::default()).unwrap();
        answer.entries[0].ends().count()
    };
    assert_eq!((ways(34), ways(35)), (1, 0));
}

#[test]
fn rights_of_two_identities_count_together() {
    // One pod may request certificates, the other approves them; one takes the other by exec.
    let role = |name: &str, account: &str, rules: &str| {
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: \
             {name}}}\n\
             rules: [{rules}]\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: \
             ClusterRoleBinding\nmetadata: {{name: {name}}}\nroleRef: {{apiGroup: \
             rbac.authorization.k8s.io, kind: ClusterRole, name: {name}}}\nsubjects: [{{kind: \
             ServiceAccount, name: {account}, namespace: shop}}]\n---\n"
        )
    };
    let group = "certificates.k8s.io";
    let request = role(
        "request",
        "default",
        &format!(
            "{{apiGroups: [{group}], resources: [certificatesigningrequests], verbs: [create]}}, \
         {{apiGroups: [''], resources: [serviceaccounts/token], verbs: [create]}}"
        ),
    );
    let approve = role(
        "approve",
        "robot",
        &format!(
            "{{apiGroups: [{group}], resources: [certificatesigningrequests/approval], verbs: \
             [update]}}, \
         {{apiGroups: [{group}], resources: [signers], resourceNames: ['kubernetes.io/*'], verbs: [approve]}}"
        ),
    );
    let both = world(&[("p.yaml", &pod("", "")), ("a.yaml", &request), ("b.yaml", &approve)]);
    let found = steps(&both, "shop/web", "admin").unwrap();
    assert_eq!(found, ["account-token", "request-token", "client-certificate"]);
    let one = world(&[("p.yaml", &pod("", "")), ("a.yaml", &request)]);
    assert_eq!(steps(&one, "shop/web", "admin"), None);
}

#[test]
fn neighbors_are_taken_only_by_what_is_known() {
    let neighbor = "
apiVersion: v1
kind: Pod
metadata: {name: api, namespace: shop}
spec: {containers: [{name: api, image: 'registry.example.com/api:1', ports: [{containerPort: 80}]}]}
";
    let world = world(&[("a.yaml", &pod("", "")), ("b.yaml", neighbor)]);
    let mut question = query("shop/web", "container/shop/api");
    assert!(ask(&world, &question).entries[0].ends().next().is_none());
    question.any_neighbor = true;
    let answer = ask(&world, &question);
    let names: Vec<&str> = first_way(&answer).steps.iter().map(|step| step.step.id).collect();
    assert_eq!(names, ["network-connection", "neighbor-flaw"]);
    question.max_hops = Some(1);
    assert!(ask(&world, &question).entries[0].ends().next().is_none());
}

#[test]
fn who_enters_by_a_port_is_in_the_container_that_listens_there() {
    let text = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  volumes: [{name: s, hostPath: {path: /var/run/docker.sock}}]
  containers:
  - name: collector
    image: registry.example.com/collector:1
    securityContext: {runAsUser: 0}
    volumeMounts: [{name: s, mountPath: /s}]
  - name: web
    image: registry.example.com/web:1
    ports: [{name: http, containerPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: PORT}]}
";
    let node = To::parse("node").unwrap();
    let entry = |target: &str| {
        let world = world(&[("a.yaml", &text.replace("PORT", target))]);
        let answer = ask(&world, &Query { to: Some(node.clone()), ..Query::default() });
        let [entry] = answer.entries.as_slice() else { panic!("{:?}", answer.entries) };
        (entry.from.to_string(), entry.holds().count(), entry.ends().count())
    };
    let web = "container web of Pod shop/web".to_owned();
    assert_eq!(entry("http"), (web.clone(), 1, 0));
    assert_eq!(entry("8080"), (web, 1, 0));
    // Any container may listen on a port that none declares.
    assert_eq!(entry("9090"), ("container collector of Pod shop/web".to_owned(), 2, 1));
    let host = text.replace("containerPort: 8080", "containerPort: 8080, hostPort: 80");
    let world = world(&[("a.yaml", host.split("---").next().unwrap())]);
    let answer = ask(&world, &Query { to: Some(node.clone()), ..Query::default() });
    assert_eq!(answer.entries[0].holds().count(), 1);
    assert_eq!(answer.entries[0].ends().count(), 0);
    assert!(steps(&world, "shop/web", "node").is_some());
}

/// Before 1.22 the API server adds a volume of the Secret with the account's token to each pod.
#[test]
fn a_token_from_a_secret_volume_is_the_token_of_the_account() {
    let token = "
apiVersion: v1
kind: Secret
type: kubernetes.io/service-account-token
metadata:
  name: default-token-x7k2p
  namespace: shop
  annotations: {kubernetes.io/service-account.name: default}
";
    let volume = "volumes: [{name: t, secret: {secretName: default-token-x7k2p}}]";
    let mount =
        "volumeMounts: [{name: t, mountPath: /var/run/secrets/kubernetes.io/serviceaccount}]";
    let world = world(&[("a.yaml", &pod(volume, mount)), ("b.yaml", token)]);
    assert_eq!(
        steps(&world, "shop/web", "serviceaccount/shop/default").unwrap(),
        ["account-token"]
    );
}
