//! Fixes of what charts render, made in their templates and values.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use coaming_finding::Finding;
use coaming_fix::{Plan, Variant, plan};
use coaming_kube::World;
use coaming_source::{Options, load};

const CHART: &str = "apiVersion: v2\nname: web\nversion: 1.0.0\n";

/// Plans the fixes of rules for a chart with these files, in a directory of its own.
fn planned(rules: &[&str], files: &[(&str, &str)]) -> (Plan, BTreeMap<String, String>) {
    planned_in(rules, &[&[("Chart.yaml", CHART)], files].concat())
}

/// Plans the fixes of rules for these files, in a directory of their own.
pub(crate) fn planned_in(
    rules: &[&str],
    files: &[(&str, &str)],
) -> (Plan, BTreeMap<String, String>) {
    planned_below(rules, files, "")
}

/// The same, where only what is below one of the directories is given.
pub(crate) fn planned_below(
    rules: &[&str],
    files: &[(&str, &str)],
    below: &str,
) -> (Plan, BTreeMap<String, String>) {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let root = directory.path().to_str().unwrap().to_owned();
    let options = Options { keep_recipes: true, ..Options::default() };
    let loaded = load(&[PathBuf::from(&root).join(below)], &options);
    assert!(loaded.errors.is_empty(), "{:?}", loaded.errors);
    let variants = loaded.variants.into_iter().map(|variant| Variant {
        name: variant.name,
        world: World::numbered(variant.sources),
        recipe: variant.recipe,
    });
    let judge = |world: &World| -> Vec<Finding> {
        let mut findings = super::judge(world);
        findings.retain(|finding| rules.contains(&finding.rule.id.as_str()));
        coaming_rules::relocate(world, &mut findings);
        findings
    };
    let plan = plan(variants.collect(), true, judge, |_| Some("rendered".to_owned()));
    let changes = plan
        .changes
        .iter()
        .map(|change| {
            let name = change.file.strip_prefix(&root).unwrap().trim_start_matches('/');
            (name.to_owned(), change.after.to_string())
        })
        .collect();
    (plan, changes)
}

/// A Deployment whose container has these lines below its image.
fn deployment(container: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  template:\n    \
         spec:\n      containers:\n        - name: web\n          image: a/b:1.0\n{container}"
    )
}

const CONTEXT: &str = "missing-security-context";

#[test]
fn a_fix_of_a_shared_base_names_the_overlays_that_it_changes() {
    let base = deployment("          securityContext: {privileged: true}\n");
    let files = [
        ("base/kustomization.yaml", "resources: [web.yaml]\n"),
        ("base/web.yaml", base.as_str()),
        ("one/kustomization.yaml", "resources: [../base]\nnamePrefix: one-\n"),
        ("two/kustomization.yaml", "resources: [../base]\nnamePrefix: two-\n"),
    ];
    let (plan, changes) = planned_in(&["privileged"], &files);
    assert!(!changes["base/web.yaml"].contains("privileged: true"), "{changes:?}");
    let variants = plan.changes[0].several_variants().unwrap();
    assert!(variants.starts_with("2 variants: "), "{variants}");
    assert!(variants.contains("/one") && variants.contains("/two"), "{variants}");
    let diff = coaming_fix::diff(&plan.changes[0]);
    assert!(diff.contains("# changes 2 variants: "), "{diff}");
}

#[test]
fn the_values_that_made_a_mapping_are_changed() {
    let template = deployment(
        "          securityContext:\n            {{- toYaml .Values.security | nindent 12 }}\n",
    );
    for (before, after) in [
        ("# One line.\nsecurity: {}   # here\n", "security:"),
        (
            "security:\n  # Our user.\n  runAsUser: 101\nother: 1\n",
            "  # Our user.\n  runAsUser: 101\n  allowPrivilegeEscalation: false\n",
        ),
    ] {
        let files = [("values.yaml", before), ("templates/web.yaml", template.as_str())];
        let (plan, changes) = planned(&[CONTEXT], &files);
        assert_eq!(changes.keys().collect::<Vec<_>>(), ["values.yaml"], "{plan:#?}");
        assert!(changes["values.yaml"].contains(after), "{changes:#?}");
        assert!(plan.left.is_empty() && plan.skipped.is_empty(), "{plan:#?}");
    }
}

#[test]
fn values_behind_a_condition_are_set() {
    let template = deployment(
        "          {{- with .Values.pod.security }}\n          securityContext:\n            \
         {{- toYaml . | nindent 12 }}\n          {{- end }}\n          ports: []\n",
    );
    let files =
        [("values.yaml", "pod:\n  security: {}\n"), ("templates/web.yaml", template.as_str())];
    let (plan, changes) = planned(&[CONTEXT], &files);
    assert_eq!(changes.keys().collect::<Vec<_>>(), ["values.yaml"], "{plan:#?}");
    assert!(changes["values.yaml"].contains("    runAsNonRoot: true\n"), "{changes:#?}");
    assert!(plan.left.is_empty(), "{plan:#?}");
}

