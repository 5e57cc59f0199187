//! Which resources the cluster has, and which of them are worth reading.

use kube::Client;
use kube::client::Body;
use kube::discovery::{ApiGroup, ApiResource, Discovery, Scope, verbs};

use crate::ReadError;

/// Kinds that change every second, or repeat what other kinds contain.
const LEFT_OUT: &[&str] = &[
    "APIService",
    "ComponentStatus",
    "ControllerRevision",
    "CSINode",
    "CSIStorageCapacity",
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
    /// Which of its objects are read. Of EndpointSlices, those that no controller makes of a selector:
    /// they say where a Service without one leads.
    pub(crate) fn label_selector(&self) -> Option<&'static str> {
        let is_slice = self.api.group == "discovery.k8s.io" && self.api.kind == "EndpointSlice";
        is_slice
            .then_some("endpointslice.kubernetes.io/managed-by!=endpointslice-controller.k8s.io")
    }

    /// The name with the API group: `deployments.apps`; `pods` for the core group.
    pub(crate) fn full_name(&self) -> String {
        if self.api.group.is_empty() {
            self.api.plural.clone()
        } else {
            format!("{}.{}", self.api.plural, self.api.group)
        }
    }
}

/// What the cluster has.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    /// What is read, each in the version that the server prefers, in a fixed order.
    pub(crate) read: Vec<Resource>,
    /// The kinds that are never read, sorted.
    pub(crate) left_out: Vec<String>,
}

/// All resources that can be listed.
pub(crate) async fn resources(client: &Client, errors: &mut Vec<ReadError>) -> Resources {
    let groups = groups(client, errors).await;
    let (left_out, mut read): (Vec<Resource>, Vec<Resource>) = groups
        .iter()
        .flat_map(Discovery::groups)
        .filter(|group| !REPEATING_GROUPS.contains(&group.name()))
        .flat_map(ApiGroup::recommended_resources)
        .filter(|(_, capabilities)| capabilities.supports_operation(verbs::LIST))
        .map(|(api, capabilities)| Resource {
            api,
            namespaced: capabilities.scope == Scope::Namespaced,
        })
        .partition(|resource| LEFT_OUT.contains(&resource.api.kind.as_str()));
    read.sort_by(|a, b| (&a.api.group, &a.api.kind).cmp(&(&b.api.group, &b.api.kind)));
    read.dedup_by(|a, b| a.api.group == b.api.group && a.api.kind == b.api.kind);
    let mut left_out: Vec<String> =
        left_out.into_iter().map(|resource| resource.api.kind).collect();
    left_out.sort();
    left_out.dedup();
    Resources { read, left_out }
}

/// What a server answers that is asked whether it still serves the same kinds.
pub(crate) enum Served {
    /// The same as before.
    Same,
    /// Others, or that is not known; with what to ask by the next time, if the server says it.
    Other(Option<String>),
}

/// How all kinds of all groups are asked for at once, by the versions of the answer.
const ALL_AT_ONCE: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList, \
                           application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList, \
                           application/json";

/// Whether the server serves other kinds than when it answered with the mark `before`.
pub(crate) async fn served(client: &Client, before: Option<&str>) -> Result<Served, kube::Error> {
    let mut request = http::Request::get("/apis").header(http::header::ACCEPT, ALL_AT_ONCE);
    if let Some(before) = before.filter(|before| !before.is_empty()) {
        request = request.header(http::header::IF_NONE_MATCH, before);
    }
    let request = request.body(Body::empty()).map_err(kube::Error::HttpError)?;
    let answer = client.send(request).await?;
    // A server that is not able to answer now is asked again.
    if !answer.status().is_success() {
        return Ok(Served::Same);
    }
    let mark = answer.headers().get(http::header::ETAG);
    Ok(Served::Other(mark.and_then(|mark| mark.to_str().ok()).map(str::to_owned)))
}

/// All API groups. One request if the server is new enough (an older one answers with an empty
/// list), else one per group: then a group whose own server is down (metrics, often) costs only
/// itself.
pub(crate) async fn groups(client: &Client, errors: &mut Vec<ReadError>) -> Vec<Discovery> {
    match Discovery::new(client.clone()).run_aggregated().await {
        Ok(discovery) if discovery.groups().next().is_some() => vec![discovery],
        _ => groups_one_by_one(client, errors).await,
    }
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
