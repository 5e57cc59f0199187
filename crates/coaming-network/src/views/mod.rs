//! From Kubernetes objects to facts: thin views of what policies, Services and routes say, each
//! with the location of its node.
//!
//! Invariant: what the API server would refuse does not get into the model. It becomes a
//! [`Problem`] with its location, and everything else still counts.

mod calico;
mod cilium;
mod cluster_policy;
mod controllers;
pub(crate) mod istio;
pub(crate) mod linkerd;
mod networks;
mod outside;
mod policy;
mod service;
mod unevaluated;
mod workload;

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use coaming_kube::{Fields, Object, SourceId, World};
use coaming_yaml::{LineIndex, Node};

use crate::facts::{Facts, ObjectFacts, PolicyFacts, Statement};
use crate::ip::{CidrError, IpSet};
use crate::model::{
    Direction, Influence, Model, PolicyKind, Problem, ProblemKind, Scope, SourceRef, Unevaluated,
};
use crate::ports::Protocol;
use crate::selector::{Labels, Selector};
pub(crate) use controllers::{controllers, is_controller};
use istio::RootNamespace;
pub(crate) use outside::node_addresses;
pub(crate) use unevaluated::selector as lenient_selector;

/// Makes the model of a world.
#[must_use]
pub fn from_world(world: &World) -> Model {
    let reader = Reader::new(world);
    let mut facts = Facts::new(reader.istio_root().clone());
    for object in world.objects() {
        facts.insert(object.id, read(&reader, object));
    }
    let mut model = Model::default();
    facts.settle(&mut model);
    model
}

/// The objects of a world that decide about connections and that the engine does not evaluate.
pub(crate) fn unevaluated_in(world: &World) -> Vec<Unevaluated> {
    let reader = Reader::new(world);
    let found = world.objects().map(|object| match statement(&reader, object) {
        Statement::Unevaluated(found) => vec![*found],
        Statement::Policy(_, facts) => facts.unevaluated,
        _ => Vec::new(),
    });
    found.flatten().collect()
}

/// What an object says by itself.
pub(crate) fn read(reader: &Reader<'_>, object: Object<'_>) -> ObjectFacts {
    let name = (object.kind(), object.namespace_or_default(), object.name());
    ObjectFacts {
        identity: (name.0.to_owned(), name.1.to_owned(), name.2.to_owned()),
        owner: workload::owner(object),
        opaque: workload::may_make_pods(object),
        pods: workload::read(reader, object),
        statement: statement(reader, object),
    }
}

