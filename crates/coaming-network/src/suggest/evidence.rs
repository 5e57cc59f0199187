//! The flows that manifests show: env, args, commands and ConfigMaps that name Services.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use coaming_kube::{Fields, Object, ObjectId, SecretUseKind, World};
use coaming_yaml::{Node, NodeId};

use super::answers::single;
use super::found::{Asked, Grant, Outer, Port, Proposal};
use super::outside::{self, endpoints};
use super::text::{Form, Mention, mentions, options};
use super::{Flow, Found, Source, at};
use crate::index::ModelIndex;
use crate::model::{Direction, Model, Role, Service, Workload};
use crate::ports::Protocol;
use crate::views::Reader;

/// The workloads of the model, by the objects and the pod templates that they are written in.
pub(super) fn workloads_by_place(model: &Model) -> BTreeMap<(ObjectId, NodeId), usize> {
    let places = model.pods.iter().filter_map(|(_, pods)| {
        let location = pods.location.as_ref()?;
        Some(((location.object, location.node), pods.workload))
    });
    places.collect()
}

/// Reads all evidence in a world.
pub(crate) fn read(world: &World, model: &Model) -> Found {
    let reader = Reader::new(world);
    let index = ModelIndex::new(model, |pods| pods.role == Role::Real);
    let mut found = Found::default();
    let pods = workloads_by_place(model);
    let addresses = outside::service_addresses(world)
        .into_iter()
        .filter_map(|(address, (namespace, name))| {
            Some((address, index.service(&namespace, &name)?))
        })
        .collect();
    for workload in world.workloads() {
        let template = workload.template();
        let Some(&source) = pods.get(&(workload.object.id, template.id())) else { continue };
        let scan = Scan {
            world,
            addresses: &addresses,
            reader: &reader,
            model,
            index: &index,
            source,
            object: workload.object,
            is_secret: false,
        };
        let mut maps = Vec::new();
        for container in workload.pod().containers() {
            scan.container(container.node(), &mut maps, &mut found);
        }
        for volume in workload.pod().volumes() {
            let node = volume.node();
            maps.extend(node.mapping("configMap").string("name"));
            let projected = node.mapping("projected").list("sources");
            maps.extend(projected.filter_map(|s| s.mapping("configMap").string("name")));
        }
        maps.sort_unstable();
        maps.dedup();
        for used in workload.pod().secret_uses() {
            let key = match used.kind {
                SecretUseKind::Variable { key, .. } => Some(key),
                SecretUseKind::Environment { .. } | SecretUseKind::Files { .. } => None,
                SecretUseKind::Node => continue,
            };
            let namespace = workload.object.namespace_or_default();
            if let Some(secret) = world.find("Secret", namespace, used.secret) {
                scan.secret(secret, key, &mut found);
            }
        }
        for name in maps {
            let namespace = workload.object.namespace_or_default();
            if let Some(map) = world.find("ConfigMap", namespace, name) {
                scan.config_map(map, &mut found);
            }
        }
    }
    found
}

/// The search through one workload.
struct Scan<'s, 'i> {
    world: &'i World,
    /// The Services by their addresses in the cluster.
    addresses: &'s HashMap<IpAddr, &'s Service>,
    reader: &'s Reader<'i>,
    model: &'s Model,
    index: &'s ModelIndex<'s>,
    source: usize,
    object: Object<'i>,
    /// Whether the object is a Secret.
    is_secret: bool,
}

