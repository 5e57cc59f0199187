//! A world that was changed thousands of times answers as one made at once from what is left.

use std::collections::BTreeMap;
use std::sync::Arc;

use coaming_kube::{Delta, Fields as _, Object, ObjectKey, Origin, Source, World};
use proptest::prelude::*;

/// One object of a cluster, as a source of its own.
fn live(text: &str) -> Source {
    let stream = coaming_yaml::parse(Arc::from(text));
    let root = stream.documents[0].root();
    let name = |field: &str| root.get("metadata").unwrap().string(field).unwrap_or("").to_owned();
    let kind = root.string("kind").unwrap().to_owned();
    let place = format!("cluster/{}/{kind}/{}", name("namespace"), name("name"));
    Source::new(&place, stream.source, stream.documents).with_origin(Origin::Cluster)
}

/// What can be created: few names, so that changes and removals hit something.
fn object(kind: usize, namespace: u8, name: u8, extra: u8) -> String {
    let metadata = format!("{{namespace: n{namespace}, name: x{name}, labels: {{app: a{extra}}}}}");
    match kind {
        0 => {
            let owner = format!("[{{kind: ReplicaSet, name: x{extra}, controller: true}}]");
            format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{namespace: n{namespace}, name: x{name}, \
                 labels: {{app: a{extra}}}, ownerReferences: {owner}}}\nspec: {{containers: \
                 [{{name: c, image: i{extra}}}]}}\n"
            )
        }
        1 => format!(
            "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {metadata}\nspec: {{template: {{spec: \
             {{containers: [{{name: c, image: i{extra}}}]}}}}}}\n"
        ),
        2 => format!(
            "apiVersion: v1\nkind: Service\nmetadata: {metadata}\nspec: {{selector: {{app: \
             a{extra}}}}}\n"
        ),
        3 => format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {metadata}\nspec: \
             {{podSelector: {{matchLabels: {{app: a{extra}}}}}}}\n"
        ),
        _ => format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {metadata}\n\
             roleRef: {{kind: Role, name: x{extra}}}\nsubjects: [{{kind: ServiceAccount, name: \
             x{extra}}}]\n"
        ),
    }
}

