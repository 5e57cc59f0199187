//! Linkerd: Server, AuthorizationPolicy, MeshTLSAuthentication, NetworkAuthentication and
//! ServerAuthorization of `policy.linkerd.io`, and the annotations of pods and namespaces.
//!
//! Here objects are read one by one; what they say together is put together in
//! [`crate::facts`], as a Server and who is authorized on it are different objects.

use std::sync::Arc;

use coaming_kube::{ContainerKind, Fields, Object, PodSpec};
use coaming_yaml::Node;

use super::{Checks, Reader, address_or_block, port_number};
use crate::ip::IpSet;
use crate::model::{InboundPolicy, LinkerdWish, PortNumbers, Problem, SourceRef};
use crate::selector::{INBOUND, LINKERD, Labels, Selector};

/// The end of the identities that pods have.
const IDENTITY: &str = "serviceaccount.identity.linkerd.cluster.local";

/// What an object of Linkerd says.
#[derive(Clone, Debug)]
pub(crate) struct LinkerdObject {
    /// Its own labels.
    pub(crate) labels: Labels,
    /// What it says.
    pub(crate) spec: LinkerdSpec,
    /// What of it is not evaluated.
    pub(crate) gaps: Vec<String>,
    /// What is wrong with it; it does not count then.
    pub(crate) problems: Vec<Problem>,
    /// Where it is written.
    pub(crate) location: Option<SourceRef>,
}

/// What the control plane tells proxies of which nothing else says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LinkerdSettings {
    /// Whom they let in by themselves.
    pub(crate) inbound: Option<InboundPolicy>,
    /// Where the addresses of the cluster are.
    pub(crate) networks: Option<IpSet>,
    /// Whether this is what runs, and not values that it may have been installed with.
    pub(crate) runs: bool,
}

/// What objects of each kind say.
#[derive(Clone, Debug)]
pub(crate) enum LinkerdSpec {
    /// A port of pods, which only authorized clients may use.
    Server {
        /// The pods; `None` for others than pods.
        pods: Option<Selector>,
        /// The port.
        port: PortNumbers,
        /// Who is authorized besides.
        access: InboundPolicy,
    },
    /// Clients that are authorized.
    Authorization {
        /// Where.
        target: ServerTarget,
        /// Who: all of these must hold.
        clients: Vec<ClientRef>,
    },
    /// A `MeshTLSAuthentication`.
    Identities(Vec<String>),
    /// A `NetworkAuthentication`.
    Networks(IpSet),
}

/// The Servers that an authorization is for.
#[derive(Clone, Debug)]
pub(crate) enum ServerTarget {
    /// The one of this name.
    Name(String),
    /// Those with matching labels.
    Labels(Selector),
    /// All of the namespace.
    Namespace,
    /// Requests of a route, in words.
    Route(String),
}

