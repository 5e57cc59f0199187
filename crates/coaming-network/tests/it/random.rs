//! Random clusters: small, with few labels, names and ports, so that everything meets everything.

use std::sync::Arc;

use coaming_network::ip::IpSet;
use coaming_network::model::{
    Action, CidrGroupPeer, ContainerPort, Model, Namespaces, NetworkSet, NetworkSetPeer, Node,
    Order, PeerKind, PodSelector, Pods, Policy, PolicyKind, PolicyPeer, PortMatch, PortNumbers,
    Role, Rule, Service, ServicePeer, Tier, TierSettings, Workload,
};
use coaming_network::selector::{Operator, Pattern};
use coaming_network::{Labels, Protocol, Selector};

/// A small generator of random numbers (SplitMix64): the same on every machine, for ever.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

const KEYS: [&str; 3] = ["app", "tier", "team"];
const VALUES: [&str; 3] = ["a", "b", "c"];
const PORT_NAMES: [&str; 3] = ["http", "dns", "rpc"];
const NUMBERS: [u16; 6] = [53, 80, 81, 8080, 9000, 65535];
const BLOCKS: [&str; 7] = [
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.1.0.0/16",
    "192.168.1.0/24",
    "8.8.8.8/32",
    "2001:db8::/32",
    "::/0",
];

pub(crate) fn labels(random: &mut Random) -> Labels {
    let mut labels = Labels::new();
    for key in KEYS {
        if random.chance(60) {
            labels.insert(key.to_owned(), (*random.pick(&VALUES)).to_owned());
        }
    }
    labels
}

pub(crate) fn selector(random: &mut Random) -> Selector {
    let mut selector = Selector::everything();
    let count = *random.pick(&[0, 1, 1, 2]);
    for _ in 0..count {
        let key = random.pick(&KEYS);
        let values = || vec!["a".to_owned(), "b".to_owned()];
        let value = *random.pick(&VALUES);
        let added = match random.below(6) {
            0..=2 => selector.match_label(key, value),
            3 => selector.match_expression(key, "NotIn", vec![value.to_owned()]),
            4 => selector.match_expression(key, "In", values()),
            _ if random.chance(50) => selector.match_expression(key, "Exists", vec![]),
            _ => selector.match_expression(key, "DoesNotExist", vec![]),
        };
        added.unwrap();
    }
    selector
}

fn protocol(random: &mut Random) -> Protocol {
    *random.pick(&[Protocol::Tcp, Protocol::Tcp, Protocol::Udp, Protocol::Sctp])
}

pub(crate) fn block(random: &mut Random) -> IpSet {
    let whole = IpSet::cidr(BLOCKS[random.below(BLOCKS.len())]).unwrap();
    if random.chance(40) {
        let except = IpSet::cidr(BLOCKS[random.below(BLOCKS.len())]).unwrap();
        let rest = whole.difference(&except);
        if !rest.is_empty() {
            return rest;
        }
    }
    whole
}

/// As Calico has them: with alternatives and patterns.
fn calico_selector(random: &mut Random) -> Selector {
    match random.below(4) {
        0 => Selector::any_of(vec![selector(random), selector(random)]),
        1 => {
            let mut selector = Selector::everything();
            let text = (*random.pick(&["a", "b", ""])).to_owned();
            let pattern = match random.below(3) {
                0 => Pattern::Contains(text),
                1 => Pattern::StartsWith(text),
                _ => Pattern::EndsWith(text),
            };
            let operator = match random.chance(50) {
                true => Operator::Like(pattern),
                false => Operator::NotLike(pattern),
            };
            let key: &&str = random.pick(&KEYS);
            selector.require(key, operator);
            selector
        }
        _ => selector(random),
    }
}

fn calico_peer(random: &mut Random, kind: PolicyKind, namespace: &str) -> PeerKind {
    let namespaces = match kind == PolicyKind::CalicoNetworkPolicy && random.chance(60) {
        true => Namespaces::Named(namespace.to_owned()),
        false => Namespaces::Selected(calico_selector(random)),
    };
    match random.below(7) {
        0..=1 => PeerKind::Networks(block(random)),
        2 => PeerKind::NetworkSets(NetworkSetPeer {
            namespaces: random.chance(60).then_some(namespaces),
            global: random.chance(50),
            labels: calico_selector(random),
        }),
        3 if random.chance(40) => PeerKind::Hosts,
        _ => PeerKind::Pods(PodSelector { namespaces, pods: calico_selector(random) }),
    }
}

