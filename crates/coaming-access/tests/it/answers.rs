//! Whole answers, as a user reads them.

use std::sync::Arc;

use coaming_access::{Access, Request, render, who_can};
use coaming_kube::{FileEntry, Inventory};

fn inventory(text: &str) -> Inventory {
    let stream = coaming_yaml::parse(Arc::from(text));
    assert_eq!(stream.errors, [], "{text}");
    Inventory::new(vec![FileEntry::new("all.yaml", stream.source, stream.documents)])
}

const ALL: &str = "\
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shop}
rules:
  - {apiGroups: [\"\"], resources: [configmaps], verbs: [get]}
  - {apiGroups: [\"\"], resources: [secrets], verbs: [get, watch], resourceNames: [db]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web-reads, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
  - {kind: ServiceAccount, name: web}
  - {kind: User, name: jane}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: pods-edit}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects:
  - {kind: Group, name: 'system:serviceaccounts:ci'}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: vendor}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: not-here}
subjects: [{kind: User, name: vendor}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: starter, namespace: shop}
rules: [{apiGroups: [apps], resources: [deployments], verbs: [create]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: starts, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: starter}
subjects: [{kind: User, name: joe}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      serviceAccountName: web
      nodeSelector: {disk: ssd}
      containers:
        - name: web
          image: web:1
          env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}]
        - name: sidecar
          image: sidecar:1
          volumeMounts: [{name: db, mountPath: /etc/db}]
      volumes: [{name: db, secret: {secretName: db, items: [{key: user, path: user}]}}]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: shop}
spec:
  template:
    spec:
      imagePullSecrets: [{name: db}]
      containers: [{name: agent, image: agent:1}]
---
apiVersion: v1
kind: Node
metadata: {name: n1, labels: {disk: ssd}}
spec: {taints: [{key: gpu, effect: NoSchedule}]}
---
apiVersion: v1
kind: Node
metadata: {name: n2, labels: {disk: ssd}}
---
apiVersion: v1
kind: Node
metadata: {name: n3}
";

#[test]
fn everybody_and_everything_is_named() {
    let inventory = inventory(ALL);
    let answer = who_can(&inventory, "shop/db").unwrap();
    insta::assert_snapshot!(render::text(&answer));
    insta::assert_snapshot!(render::json(&answer));
}

#[test]
fn names_that_are_none_are_refused() {
    let inventory = inventory("{}");
    for text in ["", "/", "a/", "/b", "a/b/c"] {
        assert!(who_can(&inventory, text).is_err(), "{text}");
    }
    assert_eq!(who_can(&inventory, "db").unwrap().namespace, "default");
}

/// Who may get a Secret of namespace `a`, by cluster roles with these fields, all bound in `a`.
fn readers(roles: &str) -> Vec<String> {
    let binding = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: b, namespace: a}\nroleRef: {kind: ClusterRole, name: top}\nsubjects: [{kind: User, name: u}]\n";
    let inventory = inventory(&format!("{roles}{binding}"));
    let access = Access::from_inventory(&inventory);
    let request = Request::on_secret("get", "a", "s");
    access
        .allowing(&request)
        .iter()
        .flat_map(|allowed| allowed.binding.subjects.iter().map(|(who, _)| who.to_string()))
        .collect()
}

fn role(name: &str, rest: &str) -> String {
    format!(
        "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: {name}, labels: {{part: {name}}}}}\n{rest}\n"
    )
}

#[test]
fn aggregated_roles_take_over_the_rules_of_others() {
    let reads = "rules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]";
    let takes = |what: &str| {
        format!("aggregationRule: {{clusterRoleSelectors: [{{matchLabels: {{part: {what}}}}}]}}")
    };
    let whole = [role("top", &takes("mid")), role("mid", &takes("low")), role("low", reads)];
    assert_eq!(readers(&whole.concat()), ["User u"]);
    // What an aggregated role states itself is overwritten.
    let overwritten = role("top", &format!("{}\n{reads}", takes("nothing")));
    assert!(readers(&overwritten).is_empty());
    // Roles that take over each other end.
    let circle = [role("top", &takes("mid")), role("mid", &takes("top"))];
    assert!(readers(&circle.concat()).is_empty());
    let expression = "aggregationRule: {clusterRoleSelectors: [{matchExpressions: [{key: part, operator: In, values: [x, low]}]}]}";
    assert_eq!(readers(&[role("top", expression), role("low", reads)].concat()), ["User u"]);
}
