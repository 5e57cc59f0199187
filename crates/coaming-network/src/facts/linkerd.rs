//! Linkerd's objects together: for each Server a policy of those who are authorized on it.
//!
//! They are few, so that all are put together again whenever one of them changes.

use std::collections::{BTreeMap, BTreeSet};

use coaming_kube::ObjectId;

use super::{Identity, ObjectFacts, Statement, Target};
use crate::ip::IpSet;
use crate::model::{
    Action, InboundPolicy, Influence, Limit, Linkerd, Namespaces, Order, PeerKind, PodSelector,
    Policy, PolicyKind, PolicyPeer, PortMatch, Problem, Rule, Scope, Tier, Unevaluated, with_proxy,
};
use crate::ports::Protocol;
use crate::selector::{INBOUND, LINKERD_IDENTITY, Operator, Pattern, Selector};
use crate::views::linkerd::{ClientRef, LinkerdObject, LinkerdSettings, LinkerdSpec, ServerTarget};

const GROUP: &str = "policy.linkerd.io";

/// Linkerd's objects, and the policies that were made of them.
#[derive(Debug, Default)]
pub(super) struct LinkerdFacts {
    objects: BTreeSet<ObjectId>,
    settings: BTreeSet<ObjectId>,
    /// The ids of the policies in the model.
    ids: Vec<usize>,
    dirty: bool,
    /// What of the objects is not evaluated.
    pub(super) unevaluated: Vec<Unevaluated>,
    /// What is wrong with them.
    pub(super) problems: Vec<Problem>,
}

/// An object, with whose it is.
type Named<'s> = (&'s Identity, &'s LinkerdObject);

impl LinkerdFacts {
    pub(super) fn change(&mut self, id: ObjectId, add: bool) {
        super::keep(&mut self.objects, id, add);
        self.dirty = true;
    }

    pub(super) fn change_settings(&mut self, id: ObjectId, add: bool) {
        super::keep(&mut self.settings, id, add);
        self.dirty = true;
    }

    /// Whom proxies let in by themselves where neither their pods nor their namespaces say it.
    pub(super) fn inbound(
        &self,
        sources: &BTreeMap<ObjectId, ObjectFacts>,
    ) -> Option<InboundPolicy> {
        self.said(sources, |settings| settings.inbound)
    }

    /// What the settings say about something: what runs counts before what was to be installed.
    fn said<T>(
        &self,
        sources: &BTreeMap<ObjectId, ObjectFacts>,
        field: impl Fn(&LinkerdSettings) -> Option<T>,
    ) -> Option<T> {
        let settings = self.settings.iter().filter_map(|id| match &sources.get(id)?.statement {
            Statement::LinkerdSettings(settings) => Some((settings.runs, field(settings)?)),
            _ => None,
        });
        settings.max_by_key(|(runs, _)| *runs).map(|(_, value)| value)
    }

    /// Everything is to be put together again: Linkerd counts now, or no longer.
    pub(super) fn touch(&mut self) {
        self.dirty = true;
    }

    /// Brings a model up to date; gives whether anything may have changed.
    pub(super) fn settle(
        &mut self,
        sources: &BTreeMap<ObjectId, ObjectFacts>,
        counts: bool,
        target: &mut impl Target,
    ) -> bool {
        if !std::mem::take(&mut self.dirty) {
            return false;
        }
        let objects = self.objects.iter().filter_map(|id| {
            let facts = sources.get(id)?;
            match &facts.statement {
                Statement::Linkerd(object) => Some((&facts.identity, &**object)),
                _ => None,
            }
        });
        let all: Vec<Named<'_>> = objects.collect();
        self.problems = all.iter().flat_map(|(_, it)| &it.problems).cloned().collect();
        let objects = all.into_iter().filter(|(_, it)| it.problems.is_empty()).collect();
        let networks = self.said(sources, |settings| settings.networks.clone());
        let networks = networks.unwrap_or_else(usual_networks);
        let mut together = Together { objects, networks, unevaluated: Vec::new() };
        let mut policies = if counts { defaults(&together.networks) } else { Vec::new() };
        policies.extend(together.policies());
        together.report_gaps();
        self.unevaluated = together.unevaluated;
        for gone in self.ids.split_off(self.ids.len().min(policies.len())) {
            target.remove_policy(gone);
        }
        for (position, policy) in policies.into_iter().enumerate() {
            let id = self.ids.get(position).copied();
            if id.and_then(|id| target.model().policies.get(id)) == Some(&policy) {
                continue;
            }
            let id = target.put_policy(id, policy);
            if position == self.ids.len() {
                self.ids.push(id);
            }
        }
        true
    }
}

/// Where the addresses of a cluster are, as Linkerd has it by itself.
fn usual_networks() -> IpSet {
    const BLOCKS: [&str; 5] =
        ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fd00::/8"];
    IpSet::union_of(&BLOCKS.map(|block| IpSet::cidr(block).unwrap_or_default()))
}

