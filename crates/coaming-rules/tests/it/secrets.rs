//! How Secrets are used, and by whom: what the rules' own examples don't show.

use std::sync::Arc;

use coaming_finding::{Applicability, Confidence, Finding, Severity};
use coaming_kube::{Source, World};
use coaming_rules::{Images, Input, RuleSet, Settings, run};

fn check(rule: &str, text: &str) -> Vec<Finding> {
    let stream = coaming_yaml::parse(Arc::from(text));
    assert_eq!(stream.errors, [], "{text}");
    let world = World::new(vec![Source::new("all.yaml", stream.source, stream.documents)]);
    let (images, settings) = (Images::default(), Settings::default());
    let input = Input::new(&world, &images, &settings);
    run(input, &RuleSet::matching(|other| other.meta.id == *rule), Vec::new())
}

/// The text after the fix of its one finding.
fn fixed(rule: &str, text: &str) -> String {
    let findings = check(rule, text);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    let fix = findings[0].fix.as_ref().unwrap();
    let stream = coaming_yaml::parse(Arc::from(text));
    let mut changes = Vec::new();
    for edits in &fix.edits {
        let document = &stream.documents[edits.document as usize];
        changes.extend(coaming_yaml::edit::apply(text, document, &edits.edits).unwrap());
    }
    coaming_yaml::edit::apply_to_text(text, &changes)
}

fn pod(container: &str, rest: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n    - name: c\n      image: postgres:17\n{container}{rest}"
    )
}

#[test]
fn a_whole_environment_becomes_files_if_its_keys_are_known() {
    let pod = pod("      envFrom:\n        - secretRef: {name: db}\n", "");
    let manual = check("secret-in-environment", &pod).remove(0).fix.unwrap();
    assert_eq!(manual.applicability, Applicability::Manual);
    let secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {POSTGRES_PASSWORD: '', POSTGRES_USER: ''}\n";
    let text = fixed("secret-in-environment", &format!("{pod}{secret}"));
    insta::assert_snapshot!(text.split("---").next().unwrap());
}

#[test]
fn two_containers_share_a_volume_only_where_they_need_the_same_keys() {
    let variable = |name: &str, key: &str| {
        format!(
            "        - name: {name}\n          valueFrom: {{secretKeyRef: {{name: db, key: {key}}}}}\n"
        )
    };
    let first = format!(
        "      env:\n{}        # the second one\n{}",
        variable("POSTGRES_PASSWORD", "password"),
        variable("POSTGRES_USER", "user")
    );
    let second = format!(
        "    - name: d\n      image: postgres:17\n      env:\n{}",
        variable("POSTGRES_PASSWORD", "password")
    );
    insta::assert_snapshot!(fixed("secret-in-environment", &pod(&first, &second)));
}

#[test]
fn variables_that_the_manifest_uses_stay() {
    for used in ["      args: ['--password=$(A)']\n", "      env: [{name: B, value: 'x$(A)'}]\n"] {
        let own = "{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}";
        let container = if used.contains("env:") {
            used.replace("[{", &format!("[{own}, {{"))
        } else {
            format!("{used}      env: [{own}]\n")
        };
        let fix = check("secret-in-environment", &pod(&container, "")).remove(0).fix.unwrap();
        assert_eq!(fix.applicability, Applicability::Manual, "{used}");
    }
}

#[test]
fn images_that_read_files_are_named() {
    let variable =
        "      env: [{name: POSTGRES_PASSWORD, valueFrom: {secretKeyRef: {name: s, key: k}}}]\n";
    let help = check("secret-in-environment", &pod(variable, "")).remove(0).help;
    assert!(help.contains("the image supports `POSTGRES_PASSWORD_FILE`"), "{help}");
}

/// A cluster role with these rules, and a binding of it to this subject.
fn bound(rules: &str, subject: &str) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: r}}\nrules: [{rules}]\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {{name: b}}\nroleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}}\nsubjects: [{subject}]\n"
    )
}

const ACCOUNT: &str = "{kind: ServiceAccount, name: web, namespace: shop}";
const READS: &str = "{apiGroups: [''], resources: [secrets], verbs: [watch]}";

