//! The pod with the agent in it.
//!
//! Every field that the API server would default is written out: the pod of an update then equals
//! what is made here.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::check::is_ours;
use super::delivery::{Delivery, Reader};
use super::{
    AGENT, API_ACCESS, FIRST, FORM, LAUNCHER, PROGRAM, Refusal, ServerFacts, TOKEN, launcher, text,
};
use crate::config::{
    self, Auth, AwsAuth, AwsConfig, AzureConfig, ClusterConfig, Config, GoogleConfig, GrantConfig,
    LauncherConfig, StoreConfig, VaultConfig,
};
use crate::grant::{AwsMethod, Server, StoreKind, StoreMethod, VaultServer};

/// Where the API server's token would be. The agent's own is there instead, so that admission adds
/// none to it.
const TOKEN_DIRECTORY: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// Where the agent mounts its volumes.
const VOLUMES: &str = "/run/coaming";
/// Where the agent mounts the launcher's volume.
const LAUNCHERS: &str = "/run/coaming/launcher";
/// The agent's user where the pod's group reads the files.
const AGENT_USER: i64 = 65532;
/// How long the agent's token is valid, in seconds. The kubelet replaces it in time.
const TOKEN_SECONDS: u64 = 600;
/// What the agent needs in addition to its volumes, in MiB.
const MEMORY: u64 = 48;

/// The three forms.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One init container that goes on beside the others.
    Native,
    /// An init container, and a container for what changes later.
    TwoContainers,
    /// An init container alone: a Job on an older server would never end otherwise.
    InitOnly,
}

/// The pod with the agent.
pub(super) fn patched(
    pod: &Value,
    deliveries: &[Delivery<'_>],
    facts: &ServerFacts,
) -> Result<Value, Refusal> {
    let mut patched = pod.clone();
    let spec = patched.get_mut("spec").and_then(Value::as_object_mut).ok_or(Refusal::Form)?;
    let ends =
        matches!(spec.get("restartPolicy").and_then(Value::as_str), Some("Never" | "OnFailure"));
    let form = match (facts.native_sidecars, ends) {
        (true, _) => Form::Native,
        (false, true) => Form::InitOnly,
        (false, false) => Form::TwoContainers,
    };
    names_are_free(spec, form)?;
    volumes(spec, deliveries);
    for delivery in deliveries {
        mount(spec, delivery);
    }
    for key in ["initContainers", "containers"] {
        let containers = spec.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten();
        for container in containers.filter_map(Value::as_object_mut) {
            launcher::put(container, deliveries, &*facts.entry_points)?;
        }
    }
    if !uses_api(pod) {
        without_api_token(spec);
    }
    let grace = spec.get("terminationGracePeriodSeconds").and_then(Value::as_u64).unwrap_or(30);
    add_containers(spec, deliveries, facts, form, grace);
    let how = match form {
        Form::Native => "native",
        Form::TwoContainers => "init-and-sidecar",
        Form::InitOnly => "init-only",
    };
    if let Some(annotations) =
        patched.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut)
    {
        annotations.insert(FORM.to_owned(), how.into());
    }
    Ok(patched)
}

/// The agent's names are where the agent belongs, or nowhere.
fn names_are_free(spec: &Map<String, Value>, form: Form) -> Result<(), Refusal> {
    let has = |key: &str, name: &str| {
        let containers = spec.get(key).and_then(Value::as_array).into_iter().flatten();
        containers.into_iter().any(|container| text(container, "name") == name)
    };
    let (init, running) = match form {
        Form::Native => (FIRST, AGENT),
        Form::TwoContainers | Form::InitOnly => (AGENT, FIRST),
    };
    let misplaced = [("initContainers", init), ("containers", running), ("containers", FIRST)];
    match misplaced.iter().find(|(key, name)| has(key, name)) {
        Some((_, name)) => Err(Refusal::Name((*name).to_owned())),
        None if form == Form::InitOnly && has("containers", AGENT) => {
            Err(Refusal::Name(AGENT.to_owned()))
        }
        None => Ok(()),
    }
}

/// The list of this name, which is made if it is absent.
pub(super) fn list<'s>(spec: &'s mut Map<String, Value>, key: &str) -> Option<&'s mut Vec<Value>> {
    let entry = spec.entry(key).or_insert_with(|| json!([]));
    if entry.is_null() {
        *entry = json!([]);
    }
    entry.as_array_mut()
}

/// Puts an item where the one of its name is, or at the end.
fn put(list: &mut Vec<Value>, item: Value) {
    match list.iter_mut().find(|other| text(other, "name") == text(&item, "name")) {
        Some(there) => *there = item,
        None => list.push(item),
    }
}

