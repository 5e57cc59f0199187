//! Fixes of real rules, planned, shown and written.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod charts;
mod overlays;
mod terraform;

use std::fs;
use std::sync::Arc;

use coaming_finding::Finding;
use coaming_fix::{Plan, diff, plan, write};
use coaming_kube::{Source, World};
use coaming_rules::{Images, Input, RuleSet, Settings, run};

const POD: &str = "\
# The web server.
apiVersion: v1
kind: Pod
metadata: {name: web}   # one line
spec:
  containers:
    - name: web
      image: 'nginx:1.27.0' # pinned soon
      securityContext:
        privileged: true
";

fn world(name: &str, text: &str) -> World {
    let stream = coaming_yaml::parse(Arc::from(text));
    World::new(vec![Source::new(name, stream.source, stream.documents)])
}

fn judge(world: &World) -> Vec<Finding> {
    let (images, settings) = (Images::default(), Settings::default());
    let rules = RuleSet::matching(|rule| rule.meta.default);
    run(Input::new(world, &images, &settings), &rules, Vec::new())
}

fn planned(name: &str, text: &str, allow_unsafe: bool) -> Plan {
    plan(vec![world(name, text).into()], allow_unsafe, judge, |_| None)
}

#[test]
fn lines_that_need_no_change_stay_as_they_are() {
    let plan = planned("web.yaml", POD, true);
    let [change] = plan.changes.as_slice() else { panic!("{plan:#?}") };
    for line in POD.lines().filter(|line| !line.contains("privileged")) {
        let key = line.split(':').next().unwrap();
        assert!(
            change.after.lines().any(|after| after.starts_with(key)),
            "{key}:\n{}",
            change.after
        );
    }
    assert!(change.after.starts_with("# The web server.\n"), "{}", change.after);
    assert!(change.after.contains("metadata: {name: web}   # one line\n"), "{}", change.after);
    assert!(!change.after.contains("privileged: true"), "{}", change.after);
}

#[test]
fn unsafe_fixes_need_permission() {
    let safe = planned("web.yaml", POD, false);
    let all = planned("web.yaml", POD, true);
    let made = |plan: &Plan| plan.changes.iter().map(|change| change.made.len()).sum::<usize>();
    assert!(made(&safe) < made(&all));
    assert!(safe.changes.iter().all(|change| change.after.contains("privileged: true")));
}

#[test]
fn planning_again_changes_nothing() {
    let first = planned("web.yaml", POD, true);
    let second = planned("web.yaml", &first.changes[0].after, true);
    assert!(second.changes.is_empty(), "{second:#?}");
}

/// More objects of one finding than there are rounds, in one document.
#[test]
fn one_fix_changes_all_items_of_a_list() {
    let pod = |number: usize| {
        format!(
            r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"web-{number}"}},"spec":{{"containers":[{{"name":"web","image":"nginx:1.27.0"}}]}}}}"#
        )
    };
    let items: Vec<String> = (0..25).map(pod).collect();
    let list = format!(r#"{{"apiVersion":"v1","kind":"List","items":[{}]}}"#, items.join(","));
    let plan = planned("list.json", &list, false);
    let [change] = plan.changes.as_slice() else { panic!("{plan:#?}") };
    let tokens = change.after.matches(r#""automountServiceAccountToken": false"#).count()
        + change.after.matches(r#""automountServiceAccountToken":false"#).count();
    assert_eq!(tokens, 25, "{}", change.after);
}

/// What cannot be edited keeps nothing else in its document from being repaired.
#[test]
fn one_impossible_edit_leaves_the_others() {
    let list = "\
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: a}, spec: &spec {containers: [{name: a, image: 'nginx:1.27.0'}]}}
- {apiVersion: v1, kind: Pod, metadata: {name: b, namespace: b}, spec: {containers: [{name: b, image: 'nginx:1.27.0'}]}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: c}, data: *spec}
- {apiVersion: v1, kind: Pod, metadata: {name: d, namespace: d}, spec: {containers: [{name: d, image: 'nginx:1.27.0'}]}}
";
    let plan = planned("list.yaml", list, false);
    let [change] = plan.changes.as_slice() else { panic!("{plan:#?}") };
    let repaired = change.after.matches("automountServiceAccountToken: false").count();
    assert_eq!((repaired, plan.skipped.len()), (2, 1), "{plan:#?}");
}

#[test]
fn a_refused_file_is_left_with_the_reason() {
    let refuse = |source: &Source| Some(format!("{} is not to be changed", source.name));
    let plan = plan(vec![world("web.yaml", POD).into()], true, judge, refuse);
    assert!(plan.changes.is_empty());
    assert!(plan.skipped.iter().all(|skipped| skipped.reason.contains("not to be changed")));
    assert!(!plan.skipped.is_empty());
}

#[test]
fn a_file_is_replaced_whole_unless_it_changed_meanwhile() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("web.yaml");
    fs::write(&file, POD).unwrap();
    let plan = planned(file.to_str().unwrap(), POD, true);
    let change = &plan.changes[0];
    assert!(diff(change).contains("-        privileged: true"), "{}", diff(change));
    write(change).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), *change.after);
    // Written once, the file is no longer what was read.
    assert!(write(change).is_err());
    assert_eq!(fs::read_to_string(&file).unwrap(), *change.after);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}