/// What an object says beyond pods.
pub(crate) fn statement(reader: &Reader<'_>, object: Object<'_>) -> Statement {
    if let Some(settings) = linkerd::settings(object) {
        return Statement::LinkerdSettings(settings);
    }
    match (object.group(), object.kind()) {
        ("", "Namespace") => {
            let location = reader.location(object, object.node());
            let mut labels = labels_of(object.metadata());
            linkerd::namespace_wishes(object, &mut labels);
            Statement::Namespace(labels, location)
        }
        ("networking.k8s.io" | "extensions", "NetworkPolicy") => {
            policy_statement(reader, object, PolicyKind::NetworkPolicy)
        }
        ("policy.networking.k8s.io", "AdminNetworkPolicy") => {
            policy_statement(reader, object, PolicyKind::AdminNetworkPolicy)
        }
        ("policy.networking.k8s.io", "BaselineAdminNetworkPolicy") => {
            policy_statement(reader, object, PolicyKind::BaselineAdminNetworkPolicy)
        }
        ("policy.networking.k8s.io", "ClusterNetworkPolicy") => {
            policy_statement(reader, object, PolicyKind::ClusterNetworkPolicy)
        }
        ("cilium.io", "CiliumNetworkPolicy") => {
            policy_statement(reader, object, PolicyKind::CiliumNetworkPolicy)
        }
        ("cilium.io", "CiliumClusterwideNetworkPolicy") => {
            policy_statement(reader, object, PolicyKind::CiliumClusterwideNetworkPolicy)
        }
        ("cilium.io", "CiliumCIDRGroup") => cilium::cidr_group(reader, object),
        ("security.istio.io", "AuthorizationPolicy") => {
            policy_statement(reader, object, PolicyKind::AuthorizationPolicy)
        }
        ("security.istio.io", "PeerAuthentication") => {
            policy_statement(reader, object, PolicyKind::PeerAuthentication)
        }
        ("policy.linkerd.io", _) => match linkerd::read(reader, object) {
            Some(found) => Statement::Linkerd(Box::new(found)),
            None => unevaluated::read(reader, object)
                .map_or(Statement::Nothing, |found| Statement::Unevaluated(Box::new(found))),
        },
        ("k8s.ovn.org", "UserDefinedNetwork") => {
            policy_statement(reader, object, PolicyKind::UserDefinedNetwork)
        }
        ("k8s.ovn.org", "ClusterUserDefinedNetwork") => {
            policy_statement(reader, object, PolicyKind::ClusterUserDefinedNetwork)
        }
        ("", "Service") => {
            let entrance = outside::open_service(object).map(Box::new);
            let service = service::read(reader, object);
            Statement::Service(Box::new(service), service::has_ipv6(object), entrance)
        }
        ("discovery.k8s.io", "EndpointSlice") | ("", "Endpoints") => service::endpoints(object)
            .map_or(Statement::Nothing, |(name, addresses)| Statement::Endpoints(name, addresses)),
        ("networking.k8s.io" | "extensions", "Ingress") => {
            Statement::Route(outside::ingress(object))
        }
        (group, "Route") if group == "route.openshift.io" || object.api_version() == "v1" => {
            Statement::Route(outside::route(object))
        }
        ("gateway.networking.k8s.io", "HTTPRoute" | "GRPCRoute" | "TLSRoute" | "TCPRoute") => {
            Statement::Route(outside::gateway_route(object, Protocol::Tcp))
        }
        ("gateway.networking.k8s.io", "UDPRoute") => {
            Statement::Route(outside::gateway_route(object, Protocol::Udp))
        }
        ("gateway.networking.k8s.io", "Gateway") => {
            Statement::Gateway(Box::new(istio::waypoints::gateway(reader, object)))
        }
        ("gateway.networking.k8s.io", "GatewayClass") => {
            let controller = object.spec().string("controllerName").unwrap_or_default();
            Statement::GatewayClass(controller.to_owned())
        }
        ("networking.istio.io", "VirtualService") => {
            Statement::Route(outside::virtual_service(object))
        }
        ("traefik.io" | "traefik.containo.us", "IngressRoute" | "IngressRouteTCP") => {
            Statement::Route(outside::traefik_route(object, Protocol::Tcp))
        }
        ("traefik.io" | "traefik.containo.us", "IngressRouteUDP") => {
            Statement::Route(outside::traefik_route(object, Protocol::Udp))
        }
        ("projectcontour.io", "HTTPProxy") => Statement::Route(outside::http_proxy(object)),
        ("projectcalico.org" | "crd.projectcalico.org", kind) => {
            calico::statement(reader, object, kind)
        }
        ("", "ServiceAccount") => Statement::Account(labels_of(object.metadata())),
        ("", "Node") => Statement::Node(workload::node(object)),
        ("apps", "DaemonSet") => {
            workload::plugin(reader, object).map_or(Statement::Nothing, Statement::Plugin)
        }
        (_, "APIService" | "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration") => {
            Statement::Calls(service::called_by_api_server(object))
        }
        (_, "ReferenceGrant") => Statement::Grant(outside::grant(object)),
        _ => match (misnamed(object), unevaluated::read(reader, object)) {
            (Some(kind), _) => {
                let problems = not_served(reader, object, kind);
                Statement::Policy(
                    kind,
                    Box::new(PolicyFacts { problems, ..PolicyFacts::default() }),
                )
            }
            (None, Some(found)) => Statement::Unevaluated(Box::new(found)),
            (None, None) => Statement::Nothing,
        },
    }
}