fn volumes(spec: &mut Map<String, Value>, deliveries: &[Delivery<'_>]) {
    let Some(list) = list(spec, "volumes") else { return };
    let is_launched = launcher::is_needed(deliveries);
    let own = |name: &str| {
        name == TOKEN
            || is_launched && name == launcher::VOLUME
            || deliveries.iter().any(|delivery| delivery.volume == name)
    };
    // A volume of ours that no grant explains would be readable by whatever mounts it.
    list.retain(|volume| !is_ours(text(volume, "name")) || own(text(volume, "name")));
    for delivery in deliveries {
        let limit = format!("{}Mi", mebibytes(delivery));
        let memory = json!({"medium": "Memory", "sizeLimit": limit});
        put(list, json!({"name": delivery.volume, "emptyDir": memory}));
    }
    if is_launched {
        let memory = json!({"medium": "Memory", "sizeLimit": format!("{}Mi", launcher::MEBIBYTES)});
        put(list, json!({"name": launcher::VOLUME, "emptyDir": memory}));
    }
    let audience = deliveries.first().map(|delivery| delivery.server.audience());
    let token = json!({"serviceAccountToken": {
        "audience": audience, "expirationSeconds": TOKEN_SECONDS, "path": "token"}});
    put(list, json!({"name": TOKEN, "projected": {"defaultMode": 0o644, "sources": [token]}}));
}

/// Room for two generations of the files, and their directories.
fn mebibytes(delivery: &Delivery<'_>) -> u64 {
    let bytes = max_bytes(delivery).saturating_mul(2) + (64 << 10);
    bytes.div_ceil(1 << 20)
}

fn max_bytes(delivery: &Delivery<'_>) -> u64 {
    delivery.grant.spec.max_bytes.map_or_else(config::default_max_bytes, u64::from)
}

/// Mounts a volume in its container. A mount that was there is replaced, unless it is by `subPath`,
/// which is refused later.
fn mount(spec: &mut Map<String, Value>, delivery: &Delivery<'_>) {
    for key in ["initContainers", "containers"] {
        let containers = spec.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten();
        for container in containers.filter(|c| text(c, "name") == delivery.grant.spec.container) {
            let Some(container) = container.as_object_mut() else { continue };
            let Some(mounts) = list(container, "volumeMounts") else { continue };
            if !mounts.iter().any(|mount| text(mount, "name") == delivery.volume) {
                mounts.push(delivery.mount());
            }
        }
    }
}

/// Whether the pod's own containers use the API server's token.
fn uses_api(pod: &Value) -> bool {
    let annotation = pod.pointer("/metadata/annotations").and_then(|all| all.get(API_ACCESS));
    annotation.and_then(Value::as_str) == Some("true")
        || pod.pointer("/spec/automountServiceAccountToken") == Some(&Value::Bool(true))
}

/// Takes the API server's token from the pod: admission has mounted it before this.
fn without_api_token(spec: &mut Map<String, Value>) {
    spec.insert("automountServiceAccountToken".to_owned(), false.into());
    let account = spec.get("serviceAccountName").and_then(Value::as_str).unwrap_or("default");
    let legacy = format!("{account}-token-");
    let is_token = |name: &str| name.starts_with("kube-api-access-") || name.starts_with(&legacy);
    let mut removed = Vec::new();
    for key in ["initContainers", "containers"] {
        let containers = spec.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten();
        let mounts = containers.filter_map(|c| c.get_mut("volumeMounts")?.as_array_mut());
        for mounts in mounts {
            mounts.retain(|mount| {
                let name = text(mount, "name");
                let is = text(mount, "mountPath") == TOKEN_DIRECTORY && is_token(name);
                if is {
                    removed.push(name.to_owned());
                }
                !is
            });
        }
    }
    if let Some(volumes) = spec.get_mut("volumes").and_then(Value::as_array_mut) {
        volumes.retain(|volume| !removed.iter().any(|name| name == text(volume, "name")));
    }
}

fn add_containers(
    spec: &mut Map<String, Value>,
    deliveries: &[Delivery<'_>],
    facts: &ServerFacts,
    form: Form,
    grace: u64,
) {
    let first_name = if form == Form::Native { AGENT } else { FIRST };
    let mut first = agent(first_name, deliveries, facts, 0);
    if let Some(first) = first.as_object_mut() {
        if form == Form::Native {
            first.insert("restartPolicy".to_owned(), "Always".into());
            first.insert("startupProbe".to_owned(), probe());
        } else {
            first.insert("args".to_owned(), json!(["agent", "--once"]));
        }
    }
    if let Some(list) = list(spec, "initContainers") {
        // In front: others need the secrets, and a mesh may cut off the network of what follows it.
        list.retain(|container| text(container, "name") != first_name);
        list.insert(0, first);
    }
    if form == Form::TwoContainers {
        // The others get the same signal: the files stay until just before the period ends.
        let second = agent(AGENT, deliveries, facts, grace.saturating_sub(3));
        if let Some(list) = list(spec, "containers") {
            put(list, second);
        }
    }
}

/// Until the files are there, the containers that follow do not start.
fn probe() -> Value {
    json!({
        "exec": {"command": [PROGRAM, "agent", "--ready"]},
        "failureThreshold": 300, "periodSeconds": 1, "successThreshold": 1, "timeoutSeconds": 5,
    })
}

/// The agent's container.
fn agent(name: &str, deliveries: &[Delivery<'_>], facts: &ServerFacts, grace: u64) -> Value {
    let mut mounts: Vec<Value> = deliveries
        .iter()
        .map(|delivery| json!({"name": delivery.volume, "mountPath": directory(delivery)}))
        .collect();
    mounts.push(json!({"name": TOKEN, "mountPath": TOKEN_DIRECTORY, "readOnly": true}));
    let is_launched = launcher::is_needed(deliveries);
    if is_launched {
        mounts.push(json!({"name": launcher::VOLUME, "mountPath": LAUNCHERS}));
    }
    let config = serde_json::to_string(&configuration(deliveries, grace)).unwrap_or_default();
    let files: u64 = deliveries.iter().map(mebibytes).sum();
    let size = files + if is_launched { launcher::MEBIBYTES } else { 0 };
    let user = deliveries.iter().find_map(|delivery| match delivery.reader {
        Reader::User(user) => Some(user),
        Reader::Group => None,
    });
    json!({
        "name": name,
        "image": facts.agent_image,
        "imagePullPolicy": "IfNotPresent",
        "command": [PROGRAM],
        "args": ["agent"],
        "env": [{"name": "COAMING_AGENT_CONFIG", "value": config}],
        "volumeMounts": mounts,
        "resources": {
            "requests": {"cpu": "10m", "memory": format!("{}Mi", MEMORY / 3 + size)},
            "limits": {"cpu": "200m", "memory": format!("{}Mi", MEMORY + size)},
        },
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": true,
            "runAsNonRoot": true,
            "runAsUser": user.unwrap_or(AGENT_USER),
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "FallbackToLogsOnError",
    })
}

fn directory(delivery: &Delivery<'_>) -> String {
    format!("{VOLUMES}/{}", delivery.volume)
}

/// The agent's configuration: a store for each server and role.
fn configuration(deliveries: &[Delivery<'_>], grace: u64) -> Config {
    let mut stores = BTreeMap::new();
    let mut grants = Vec::new();
    for delivery in deliveries {
        let spec = &delivery.grant.spec;
        let kind = match spec.store.kind {
            StoreKind::SecretStore => "",
            StoreKind::ClusterSecretStore => "cluster/",
        };
        let store = format!("{kind}{}/{}", spec.store.name, spec.role);
        stores.insert(store.clone(), store_config(delivery));
        grants.push(GrantConfig {
            name: delivery.name.to_owned(),
            store,
            directory: directory(delivery).into(),
            files: delivery.files.clone(),
            refresh_seconds: spec.refresh_seconds.map_or_else(config::default_refresh, u64::from),
            max_bytes: max_bytes(delivery),
            uid: None,
            gid: None,
        });
    }
    let launcher = launcher::is_needed(deliveries)
        .then(|| LauncherConfig { program: LAUNCHER.into(), directory: LAUNCHERS.into() });
    Config { stores, grants, launcher, listen: None, deadline_seconds: 300, grace_seconds: grace }
}

/// How the agent reaches the store. It logs in with its token.
fn store_config(delivery: &Delivery<'_>) -> StoreConfig {
    let role = delivery.grant.spec.role.clone();
    let token_file: PathBuf = format!("{TOKEN_DIRECTORY}/token").into();
    match delivery.server {
        Server::Vault(server) => StoreConfig::Vault(vault(server, role, token_file)),
        Server::Aws(server) => StoreConfig::Aws(AwsConfig {
            region: server.region.clone(),
            auth: match server.method {
                AwsMethod::WebIdentity => AwsAuth::WebIdentity { role_arn: role, token_file },
                AwsMethod::PodIdentity => AwsAuth::PodIdentity { agent: None, token_file },
            },
            endpoint: server.endpoint.clone(),
            sts_endpoint: None,
            ca_bundle: None,
        }),
        Server::Google(server) => StoreConfig::Google(GoogleConfig {
            project: server.project.clone(),
            provider: server.provider.clone(),
            token_file,
            service_account: Some(role).filter(|role| !role.is_empty()),
            endpoint: None,
            sts_endpoint: None,
            iam_endpoint: None,
            ca_bundle: None,
        }),
        Server::Azure(server) => StoreConfig::Azure(AzureConfig {
            vault: server.vault.clone(),
            tenant: server.tenant.clone(),
            client_id: role,
            token_file,
            login_endpoint: None,
            ca_bundle: None,
        }),
        Server::Kubernetes(server) => StoreConfig::Kubernetes(ClusterConfig {
            namespace: server.namespace.clone(),
            token_file,
            address: None,
            ca_bundle: Some(server.ca_bundle.clone()),
        }),
    }
}

fn vault(server: &VaultServer, role: String, token_file: PathBuf) -> VaultConfig {
    let mount = server.mount.clone();
    let auth = match server.method {
        StoreMethod::Kubernetes => Auth::Kubernetes { mount, role, token_file },
        StoreMethod::Jwt => Auth::Jwt { mount, role, token_file },
    };
    VaultConfig {
        address: server.address.clone(),
        namespace: server.namespace.clone(),
        ca_bundle: server.ca_bundle.clone(),
        auth,
        timeout_milliseconds: 10_000,
    }
}
