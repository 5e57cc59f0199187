//! Which pods answer at an address.

use std::collections::HashMap;

use coaming_kube::Fields as _;

use crate::scene::Scene;

/// Where pods of the cluster answer, by the names that a node knows them by.
pub(crate) struct HostNames {
    /// The pods behind each Service, by its namespace and name.
    behind: HashMap<(String, String), Vec<usize>>,
    /// The pods behind each port of the node.
    node_ports: HashMap<i64, Vec<usize>>,
}

impl HostNames {
    pub(crate) fn new(scene: &Scene<'_>) -> Self {
        let mut behind: HashMap<(String, String), Vec<usize>> = HashMap::new();
        scene.for_each_service_target(|service, _, _, pod| {
            let pods = behind.entry((service.namespace.clone(), service.name.clone())).or_default();
            if !pods.contains(&pod) {
                pods.push(pod);
            }
        });
        let mut node_ports: HashMap<i64, Vec<usize>> = HashMap::new();
        for service in scene.world.of_kind("Service") {
            let key = (service.namespace_or_default().to_owned(), service.name().to_owned());
            for port in service.spec().list("ports").filter_map(|port| port.integer("nodePort")) {
                let pods = behind.get(&key).into_iter().flatten();
                node_ports.entry(port).or_default().extend(pods);
            }
        }
        for port in &scene.host_ports {
            node_ports.entry(port.number).or_default().push(scene.containers[port.container].pod);
        }
        Self { behind, node_ports }
    }

    /// The pods that answer at an address (`db`, `db.shop.svc:5432`), as a pod of a namespace names it.
    pub(crate) fn pods(&self, address: &str, own_namespace: &str) -> &[usize] {
        let (host, port) = address.split_once(':').unwrap_or((address, ""));
        let found = if matches!(host, "localhost" | "127.0.0.1") {
            port.parse().ok().and_then(|port: i64| self.node_ports.get(&port))
        } else {
            let mut parts = host.split('.');
            let service = parts.next().unwrap_or_default();
            let namespace = parts.next().unwrap_or(own_namespace);
            let is_of_cluster = parts.next().is_none_or(|part| part == "svc");
            let key = (namespace.to_owned(), service.to_owned());
            self.behind.get(&key).filter(|_| is_of_cluster)
        };
        found.map_or(&[], Vec::as_slice)
    }
}
