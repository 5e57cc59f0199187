//! Fixes of what overlays are built to, made in bases and patches.

use super::charts::{planned_below, planned_in};

const WEB: &str = "\
# The web server.
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: web # main
          image: registry.example.com/web:1.2.3
          securityContext: {privileged: false}
";
const BASE: [(&str, &str); 2] =
    [("base/web.yaml", WEB), ("base/kustomization.yaml", "resources: [web.yaml]\n")];

#[test]
fn a_base_is_changed_once_for_all_overlays() {
    let files = [
        &BASE[..],
        &[
            ("dev/kustomization.yaml", "resources: [../base]\nnameSuffix: -dev\n"),
            ("prod/kustomization.yaml", "resources: [../base]\nnamePrefix: prod-\n"),
        ],
    ]
    .concat();
    let (plan, changes) = planned_in(&["missing-security-context"], &files);
    assert_eq!(changes.keys().collect::<Vec<_>>(), ["base/web.yaml"], "{plan:#?}");
    let text = &changes["base/web.yaml"];
    assert!(text.starts_with("# The web server.\n") && text.contains("web # main\n"), "{text}");
    assert!(text.contains("{privileged: false, runAsNonRoot: true"), "{text}");
    assert!(plan.left.is_empty() && plan.skipped.is_empty(), "{plan:#?}");
}

#[test]
fn what_a_patch_adds_is_removed_from_the_patch() {
    let patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    \
                 spec:\n      hostPID: true # why\n      dnsPolicy: Default\n";
    let files = [
        &BASE[..],
        &[
            ("prod/kustomization.yaml", "resources: [../base]\npatches: [{path: p.yaml}]\n"),
            ("prod/p.yaml", patch),
        ],
    ]
    .concat();
    let (plan, changes) = planned_in(&["host-namespaces"], &files);
    assert_eq!(changes.keys().collect::<Vec<_>>(), ["prod/p.yaml"], "{plan:#?}");
    assert_eq!(changes["prod/p.yaml"], patch.replace("      hostPID: true # why\n", ""));
}

#[test]
fn a_patch_inside_the_kustomization_is_changed_there() {
    let kustomization = "resources: [../base]\npatches:\n  - target: {kind: Deployment}\n    patch: |-\n      \
                         - {op: replace, path: \
                         /spec/template/spec/containers/0/securityContext/privileged, value: true}\n";
    let files = [&BASE[..], &[("prod/kustomization.yaml", kustomization)]].concat();
    let (plan, changes) = planned_in(&["privileged"], &files);
    assert_eq!(changes.keys().collect::<Vec<_>>(), ["prod/kustomization.yaml"], "{plan:#?}");
    let expected = kustomization.replace("value: true", "value: false");
    assert_eq!(changes["prod/kustomization.yaml"], expected);
    assert!(plan.left.is_empty(), "{plan:#?}");
}

#[test]
fn a_base_that_one_overlay_needs_otherwise_stays() {
    // A label of one overlay is made of the same field.
    let replacement = "resources: [../base]\nreplacements:\n  - source: {kind: Deployment, fieldPath: \
                       spec.template.spec.hostPID}\n    targets: [{select: {kind: Deployment}, fieldPaths: \
                       [metadata.annotations.pid], options: {create: true}}]\n";
    let base = WEB.replace("    spec:\n", "    spec:\n      hostPID: true\n");
    let files = [
        ("base/web.yaml", base.as_str()),
        BASE[1],
        ("dev/kustomization.yaml", "resources: [../base]\n"),
        ("prod/kustomization.yaml", replacement),
    ];
    let (plan, changes) = planned_in(&["host-namespaces"], &files);
    assert!(changes.is_empty(), "{changes:#?}");
    assert!(!plan.skipped.is_empty());
}

#[test]
fn a_base_keeps_the_token_that_one_overlay_binds() {
    let binding = "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: a}\nroleRef: \
                   {apiGroup: rbac.authorization.k8s.io, kind: Role, name: a}\nsubjects: [{kind: \
                   ServiceAccount, name: default, namespace: prod}]\n";
    let files = [
        BASE[0],
        BASE[1],
        ("dev/kustomization.yaml", "resources: [../base]\nnamespace: dev\n"),
        ("prod/kustomization.yaml", "resources: [../base, rbac.yaml]\nnamespace: prod\n"),
        ("prod/rbac.yaml", binding),
    ];
    let (plan, changes) = planned_in(&["service-account-token"], &files);
    assert!(changes.is_empty(), "{changes:#?}");
    assert!(!plan.skipped.is_empty(), "{plan:#?}");
}

