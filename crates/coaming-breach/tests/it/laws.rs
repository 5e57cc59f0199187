//! Laws: adding a right, a port or a mount never removes a way, and removing one never adds any.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::common::{ask, query, world};

/// Texts of which a cluster has some.
const PARTS: &[&str] = &[
    "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: \
     a}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}\nsubjects: [{kind: ServiceAccount, name: default, namespace: a}]\n",
    "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: b, namespace: \
     b}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: admin}\nsubjects: [{kind: Group, name: 'system:serviceaccounts', apiGroup: rbac.authorization.k8s.io}]\n",
    "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: \
     c}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}\nsubjects: [{kind: ServiceAccount, name: robot, namespace: b}]\n",
    "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: d}\nrules: \
     [{apiGroups: [''], resources: [persistentvolumes, nodes/proxy], verbs: [create]}]\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: d}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: d}\nsubjects: [{kind: ServiceAccount, name: default, namespace: b}]\n",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: robot, namespace: b}\nspec: \
     {serviceAccountName: robot, containers: [{name: c, image: 'redis:7', ports: [{containerPort: 6379}]}]}\n",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: agent, namespace: b}\nspec: {hostPID: true, \
     containers: [{name: c, image: x, securityContext: {privileged: true, runAsUser: 0}}]}\n",
    "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: b, annotations: \
     {kubernetes.io/service-account.name: robot}}\ntype: kubernetes.io/service-account-token\n",
];

/// What differs in the pod that the attacker starts from: from less to more.
const MORE: &[(&str, &str)] = &[
    ("ports: []", "ports: [{containerPort: 80}]"),
    ("volumes: []", "volumes: [{name: h, hostPath: {path: /var/log}}]"),
    ("volumeMounts: []", "volumeMounts: [{name: h, mountPath: /h}]"),
    ("automountServiceAccountToken: false", "automountServiceAccountToken: true"),
    ("runAsUser: 1000, allowPrivilegeEscalation: false", "runAsUser: 0"),
    ("capabilities: {}", "capabilities: {add: [SYS_PTRACE, DAC_READ_SEARCH]}"),
    ("hostPID: false", "hostPID: true"),
];

const POD: &str = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: a}
spec:
  automountServiceAccountToken: false
  hostPID: false
  volumes: []
  containers:
  - name: web
    image: x
    ports: []
    volumeMounts: []
    securityContext: {runAsUser: 1000, allowPrivilegeEscalation: false, capabilities: {}}
";

fn pairs(parts: &[bool], more: &[bool]) -> BTreeSet<(String, String)> {
    let mut pod = POD.to_owned();
    for (change, _) in MORE.iter().zip(more).filter(|(_, has)| **has) {
        pod = pod.replace(change.0, change.1);
    }
    let mut texts = vec![("web.yaml".to_owned(), pod.as_str())];
    for (number, part) in PARTS.iter().enumerate().filter(|(number, _)| parts[*number]) {
        texts.push((format!("{number}.yaml"), part));
    }
    let texts: Vec<(&str, &str)> =
        texts.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    ask(&world(&texts), &query("a/web", "")).pairs()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn more_never_removes_a_way(
        parts in prop::collection::vec(any::<bool>(), PARTS.len()),
        more in prop::collection::vec(any::<bool>(), MORE.len()),
        added in 0..PARTS.len() + MORE.len(),
    ) {
        let (mut less_parts, mut less) = (parts.clone(), more.clone());
        let (mut more_parts, mut most) = (parts, more);
        match added.checked_sub(PARTS.len()) {
            None => { less_parts[added] = false; more_parts[added] = true; }
            Some(number) => { less[number] = false; most[number] = true; }
        }
        let before = pairs(&less_parts, &less);
        let after = pairs(&more_parts, &most);
        prop_assert!(before.is_subset(&after), "lost: {:?}", before.difference(&after));
    }
}

const RESOURCES: &[(&str, &str)] = &[
    ("", "secrets"),
    ("", "pods"),
    ("", "pods/exec"),
    ("", "pods/portforward"),
    ("", "nodes/proxy"),
    ("", "serviceaccounts"),
    ("", "serviceaccounts/token"),
    ("", "namespaces"),
    ("", "persistentvolumes"),
    ("apps", "deployments"),
    ("batch", "cronjobs"),
    ("rbac.authorization.k8s.io", "clusterroles"),
    ("rbac.authorization.k8s.io", "rolebindings"),
    ("certificates.k8s.io", "certificatesigningrequests/approval"),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
    ("*", "*"),
];
const VERBS: &[&str] =
    &["get", "list", "create", "update", "patch", "bind", "escalate", "impersonate", "*"];

/// A rule: a resource, and verbs by the bits of a number.
type Rule = (usize, usize);

fn rule() -> impl Strategy<Value = Rule> {
    (0..RESOURCES.len(), 1..1_usize << VERBS.len())
}

