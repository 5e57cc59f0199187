//! Read the objects of a live cluster, through its API server, as the user's own kubeconfig says.
//!
//! Reads only: no object is written, no value of a Secret is kept. Every kind that can be listed is
//! listed, custom resources included, beside those that change by the second and say nothing of
//! safety. What may not be read is an [`InputError`] that says so; the rest is whole.

use std::sync::Arc;

use coaming_kube::{Origin, Source};
use kube::api::{Api, DynamicObject, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::discovery::{ApiCapabilities, ApiResource, Discovery, Scope, verbs};
use kube::{Client, Config};
use serde_json::Value;

use crate::{InputError, Loaded, Variant};

/// Which cluster, and what of it.
#[derive(Clone, Debug, Default)]
pub struct ClusterOptions {
    /// The kubeconfig's context; `None` takes the current one, or inside a pod its service account.
    pub context: Option<String>,
    /// Only this namespace's objects, and those that are in none.
    pub namespace: Option<String>,
}

/// How many objects one request asks for: as many as kubectl does.
const PAGE: u32 = 500;
/// How many objects of one kind are read: a cluster of the largest supported size has 150,000 pods.
const MAX_OF_KIND: usize = 500_000;
/// Kinds that change by the second or repeat what others say.
const LEFT_OUT: &[&str] = &[
    "APIService",
    "ComponentStatus",
    "ControllerRevision",
    "CSINode",
    "CSIStorageCapacity",
    "EndpointSlice",
    "Endpoints",
    "Event",
    "FlowSchema",
    "Lease",
    "NodeMetrics",
    "PodMetrics",
    "PriorityLevelConfiguration",
    "VolumeAttachment",
];
/// API groups that serve other groups' objects once more.
const REPEATING_GROUPS: &[&str] = &["extensions", "events.k8s.io", "metrics.k8s.io"];

/// Reads all objects of the cluster.
#[must_use]
pub fn load_cluster(options: &ClusterOptions) -> Loaded {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed("cluster", format!("can't be asked: {error}")),
    };
    runtime.block_on(load(options))
}

fn failed(name: &str, message: String) -> Loaded {
    Loaded { errors: vec![InputError::new(name, message)], ..Loaded::default() }
}

async fn load(options: &ClusterOptions) -> Loaded {
    let (client, name) = match connect(options).await {
        Ok(connected) => connected,
        Err(message) => return failed("cluster", message),
    };
    let mut reader = Reader { client, name, options, files: Vec::new(), loaded: Loaded::default() };
    for (resource, capabilities) in reader.resources().await {
        reader.read(&resource, &capabilities).await;
    }
    let mut loaded = reader.loaded;
    reader.files.sort_by(|a, b| a.name.cmp(&b.name));
    loaded.read = reader.files.len();
    loaded.variants = vec![Variant::only(reader.files)];
    loaded.errors.sort();
    loaded
}

/// A client, and what to call the cluster.
async fn connect(options: &ClusterOptions) -> Result<(Client, String), String> {
    let with_kubeconfig =
        KubeConfigOptions { context: options.context.clone(), ..Default::default() };
    let advice = "set KUBECONFIG, or choose with --context";
    let config = match Config::from_kubeconfig(&with_kubeconfig).await {
        Ok(config) => config,
        // Inside a pod there is no kubeconfig, but a service account.
        Err(error) if options.context.is_none() => Config::incluster()
            .map_err(|_| format!("no kubeconfig can be used: {error}; {advice}"))?,
        Err(error) => return Err(format!("no kubeconfig can be used: {error}; {advice}")),
    };
    let name = options.context.clone().or_else(current_context);
    let server = config.cluster_url.to_string();
    let client = Client::try_from(config).map_err(|error| format!("{server}: {error}"))?;
    client
        .apiserver_version()
        .await
        .map_err(|error| format!("{server} does not answer: {}", reason(&error)))?;
    Ok((client, format!("cluster/{}", name.unwrap_or_default()).trim_end_matches('/').to_owned()))
}

fn current_context() -> Option<String> {
    Kubeconfig::read().ok()?.current_context
}

struct Reader<'o> {
    client: Client,
    name: String,
    options: &'o ClusterOptions,
    files: Vec<Source>,
    loaded: Loaded,
}

