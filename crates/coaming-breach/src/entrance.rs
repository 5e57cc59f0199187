//! What leads into workloads from outside, as far as the policies let it.

use std::collections::{BTreeMap, HashMap, HashSet};

use coaming_kube::{Fields as _, World};
use coaming_network::{Connections, Endpoint, PortSet, Protocol, Reach};
use coaming_yaml::Node;

use crate::foothold::WorkloadName;
use crate::scene::{ContainerInfo, PodInfo, Scene};

/// A workload, the ports that are open to the outside, and what leads there.
pub(crate) type Entrance = (WorkloadName, Connections, Vec<String>);

/// A port of the node that leads to a container.
#[derive(Debug)]
pub(crate) struct HostPort<'a> {
    /// The container, by position in [`Scene::containers`].
    pub(crate) container: usize,
    /// The port of the node.
    pub(crate) number: i64,
    /// The field of the container's port.
    pub(crate) node: Node<'a>,
    /// Whether the pod shares the network of the node.
    pub(crate) shares_network: bool,
}

/// The entrances that Ingresses, routes and Services are.
pub(crate) fn entrances(scene: &Scene<'_>) -> Vec<Entrance> {
    let model = scene.reach.model();
    let ids: HashMap<&coaming_network::Workload, usize> =
        model.workloads.iter().map(|(id, workload)| (workload, id)).collect();
    let mut found = Vec::new();
    let restricted = restricted_balancers(scene.world);
    for (workload, allowed, mut via) in coaming_network::entrances(&scene.reach) {
        via.retain(|text| !restricted.contains(text));
        if via.is_empty() {
            continue;
        }
        let pods = ids.get(&*workload).and_then(|id| scene.pods_of_network.get(id));
        for &pod in pods.into_iter().flatten() {
            found.push((scene.pods[pod].name.clone(), allowed.clone(), via.clone()));
        }
    }
    add_external_addresses(scene, &mut found);
    found
}

/// Load balancers of a private network, as the network's model names them: nobody comes in through
/// them from outside.
fn restricted_balancers(world: &World) -> HashSet<String> {
    let services = world.of_kind("Service").filter(|it| coaming_rules::is_restricted_balancer(*it));
    services
        .map(|it| format!("Service {}/{} (LoadBalancer)", it.namespace_or_default(), it.name()))
        .collect()
}

/// Services that every node answers for at certain addresses, whatever their type.
fn add_external_addresses(scene: &Scene<'_>, found: &mut Vec<Entrance>) {
    let services = scene.world.of_kind("Service");
    let open: HashSet<(&str, &str)> = services
        .filter(|service| service.spec().strings("externalIPs").next().is_some())
        .map(|service| (service.namespace_or_default(), service.name()))
        .collect();
    if open.is_empty() {
        return;
    }
    let outside = Outside::new(&scene.reach);
    let mut more: BTreeMap<usize, (Connections, Vec<String>)> = BTreeMap::new();
    scene.for_each_service_target(|service, protocol, port, pod| {
        let is_open = open.contains(&(service.namespace.as_str(), service.name.as_str()))
            && outside.reaches(scene.pods[pod].network, protocol, port);
        if is_open {
            let (allowed, via) = more.entry(pod).or_default();
            *allowed = allowed.union(&Connections::of(protocol, PortSet::range(port, port)));
            let text = format!("Service {}/{} (externalIPs)", service.namespace, service.name);
            if !via.contains(&text) {
                via.push(text);
            }
        }
    });
    found.extend(more.into_iter().map(|(pod, (allowed, via))| {
        let name = scene.pods[pod].name.clone();
        (name, allowed, via)
    }));
}

