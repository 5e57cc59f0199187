//! Injection: what a pod becomes, and which pods are refused.

use coaming_vault::{
    ClusterSecretStore, Refusal, SecretGrant, SecretStore, ServerFacts, Stores, inject,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn grant(name: &str, change: impl FnOnce(&mut Value)) -> SecretGrant {
    let mut value = json!({
        "apiVersion": "coaming.dev/v1alpha1", "kind": "SecretGrant",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "serviceAccount": "web", "container": "app",
            "image": {"repository": "registry.example/shop/web"},
            "store": {"name": "vault"}, "role": "shop-web", "directory": format!("/run/secrets/{name}"),
            "files": [{"name": "password", "path": "secret/shop/db", "key": "password"}],
        }
    });
    change(&mut value["spec"]);
    serde_json::from_value(value).unwrap()
}

fn store() -> SecretStore {
    serde_json::from_value(json!({
        "apiVersion": "coaming.dev/v1alpha1", "kind": "SecretStore",
        "metadata": {"name": "vault", "namespace": "shop"},
        "spec": {"vault": {"address": "https://vault.example:8200", "audience": "vault.example"}}
    }))
    .unwrap()
}

fn cluster_store(namespaces: &[&str]) -> ClusterSecretStore {
    serde_json::from_value(json!({
        "apiVersion": "coaming.dev/v1alpha1", "kind": "ClusterSecretStore",
        "metadata": {"name": "vault"},
        "spec": {"allowedNamespaces": namespaces,
            "vault": {"address": "https://vault.example:8200", "audience": "vault.example"}}
    }))
    .unwrap()
}

fn facts(native_sidecars: bool) -> ServerFacts {
    ServerFacts {
        native_sidecars,
        agent_image: "registry.example/coaming:1".to_owned(),
        agent_program: "/usr/local/bin/coaming".to_owned(),
    }
}

fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web-1", "namespace": "shop",
            "annotations": {"coaming.dev/secrets": "db"}},
        "spec": {
            "serviceAccountName": "web",
            "securityContext": {"runAsUser": 1000},
            "initContainers": [{"name": "migrate", "image": "registry.example/shop/web:1"}],
            "containers": [
                {"name": "app", "image": "registry.example/shop/web:1", "volumeMounts": [
                    {"name": "kube-api-access-x7", "readOnly": true,
                     "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}]},
                {"name": "proxy", "image": "registry.example/proxy:1"},
            ],
            "volumes": [{"name": "kube-api-access-x7", "projected": {"sources": [
                {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}]}}],
        }
    })
}

/// The pod after injection.
fn injected_with(
    pod: &Value,
    grants: &[SecretGrant],
    facts: &ServerFacts,
) -> Result<Value, Refusal> {
    let stores = [store()];
    let stores = Stores { namespaced: &stores, cluster: &[] };
    let patch = inject(pod, grants, stores, "shop", facts)?;
    let mut patched = pod.clone();
    json_patch::patch(&mut patched, &patch).unwrap();
    let again = inject(&patched, grants, stores, "shop", facts)?;
    assert!(again.is_empty(), "injection is idempotent: {again:?}");
    Ok(patched)
}

fn injected(pod: &Value) -> Result<Value, Refusal> {
    injected_with(pod, &[grant("db", |_| {})], &facts(true))
}

/// What makes a pod refused.
fn refused(change: impl FnOnce(&mut Value)) -> Refusal {
    let mut pod = pod();
    change(&mut pod);
    injected(&pod).unwrap_err()
}

/// The names of the containers that mount a volume whose name begins so.
fn mounted_by(pod: &Value, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for list in ["initContainers", "containers"] {
        for container in pod["spec"][list].as_array().into_iter().flatten() {
            let mounts = container["volumeMounts"].as_array().into_iter().flatten();
            let mut own = mounts.filter(|m| m["name"].as_str().unwrap().starts_with(prefix));
            if own.next().is_some() {
                names.push(container["name"].as_str().unwrap().to_owned());
            }
        }
    }
    names
}

