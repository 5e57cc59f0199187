//! The manifests that install the server.

use std::collections::BTreeSet;

use coaming_serve::{CHART, ManifestOptions, manifests};
use serde_json::{Value, json};

fn objects(minor: u32, set: &[&str]) -> Vec<Value> {
    let options = ManifestOptions {
        namespace: "guard".to_owned(),
        kubernetes_minor: minor,
        set: set.iter().map(|&text| text.to_owned()).collect(),
    };
    let text = manifests(&options).unwrap();
    let stream = coaming_yaml::parse(text.as_str().into());
    assert!(stream.errors.is_empty(), "{:?}", stream.errors);
    stream.documents.iter().map(|document| document.root().to_json()).collect()
}

fn of_kind<'o>(objects: &'o [Value], kind: &str) -> Vec<&'o Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}

#[test]
fn every_supported_version_has_its_manifests() {
    for minor in 20..=37 {
        let objects = objects(minor, &[]);
        let budget = of_kind(&objects, "PodDisruptionBudget")[0];
        let expected = if minor < 21 { "policy/v1beta1" } else { "policy/v1" };
        assert_eq!(budget["apiVersion"], expected, "1.{minor}");
        assert_eq!(objects.len(), 16, "1.{minor}");
    }
}

#[test]
fn webhooks_never_lock_the_owner_out() {
    let objects = objects(30, &["excludedNamespaces={storage,network}", "secrets.enabled=true"]);
    let mut webhooks = of_kind(&objects, "ValidatingWebhookConfiguration");
    webhooks.extend(of_kind(&objects, "MutatingWebhookConfiguration"));
    let mut names = BTreeSet::new();
    for webhook in webhooks.iter().flat_map(|object| object["webhooks"].as_array().unwrap()) {
        names.insert(webhook["name"].as_str().unwrap());
        assert_eq!(webhook["timeoutSeconds"], 3);
        assert_eq!(webhook["sideEffects"], "NoneOnDryRun");
        let name = webhook["name"].as_str().unwrap();
        let expected = if name.contains("-or-fail.") { "Fail" } else { "Ignore" };
        assert_eq!(webhook["failurePolicy"], expected, "{name}");
        let is_of_cluster = ["validate-cluster.coaming.dev", "connect-node-or-fail.coaming.dev"];
        if !is_of_cluster.contains(&name) {
            let selectors = webhook["namespaceSelector"]["matchExpressions"].as_array().unwrap();
            let excluded = selectors[0]["values"].as_array().unwrap();
            let all = ["kube-system", "kube-node-lease", "guard", "storage", "network"];
            assert_eq!(*excluded, all, "{name}");
        }
        for rule in webhook["rules"].as_array().unwrap() {
            for field in ["apiGroups", "apiVersions", "resources", "operations"] {
                let values = rule[field].as_array().unwrap();
                let is_wide = |value: &Value| value.as_str().unwrap().contains('*');
                assert!(!values.iter().any(is_wide), "{name}: {rule}");
            }
            let resources = rule["resources"].as_array().unwrap();
            for never in ["nodes", "leases", "events", "endpoints", "pods/status", "pods/binding"] {
                assert!(!resources.iter().any(|resource| resource == never), "{name}");
            }
        }
    }
    assert_eq!(names.len(), 8);
}

#[test]
fn rights_are_named_one_by_one() {
    let objects = objects(30, &[]);
    let mut roles = of_kind(&objects, "ClusterRole");
    roles.extend(of_kind(&objects, "Role"));
    for rule in roles.iter().flat_map(|role| role["rules"].as_array().unwrap()) {
        assert!(!rule.to_string().contains('*'), "{rule}");
        let has = |field: &str, value: &str| {
            rule[field].as_array().unwrap().iter().any(|other| other == value)
        };
        // Only its own Secret can be read.
        let reads = ["get", "list", "watch"].iter().any(|verb| has("verbs", verb));
        if has("resources", "secrets") && reads {
            assert_eq!(rule["resourceNames"], json!(["coaming-tls"]));
        }
    }
}