#[test]
fn rights_are_graded_by_what_they_give_and_to_whom() {
    let rule = "role-reads-secrets";
    for (rules, subject, severity) in [
        ("{apiGroups: ['*'], resources: ['*'], verbs: ['*']}", ACCOUNT, Severity::Critical),
        (READS, ACCOUNT, Severity::High),
        (READS, "{kind: Group, name: 'system:authenticated'}", Severity::Critical),
        (READS, "{kind: User, name: jane}", Severity::Medium),
        ("{apiGroups: ['*'], resources: ['*/token'], verbs: ['*']}", ACCOUNT, Severity::High),
        ("{apiGroups: [''], resources: [pods/exec], verbs: [get]}", ACCOUNT, Severity::High),
        ("{apiGroups: [batch], resources: [cronjobs], verbs: [patch]}", ACCOUNT, Severity::Medium),
    ] {
        let findings = check(rule, &bound(rules, subject));
        assert_eq!(findings.len(), 1, "{rules} {subject}: {findings:#?}");
        assert_eq!(findings[0].severity, severity, "{rules} {subject}");
    }
}

#[test]
fn rights_that_give_no_secrets_are_no_findings() {
    for rules in [
        "{apiGroups: [apps], resources: [secrets], verbs: [get]}",
        "{apiGroups: [''], resources: [secrets], verbs: [create, update, delete]}",
        "{apiGroups: [''], resources: [secrets], verbs: [get], resourceNames: [one]}",
        "{apiGroups: [''], resources: [pods], verbs: [get, list, watch]}",
        "{apiGroups: [''], resources: [pods/log], verbs: [get]}",
        "{nonResourceURLs: ['*'], verbs: ['*']}",
    ] {
        assert!(check("role-reads-secrets", &bound(rules, ACCOUNT)).is_empty(), "{rules}");
    }
    // Kubernetes' own parts do what they must.
    let system = bound(READS, "{kind: User, name: 'system:kube-scheduler'}");
    assert!(check("role-reads-secrets", &system).iter().all(|f| f.confidence == Confidence::Low));
}

#[test]
fn an_aggregated_role_is_reported_at_the_rule_that_it_includes() {
    let text = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: all}\naggregationRule: {clusterRoleSelectors: [{matchLabels: {part: yes-please}}]}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: part, labels: {part: yes-please}}\nrules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: b}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: all}\nsubjects: [{kind: ServiceAccount, name: web, namespace: shop}]\n";
    let findings = check("role-reads-secrets", text);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0].object.as_ref().unwrap().name, "part");
    assert!(findings[0].message.starts_with("ClusterRole `all` lets "), "{}", findings[0].message);
}

#[test]
fn a_pod_with_the_role_of_administrators_is_reported_at_the_binding() {
    let binding = |subject: &str| {
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {{name: b}}\nroleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}}\nsubjects: [{subject}]\n"
        )
    };
    let findings = check("role-reads-secrets", &binding(ACCOUNT));
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].severity, Severity::Critical);
    assert!(check("role-reads-secrets", &binding("{kind: Group, name: admins}")).is_empty());
}

#[test]
fn tokens_for_the_cluster_need_no_audience() {
    let volume = |more: &str| {
        pod(
            "",
            &format!(
                "  volumes:\n    - name: t\n      projected: {{sources: [{{serviceAccountToken: {{path: token, expirationSeconds: 3607}}}}{more}]}}\n"
            ),
        )
    };
    assert!(
        check("projected-token", &volume(", {configMap: {name: kube-root-ca.crt}}")).is_empty()
    );
    let fix = check("projected-token", &volume("")).remove(0).fix.unwrap();
    assert_eq!(fix.applicability, Applicability::Manual);
}

#[test]
fn a_volume_that_no_container_mounts_is_taken_out() {
    let text = pod("", "  volumes:\n    - name: s\n      secret: {secretName: s}\n");
    assert_eq!(fixed("unneeded-secret", &text), pod("", ""));
}

#[test]
fn modes_as_the_api_server_shows_them_are_no_findings() {
    let volume = |mode: &str| {
        pod(
            "",
            &format!(
                "  volumes:\n    - name: s\n      secret: {{secretName: s, defaultMode: {mode}}}\n"
            ),
        )
    };
    for mode in ["420", "0644", "0444", "0400", "0600"] {
        assert!(check("secret-file-mode", &volume(mode)).is_empty(), "{mode}");
    }
    for mode in ["511", "0666", "0755", "0o777", "0664"] {
        assert_eq!(check("secret-file-mode", &volume(mode)).len(), 1, "{mode}");
    }
}