impl<'i> Scan<'_, 'i> {
    fn container(&self, node: Node<'i>, maps: &mut Vec<&'i str>, found: &mut Found) {
        let entries: Vec<_> = node.list("env").collect();
        for entry in &entries {
            let name = entry.string("name").unwrap_or_default();
            if let Some(value) = entry.field("value") {
                let port = self.port_beside(name, &entries);
                let text = expanded(value.text(), &entries);
                self.text(value, &text, &format!("env {name}"), says_host(name), port, found);
            }
            maps.extend(entry.mapping("valueFrom").mapping("configMapKeyRef").string("name"));
        }
        maps.extend(node.list("envFrom").filter_map(|e| e.mapping("configMapRef").string("name")));
        let mut line = String::new();
        for field in ["command", "args"] {
            for item in node.list(field) {
                let text = expanded(item.text(), &entries);
                self.text(item, &text, field, false, None, found);
                line.push_str(&text);
                line.push(' ');
            }
        }
        // An option and its value are two items.
        for mention in options(&line) {
            self.mention(node, "the command line", true, &mention, found);
        }
    }

    /// What a Secret names. Its values are never shown, not even what may be the name of a host.
    fn secret(&self, secret: Object<'i>, key: Option<&str>, found: &mut Found) {
        let scan = Scan { object: secret, is_secret: true, ..*self };
        let wanted = |entry: &coaming_yaml::Entry<'_>| key.is_none_or(|key| entry.name() == key);
        let what = |name: &str| format!("Secret {} {name}", secret.name());
        for entry in secret.node().pairs("stringData").filter(wanted) {
            scan.scalar(entry.value, &what(entry.name()), says_host(entry.name()), None, found);
        }
        for entry in secret.node().pairs("data").filter(wanted) {
            let decoded = STANDARD.decode(entry.value.text().trim()).ok();
            let Some(text) = decoded.and_then(|bytes| String::from_utf8(bytes).ok()) else {
                continue;
            };
            let name = entry.name();
            scan.text(entry.value, &text, &what(name), says_host(name), None, found);
        }
    }

    /// `DB_PORT` beside `DB_HOST`.
    fn port_beside(&self, name: &str, entries: &[Node<'i>]) -> Option<u16> {
        let stem = ["_HOSTNAME", "_HOST", "_ADDR", "_ADDRESS", "_SERVER"]
            .into_iter()
            .find_map(|suffix| name.strip_suffix(suffix))?;
        let wanted = format!("{stem}_PORT");
        let entry = entries.iter().find(|entry| entry.string("name") == Some(wanted.as_str()))?;
        entry.field("value")?.text().parse().ok()
    }

    fn config_map(&self, map: Object<'i>, found: &mut Found) {
        let scan = Scan { object: map, ..*self };
        for entry in map.node().pairs("data") {
            let what = format!("ConfigMap {} {}", map.name(), entry.name());
            scan.scalar(entry.value, &what, says_host(entry.name()), None, found);
        }
    }

    fn scalar(
        &self,
        node: Node<'i>,
        what: &str,
        says_host: bool,
        port: Option<u16>,
        found: &mut Found,
    ) {
        self.text(node, node.text(), what, says_host, port, found);
    }

    fn text(
        &self,
        node: Node<'i>,
        text: &str,
        what: &str,
        says_host: bool,
        port: Option<u16>,
        found: &mut Found,
    ) {
        for mut mention in mentions(text).into_iter().chain(options(text)) {
            mention.port = mention.port.or(port);
            self.mention(node, what, says_host, &mention, found);
        }
    }

    fn mention(
        &self,
        node: Node<'i>,
        what: &str,
        says_host: bool,
        mention: &Mention,
        found: &mut Found,
    ) {
        let Some(own) = self.model.workloads.get(self.source) else { return };
        let location = at(&self.reader.location(self.object, node));
        let shown = match mention.port {
            Some(port) => format!("{}:{port}", mention.host),
            None => mention.host.clone(),
        };
        if let Ok(address) = mention.host.parse::<IpAddr>()
            && !self.addresses.contains_key(&address)
        {
            let evidence = format!("{what} names {shown} {location}");
            self.address(address, mention, says_host, evidence, found);
            return;
        }
        let by_address = mention.host.parse::<IpAddr>().ok();
        let by_address = by_address.and_then(|address| self.addresses.get(&address)).copied();
        let by_name = || service(self.index, &own.namespace, &mention.host);
        let Some(service) = by_address.or_else(by_name) else {
            // What is not a Service may be anything, even half a credential: it is shown only
            // where it must be a host.
            let must_be = match mention.form {
                Form::Url => true,
                Form::Pair => says_host,
                Form::Bare => false,
            };
            let is_shown = !self.is_secret;
            if must_be && is_shown && mention.host != "localhost" {
                self.ask_for_host(own, mention, &shown, &format!("{what} {location}"), found);
            }
            return;
        };
        let targets = self.index.pods_of(service);
        if targets.is_empty() && (says_host || mention.form != Form::Bare) {
            let evidence = format!("{what} names {shown} {location}");
            if self.without_pods(own, service, mention, &evidence, found) {
                return;
            }
        }
        let ports: Vec<_> = service
            .ports
            .iter()
            .filter(|port| mention.port.is_none_or(|wanted| wanted == port.port))
            .collect();
        let clear = mention.port.is_some() || (says_host && service.ports.len() == 1);
        if ports.is_empty() || !clear {
            if mention.form != Form::Bare || says_host {
                self.ask_for_port(own, service, &shown, &format!("{what} {location}"), found);
            }
            return;
        }
        for target in targets {
            let Some(pods) = self.model.pods.get(target) else { continue };
            for port in &ports {
                for number in port.targets(pods) {
                    let flow = Flow {
                        source: Source::Workload(self.source),
                        target: pods.workload,
                        protocol: port.protocol,
                        port: number,
                    };
                    found.add(flow, format!("{what} names {shown} {location}"));
                }
            }
        }
    }
}

impl Scan<'_, '_> {
    /// A host that is not a Service here.
    fn ask_for_host(
        &self,
        own: &Workload,
        mention: &Mention,
        shown: &str,
        place: &str,
        found: &mut Found,
    ) {
        let ports = mention.port.map(|port| (Protocol::Tcp, port)).into_iter().collect();
        let proposal = Proposal { host: Some(mention.host.clone()), ..Proposal::default() };
        found.ask(
            format!("{}/{} to {shown}", own.namespace, own.name),
            format!(
                "{own} names {shown} in {place}, which is not a Service here: does it need to \
                 connect to it?"
            ),
            Asked::Egress { from: vec![self.source], proposal, ports },
        );
    }