/// Pods with an identity.
fn identified() -> Selector {
    with_proxy(&[Linkerd::Proxy, Linkerd::Unknown])
}

fn anywhere(pods: Selector) -> PodSelector {
    PodSelector { namespaces: Namespaces::Selected(Selector::everything()), pods }
}

fn peers(kinds: impl IntoIterator<Item = PeerKind>) -> Option<Vec<PolicyPeer>> {
    Some(kinds.into_iter().map(|kind| PolicyPeer { kind, location: None }).collect())
}

/// The clients that a policy lets in by itself; `None` for any.
fn let_in(policy: InboundPolicy, networks: &IpSet) -> Option<Vec<PolicyPeer>> {
    match policy {
        InboundPolicy::AllUnauthenticated | InboundPolicy::Audit => None,
        InboundPolicy::AllAuthenticated | InboundPolicy::ClusterAuthenticated => {
            peers([PeerKind::Pods(anywhere(identified()))])
        }
        InboundPolicy::ClusterUnauthenticated => peers([
            PeerKind::Pods(anywhere(Selector::everything())),
            PeerKind::Hosts,
            PeerKind::Outside(networks.clone()),
        ]),
        InboundPolicy::Deny => peers([]),
    }
}

fn rule(path: String, action: Action, peers: Option<Vec<PolicyPeer>>) -> Rule {
    Rule {
        path: Some(path),
        name: None,
        action,
        peers,
        ports: None,
        limits: Vec::new(),
        location: None,
    }
}

/// The policies of ports that no Server has, by the annotation that pods or their namespaces have.
fn defaults(networks: &IpSet) -> Vec<Policy> {
    let policies = InboundPolicy::ALL.into_iter().map(|inbound| {
        let mut pods = with_proxy(&[Linkerd::Proxy]);
        pods.require(INBOUND, Operator::In(vec![inbound.name().to_owned()]));
        let clients = rule("its clients".to_owned(), Action::Allow, let_in(inbound, networks));
        let rest = rule("any other client".to_owned(), Action::Deny, None);
        policy(PolicyKind::InboundPolicy, anywhere(pods), vec![clients, rest], 1)
            .named("", inbound.name())
    });
    policies.collect()
}

fn policy(kind: PolicyKind, subject: PodSelector, rules: Vec<Rule>, priority: u32) -> Policy {
    Policy {
        kind,
        namespace: String::new(),
        name: String::new(),
        part: None,
        tier: Tier::Servers,
        priority,
        order: Order::of_kubernetes(),
        subject,
        ingress: Some(rules),
        egress: None,
        isolates: [false, false],
        dead_rules: Vec::new(),
        location: None,
    }
}

impl Policy {
    fn named(self, namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.to_owned(), name: name.to_owned(), ..self }
    }
}

/// Who a list of clients means: peers (`None` for any), and what else must hold.
struct Clients {
    peers: Option<Vec<PolicyPeer>>,
    limit: Option<String>,
}

struct Together<'s> {
    objects: Vec<Named<'s>>,
    /// Where the addresses of the cluster are.
    networks: IpSet,
    unevaluated: Vec<Unevaluated>,
}

impl<'s> Together<'s> {
    fn policies(&mut self) -> Vec<Policy> {
        let objects = self.objects.clone();
        let servers = objects.iter().filter_map(|(identity, object)| match &object.spec {
            LinkerdSpec::Server { pods: Some(pods), port, access } => {
                Some((*identity, *object, pods, port, *access))
            }
            _ => None,
        });
        let policies = servers.map(|(identity, object, pods, port, access)| {
            let (_, namespace, name) = identity;
            let subject = |proxies: &[Linkerd]| PodSelector {
                namespaces: Namespaces::Named(namespace.clone()),
                pods: Selector::all_of([pods.clone(), with_proxy(proxies)]),
            };
            let mut rules = Vec::new();
            if access != InboundPolicy::Deny {
                let text = format!("accessPolicy {}", access.name());
                rules.push(rule(text, Action::Allow, let_in(access, &self.networks)));
            }
            rules.extend(self.authorized(namespace, name, object));
            rules.push(rule("any other client".to_owned(), Action::Deny, None));
            let ports = [PortMatch {
                protocol: Some(Protocol::Tcp),
                numbers: port.clone(),
                location: None,
            }];
            for rule in &mut rules {
                rule.ports = Some(ports.to_vec());
                rule.location = rule.location.take().or_else(|| object.location.clone());
            }
            // Who writes a Server for pods most likely gives them a proxy.
            self.unevaluated.push(Unevaluated {
                group: GROUP.to_owned(),
                kind: "Server".to_owned(),
                field: None,
                influence: Influence::Proxy,
                scope: Scope::Pods(subject(&[Linkerd::Unknown, Linkerd::Nothing])),
                location: object.location.clone(),
            });
            let server = policy(PolicyKind::Server, subject(&[Linkerd::Proxy]), rules, 0);
            Policy { location: object.location.clone(), ..server.named(namespace, name) }
        });
        policies.collect()
    }

