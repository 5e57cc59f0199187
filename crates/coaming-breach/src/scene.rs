//! What the steps look at: the world, with everything that the engines know about it, worked out
//! once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use coaming_access::Access;
use coaming_image::{ImageFacts, UtilityKind};
use coaming_kube::{
    Capabilities, Container, ContainerKind, Effective, Fields as _, Object, ObjectId, PodSpec,
    Workload, World,
};
use coaming_network::model::Service;
use coaming_network::{Cells, Protocol, Reach};
use coaming_oci::Reference;
use coaming_rules::{Images, Knowledge};

use crate::entrance::{self, Entrance, HostPort};
use crate::evidence::Evidence;
use crate::foothold::{ContainerName, WorkloadName};
use crate::placement::Placements;

/// The capabilities that a container runtime gives by default, as far as they matter here.
pub(crate) const DEFAULT_CAPABILITIES: &[&str] =
    &["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "MKNOD", "NET_RAW", "SETGID", "SETUID"];

/// The user that a container's process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunsAs {
    /// Root of the container.
    Root,
    /// Any other user, by number where it is known.
    Other(Option<i64>),
    /// Nothing says which.
    Unknown,
}

/// A pod template.
#[derive(Debug)]
pub(crate) struct PodInfo<'a> {
    pub(crate) workload: Workload<'a>,
    pub(crate) name: WorkloadName,
    /// Its workload in the model of the network.
    pub(crate) network: Option<usize>,
    /// Its containers, by position in [`Scene::containers`].
    pub(crate) containers: std::ops::Range<usize>,
    /// A runtime class that runs it in a sandbox.
    pub(crate) sandbox: Option<&'a str>,
    /// Whether its root is not the node's root.
    pub(crate) has_own_users: bool,
    pub(crate) is_windows: bool,
    /// The ports that something listens on, with the container that does, if that is known.
    pub(crate) listens: BTreeMap<(coaming_network::Protocol, u16), Option<usize>>,
}

impl<'a> PodInfo<'a> {
    pub(crate) fn object(&self) -> Object<'a> {
        self.workload.object
    }

    pub(crate) fn pod(&self) -> PodSpec<'a> {
        self.workload.pod()
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.name.namespace
    }

    /// Whether the node's kernel is shared, and with it the node's users.
    pub(crate) fn shares_kernel(&self) -> bool {
        self.sandbox.is_none() && !self.has_own_users
    }
}

/// A container that keeps running.
#[derive(Debug)]
pub(crate) struct ContainerInfo<'a> {
    /// Its pod, by position in [`Scene::pods`].
    pub(crate) pod: usize,
    pub(crate) container: Container<'a>,
    pub(crate) name: ContainerName,
    pub(crate) runs_as: RunsAs,
    pub(crate) is_privileged: bool,
    /// In upper case, without `CAP_`.
    pub(crate) capabilities: BTreeSet<String>,
    pub(crate) may_escalate: bool,
    pub(crate) effective: Effective<'a>,
    pub(crate) reference: Option<Reference>,
    pub(crate) facts: Option<&'a ImageFacts>,
}

impl ContainerInfo<'_> {
    pub(crate) fn has_capability(&self, name: &str) -> bool {
        self.is_privileged || self.capabilities.contains(name) || self.capabilities.contains("ALL")
    }

    /// The groups besides its own that its process gets by name: what belongs to one of them, it may use.
    pub(crate) fn granted_groups(&self, pod: PodSpec<'_>) -> Vec<i64> {
        let of_pod = pod.security_context().map(|own| own.node());
        let own = self.container.security_context().map(|own| own.node());
        let supplemental = of_pod.into_iter().flat_map(|it| it.list("supplementalGroups"));
        let mut groups: Vec<i64> = supplemental.filter_map(|group| group.as_int()).collect();
        let fields = [(own, "runAsGroup"), (of_pod, "runAsGroup"), (of_pod, "fsGroup")];
        let named = fields.iter().filter_map(|(node, field)| node.as_ref()?.integer(field));
        // Another group of its own is one that the node does not know.
        groups.extend(named.filter(|&group| group == 0));
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    /// Whether root in it can take on any other user and group.
    pub(crate) fn becomes_any_user(&self) -> bool {
        self.has_capability("SETUID") && self.has_capability("SETGID")
    }

    /// What makes it harder to use, in words, if its image has no tools for it.
    pub(crate) fn missing_tools(&self) -> Option<&'static str> {
        let facts = self.facts?;
        let has = |kind| facts.utilities.iter().any(|utility| utility.kind == kind);
        let has_none = !has(UtilityKind::Shell)
            && !has(UtilityKind::Interpreter)
            && facts.readers().next().is_none();
        has_none.then_some("its image has no shell, interpreter or reader of files")
    }

    /// How much harder a step out of it is.
    pub(crate) fn extra(&self) -> u32 {
        if self.missing_tools().is_some() { 3 } else { 0 }
    }

    /// A reason, with what makes the step harder.
    pub(crate) fn because(&self, reason: String) -> String {
        match self.missing_tools() {
            Some(missing) => format!("{reason} (harder: {missing})"),
            None => reason,
        }
    }
}

