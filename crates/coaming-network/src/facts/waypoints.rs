//! Waypoints: which Services and pods use which, and what is authorized there.

use crate::model::{
    Action, Influence, Mesh, Model, Namespace, Namespaces, PeerKind, PodSelector, Policy,
    PolicyPeer, PortMatch, PortNumbers, Rule, Scope, Service, Unevaluated, Waypoint, in_mesh,
};
use crate::ports::Protocol;
use crate::selector::{ISTIO, Labels, Operator, Selector};
use crate::views::istio::RootNamespace;
use crate::views::istio::waypoints::{
    AttachedPolicy, CLASS, CONTROLLER, GatewayFacts, TargetKind, USE, USE_NAMESPACE,
};

use super::{ObjectFacts, Statement};

/// A Gateway that is a waypoint.
pub(super) struct Gateway<'s> {
    pub(super) namespace: &'s str,
    pub(super) name: &'s str,
    pub(super) facts: &'s GatewayFacts,
}

/// The waypoints among these objects.
pub(super) fn gateways<'s>(objects: &[&'s ObjectFacts]) -> Vec<Gateway<'s>> {
    let is_class = |name: &str| {
        name == CLASS
            || objects.iter().any(|it| match &it.statement {
                Statement::GatewayClass(controller) => {
                    it.identity.2 == name && controller == CONTROLLER
                }
                _ => false,
            })
    };
    let found = objects.iter().filter_map(|it| match &it.statement {
        Statement::Gateway(facts) if is_class(&facts.class) => {
            Some(Gateway { namespace: &it.identity.1, name: &it.identity.2, facts })
        }
        _ => None,
    });
    found.collect()
}

/// What labels say about the waypoint to use.
enum Wish {
    /// Nothing.
    Nothing,
    /// None.
    Refuses,
    /// This one.
    Asks(String, String),
}

fn wish(labels: &Labels, namespace: &str) -> Wish {
    match labels.get(USE).map(String::as_str) {
        None => Wish::Nothing,
        Some("none" | "") => Wish::Refuses,
        Some(name) => {
            let namespace = labels.get(USE_NAMESPACE).map_or(namespace, String::as_str);
            Wish::Asks(namespace.to_owned(), name.to_owned())
        }
    }
}

/// All ways through waypoints, and what is not evaluated.
pub(super) fn waypoints(
    objects: &[&ObjectFacts],
    gateways: &[Gateway<'_>],
    root: &RootNamespace,
    model: &Model,
    exists: bool,
) -> (Vec<Waypoint>, Vec<Unevaluated>) {
    let attached = objects.iter().filter_map(|it| match &it.statement {
        Statement::Policy(_, facts) => facts.attached.as_ref(),
        _ => None,
    });
    let mut work =
        Work { gateways, root, model, attached: attached.collect(), unevaluated: Vec::new() };
    let mut found = Vec::new();
    if exists {
        for (_, service) in &model.services {
            found.extend(work.of_service(service));
        }
        let for_pods = |it: &&Gateway<'_>| ["workload", "all"].contains(&&*it.facts.used_for);
        for gateway in gateways.iter().filter(for_pods) {
            work.of_pods(gateway, &mut found);
        }
    }
    work.beyond_waypoints();
    (found, work.unevaluated)
}

struct Work<'w> {
    gateways: &'w [Gateway<'w>],
    root: &'w RootNamespace,
    model: &'w Model,
    attached: Vec<&'w AttachedPolicy>,
    unevaluated: Vec<Unevaluated>,
}

impl<'w> Work<'w> {
    fn gateway(&self, namespace: &str, name: &str) -> Option<&'w Gateway<'w>> {
        self.gateways.iter().find(|it| it.namespace == namespace && it.name == name)
    }

    fn has_service(&self, namespace: &str, name: &str) -> bool {
        let mut services = self.model.services.iter().map(|(_, service)| service);
        services.any(|service| service.namespace == namespace && service.name == name)
    }

