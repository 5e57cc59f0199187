//! Services, and which pods a selector matches.

use coaming_yaml::Node;

use crate::{Fields, Object};

/// A Service.
#[derive(Clone, Copy, Debug)]
pub struct Service<'a> {
    /// The object.
    pub object: Object<'a>,
}

impl<'a> Service<'a> {
    /// Its selector: labels that a pod must have. Empty where it has none, and then it selects no
    /// pod by itself.
    #[must_use]
    pub fn selector(self) -> Vec<(&'a str, &'a str)> {
        self.object
            .spec()
            .pairs("selector")
            .filter_map(|entry| Some((entry.name(), entry.value.as_str()?)))
            .collect()
    }

    /// Whether it selects pods with these labels.
    #[must_use]
    pub fn selects(self, labels: &[(&str, &str)]) -> bool {
        let selector = self.selector();
        !selector.is_empty() && selector_matches(&selector, labels)
    }

    /// `ClusterIP` where it says nothing.
    #[must_use]
    pub fn service_type(self) -> &'a str {
        self.object.spec().string("type").unwrap_or("ClusterIP")
    }

    /// Its ports.
    pub fn ports(self) -> impl Iterator<Item = ServicePort<'a>> + use<'a> {
        self.object.spec().list("ports").map(|node| ServicePort { node })
    }
}

/// A port of a Service.
#[derive(Clone, Copy, Debug)]
pub struct ServicePort<'a> {
    node: Node<'a>,
}

impl<'a> ServicePort<'a> {
    /// The port's node.
    #[must_use]
    pub fn node(self) -> Node<'a> {
        self.node
    }

    /// The port that clients use.
    #[must_use]
    pub fn port(self) -> Option<i64> {
        self.node.integer("port")
    }

    /// The container's port it leads to, by number or name; `port` where it says nothing.
    #[must_use]
    pub fn target_port(self) -> Option<Node<'a>> {
        self.node.field("targetPort").or_else(|| self.node.field("port"))
    }
}

/// Whether `labels` have every pair of `selector`. An empty selector matches all.
#[must_use]
pub fn selector_matches(selector: &[(&str, &str)], labels: &[(&str, &str)]) -> bool {
    selector.iter().all(|pair| labels.contains(pair))
}
