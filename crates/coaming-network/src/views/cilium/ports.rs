//! `toPorts`: ports by number, name and range, and what else their `rules` demand.

use coaming_kube::Fields;
use coaming_yaml::Node;

use super::SpecReader;
use crate::model::{Action, Direction, Limit, PortMatch, PortNumbers};
use crate::ports::Protocol;
use crate::views::port_number;

/// The most ports of one item.
const MOST_PORTS: usize = 40;

/// The most limits of one rule that are shown one by one.
const MOST_LIMITS: usize = 20;

impl<'i> SpecReader<'_, '_, 'i> {
    /// The ports of an item of `toPorts`, and the requests to which it is limited.
    pub(super) fn ports(
        &mut self,
        item: Node<'i>,
        direction: Direction,
        action: Action,
    ) -> (Vec<PortMatch>, Vec<Limit>) {
        if !item.is_mapping() {
            self.checks.refuse(item, "an item of `toPorts` must be a mapping");
            return (Vec::new(), Vec::new());
        }
        if action == Action::Deny {
            self.note_unknown(item, &["ports"]);
        } else {
            const FIELDS: [&str; 6] =
                ["ports", "rules", "terminatingTLS", "originatingTLS", "serverNames", "listener"];
            self.note_unknown(item, &FIELDS);
        }
        let nodes = self.checks.items(item, "ports");
        if nodes.len() > MOST_PORTS {
            self.checks.refuse(item, format!("a rule must not have more than {MOST_PORTS} ports"));
        }
        let ports = nodes.into_iter().flat_map(|node| self.port(node)).collect();
        let limits = match action {
            Action::Allow => self.requests(item, direction),
            Action::Deny | Action::Pass => Vec::new(),
        };
        (ports, limits)
    }

    fn port(&mut self, node: Node<'i>) -> Vec<PortMatch> {
        let Some(text) = self.checks.text(node, "port") else {
            if node.field("port").is_none() {
                self.checks.refuse(node, "an item of `ports` needs a `port`");
            }
            return Vec::new();
        };
        let protocol = node.string("protocol").unwrap_or_default().to_ascii_uppercase();
        let protocol = match protocol.as_str() {
            "" | "ANY" => None,
            // These have no ports, and are none of the protocols of connections.
            "ICMP" | "ICMPV6" | "VRRP" | "IGMP" => return Vec::new(),
            name => match Protocol::from_name(name) {
                Some(protocol) => Some(protocol),
                None => {
                    let message = "a protocol must be `TCP`, `UDP`, `SCTP` or `ANY`";
                    self.checks.refuse(node, message);
                    return Vec::new();
                }
            },
        };
        let numbers = if text.bytes().any(|byte| byte.is_ascii_alphabetic()) {
            PortNumbers::Named(text.to_ascii_lowercase())
        } else {
            match text.parse::<u16>() {
                Ok(0) => PortNumbers::All,
                Ok(first) => PortNumbers::Range(first, self.end_port(node, first)),
                Err(_) => {
                    self.checks.refuse(node, "a port must be a number up to 65535, or a name");
                    return Vec::new();
                }
            }
        };
        vec![PortMatch { protocol, numbers, location: self.checks.location(node) }]
    }

    /// The last port of a range. Cilium ignores one that is below the first.
    fn end_port(&mut self, node: Node<'i>, first: u16) -> u16 {
        let Some(value) = node.field("endPort") else { return first };
        match value.as_int() {
            Some(0) => first,
            Some(number) => match port_number(number) {
                Some(last) if last >= first => last,
                Some(_) => {
                    self.gaps.push("endPort below port".to_owned());
                    first
                }
                None => {
                    self.checks.refuse(value, "`endPort` must be between 0 and 65535");
                    first
                }
            },
            None => {
                self.checks.refuse(value, "`endPort` must be a number");
                first
            }
        }
    }

    /// What an item demands of the requests on its ports.
    fn requests(&mut self, item: Node<'i>, direction: Direction) -> Vec<Limit> {
        let mut found = Vec::new();
        if let Some(rules) = self.checks.mapping(item, "rules") {
            self.note_unknown(rules, &["http", "kafka", "dns", "l7proto", "l7"]);
            found.extend(rules.list("http").map(http));
            found.extend(rules.list("kafka").map(kafka));
            if let Some(protocol) = rules.string("l7proto") {
                found.push(format!("some requests of protocol {protocol}"));
            }
            let names: Vec<Node<'_>> = rules.list("dns").collect();
            if direction == Direction::Ingress && !names.is_empty() {
                self.checks.refuse(rules, "`dns` rules are for egress only");
            }
            // Every name is no limit.
            if !names.iter().any(|name| name.string("matchPattern") == Some("*")) {
                found.extend(names.into_iter().map(|name| {
                    let what = name.string("matchName").or_else(|| name.string("matchPattern"));
                    format!("DNS queries for {}", what.unwrap_or_default())
                }));
            }
        }
        let servers: Vec<&str> = item.strings("serverNames").collect();
        if !servers.is_empty() {
            found.push(format!("TLS to {}", servers.join(" or ")));
        }
        if let Some(listener) = item.mapping("listener") {
            let name = listener.string("name").unwrap_or_default();
            found.push(format!("what the listener {name} lets through"));
        }
        let more = found.len().saturating_sub(MOST_LIMITS);
        found.truncate(MOST_LIMITS);
        if more > 0 {
            found.push(format!("{more} other kinds of requests"));
        }
        found.into_iter().map(Limit::Requests).collect()
    }
}

/// `HTTP GET /public`.
fn http(node: Node<'_>) -> String {
    let mut text = "HTTP".to_owned();
    for field in ["method", "path"] {
        if let Some(value) = node.string(field) {
            text.push(' ');
            text.push_str(value);
        }
    }
    if let Some(host) = node.string("host") {
        text.push_str(" to host ");
        text.push_str(host);
    }
    if node.list("headers").next().is_some() || node.list("headerMatches").next().is_some() {
        text.push_str(" with some headers");
    }
    if text == "HTTP" {
        text.push_str(" requests");
    }
    text
}

/// `Kafka produce of topic orders`.
fn kafka(node: Node<'_>) -> String {
    let role = node.string("role").or_else(|| node.string("apiKey")).unwrap_or("requests");
    match node.string("topic") {
        Some(topic) => format!("Kafka {role} of topic {topic}"),
        None => format!("Kafka {role}"),
    }
}