/// The policy kind that an object is meant to be, if its API group or its kind's spelling is not one
/// that Kubernetes serves.
fn misnamed(object: Object<'_>) -> Option<PolicyKind> {
    const KINDS: [PolicyKind; 4] = [
        PolicyKind::NetworkPolicy,
        PolicyKind::AdminNetworkPolicy,
        PolicyKind::BaselineAdminNetworkPolicy,
        PolicyKind::ClusterNetworkPolicy,
    ];
    let group = object.group();
    // A group of somebody else may well have kinds of these names.
    if group.contains('.') && !group.ends_with(".k8s.io") {
        return None;
    }
    let kind = object.kind().trim_end_matches('s').trim_end_matches("ie");
    let same = |known: &PolicyKind| {
        kind.eq_ignore_ascii_case(known.name())
            || object.kind().eq_ignore_ascii_case(&known.name().replace("Policy", "Policies"))
    };
    KINDS.into_iter().find(same)
}

fn not_served(reader: &Reader<'_>, object: Object<'_>, kind: PolicyKind) -> Vec<Problem> {
    let mut checks = Checks::new(reader, object);
    let node = object.node().field("apiVersion").unwrap_or(object.node());
    let message = format!(
        "no API serves kind `{}` in `{}`: {} is in {}",
        object.kind(),
        object.api_version(),
        kind.name(),
        api_versions(kind)
    );
    checks.refuse(node, message);
    checks.problems
}

/// The API versions that serve a kind.
fn api_versions(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::NetworkPolicy => "`networking.k8s.io/v1`",
        PolicyKind::AdminNetworkPolicy | PolicyKind::BaselineAdminNetworkPolicy => {
            "`policy.networking.k8s.io/v1alpha1`"
        }
        PolicyKind::ClusterNetworkPolicy => "`policy.networking.k8s.io/v1alpha2`",
        PolicyKind::CiliumNetworkPolicy | PolicyKind::CiliumClusterwideNetworkPolicy => {
            "`cilium.io/v2`"
        }
        PolicyKind::CalicoNetworkPolicy | PolicyKind::CalicoGlobalNetworkPolicy => {
            "`projectcalico.org/v3`"
        }
        PolicyKind::AuthorizationPolicy
        | PolicyKind::PeerAuthentication
        | PolicyKind::AmbientMesh => "`security.istio.io/v1`",
        PolicyKind::Server | PolicyKind::InboundPolicy => "`policy.linkerd.io/v1beta3`",
        PolicyKind::UserDefinedNetwork | PolicyKind::ClusterUserDefinedNetwork => {
            "`k8s.ovn.org/v1`"
        }
    }
}

fn policy_statement(reader: &Reader<'_>, object: Object<'_>, kind: PolicyKind) -> Statement {
    let mut checks = Checks::new(reader, object);
    let mut facts = match kind {
        PolicyKind::NetworkPolicy => PolicyFacts::of(policy::read(&mut checks)),
        PolicyKind::CiliumNetworkPolicy | PolicyKind::CiliumClusterwideNetworkPolicy => {
            cilium::read(&mut checks, kind)
        }
        PolicyKind::CalicoNetworkPolicy | PolicyKind::CalicoGlobalNetworkPolicy => {
            calico::read(&mut checks, kind)
        }
        PolicyKind::AuthorizationPolicy | PolicyKind::PeerAuthentication => {
            istio::read(&mut checks, kind)
        }
        PolicyKind::UserDefinedNetwork | PolicyKind::ClusterUserDefinedNetwork => {
            networks::read(&mut checks, kind)
        }
        _ => PolicyFacts::of(cluster_policy::read(&mut checks, kind.name())),
    };
    if !checks.problems.is_empty() {
        facts = PolicyFacts { problems: checks.problems, ..PolicyFacts::default() };
    }
    Statement::Policy(kind, Box::new(facts))
}

/// A world, and the lines of its sources.
pub(crate) struct Reader<'w> {
    pub(crate) world: &'w World,
    istio_root: OnceCell<RootNamespace>,
    registry_only: OnceCell<bool>,
    lines: RefCell<HashMap<SourceId, Option<Rc<SourceLines>>>>,
}

/// A source's name, and where its lines begin.
struct SourceLines {
    name: Arc<str>,
    index: LineIndex,
    text: Arc<str>,
}

impl<'w> Reader<'w> {
    pub(crate) fn new(world: &'w World) -> Self {
        Self {
            world,
            istio_root: OnceCell::new(),
            registry_only: OnceCell::new(),
            lines: RefCell::new(HashMap::new()),
        }
    }

