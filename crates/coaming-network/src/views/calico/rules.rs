//! The rules of Calico's policies: actions, protocols and ports, and the other side.

use coaming_kube::Fields;
use coaming_yaml::Node;

use super::{SpecReader, account_key, is_global, namespace_key, pod_key, selector};
use crate::ip::IpSet;
use crate::model::{
    Action, Direction, Limit, Namespaces, NetworkSetPeer, PeerKind, PodSelector, PolicyPeer,
    PortMatch, PortNumbers, Rule, ServicePeer,
};
use crate::ports::{FIRST_PORT, LAST_PORT, PortSet, Protocol};
use crate::selector::{Operator, SERVICE_ACCOUNT, Selector};
use crate::views::{address_or_block, port_number};

impl<'i> SpecReader<'_, '_, 'i> {
    pub(super) fn rules(&mut self, spec: Node<'i>, direction: Direction) -> Vec<Rule> {
        let field = direction.name();
        let mut rules = Vec::new();
        for (position, node) in self.checks.items(spec, field).into_iter().enumerate() {
            if !node.is_mapping() {
                self.checks.refuse(node, format!("a rule of `{field}` must be a mapping"));
                continue;
            }
            rules.extend(self.rule(node, direction, format!("{field}[{position}]")));
        }
        rules
    }

    fn rule(&mut self, node: Node<'i>, direction: Direction, path: String) -> Option<Rule> {
        const FIELDS: [&str; 10] = [
            "action",
            "ipVersion",
            "protocol",
            "notProtocol",
            "icmp",
            "notICMP",
            "source",
            "destination",
            "http",
            "metadata",
        ];
        self.note_unknown(node, "", &FIELDS);
        let action = match node.string("action") {
            Some("Allow") => Action::Allow,
            Some("Deny") => Action::Deny,
            Some("Pass") => Action::Pass,
            // It decides nothing.
            Some("Log") => return None,
            _ => {
                let message = "`action` must be `Allow`, `Deny`, `Pass` or `Log`";
                self.checks.refuse(node.field("action").unwrap_or(node), message);
                return None;
            }
        };
        let version = node.field("ipVersion");
        if let Some(version) = version {
            match version.as_int() {
                Some(4 | 6) => {}
                _ => self.checks.refuse(version, "`ipVersion` must be 4 or 6"),
            }
        }
        let source = self.checks.mapping(node, "source");
        let destination = self.checks.mapping(node, "destination");
        let (own, other, own_name, other_name) = match direction {
            Direction::Ingress => (destination, source, "destination", "source"),
            Direction::Egress => (source, destination, "source", "destination"),
        };
        if let Some(own) = own {
            self.note_unknown(own, &format!("{own_name}."), &["ports", "notPorts"]);
        }
        if let Some(source) = source {
            let by_port = ["ports", "notPorts"].into_iter();
            let by_port = by_port.filter(|field| source.list(field).next().is_some());
            self.gaps.extend(by_port.map(|field| format!("source.{field}")));
        }
        let ports = self.ports(node, destination);
        // Of ICMP nothing is asked.
        if let Some(version) = version.filter(|_| ports.as_ref().is_none_or(|it| !it.is_empty())) {
            self.gaps.push(format!("ipVersion: {}", version.text()));
        }
        let allows_out = action == Action::Allow && direction == Direction::Egress;
        let names = other.filter(|_| allows_out).map(names).unwrap_or_default();
        let peers = match names.is_empty() {
            true => other.and_then(|other| self.peers(other, other_name)),
            false => Some(vec![PolicyPeer {
                kind: PeerKind::Outside(IpSet::all()),
                location: self.checks.location(node),
            }]),
        };
        let limits = match node.mapping("http").filter(|_| action == Action::Allow) {
            Some(http) => vec![Limit::Requests(requests(http))],
            None => names,
        };
        let location = self.checks.location(node);
        Some(Rule { path: Some(path), name: None, action, peers, ports, limits, location })
    }

