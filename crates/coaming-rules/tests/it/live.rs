//! Objects of a live cluster: what controllers repeat, what the distribution owns, what Helm owns.

use std::sync::Arc;

use coaming_config::Config;
use coaming_finding::Finding;
use coaming_kube::{Origin, Source, World};
use coaming_rules::{Images, Input, RuleSet, Settings, run, settle};

/// The findings in objects as a cluster holds them: each is a source of its own.
fn findings(text: &str, minor: u32) -> Vec<Finding> {
    let stream = coaming_yaml::parse(Arc::from(text));
    assert_eq!(stream.errors, [], "{text}");
    let sources = stream.documents.iter().enumerate().map(|(number, document)| {
        let document = coaming_yaml::from_json(&document.root().to_json());
        let source = Source::new(&format!("cluster/{number}"), Arc::from(""), vec![document]);
        source.with_origin(Origin::Cluster)
    });
    let world = World::new(sources.collect());
    let config = Config::default();
    let settings = Settings { kubernetes_minor: minor, config, ..Settings::default() };
    let rules = RuleSet::matching(|rule| rule.meta.default);
    let images = Images::default();
    let mut findings = run(Input::new(&world, &images, &settings), &rules, Vec::new());
    settle(&world, &mut findings);
    findings
}

/// `KIND/NAME` of each finding of a rule.
fn objects(findings: &[Finding], rule: &str) -> Vec<String> {
    let of_rule = findings.iter().filter(|finding| finding.rule.id == *rule);
    let mut objects: Vec<String> = of_rule
        .filter_map(|finding| finding.object.as_ref())
        .map(|object| format!("{}/{}", object.kind, object.name))
        .collect();
    objects.sort();
    objects
}

fn pod(name: &str, owner: &str, metadata: &str, containers: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: shop, {metadata} \
         ownerReferences: [{{apiVersion: apps/v1, kind: ReplicaSet, name: {owner}, controller: true}}]}}\n\
         spec: {{containers: [{containers}]}}\n"
    )
}

const WEB: &str = "{name: web, image: 'web:1.4.2', env: [{name: DB_PASSWORD, value: kei4ohGh3a}]}";
const PROXY: &str = "{name: proxy, image: 'proxy:1.4.2', securityContext: {privileged: true}}";

fn template(kind: &str, name: &str, metadata: &str, containers: &str) -> String {
    format!(
        "---\napiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: shop, {metadata}}}\n\
         spec: {{selector: {{matchLabels: {{a: b}}}}, template: {{metadata: {{labels: {{a: b}}}}, \
         spec: {{containers: [{containers}]}}}}}}\n"
    )
}

#[test]
fn a_secret_of_a_deployment_is_one_finding() {
    let owner =
        "ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, controller: true}]";
    let text = template("Deployment", "web", "", WEB)
        + &template("ReplicaSet", "web-1", owner, WEB)
        + &pod("web-1-a", "web-1", "", WEB)
        + &pod("web-1-b", "web-1", "", WEB);
    let findings = findings(&text, 34);
    assert_eq!(objects(&findings, "plain-secret-environment"), ["Deployment/web"]);
}

#[test]
fn what_a_webhook_added_is_reported_once_for_all_pods() {
    let owner =
        "ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, controller: true}]";
    let both = format!("{WEB}, {PROXY}");
    let text = template("Deployment", "web", "", WEB)
        + &template("ReplicaSet", "web-1", owner, WEB)
        + &pod("web-1-a", "web-1", "", &both)
        + &pod("web-1-b", "web-1", "", &both);
    let findings = findings(&text, 34);
    assert_eq!(objects(&findings, "plain-secret-environment"), ["Deployment/web"]);
    assert_eq!(objects(&findings, "privileged"), ["Pod/web-1-a"]);
    let twice = findings.iter().filter(|it| it.container.as_deref() == Some("web"));
    assert!(twice.clone().all(|it| it.object.as_ref().unwrap().kind == "Deployment"));
    // Without the owners: one of the copies.
    let orphans = pod("web-1-a", "web-1", "", WEB) + &pod("web-1-b", "web-1", "", WEB);
    let findings = self::findings(&orphans, 34);
    assert_eq!(objects(&findings, "plain-secret-environment"), ["Pod/web-1-a"]);
}