/// Clients that are meant.
#[derive(Clone, Debug)]
pub(crate) enum ClientRef {
    /// Those that another object says, by kind, namespace and name.
    Object(&'static str, String, String),
    /// Those with one of these identities.
    Identities(Vec<String>),
    /// Those in these networks.
    Networks(IpSet),
}

/// What the template of pods says about Linkerd, as labels.
pub(super) fn wishes(template: Node<'_>, spec: Option<PodSpec<'_>>, labels: &mut Labels) {
    let annotations = template.mapping("metadata").mapping("annotations");
    let text = |key: &str| annotations.field(key).map(Node::text);
    let mut containers = spec.into_iter().flat_map(PodSpec::containers);
    let is_proxy = |name: &str, kind| {
        name == "linkerd-proxy" && matches!(kind, ContainerKind::Regular | ContainerKind::Sidecar)
    };
    let has_proxy = containers.any(|it| is_proxy(it.name(), it.kind()));
    let skips = text("config.linkerd.io/skip-inbound-ports");
    let wish = match text("linkerd.io/inject") {
        _ if skips.is_some_and(|ports| !ports.trim().is_empty()) => Some(LinkerdWish::Unclear),
        _ if has_proxy => Some(LinkerdWish::Has),
        asked => asked.and_then(LinkerdWish::of_annotation),
    };
    if let Some(wish) = wish {
        labels.insert(LINKERD.to_owned(), wish.name().to_owned());
    }
    let said = inbound(annotations).or_else(|| {
        let proxy = spec?.containers().find(|it| is_proxy(it.name(), it.kind()))?;
        let mut environment = proxy.node().list("env");
        let variable = environment
            .find(|it| it.string("name") == Some("LINKERD2_PROXY_INBOUND_DEFAULT_POLICY"))?;
        let policy = InboundPolicy::of_name(variable.string("value")?)?;
        Some((INBOUND.to_owned(), policy.name().to_owned()))
    });
    labels.extend(said);
}

/// What the annotations of a namespace say about Linkerd, as labels.
pub(super) fn namespace_wishes(object: Object<'_>, labels: &mut Labels) {
    let annotations = object.metadata().mapping("annotations");
    let asked = annotations.field("linkerd.io/inject").map(Node::text);
    if let Some(wish) = asked.and_then(LinkerdWish::of_annotation) {
        labels.insert(LINKERD.to_owned(), wish.name().to_owned());
    }
    labels.extend(inbound(annotations));
}

fn inbound(annotations: Option<Node<'_>>) -> Option<(String, String)> {
    let text = annotations.field("config.linkerd.io/default-inbound-policy")?.text();
    let policy = InboundPolicy::of_name(text)?;
    Some((INBOUND.to_owned(), policy.name().to_owned()))
}

/// What an object says about all proxies: the values of the installation, or the arguments of the
/// program that tells proxies whom to let in.
pub(super) fn settings(object: Object<'_>) -> Option<LinkerdSettings> {
    match (object.group(), object.kind(), object.name()) {
        ("", "ConfigMap", "linkerd-config") => {
            let text = object.node().mapping("data").string("values")?;
            let stream = coaming_yaml::parse(Arc::from(text));
            let values = stream.documents.first().map(|document| document.root())?;
            Some(of_values(values))
        }
        ("helm.toolkit.fluxcd.io", "HelmRelease", _) => {
            let chart = object.spec().mapping("chart").mapping("spec").string("chart");
            let values = object.spec().mapping("values");
            let is_meant = chart == Some("linkerd-control-plane");
            values.filter(|_| is_meant).map(of_values)
        }
        ("apps", "Deployment", "linkerd-destination") => {
            let spec = object.spec().mapping("template").mapping("spec");
            let policy = spec.list("containers").find(|it| it.string("name") == Some("policy"))?;
            let argument = |name: &str| policy.strings("args").find_map(|it| it.strip_prefix(name));
            Some(LinkerdSettings {
                inbound: argument("--default-policy=").and_then(InboundPolicy::of_name),
                networks: argument("--cluster-networks=").and_then(cluster_networks),
                runs: true,
            })
        }
        _ => None,
    }
}

fn of_values(values: Node<'_>) -> LinkerdSettings {
    let proxy = values.mapping("proxy").string("defaultInboundPolicy");
    // Where it was before Linkerd 2.12.
    let before = || values.mapping("policyController").string("defaultAllowPolicy");
    LinkerdSettings {
        inbound: proxy.or_else(before).and_then(InboundPolicy::of_name),
        networks: values.string("clusterNetworks").and_then(cluster_networks),
        runs: false,
    }
}

/// Blocks with commas between them; `None` if one cannot be read.
fn cluster_networks(text: &str) -> Option<IpSet> {
    let blocks: Result<Vec<IpSet>, _> =
        text.split(',').map(|block| address_or_block(block.trim())).collect();
    blocks.ok().map(|blocks| IpSet::union_of(&blocks))
}

/// What an object of one of Linkerd's kinds says; `None` for one that says nothing about clients.
pub(super) fn read(reader: &Reader<'_>, object: Object<'_>) -> Option<LinkerdObject> {
    let mut checks = Checks::new(reader, object);
    let mut gaps = Vec::new();
    let spec = checks.mapping(object.node(), "spec");
    let node = spec.unwrap_or(object.node());
    let spec = match object.kind() {
        "Server" => server(&mut checks, node, &mut gaps),
        "AuthorizationPolicy" => authorization(&mut checks, node, &mut gaps),
        "ServerAuthorization" => server_authorization(&mut checks, node),
        "MeshTLSAuthentication" => identities(&mut checks, node, &mut gaps),
        "NetworkAuthentication" => LinkerdSpec::Networks(networks(&mut checks, node)),
        _ => return None,
    };
    Some(LinkerdObject {
        labels: super::labels_of(object.metadata()),
        spec,
        gaps,
        location: checks.location(node),
        problems: checks.problems,
    })
}

fn server<'i>(checks: &mut Checks<'_, 'i>, spec: Node<'i>, gaps: &mut Vec<String>) -> LinkerdSpec {
    let pods = checks.mapping(spec, "podSelector").map(|node| checks.selector(node));
    if pods.is_none() && spec.field("externalWorkloadSelector").is_none() {
        checks.refuse(spec, "`podSelector` or `externalWorkloadSelector` is missing");
    }
    let port = spec.field("port");
    let port = match port.map(|node| (node.as_int(), node.as_str())) {
        Some((Some(number), _)) => {
            port_number(number).map(|number| PortNumbers::Range(number, number))
        }
        Some((None, Some(name))) if !name.is_empty() => Some(PortNumbers::Named(name.to_owned())),
        _ => None,
    };
    if port.is_none() {
        checks.refuse(spec, "`port` must be the number or the name of a port");
    }
    let access = match spec.string("accessPolicy") {
        None => InboundPolicy::Deny,
        Some(name) => InboundPolicy::of_name(name).unwrap_or_else(|| {
            gaps.push("accessPolicy".to_owned());
            InboundPolicy::Deny
        }),
    };
    LinkerdSpec::Server { pods, port: port.unwrap_or(PortNumbers::All), access }
}