    /// The protocols that a rule is about; `None` for all.
    fn protocols(&mut self, node: Node<'i>) -> Option<Vec<Protocol>> {
        let mut found: Option<Vec<Protocol>> = None;
        for (field, wanted) in [("protocol", true), ("notProtocol", false)] {
            let Some(value) = node.field(field) else { continue };
            let named = match (value.as_int(), value.as_str()) {
                (Some(6), _) => Some(Protocol::Tcp),
                (Some(17), _) => Some(Protocol::Udp),
                (Some(132), _) => Some(Protocol::Sctp),
                (Some(1..=255), _) | (None, Some("ICMP" | "ICMPv6" | "UDPLite")) => None,
                (None, Some(name)) if Protocol::from_name(name).is_some() => {
                    Protocol::from_name(name)
                }
                _ => {
                    self.checks.refuse(value, "this is not a protocol that Calico knows");
                    continue;
                }
            };
            let known = found.unwrap_or_else(|| Protocol::ALL.to_vec());
            let kept = known.into_iter().filter(|it| (named == Some(*it)) == wanted);
            found = Some(kept.collect());
        }
        found
    }

    /// The ports that a rule is about; `None` for all.
    fn ports(&mut self, node: Node<'i>, receiver: Option<Node<'i>>) -> Option<Vec<PortMatch>> {
        let protocols = self.protocols(node);
        let mut items = Vec::new();
        let mut excluded = PortSet::none();
        let mut limited = false;
        if let Some(receiver) = receiver {
            for port in self.checks.items(receiver, "ports") {
                limited = true;
                items.extend(self.port(port).map(|numbers| (numbers, port)));
            }
            for port in self.checks.items(receiver, "notPorts") {
                match self.port(port) {
                    Some(PortNumbers::Range(first, last)) => {
                        excluded = excluded.union(&PortSet::range(first, last));
                    }
                    Some(_) => self.gaps.push("notPorts by name".to_owned()),
                    None => {}
                }
            }
        }
        if (limited || !excluded.is_empty()) && protocols.as_ref().is_none_or(Vec::is_empty) {
            self.checks.refuse(node, "ports need a `protocol`: TCP, UDP or SCTP");
            return None;
        }
        let protocols = protocols?;
        if !limited {
            items.push((PortNumbers::Range(FIRST_PORT, LAST_PORT), node));
        }
        let mut found = Vec::new();
        for protocol in protocols {
            for (numbers, node) in &items {
                let location = self.checks.location(*node);
                let matched = |numbers| PortMatch {
                    protocol: Some(protocol),
                    numbers,
                    location: location.clone(),
                };
                match numbers {
                    PortNumbers::Range(first, last) => {
                        let left = PortSet::range(*first, *last).difference(&excluded);
                        let ranges = left.ranges().iter();
                        found.extend(ranges.map(|&(a, b)| matched(PortNumbers::Range(a, b))));
                    }
                    // A port of a name may be one of the excluded numbers.
                    numbers => {
                        if !excluded.is_empty() {
                            self.gaps.push("notPorts with names".to_owned());
                        }
                        found.push(matched(numbers.clone()));
                    }
                }
            }
        }
        Some(found)
    }

    /// `80`, `"8000:8999"` or a name.
    fn port(&mut self, node: Node<'i>) -> Option<PortNumbers> {
        if let Some(number) = node.as_int() {
            let port = port_number(number);
            if port.is_none() {
                self.checks.refuse(node, "a port must be between 1 and 65535");
            }
            return port.map(|port| PortNumbers::Range(port, port));
        }
        let text = node.as_str().unwrap_or_default();
        let (first, last) = text.split_once(':').unwrap_or((text, text));
        match (first.parse::<u16>(), last.parse::<u16>()) {
            (Ok(first), Ok(last)) if first <= last && last > 0 => {
                Some(PortNumbers::Range(first.max(FIRST_PORT), last))
            }
            (Err(_), Err(_)) if !text.is_empty() && !text.contains(':') => {
                Some(PortNumbers::Named(text.to_owned()))
            }
            _ => {
                let message = "a port must be a number, a range such as 8000:8999, or a name";
                self.checks.refuse(node, message);
                None
            }
        }
    }

