//! How objects are read from a real API server: metadata where that is enough, and pages of any size.

use coaming_cluster::ClusterOptions;

use super::lab::{is_inside, kubectl};
use super::reports::{
    Background, RESOURCE, eventually, namespace, policies, reports, serve_policy_reports,
};

/// A privileged pod; `owner` is the ReplicaSet that made it.
fn pod(namespace: &str, name: &str, owner: Option<&str>) -> String {
    let owner = owner.map_or_else(String::new, |owner| {
        format!(
            ", ownerReferences: [{{apiVersion: apps/v1, kind: ReplicaSet, name: {owner}, controller: true, \
             uid: 5b2f0d54-7a3e-4a4c-9c5e-0d8f6f0c1a11}}]"
        )
    });
    format!(
        "
---
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: {namespace}{owner}}}
spec:
  containers:
    - {{name: web, image: 'registry.example.com/web:1.4.2', securityContext: {{privileged: true}}}}
"
    )
}

/// Of pods, the server sends metadata: those that nothing made are read whole, now and later.
#[test]
fn pods_that_no_controller_made_are_judged() {
    if !is_inside("objects::pods_that_no_controller_made_are_judged") {
        return;
    }
    serve_policy_reports();
    let space = "coaming-pods";
    let account = format!(
        "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: default, namespace: {space}}}\n"
    );
    kubectl(&["apply", "-f", "-"], &format!("{}{account}", namespace(space)));
    let first = format!("{}{}", pod(space, "alone", None), pod(space, "made", Some("gone")));
    kubectl(&["apply", "-f", "-"], &first);
    let background = Background::start(space);
    let of = |name: &str| {
        let all = reports(RESOURCE, space);
        all.into_iter().find(|report| report["scope"]["name"] == name)
    };
    let report = eventually("a report about a pod that was there", || of("alone"));
    assert!(policies(&report).contains(&"privileged"), "{report:#}");

    let second = format!("{}{}", pod(space, "late-made", Some("gone")), pod(space, "late", None));
    kubectl(&["apply", "-f", "-"], &second);
    let report = eventually("a report about a pod that came later", || of("late"));
    assert!(policies(&report).contains(&"privileged"), "{report:#}");
    assert_eq!(reports(RESOURCE, space).len(), 2, "what a ReplicaSet made is left out");

    kubectl(
        &["-n", space, "delete", "pod", "late", "--wait=false", "--grace-period=0", "--force"],
        "",
    );
    eventually("no report of what is gone", || of("late").is_none().then_some(()));
    background.stop();
    kubectl(&["delete", "namespace", space, "--wait=false"], "");
}

/// 500 objects are a page, and these are too many bytes for one.
#[test]
fn a_page_that_would_be_too_large_is_read_in_smaller_ones() {
    const COUNT: usize = 10;
    if !is_inside("objects::a_page_that_would_be_too_large_is_read_in_smaller_ones") {
        return;
    }
    let space = "coaming-large";
    kubectl(&["apply", "-f", "-"], &namespace(space));
    let value = "a ".repeat(450_000);
    for number in 0..COUNT {
        let map = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: large-{number}, namespace: {space}}}\n\
             data: {{text: '{value}'}}\n"
        );
        kubectl(&["create", "-f", "-"], &map);
    }
    let options = ClusterOptions { namespace: Some(space.to_owned()), ..Default::default() };
    let runtime = coaming_http::Runtime::shared().unwrap();
    let objects = runtime.block_on(coaming_cluster::read(&options)).unwrap();
    assert!(objects.errors.is_empty(), "{:?}", objects.errors);
    let is_large = |name: &str| name.contains("/ConfigMap/large-");
    let read = objects.sources.iter().filter(|source| is_large(&source.name)).count();
    assert_eq!(read, COUNT);
    kubectl(&["delete", "namespace", space, "--wait=false"], "");
}