/// What Pod Security admission enforces in a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PodSecurity {
    /// No privileged pods.
    Enforced,
    /// Anything.
    Privileged,
    /// The namespace's labels are not known.
    Unknown,
}

/// The world, and what the engines know about it.
#[derive(Debug)]
pub struct Scene<'a> {
    pub(crate) world: &'a World,
    pub(crate) images: &'a Images,
    /// The version of the cluster, 1.`minor`.
    pub(crate) minor: u32,
    pub(crate) access: Arc<Access>,
    pub(crate) reach: Arc<Reach>,
    pub(crate) cells: Cells,
    pub(crate) entrances: Vec<Entrance>,
    pub(crate) host_ports: Vec<HostPort<'a>>,
    pub(crate) pods: Vec<PodInfo<'a>>,
    pub(crate) containers: Vec<ContainerInfo<'a>>,
    pub(crate) placements: Placements,
    /// The pods of each workload of the network's model.
    pub(crate) pods_of_network: HashMap<usize, Vec<usize>>,
    /// The source cell of each workload of the network's model.
    pub(crate) source_of: HashMap<usize, usize>,
    /// Every namespace that anything is in.
    pub(crate) namespaces: BTreeSet<String>,
    /// Every Secret that is known or named, with where.
    pub(crate) secrets: BTreeMap<(String, String), Evidence>,
    /// Every service account that is known or used.
    pub(crate) accounts: BTreeSet<(String, String)>,
    /// The registries that images may come from; none if nobody said.
    pub(crate) allowed_registries: &'a [String],
}

impl<'a> Scene<'a> {
    /// Works out what the steps look at. `minor` is the version of the cluster, 1.`minor`; `known` is
    /// about this world.
    #[must_use]
    pub fn new(world: &'a World, images: &'a Images, minor: u32, known: &Knowledge) -> Self {
        let reach = Arc::clone(known.reach(world));
        let cells = coaming_network::cells(&reach);
        let mut network_of: HashMap<ObjectId, usize> = HashMap::new();
        for (_, pods) in &reach.model().pods {
            if let Some(location) = &pods.location {
                network_of.entry(location.object).or_insert(pods.workload);
            }
        }
        let mut scene = Self {
            world,
            images,
            minor,
            access: Arc::clone(known.access(world)),
            entrances: Vec::new(),
            host_ports: Vec::new(),
            pods: Vec::new(),
            containers: Vec::new(),
            placements: Placements::default(),
            pods_of_network: HashMap::new(),
            source_of: HashMap::new(),
            namespaces: BTreeSet::new(),
            secrets: BTreeMap::new(),
            accounts: BTreeSet::new(),
            allowed_registries: &[],
            reach,
            cells,
        };
        let mut seen = HashMap::new();
        for workload in world.workloads() {
            scene.add_pod(workload, network_of.get(&workload.object.id).copied(), &mut seen);
        }
        for (cell, source) in scene.cells.sources.iter().enumerate() {
            scene.source_of.extend(source.workloads.iter().map(|&workload| (workload, cell)));
        }
        scene.read_listeners();
        scene.entrances = entrance::entrances(&scene);
        scene.host_ports = entrance::host_ports(&scene);
        scene.placements = Placements::new(world, &scene.pods);
        scene.read_names();
        scene
    }

    /// The same scene, in which images of other registries than these are not trusted. An empty list
    /// trusts all.
    #[must_use]
    pub fn allowing_registries(self, allowed_registries: &'a [String]) -> Self {
        Self { allowed_registries, ..self }
    }

