//! Services, and which pods and ports they lead to.

use std::collections::BTreeSet;

use coaming_kube::Fields;
use coaming_yaml::Node;

use super::{Reader, port_number};
use crate::model::{Model, Pods, PortNumbers, Role, Service, ServicePort};
use crate::ports::Protocol;
use crate::selector::Selector;

/// Reads every Service.
pub(crate) fn read(reader: &Reader<'_>, model: &mut Model) {
    let called = called_by_api_server(reader);
    for object in reader.inventory.of_kind("Service").filter(|object| object.group().is_empty()) {
        let spec = object.spec();
        let namespace = object.namespace_or_default().to_owned();
        model.ipv6 |= spec.strings("ipFamilies").any(|family| family == "IPv6");
        let selects =
            spec.pairs("selector").next().is_some() && spec.string("type") != Some("ExternalName");
        let labels = spec.pairs("selector");
        let labels = labels.filter_map(|entry| Some((entry.name(), entry.value.as_str()?)));
        model.services.push(Service {
            name: object.name().to_owned(),
            serves_api: called.contains(&(namespace.clone(), object.name().to_owned())),
            selector: selects.then(|| Selector::labels(labels)),
            ports: spec.list("ports").filter_map(port).collect(),
            place: Some(reader.place(object, object.node())),
            namespace,
        });
    }
}

/// The Services that the API server itself connects to, as namespace and name.
fn called_by_api_server(reader: &Reader<'_>) -> BTreeSet<(String, String)> {
    let inventory = reader.inventory;
    let apis = inventory.of_kind("APIService").filter_map(|object| object.spec());
    let configurations = ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"];
    let hooks = configurations.into_iter().flat_map(|kind| inventory.of_kind(kind));
    let hooks = hooks.flat_map(|object| object.node().list("webhooks"));
    apis.chain(hooks.filter_map(|hook| hook.mapping("clientConfig")))
        .filter_map(|caller| caller.mapping("service"))
        .filter_map(|service| {
            Some((service.string("namespace")?.to_owned(), service.string("name")?.to_owned()))
        })
        .collect()
}

fn port(node: Node<'_>) -> Option<ServicePort> {
    let port = port_number(node.integer("port")?)?;
    let target = match node.field("targetPort") {
        None => PortNumbers::Range(port, port),
        Some(target) => match target.as_int() {
            // Zero counts as absent, as in the API.
            Some(0) => PortNumbers::Range(port, port),
            Some(number) => {
                let number = port_number(number)?;
                PortNumbers::Range(number, number)
            }
            None => PortNumbers::Named(target.as_str()?.to_owned()),
        },
    };
    let protocol = match node.string("protocol") {
        None => Protocol::Tcp,
        Some(name) => Protocol::from_name(name)?,
    };
    let name = node.string("name").unwrap_or_default().to_owned();
    Some(ServicePort { name, protocol, port, target })
}

impl Service {
    /// Whether it leads to these pods.
    #[must_use]
    pub fn selects(&self, pods: &Pods) -> bool {
        pods.role == Role::Real
            && *pods.namespace == self.namespace
            && self.selector.as_ref().is_some_and(|selector| selector.matches(&pods.labels))
    }

    /// The places in the model of the pods that it leads to.
    pub fn pods<'m>(&'m self, model: &'m Model) -> impl Iterator<Item = usize> {
        let pods = model.pods.iter().enumerate();
        pods.filter(|(_, pods)| self.selects(pods)).map(|(place, _)| place)
    }
}

impl ServicePort {
    /// The ports of these pods that it leads to. A number that they do not name, while they name
    /// others of the protocol, leads nowhere: nothing there listens.
    #[must_use]
    pub fn targets(&self, pods: &Pods) -> Vec<u16> {
        match &self.target {
            PortNumbers::All => Vec::new(),
            PortNumbers::Named(name) => Model::named_ports(pods, Some(self.protocol), name)
                .map(|port| port.number)
                .collect(),
            PortNumbers::Range(number, _) => {
                let mut named = pods.ports.iter().filter(|port| port.protocol == self.protocol);
                let silent = named.clone().next().is_none();
                let listens = silent || named.any(|port| port.number == *number);
                listens.then_some(*number).into_iter().collect()
            }
        }
    }
}