    /// The other side; `None` for any.
    fn peers(&mut self, node: Node<'i>, name: &str) -> Option<Vec<PolicyPeer>> {
        const FIELDS: [&str; 10] = [
            "services",
            "domains",
            "nets",
            "notNets",
            "selector",
            "notSelector",
            "namespaceSelector",
            "serviceAccounts",
            "ports",
            "notPorts",
        ];
        let prefix = format!("{name}.");
        self.note_unknown(node, &prefix, &FIELDS);
        let given = |field: &str| node.field(field).is_some();
        if let Some(services) = self.checks.mapping(node, "services") {
            return Some(self.services(node, services, name));
        }
        if given("domains") {
            self.gaps.push(format!("{prefix}domains"));
            return Some(vec![PolicyPeer { kind: PeerKind::Unknown, location: None }]);
        }
        let selected = ["selector", "namespaceSelector", "serviceAccounts"].into_iter().any(given);
        let refused = self.refused(node);
        let addresses = self.addresses(node);
        let location = self.checks.location(node);
        let kinds = if selected {
            if addresses.is_some() {
                self.gaps.push(format!("{prefix}nets with a selector"));
            }
            self.selected(node, &prefix, refused)
        } else if let Some(addresses) = addresses {
            if refused.is_some() {
                self.gaps.push(format!("{prefix}notSelector with nets"));
            }
            addresses
        } else {
            let pods = refused?;
            let namespaces = Namespaces::Selected(Selector::everything());
            let pods = PeerKind::Pods(PodSelector { namespaces, pods });
            vec![pods, PeerKind::Hosts, PeerKind::Outside(IpSet::all())]
        };
        Some(
            kinds.into_iter().map(|kind| PolicyPeer { kind, location: location.clone() }).collect(),
        )
    }

    /// The Service that an entity names. Its ports are added when they are known: see
    /// [`crate::facts`].
    fn services(&mut self, node: Node<'i>, services: Node<'i>, name: &str) -> Vec<PolicyPeer> {
        let others = [
            "nets",
            "notNets",
            "selector",
            "notSelector",
            "namespaceSelector",
            "ports",
            "notPorts",
        ];
        if let Some(other) = others.into_iter().find(|it| node.field(it).is_some()) {
            self.checks.refuse(services, format!("`services` must not be combined with `{other}`"));
        }
        self.note_unknown(services, &format!("{name}.services."), &["name", "namespace"]);
        let own = self.namespace();
        let (service, namespace) = (services.string("name"), services.string("namespace").or(own));
        let kind = match (service, namespace) {
            (Some("kubernetes"), Some("default")) => PeerKind::ApiServer,
            (Some(service), Some(namespace)) => PeerKind::Services(ServicePeer {
                namespace: Some(namespace.to_owned()),
                name: Some(service.to_owned()),
                labels: Selector::everything(),
            }),
            _ => {
                self.gaps.push(format!("{name}.services"));
                PeerKind::Unknown
            }
        };
        vec![PolicyPeer { kind, location: self.checks.location(services) }]
    }

    /// What `notSelector` leaves.
    fn refused(&mut self, node: Node<'i>) -> Option<Selector> {
        let value = node.field("notSelector")?;
        let text = self.checks.text(node, "notSelector").filter(|text| !text.trim().is_empty())?;
        match selector::negated(text, &pod_key) {
            Ok(selector) => Some(selector),
            Err(error) => {
                self.checks.refuse(value, format!("`notSelector`: {error}"));
                None
            }
        }
    }