    /// The scene of another world, such as this one after some fixes.
    pub(crate) fn of_world<'w>(&self, world: &'w World) -> Scene<'w>
    where
        'a: 'w,
    {
        let known = Knowledge::default();
        Scene::new(world, self.images, self.minor, &known)
            .allowing_registries(self.allowed_registries)
    }

    fn add_pod(
        &mut self,
        workload: Workload<'a>,
        network: Option<usize>,
        seen: &mut HashMap<WorkloadName, u32>,
    ) {
        let object = workload.object;
        let mut name = WorkloadName {
            namespace: object.namespace_or_default().to_owned(),
            kind: object.kind().to_owned(),
            name: object.name().to_owned(),
        };
        // An object may have several pod templates.
        let count = seen.entry(name.clone()).or_insert(0);
        *count += 1;
        if *count > 1 {
            name.name = format!("{}#{count}", name.name);
        }
        let pod = workload.pod();
        let start = self.containers.len();
        let number = self.pods.len();
        for container in pod.containers() {
            // An init container has ended before anyone could attack it through the network.
            if container.kind() == ContainerKind::Init {
                continue;
            }
            let info = self.container(number, &name, pod, container);
            self.containers.push(info);
        }
        if let Some(network) = network {
            self.pods_of_network.entry(network).or_default().push(number);
        }
        self.pods.push(PodInfo {
            workload,
            network,
            containers: start..self.containers.len(),
            sandbox: sandbox(self.world, pod),
            has_own_users: pod.node().boolean("hostUsers") == Some(false),
            is_windows: pod.is_windows(),
            listens: BTreeMap::new(),
            name,
        });
    }

    fn container(
        &self,
        pod_number: usize,
        workload: &WorkloadName,
        pod: PodSpec<'a>,
        container: Container<'a>,
    ) -> ContainerInfo<'a> {
        let effective = Effective::new(pod, container);
        let reference = container.image().and_then(|image| Reference::parse(image).ok());
        let facts = reference.as_ref().and_then(|reference| self.images.get(reference));
        let runs_as = match effective.run_as_user() {
            Some((0, _)) => RunsAs::Root,
            Some((user, _)) => RunsAs::Other(Some(user)),
            None if effective.run_as_non_root().is_some_and(|(non_root, _)| non_root) => {
                RunsAs::Other(None)
            }
            None => match facts.map(|facts| &facts.user) {
                Some(user) => match user.is_root() {
                    Some(true) => RunsAs::Root,
                    Some(false) => RunsAs::Other(user.uid.map(i64::from)),
                    None => RunsAs::Unknown,
                },
                None => RunsAs::Unknown,
            },
        };
        let own = container.security_context();
        let is_privileged = effective.privileged().is_some();
        let capabilities = capabilities(own.and_then(|own| own.capabilities()));
        let may_escalate = is_privileged
            || capabilities.contains("SYS_ADMIN")
            || own.and_then(|own| own.allow_privilege_escalation()) != Some(false);
        ContainerInfo {
            pod: pod_number,
            container,
            name: ContainerName {
                workload: workload.clone(),
                container: container.name().to_owned(),
            },
            runs_as,
            is_privileged,
            capabilities,
            may_escalate,
            effective,
            reference,
            facts,
        }
    }

    pub(crate) fn pod_of(&self, container: &ContainerInfo<'_>) -> &PodInfo<'a> {
        &self.pods[container.pod]
    }

    pub(crate) fn containers_of(&self, pod: &PodInfo<'_>) -> &[ContainerInfo<'a>] {
        &self.containers[pod.containers.clone()]
    }

    /// What containers and Services say about the ports that something listens on.
    fn read_listeners(&mut self) {
        for pod in &mut self.pods {
            for (number, info) in self.containers[pod.containers.clone()].iter().enumerate() {
                for port in info.container.ports() {
                    let protocol = Protocol::from_name(port.protocol());
                    let number_of = port.container_port().and_then(|n| u16::try_from(n).ok());
                    if let (Some(protocol), Some(n)) = (protocol, number_of.filter(|&n| n > 0)) {
                        pod.listens.insert((protocol, n), Some(pod.containers.start + number));
                    }
                }
            }
        }
        let mut targets = Vec::new();
        self.for_each_service_target(|_, protocol, port, pod| targets.push((protocol, port, pod)));
        for (protocol, port, pod) in targets {
            let pod = &mut self.pods[pod];
            let only = (pod.containers.len() == 1).then_some(pod.containers.start);
            pod.listens.entry((protocol, port)).or_insert(only);
        }
    }

    /// Calls `each` with every Service, and each port of a pod, by position, that it leads to.
    pub(crate) fn for_each_service_target(
        &self,
        mut each: impl FnMut(&Service, Protocol, u16, usize),
    ) {
        let model = self.reach.model();
        let mut by_namespace: HashMap<&str, Vec<&Service>> = HashMap::new();
        for (_, service) in &model.services {
            by_namespace.entry(&service.namespace).or_default().push(service);
        }
        for (_, pods) in &model.pods {
            let Some(numbers) = self.pods_of_network.get(&pods.workload) else { continue };
            let services = by_namespace.get(&*pods.namespace).into_iter().flatten();
            for service in services.filter(|service| service.selects(pods)) {
                for port in &service.ports {
                    for target in port.targets(pods) {
                        numbers.iter().for_each(|&pod| each(service, port.protocol, target, pod));
                    }
                }
            }
        }
    }

    /// The names of everything that steps may lead to.
    fn read_names(&mut self) {
        for object in self.world.of_kind("Secret").filter(|object| object.group().is_empty()) {
            let name = (object.namespace_or_default().to_owned(), object.name().to_owned());
            self.secrets.entry(name).or_insert_with(|| Evidence::of(object));
        }
        for object in self.world.of_kind("ServiceAccount") {
            self.accounts.insert((object.namespace_or_default().into(), object.name().into()));
        }
        for pod in &self.pods {
            self.namespaces.insert(pod.name.namespace.clone());
            let account = pod.pod().service_account_name().to_owned();
            self.accounts.insert((pod.name.namespace.clone(), account));
            for found in pod.pod().secret_uses() {
                let name = (pod.name.namespace.clone(), found.secret.to_owned());
                let evidence = Evidence::at(pod.object(), found.node);
                self.secrets.entry(name).or_insert(evidence);
            }
        }
        for binding in self.access.bindings() {
            for (subject, _) in binding.subjects() {
                if let coaming_access::Subject::ServiceAccount { namespace, name } = subject {
                    self.accounts.insert((namespace.to_owned(), name.to_owned()));
                }
            }
            self.namespaces.extend(binding.namespace.as_deref().map(str::to_owned));
        }
        self.namespaces.extend(self.secrets.keys().map(|(namespace, _)| namespace.clone()));
        self.namespaces.extend(self.accounts.iter().map(|(namespace, _)| namespace.clone()));
        let named = self.world.of_kind("Namespace").map(|object| object.name().to_owned());
        self.namespaces.extend(named);
    }

    /// What Pod Security admission enforces in a namespace.
    pub(crate) fn pod_security(&self, namespace: &str) -> PodSecurity {
        let Some(object) = self.world.of_kind("Namespace").find(|it| it.name() == namespace) else {
            // Every cluster has it, without labels unless someone adds them.
            let is_default = matches!(namespace, "default" | "kube-system");
            return if is_default { PodSecurity::Privileged } else { PodSecurity::Unknown };
        };
        let level =
            object.metadata().mapping("labels").string("pod-security.kubernetes.io/enforce");
        match level {
            Some("baseline" | "restricted") => PodSecurity::Enforced,
            _ => PodSecurity::Privileged,
        }
    }
}

