//! Objects that have a controller write a Secret: from a store (External Secrets, Vault Secrets
//! Operator), or from text that only the controller can decrypt (Sealed Secrets); and objects that
//! have one write a Secret to a store (External Secrets' `PushSecret`).
//!
//! Two things follow for a Secret that is made so: other Secrets have the same value, and a subject
//! that can write such an object may have the value copied to where it can read.

use std::collections::BTreeSet;

use coaming_kube::{Fields as _, Object, World};
use coaming_yaml::Node;

use crate::selector;

const EXTERNAL: (&str, &str) = ("external-secrets.io", "externalsecrets");
const PUSH: (&str, &str) = ("external-secrets.io", "pushsecrets");
const STORE: (&str, &str) = ("external-secrets.io", "secretstores");
const VAULT: (&str, &str) = ("secrets.hashicorp.com", "vaultstaticsecrets");
const VAULT_DYNAMIC: (&str, &str) = ("secrets.hashicorp.com", "vaultdynamicsecrets");
const VAULT_PKI: (&str, &str) = ("secrets.hashicorp.com", "vaultpkisecrets");
const SEALED: (&str, &str) = ("bitnami.com", "sealedsecrets");

/// Kinds that External Secrets reads.
const KINDS: &[&str] = &[
    "PushSecret",
    "ClusterPushSecret",
    "ExternalSecret",
    "ClusterExternalSecret",
    "SecretStore",
    "ClusterSecretStore",
];

/// A Secret that a controller writes.
struct Written<'a> {
    object: Object<'a>,
    /// The namespace of the Secret.
    namespace: &'a str,
    /// API group and resource of the object.
    of: (&'static str, &'static str),
    target: &'a str,
    /// The store, under a name that is the same for all that use it.
    store: String,
    /// What is read there, or the encrypted text.
    values: BTreeSet<String>,
    /// What it gets.
    deed: Deed,
}

/// What a controller does for a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// It copies the Secret.
    Copies,
    /// It issues another credential with the same rights.
    Issues,
}

/// Objects of a kind that copy the Secret if they are written in one of these namespaces.
pub(crate) struct Copying<'a> {
    pub(crate) group: &'static str,
    pub(crate) resource: &'static str,
    pub(crate) namespaces: BTreeSet<&'a str>,
    /// What copies it, as in "can have X copy it".
    pub(crate) by: String,
    pub(crate) deed: Deed,
}

/// Another Secret with the same value.
pub(crate) struct Copy<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
}

/// What controllers have to do with one Secret.
pub(crate) struct Stores<'a> {
    pub(crate) copying: Vec<Copying<'a>>,
    pub(crate) copies: Vec<Copy<'a>>,
    /// Resources of which a subject needs both to have the Secret sent to a store of its own.
    pub(crate) pushing: Option<[(&'static str, &'static str); 2]>,
}

impl<'a> Stores<'a> {
    /// Of the Secret `namespace/name`; `all` are the known namespaces.
    pub(crate) fn of(
        world: &'a World,
        namespace: &str,
        name: &str,
        all: &BTreeSet<&'a str>,
    ) -> Self {
        let written = written(world, all);
        let is_own = |one: &Written<'a>| one.namespace == namespace && one.target == name;
        let mut copying = reading_stores(world, namespace, all);
        let mut copies = BTreeSet::new();
        for own in written.iter().filter(|one| is_own(one)) {
            let (group, resource) = own.of;
            let (namespaces, by) = places(world, own, all);
            copying.push(Copying { group, resource, namespaces, by, deed: own.deed });
            let others = written.iter().filter(|other| {
                !is_own(other) && other.store == own.store && !other.values.is_disjoint(&own.values)
            });
            copies.extend(others.map(|one| (one.namespace, one.target)));
        }
        let copies = copies.into_iter().map(|(namespace, name)| Copy { namespace, name });
        let has_operator =
            KINDS.iter().any(|kind| world.of_kind(kind).any(|object| object.group() == EXTERNAL.0));
        let pushing = has_operator.then_some([PUSH, STORE]);
        Self { copying, copies: copies.collect(), pushing }
    }
}

