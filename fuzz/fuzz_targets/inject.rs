//! Any JSON as a pod: it gets the agent or is refused, and a pod that has the agent stays as it is.

#![no_main]

use std::sync::Arc;

use coaming_vault::{
    EntryPoint, EntryPoints, SecretGrant, SecretStore, ServerFacts, Stores, inject,
};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fn of<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
    serde_json::from_value(value).expect("it has the form")
}

/// Every image starts the same program.
#[derive(Debug)]
struct Same;

impl EntryPoints for Same {
    fn entry_point(&self, _: &str) -> Result<EntryPoint, String> {
        Ok(EntryPoint { command: vec!["/app".to_owned()], arguments: Vec::new() })
    }
}

fuzz_target!(|input: (&str, bool, bool)| {
    let (text, native_sidecars, launcher) = input;
    let variable = launcher.then_some("PASSWORD");
    let Ok(mut pod) = serde_json::from_str::<serde_json::Value>(text) else { return };
    let grants: [SecretGrant; 1] = [of(json!({
        "apiVersion": "coaming.dev/v1alpha1", "kind": "SecretGrant",
        "metadata": {"name": "db", "namespace": "shop"},
        "spec": {"serviceAccount": "default", "container": "app", "image": {"repository": "web"},
            "store": {"name": "vault"}, "role": "web", "directory": "/run/secrets/db",
            "launcher": launcher,
            "files": [{"name": "password", "path": "secret/db", "key": "password", "variable": variable}]}
    }))];
    let stores: [SecretStore; 1] = [of(json!({
        "apiVersion": "coaming.dev/v1alpha1", "kind": "SecretStore",
        "metadata": {"name": "vault", "namespace": "shop"},
        "spec": {"vault": {"address": "https://vault.example:8200", "audience": "vault"}}
    }))];
    let facts = ServerFacts {
        native_sidecars,
        agent_image: "coaming:1".to_owned(),
        entry_points: Arc::new(Same),
    };
    let stores = Stores { namespaced: &stores, cluster: &[] };
    let Ok(patch) = inject(&pod, &grants, stores, "shop", &facts) else { return };
    json_patch::patch(&mut pod, &patch).expect("the patch fits the pod");
    let again = inject(&pod, &grants, stores, "shop", &facts).expect("it is still granted");
    assert!(again.is_empty());
});