#[test]
fn lists_of_a_base_grow_by_several_items() {
    // What this image writes to becomes two volumes, although the list is written otherwise there.
    let volumes = "      volumes: [{name: data, emptyDir: {}}]\n";
    for (volumes, added) in [("", "- name: web-tmp"), (volumes, "{name: web-tmp, emptyDir: {}}")] {
        let web = WEB.replace("registry.example.com/web:1.2.3", "postgres:16");
        let web = web.replace("    spec:\n", &format!("    spec:\n{volumes}"));
        let files = [
            ("base/web.yaml", web.as_str()),
            BASE[1],
            ("prod/kustomization.yaml", "resources: [../base]\nnameSuffix: -prod\n"),
        ];
        let (plan, changes) = planned_in(&["missing-security-context"], &files);
        assert!(plan.skipped.is_empty(), "{plan:#?}");
        let text = &changes["base/web.yaml"];
        assert!(text.contains("readOnlyRootFilesystem: true") && text.contains(added), "{text}");
        assert!(text.contains("web-var-run-postgresql"), "{text}");
    }
}

#[test]
fn a_field_that_a_patch_adds_does_not_hide_the_resource() {
    // Of the container's fields, `env` comes first, and only that is from the patch.
    let patch =
        "- {op: add, path: /spec/template/spec/containers/0/env, value: [{name: A, value: b}]}";
    let kustomization = format!(
        "resources: [../base]\npatches:\n  - target: {{kind: Deployment}}\n    patch: |-\n      {patch}\n"
    );
    let web = WEB.replace("registry.example.com/web:1.2.3", "postgres:16");
    let files = [
        ("base/web.yaml", web.as_str()),
        BASE[1],
        ("prod/kustomization.yaml", kustomization.as_str()),
    ];
    let (plan, changes) = planned_in(&["missing-security-context"], &files);
    assert!(plan.skipped.is_empty(), "{plan:#?}");
    assert_eq!(changes.keys().collect::<Vec<_>>(), ["base/web.yaml"], "{plan:#?}");
    assert!(changes["base/web.yaml"].contains("- name: web-tmp"), "{}", changes["base/web.yaml"]);
}

#[test]
fn a_base_outside_of_what_is_given_is_the_reason() {
    let base = WEB.replace("privileged: false", "privileged: true");
    let files = [
        ("base/web.yaml", base.as_str()),
        BASE[1],
        ("prod/kustomization.yaml", "resources: [../base]\nnamePrefix: prod-\n"),
    ];
    let (plan, changes) = planned_below(&["privileged"], &files, "prod");
    assert!(changes.is_empty(), "{changes:?}");
    let skipped = plan.skipped.first().unwrap();
    assert!(skipped.file.ends_with("base/web.yaml"), "{skipped:?}");
    assert!(skipped.reason.contains("outside of the paths to fix"), "{skipped:?}");
    let (plan, changes) = planned_in(&["privileged"], &files);
    assert_eq!(changes.keys().collect::<Vec<_>>(), ["base/web.yaml"], "{plan:#?}");
}

#[test]
fn a_fix_is_split_between_a_base_and_its_patch() {
    let base = WEB.replace("{privileged: false}", "{allowPrivilegeEscalation: true} # old");
    let patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    \
                 spec:\n      containers:\n        - name: web\n          securityContext:\n            \
                 # For the profiler.\n            privileged: true\n            runAsUser: 7 # ours\n";
    let files = [
        ("base/web.yaml", base.as_str()),
        BASE[1],
        ("prod/kustomization.yaml", "resources: [../base]\npatches: [{path: p.yaml}]\n"),
        ("prod/p.yaml", patch),
    ];
    let rules = ["privileged", "privilege-escalation"];
    let (plan, changes) = planned_in(&rules, &files);
    assert_eq!(changes.keys().collect::<Vec<_>>(), ["base/web.yaml", "prod/p.yaml"], "{plan:#?}");
    assert!(changes["base/web.yaml"].contains("allowPrivilegeEscalation: false"), "{changes:?}");
    assert!(changes["prod/p.yaml"].contains("runAsUser: 7 # ours\n"), "{changes:?}");
    assert!(!changes["prod/p.yaml"].contains("privileged"), "{changes:?}");
    assert!(plan.left.is_empty() && plan.skipped.is_empty(), "{plan:#?}");
}
