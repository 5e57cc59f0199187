//! Digests for tags.

use coaming_admission::{
    ClusterPolicy, Digests, Guard, Mutation, PinnedImages, Policies, PolicyName, PolicySpec,
    Unresolved, mutation_response,
};
use coaming_oci::Reference;
use serde_json::{Value, json};

use super::{Ask, deployment, guarded, pod};

const A: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// A registry that is asked for the first time (`new`), is down (`down`), or knows the tag.
struct Registry;

impl Digests for Registry {
    fn digest(&self, image: &Reference) -> Result<String, Unresolved> {
        assert!(image.digest().is_none() && image.tag().is_some(), "{image}");
        match image.repository() {
            "shop/new" => Err(Unresolved::Asked),
            "shop/down" => Err(Unresolved::Failed("down.example.com: no answer".to_owned())),
            _ => Ok(A.to_owned()),
        }
    }
}

fn policies(spec: &str) -> Policies {
    let cluster = ClusterPolicy { spec: PolicySpec::from_yaml(spec).unwrap(), configuration: None };
    let guard = Guard { may_ask_registries: true, ..Guard::default() };
    Policies::new(guard, &cluster, &Default::default(), None).unwrap().0
}

fn mutate(ask: &Ask) -> Mutation {
    let (policies, world) = (policies("digests: true"), guarded());
    let step = PinnedImages { policies: &policies, world: &world, digests: &Registry };
    let request = coaming_admission::read(&ask.body()).unwrap();
    coaming_admission::mutate(&request, &[&step]).unwrap()
}

/// The images of a Deployment's containers after its mutation.
fn images(ask: &Ask) -> Vec<String> {
    let mut object = ask.object.clone();
    json_patch::patch(&mut object, &mutate(ask).patch).unwrap();
    let containers = object["spec"]["template"]["spec"]["containers"].as_array().unwrap();
    containers.iter().map(|container| container["image"].as_str().unwrap().to_owned()).collect()
}

fn web(images: &[&str]) -> Value {
    let mut object = deployment(&pod(json!({})));
    let containers = images
        .iter()
        .enumerate()
        .map(|(number, image)| json!({"name": format!("c{number}"), "image": image}));
    object["spec"]["template"]["spec"]["containers"] = containers.collect();
    object
}

#[test]
fn tags_get_their_digest() {
    let pinned = format!("nginx:1@{A}");
    let named = ["nginx", "nginx:1", "localhost:5000/web", &pinned, "shop/@@", ""];
    let ask = Ask::create(web(&named));
    let latest = format!("nginx:latest@{A}");
    let local = format!("localhost:5000/web:latest@{A}");
    let expected = [&*latest, &*pinned, &*local, &*pinned, "shop/@@", ""];
    assert_eq!(images(&ask), expected);
    assert_eq!(mutate(&ask).changed_by, ["digests"]);
    // Once more, it changes nothing.
    let again = mutate(&Ask::create(web(&expected)));
    assert!(again.patch.is_empty() && again.warnings.is_empty(), "{again:?}");
}

#[test]
fn volumes_that_are_images_get_their_digest() {
    let with = |references: [&str; 2]| {
        let mut object = web(&["nginx:1"]);
        let [model, other] = references;
        object["spec"]["template"]["spec"]["volumes"] = json!([
            {"name": "model", "image": {"reference": model}},
            {"name": "other", "image": {"reference": other, "pullPolicy": "Always"}},
            {"name": "empty", "emptyDir": {}},
        ]);
        object
    };
    let references = |ask: &Ask| {
        let mut object = ask.object.clone();
        json_patch::patch(&mut object, &mutate(ask).patch).unwrap();
        let volumes = &object["spec"]["template"]["spec"]["volumes"];
        [0, 1].map(|at| volumes[at]["image"]["reference"].as_str().unwrap().to_owned())
    };
    let ask = Ask::create(with(["shop/model:2", "shop/down:1"]));
    let pinned = format!("shop/model:2@{A}");
    assert_eq!(references(&ask), [&*pinned, "shop/down:1"]);
    let warnings = mutate(&ask).warnings;
    assert!(warnings[0].contains("volume `other` keeps the tag of `shop/down:1`"), "{warnings:?}");
    // The same manifest, applied again, keeps the digest of before.
    let old = with([&pinned, "shop/down:1"]);
    let again = Ask::update(&old, with(["shop/model:2", "shop/down:1"]));
    assert_eq!(references(&again), [&*pinned, "shop/down:1"]);
}

#[test]
fn what_is_not_known_keeps_its_tag_with_a_warning() {
    let ask = Ask::create(web(&["shop/new:1", "shop/down:1", "nginx:1"]));
    assert_eq!(images(&ask), ["shop/new:1", "shop/down:1", &format!("nginx:1@{A}")]);
    let mutation = mutate(&ask);
    assert!(mutation.is_pending && mutation.refusal.is_none());
    let answer: Value = serde_json::from_slice(&mutation_response("u", &mutation)).unwrap();
    assert_eq!(
        answer["response"]["warnings"],
        json!([
            "container `c0` keeps the tag of `shop/new:1`: its registry has not answered yet; apply it again",
            "container `c1` keeps the tag of `shop/down:1`: down.example.com: no answer",
        ])
    );
}

#[test]
fn an_update_keeps_what_it_does_not_change() {
    let b = A.replace('a', "b").replace("shb", "sha");
    let old = [format!("nginx:1@{b}"), "redis:7".to_owned(), format!("web:latest@{b}")];
    let old = web(&old.each_ref().map(|image| image.as_str()));
    let update = |images: &[&str]| Ask::update(&old, web(images));
    // The tag of before has its digest of before, even if the registry says another one.
    let expected = [format!("nginx:1@{b}"), "redis:7".to_owned(), format!("web:latest@{b}")];
    assert_eq!(images(&update(&["nginx:1", "redis:7", "web"])), expected);
    assert_eq!(
        images(&update(&["nginx:2", "redis:8"])),
        [format!("nginx:2@{A}"), format!("redis:8@{A}")]
    );
    // A digest that was written without a tag says nothing about tags.
    let by_digest = web(&[&format!("nginx@{b}")]);
    assert_eq!(images(&Ask::update(&by_digest, web(&["nginx"]))), [format!("nginx:latest@{A}")]);
}

#[test]
fn what_is_not_asked_for_or_compared_stays() {
    let ask = Ask::create(web(&["nginx:1"]));
    assert!(
        ask.mutate(&policies("mutate: true"))
            .patch
            .iter()
            .all(|operation| { !serde_json::to_string(operation).unwrap().contains("image") })
    );
    let mut owned = web(&["nginx:1"]);
    owned["kind"] = "ReplicaSet".into();
    owned["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "controller": true}]);
    assert!(mutate(&Ask::create(owned)).patch.is_empty());
}

#[test]
fn a_server_that_may_not_ask_registries_says_so() {
    let digests = PolicySpec::from_yaml("digests: true").unwrap();
    let cluster = ClusterPolicy { spec: digests.clone(), configuration: None };
    let none = Default::default();
    let error = Policies::new(Guard::default(), &cluster, &none, None).unwrap_err().to_string();
    assert!(error.contains("digests: the server may not ask registries"), "{error}");
    let name = PolicyName { namespace: "shop".into(), name: "a".into() };
    let specs = [(name.clone(), digests)].into();
    let cluster = ClusterPolicy::default();
    let (_, errors) = Policies::new(Guard::default(), &cluster, &specs, None).unwrap();
    assert!(errors[&name].to_string().contains("registries.ask: true"), "{errors:?}");
}
