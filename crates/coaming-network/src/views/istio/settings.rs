//! The settings of the mesh: which namespace's policies apply to all namespaces.

use coaming_kube::{Fields, Object, World};
use coaming_yaml::Node;

use crate::unevaluated::OUTBOUND;

/// The root namespace where nothing names another one.
const USUAL: &str = "istio-system";

/// The namespace whose policies apply to all namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RootNamespace {
    /// This one.
    Is(String),
    /// Settings contradict each other, as those of two revisions may.
    Unclear,
}

impl RootNamespace {
    /// As the settings in a world name it.
    pub(crate) fn of(world: &World) -> Self {
        let kinds = ["ConfigMap", "IstioOperator", "Istio"].into_iter();
        let mut names = kinds.flat_map(|kind| world.of_kind(kind)).filter_map(named);
        let Some(first) = names.next() else { return Self::Is(USUAL.to_owned()) };
        if names.all(|name| name == first) { Self::Is(first) } else { Self::Unclear }
    }

    /// Whether it is this namespace.
    pub(crate) fn is(&self, namespace: &str) -> bool {
        match self {
            Self::Is(name) => name == namespace,
            Self::Unclear => namespace == USUAL,
        }
    }
}

impl Default for RootNamespace {
    fn default() -> Self {
        Self::Is(USUAL.to_owned())
    }
}

/// Whether objects of this kind and name may hold settings of the mesh.
pub(crate) fn is_settings(kind: &str, name: &str) -> bool {
    match kind {
        "ConfigMap" => name == "istio" || name.starts_with("istio-"),
        "IstioOperator" | "Istio" => true,
        _ => false,
    }
}

/// Whether the settings of the mesh in a world let proxies connect to what it lists alone.
pub(in crate::views) fn is_registry_only(world: &World) -> bool {
    let kinds = ["ConfigMap", "IstioOperator", "Istio"].into_iter();
    kinds.flat_map(|kind| world.of_kind(kind)).any(lists_outbound)
}

/// Whether an object holds settings of the mesh that do so.
pub(in crate::views) fn lists_outbound(object: Object<'_>) -> bool {
    if !is_settings(object.kind(), object.name()) {
        return false;
    }
    match (object.group(), object.kind()) {
        ("", "ConfigMap") => {
            let mesh = object.node().mapping("data").string("mesh").unwrap_or_default();
            let mut lines = mesh.lines().filter(|line| !line.trim_start().starts_with('#'));
            mesh.contains(OUTBOUND) && lines.any(|line| line.contains("REGISTRY_ONLY"))
        }
        ("install.istio.io", "IstioOperator") => {
            is_listed_only(object.spec().mapping("meshConfig").mapping(OUTBOUND))
        }
        ("sailoperator.io", "Istio") => {
            is_listed_only(object.spec().mapping("values").mapping("meshConfig").mapping(OUTBOUND))
        }
        _ => false,
    }
}

/// Whether an `outboundTrafficPolicy` is `REGISTRY_ONLY`.
pub(in crate::views) fn is_listed_only(policy: Option<Node<'_>>) -> bool {
    policy.string("mode") == Some("REGISTRY_ONLY")
}

/// The root namespace that an object names, if it holds settings of the mesh.
pub(in crate::views) fn named(object: Object<'_>) -> Option<String> {
    if !is_settings(object.kind(), object.name()) {
        return None;
    }
    let settings = match (object.group(), object.kind()) {
        ("", "ConfigMap") => {
            let mesh = object.node().mapping("data").string("mesh")?;
            return Some(in_text(mesh).unwrap_or(USUAL).to_owned());
        }
        ("install.istio.io", "IstioOperator") => object.spec().mapping("meshConfig"),
        ("sailoperator.io", "Istio") => object.spec().mapping("values").mapping("meshConfig"),
        _ => return None,
    };
    settings.string("rootNamespace").map(str::to_owned)
}

/// The field of the settings in YAML or JSON, as text.
fn in_text(mesh: &str) -> Option<&str> {
    let after = mesh.split(['\n', ',', '{']).find_map(|part| {
        let part = part.trim().trim_matches('"');
        part.strip_prefix("rootNamespace")
    })?;
    let value = after.trim_start_matches('"').trim_start().strip_prefix(':')?;
    let value = value.split(" #").next().unwrap_or_default();
    Some(value.trim().trim_end_matches('}').trim().trim_matches(['"', '\'']))
        .filter(|it| !it.is_empty())
}
