//! Which resources the cluster has, and which of them are worth reading.

use kube::Client;
use kube::discovery::{ApiGroup, ApiResource, Discovery, Scope, verbs};

use crate::ReadError;

/// Kinds that change every second, or repeat what other kinds contain.
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
/// API groups that serve the objects of other groups a second time.
const REPEATING_GROUPS: &[&str] = &["extensions", "events.k8s.io", "metrics.k8s.io"];

/// A resource that can be listed.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) api: ApiResource,
    /// Whether its objects belong to namespaces.
    pub(crate) namespaced: bool,
}

impl Resource {
    /// The name with the API group: `deployments.apps`; `pods` for the core group.
    pub(crate) fn full_name(&self) -> String {
        if self.api.group.is_empty() {
            self.api.plural.clone()
        } else {
            format!("{}.{}", self.api.plural, self.api.group)
        }
    }
}

/// All resources that can be listed, each in the version that the server prefers, in a fixed order.
pub(crate) async fn resources(client: &Client, errors: &mut Vec<ReadError>) -> Vec<Resource> {
    // One request if the server is new enough (an older one answers with an empty list), else one
    // per group: then a group whose own server is down (metrics, often) costs only itself.
    let groups = match Discovery::new(client.clone()).run_aggregated().await {
        Ok(discovery) if discovery.groups().next().is_some() => vec![discovery],
        _ => groups_one_by_one(client, errors).await,
    };
    let mut found: Vec<Resource> = groups
        .iter()
        .flat_map(Discovery::groups)
        .filter(|group| !REPEATING_GROUPS.contains(&group.name()))
        .flat_map(ApiGroup::recommended_resources)
        .filter(|(api, capabilities)| {
            capabilities.supports_operation(verbs::LIST) && !LEFT_OUT.contains(&api.kind.as_str())
        })
        .map(|(api, capabilities)| Resource {
            api,
            namespaced: capabilities.scope == Scope::Namespaced,
        })
        .collect();
    found.sort_by(|a, b| (&a.api.group, &a.api.kind).cmp(&(&b.api.group, &b.api.kind)));
    found.dedup_by(|a, b| a.api.group == b.api.group && a.api.kind == b.api.kind);
    found
}

async fn groups_one_by_one(client: &Client, errors: &mut Vec<ReadError>) -> Vec<Discovery> {
    let failed =
        |group: String, source: kube::Error| ReadError::Discovery { group, source: source.into() };
    let mut names = vec![String::new()];
    match client.list_api_groups().await {
        Ok(list) => names.extend(list.groups.into_iter().map(|group| group.name)),
        Err(error) => errors.push(failed("all API groups".to_owned(), error)),
    }
    let mut groups = Vec::new();
    for name in names {
        match Discovery::new(client.clone()).filter(&[&name]).run().await {
            Ok(discovery) => groups.push(discovery),
            Err(error) => errors.push(failed(format!("API group `{name}`"), error)),
        }
    }
    groups
}