    /// The rules of those who are authorized on a Server.
    fn authorized(&mut self, namespace: &str, name: &str, server: &LinkerdObject) -> Vec<Rule> {
        let objects = self.objects.clone();
        let mut rules = Vec::new();
        for ((kind, own, authorization), object) in objects {
            let LinkerdSpec::Authorization { target, clients } = &object.spec else { continue };
            let mut limit = None;
            let is_meant = own == namespace
                && match target {
                    ServerTarget::Name(wanted) => wanted == name,
                    ServerTarget::Labels(selector) => selector.matches(&server.labels),
                    ServerTarget::Namespace => true,
                    ServerTarget::Route(route) => {
                        limit = Some(format!("requests of {route}"));
                        !route.is_empty()
                    }
                };
            let Some(found) = is_meant.then(|| self.clients(clients, object, server)).flatten()
            else {
                continue;
            };
            let limits = limit.into_iter().chain(found.limit);
            rules.push(Rule {
                limits: limits.map(Limit::Requests).collect(),
                location: object.location.clone(),
                ..rule(format!("{kind} {authorization}"), Action::Allow, found.peers)
            });
        }
        rules
    }

    /// Who a list of clients means, all of which must hold; `None` if one of them is not known.
    fn clients(
        &mut self,
        clients: &[ClientRef],
        authorization: &LinkerdObject,
        server: &LinkerdObject,
    ) -> Option<Clients> {
        let mut identities: Option<&[String]> = None;
        let mut networks: Option<&IpSet> = None;
        for client in clients {
            match client {
                ClientRef::Identities(known) => identities = Some(known),
                ClientRef::Networks(set) => networks = Some(set),
                ClientRef::Object(kind, namespace, name) => {
                    let mut objects = self.objects.iter().filter(|((own, space, it), _)| {
                        own == kind && space == namespace && it == name
                    });
                    match objects.next().map(|(_, object)| &object.spec) {
                        Some(LinkerdSpec::Identities(known)) => identities = Some(known),
                        Some(LinkerdSpec::Networks(set)) => networks = Some(set),
                        _ => {
                            let field = format!("{kind} {namespace}/{name}, which is not here,");
                            self.unknown(field, authorization, server);
                            return None;
                        }
                    }
                }
            }
        }
        let by_network =
            networks.map(|set| PeerKind::Networks(set.clone())).filter(|_| identities.is_none());
        Some(Clients {
            peers: match identities {
                Some(names) => peers([PeerKind::Pods(anywhere(with_identity(names)))]),
                None => by_network.and_then(|kind| peers([kind])),
            },
            limit: networks
                .filter(|set| identities.is_some() && !set.covers_a_family())
                .map(|set| format!("connections where the address is in {set}")),
        })
    }

    /// Something of an authorization is not known.
    fn unknown(&mut self, field: String, authorization: &LinkerdObject, server: &LinkerdObject) {
        let LinkerdSpec::Server { pods: Some(pods), .. } = &server.spec else { return };
        let names = self.objects.iter().find(|(_, object)| std::ptr::eq(*object, authorization));
        let Some(((kind, namespace, _), _)) = names else { return };
        self.unevaluated.push(Unevaluated {
            group: GROUP.to_owned(),
            kind: kind.clone(),
            field: Some(field),
            influence: Influence::Policy,
            scope: Scope::Pods(PodSelector {
                namespaces: Namespaces::Named(namespace.clone()),
                pods: pods.clone(),
            }),
            location: authorization.location.clone(),
        });
    }

    /// Fields that are not evaluated may be about any pod of their namespace.
    fn report_gaps(&mut self) {
        for ((kind, namespace, _), object) in &self.objects {
            for field in &object.gaps {
                self.unevaluated.push(Unevaluated {
                    group: GROUP.to_owned(),
                    kind: kind.clone(),
                    field: Some(field.clone()),
                    influence: Influence::Policy,
                    scope: Scope::Pods(PodSelector {
                        namespaces: Namespaces::Named(namespace.clone()),
                        pods: Selector::everything(),
                    }),
                    location: object.location.clone(),
                });
            }
        }
    }
}

/// The pods with one of these identities: whole, or with `*` in place of the first labels.
fn with_identity(names: &[String]) -> Selector {
    let one = |name: &String| {
        let mut selector = Selector::everything();
        let operator = match name.strip_prefix('*') {
            Some("") => return identified(),
            Some(end) => Operator::Like(Pattern::EndsWith(end.to_owned())),
            None => Operator::In(vec![name.clone()]),
        };
        selector.require(LINKERD_IDENTITY, operator);
        selector
    };
    Selector::any_of(names.iter().map(one).collect())
}
