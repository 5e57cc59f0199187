//! What a service mesh does for pods.

use std::collections::BTreeMap;

use super::Namespace;
use crate::selector::{ISTIO, NAMESPACE, PRINCIPAL, SERVICE_ACCOUNT};

/// What Istio does for pods, as far as the input says: the values of the label [`ISTIO`].
///
/// A pod that Istio handles takes and makes encrypted connections; its proxy evaluates the mesh's
/// policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mesh {
    /// It gives them a sidecar.
    Sidecar,
    /// The proxy of their node handles them.
    Ambient,
    /// They are a gateway: the proxy itself.
    Gateway,
    /// They are a waypoint: the proxy in front of Services or pods of the ambient mesh.
    Waypoint,
    /// The input does not say, as it does not have their namespace.
    Unknown,
    /// Nothing: neither they nor their namespace ask for it.
    Nothing,
    /// Nothing: they or their namespace refuse it, or they share their node's network.
    Refused,
}

impl Mesh {
    /// The value of the label.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sidecar => "sidecar",
            Self::Ambient => "ambient",
            Self::Gateway => "gateway",
            Self::Waypoint => "waypoint",
            Self::Unknown => "unknown",
            Self::Nothing => "none",
            Self::Refused => "off",
        }
    }

    /// Those with an identity: what is not known is taken to have one.
    pub(crate) const IDENTIFIED: [Self; 5] =
        [Self::Sidecar, Self::Ambient, Self::Gateway, Self::Waypoint, Self::Unknown];

    /// What of this applies to pods, by what they say themselves and by their namespace.
    pub(crate) fn of(said: Option<MeshWish>, host_network: bool, namespace: &Namespace) -> Self {
        let label = |key: &str| namespace.labels.get(key).map(String::as_str);
        let known = match said {
            Some(MeshWish::Has(known)) => return known,
            _ if host_network => return Self::Refused,
            Some(MeshWish::Unclear) => return Self::Unknown,
            other => other,
        };
        let refused = known == Some(MeshWish::NoSidecar);
        let injects = match (label("istio-injection"), label("istio.io/rev")) {
            (Some("enabled"), _) | (None, Some(_)) => !refused,
            (None, None) => known == Some(MeshWish::Sidecar),
            _ => false,
        };
        let ambient = known == Some(MeshWish::Ambient)
            || is_ambient(&namespace.labels) && known != Some(MeshWish::NoAmbient);
        match (injects, ambient) {
            (true, _) => Self::Sidecar,
            (_, true) => Self::Ambient,
            _ if refused || label("istio-injection") == Some("disabled") => Self::Refused,
            _ if known == Some(MeshWish::NoAmbient) => Self::Refused,
            _ if namespace.location.is_some() => Self::Nothing,
            _ => Self::Unknown,
        }
    }
}

/// What the template of pods says about Istio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MeshWish {
    /// The proxy is in it already.
    Has(Mesh),
    /// It asks for a sidecar.
    Sidecar,
    /// It refuses a sidecar.
    NoSidecar,
    /// It asks for the proxy of the node.
    Ambient,
    /// It refuses that.
    NoAmbient,
    /// Something that is not evaluated: some ports go around the proxy.
    Unclear,
}

impl MeshWish {
    const NAMES: [(&'static str, Self); 8] = [
        ("has-sidecar", Self::Has(Mesh::Sidecar)),
        ("has-gateway", Self::Has(Mesh::Gateway)),
        ("has-waypoint", Self::Has(Mesh::Waypoint)),
        ("sidecar", Self::Sidecar),
        ("no-sidecar", Self::NoSidecar),
        ("ambient", Self::Ambient),
        ("no-ambient", Self::NoAmbient),
        ("unclear", Self::Unclear),
    ];

    /// How the label [`ISTIO`] says it until the namespace is known.
    pub(crate) fn name(self) -> &'static str {
        let known = Self::NAMES.iter().find(|(_, wish)| *wish == self);
        known.map_or("unclear", |(name, _)| name)
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, wish)| *wish)
    }
}

/// Whether a namespace with these labels is in the ambient mesh.
pub(crate) fn is_ambient(labels: &BTreeMap<String, String>) -> bool {
    labels.get("istio.io/dataplane-mode").is_some_and(|mode| mode == "ambient")
}

/// Whether the template of pods with these labels asks for the ambient mesh.
pub(crate) fn asks_for_ambient(labels: &BTreeMap<String, String>) -> bool {
    labels.get(ISTIO).is_some_and(|said| *said == MeshWish::Ambient.name())
}

/// Says in the labels of pods what Istio does for them, and which identity it gives them.
pub(crate) fn enter_mesh(
    labels: &mut BTreeMap<String, String>,
    host_network: bool,
    namespace: &Namespace,
) {
    let said = labels.get(ISTIO).and_then(|said| MeshWish::from_name(said));
    let mesh = Mesh::of(said, host_network, namespace);
    labels.insert(ISTIO.to_owned(), mesh.name().to_owned());
    if Mesh::IDENTIFIED.contains(&mesh)
        && let (Some(namespace), Some(account)) =
            (labels.get(NAMESPACE), labels.get(SERVICE_ACCOUNT))
    {
        let principal = format!("cluster.local/ns/{namespace}/sa/{account}");
        labels.insert(PRINCIPAL.to_owned(), principal);
    }
}