/// All Secrets that controllers write, or read to write them to a store.
fn written<'a>(world: &'a World, all: &BTreeSet<&'a str>) -> Vec<Written<'a>> {
    let one = world.of_kind("ExternalSecret").filter_map(Made::one);
    let of_cluster = world.of_kind("ClusterExternalSecret").flat_map(|object| {
        Made::in_namespaces(world, object, "externalSecretSpec", "externalSecretName", all)
    });
    let external = one.chain(of_cluster).filter_map(external);
    let one = world.of_kind("PushSecret").filter_map(Made::one);
    let of_cluster = world.of_kind("ClusterPushSecret").flat_map(|object| {
        Made::in_namespaces(world, object, "pushSecretSpec", "pushSecretName", all)
    });
    let pushed = one.chain(of_cluster).flat_map(|made| pushed(world, made));
    let vault = [
        ("VaultStaticSecret", VAULT),
        ("VaultDynamicSecret", VAULT_DYNAMIC),
        ("VaultPKISecret", VAULT_PKI),
    ];
    let vault = vault
        .into_iter()
        .flat_map(|(kind, of)| world.of_kind(kind).filter_map(move |object| of_vault(object, of)));
    let sealed = world.of_kind("SealedSecret").filter_map(sealed);
    external.chain(pushed).chain(vault).chain(sealed).collect()
}

/// An object of External Secrets as it is in a namespace, where one for the cluster may have it
/// made.
#[derive(Clone, Copy)]
struct Made<'a> {
    object: Object<'a>,
    namespace: &'a str,
    name: &'a str,
    spec: Node<'a>,
}

impl<'a> Made<'a> {
    /// Of an object that is in a namespace itself.
    fn one(object: Object<'a>) -> Option<Self> {
        let spec = object.spec().filter(|_| object.group() == EXTERNAL.0)?;
        Some(Self { object, namespace: object.namespace_or_default(), name: object.name(), spec })
    }

    /// Of an object for the cluster, in each namespace that it selects; `field` and `name` are the
    /// fields with the specification and the name of what it has made.
    fn in_namespaces(
        world: &'a World,
        object: Object<'a>,
        field: &str,
        name: &str,
        all: &BTreeSet<&'a str>,
    ) -> Vec<Self> {
        let Some(own) = object.spec().filter(|_| object.group() == EXTERNAL.0) else {
            return Vec::new();
        };
        let Some(spec) = own.field(field) else { return Vec::new() };
        let name = own.string(name).unwrap_or(object.name());
        let mut namespaces: BTreeSet<&'a str> = own.strings("namespaces").collect();
        for labels in
            own.field("namespaceSelector").into_iter().chain(own.list("namespaceSelectors"))
        {
            namespaces.extend(selected(world, labels, all));
        }
        namespaces.into_iter().map(|namespace| Self { object, namespace, name, spec }).collect()
    }
}

/// The namespaces that a label selector selects.
fn selected<'a>(world: &'a World, labels: Node<'_>, all: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    // An empty selector also selects namespaces that are not in the input.
    if labels.entries().len() == 0 {
        return all.clone();
    }
    let namespaces = world.of_kind("Namespace");
    namespaces
        .filter(|namespace| selector::labels_match(labels, namespace.labels()))
        .map(|namespace| namespace.name())
        .collect()
}

/// The name of a store of External Secrets, by a reference to it.
fn store_name(namespace: &str, reference: Option<Node<'_>>) -> String {
    let name = reference.string("name").unwrap_or_default();
    match reference.string("kind") {
        Some("ClusterSecretStore") => format!("ClusterSecretStore {name}"),
        Some("ClusterGenerator") => format!("ClusterGenerator {name}"),
        Some(kind) if kind != "SecretStore" => {
            format!("{kind} {namespace}/{name}")
        }
        _ => format!("SecretStore {namespace}/{name}"),
    }
}