fn authorization<'i>(
    checks: &mut Checks<'_, 'i>,
    spec: Node<'i>,
    gaps: &mut Vec<String>,
) -> LinkerdSpec {
    let own = checks.object.namespace_or_default();
    let target = checks.mapping(spec, "targetRef");
    let name = target.string("name").unwrap_or_default().to_owned();
    let target = match target.string("kind") {
        Some("Server") => ServerTarget::Name(name),
        Some("Namespace") => ServerTarget::Namespace,
        Some(kind @ ("HTTPRoute" | "GRPCRoute")) => ServerTarget::Route(format!("{kind} {name}")),
        _ => {
            gaps.push("targetRef".to_owned());
            ServerTarget::Route(String::new())
        }
    };
    let mut clients = Vec::new();
    for item in checks.items(spec, "requiredAuthenticationRefs") {
        let namespace = item.string("namespace").unwrap_or(own).to_owned();
        let name = item.string("name").unwrap_or_default().to_owned();
        match item.string("kind") {
            Some("ServiceAccount") => {
                clients.push(ClientRef::Identities(vec![format!("{name}.{namespace}.{IDENTITY}")]));
            }
            Some("MeshTLSAuthentication") => {
                clients.push(ClientRef::Object("MeshTLSAuthentication", namespace, name));
            }
            Some("NetworkAuthentication") => {
                clients.push(ClientRef::Object("NetworkAuthentication", namespace, name));
            }
            _ => checks.refuse(
                item,
                "`kind` must be MeshTLSAuthentication, NetworkAuthentication or ServiceAccount",
            ),
        }
    }
    LinkerdSpec::Authorization { target, clients }
}

fn server_authorization<'i>(checks: &mut Checks<'_, 'i>, spec: Node<'i>) -> LinkerdSpec {
    let own = checks.object.namespace_or_default();
    let server = checks.mapping(spec, "server");
    let target = match server.string("name") {
        Some(name) => ServerTarget::Name(name.to_owned()),
        None => {
            let selector = server.and_then(|node| checks.mapping(node, "selector"));
            ServerTarget::Labels(selector.map(|node| checks.selector(node)).unwrap_or_default())
        }
    };
    let mut clients = Vec::new();
    let client = checks.mapping(spec, "client");
    let client = client.unwrap_or(spec);
    if client.list("networks").next().is_some() {
        clients.push(ClientRef::Networks(networks(checks, client)));
    }
    let mesh = checks.mapping(client, "meshTLS");
    match mesh {
        _ if client.field("unauthenticated").and_then(Node::as_bool) == Some(true) => {}
        Some(mesh) if mesh.field("unauthenticatedTLS").and_then(Node::as_bool) == Some(true) => {
            clients.push(ClientRef::Identities(vec!["*".to_owned()]));
        }
        Some(mesh) => {
            let accounts = mesh.list("serviceAccounts").map(|item| {
                let namespace = item.string("namespace").unwrap_or(own);
                format!("{}.{namespace}.{IDENTITY}", item.string("name").unwrap_or_default())
            });
            let names = mesh.strings("identities").map(str::to_owned);
            clients.push(ClientRef::Identities(names.chain(accounts).collect()));
        }
        None => checks.refuse(client, "`client` needs `unauthenticated: true` or `meshTLS`"),
    }
    LinkerdSpec::Authorization { target, clients }
}

fn identities<'i>(
    checks: &mut Checks<'_, 'i>,
    spec: Node<'i>,
    gaps: &mut Vec<String>,
) -> LinkerdSpec {
    let own = checks.object.namespace_or_default();
    let mut found: Vec<String> = spec.strings("identities").map(str::to_owned).collect();
    for item in checks.items(spec, "identityRefs") {
        let name = item.string("name").unwrap_or_default();
        let namespace = item.string("namespace").unwrap_or(own);
        match item.string("kind") {
            Some("ServiceAccount") => found.push(format!("{name}.{namespace}.{IDENTITY}")),
            Some("Namespace") => found.push(format!("*.{name}.{IDENTITY}")),
            _ => checks.refuse(item, "`kind` must be ServiceAccount or Namespace"),
        }
    }
    let elsewhere = |it: &&String| *it != "*" && !it.ends_with(IDENTITY);
    if let Some(other) = found.iter().find(elsewhere) {
        gaps.push(format!("identity {other}"));
    }
    LinkerdSpec::Identities(found)
}

fn networks<'i>(checks: &mut Checks<'_, 'i>, node: Node<'i>) -> IpSet {
    let mut found = IpSet::none();
    for item in checks.items(node, "networks") {
        let mut block = |text: &str, at: Node<'i>| match address_or_block(text) {
            Ok(set) => set,
            Err(error) => {
                checks.refuse(at, format!("`{text}`: {error}"));
                IpSet::none()
            }
        };
        let within = block(item.string("cidr").unwrap_or_default(), item);
        let without = item.strings("except").fold(IpSet::none(), |all, text| {
            let set = block(text, item);
            all.union(&set)
        });
        found = found.union(&within.difference(&without));
    }
    found
}
