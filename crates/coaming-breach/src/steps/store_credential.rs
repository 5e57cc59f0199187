//! Step `store-credential`.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use coaming_kube::{Fields as _, Object, SecretUseKind};
use coaming_yaml::Node;

use super::use_secret::environment_secrets;
use crate::data_store::store;
use crate::evidence::Evidence;
use crate::foothold::{Foothold, Link};
use crate::host_names::HostNames;
use crate::scene::{ContainerInfo, PodInfo};

use super::step;
use crate::graph::{AttackGraph, NewEdge};
use crate::scene::Scene;

step! {
    /// A Secret that the pod of a data store uses is taken as its credential, and one with a URL that
    /// leads there. What a client has in its environment beside the name of the store (`DB_HOST` and
    /// `DB_PASSWORD`), and a Secret that is called as the store (`db-credentials`), may be. An attacker
    /// who knows it and reaches the port reads the data.
    ///
    /// ## Way: shop/web to data-store/shop/cache
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   volumes:
    ///     - name: s
    ///       secret:
    ///         secretName: shop-db
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       volumeMounts:
    ///         - name: s
    ///           mountPath: /s
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: cache
    ///   namespace: shop
    ///   labels:
    ///     app: cache
    /// spec:
    ///   containers:
    ///     - name: cache
    ///       image: redis:7.4
    ///       env:
    ///         - name: REDIS_PASSWORD
    ///           valueFrom:
    ///             secretKeyRef:
    ///               name: shop-db
    ///               key: password
    ///       ports:
    ///         - containerPort: 6379
    /// ```
    ///
    /// ## Wall: shop/web to data-store/shop/cache
    ///
    /// They do not know the Secret.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 1000
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: cache
    ///   namespace: shop
    ///   labels:
    ///     app: cache
    /// spec:
    ///   containers:
    ///     - name: cache
    ///       image: redis:7.4
    ///       env:
    ///         - name: REDIS_PASSWORD
    ///           valueFrom:
    ///             secretKeyRef:
    ///               name: shop-db
    ///               key: password
    ///       ports:
    ///         - containerPort: 6379
    /// ```
    STEP {
        id: "store-credential",
        technique: "T1078",
        summary: "open a data store with a Secret"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    let mut stores: BTreeSet<usize> = BTreeSet::new();
    for container in &scene.containers {
        let pod = scene.pod_of(container);
        if store(pod, container).is_none() {
            continue;
        }
        stores.insert(container.pod);
        for (name, node) in environment_secrets(container).chain(password_files(pod, container)) {
            let reason = format!("{} takes its password from Secret {name}", pod.name);
            let evidence = Evidence::at(pod.object(), node);
            add_key(graph, pod, (pod.namespace(), name), NewEdge::note(reason).at(evidence));
        }
    }
    let names = HostNames::new(scene);
    add_clients(scene, graph, &stores, &names);
    for object in scene.world.of_kind("Secret").filter(|object| object.group().is_empty()) {
        add_by_url(scene, graph, &stores, &names, object);
    }
    add_by_name(scene, graph, &stores);
}

/// A Secret opens a store.
fn add_key(graph: &mut AttackGraph, store: &PodInfo<'_>, secret: (&str, &str), edge: NewEdge) {
    let (namespace, name) = (secret.0.to_owned(), secret.1.to_owned());
    let from = graph.vertex(Foothold::Secret { namespace, name });
    let to = graph.link(Link::StoreCredential(store.name.clone()));
    graph.add(from, to, edge);
}

/// The Secrets in files that a variable names, as `POSTGRES_PASSWORD_FILE` does.
fn password_files<'a>(
    pod: &PodInfo<'a>,
    container: &ContainerInfo<'a>,
) -> Vec<(&'a str, Node<'a>)> {
    let own = container.container;
    let named: Vec<&str> = own
        .node()
        .list("env")
        .filter(|variable| variable.string("name").is_some_and(|name| name.ends_with("_FILE")))
        .filter_map(|variable| variable.string("value"))
        .collect();
    let mut found = Vec::new();
    for mount in own.volume_mounts() {
        let directory = mount.mount_path().unwrap_or_default();
        let volume = mount.name().and_then(|name| pod.pod().volume(name));
        if let Some(volume) = volume.filter(|_| named.iter().any(|it| it.starts_with(directory))) {
            found.extend(volume.secret_files().into_iter().map(|it| (it.secret, mount.node())));
        }
    }
    found
}

