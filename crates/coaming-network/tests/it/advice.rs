//! Advice is followed literally here, and must open, or close, exactly what was asked for.

use std::net::IpAddr;

use coaming_network::model::{
    Action, Model, Namespaces, Order, PeerKind, PodSelector, Policy, PolicyKind, PolicyPeer,
    PortMatch, PortNumbers, Rule, Tier,
};
use coaming_network::{
    Advice, AdvisedPeer, AskedPort, Connections, Direction, Endpoint, Explanation, FoundPeer,
    Labels, NewPolicy, PortSet, Protocol, Reach, Selector, explain,
};

use crate::random;

fn selector(labels: &Labels) -> Selector {
    assert!(!labels.is_empty(), "an empty selector means every pod of the namespace");
    Selector::labels(labels.iter().map(|(key, value)| (key.as_str(), value.as_str())))
}

/// The policy that the advice is to add.
fn applied(advice: &NewPolicy) -> Policy {
    let kind = match &advice.peer {
        AdvisedPeer::Addresses(addresses) => PeerKind::Block(addresses.clone()),
        AdvisedPeer::Pods { namespace, labels } => PeerKind::Pods(PodSelector {
            namespaces: Namespaces::Named(namespace.clone()),
            pods: selector(labels),
        }),
        AdvisedPeer::Nodes | AdvisedPeer::Controller => unreachable!("not among random pods"),
    };
    let port = advice.port.map(|(protocol, port)| PortMatch {
        protocol: Some(protocol),
        numbers: PortNumbers::Range(port, port),
        location: None,
    });
    let rule = Rule {
        path: None,
        limits: Vec::new(),
        name: None,
        action: Action::Allow,
        peers: Some(vec![PolicyPeer { kind, location: None }]),
        ports: port.map(|port| vec![port]),
        location: None,
    };
    let only = |direction| (advice.direction == direction).then(|| vec![rule.clone()]);
    let ingress_is = advice.direction == Direction::Ingress;
    Policy {
        part: None,
        order: Order::of_kubernetes(),
        isolates: [ingress_is, !ingress_is],
        kind: PolicyKind::NetworkPolicy,
        namespace: advice.namespace.clone(),
        name: advice.name.clone(),
        tier: Tier::Network,
        priority: 0,
        subject: PodSelector {
            namespaces: Namespaces::Named(advice.namespace.clone()),
            pods: selector(&advice.subject),
        },
        ingress: only(Direction::Ingress),
        egress: only(Direction::Egress),
        dead_rules: Vec::new(),
        location: None,
    }
}

const PROBES: [&str; 5] = ["8.8.8.8", "10.1.0.7", "10.200.0.1", "192.168.1.9", "172.16.0.1"];

/// What everything may connect to, pods by their ids and some addresses.
fn table(reach: &Reach) -> Vec<((String, String), Connections)> {
    let mut ends: Vec<(String, Endpoint)> = Vec::new();
    for (id, _) in &reach.model().pods {
        ends.push((format!("pod {id}"), Endpoint::Pods(id)));
    }
    for probe in PROBES {
        let address: IpAddr = probe.parse().unwrap();
        let atom = reach.externals().iter().position(|it| it.contains(address)).unwrap();
        ends.push((probe.to_owned(), Endpoint::External(atom)));
    }
    let pairs = ends.iter().flat_map(|source| ends.iter().map(move |target| (source, target)));
    pairs
        .map(|(source, target)| {
            let allowed = reach.allowed(source.1, target.1);
            ((source.0.clone(), target.0.clone()), allowed)
        })
        .collect()
}

fn peer(endpoint: Endpoint) -> FoundPeer {
    FoundPeer { endpoints: vec![endpoint], ..FoundPeer::default() }
}

fn asked(number: u16) -> AskedPort {
    AskedPort::from((Protocol::Tcp, number))
}

/// The pairs of pods on the pod network that are asked about.
fn explanations(reach: &Reach, port: u16) -> Vec<(usize, usize, Explanation)> {
    let pods: Vec<usize> =
        reach.model().pods.iter().filter(|(_, it)| !it.host_network).map(|(id, _)| id).collect();
    let mut found = Vec::new();
    for &from in &pods {
        for &to in pods.iter().filter(|&&to| to != from) {
            let (source, target) = (peer(Endpoint::Pods(from)), peer(Endpoint::Pods(to)));
            let explanation = explain(reach, &source, &target, Some(&asked(port))).unwrap();
            found.push((from, to, explanation));
        }
    }
    found
}

#[test]
fn advice_opens_what_was_asked_and_nothing_else() {
    let mut followed = 0;
    for seed in 0..120 {
        let model = random::model(seed);
        let reach = Reach::new(model.clone());
        for (from, to, explanation) in explanations(&reach, 80) {
            let policies: Vec<&NewPolicy> = explanation
                .advice
                .iter()
                .filter_map(|advice| match advice {
                    Advice::Add(policy) => Some(policy),
                    _ => None,
                })
                .collect();
            if policies.is_empty() || policies.len() < explanation.advice.len() {
                continue;
            }
            followed += 1;
            let mut changed: Model = model.clone();
            for policy in policies {
                changed.policies.insert(applied(policy));
            }
            let mut expected = table(&reach);
            for ((source, target), allowed) in &mut expected {
                if *source == format!("pod {from}") && *target == format!("pod {to}") {
                    let port = Connections::of(Protocol::Tcp, PortSet::range(80, 80));
                    *allowed = allowed.union(&port);
                }
            }
            assert_eq!(table(&Reach::new(changed)), expected, "seed {seed}: {explanation:?}");
        }
    }
    assert!(followed > 60, "only {followed} pieces of advice");
}

#[test]
fn without_the_rules_that_allow_it_is_denied() {
    let mut followed = 0;
    for seed in 0..120 {
        let model = random::model(seed);
        let reach = Reach::new(model.clone());
        for (from, to, explanation) in explanations(&reach, 80) {
            let [Advice::Narrow(rules)] = explanation.advice.as_slice() else { continue };
            if !rules.iter().all(|rule| rule.policy.starts_with("NetworkPolicy ")) {
                continue;
            }
            followed += 1;
            let mut changed: Model = model.clone();
            for (_, policy) in &mut changed.policies {
                let shown = policy.to_string();
                for direction in Direction::BOTH {
                    let list = match direction {
                        Direction::Ingress => &mut policy.ingress,
                        Direction::Egress => &mut policy.egress,
                    };
                    let mut position = 0;
                    list.iter_mut().for_each(|list| {
                        list.retain(|_| {
                            let name = format!("{}[{position}]", direction.name());
                            position += 1;
                            !rules.iter().any(|it| it.policy == shown && it.rule == name)
                        });
                    });
                }
            }
            let allowed = Reach::new(changed).allowed(Endpoint::Pods(from), Endpoint::Pods(to));
            assert!(!allowed.contains(Protocol::Tcp, 80), "seed {seed}: {explanation:?}");
        }
    }
    assert!(followed > 30, "only {followed} pieces of advice");
}
