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