/// The Secrets that are written to stores: who can read them there can have them copied.
fn pushed<'a>(world: &'a World, made: Made<'a>) -> Vec<Written<'a>> {
    let Made { object, namespace, spec, .. } = made;
    let of = spec.field("selector").field("secret");
    let mut targets: Vec<&'a str> = of.string("name").into_iter().collect();
    if let Some(labels) = of.field("selector") {
        let secrets = world.of_kind("Secret").filter(|secret| {
            secret.namespace_or_default() == namespace
                && selector::labels_match(labels, secret.labels())
        });
        targets.extend(secrets.map(|secret| secret.name()));
    }
    let remote = spec.list("data").filter_map(|data| {
        data.field("match").field("remoteRef").string("remoteKey").map(str::to_owned)
    });
    let values: BTreeSet<String> = remote.collect();
    if values.is_empty() {
        return Vec::new();
    }
    let of_store = |(reference, target)| Written {
        object,
        namespace,
        of: EXTERNAL,
        target,
        store: store_name(namespace, Some(reference)),
        values: values.clone(),
        deed: Deed::Copies,
    };
    let stores = spec.list("secretStoreRefs");
    stores.flat_map(|store| targets.iter().map(move |it| (store, *it))).map(of_store).collect()
}

fn external(made: Made<'_>) -> Option<Written<'_>> {
    let Made { object, namespace, name, spec } = made;
    let target = spec.field("target");
    if target.string("creationPolicy") == Some("None") {
        return None;
    }
    let keys = spec.list("data").filter_map(|data| data.field("remoteRef").string("key"));
    let all = spec.list("dataFrom").filter_map(|data| data.field("extract").string("key"));
    let values: BTreeSet<String> = keys.chain(all).map(str::to_owned).collect();
    // A generator issues a credential for each Secret.
    let generator = spec
        .list("dataFrom")
        .find_map(|data| data.field("sourceRef").field("generatorRef"))
        .filter(|_| values.is_empty());
    let deed = if generator.is_some() { Deed::Issues } else { Deed::Copies };
    let reference = generator.or_else(|| spec.field("secretStoreRef"));
    Some(Written {
        object,
        namespace,
        of: EXTERNAL,
        target: target.string("name").unwrap_or(name),
        store: store_name(namespace, reference),
        values,
        deed,
    })
}

fn of_vault<'a>(object: Object<'a>, of: (&'static str, &'static str)) -> Option<Written<'a>> {
    let spec = object.spec().filter(|_| object.group() == of.0)?;
    let text = |name: &str| spec.string(name).unwrap_or_default();
    let auth = text("vaultAuthRef");
    let store = match auth.split_once('/') {
        Some((namespace, name)) => format!("VaultAuth {namespace}/{name}"),
        None => format!("VaultAuth {}/{auth}", object.namespace_or_default()),
    };
    Some(Written {
        object,
        namespace: object.namespace_or_default(),
        of,
        target: spec.field("destination").string("name")?,
        store,
        values: (of == VAULT)
            .then(|| format!("{}/{}", text("mount"), text("path")))
            .into_iter()
            .collect(),
        deed: if of == VAULT { Deed::Copies } else { Deed::Issues },
    })
}