/// The capabilities of a container, by the runtime's defaults and its own lists.
fn capabilities(own: Option<Capabilities<'_>>) -> BTreeSet<String> {
    let plain = |name: &str| {
        let name = name.to_ascii_uppercase();
        name.strip_prefix("CAP_").map_or_else(|| name.clone(), str::to_owned)
    };
    let defaults = DEFAULT_CAPABILITIES.iter().map(|&name| name.to_owned());
    let Some(own) = own else { return defaults.collect() };
    let dropped: BTreeSet<String> = own.drop().map(plain).collect();
    let mut all: BTreeSet<String> = if dropped.contains("ALL") {
        BTreeSet::new()
    } else {
        defaults.filter(|name| !dropped.contains(name)).collect()
    };
    all.extend(own.add().map(plain));
    all
}

/// Handlers of runtime classes that run pods in a sandbox.
const SANDBOXES: &[&str] = &["gvisor", "runsc", "kata", "firecracker", "peerpod"];

/// The runtime class of a pod, if it is a sandbox, by its own name and its handler.
fn sandbox<'a>(world: &'a World, pod: PodSpec<'a>) -> Option<&'a str> {
    let class = pod.node().string("runtimeClassName")?;
    let object = world.of_kind("RuntimeClass").find(|object| object.name() == class);
    let handler = object.and_then(|object| object.node().string("handler")).unwrap_or(class);
    SANDBOXES.iter().any(|known| handler.to_ascii_lowercase().contains(known)).then_some(class)
}