    /// The addresses of `nets` without those of `notNets`.
    fn addresses(&mut self, node: Node<'i>) -> Option<Vec<PeerKind>> {
        let mut read = |field: &str| -> Option<IpSet> {
            node.field(field)?;
            let mut found = Vec::new();
            for item in self.checks.items(node, field) {
                match item.as_str().map(address_or_block) {
                    Some(Ok(net)) => found.push(net),
                    _ => self.checks.refuse(item, "this is not an address or a CIDR block"),
                }
            }
            Some(IpSet::union_of(&found)).filter(|found| !found.is_empty())
        };
        let (nets, refused) = (read("nets"), read("notNets"));
        let refused = refused.unwrap_or_default();
        match nets {
            Some(nets) => Some(vec![PeerKind::Networks(nets.difference(&refused))]),
            None if refused.is_empty() => None,
            None => {
                let left = IpSet::all().difference(&refused);
                let v4 = left.only_v4();
                let v6 = left.difference(&IpSet::all_v4());
                Some(vec![PeerKind::Networks(v4), PeerKind::Outside(v6)])
            }
        }
    }

    /// What the selectors of an entity mean: pods, and network sets.
    fn selected(
        &mut self,
        node: Node<'i>,
        prefix: &str,
        refused: Option<Selector>,
    ) -> Vec<PeerKind> {
        let own = self.namespace();
        let mut labels = self.selector(node, "selector", pod_key).unwrap_or_default();
        if let Some(refused) = refused {
            labels = Selector::all_of([labels, refused]);
        }
        let accounts = self.checks.mapping(node, "serviceAccounts");
        let mut pods = labels.clone();
        if let Some(accounts) = accounts {
            let mut names: Vec<String> = accounts.strings("names").map(str::to_owned).collect();
            names.sort_unstable();
            if !names.is_empty() {
                pods.require(SERVICE_ACCOUNT, Operator::In(names));
            }
            if let Some(selector) = self.selector(accounts, "selector", account_key) {
                pods = Selector::all_of([pods, selector]);
            }
            self.note_unknown(
                accounts,
                &format!("{prefix}serviceAccounts."),
                &["names", "selector"],
            );
        }
        if is_global(node) {
            return vec![PeerKind::NetworkSets(NetworkSetPeer {
                namespaces: None,
                global: true,
                labels,
            })];
        }
        let by_namespace = self.selector(node, "namespaceSelector", namespace_key);
        let global = by_namespace.is_none() && own.is_none();
        let namespaces = match (by_namespace, own) {
            (Some(selector), _) => Namespaces::Selected(selector),
            (None, Some(own)) => Namespaces::Named(own.to_owned()),
            (None, None) => Namespaces::Selected(Selector::everything()),
        };
        let mut kinds = vec![PeerKind::Pods(PodSelector { namespaces: namespaces.clone(), pods })];
        if accounts.is_none() {
            let namespaces = Some(namespaces);
            kinds.push(PeerKind::NetworkSets(NetworkSetPeer { namespaces, global, labels }));
        }
        kinds
    }
}

/// `HTTP GET, HEAD on /public`.
fn requests(node: Node<'_>) -> String {
    let methods: Vec<&str> = node.strings("methods").collect();
    let paths = node.list("paths").filter_map(|path| {
        let exact = path.string("exact").map(str::to_owned);
        exact.or_else(|| path.string("prefix").map(|prefix| format!("{prefix}*")))
    });
    let paths: Vec<String> = paths.collect();
    let mut text = "HTTP".to_owned();
    for (word, parts) in [("", methods.join(", ")), (" on", paths.join(", "))] {
        if !parts.is_empty() {
            text.push_str(word);
            text.push(' ');
            text.push_str(&parts);
        }
    }
    text
}

/// The domain names to whose addresses the other side is limited, if nothing else says who it is.
fn names(other: Node<'_>) -> Vec<Limit> {
    let mut fields = other.entries().filter(|entry| !entry.value.is_null());
    if !fields.all(|entry| ["domains", "ports", "notPorts"].contains(&entry.name())) {
        return Vec::new();
    }
    other.strings("domains").map(|name| Limit::Name(name.to_owned())).collect()
}