#[test]
fn the_template_is_changed_where_no_value_is_asked() {
    let template = deployment(
        "          {{- if .Values.debug }}\n          command: [sleep]\n          {{- end }}\n",
    );
    let files = [("values.yaml", "debug: true\n"), ("templates/web.yaml", template.as_str())];
    let (plan, changes) = planned(&[CONTEXT], &files);
    assert_eq!(changes.keys().collect::<Vec<_>>(), ["templates/web.yaml"], "{plan:#?}");
    let text = &changes["templates/web.yaml"];
    let expected = "          image: a/b:1.0\n          securityContext:\n            runAs";
    assert!(text.contains(expected), "not below a condition:\n{text}");
    assert!(text.contains("          {{- if .Values.debug }}\n          command"), "{text}");
}

#[test]
fn a_helper_with_another_indentation_is_changed() {
    let helper = "{{- define \"container\" -}}\n- name: web\n  image: a/b:1.0\n  ports: []\n\
                  {{- end }}\n";
    let template = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n    \
                    {{- include \"container\" . | nindent 4 }}\n";
    let files = [("templates/_helpers.tpl", helper), ("templates/web.yaml", template)];
    let (plan, changes) = planned(&[CONTEXT], &files);
    assert_eq!(changes.keys().collect::<Vec<_>>(), ["templates/_helpers.tpl"], "{plan:#?}");
    assert!(
        changes["templates/_helpers.tpl"].contains("  image: a/b:1.0\n  securityContext:\n    "),
        "{changes:#?}"
    );
    assert!(plan.left.is_empty(), "{plan:#?}");
}

#[test]
fn a_switch_is_turned_off_in_the_values() {
    let template = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  hostPID: \
                    {{ .Values.host.pid }}\n  containers: [{name: web, image: a/b:1.0}]\n";
    let files = [("values.yaml", "host: {pid: true} # why\n"), ("templates/web.yaml", template)];
    let (plan, changes) = planned(&["host-namespaces"], &files);
    assert_eq!(changes["values.yaml"], "host: {pid: false} # why\n", "{plan:#?}");
}

#[test]
fn an_edit_that_changes_anything_else_is_taken_back() {
    // The same value is an annotation, which no fix intends.
    let template = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  annotations:\n    debug: \
                    '{{ .Values.shared }}'\nspec: {hostPID: {{ .Values.shared }}, containers: \
                    [{name: web, image: a/b:1.0}]}\n";
    let files = [("values.yaml", "shared: true\n"), ("templates/web.yaml", template)];
    let (plan, changes) = planned(&["host-namespaces"], &files);
    assert!(changes.is_empty(), "{changes:#?}");
    let [skipped] = plan.skipped.as_slice() else { panic!("{:#?}", plan.skipped) };
    assert!(skipped.reason.contains("no edit of the files"), "{skipped:?}");
    assert!(!skipped.orders.is_empty());
}

#[test]
fn a_step_for_a_person_names_the_line_that_made_the_field() {
    // Of the text in the values, the template's own lines say nothing.
    let template = deployment(
        "          securityContext: {privileged: false}\n        {{- tpl .Values.sidecar . | nindent 8 }}\n",
    );
    let values = "sidecar: |\n  - name: side\n    image: a/b:1.0\n    securityContext:\n      privileged: true\n";
    let files = [("values.yaml", values), ("templates/web.yaml", template.as_str())];
    let (plan, changes) = planned(&["privileged"], &files);
    assert!(changes.is_empty(), "{changes:#?}");
    let [skipped] = plan.skipped.as_slice() else { panic!("{:#?}", plan.skipped) };
    let [step] = skipped.orders.as_slice() else { panic!("{:#?}", skipped.orders) };
    let (file, line) = step.place.as_ref().unwrap();
    assert!(file.ends_with("templates/web.yaml"), "{file}");
    assert_eq!(*line, 12);
}

#[test]
fn one_value_of_several_objects_repairs_all_of_them() {
    let pod = |name: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\nspec:\n  containers:\n    - \
             name: c\n      image: a/b:1.0\n      securityContext:\n        {{{{- toYaml \
             .Values.security | nindent 8 }}}}\n"
        )
    };
    let (a, b) = (pod("a"), pod("b"));
    let files = [
        ("values.yaml", "security: {}\n"),
        ("templates/a.yaml", a.as_str()),
        ("templates/b.yaml", b.as_str()),
    ];
    let (plan, changes) = planned(&[CONTEXT], &files);
    assert_eq!(changes.len(), 1, "{changes:#?}");
    assert!(plan.left.is_empty(), "{plan:#?}");
    assert_eq!(plan.changes[0].made.len(), 2, "{:#?}", plan.changes[0].made);
}

#[test]
fn a_fix_may_make_another_one_possible() {
    let template = deployment(
        "          securityContext:\n            {{- toYaml .Values.security | nindent 12 }}\n",
    );
    let values = "security:\n  capabilities:\n    drop:\n      - ALL\n  privileged: true\n  \
                  readOnlyRootFilesystem: true\n  seccompProfile:\n    type: RuntimeDefault\n";
    let files = [("values.yaml", values), ("templates/web.yaml", template.as_str())];
    let (plan, changes) = planned(&[CONTEXT, "privileged"], &files);
    assert!(plan.left.is_empty(), "{changes:#?} {:#?}", plan.skipped);
}
