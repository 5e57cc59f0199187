//! Services, and which pods and ports they lead to.

use std::net::IpAddr;

use coaming_kube::{Fields, Object};
use coaming_yaml::Node;

use super::{Reader, labels_of, port_number};
use crate::facts::Name;
use crate::ip::IpSet;
use crate::model::{Model, Pods, PortNumbers, Role, Service, ServicePort};
use crate::ports::Protocol;
use crate::selector::Selector;

/// A Service; whether the API server calls it is derived from other objects.
pub(super) fn read(reader: &Reader<'_>, object: Object<'_>) -> Service {
    let spec = object.spec();
    let selects =
        spec.pairs("selector").next().is_some() && spec.string("type") != Some("ExternalName");
    let labels = spec.pairs("selector");
    let labels = labels.filter_map(|entry| Some((entry.name(), entry.value.as_str()?)));
    Service {
        namespace: object.namespace_or_default().to_owned(),
        name: object.name().to_owned(),
        labels: labels_of(object.metadata()),
        serves_api: false,
        selector: selects.then(|| Selector::labels(labels)),
        endpoints: IpSet::none(),
        ports: spec.list("ports").filter_map(port).collect(),
        location: Some(reader.location(object, object.node())),
    }
}

/// The Service that an EndpointSlice or an Endpoints object is of, with the addresses that it lists.
pub(super) fn endpoints(object: Object<'_>) -> Option<(Name, IpSet)> {
    let name = match object.kind() {
        "Endpoints" => object.name(),
        _ => object.metadata().mapping("labels").string("kubernetes.io/service-name")?,
    };
    let slices = object.node().list("endpoints").flat_map(|it| it.strings("addresses"));
    let subsets = object.node().list("subsets").flat_map(|it| it.list("addresses"));
    let texts = slices.chain(subsets.filter_map(|it| it.string("ip")));
    let addresses = texts.filter_map(|text| text.parse::<IpAddr>().ok()).map(IpSet::address);
    let addresses = addresses.fold(IpSet::none(), |all, address| all.union(&address));
    Some(((object.namespace_or_default().to_owned(), name.to_owned()), addresses))
}

/// Whether a Service has IPv6 addresses.
pub(super) fn has_ipv6(object: Object<'_>) -> bool {
    object.spec().strings("ipFamilies").any(|family| family == "IPv6")
}

/// The Services that the API server itself connects to because of an object.
pub(super) fn called_by_api_server(object: Object<'_>) -> Vec<Name> {
    let hooks = object.node().list("webhooks").filter_map(|hook| hook.mapping("clientConfig"));
    let spec = object.spec().filter(|_| object.kind() == "APIService");
    spec.into_iter()
        .chain(hooks)
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
            && match &self.selector {
                Some(selector) => {
                    *pods.namespace == self.namespace && selector.matches(&pods.labels)
                }
                None => {
                    !pods.host_network && !pods.addresses.intersection(&self.endpoints).is_empty()
                }
            }
    }
}

impl ServicePort {
    /// The ports of these pods that it leads to. A number leads there whether or not a container
    /// declares it.
    #[must_use]
    pub fn targets(&self, pods: &Pods) -> Vec<u16> {
        match &self.target {
            PortNumbers::All => Vec::new(),
            PortNumbers::Named(name) => Model::named_ports(pods, Some(self.protocol), name)
                .map(|port| port.number)
                .collect(),
            PortNumbers::Range(number, _) => vec![*number],
        }
    }
}