fn sealed(object: Object<'_>) -> Option<Written<'_>> {
    let spec = object.spec().filter(|_| object.group() == SEALED.0)?;
    let values = spec.pairs("encryptedData").filter_map(|entry| entry.value.as_str());
    Some(Written {
        object,
        namespace: object.namespace_or_default(),
        of: SEALED,
        target: spec.field("template").field("metadata").string("name").unwrap_or(object.name()),
        store: "the controller of SealedSecrets".to_owned(),
        values: values.map(str::to_owned).collect(),
        deed: Deed::Copies,
    })
}

/// Where an object like this one has the same value copied, and by what.
fn places<'a>(
    world: &'a World,
    own: &Written<'a>,
    all: &BTreeSet<&'a str>,
) -> (BTreeSet<&'a str>, String) {
    let here = own.namespace;
    let mut namespaces = BTreeSet::from([here]);
    if let Some(name) = own.store.strip_prefix("ClusterSecretStore ") {
        let store = world.of_kind("ClusterSecretStore").find(|store| store.name() == name);
        namespaces.extend(store.map(|store| users_of(world, store, all)).unwrap_or_default());
    } else if own.store.starts_with("ClusterGenerator ") {
        namespaces.extend(all);
    } else if let Some(auth) = own.store.strip_prefix("VaultAuth ") {
        let (namespace, name) = auth.split_once('/').unwrap_or((here, auth));
        let auth = world.find("VaultAuth", namespace, name);
        let allowed = auth.iter().flat_map(|auth| auth.spec()).flat_map(|spec| {
            let listed: Vec<&'a str> = spec.strings("allowedNamespaces").collect();
            listed
        });
        for allowed in allowed {
            if allowed == "*" { namespaces.extend(all) } else { _ = namespaces.insert(allowed) }
        }
    } else if own.of == SEALED {
        let is = |scope: &str| {
            let name = format!("sealedsecrets.bitnami.com/{scope}");
            own.object.annotation(&name) == Some("true")
        };
        if is("cluster-wide") {
            namespaces.extend(all);
        } else if !is("namespace-wide") {
            namespaces.clear();
        }
    }
    (namespaces, own.store.clone())
}

/// The namespaces that may use a cluster-wide store: without conditions, all of them.
fn users_of<'a>(world: &'a World, store: Object<'a>, all: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let conditions: Vec<_> =
        store.spec().into_iter().flat_map(|it| it.list("conditions")).collect();
    if conditions.is_empty() {
        return all.clone();
    }
    let mut users = BTreeSet::new();
    for condition in conditions {
        users.extend(condition.strings("namespaces"));
        if let Some(labels) = condition.field("namespaceSelector") {
            users.extend(selected(world, labels, all));
        }
        let is_any = |regex: &str| matches!(regex, ".*" | "^.*$" | ".+" | "^.+$");
        if condition.strings("namespaceRegexes").any(is_any) {
            users.extend(all);
        }
    }
    users
}

/// The stores that read Secrets of this namespace: an attacker who can use one has any of them copied.
fn reading_stores<'a>(
    world: &'a World,
    namespace: &str,
    all: &BTreeSet<&'a str>,
) -> Vec<Copying<'a>> {
    let of_namespaces = world.of_kind("SecretStore").chain(world.of_kind("ClusterSecretStore"));
    let reads = |store: &Object<'a>| {
        let provider = store.spec().and_then(|spec| spec.field("provider")?.field("kubernetes"));
        store.group() == EXTERNAL.0
            && provider.is_some_and(|provider| {
                // A server of another name may be another cluster.
                let server = provider.field("server").string("url").unwrap_or_default();
                let is_own = server.is_empty() || server.contains("kubernetes.default");
                is_own && provider.string("remoteNamespace").unwrap_or("default") == namespace
            })
    };
    of_namespaces
        .filter(reads)
        .map(|store| {
            let is_wide = store.kind() == "ClusterSecretStore";
            let namespaces = if is_wide {
                users_of(world, store, all)
            } else {
                BTreeSet::from([store.namespace_or_default()])
            };
            let by = if is_wide {
                format!("ClusterSecretStore {}", store.name())
            } else {
                format!("SecretStore {}/{}", store.namespace_or_default(), store.name())
            };
            let (group, resource) = EXTERNAL;
            Copying { group, resource, namespaces, by, deed: Deed::Copies }
        })
        .collect()
}