#[test]
fn what_comes_with_the_cluster_counts_only_if_somebody_changed_it() {
    let proxy = |managers: &str| {
        format!(
            "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {{name: kube-proxy, namespace: kube-system, \
             managedFields: [{managers}]}}\nspec: {{selector: {{matchLabels: {{a: b}}}}, template: {{metadata: \
             {{labels: {{a: b}}}}, spec: {{hostNetwork: true, containers: [{PROXY}]}}}}}}\n"
        )
    };
    let installed = "{manager: kubeadm}, {manager: kube-controller-manager}";
    assert_eq!(findings(&proxy(installed), 34).len(), 0);
    let changed = findings(&proxy(&format!("{installed}, {{manager: kubectl-edit}}")), 34);
    assert_eq!(objects(&changed, "privileged"), ["DaemonSet/kube-proxy"]);
}

#[test]
fn built_in_roles_count_only_if_somebody_changed_them() {
    let binding = |managers: &str| {
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {{name: system:discovery, \
             labels: {{kubernetes.io/bootstrapping: rbac-defaults}}, managedFields: [{managers}]}}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}}\n\
             subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: Group, name: 'system:authenticated'}}]\n"
        )
    };
    let rule = "role-gives-rights";
    let own = findings(&binding("{manager: kube-apiserver}"), 34);
    assert!(objects(&own, rule).is_empty());
    let changed = findings(&binding("{manager: kube-apiserver}, {manager: kubectl-patch}"), 34);
    assert_eq!(objects(&changed, rule), ["ClusterRoleBinding/system:discovery"]);
    let role = |managers: &str| {
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: system:basic-user, \
             labels: {{kubernetes.io/bootstrapping: rbac-defaults}}, managedFields: [{managers}]}}\n\
             rules: [{{apiGroups: ['*'], resources: ['*'], verbs: ['*']}}]\n"
        )
    };
    assert!(objects(&findings(&role("{manager: kube-apiserver}"), 34), rule).is_empty());
    let changed = findings(&role("{manager: kubectl-edit}"), 34);
    assert_eq!(objects(&changed, rule), ["ClusterRole/system:basic-user"]);
}

#[test]
fn a_release_of_helm_is_named() {
    let metadata =
        "annotations: {meta.helm.sh/release-name: shop, meta.helm.sh/release-namespace: shop}";
    let found = findings(&template("Deployment", "web", metadata, WEB), 34);
    assert!(!found.is_empty());
    assert!(found.iter().all(|it| it.help.contains("Helm release `shop/shop`")), "{found:#?}");
}

#[test]
fn a_copy_by_kubectl_is_not_a_second_finding() {
    let applied = r#"annotations: {kubectl.kubernetes.io/last-applied-configuration: '{"spec": {"containers": [{"env": [{"name": "DB_PASSWORD", "value": "kei4ohGh3a"}]}]}}'}"#;
    let found = findings(&template("Deployment", "web", applied, WEB), 34);
    assert!(objects(&found, "plain-secret-annotation").is_empty());
    let clean = WEB.replace("value: kei4ohGh3a", "value: ''");
    let found = findings(&template("Deployment", "web", applied, &clean), 34);
    assert_eq!(objects(&found, "plain-secret-annotation"), ["Deployment/web"]);
}

#[test]
fn what_is_being_deleted_is_left_out() {
    let metadata = "deletionTimestamp: '2026-01-01T00:00:00Z'";
    assert_eq!(findings(&template("Deployment", "web", metadata, WEB), 34).len(), 0);
}

#[test]
fn tokens_that_an_old_cluster_makes_are_its_own() {
    let text = "
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: shop}
secrets: [{name: web-token-x7k2p}]
---
apiVersion: v1
kind: Secret
metadata: {name: web-token-x7k2p, namespace: shop, annotations: {kubernetes.io/service-account.name: web}}
type: kubernetes.io/service-account-token
";
    assert!(objects(&findings(text, 23), "long-lived-token").is_empty());
    assert_eq!(objects(&findings(text, 24), "long-lived-token"), ["Secret/web-token-x7k2p"]);
}