fn cilium_peer(random: &mut Random, kind: PolicyKind, namespace: &str, egress: bool) -> PeerKind {
    match random.below(8) {
        0..=1 => PeerKind::Outside(block(random)),
        2 => PeerKind::Hosts,
        4 if random.chance(50) => PeerKind::CidrGroups(CidrGroupPeer {
            name: random.chance(50).then(|| "group".to_owned()),
            labels: if random.chance(50) { Selector::everything() } else { selector(random) },
            except: if random.chance(50) { block(random) } else { IpSet::none() },
        }),
        3 if egress => PeerKind::Services(ServicePeer {
            namespace: random.chance(50).then(|| namespace.to_owned()),
            name: random.chance(50).then(|| format!("s{}", random.below(4))),
            labels: if random.chance(50) { Selector::everything() } else { selector(random) },
        }),
        4 if random.chance(50) => {
            random.pick(&[PeerKind::Controllers, PeerKind::ApiServer]).clone()
        }
        _ => {
            let here = kind == PolicyKind::CiliumNetworkPolicy && random.chance(60);
            let namespaces = match here {
                true => Namespaces::Named(namespace.to_owned()),
                false => Namespaces::Selected(selector(random)),
            };
            PeerKind::Pods(PodSelector { namespaces, pods: selector(random) })
        }
    }
}

fn peer(random: &mut Random, kind: PolicyKind, namespace: &str, egress: bool) -> PolicyPeer {
    if kind.is_calico() {
        return PolicyPeer { kind: calico_peer(random, kind, namespace), location: None };
    }
    if kind.is_cilium() {
        return PolicyPeer { kind: cilium_peer(random, kind, namespace, egress), location: None };
    }
    let cluster_wide = kind != PolicyKind::NetworkPolicy;
    let kind = match random.below(10) {
        0..=1 if !cluster_wide => PeerKind::Block(block(random)),
        0..=1 if egress => PeerKind::Networks(block(random)),
        2 if cluster_wide && egress => PeerKind::Nodes(selector(random)),
        n => {
            let namespaces = if n < 5 && !cluster_wide {
                Namespaces::Named(namespace.to_owned())
            } else {
                Namespaces::Selected(selector(random))
            };
            PeerKind::Pods(PodSelector { namespaces, pods: selector(random) })
        }
    };
    PolicyPeer { kind, location: None }
}

fn port(random: &mut Random, kind: PolicyKind) -> PortMatch {
    let numbers = match random.below(6) {
        0 => PortNumbers::All,
        1 => PortNumbers::Named((*random.pick(&PORT_NAMES)).to_owned()),
        2 => PortNumbers::Range(80, *random.pick(&[80, 8080, 9000])),
        _ => {
            let number = *random.pick(&NUMBERS);
            PortNumbers::Range(number, number)
        }
    };
    let any = kind != PolicyKind::NetworkPolicy && matches!(numbers, PortNumbers::Named(_));
    PortMatch { protocol: (!any).then(|| protocol(random)), numbers, location: None }
}

fn rule(random: &mut Random, kind: PolicyKind, namespace: &str, egress: bool) -> Rule {
    let action = match (kind, random.below(3)) {
        (kind, 0) if !kind.is_network_policy() && kind != PolicyKind::AuthorizationPolicy => {
            Action::Pass
        }
        (PolicyKind::AuthorizationPolicy, 1) => Action::Pass,
        (PolicyKind::NetworkPolicy, _) | (_, 0) => Action::Allow,
        (kind, 1) if kind.is_cilium() => Action::Allow,
        (kind, 1) if kind.is_calico() => Action::Pass,
        (PolicyKind::AdminNetworkPolicy | PolicyKind::ClusterNetworkPolicy, 1) => Action::Pass,
        _ => Action::Deny,
    };
    let additive = kind == PolicyKind::NetworkPolicy || kind.is_of_plugin();
    let everybody = additive && random.chance(20);
    let peers = 1 + random.below(2);
    let peers = (0..peers).map(|_| peer(random, kind, namespace, egress)).collect();
    let ports = random.below(3);
    let ports: Vec<_> = (0..ports).map(|_| port(random, kind)).collect();
    Rule {
        path: None,
        limits: Vec::new(),
        name: None,
        action,
        peers: (!everybody).then_some(peers),
        ports: (!ports.is_empty()).then_some(ports),
        location: None,
    }
}