impl Reader<'_> {
    /// All kinds that can be listed, each in the version that the server prefers.
    async fn resources(&mut self) -> Vec<(ApiResource, ApiCapabilities)> {
        // One request where the server is new enough (an older one answers with an empty list),
        // else one a group: then a group whose own server is down (metrics, often) costs only itself.
        let groups = match Discovery::new(self.client.clone()).run_aggregated().await {
            Ok(discovery) if discovery.groups().next().is_some() => vec![discovery],
            _ => self.groups_one_by_one().await,
        };
        let mut found: Vec<_> = groups
            .iter()
            .flat_map(Discovery::groups)
            .filter(|group| !REPEATING_GROUPS.contains(&group.name()))
            .flat_map(kube::discovery::ApiGroup::recommended_resources)
            .filter(|(resource, capabilities)| {
                capabilities.supports_operation(verbs::LIST)
                    && !LEFT_OUT.contains(&resource.kind.as_str())
            })
            .collect();
        found.sort_by(|(a, _), (b, _)| (&a.group, &a.kind).cmp(&(&b.group, &b.kind)));
        found.dedup_by(|(a, _), (b, _)| a.group == b.group && a.kind == b.kind);
        found
    }

    async fn groups_one_by_one(&mut self) -> Vec<Discovery> {
        let mut names = vec![String::new()];
        match self.client.list_api_groups().await {
            Ok(list) => names.extend(list.groups.into_iter().map(|group| group.name)),
            Err(error) => self.complain("API groups", &error),
        }
        let mut groups = Vec::new();
        for name in names {
            match Discovery::new(self.client.clone()).filter(&[&name]).run().await {
                Ok(discovery) => groups.push(discovery),
                Err(error) => self.complain(&format!("API group `{name}`"), &error),
            }
        }
        groups
    }

    /// Reads all objects of a kind.
    async fn read(&mut self, resource: &ApiResource, capabilities: &ApiCapabilities) {
        let all = || Api::<DynamicObject>::all_with(self.client.clone(), resource);
        let whole_cluster = capabilities.scope == Scope::Cluster;
        let api = match &self.options.namespace {
            Some(namespace) if !whole_cluster => {
                Api::namespaced_with(self.client.clone(), namespace, resource)
            }
            _ => all(),
        };
        let mut parameters = ListParams::default().limit(PAGE);
        let mut count = 0;
        loop {
            let page = match api.list(&parameters).await {
                Ok(page) => page,
                // Who asks for one namespace often may read no other.
                Err(kube::Error::Api(status))
                    if status.code == 403 && whole_cluster && self.options.namespace.is_some() =>
                {
                    return;
                }
                Err(error) => return self.complain(&resource.plural, &error),
            };
            count += page.items.len();
            for object in page.items {
                self.add(resource, object);
            }
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) if count < MAX_OF_KIND => {
                    parameters = parameters.continue_token(&token);
                }
                Some(_) => {
                    let message = format!("only the first {count} {} were read", resource.plural);
                    self.loaded.errors.push(InputError::new(&self.name, message));
                    return;
                }
                None => return,
            }
        }
    }

    fn add(&mut self, resource: &ApiResource, mut object: DynamicObject) {
        object.metadata.managed_fields = None;
        let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
        let name = object.metadata.name.as_deref().unwrap_or_default();
        let place = [&self.name, namespace, &resource.kind, name];
        let parts: Vec<&str> = place.into_iter().filter(|part| !part.is_empty()).collect();
        let file_name = parts.join("/");
        let Ok(mut value) = serde_json::to_value(&object) else { return };
        // Items of a list need not say their kind.
        if let Value::Object(fields) = &mut value {
            fields.insert("apiVersion".to_owned(), resource.api_version.clone().into());
            fields.insert("kind".to_owned(), resource.kind.clone().into());
        }
        if resource.kind == "Secret" && resource.group.is_empty() {
            forget_values(&mut value);
        }
        let document = coaming_yaml::from_json(&value);
        let source = Source::new(&file_name, Arc::from(""), vec![document]);
        self.files.push(source.with_origin(Origin::Cluster));
    }

    fn complain(&mut self, what: &str, error: &kube::Error) {
        let message = format!("{what} can't be read: {}; the rest was", reason(error));
        self.loaded.errors.push(InputError::new(&self.name, message));
    }
}

/// The server's own word where it gave one, else the whole chain of causes.
fn reason(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return status.message.clone();
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// Secrets are where they belong: which keys they have is all that is needed.
fn forget_values(secret: &mut Value) {
    for field in ["data", "stringData"] {
        if let Some(Value::Object(values)) = secret.get_mut(field) {
            for value in values.values_mut() {
                *value = Value::String(String::new());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_of_a_secret_is_kept() {
        let mut secret =
            serde_json::json!({"data": {"password": "aHVudGVyMg=="}, "type": "Opaque"});
        forget_values(&mut secret);
        assert_eq!(secret, serde_json::json!({"data": {"password": ""}, "type": "Opaque"}));
    }
}