    /// As [`Self::new`], where the root namespace of Istio is known already.
    pub(crate) fn with_root(world: &'w World, root: RootNamespace) -> Self {
        Self { istio_root: OnceCell::from(root), ..Self::new(world) }
    }

    /// The namespace whose policies of Istio apply to all.
    pub(crate) fn istio_root(&self) -> &RootNamespace {
        self.istio_root.get_or_init(|| RootNamespace::of(self.world))
    }

    /// Whether proxies of Istio let their pods connect to what the mesh lists alone.
    pub(crate) fn registry_only(&self) -> bool {
        *self.registry_only.get_or_init(|| istio::settings::is_registry_only(self.world))
    }

    /// Where a node of an object is written.
    pub(crate) fn location(&self, object: Object<'_>, node: Node<'_>) -> SourceRef {
        let lines = self.lines(object.source());
        let line = lines.as_ref().and_then(|lines| {
            let start = node.span()?.start;
            Some(lines.index.position(&lines.text, start).0)
        });
        let file = lines.map_or_else(|| Arc::from(""), |lines| Arc::clone(&lines.name));
        SourceRef { object: object.id, node: node.id(), file, line }
    }

    fn lines(&self, id: SourceId) -> Option<Rc<SourceLines>> {
        let mut known = self.lines.borrow_mut();
        let lines = known.entry(id).or_insert_with(|| {
            let source = self.world.source(id)?;
            Some(Rc::new(SourceLines {
                name: Arc::from(source.name.as_str()),
                index: LineIndex::new(&source.text),
                text: Arc::clone(&source.text),
            }))
        });
        lines.clone()
    }
}

/// An object under examination, with what is wrong with it.
pub(crate) struct Checks<'r, 'i> {
    pub(crate) reader: &'r Reader<'i>,
    pub(crate) object: Object<'i>,
    pub(crate) problems: Vec<Problem>,
}

impl<'r, 'i> Checks<'r, 'i> {
    pub(crate) fn new(reader: &'r Reader<'i>, object: Object<'i>) -> Self {
        Self { reader, object, problems: Vec::new() }
    }

    /// Where a node of the object is written.
    pub(crate) fn location(&self, node: Node<'_>) -> Option<SourceRef> {
        Some(self.reader.location(self.object, node))
    }

    /// The object is invalid, because of what is written at `node`.
    pub(crate) fn refuse(&mut self, node: Node<'_>, message: impl Into<String>) {
        let name = match self.object.namespace() {
            "" => self.object.name().to_owned(),
            namespace => format!("{namespace}/{}", self.object.name()),
        };
        self.problems.push(Problem {
            kind: ProblemKind::Refused,
            object: format!("{} {name}", self.object.kind()),
            message: message.into(),
            location: self.location(node),
        });
    }