/// Words of a variable that says where a store is.
const HOST_WORDS: &[&str] =
    &["HOST", "HOSTNAME", "ADDR", "ADDRESS", "SERVER", "URL", "URI", "ENDPOINT"];

/// What a client of a store has in its environment beside the name of the store: `DB_HOST` is where
/// `DB_PASSWORD` counts.
fn add_clients(
    scene: &Scene<'_>,
    graph: &mut AttackGraph,
    stores: &BTreeSet<usize>,
    names: &HostNames,
) {
    for container in &scene.containers {
        let pod = scene.pod_of(container);
        let variables = container.container.node().list("env");
        let hosts: Vec<(&str, &str)> = variables
            .filter_map(|variable| Some((variable.string("name")?, variable.string("value")?)))
            .filter_map(|(name, value)| {
                let (start, end) = name.rsplit_once('_').unwrap_or(("", name));
                HOST_WORDS.contains(&end).then_some((start, host_of(value)))
            })
            .collect();
        for found in container.container.secret_variables() {
            let SecretUseKind::Variable { name, .. } = found.kind else { continue };
            for (_, host) in hosts.iter().filter(|(start, _)| name.starts_with(start)) {
                let meant = names.pods(host, pod.namespace()).iter();
                for &store in meant.filter(|pod| stores.contains(pod)) {
                    let store = &scene.pods[store];
                    let reason = format!(
                        "{} has it as `{name}` beside the name of {}, which it may open",
                        container.name, store.name
                    );
                    let edge = NewEdge::note(reason).at(Evidence::at(pod.object(), found.node));
                    add_key(graph, store, (pod.namespace(), found.secret), edge.unsure());
                }
            }
        }
    }
}

/// The host of an address, with or without scheme, user and path.
fn host_of(text: &str) -> &str {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

/// A Secret with a URL says what it opens. Nothing but the host of the URL is looked at.
fn add_by_url(
    scene: &Scene<'_>,
    graph: &mut AttackGraph,
    stores: &BTreeSet<usize>,
    names: &HostNames,
    object: Object<'_>,
) {
    let plain = object.node().pairs("stringData").filter_map(|entry| entry.value.as_str());
    let decoded = object.node().pairs("data").filter_map(|entry| {
        String::from_utf8(STANDARD.decode(entry.value.as_str()?.trim()).ok()?).ok()
    });
    let hosts: BTreeSet<String> = plain
        .map(str::to_owned)
        .chain(decoded)
        .filter(|text| text.contains("://") && !text.trim().contains(char::is_whitespace))
        .map(|text| host_of(&text).to_owned())
        .collect();
    let namespace = object.namespace_or_default();
    for host in hosts {
        for &store in names.pods(&host, namespace).iter().filter(|pod| stores.contains(pod)) {
            let store = &scene.pods[store];
            let reason = format!("a URL in Secret {} leads to {}", object.name(), store.name);
            let edge = NewEdge::note(reason).at(Evidence::of(object));
            add_key(graph, store, (namespace, object.name()), edge);
        }
    }
}

/// Words that the name of a store's Secret has besides the store's own.
const SECRET_WORDS: &[&str] = &[
    "secret",
    "secrets",
    "credential",
    "credentials",
    "creds",
    "auth",
    "password",
    "passwords",
    "pass",
    "login",
    "user",
    "root",
    "admin",
];

/// A Secret with the name of a store, such as `db-credentials` beside `db`.
fn add_by_name(scene: &Scene<'_>, graph: &mut AttackGraph, stores: &BTreeSet<usize>) {
    for &store in stores {
        let store = &scene.pods[store];
        let start = (store.namespace().to_owned(), store.name.name.clone());
        let near = scene.secrets.range(start..).take_while(|((namespace, name), _)| {
            *namespace == store.name.namespace && name.starts_with(&store.name.name)
        });
        for ((namespace, name), evidence) in near {
            let rest = &name[store.name.name.len()..];
            let mut words = rest.split(['-', '.', '_']).filter(|word| !word.is_empty());
            let is_own = rest.is_empty() || !rest.starts_with(char::is_alphanumeric);
            if is_own && words.all(|word| SECRET_WORDS.contains(&word)) {
                let reason = format!("by its name, Secret {name} opens {}", store.name);
                let edge = NewEdge::note(reason).at(*evidence).unsure();
                add_key(graph, store, (namespace, name), edge);
            }
        }
    }
}