    fn labels(&self, namespace: &str) -> Option<&'w Labels> {
        self.model.namespaces.get(namespace).map(|it| &it.labels)
    }

    /// The way to a Service, if it uses a waypoint.
    fn of_service(&mut self, service: &'w Service) -> Option<Waypoint> {
        let pods = service.selector.clone()?;
        let labels = self.labels(&service.namespace);
        let of_namespace = || labels.map_or(Wish::Nothing, |it| wish(it, &service.namespace));
        let (namespace, name) = match wish(&service.labels, &service.namespace) {
            Wish::Nothing => match of_namespace() {
                Wish::Asks(namespace, name) => (namespace, name),
                _ => return None,
            },
            Wish::Refuses => return None,
            Wish::Asks(namespace, name) => (namespace, name),
        };
        let target = behind(Namespaces::Named(service.namespace.clone()), pods);
        let Some(gateway) = self.gateway(&namespace, &name) else {
            self.unevaluated.push(Unevaluated {
                group: String::new(),
                kind: "Service".to_owned(),
                field: Some(format!("{USE}: {namespace}/{name}, which is not here,")),
                influence: Influence::Mesh,
                scope: Scope::Pods(target),
                location: service.location.clone(),
            });
            return None;
        };
        if !["service", "all"].contains(&&*gateway.facts.used_for)
            || !gateway.facts.serves(gateway.namespace, &service.namespace, labels)
        {
            return None;
        }
        let ports: Vec<(u16, PortMatch)> = service
            .ports
            .iter()
            .filter(|port| port.protocol == Protocol::Tcp)
            .map(|port| {
                let numbers = port.target.clone();
                let location = service.location.clone();
                (port.port, PortMatch { protocol: Some(Protocol::Tcp), numbers, location })
            })
            .collect();
        let is_meant = |policy: &AttachedPolicy, kind: TargetKind, wanted: &str| {
            kind == TargetKind::Service
                && policy.policy.namespace == service.namespace
                && wanted == service.name
        };
        let policies = self.policies(gateway, &target, is_meant);
        let policies = policies.map(|policy| with_targets(policy, &ports)).collect();
        let ports = ports.into_iter().map(|(_, target)| target).collect();
        let name = format!("{}/{}", service.namespace, service.name);
        Some(self.waypoint(gateway, target, Some(name), Some(ports), policies))
    }

    /// The ways to pods by their own addresses.
    fn of_pods(&self, gateway: &'w Gateway<'w>, found: &mut Vec<Waypoint>) {
        let mut of_namespaces = Vec::new();
        for (name, namespace) in &self.model.namespaces {
            if !gateway.facts.serves(gateway.namespace, name, Some(&namespace.labels)) {
                continue;
            }
            of_namespaces.extend(self.of_pods_in(gateway, name, namespace));
        }
        for target in of_namespaces {
            let policies = self.policies(gateway, &target, |_, _, _| false).collect();
            found.push(self.waypoint(gateway, target, None, None, policies));
        }
    }

    /// The pods of a namespace that use a waypoint: by their own labels, or by the namespace's.
    fn of_pods_in(
        &self,
        gateway: &Gateway<'_>,
        name: &str,
        namespace: &Namespace,
    ) -> Vec<PodSelector> {
        let own = |operator: Operator| {
            let mut pods = Selector::everything();
            pods.require(USE, operator);
            pods
        };
        let mut named = own(Operator::In(vec![gateway.name.to_owned()]));
        named.require(USE_NAMESPACE, Operator::In(vec![gateway.namespace.to_owned()]));
        let mut found = vec![named];
        if name == gateway.namespace {
            let mut here = own(Operator::In(vec![gateway.name.to_owned()]));
            here.require(USE_NAMESPACE, Operator::DoesNotExist);
            found.push(here);
        }
        if let Wish::Asks(at, wanted) = wish(&namespace.labels, name)
            && at == gateway.namespace
            && wanted == gateway.name
        {
            found.push(own(Operator::DoesNotExist));
        }
        let used = found.into_iter().filter(|selector| {
            self.model.pods.iter().any(|(_, pods)| {
                *pods.namespace == *name && selector.matches(&pods.labels) && !pods.host_network
            })
        });
        used.map(|pods| behind(Namespaces::Named(name.to_owned()), pods)).collect()
    }

    /// The policies that are attached to a waypoint, or to what `also` means.
    fn policies<'s>(
        &'s self,
        gateway: &'s Gateway<'_>,
        target: &'s PodSelector,
        also: impl Fn(&AttachedPolicy, TargetKind, &str) -> bool + 's,
    ) -> impl Iterator<Item = Policy> + 's {
        let found = self.attached.iter().filter(move |policy| {
            let namespace = policy.policy.namespace.as_str();
            policy.targets.iter().any(|(kind, name)| match kind {
                TargetKind::Gateway => namespace == gateway.namespace && name == gateway.name,
                TargetKind::GatewayClass => self.root.is(namespace) && *name == gateway.facts.class,
                _ => also(policy, *kind, name),
            })
        });
        found.map(|it| Policy { subject: target.clone(), ..it.policy.clone() })
    }

    fn waypoint(
        &self,
        gateway: &Gateway<'_>,
        target: PodSelector,
        service: Option<String>,
        ports: Option<Vec<PortMatch>>,
        policies: Vec<Policy>,
    ) -> Waypoint {
        let mut pods = Selector::everything();
        let name = gateway.name.to_owned();
        pods.require("gateway.networking.k8s.io/gateway-name", Operator::In(vec![name]));
        let all = PortMatch {
            protocol: Some(Protocol::Tcp),
            numbers: PortNumbers::All,
            location: gateway.facts.location.clone(),
        };
        let sources =
            PolicyPeer { kind: PeerKind::Pods(in_mesh(&[Mesh::Ambient])), location: None };
        Waypoint {
            namespace: gateway.namespace.to_owned(),
            name: gateway.name.to_owned(),
            pods: PodSelector { namespaces: Namespaces::Named(gateway.namespace.to_owned()), pods },
            target,
            service,
            carries: Rule {
                path: None,
                name: None,
                action: Action::Allow,
                peers: Some(vec![sources]),
                ports: Some(ports.unwrap_or_else(|| vec![all])),
                limits: Vec::new(),
                location: gateway.facts.location.clone(),
            },
            policies,
        }
    }

    /// Policies that are attached to what is not evaluated: other Gateways, and hosts outside.
    fn beyond_waypoints(&mut self) {
        for attached in &self.attached {
            let policy = &attached.policy;
            for (kind, name) in &attached.targets {
                let mut pods = Selector::everything();
                match kind {
                    TargetKind::Gateway if self.gateway(&policy.namespace, name).is_none() => {
                        let label = "gateway.networking.k8s.io/gateway-name";
                        pods.require(label, Operator::In(vec![name.clone()]));
                    }
                    // What is not here may use a waypoint.
                    TargetKind::Service if !self.has_service(&policy.namespace, name) => {}
                    TargetKind::Other => {}
                    _ => continue,
                }
                self.unevaluated.push(Unevaluated {
                    group: "security.istio.io".to_owned(),
                    kind: policy.kind.name().to_owned(),
                    field: Some(format!("targetRefs: {name}")),
                    influence: Influence::Mesh,
                    scope: Scope::Pods(PodSelector {
                        namespaces: Namespaces::Named(policy.namespace.clone()),
                        pods,
                    }),
                    location: policy.location.clone(),
                });
            }
        }
    }
}

/// Those of some pods that are not waypoints themselves.
fn behind(namespaces: Namespaces, mut pods: Selector) -> PodSelector {
    pods.require(ISTIO, Operator::NotIn(vec![Mesh::Waypoint.name().to_owned()]));
    PodSelector { namespaces, pods }
}

/// A policy about the ports of a Service as one about the ports that these lead to.
fn with_targets(policy: Policy, ports: &[(u16, PortMatch)]) -> Policy {
    let rules = policy.ingress.into_iter().flatten().filter_map(|rule| {
        let is_meant = |number: u16| {
            rule.ports.as_ref().is_none_or(|wanted| {
                wanted.iter().any(|port| match port.numbers {
                    PortNumbers::Range(first, last) => (first..=last).contains(&number),
                    PortNumbers::All => true,
                    PortNumbers::Named(_) => false,
                })
            })
        };
        let meant = ports.iter().filter(|(number, _)| is_meant(*number));
        let targets: Vec<PortMatch> = meant.map(|(_, target)| target.clone()).collect();
        (!targets.is_empty()).then_some(Rule { ports: Some(targets), ..rule })
    });
    Policy { ingress: Some(rules.collect()), ..policy }
}