/// Everything a world answers, by keys: ids differ between two worlds.
fn answers(world: &World) -> BTreeMap<String, Vec<String>> {
    fn keys<'w>(objects: impl Iterator<Item = Object<'w>>) -> Vec<String> {
        let mut keys: Vec<String> =
            objects.map(|object| format!("{} {:?}", object.key(), labels(object))).collect();
        keys.sort();
        keys
    }
    fn labels(object: Object<'_>) -> Vec<String> {
        object.labels().map(|label| label.value.text().to_owned()).collect()
    }
    let mut all = BTreeMap::new();
    all.insert("objects".to_owned(), keys(world.objects()));
    let workloads = world.workloads().map(|workload| workload.object);
    all.insert("workloads".to_owned(), keys(workloads));
    let every = world.all_workloads().map(|workload| workload.object);
    all.insert("all workloads".to_owned(), keys(every));
    for kind in ["Pod", "ReplicaSet", "Service", "NetworkPolicy", "RoleBinding"] {
        all.insert(kind.to_owned(), keys(world.of_kind(kind)));
        for namespace in ["n0", "n1"] {
            all.insert(format!("{kind} {namespace}"), keys(world.of_kind_in(kind, namespace)));
            for name in ["x0", "x1", "x2"] {
                let found = world.find(kind, namespace, name);
                all.insert(format!("{kind} {namespace}/{name}"), keys(found.into_iter()));
            }
        }
    }
    for namespace in ["n0", "n1"] {
        for name in 0..3 {
            let label = format!("a{name}");
            let labels = [("app", label.as_str())];
            let place = format!("{namespace} {name}");
            all.insert(format!("services {place}"), keys(world.services_near(namespace, &labels)));
            all.insert(format!("policies {place}"), keys(world.policies_near(namespace, &labels)));
            let account = format!("x{name}");
            let bindings = world.bindings_of_account(namespace, &account);
            all.insert(format!("bindings {place}"), keys(bindings));
            let of_role = world.bindings_to_role("Role", namespace, &account);
            all.insert(format!("of role {place}"), keys(of_role));
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn changes_lead_to_the_same_world(
        deltas in prop::collection::vec((0usize..5, 0u8..2, 0u8..3, 0u8..3, prop::bool::weighted(0.3)), 1..120)
    ) {
        let mut world = World::default();
        let mut left: BTreeMap<ObjectKey, Source> = BTreeMap::new();
        let mut snapshots = Vec::new();
        for (step, (kind, namespace, name, extra, removes)) in deltas.into_iter().enumerate() {
            let source = live(&object(kind, namespace, name, extra));
            let key = World::new(vec![source.clone()]).objects().next().unwrap().key();
            if removes {
                let changed = world.apply(Delta::Remove(key.clone()));
                prop_assert_eq!(!changed.is_empty(), left.remove(&key).is_some());
            } else {
                let changed = world.apply(Delta::Put(Box::new(source.clone())));
                prop_assert!(changed.contains(&key));
                left.insert(key, source);
            }
            if step % 7 == 0 {
                // Asking builds the indexes, which later changes must keep up to date.
                let fresh = World::new(left.values().cloned().collect());
                prop_assert_eq!(answers(&world), answers(&fresh));
                snapshots.push((world.clone(), answers(&fresh)));
            }
        }
        for (snapshot, then) in &snapshots {
            prop_assert_eq!(&answers(snapshot), then);
        }
    }
}

#[test]
fn an_old_id_finds_nothing() {
    let mut world = World::default();
    let pod = |extra| Box::new(live(&object(0, 0, 0, extra)));
    world.apply(Delta::Put(pod(0)));
    let old = world.objects().next().unwrap().id;
    world.apply(Delta::Put(pod(1)));
    assert!(world.object(old).is_none());
    let new = world.objects().next().unwrap().id;
    assert_ne!(old, new);
    let key = world.object(new).unwrap().key();
    assert_eq!(world.apply(Delta::Remove(key.clone())), std::slice::from_ref(&key));
    assert!(world.object(new).is_none());
    assert!(world.apply(Delta::Remove(key)).is_empty());
    assert_eq!(world.sources().count(), 0);
}

#[test]
fn an_object_of_a_file_can_be_removed_alone() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: b}\n";
    let stream = coaming_yaml::parse(Arc::from(text));
    let mut world = World::new(vec![Source::new("a.yaml", stream.source, stream.documents)]);
    let key = world.find("Secret", "", "a").unwrap().key();
    world.apply(Delta::Remove(key));
    let names: Vec<_> = world.objects().map(|object| object.name().to_owned()).collect();
    assert_eq!(names, ["b"]);
    assert!(world.find("Secret", "", "a").is_none());
    assert_eq!(world.of_kind("Secret").count(), 1);
}

proptest! {
    #[test]
    fn the_objects_of_a_document_are_those_that_say_so(documents in prop::collection::vec(0_u8..4, 0..12)) {
        // Nothing, one object, and lists of two and three.
        let item = |name: u8| format!("{{apiVersion: v1, kind: Service, metadata: {{name: s{name}}}}}");
        let texts = documents.iter().map(|&count| match count {
            0 => "# nothing\n".to_owned(),
            1 => format!("{}\n", item(0)),
            count => {
                let items: Vec<String> = (0..count).map(item).collect();
                format!("apiVersion: v1\nkind: List\nitems: [{}]\n", items.join(", "))
            }
        });
        let stream = coaming_yaml::parse(Arc::from(texts.collect::<Vec<_>>().join("---\n")));
        let world = World::new(vec![Source::new("a.yaml", stream.source, stream.documents)]);
        for (id, _) in world.sources() {
            for document in 0..14 {
                let expected = world.objects_in(id).filter(|object| object.document == document);
                let expected: Vec<_> = expected.map(|object| object.id).collect();
                let found: Vec<_> =
                    world.objects_of_document(id, document).map(|object| object.id).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
