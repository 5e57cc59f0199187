//! Injection: what a pod becomes, and which pods are refused.

use std::sync::Arc;

use coaming_vault::{
    ClusterSecretStore, EntryPoint, EntryPoints, Refusal, SecretGrant, SecretStore, ServerFacts,
    Stores, inject, launcher_warning,
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
        entry_points: Arc::new(OneImage),
    }
}

/// The entry point of one image is known.
#[derive(Debug)]
struct OneImage;

impl EntryPoints for OneImage {
    fn entry_point(&self, image: &str) -> Result<EntryPoint, String> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        match image {
            "registry.example/shop/web:1" => Ok(EntryPoint {
                command: words(&["/entry", "$(HOME)"]),
                arguments: words(&["serve", "--port=80"]),
            }),
            "registry.example/shop/web:empty" => Ok(EntryPoint::default()),
            _ => Err("its registry does not answer".to_owned()),
        }
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

/// A grant whose container is started by the launcher.
fn launched(name: &str) -> SecretGrant {
    grant(name, |spec| {
        spec["launcher"] = json!(true);
        spec["files"][0]["variable"] = json!("DB_PASSWORD");
    })
}

const LAUNCH: [&str; 4] = [
    "/run/coaming-launcher/coaming-launch",
    "--variable",
    "DB_PASSWORD=/run/secrets/db/password",
    "--",
];

#[test]
fn the_launcher_starts_what_the_container_would() {
    let started = |change: &dyn Fn(&mut Value)| {
        let mut pod = pod();
        change(&mut pod["spec"]["containers"][0]);
        let patched = injected_with(&pod, &[launched("db")], &facts(true))?;
        let app = &patched["spec"]["containers"][0];
        let words = |key: &str| -> Vec<String> {
            serde_json::from_value(app[key].clone()).unwrap_or_default()
        };
        let command = words("command");
        assert_eq!(command[..4], LAUNCH);
        Ok::<_, Refusal>((command[4..].to_vec(), words("args")))
    };
    let own = started(&|app| {
        app["command"] = json!(["./server"]);
        app["args"] = json!(["$(POD_NAME)"]);
    });
    assert_eq!(own, Ok((vec!["./server".into()], vec!["$(POD_NAME)".into()])));
    // The kubelet would replace `$(HOME)`, which a runtime leaves as it is in an image.
    let image =
        (vec!["/entry".into(), "$$(HOME)".into()], vec!["serve".into(), "--port=80".into()]);
    assert_eq!(started(&|_| {}), Ok(image.clone()));
    let with_arguments = started(&|app| app["args"] = json!(["migrate"]));
    assert_eq!(with_arguments, Ok((image.0, vec!["migrate".into()])));
    let unknown = started(&|app| app["image"] = json!("registry.example/shop/web:2")).unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "container `app` has no `command`, and the entry point of the image \
         `registry.example/shop/web:2` is not known: its registry does not answer"
    );
    let empty = |app: &mut Value| app["image"] = json!("registry.example/shop/web:empty");
    assert!(matches!(started(&empty), Err(Refusal::EntryPoint { .. })));
}

#[test]
fn the_launcher_is_read_only_and_in_its_container_alone() {
    for native in [true, false] {
        let patched = injected_with(&pod(), &[launched("db")], &facts(native)).unwrap();
        let agents: &[&str] = match native {
            true => &["coaming-agent", "app"],
            false => &["coaming-agent-first", "app", "coaming-agent"],
        };
        assert_eq!(mounted_by(&patched, "coaming-launcher"), agents);
        let app = patched["spec"]["containers"][0]["volumeMounts"].as_array().unwrap();
        let mount = app.iter().find(|mount| mount["name"] == "coaming-launcher").unwrap();
        assert_eq!(mount["readOnly"], true);
        let config = patched["spec"]["initContainers"][0]["env"][0]["value"].as_str().unwrap();
        let config = coaming_vault::Config::parse(serde_json::from_str(config).unwrap()).unwrap();
        let launcher = config.launcher.unwrap();
        assert_eq!(launcher.directory.to_str(), Some("/run/coaming/launcher"));
    }
    let writable = json!([{"name": "coaming-launcher", "mountPath": "/run/coaming-launcher"}]);
    for container in [0, 1] {
        let mut pod = pod();
        pod["spec"]["containers"][container]["volumeMounts"] = writable.clone();
        for grant in [launched("db"), grant("db", |_| {})] {
            let refusal = injected_with(&pod, &[grant], &facts(true)).unwrap_err();
            assert!(matches!(refusal, Refusal::ForeignMount { .. }), "{refusal}");
        }
    }
    // Nor is a volume of this name what someone else makes of it.
    let mut pod = pod();
    pod["spec"]["volumes"] = json!([{"name": "coaming-launcher", "configMap": {"name": "evil"}}]);
    let patched = injected_with(&pod, &[launched("db")], &facts(true)).unwrap();
    assert!(!patched.to_string().contains("evil"));
}

#[test]
fn a_variable_has_one_value() {
    let mut with_env = pod();
    with_env["spec"]["containers"][0]["env"] = json!([{"name": "DB_PASSWORD", "value": "x"}]);
    let twice = Refusal::Variable { container: "app".into(), variable: "DB_PASSWORD".into() };
    assert_eq!(injected_with(&with_env, &[launched("db")], &facts(true)).unwrap_err(), twice);
    let mut two = pod();
    two["metadata"]["annotations"]["coaming.dev/secrets"] = json!("db,other");
    let both = [launched("db"), launched("other")];
    assert_eq!(injected_with(&two, &both, &facts(true)).unwrap_err(), twice);
}