/// What the account of a pod with these rights leads to, in a cluster with something to gain.
fn pairs_of_rights(rules: &[Rule], is_cluster: bool) -> BTreeSet<(String, String)> {
    let rules = rules.iter().map(|&(resource, verbs)| {
        let (group, resource) = RESOURCES[resource];
        let verbs: Vec<&str> =
            (0..VERBS.len()).filter(|bit| verbs & (1 << bit) != 0).map(|bit| VERBS[bit]).collect();
        format!("{{apiGroups: ['{group}'], resources: ['{resource}'], verbs: {verbs:?}}}")
    });
    let rules = rules.collect::<Vec<_>>().join(", ");
    let (kind, place) =
        if is_cluster { ("ClusterRoleBinding", "") } else { ("RoleBinding", ", namespace: b") };
    let rights = format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: r}}\nrules: [{rules}]\n---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{name: r{place}}}\n\
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}}\n\
         subjects: [{{kind: ServiceAccount, name: default, namespace: a}}]\n"
    );
    let pod =
        POD.replace("automountServiceAccountToken: false", "automountServiceAccountToken: true");
    let mut texts = vec![("web.yaml", pod.as_str()), ("rights.yaml", rights.as_str())];
    // A pod with an account, one with the node, and a token.
    texts.extend([
        ("2.yaml", PARTS[2]),
        ("4.yaml", PARTS[4]),
        ("5.yaml", PARTS[5]),
        ("6.yaml", PARTS[6]),
    ]);
    ask(&world(&texts), &query("a/web", "")).pairs()
}

const PATHS: &[&str] = &[
    "/",
    "/etc",
    "/etc/cron.d",
    "/var",
    "/var/log",
    "/var/run",
    "/run/containerd/containerd.sock",
    "/var/lib/kubelet",
    "/var/lib/kubelet/pods",
    "/etc/kubernetes",
    "/proc",
    "/data",
    "/home",
    "/dev",
];

/// A mount: a path, and whether it is only read.
type Mount = (usize, bool);

fn pairs_of_mounts(mounts: &[Mount], root: bool) -> BTreeSet<(String, String)> {
    let list = |text: &dyn Fn(usize, Mount) -> String| {
        let items: Vec<String> =
            mounts.iter().enumerate().map(|(number, mount)| text(number, *mount)).collect();
        format!("[{}]", items.join(", "))
    };
    let volumes = list(&|number, (path, _)| {
        format!("{{name: h{number}, hostPath: {{path: {}}}}}", PATHS[path])
    });
    let own = list(&|number, (_, read)| {
        format!("{{name: h{number}, mountPath: /h{number}, readOnly: {read}}}")
    });
    let mut pod = POD.replace("volumes: []", &format!("volumes: {volumes}"));
    pod = pod.replace("volumeMounts: []", &format!("volumeMounts: {own}"));
    if root {
        pod = pod.replace("runAsUser: 1000, allowPrivilegeEscalation: false", "runAsUser: 0");
    }
    let texts = [("web.yaml", pod.as_str()), ("4.yaml", PARTS[4]), ("5.yaml", PARTS[5])];
    ask(&world(&texts), &query("a/web", "")).pairs()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn more_rights_never_remove_a_way(
        rules in prop::collection::vec(rule(), 0..4),
        (resource, verbs) in rule(),
        is_cluster in any::<bool>(),
    ) {
        let before = pairs_of_rights(&rules, is_cluster);
        let mut more = rules.clone();
        more.push((resource, verbs));
        let after = pairs_of_rights(&more, is_cluster);
        prop_assert!(before.is_subset(&after), "lost: {:?}", before.difference(&after));
        // A right in the whole cluster is one in each namespace, too.
        let wide = pairs_of_rights(&rules, true);
        prop_assert!(before.is_subset(&wide), "lost: {:?}", before.difference(&wide));
    }

    #[test]
    fn more_mounts_never_remove_a_way(
        mounts in prop::collection::vec((0..PATHS.len(), any::<bool>()), 0..3),
        added in (0..PATHS.len(), any::<bool>()),
        root in any::<bool>(),
    ) {
        let before = pairs_of_mounts(&mounts, root);
        let mut more = mounts.clone();
        more.push(added);
        let after = pairs_of_mounts(&more, root);
        prop_assert!(before.is_subset(&after), "lost: {:?}", before.difference(&after));
        let as_root = pairs_of_mounts(&mounts, true);
        prop_assert!(before.is_subset(&as_root), "lost: {:?}", before.difference(&as_root));
        let writable: Vec<Mount> = mounts.iter().map(|&(path, _)| (path, false)).collect();
        let written = pairs_of_mounts(&writable, root);
        prop_assert!(before.is_subset(&written), "lost: {:?}", before.difference(&written));
    }
}
