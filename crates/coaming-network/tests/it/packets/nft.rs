//! The test-only compiler: a model's policies for one pod, as nftables rules on its addresses.
//!
//! It reads the API's text in its own way, rule by rule, so that an error in the engine is not
//! repeated here.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use coaming_network::model::{
    Action, Direction, Model, Namespaces, PeerKind, PodSelector, Pods, PortNumbers, Rule, Tier,
};
use coaming_network::{IpSet, Protocol};

fn selects(model: &Model, selector: &PodSelector, pods: &Pods) -> bool {
    let in_namespace = match &selector.namespaces {
        Namespaces::Named(name) => **name == *pods.namespace,
        Namespaces::Selected(selector) => {
            selector.matches(&model.namespaces[&*pods.namespace].labels)
        }
    };
    in_namespace && selector.pods.matches(&pods.labels)
}

/// The rules of the pod at `own`, whose address and everybody's are `addresses`. Answers are reported
/// by the ports they come from: connection tracking would remember the cluster before this one.
pub(super) fn compile(model: &Model, own: usize, addresses: &[Ipv4Addr]) -> String {
    let mut text = String::from(
        "flush ruleset\ntable ip coaming {\n\
         chain refuse {\n meta l4proto tcp reject with tcp reset\n reject\n}\n",
    );
    for direction in Direction::BOTH {
        let pods = &model.pods[own];
        let name = direction.name();
        let hook = if direction == Direction::Ingress { "input" } else { "output" };
        let mut policies: Vec<_> = model
            .policies
            .iter()
            .map(|(_, policy)| policy)
            .filter(|p| p.rules(direction).is_some() && selects(model, &p.subject, pods))
            .collect();
        policies.sort_by_key(|policy| policy.priority);
        let compiler = Compiler { model, own, addresses, direction };
        for (tier, chain) in
            [(Tier::Admin, "admin"), (Tier::Network, "network"), (Tier::Baseline, "baseline")]
        {
            let _ = writeln!(text, "chain {chain}_{name} {{");
            for policy in policies.iter().filter(|policy| policy.tier == tier) {
                for rule in policy.rules(direction).unwrap() {
                    compiler.rule(rule, &mut text);
                }
            }
            text.push_str("}\n");
        }
        let isolated = policies.iter().any(|policy| policy.tier == Tier::Network);
        let last = if isolated {
            format!("jump network_{name}\n goto refuse")
        } else {
            format!("jump baseline_{name}\n accept")
        };
        let _ = write!(
            text,
            "chain {name} {{\n type filter hook {hook} priority 0\n\
             tcp sport {{ 80, 81, 8080 }} accept\n udp sport {{ 53, 80 }} accept\n meta l4proto != {{ tcp, udp }} accept\n\
             jump admin_{name}\n {last}\n}}\n"
        );
    }
    text + "}\n"
}

struct Compiler<'c> {
    model: &'c Model,
    own: usize,
    addresses: &'c [Ipv4Addr],
    direction: Direction,
}

impl Compiler<'_> {
    fn rule(&self, rule: &Rule, text: &mut String) {
        let verdict = match rule.action {
            Action::Allow => "accept",
            Action::Deny => "goto refuse",
            Action::Pass => "return",
        };
        let peers = rule.peers.as_ref().map(|peers| {
            let sets = peers.iter().map(|peer| self.peer(&peer.kind));
            sets.fold(IpSet::none(), |all, set| all.union(&set))
        });
        let Some(ports) = &rule.ports else {
            self.line(peers.as_ref(), "", verdict, text);
            return;
        };
        for port in ports {
            let protocols = Protocol::ALL.into_iter().filter(|protocol| {
                *protocol != Protocol::Sctp
                    && port.protocol.is_none_or(|wanted| wanted == *protocol)
            });
            for protocol in protocols {
                let word = protocol.name().to_lowercase();
                match &port.numbers {
                    PortNumbers::All => {
                        self.line(peers.as_ref(), &format!("meta l4proto {word}"), verdict, text);
                    }
                    PortNumbers::Range(first, last) => {
                        let ports = format!("{word} dport {first}-{last}");
                        let one = format!("{word} dport {first}");
                        let ports = if first == last { one } else { ports };
                        self.line(peers.as_ref(), &ports, verdict, text);
                    }
                    PortNumbers::Named(name) => {
                        self.named(peers.as_ref(), protocol, name, verdict, text);
                    }
                }
            }
        }
    }

    /// A named port means a number of the receiving pod's own.
    fn named(
        &self,
        peers: Option<&IpSet>,
        protocol: Protocol,
        name: &str,
        verdict: &str,
        text: &mut String,
    ) {
        for (place, pods) in self.model.pods.iter() {
            let receives = self.direction == Direction::Egress || place == self.own;
            let ports = pods.ports.iter().filter(|port| {
                port.name.as_deref() == Some(name) && port.protocol == protocol && receives
            });
            for port in ports {
                let match_port =
                    format!("{} dport {}", protocol.name().to_lowercase(), port.number);
                if self.direction == Direction::Ingress {
                    self.line(peers, &match_port, verdict, text);
                    continue;
                }
                let receiver = IpSet::address(IpAddr::V4(self.addresses[place]));
                let meant = peers.is_none_or(|peers| receiver.is_subset(peers));
                if meant {
                    self.line(Some(&receiver), &match_port, verdict, text);
                }
            }
        }
    }

    fn peer(&self, kind: &PeerKind) -> IpSet {
        let address = |place: usize| IpSet::address(IpAddr::V4(self.addresses[place]));
        let all_pods =
            (0..self.model.pods.len()).fold(IpSet::none(), |all, place| all.union(&address(place)));
        match kind {
            PeerKind::Pods(selector) => {
                let meant = self.model.pods.iter();
                meant
                    .filter(|(_, pods)| selects(self.model, selector, pods))
                    .fold(IpSet::none(), |all, (place, _)| all.union(&address(place)))
            }
            PeerKind::Block(set) => set.difference(&all_pods),
            PeerKind::Networks(set) => set.clone(),
            PeerKind::Nodes(selector) => {
                let nodes = self.model.nodes.iter().map(|(_, node)| node);
                let nodes = nodes.filter(|node| selector.matches(&node.labels));
                let set = nodes.fold(IpSet::none(), |all, node| all.union(&node.addresses));
                set.difference(&all_pods)
            }
            PeerKind::Unknown => IpSet::none(),
            _ => unreachable!("policies of plugins are left out"),
        }
    }

    fn line(&self, peers: Option<&IpSet>, ports: &str, verdict: &str, text: &mut String) {
        let side = if self.direction == Direction::Ingress { "saddr" } else { "daddr" };
        let addresses = match peers {
            None => String::new(),
            Some(set) => {
                let ranges: Vec<String> = set
                    .only_v4()
                    .ranges()
                    .iter()
                    .map(|range| match range.split_once('-') {
                        Some((first, last)) if first == last => first.to_owned(),
                        _ => range.clone(),
                    })
                    .collect();
                if ranges.is_empty() {
                    return;
                }
                format!("ip {side} {{ {} }}", ranges.join(", "))
            }
        };
        let _ = writeln!(text, " {addresses} {ports} {verdict}");
    }
}
