//! What Linkerd does for pods.

use std::collections::BTreeMap;

use super::Namespace;
use crate::selector::{
    INBOUND, LINKERD, LINKERD_IDENTITY, NAMESPACE, Operator, SERVICE_ACCOUNT, Selector,
};

/// Which clients are let in where nothing else authorizes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InboundPolicy {
    /// Any.
    AllUnauthenticated,
    /// Those with a proxy.
    AllAuthenticated,
    /// Those of the cluster's networks.
    ClusterUnauthenticated,
    /// Those with a proxy, of the cluster's networks.
    ClusterAuthenticated,
    /// None.
    Deny,
    /// Any, with a record.
    Audit,
}

impl InboundPolicy {
    /// All of them.
    pub(crate) const ALL: [Self; 6] = [
        Self::AllUnauthenticated,
        Self::AllAuthenticated,
        Self::ClusterUnauthenticated,
        Self::ClusterAuthenticated,
        Self::Deny,
        Self::Audit,
    ];

    /// As annotations name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AllUnauthenticated => "all-unauthenticated",
            Self::AllAuthenticated => "all-authenticated",
            Self::ClusterUnauthenticated => "cluster-unauthenticated",
            Self::ClusterAuthenticated => "cluster-authenticated",
            Self::Deny => "deny",
            Self::Audit => "audit",
        }
    }

    /// The one of this name.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name.trim())
    }
}

/// Whether pods have a proxy of Linkerd, as far as the input says: the values of the label
/// [`LINKERD`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Linkerd {
    /// They have one.
    Proxy,
    /// The input does not say, as it does not have their namespace.
    Unknown,
    /// They have none: neither they nor their namespace ask for one.
    Nothing,
    /// They have none: they or their namespace refuse it, or they share their node's network.
    Refused,
}

impl Linkerd {
    /// The value of the label.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Proxy => "proxy",
            Self::Unknown => "unknown",
            Self::Nothing => "none",
            Self::Refused => "off",
        }
    }

    pub(crate) fn of(said: Option<LinkerdWish>, host_network: bool, namespace: &Namespace) -> Self {
        let asked = namespace.labels.get(LINKERD).and_then(|said| LinkerdWish::of_name(said));
        match said {
            Some(LinkerdWish::Has) => Self::Proxy,
            _ if host_network => Self::Refused,
            Some(LinkerdWish::Unclear) => Self::Unknown,
            other => match other.or(asked) {
                Some(LinkerdWish::Refuses) => Self::Refused,
                Some(_) => Self::Proxy,
                None if namespace.location.is_some() => Self::Nothing,
                None => Self::Unknown,
            },
        }
    }
}

/// What the template of pods, or their namespace, says about Linkerd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkerdWish {
    /// The proxy is in it already.
    Has,
    /// It asks for a proxy.
    Asks,
    /// It refuses a proxy.
    Refuses,
    /// Something that is not evaluated: some ports go around the proxy.
    Unclear,
}

impl LinkerdWish {
    const ALL: [Self; 4] = [Self::Has, Self::Asks, Self::Refuses, Self::Unclear];

    /// How the label [`LINKERD`] says it until the namespace is known.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Has => "has",
            Self::Asks => "asks",
            Self::Refuses => "refuses",
            Self::Unclear => "unclear",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// What a value of the annotation `linkerd.io/inject` says.
    pub(crate) fn of_annotation(value: &str) -> Option<Self> {
        match value {
            "enabled" | "ingress" => Some(Self::Asks),
            "disabled" => Some(Self::Refuses),
            _ => None,
        }
    }
}

/// Pods of which one of these is so.
pub(crate) fn with_proxy(values: &[Linkerd]) -> Selector {
    let mut selector = Selector::everything();
    let values = values.iter().map(|it| it.name().to_owned()).collect();
    selector.require(LINKERD, Operator::In(values));
    selector
}

/// Says in the labels of pods whether they have a proxy of Linkerd, which identity it gives them, and
/// whom it lets in: `inbound` where neither they nor their namespace say it.
pub(crate) fn enter_linkerd(
    labels: &mut BTreeMap<String, String>,
    host_network: bool,
    namespace: &Namespace,
    inbound: Option<InboundPolicy>,
) {
    let said = labels.get(LINKERD).and_then(|said| LinkerdWish::of_name(said));
    let state = Linkerd::of(said, host_network, namespace);
    labels.insert(LINKERD.to_owned(), state.name().to_owned());
    // What is not known is taken to have an identity.
    if matches!(state, Linkerd::Proxy | Linkerd::Unknown)
        && let (Some(namespace), Some(account)) =
            (labels.get(NAMESPACE), labels.get(SERVICE_ACCOUNT))
    {
        let identity =
            format!("{account}.{namespace}.serviceaccount.identity.linkerd.cluster.local");
        labels.insert(LINKERD_IDENTITY.to_owned(), identity);
    }
    if labels.contains_key(INBOUND) {
        return;
    }
    let of_namespace = namespace.labels.get(INBOUND).map(String::as_str);
    if let Some(policy) = of_namespace.or(inbound.map(InboundPolicy::name)) {
        labels.insert(INBOUND.to_owned(), policy.to_owned());
    }
}
