//! Plans of Pod Security labels.

use std::sync::Arc;

use coaming_config::{KubernetesVersion, PodSecurityLevel};
use coaming_export::psa::{Plan, plan};
use coaming_kube::{Source, World};

fn planned(text: &str) -> Plan {
    let stream = coaming_yaml::parse(Arc::from(text));
    let world = World::new(vec![Source::new("objects.yaml", stream.source, stream.documents)]);
    plan(&world, KubernetesVersion::new(30))
}

const HARDENED: &str = "securityContext: {runAsNonRoot: true, allowPrivilegeEscalation: false, \
                        capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}";

fn pod(namespace: &str, name: &str, owner: &str, container: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {namespace}{owner}}}\n\
         spec: {{containers: [{{name: web, image: 'web:1', {container}}}]}}\n"
    )
}

#[test]
fn a_namespace_gets_the_level_that_its_pods_pass() {
    let privileged = "securityContext: {privileged: true}";
    let text = [
        pod("hard", "web", "", HARDENED),
        pod("plain", "web", "", "tty: false"),
        pod("agents", "agent", "", privileged),
        pod("kube-system", "proxy", "", privileged),
        "---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: empty\n  labels: \
         {pod-security.kubernetes.io/enforce: baseline}\n"
            .to_owned(),
    ]
    .concat();
    let plan = planned(&text);
    let levels: Vec<(&str, &str, &str, usize)> = plan
        .namespaces
        .iter()
        .map(|it| (it.name.as_str(), it.enforced(), it.warn.as_str(), it.blockers.len()))
        .collect();
    assert_eq!(
        levels,
        [
            ("agents", "privileged", "baseline", 1),
            ("empty", "restricted", "restricted", 0),
            ("hard", "restricted", "restricted", 0),
            ("plain", "baseline", "restricted", 4),
        ]
    );
    assert_eq!(plan.skipped, ["kube-system"]);
    assert_eq!(plan.namespaces[1].current.as_deref(), Some("baseline"));
    let blocker = &plan.namespaces[0].blockers[0];
    assert_eq!((blocker.control, blocker.container.as_deref()), ("privileged", Some("web")));
}

#[test]
fn what_a_webhook_added_to_a_copy_counts_for_its_owner() {
    let owner = ", ownerReferences: [{apiVersion: v1, kind: ReplicationController, name: web, \
                 controller: true}]";
    let text = [
        format!(
            "apiVersion: v1\nkind: ReplicationController\nmetadata: {{name: web, namespace: shop}}\n\
             spec: {{template: {{spec: {{containers: [{{name: web, image: 'web:1', {HARDENED}}}]}}}}}}\n"
        ),
        pod("shop", "web-1", owner, HARDENED),
        pod("shop", "web-2", owner, "securityContext: {privileged: true}"),
        pod("shop", "web-3", owner, "securityContext: {privileged: true}"),
    ]
    .concat();
    let plan = planned(&text);
    let namespace = &plan.namespaces[0];
    assert_eq!((namespace.enforce, namespace.workloads), (None, 1));
    assert_eq!(namespace.blockers.len(), 1, "{:?}", namespace.blockers);
    assert_eq!(namespace.blockers[0].kind, "ReplicationController");
}

/// Every namespace of the corpus passes the level that is recommended for it, and no higher one.
#[test]
fn levels_are_the_highest_of_the_corpus() {
    let Some(corpus) = std::env::var_os("COAMING_CORPUS") else {
        coaming_test::skip!("it needs COAMING_CORPUS");
        return;
    };
    let goat = std::path::PathBuf::from(corpus).join("kubernetes-goat");
    let loaded = coaming_source::load(&[goat], &coaming_source::Options::default());
    let sources = loaded.variants.into_iter().flat_map(|variant| variant.sources);
    let world = World::numbered(sources);
    let version = KubernetesVersion::default();
    for namespace in plan(&world, version).namespaces {
        let passes = |level| {
            world
                .all_workloads()
                .filter(|workload| workload.object.namespace_or_default() == namespace.name)
                .all(|workload| {
                    coaming_rules::pss::check(workload.pod(), level, version).is_empty()
                })
        };
        let expected = [PodSecurityLevel::Restricted, PodSecurityLevel::Baseline]
            .into_iter()
            .find(|level| passes(*level));
        assert_eq!(namespace.enforce, expected, "{}", namespace.name);
    }
}

#[test]
fn plans_are_written_as_yaml_and_text() {
    let plan = planned(&pod("shop", "web", "", "tty: false"));
    let (mut yaml, mut text) = (Vec::new(), Vec::new());
    plan.write_yaml(&mut yaml).unwrap();
    plan.write_text(&mut text).unwrap();
    let (yaml, text) = (String::from_utf8(yaml).unwrap(), String::from_utf8(text).unwrap());
    assert!(yaml.contains("pod-security.kubernetes.io/enforce: baseline\n"), "{yaml}");
    assert!(yaml.contains("pod-security.kubernetes.io/enforce-version: v1.30\n"), "{yaml}");
    assert!(text.contains("shop: 1 workload passes `baseline`\n"), "{text}");
    assert!(text.contains("what keeps it from `restricted`:\n    Pod/web: "), "{text}");
}