    /// A Service with several ports, or none of the port that is named.
    fn ask_for_port(
        &self,
        own: &Workload,
        service: &Service,
        shown: &str,
        place: &str,
        found: &mut Found,
    ) {
        let all: Vec<String> = service.ports.iter().map(|port| port.port.to_string()).collect();
        let mut choices = Vec::new();
        for pods in self.index.pods_of(service).iter().filter_map(|&id| self.model.pods.get(id)) {
            for port in &service.ports {
                for number in port.targets(pods) {
                    let choice = (port.port.to_string(), pods.workload, (port.protocol, number));
                    choices.push(choice);
                }
            }
        }
        choices.dedup();
        found.ask(
            format!(
                "ports of Service {}/{} for {}/{}",
                service.namespace, service.name, own.namespace, own.name
            ),
            format!(
                "{own} names {shown} in {place}; Service {}/{} has the ports {}: which does it use?",
                service.namespace,
                service.name,
                all.join(", ")
            ),
            Asked::Choice { from: self.source, choices },
        );
    }

    /// An address that is not one of a Service here. What listens is written alike: addresses of the
    /// pod itself are left out.
    fn address(
        &self,
        address: IpAddr,
        mention: &Mention,
        says_host: bool,
        evidence: String,
        found: &mut Found,
    ) {
        let is_own = address.is_loopback() || address.is_unspecified() || address.is_multicast();
        let (Some(port), true) = (mention.port, says_host || mention.form == Form::Url) else {
            return;
        };
        if !is_own {
            let peer = Outer::Block(single(address));
            self.leaves(peer, Some((Protocol::Tcp, port)), evidence, found);
        }
    }

    fn leaves(&self, peer: Outer, port: Option<Port>, evidence: String, found: &mut Found) {
        let grant = Grant { workload: self.source, direction: Direction::Egress, peer, port };
        found.grant(grant, evidence);
    }

    /// Whether a Service without pods leads somewhere: to the name of a host, or to addresses that its
    /// Endpoints list.
    fn without_pods(
        &self,
        own: &Workload,
        service: &Service,
        mention: &Mention,
        evidence: &str,
        found: &mut Found,
    ) -> bool {
        let (namespace, name) = (service.namespace.as_str(), service.name.as_str());
        let object = self.world.find("Service", namespace, name);
        let external = object.and_then(|object| object.spec().string("externalName"));
        if let Some(host) = external {
            let port = mention.port.or_else(|| service.ports.first().map(|port| port.port));
            let mention = Mention { host: host.to_owned(), port, form: Form::Url };
            let shown = port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
            let place = format!("the ExternalName of Service {namespace}/{name} ({evidence})");
            self.ask_for_host(own, &mention, &shown, &place, found);
            return true;
        }
        let endpoints = endpoints(self.world, namespace, name);
        let any = !endpoints.is_empty();
        for (address, port) in endpoints {
            let evidence = format!("{evidence}; the endpoints of Service {namespace}/{name}");
            self.leaves(Outer::Block(single(address)), port, evidence, found);
        }
        any
    }
}

/// A value with `$(NAME)` replaced by what other variables of the container say, as the kubelet does.
fn expanded(text: &str, entries: &[Node<'_>]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("$(") {
        out.push_str(before);
        let Some((name, behind)) = after.split_once(')') else {
            out.push_str("$(");
            rest = after;
            continue;
        };
        let mut known = entries.iter().filter(|entry| entry.string("name") == Some(name));
        match known.next().and_then(|entry| entry.field("value")) {
            Some(value) => out.push_str(value.text()),
            None => {
                out.push_str("$(");
                out.push_str(name);
                out.push(')');
            }
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// Whether a variable of this name holds a host.
fn says_host(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["HOST", "ADDR", "URL", "URI", "SERVER", "ENDPOINT", "BACKEND", "UPSTREAM", "DOMAIN"]
        .iter()
        .any(|word| name.contains(word))
        && !["PASS", "SECRET", "TOKEN", "KEY", "CREDENTIAL"].iter().any(|word| name.contains(word))
}

/// The Service that a name means, seen from a namespace.
fn service<'m>(index: &ModelIndex<'m>, own: &str, host: &str) -> Option<&'m Service> {
    let mut parts = host.splitn(4, '.');
    let name = parts.next()?;
    let namespace = match (parts.next(), parts.next()) {
        (None, _) => own,
        (Some(namespace), None) => namespace,
        (Some(namespace), Some(rest)) if rest.split('.').next() == Some("svc") => namespace,
        _ => return of_one_pod(index, own, host),
    };
    index.service(namespace, name).or_else(|| of_one_pod(index, own, host))
}

/// The Service of one pod of a StatefulSet: `db-0.db`.
fn of_one_pod<'m>(index: &ModelIndex<'m>, own: &str, host: &str) -> Option<&'m Service> {
    let mut parts = host.split('.');
    let (pod, name) = (parts.next()?, parts.next()?);
    let (_, ordinal) = pod.rsplit_once('-')?;
    let is_ordinal = !ordinal.is_empty() && ordinal.bytes().all(|it| it.is_ascii_digit());
    let namespace = parts.next().unwrap_or(own);
    is_ordinal.then(|| index.service(namespace, name)).flatten()
}