#[test]
fn the_files_are_in_one_container_and_the_token_in_the_agent() {
    let pod = injected(&pod()).unwrap();
    assert_eq!(mounted_by(&pod, "coaming-secret-"), ["coaming-agent", "app"]);
    assert_eq!(mounted_by(&pod, "coaming-token"), ["coaming-agent"]);
    assert_eq!(mounted_by(&pod, "kube-api-access"), [""; 0], "the app does not use the API");
    let spec = &pod["spec"];
    assert_eq!(spec["automountServiceAccountToken"], false);
    let app = &spec["containers"][0]["volumeMounts"][0];
    assert_eq!((&app["mountPath"], &app["readOnly"]), (&json!("/run/secrets/db"), &json!(true)));
    let volumes = spec["volumes"].as_array().unwrap();
    let memory = volumes.iter().find(|v| v["name"] == app["name"]).unwrap();
    assert_eq!(memory["emptyDir"], json!({"medium": "Memory", "sizeLimit": "3Mi"}));
    let token = volumes.iter().find(|v| v["name"] == "coaming-token").unwrap();
    let token = &token["projected"]["sources"][0]["serviceAccountToken"];
    assert_eq!(
        token,
        &json!({"audience": "vault.example", "expirationSeconds": 600, "path": "token"})
    );
    let agent = &spec["initContainers"][0];
    assert_eq!(
        (&agent["name"], &agent["restartPolicy"]),
        (&json!("coaming-agent"), &json!("Always"))
    );
    assert_eq!(agent["securityContext"]["runAsUser"], 1000, "the reader's user");
    assert_eq!(agent["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(spec["initContainers"][1]["name"], "migrate", "it may need the secrets");
    assert_eq!(spec["containers"].as_array().unwrap().len(), 2);
}

#[test]
fn the_agent_can_use_its_configuration() {
    let pod = injected(&pod()).unwrap();
    let config = pod["spec"]["initContainers"][0]["env"][0]["value"].as_str().unwrap();
    let config = coaming_vault::Config::parse(serde_json::from_str(config).unwrap()).unwrap();
    assert_eq!(config.grants[0].files[0].mode.as_deref(), Some("0400"));
    assert_eq!(config.grace_seconds, 0, "a native sidecar ends after the others");
}

#[test]
fn the_pods_own_group_reads_where_the_user_is_not_known() {
    let mut pod = pod();
    pod["spec"]["securityContext"] = json!({"fsGroup": 2000});
    let patched = injected(&pod).unwrap();
    let agent = &patched["spec"]["initContainers"][0];
    assert_eq!(agent["securityContext"]["runAsUser"], 65532);
    assert!(agent["env"][0]["value"].as_str().unwrap().contains("0440"));
    pod["spec"]["securityContext"] = json!({});
    assert_eq!(injected(&pod).unwrap_err(), Refusal::Reader("app".into()), "no group is added");
    pod["spec"]["securityContext"] = json!({"runAsUser": 0});
    assert_eq!(injected(&pod).unwrap_err(), Refusal::Reader("app".into()));
}

#[test]
fn an_older_server_gets_two_containers_and_a_job_one() {
    let grants = [grant("db", |_| {})];
    let patched = injected_with(&pod(), &grants, &facts(false)).unwrap();
    let first = &patched["spec"]["initContainers"][0];
    assert_eq!(
        (&first["name"], &first["args"]),
        (&json!("coaming-agent-first"), &json!(["agent", "--once"]))
    );
    assert!(first.get("restartPolicy").is_none());
    let last = patched["spec"]["containers"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["name"], &last["args"]), (&json!("coaming-agent"), &json!(["agent"])));
    assert!(last["env"][0]["value"].as_str().unwrap().contains("\"graceSeconds\":27"));
    assert_eq!(patched["metadata"]["annotations"]["coaming.dev/agent"], "init-and-sidecar");
    let mut job = pod();
    job["spec"]["restartPolicy"] = json!("Never");
    let patched = injected_with(&job, &grants, &facts(false)).unwrap();
    assert_eq!(patched["spec"]["containers"].as_array().unwrap().len(), 2, "a Job must end");
    assert_eq!(patched["metadata"]["annotations"]["coaming.dev/agent"], "init-only");
}

#[test]
fn pods_that_open_their_files_to_others_are_refused() {
    let set = |path: &'static str, key: &'static str, value: Value| {
        refused(move |pod| pod.pointer_mut(path).unwrap()[key] = value)
    };
    let spec = "/spec";
    assert_eq!(set(spec, "shareProcessNamespace", json!(true)), Refusal::SharedProcesses);
    assert_eq!(set(spec, "hostPID", json!(true)), Refusal::HostPid);
    assert_eq!(set(spec, "os", json!({"name": "windows"})), Refusal::Windows);
    let ephemeral = json!([{"name": "debug", "image": "busybox"}]);
    assert_eq!(set(spec, "ephemeralContainers", ephemeral), Refusal::Ephemeral);
    let node = json!([{"name": "node", "hostPath": {"path": "/var/lib"}}]);
    assert!(matches!(set(spec, "volumes", node), Refusal::HostPath { .. }));
    let privileged = json!({"privileged": true});
    let proxy = "/spec/containers/1";
    assert_eq!(set(proxy, "securityContext", privileged), Refusal::Privileged("proxy".into()));
}

#[test]
fn another_container_never_mounts_the_files() {
    let patched = injected(&pod()).unwrap();
    let volume = patched["spec"]["containers"][0]["volumeMounts"][0]["name"].clone();
    for name in [volume, json!("coaming-token")] {
        for (list, index) in [("containers", 1), ("initContainers", 0)] {
            let mount = json!([{"name": name, "mountPath": "/stolen"}]);
            let refusal = refused(|pod| pod["spec"][list][index]["volumeMounts"] = mount);
            assert!(matches!(refusal, Refusal::ForeignMount { .. }), "{refusal}");
        }
    }
}

#[test]
fn the_granted_container_mounts_the_files_as_they_are_granted() {
    let patched = injected(&pod()).unwrap();
    let volume = &patched["spec"]["containers"][0]["volumeMounts"][0]["name"];
    let with =
        |mount: Value| refused(|pod| pod["spec"]["containers"][0]["volumeMounts"] = json!([mount]));
    let part =
        json!({"name": volume, "mountPath": "/run/secrets/db", "readOnly": true, "subPath": "x"});
    assert!(matches!(with(part), Refusal::SubPath { .. }));
    let writable = json!({"name": volume, "mountPath": "/run/secrets/db"});
    assert!(matches!(with(writable), Refusal::ForeignMount { .. }));
}

#[test]
fn nobody_asks_for_a_token_of_a_store() {
    let token = json!([{"name": "mine", "projected": {"sources": [
        {"serviceAccountToken": {"audience": "vault.example", "path": "token"}}]}}]);
    let with = token.clone();
    assert!(matches!(refused(|pod| pod["spec"]["volumes"] = with), Refusal::Audience { .. }));
    for name in ["mine", "coaming-token"] {
        let mut plain = pod();
        plain["metadata"]["annotations"] = json!({});
        plain["spec"]["volumes"] = token.clone();
        plain["spec"]["volumes"][0]["name"] = json!(name);
        assert!(matches!(injected(&plain).unwrap_err(), Refusal::Audience { .. }));
    }
}

#[test]
fn a_pod_that_does_not_ask_is_left_alone_unless_it_has_secrets_already() {
    let mut plain = pod();
    plain["metadata"].as_object_mut().unwrap().remove("annotations");
    assert_eq!(injected(&plain).unwrap(), plain);
    let mut stripped = injected(&pod()).unwrap();
    stripped["metadata"]["annotations"].as_object_mut().unwrap().remove("coaming.dev/secrets");
    assert!(injected(&stripped).is_err());
}

#[test]
fn a_grant_is_for_its_account_container_image_and_store() {
    let account = refused(|pod| pod["spec"]["serviceAccountName"] = json!("other"));
    assert!(matches!(account, Refusal::Account { .. }));
    let image = "registry.example/shop/other:1";
    let image = refused(|pod| pod["spec"]["containers"][0]["image"] = json!(image));
    assert!(matches!(image, Refusal::Image { .. }));
    let container = refused(|pod| pod["spec"]["containers"][0]["name"] = json!("other"));
    assert!(matches!(container, Refusal::NoContainer { .. }));
    let name = refused(|pod| pod["metadata"]["annotations"]["coaming.dev/secrets"] = json!("x"));
    assert_eq!(name, Refusal::NoGrant("x".into()));
    let try_grant = |change: &dyn Fn(&mut Value)| {
        injected_with(&pod(), &[grant("db", |spec| change(spec))], &facts(true))
    };
    let digest = format!("sha256:{}", "ab".repeat(32));
    let pinned = try_grant(&|spec| spec["image"]["digest"] = json!(digest));
    assert!(matches!(pinned, Err(Refusal::Image { .. })), "a tag is not a digest");
    let store = try_grant(&|spec| spec["store"]["name"] = json!("other"));
    assert!(matches!(store, Err(Refusal::NoStore { .. })));
    for directory in ["/", "/run", "run/x", "/run/../etc", "/a//b"] {
        let refusal = try_grant(&|spec| spec["directory"] = json!(directory));
        assert!(matches!(refusal, Err(Refusal::Grant { .. })), "{directory}");
    }
    let mut elsewhere = grant("db", |_| {});
    elsewhere.metadata.namespace = Some("other".into());
    let refusal = injected_with(&pod(), &[elsewhere], &facts(true)).unwrap_err();
    assert_eq!(refusal, Refusal::NoGrant("db".into()));
}

#[test]
fn a_cluster_store_is_for_the_namespaces_that_it_allows() {
    let grants = [grant("db", |spec| spec["store"]["kind"] = json!("ClusterSecretStore"))];
    let with = |namespaces: &[&str]| {
        let stores = [cluster_store(namespaces)];
        inject(&pod(), &grants, Stores { namespaced: &[], cluster: &stores }, "shop", &facts(true))
    };
    assert!(with(&["shop"]).is_ok());
    assert!(matches!(with(&["other"]), Err(Refusal::NoStore { .. })));
    assert!(matches!(with(&[]), Err(Refusal::NoStore { .. })));
}

#[test]
fn the_agents_name_is_not_free() {
    let fake = json!({"name": "coaming-agent", "image": "evil"});
    let running =
        refused(|pod| pod["spec"]["containers"].as_array_mut().unwrap().push(fake.clone()));
    assert_eq!(running, Refusal::Name("coaming-agent".into()));
    let mut pod = pod();
    pod["spec"]["initContainers"].as_array_mut().unwrap().push(fake);
    let patched = injected(&pod).unwrap();
    assert!(!patched.to_string().contains("evil"), "it is replaced");
}

/// Pods of several containers, some of which have grants.
fn pods() -> impl Strategy<Value = (Value, Vec<SecretGrant>, bool)> {
    let names = ["a", "b", "c", "d"];
    let grants = prop::collection::btree_set((0..4_usize, 0..3_usize), 1..6);
    (grants, any::<bool>(), any::<bool>(), 0..3_usize).prop_map(move |(pairs, native, job, init)| {
        let mut pod = pod();
        let list = |range: std::ops::Range<usize>| -> Value {
            let of = |index: usize| json!({"name": names[index], "image": "registry.example/shop/web:1"});
            range.map(of).collect()
        };
        pod["spec"]["initContainers"] = list(0..init);
        pod["spec"]["containers"] = list(init..4);
        if job {
            pod["spec"]["restartPolicy"] = json!("Never");
        }
        let grants: Vec<SecretGrant> = pairs
            .iter()
            .map(|(container, number)| {
                let name = format!("{}-{number}", names[*container]);
                grant(&name, |spec| spec["container"] = json!(names[*container]))
            })
            .collect();
        let wanted: Vec<String> =
            grants.iter().map(|grant| grant.metadata.name.clone().unwrap()).collect();
        pod["metadata"]["annotations"]["coaming.dev/secrets"] = json!(wanted.join(", "));
        (pod, grants, native)
    })
}

proptest! {
    #[test]
    fn each_file_is_in_its_own_container_alone((pod, grants, native) in pods()) {
        let patched = injected_with(&pod, &grants, &facts(native)).unwrap();
        let mut volumes = std::collections::BTreeMap::new();
        for list in ["initContainers", "containers"] {
            for container in patched["spec"][list].as_array().unwrap() {
                let name = container["name"].as_str().unwrap();
                for mount in container["volumeMounts"].as_array().into_iter().flatten() {
                    let volume = mount["name"].as_str().unwrap();
                    if name.starts_with("coaming-agent") || !volume.starts_with("coaming-") {
                        continue;
                    }
                    prop_assert_eq!(&mount["readOnly"], &json!(true));
                    let path = mount["mountPath"].as_str().unwrap().to_owned();
                    prop_assert!(volumes.insert(volume.to_owned(), (name.to_owned(), path)).is_none());
                }
            }
        }
        prop_assert_eq!(volumes.len(), grants.len());
        for grant in &grants {
            let own = (grant.spec.container.clone(), grant.spec.directory.clone());
            prop_assert!(volumes.values().any(|found| *found == own));
        }
    }

    #[test]
    fn no_pod_makes_it_panic(text in "[\\x20-\\x7e]{0,40}", number in 0..12_usize) {
        let paths = ["/spec/containers", "/spec/volumes", "/spec/securityContext", "/metadata/annotations",
            "/spec/initContainers", "/spec/containers/0", "/spec/containers/0/volumeMounts", "/spec",
            "/metadata", "/spec/serviceAccountName", "/spec/volumes/0/projected", "/spec/containers/1/name"];
        for value in [json!(text), json!([text]), json!({text.clone(): [null]}), json!(null), json!(-1)] {
            let mut pod = pod();
            if let Some(part) = pod.pointer_mut(paths[number]) {
                *part = value;
            }
            drop(inject(&pod, &[grant("db", |_| {})], Stores::default(), "shop", &facts(true)));
        }
    }
}