/// The containers of a pod in which who comes in from outside is at first: those that listen on a port
/// that something leads to, or else any.
pub(crate) fn entered_containers<'s, 'a>(
    scene: &'s Scene<'a>,
    pod: usize,
) -> Vec<&'s ContainerInfo<'a>> {
    let info = &scene.pods[pod];
    let entrances: Vec<&Connections> = scene
        .entrances
        .iter()
        .filter(|(workload, ..)| *workload == info.name)
        .map(|(_, allowed, _)| allowed)
        .collect();
    let is_entered = |number: usize| {
        scene.host_ports.iter().any(|port| port.container == number)
            || entrances
                .iter()
                .any(|ports| !serving(scene, info, &scene.containers[number], ports).is_empty())
    };
    let entered: Vec<_> = info
        .containers
        .clone()
        .filter(|&number| is_entered(number))
        .map(|number| &scene.containers[number])
        .collect();
    if entered.is_empty() { scene.containers_of(info).iter().collect() } else { entered }
}

/// The ports among `allowed` that a container listens on; one that no container declares may be any
/// container's.
pub(crate) fn serving(
    scene: &Scene<'_>,
    pod: &PodInfo<'_>,
    container: &ContainerInfo<'_>,
    allowed: &Connections,
) -> Vec<u16> {
    let mut found = Vec::new();
    for (protocol, ports) in allowed.iter() {
        for &(first, last) in ports.ranges() {
            let declared: Vec<(u16, bool)> = pod
                .listens
                .range((protocol, first)..=(protocol, last))
                .map(|(&(_, port), owner)| {
                    let is_own =
                        owner.is_none_or(|owner| scene.containers[owner].name == container.name);
                    (port, is_own)
                })
                .collect();
            if declared.is_empty() && first == last {
                found.push(first);
            }
            found.extend(declared.into_iter().filter(|(_, is_own)| *is_own).map(|(port, _)| port));
        }
    }
    found
}

/// The ports of nodes that lead to containers. Policies apply to a port that is forwarded to a pod, and
/// not to a pod that shares the network of its node.
pub(crate) fn host_ports<'a>(scene: &Scene<'a>) -> Vec<HostPort<'a>> {
    let mut outside = None;
    let mut found = Vec::new();
    for (number, container) in scene.containers.iter().enumerate() {
        let pod = scene.pod_of(container);
        let shares_network = pod.pod().host_network();
        for port in container.container.ports() {
            let own = port.container_port();
            let of_node = port.host_port().filter(|&port| port > 0);
            let Some(of_node) = of_node.or(own.filter(|_| shares_network)) else { continue };
            let protocol = Protocol::from_name(port.protocol()).unwrap_or(Protocol::Tcp);
            let own = own.and_then(|own| u16::try_from(own).ok()).unwrap_or_default();
            let outside = outside.get_or_insert_with(|| Outside::new(&scene.reach));
            if shares_network || outside.reaches(pod.network, protocol, own) {
                found.push(HostPort {
                    container: number,
                    number: of_node,
                    node: port.node(),
                    shares_network,
                });
            }
        }
    }
    found
}

/// What outside addresses may connect to.
struct Outside<'r> {
    reach: &'r Reach,
    pods_of: HashMap<usize, Vec<usize>>,
}

impl<'r> Outside<'r> {
    fn new(reach: &'r Reach) -> Self {
        let mut pods_of: HashMap<usize, Vec<usize>> = HashMap::new();
        for (id, pods) in &reach.model().pods {
            pods_of.entry(pods.workload).or_default().push(id);
        }
        Self { reach, pods_of }
    }

    /// Whether the policies let some outside address connect to a workload of the network's model.
    fn reaches(&self, workload: Option<usize>, protocol: Protocol, port: u16) -> bool {
        let pods = workload.and_then(|workload| self.pods_of.get(&workload));
        // What the model does not know, no policy selects.
        let Some(pods) = pods else { return true };
        pods.iter().any(|&id| {
            let target = Endpoint::Pods(id);
            let mut atoms = 0..self.reach.externals().len();
            atoms.any(|atom| {
                self.reach.allowed(Endpoint::External(atom), target).contains(protocol, port)
            })
        })
    }
}