pub(crate) fn policy(random: &mut Random, number: usize, namespaces: &[String]) -> Policy {
    let named = |name: &str| Tier::Named(Arc::from(name));
    let calico_tier = match random.below(5) {
        0 => named("early"),
        1 => named("late"),
        _ => Tier::Network,
    };
    let (kind, tier) = match random.below(23) {
        14..=16 => (PolicyKind::CalicoNetworkPolicy, calico_tier),
        17..=18 => (PolicyKind::CalicoGlobalNetworkPolicy, calico_tier),
        19..=20 => (PolicyKind::AuthorizationPolicy, Tier::Mesh),
        21 => (PolicyKind::PeerAuthentication, Tier::MeshPeers),
        22 => (PolicyKind::UserDefinedNetwork, Tier::Networks),
        10..=12 => (PolicyKind::CiliumNetworkPolicy, Tier::Network),
        13 => (PolicyKind::CiliumClusterwideNetworkPolicy, Tier::Network),
        0..=5 => (PolicyKind::NetworkPolicy, Tier::Network),
        6..=7 => (PolicyKind::AdminNetworkPolicy, Tier::Admin),
        8 => {
            (PolicyKind::ClusterNetworkPolicy, random.pick(&[Tier::Admin, Tier::Baseline]).clone())
        }
        _ => (PolicyKind::BaselineAdminNetworkPolicy, Tier::Baseline),
    };
    let namespace = random.pick(namespaces).clone();
    let mut rules = |egress: bool| {
        let count = random.below(4);
        (0..count).map(|_| rule(random, kind, &namespace, egress)).collect::<Vec<_>>()
    };
    let (ingress, egress) = (rules(false), rules(true));
    let has_say = |rules: &Vec<Rule>, random: &mut Random| {
        let additive = kind == PolicyKind::NetworkPolicy || kind.is_of_plugin();
        !rules.is_empty() || additive && random.chance(50)
    };
    let in_ingress = has_say(&ingress, random);
    let in_egress = has_say(&egress, random) && !kind.is_mesh();
    let isolates = [in_ingress, in_egress].map(|governs| match kind {
        PolicyKind::NetworkPolicy
        | PolicyKind::CalicoNetworkPolicy
        | PolicyKind::CalicoGlobalNetworkPolicy => governs,
        PolicyKind::AuthorizationPolicy => governs && random.chance(60),
        _ => governs && kind.is_cilium() && random.chance(75),
    });
    let namespaced = matches!(
        kind,
        PolicyKind::NetworkPolicy
            | PolicyKind::CiliumNetworkPolicy
            | PolicyKind::CalicoNetworkPolicy
    );
    let order = match kind.is_calico() {
        true => *random.pick(&[Order::of(-5.5), Order::of(100.0), Order::of(1000.0), Order::LAST]),
        false => Order::of_kubernetes(),
    };
    let namespaces = if namespaced {
        Namespaces::Named(namespace.clone())
    } else {
        Namespaces::Selected(selector(random))
    };
    Policy {
        kind,
        namespace: if namespaced { namespace } else { String::new() },
        part: None,
        isolates,
        name: format!("policy-{number:03}"),
        tier: tier.clone(),
        priority: match &tier {
            Tier::Network | Tier::Named(_) | Tier::Mesh => 0,
            _ => u32::try_from(number).unwrap(),
        },
        order,
        subject: PodSelector {
            namespaces,
            pods: if kind.is_calico() { calico_selector(random) } else { selector(random) },
        },
        ingress: in_ingress.then_some(ingress),
        egress: in_egress.then_some(egress),
        dead_rules: Vec::new(),
        location: None,
    }
}

pub(crate) fn pods(random: &mut Random, workload: usize, namespace: &str) -> Pods {
    let host_network = random.chance(10);
    let addresses = match random.below(4) {
        0 => IpSet::cidr("10.1.2.3/32").unwrap(),
        1 => IpSet::cidr("10.9.2.3/32").unwrap(),
        _ => IpSet::none(),
    };
    let count = random.below(3);
    let mut ports: Vec<_> = (0..count)
        .map(|_| ContainerPort {
            name: random.chance(80).then(|| (*random.pick(&PORT_NAMES)).to_owned()),
            protocol: protocol(random),
            number: *random.pick(&NUMBERS),
        })
        .collect();
    ports.sort();
    ports.dedup();
    Pods {
        workload,
        namespace: Arc::from(namespace),
        labels: Arc::new(labels(random)),
        ports,
        host_network,
        addresses,
        role: Role::Real,
        location: None,
    }
}

/// A random cluster.
pub(crate) fn model(seed: u64) -> Model {
    let random = &mut Random::new(seed);
    let mut model = Model { ipv6: random.chance(50), ..Model::default() };
    let namespaces: Vec<String> = (0..1 + random.below(3)).map(|n| format!("ns{n}")).collect();
    for namespace in &namespaces {
        model.add_namespace(namespace, labels(random), None);
    }
    for number in 0..2 + random.below(6) {
        let namespace = random.pick(&namespaces).clone();
        model.pods.insert(pods(random, number, &namespace));
        let name = format!("pod{number}");
        model.workloads.insert(Workload { namespace, name, kind: "Pod".to_owned() });
    }
    for address in ["10.9.2.3/32", "192.168.1.7/32"] {
        let addresses = IpSet::cidr(address).unwrap();
        model.nodes.insert(Node { labels: labels(random), addresses });
    }
    for (name, order, passes) in [("early", 5.0, false), ("late", 2_000_000.0, true)] {
        let settings = TierSettings { order: Order::of(order), passes };
        model.tiers.insert(Arc::from(name), settings);
    }
    for _ in 0..random.below(3) {
        let of_cilium = random.chance(30);
        let set = NetworkSet {
            cidr_group: of_cilium.then(|| "group".to_owned()),
            namespace: (!of_cilium && random.chance(50)).then(|| random.pick(&namespaces).clone()),
            labels: labels(random),
            addresses: block(random),
        };
        model.network_sets.push(set);
    }
    for number in 0..random.below(4) {
        let service = Service {
            namespace: random.pick(&namespaces).clone(),
            name: format!("s{number}"),
            labels: labels(random),
            selector: random.chance(80).then(|| selector(random)),
            ports: Vec::new(),
            endpoints: IpSet::none(),
            serves_api: false,
            location: None,
        };
        model.services.insert(service);
    }
    for number in 0..random.below(7) {
        let policy = policy(random, number, &namespaces);
        model.policies.insert(policy);
    }
    model
}
