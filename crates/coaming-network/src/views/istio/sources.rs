//! Who is meant by an item of `from`.

use coaming_kube::Fields;
use coaming_yaml::Node;

use super::{SpecReader, and_outside, anywhere, names};
use crate::ip::IpSet;
use crate::model::{Mesh, PeerKind, PolicyPeer};
use crate::selector::{ISTIO, NAMESPACE, Operator, PRINCIPAL, Pattern, Selector};
use crate::views::address_or_block;

/// A source.
#[derive(Default)]
pub(super) struct Source {
    /// The peers; `None` means any.
    pub(super) peers: Option<Vec<PolicyPeer>>,
    /// What else must hold that any proxy can tell.
    pub(super) conditions: Vec<String>,
    /// What else must hold that only a proxy for HTTP can tell.
    pub(super) requests: Vec<String>,
}

/// How a value of a list is written: whole, or with `*` at one end.
enum Text {
    Any,
    Is(String),
    Like(Pattern),
}

impl Text {
    fn read(text: &str) -> Self {
        match (text.strip_suffix('*'), text.strip_prefix('*')) {
            (Some(""), _) => Self::Any,
            (Some(start), _) => Self::Like(Pattern::StartsWith(start.to_owned())),
            (None, Some(end)) => Self::Like(Pattern::EndsWith(end.to_owned())),
            (None, None) => Self::Is(text.to_owned()),
        }
    }

    fn operator(self, wanted: bool) -> Operator {
        match (self, wanted) {
            (Self::Any, true) => Operator::Exists,
            (Self::Any, false) => Operator::DoesNotExist,
            (Self::Is(text), true) => Operator::In(vec![text]),
            (Self::Is(text), false) => Operator::NotIn(vec![text]),
            (Self::Like(pattern), true) => Operator::Like(pattern),
            (Self::Like(pattern), false) => Operator::NotLike(pattern),
        }
    }
}

/// Pods whose label is like one of these, or like none of these.
fn one_of(key: &str, values: impl Iterator<Item = String>, wanted: bool) -> Selector {
    let one = |value: String| {
        let mut selector = Selector::everything();
        selector.require(key, Text::read(&value).operator(wanted));
        selector
    };
    let each: Vec<Selector> = values.map(one).collect();
    if wanted { Selector::any_of(each) } else { Selector::all_of(each) }
}

/// Pods with an identity.
fn identified() -> Selector {
    let mut selector = Selector::everything();
    selector.require(ISTIO, Operator::In(names(&Mesh::IDENTIFIED)));
    selector
}

impl<'i> SpecReader<'_, '_, 'i> {
    /// Reads the `source` of an item of `from`.
    pub(super) fn source(&mut self, node: Node<'i>) -> Source {
        const FIELDS: [&str; 12] = [
            "principals",
            "notPrincipals",
            "requestPrincipals",
            "notRequestPrincipals",
            "namespaces",
            "notNamespaces",
            "serviceAccounts",
            "notServiceAccounts",
            "ipBlocks",
            "notIpBlocks",
            "remoteIpBlocks",
            "notRemoteIpBlocks",
        ];
        self.note_unknown(node, &FIELDS);
        let given = |field: &str| node.list(field).next().is_some();
        let mut found = Source::default();
        for (field, name) in [
            ("requestPrincipals", "the request's principal is"),
            ("notRequestPrincipals", "the request's principal is not"),
            ("remoteIpBlocks", "the client's address is in"),
            ("notRemoteIpBlocks", "the client's address is not in"),
        ] {
            if given(field) {
                let values: Vec<&str> = node.strings(field).collect();
                found.requests.push(format!("{name} {}", values.join(" or ")));
            }
        }
        let wanted = ["principals", "namespaces", "serviceAccounts"].into_iter().any(given);
        let refused =
            ["notPrincipals", "notNamespaces", "notServiceAccounts"].into_iter().any(given);
        let by_address = given("ipBlocks") || given("notIpBlocks");
        let location = self.checks.location(node);
        if wanted || refused {
            let pods = self.identity(node);
            found.peers = Some(if wanted {
                vec![PolicyPeer { kind: anywhere(pods), location }]
            } else {
                and_outside(pods, location.as_ref())
            });
        }
        if by_address {
            let within = self.blocks(node, "ipBlocks");
            let without = self.blocks(node, "notIpBlocks").unwrap_or_default();
            let set = within.unwrap_or_else(IpSet::all).difference(&without);
            if found.peers.is_some() {
                found.conditions.push(format!("the address is in {set}"));
            } else {
                let location = self.checks.location(node);
                found.peers = Some(vec![PolicyPeer { kind: PeerKind::Networks(set), location }]);
            }
        }
        found
    }

    /// The pods whose identity is meant.
    fn identity(&mut self, node: Node<'i>) -> Selector {
        let mut all = Vec::new();
        for (field, wanted) in [("principals", true), ("notPrincipals", false)] {
            if node.list(field).next().is_some() {
                let values: Vec<String> =
                    node.strings(field).map(|value| self.principal(value)).collect();
                all.push(one_of(PRINCIPAL, values.into_iter(), wanted));
            }
        }
        for (field, wanted) in [("serviceAccounts", true), ("notServiceAccounts", false)] {
            if node.list(field).next().is_some() {
                let own = self.checks.object.namespace_or_default();
                let full = |value: &str| {
                    let (namespace, account) = value.split_once('/').unwrap_or((own, value));
                    format!("cluster.local/ns/{namespace}/sa/{account}")
                };
                all.push(one_of(PRINCIPAL, node.strings(field).map(full), wanted));
            }
        }
        if node.list("namespaces").next().is_some() {
            let names = node.strings("namespaces").map(str::to_owned);
            all.extend([identified(), one_of(NAMESPACE, names, true)]);
        }
        if node.list("notNamespaces").next().is_some() {
            let names = node.strings("notNamespaces").map(str::to_owned);
            let mut nobody = Selector::everything();
            nobody.require(ISTIO, Operator::NotIn(super::names(&Mesh::IDENTIFIED)));
            all.push(Selector::any_of(vec![nobody, one_of(NAMESPACE, names, false)]));
        }
        Selector::all_of(all)
    }

    /// A principal in the trust domain that identities have here.
    fn principal(&mut self, value: &str) -> String {
        match value.split_once('/') {
            Some((domain, rest)) if !["cluster.local", "*", ""].contains(&domain) => {
                self.gaps.push(format!("trust domain {domain}"));
                format!("cluster.local/{rest}")
            }
            _ => value.to_owned(),
        }
    }

    /// The addresses in a list of blocks; `None` if it is not given.
    fn blocks(&mut self, node: Node<'i>, field: &str) -> Option<IpSet> {
        node.list(field).next()?;
        let mut found = IpSet::none();
        for item in self.checks.items(node, field) {
            match address_or_block(item.text()) {
                Ok(set) => found = found.union(&set),
                Err(error) => self.checks.refuse(item, format!("`{}`: {error}", item.text())),
            }
        }
        Some(found)
    }
}