    /// The mapping in a field; absent and `null` are `None`, and anything else is refused.
    pub(crate) fn mapping(&mut self, node: Node<'i>, field: &str) -> Option<Node<'i>> {
        let value = node.field(field)?;
        if value.is_mapping() {
            return Some(value);
        }
        self.refuse(value, format!("`{field}` must be a mapping"));
        None
    }

    /// The items in a field; absent, `null` and empty are none, and anything but a list is
    /// refused.
    pub(crate) fn items(&mut self, node: Node<'i>, field: &str) -> Vec<Node<'i>> {
        match node.field(field) {
            None => Vec::new(),
            Some(value) if value.is_sequence() => value.items().collect(),
            Some(value) => {
                self.refuse(value, format!("`{field}` must be a list: put `-` before its items"));
                Vec::new()
            }
        }
    }

    /// The text in a field; anything but text is refused.
    pub(crate) fn text(&mut self, node: Node<'i>, field: &str) -> Option<&'i str> {
        let value = node.field(field)?;
        let text = value.as_str();
        if text.is_none() {
            self.refuse(value, format!("`{field}` must be text: put it in quotes"));
        }
        text
    }

    /// Where a `spec` has rules for a direction that it does not govern.
    fn dead_rules(
        &self,
        spec: Node<'_>,
        governs: [bool; 2],
    ) -> Vec<(Direction, Option<SourceRef>)> {
        let dead = Direction::BOTH.into_iter().zip(governs).filter(|(_, governed)| !governed);
        let dead = dead.filter_map(|(direction, _)| {
            let field = direction.name();
            let rules = spec.list(field).next().and_then(|_| spec.field(field))?;
            Some((direction, self.location(rules)))
        });
        dead.collect()
    }

    /// A label selector.
    pub(crate) fn selector(&mut self, node: Node<'i>) -> Selector {
        let mut selector = Selector::everything();
        self.requirements(node, |checks, node, key, operator, values| {
            if let Err(error) = selector.match_expression(key, operator, values) {
                checks.refuse(node, error.to_string());
            }
        });
        selector
    }

    /// What a label selector requires: gives each requirement to `found`, with the node that it is
    /// written at, its key, its operator and its values.
    pub(crate) fn requirements(
        &mut self,
        node: Node<'i>,
        mut found: impl FnMut(&mut Self, Node<'i>, &str, &str, Vec<String>),
    ) {
        if let Some(labels) = self.mapping(node, "matchLabels") {
            for entry in labels.entries() {
                let Some(value) = entry.value.as_str() else {
                    let message = format!(
                        "the value of label `{}` must be text: put it in quotes",
                        entry.name()
                    );
                    self.refuse(entry.value, message);
                    continue;
                };
                found(self, entry.value, entry.name(), "In", vec![value.to_owned()]);
            }
        }
        for item in self.items(node, "matchExpressions") {
            let values = self.items(item, "values");
            let values = values.iter().filter_map(|value| value.as_str()).map(str::to_owned);
            let values = values.collect();
            let key = self.text(item, "key").unwrap_or_default();
            let operator = self.text(item, "operator").unwrap_or_default();
            found(self, item, key, operator, values);
        }
    }
}

/// The fields of a mapping that are not known; those that are `null` say nothing.
fn unknown_fields<'i>(node: Node<'i>, known: &[&str]) -> impl Iterator<Item = &'i str> {
    let given = node.entries().filter(|entry| !entry.value.is_null());
    given.map(|entry| entry.name()).filter(|name| !known.contains(name))
}

/// An address or a CIDR block.
fn address_or_block(text: &str) -> Result<IpSet, CidrError> {
    match text.parse() {
        Ok(address) => Ok(IpSet::address(address)),
        Err(_) => IpSet::cidr(text),
    }
}

/// The addresses that a field of an object's `spec` lists; an error where one cannot be read.
fn listed_addresses(
    reader: &Reader<'_>,
    object: Object<'_>,
    field: &str,
) -> Result<IpSet, Box<Unevaluated>> {
    let sets = object.spec().list(field).map(|item| {
        address_or_block(item.text()).map_err(|_| {
            Box::new(Unevaluated {
                group: object.group().to_owned(),
                kind: object.kind().to_owned(),
                field: Some(format!("{field}: {}", item.text())),
                influence: Influence::Policy,
                scope: Scope::Cluster,
                location: Some(reader.location(object, item)),
            })
        })
    });
    let sets: Vec<IpSet> = sets.collect::<Result<_, _>>()?;
    Ok(IpSet::union_of(&sets))
}

/// The NetworkPolicies of a namespace that select pods with any of these labels. One whose selector
/// the API server would refuse selects none.
#[must_use]
pub fn policies_selecting<'i>(
    world: &'i World,
    namespace: &str,
    pods: &[Labels],
) -> Vec<Object<'i>> {
    let reader = Reader::new(world);
    let policies = world.of_kind("NetworkPolicy");
    policies
        .filter(|policy| policy.namespace_or_default() == namespace)
        .filter(|policy| {
            let mut checks = Checks::new(&reader, *policy);
            let node = policy.spec().mapping("podSelector");
            let selector = node.map(|node| checks.selector(node)).unwrap_or_default();
            checks.problems.is_empty() && pods.iter().any(|labels| selector.matches(labels))
        })
        .collect()
}

/// The labels in a metadata mapping; values that are not text are left out.
pub(crate) fn labels_of(metadata: Option<Node<'_>>) -> Labels {
    metadata
        .pairs("labels")
        .filter_map(|entry| Some((entry.name().to_owned(), entry.value.as_str()?.to_owned())))
        .collect()
}

/// A port number, if it is valid.
pub(crate) fn port_number(number: i64) -> Option<u16> {
    u16::try_from(number).ok().filter(|&number| number > 0)
}