/// What the status of a grant says.
fn problem(change: &dyn Fn(&mut Value)) -> String {
    let (stores, cluster) = ([store()], [cluster_store(&["other"])]);
    let grant = grant("db", |spec| change(spec));
    let stores = Stores { namespaced: &stores, cluster: &cluster };
    match coaming_vault::check_grant(&grant, stores, "shop") {
        Ok(()) => String::new(),
        Err(refusal) => refusal.to_string(),
    }
}

/// A tag or digest in `repository` would be ignored, and every image of the repository be granted.
#[test]
fn a_repository_names_no_tag_and_no_digest() {
    let digest = format!("sha256:{}", "ab".repeat(32));
    let image = |repository: &str, digest: Option<&str>| {
        problem(&|spec| spec["image"] = json!({"repository": repository, "digest": digest}))
    };
    assert_eq!(image("registry.example:5000/shop/web", Some(&digest)), "");
    for repository in ["shop/web:1.2", &format!("shop/web@{digest}"), &format!("web:1@{digest}")] {
        let said = image(repository, None);
        assert!(
            said.contains("has a tag or a digest: name the digest in `image.digest`"),
            "{said}"
        );
    }
    for repository in ["Shop/Web", "shop/web:", "https://registry.example/shop/web"] {
        let said = image(repository, None);
        assert!(said.contains("is not a valid repository"), "{said}");
    }
    for digest in ["sha256:abc", &"ab".repeat(32), ""] {
        let said = image("shop/web", Some(digest));
        assert!(said.contains("is not a valid digest"), "{said}");
    }
}

#[test]
fn typical_mistakes_in_grants_are_named() {
    let set = |pointer: &str, value: Value| {
        problem(&|spec| {
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            spec.pointer_mut(parent).unwrap()[key] = value.clone();
        })
    };
    let said = |pointer: &str, value: Value, expected: &str| {
        let said = set(pointer, value);
        assert!(said.contains(expected), "{pointer}: {said}");
    };
    let account = "write the name of the service account alone";
    for name in ["system:serviceaccount:shop:web", "shop/web", "Web"] {
        said("/serviceAccount", json!(name), account);
    }
    let directory = "write an absolute path of at least two directories";
    for path in ["/run/secrets/db/", "/secrets", "run/secrets", "/run/../etc/x", "/run/a:b"] {
        said("/directory", json!(path), directory);
    }
    said("/files/0/template", json!("{{ secret.password }}"), "`key` and `template`");
    said("/files/0/path", json!("/secret/shop/db"), "`/secret/shop/db` is not a path");
    said(
        "/store/name",
        json!("valt"),
        "names the SecretStore `valt`, which is not in this namespace",
    );
    said(
        "/store/kind",
        json!("ClusterSecretStore"),
        "does not have `shop` among its `allowedNamespaces`",
    );
    let other_kind =
        problem(&|spec| spec["store"] = json!({"kind": "ClusterSecretStore", "name": "x"}));
    assert!(
        other_kind.contains("names the ClusterSecretStore `x`, which does not exist"),
        "{other_kind}"
    );
}

/// A store of the other kind has the name.
#[test]
fn the_kind_of_a_store_is_easily_forgotten() {
    let cluster = [cluster_store(&["shop"])];
    let stores = Stores { namespaced: &[], cluster: &cluster };
    let said = coaming_vault::check_grant(&grant("db", |_| {}), stores, "shop").unwrap_err();
    let said = said.to_string();
    assert!(said.contains("a ClusterSecretStore has this name: set `store.kind`"), "{said}");
}

#[test]
fn a_grant_says_what_is_wrong_with_its_variables() {
    let idle = problem(&|spec| spec["launcher"] = json!(true));
    assert!(idle.contains("needs a file with a `variable`"), "{idle}");
    let unset = problem(&|spec| spec["files"][0]["variable"] = json!("A"));
    assert!(unset.contains("set `launcher: true`"), "{unset}");
    let invalid = problem(&|spec| {
        spec["launcher"] = json!(true);
        spec["files"][0]["variable"] = json!("A-B");
    });
    assert!(invalid.contains("`A-B` is not the name"), "{invalid}");
    assert_eq!(launcher_warning(&grant("db", |_| {})), None);
    let warning = launcher_warning(&launched("db")).unwrap();
    assert!(warning.contains("/proc/PID/environ") && warning.contains("DB_PASSWORD"), "{warning}");
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

/// A typing error does not start a pod without its secrets.
#[test]
fn an_annotation_without_names_is_refused() {
    let ask = |annotation: &str| {
        let mut pod = pod();
        pod["metadata"]["annotations"]["coaming.dev/secrets"] = annotation.into();
        let stores = [store()];
        let stores = Stores { namespaced: &stores, cluster: &[] };
        inject(&pod, &[grant("db", |_| {})], stores, "shop", &facts(true))
    };
    for annotation in [",", " , ,"] {
        let refusal = ask(annotation).unwrap_err();
        assert!(refusal.to_string().contains("names no SecretGrant"), "{annotation}: {refusal}");
    }
    for nothing in ["", "  "] {
        assert!(ask(nothing).unwrap().is_empty(), "{nothing:?}");
    }
}