/// The background may list and watch exactly what it follows, and Secrets only if they are asked for.
#[test]
fn reports_take_the_rights_to_what_is_followed() {
    let rights = |set: &[&str]| {
        let objects = objects(30, set);
        let role = of_kind(&objects, "ClusterRole")[0].clone();
        let mut listed = BTreeSet::new();
        for rule in role["rules"].as_array().unwrap() {
            if rule["verbs"] == json!(["list", "watch"]) {
                for resource in rule["resources"].as_array().unwrap() {
                    let group = rule["apiGroups"][0].as_str().unwrap().to_owned();
                    listed.insert((group, resource.as_str().unwrap().to_owned()));
                }
            }
        }
        // What is not part of every cluster is read where it is.
        let optional = ["coaming.dev", "gateway.networking.k8s.io", "policy.networking.k8s.io"];
        listed.retain(|(group, _)| !optional.contains(&group.as_str()));
        listed
    };
    let followed: BTreeSet<(String, String)> = coaming_watch::FOLLOWED
        .iter()
        .flat_map(|(group, kinds)| kinds.iter().map(|(_, plural)| (*group, *plural)))
        .map(|(group, plural)| (group.to_owned(), plural.to_owned()))
        .collect();
    assert_eq!(rights(&["reports.enabled=true"]), followed);
    assert_eq!(rights(&["pages.enabled=true"]), followed);
    let secrets = (String::new(), "secrets".to_owned());
    assert!(rights(&["reports.enabled=true", "reports.secrets=true"]).contains(&secrets));
}

#[test]
fn registries_are_asked_where_the_owner_allows_it() {
    let parts = |set: &[&str]| {
        let objects = objects(30, set);
        let pod = of_kind(&objects, "Deployment")[0]["spec"]["template"]["spec"].clone();
        let policy = of_kind(&objects, "NetworkPolicy")[0]["spec"]["egress"].clone();
        (pod, policy.as_array().unwrap().len())
    };
    let (pod, egress) = parts(&[]);
    assert!(!pod.to_string().contains("registries") && egress == 1, "{pod}");
    let (pod, egress) = parts(&["registries.ask=true", "registries.pullSecret=pull"]);
    let container = &pod["containers"][0];
    assert!(container["args"].as_array().unwrap().contains(&json!("--ask-registries")));
    assert_eq!(container["env"][0]["name"], "DOCKER_CONFIG");
    assert_eq!(container["volumeMounts"][0]["mountPath"], container["env"][0]["value"]);
    let volume = &pod["volumes"][0]["secret"];
    assert_eq!(volume["secretName"], "pull");
    assert_eq!(volume["items"], json!([{"key": ".dockerconfigjson", "path": "config.json"}]));
    // Who is not root reads it by its group.
    assert_eq!(
        (&volume["defaultMode"], &pod["securityContext"]["fsGroup"]),
        (&json!(288), &json!(65532))
    );
    assert_eq!(egress, 2);
    assert_eq!(parts(&["secrets.enabled=true"]).1, 2, "for entry points");
    // A private authority, alone.
    let (pod, _) = parts(&["registries.ca=authority"]);
    let container = &pod["containers"][0];
    let mount = &container["volumeMounts"][0];
    let argument = format!("--registry-ca={}/ca.crt", mount["mountPath"].as_str().unwrap());
    assert!(container["args"].as_array().unwrap().contains(&json!(argument)));
    assert_eq!(pod["volumes"][0]["configMap"]["name"], "authority");
    assert_eq!(mount["name"], pod["volumes"][0]["name"]);
}

#[test]
fn all_files_of_the_chart_are_in_it() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/helm/coaming");
    let templates = std::fs::read_dir(format!("{root}/templates")).unwrap();
    let names = templates.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut on_disk: Vec<String> = names.map(|name| format!("templates/{name}")).collect();
    on_disk.sort();
    let known = CHART.iter().map(|(name, _)| (*name).to_owned());
    assert_eq!(known.filter(|name| name.starts_with("templates/")).collect::<Vec<_>>(), on_disk);
}

