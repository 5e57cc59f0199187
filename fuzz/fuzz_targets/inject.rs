//! Any JSON as a pod: it gets the agent or is refused, and a pod that has the agent stays as it is.

#![no_main]

use coaming_vault::{SecretGrant, SecretStore, ServerFacts, Stores, inject};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fn of<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
    serde_json::from_value(value).expect("it has the form")
}

fuzz_target!(|input: (&str, bool)| {
    let (text, native_sidecars) = input;
    let Ok(mut pod) = serde_json::from_str::<serde_json::Value>(text) else { return };
    let grants: [SecretGrant; 1] = [of(json!({
        "apiVersion": "coaming.dev/v1alpha1", "kind": "SecretGrant",
        "metadata": {"name": "db", "namespace": "shop"},
        "spec": {"serviceAccount": "default", "container": "app", "image": {"repository": "web"},
            "store": {"name": "vault"}, "role": "web", "directory": "/run/secrets/db",
            "files": [{"name": "password", "path": "secret/db", "key": "password"}]}
    }))];
    let stores: [SecretStore; 1] = [of(json!({
        "apiVersion": "coaming.dev/v1alpha1", "kind": "SecretStore",
        "metadata": {"name": "vault", "namespace": "shop"},
        "spec": {"vault": {"address": "https://vault.example:8200", "audience": "vault"}}
    }))];
    let facts = ServerFacts {
        native_sidecars,
        agent_image: "coaming:1".to_owned(),
        agent_program: "/coaming".to_owned(),
    };
    let stores = Stores { namespaced: &stores, cluster: &[] };
    let Ok(patch) = inject(&pod, &grants, stores, "shop", &facts) else { return };
    json_patch::patch(&mut pod, &patch).expect("the patch fits the pod");
    let again = inject(&pod, &grants, stores, "shop", &facts).expect("it is still granted");
    assert!(again.is_empty());
});