/// Pages take the right to ask who reads them, and none to write.
#[test]
fn pages_are_off_by_default() {
    let parts = |set: &[&str]| {
        let objects = objects(30, set);
        let role = of_kind(&objects, "ClusterRole")[0].to_string();
        let pod = &of_kind(&objects, "Deployment")[0]["spec"]["template"]["spec"];
        (role, pod["containers"][0]["args"].as_array().unwrap().clone())
    };
    let (role, arguments) = parts(&[]);
    assert!(!role.contains("tokenreviews") && !arguments.contains(&json!("--pages")));
    let (role, arguments) = parts(&["pages.enabled=true", "pages.memory=200"]);
    assert!(role.contains("tokenreviews") && !role.contains("policyreports"), "{role}");
    assert!(arguments.contains(&json!("--pages")));
    assert!(arguments.contains(&json!("--page-memory=200")), "{arguments:?}");
}

#[test]
fn wrong_values_are_errors() {
    let options = ManifestOptions { set: vec!["a[x]=1".to_owned()], ..ManifestOptions::default() };
    assert!(manifests(&options).unwrap_err().to_string().contains("cannot render the manifests"));
    // The schema of the chart names what does not exist, or is of another type.
    for (value, said) in [
        ("pages.active=true", "active"),
        ("replicas=two", "replicas"),
        ("policy.mode=enfroce", "mode"),
        ("image.digest=sha256:12", "digest"),
        ("networkPolicy.registryPorts={70000}", "registryPorts"),
    ] {
        let options = ManifestOptions { set: vec![value.to_owned()], ..ManifestOptions::default() };
        let error = manifests(&options).unwrap_err().to_string();
        assert!(error.contains(said), "{value}: {error}");
    }
}

/// Every value has a place in the schema, and every property of the schema a value.
#[test]
fn the_schema_has_the_values() {
    fn names(value: &Value, path: &str, found: &mut BTreeSet<String>) {
        let Some(members) = value.as_object().filter(|members| !members.is_empty()) else {
            found.insert(path.to_owned());
            return;
        };
        members.iter().for_each(|(name, value)| names(value, &format!("{path}.{name}"), found));
    }
    fn properties(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
        let Some(members) = schema["properties"].as_object() else {
            found.insert(path.to_owned());
            return;
        };
        members.iter().for_each(|(name, own)| properties(own, &format!("{path}.{name}"), found));
    }
    let file = |name: &str| CHART.iter().find(|(path, _)| *path == name).unwrap().1;
    let values = coaming_yaml::parse(file("values.yaml").into()).documents[0].root().to_json();
    let schema: Value = serde_json::from_str(file("values.schema.json")).unwrap();
    let (mut has, mut knows) = (BTreeSet::new(), BTreeSet::new());
    names(&values, "", &mut has);
    properties(&schema, "", &mut knows);
    let is_known = |name: &&String| {
        knows.contains(*name) || knows.iter().any(|own| name.starts_with(&format!("{own}.")))
    };
    assert_eq!(has.iter().filter(|name| !is_known(name)).collect::<Vec<_>>(), [""; 0]);
    // Settings that have no default.
    let optional = |name: &&String| name.starts_with(".policy.") || *name == ".global";
    let has_value = |name: &&String| {
        has.contains(*name) || has.iter().any(|own| own.starts_with(&format!("{name}.")))
    };
    let without: Vec<_> = knows.iter().filter(|name| !has_value(name) && !optional(name)).collect();
    assert_eq!(without, [""; 0]);
}

#[test]
fn further_kinds_and_variables_are_added() {
    let kind = "furtherKinds[0].apiGroups={networking.k8s.io},furtherKinds[0].apiVersions={v1},\
                furtherKinds[0].resources={ingresses}";
    // A port is a number for --set, and a text for a pod.
    let variable = "extraEnv[0].name=KUBERNETES_SERVICE_PORT,extraEnv[0].value=6443";
    let objects = objects(30, &[kind, variable]);
    let webhooks = &of_kind(&objects, "ValidatingWebhookConfiguration")[0]["webhooks"];
    for webhook in [&webhooks[0], &webhooks[1]] {
        let rule = webhook["rules"].as_array().unwrap().last().unwrap();
        let operations = json!(["CREATE", "UPDATE"]);
        assert_eq!((&rule["resources"], &rule["operations"]), (&json!(["ingresses"]), &operations));
    }
    let container =
        &of_kind(&objects, "Deployment")[0]["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["env"], json!([{"name": "KUBERNETES_SERVICE_PORT", "value": "6443"}]));
}
