//! Which grants a pod gets, and who reads their files.

use std::collections::BTreeSet;

use coaming_oci::{Digest, Reference};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{PREFIX, Refusal, Stores, items, mistakes, text};
use crate::config::{self, FileConfig};
use crate::grant::{AwsMethod, Provider, SecretGrant, Server, StoreKind};

/// A grant that a pod gets.
pub(super) struct Delivery<'g> {
    pub(super) grant: &'g SecretGrant,
    pub(super) name: &'g str,
    pub(super) server: Server<'g>,
    /// The volume's name.
    pub(super) volume: String,
    pub(super) reader: Reader,
    pub(super) files: Vec<FileConfig>,
}

/// How a container may read files that are not everyone's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// It runs as this user, and so does the agent: 0400.
    User(i64),
    /// It is in the pod's fsGroup: 0440.
    Group,
}

impl Delivery<'_> {
    /// The mount in the container.
    pub(super) fn mount(&self) -> Value {
        json!({"name": self.volume, "mountPath": self.grant.spec.directory, "readOnly": true})
    }
}

/// Finds the grants, and checks each of them.
pub(super) fn plan<'g>(
    spec: &Value,
    wanted: &[&str],
    grants: &'g [SecretGrant],
    stores: Stores<'g>,
    namespace: &str,
) -> Result<Vec<Delivery<'g>>, Refusal> {
    let mut deliveries: Vec<Delivery<'g>> = Vec::new();
    let mut directories = BTreeSet::new();
    for name in wanted {
        let here = |grant: &&SecretGrant| {
            grant.metadata.name.as_deref() == Some(*name)
                && grant.metadata.namespace.as_deref().is_none_or(|found| found == namespace)
        };
        let grant = grants.iter().find(here).ok_or_else(|| Refusal::NoGrant((*name).to_owned()))?;
        let delivery = deliver(spec, grant, stores, namespace)?;
        let (container, directory) = (&grant.spec.container, &grant.spec.directory);
        if !directories.insert((container, directory)) {
            let (container, directory) = (container.clone(), directory.clone());
            return Err(Refusal::Directory { container, directory });
        }
        deliveries.push(delivery);
    }
    let mut audiences = deliveries.iter().map(|delivery| delivery.server.audience());
    if let Some(first) = audiences.next()
        && let Some(other) = audiences.find(|other| *other != first)
    {
        return Err(Refusal::Audiences(first.to_owned(), other.to_owned()));
    }
    one_user(deliveries, spec)
}

/// The agent runs as one user: if containers have several, the group must read the files.
fn one_user<'g>(
    mut deliveries: Vec<Delivery<'g>>,
    spec: &Value,
) -> Result<Vec<Delivery<'g>>, Refusal> {
    let readers: BTreeSet<Option<i64>> = deliveries
        .iter()
        .map(|delivery| match delivery.reader {
            Reader::User(user) => Some(user),
            Reader::Group => None,
        })
        .collect();
    if readers.len() > 1 {
        for delivery in &mut deliveries {
            delivery.reader = group(spec, &delivery.grant.spec.container)?;
        }
    }
    for delivery in &mut deliveries {
        let is_group = delivery.reader == Reader::Group;
        for file in &mut delivery.files {
            let mode =
                file.mode.get_or_insert_with(|| if is_group { "0440" } else { "0400" }.to_owned());
            let bits = u32::from_str_radix(mode, 8).unwrap_or(0);
            if is_group && bits & 0o040 == 0 {
                let (grant, file) = (delivery.name.to_owned(), file.name.clone());
                return Err(Refusal::Mode { grant, file });
            }
        }
    }
    Ok(deliveries)
}

fn deliver<'g>(
    spec: &Value,
    grant: &'g SecretGrant,
    stores: Stores<'g>,
    namespace: &str,
) -> Result<Delivery<'g>, Refusal> {
    let name = grant.metadata.name.as_deref().unwrap_or_default();
    let own = || name.to_owned();
    let account = match text(spec, "serviceAccountName") {
        "" => "default",
        account => account,
    };
    if account != grant.spec.service_account {
        let granted = grant.spec.service_account.clone();
        return Err(Refusal::Account { grant: own(), granted, account: account.to_owned() });
    }
    let container = ["initContainers", "containers"]
        .into_iter()
        .flat_map(|key| items(spec, key))
        .find(|container| text(container, "name") == grant.spec.container);
    let container = container.ok_or_else(|| Refusal::NoContainer {
        grant: own(),
        container: grant.spec.container.clone(),
    })?;
    image(grant, name, text(container, "image"))?;
    let (server, files) = usable(grant, stores, namespace)?;
    let reader = reader(spec, container)?;
    Ok(Delivery { grant, name, server, volume: volume(&grant.spec.container, name), reader, files })
}

/// What does not depend on a pod: the store of a grant, and its files.
pub(super) fn usable<'g>(
    grant: &SecretGrant,
    stores: Stores<'g>,
    namespace: &str,
) -> Result<(Server<'g>, Vec<FileConfig>), Refusal> {
    let name = grant.metadata.name.as_deref().unwrap_or_default();
    let own = || name.to_owned();
    let unusable = |reason: String| Refusal::Grant { grant: own(), reason };
    if let Some(mistake) = mistakes::find(grant) {
        return Err(unusable(mistake));
    }
    let files: Vec<FileConfig> = grant.spec.files.iter().map(file).collect();
    config::check_files(name, &files).map_err(|error| unusable(error.to_string()))?;
    let provider = provider(grant, stores, namespace).map_err(|reason| Refusal::NoStore {
        grant: own(),
        store: grant.spec.store.name.clone(),
        kind: grant.spec.store.kind.name(),
        reason,
    })?;
    let store = &grant.spec.store.name;
    let server = provider.server().ok_or_else(|| {
        unusable(format!(
            "the store `{store}` must have exactly one of vault, aws, google, azure, kubernetes"
        ))
    })?;
    if needs_role(server) && grant.spec.role.is_empty() {
        return Err(unusable(format!("the store `{store}` needs a `role`")));
    }
    Ok((server, files))
}

fn file(file: &crate::grant::GrantFile) -> FileConfig {
    FileConfig {
        name: file.name.clone(),
        path: file.path.clone(),
        parameters: file.parameters.clone(),
        key: file.key.clone(),
        template: file.template.clone(),
        mode: file.mode.clone(),
    }
}

/// A name that is the same for the same container and grant, and short enough.
fn volume(container: &str, grant: &str) -> String {
    let digest = Sha256::new().chain_update(container).chain_update("/").chain_update(grant);
    let digest = digest.finalize();
    let hex: String = digest.iter().take(10).map(|byte| format!("{byte:02x}")).collect();
    format!("{PREFIX}{hex}")
}

/// The image is one of the grant.
fn image(grant: &SecretGrant, name: &str, image: &str) -> Result<(), Refusal> {
    let wanted = &grant.spec.image;
    let found = Reference::parse(image);
    let granted = Reference::parse(&wanted.repository);
    let is_granted = match (&found, &granted) {
        (Ok(found), Ok(granted)) => {
            let same = (found.registry(), found.repository())
                == (granted.registry(), granted.repository());
            let digest = wanted.digest.as_ref().map(|digest| digest.parse::<Digest>());
            same && match digest {
                None => true,
                Some(Ok(digest)) => found.digest() == Some(&digest),
                Some(Err(_)) => false,
            }
        }
        _ => false,
    };
    if is_granted {
        return Ok(());
    }
    let digest = wanted.digest.iter().map(|digest| format!("@{digest}")).collect::<String>();
    Err(Refusal::Image {
        grant: name.to_owned(),
        granted: format!("{}{digest}", wanted.repository),
        container: grant.spec.container.clone(),
        image: image.to_owned(),
    })
}

/// Whether a login names a role.
fn needs_role(server: Server<'_>) -> bool {
    match server {
        Server::Vault(_) | Server::Azure(_) => true,
        Server::Aws(server) => server.method == AwsMethod::WebIdentity,
        Server::Google(_) | Server::Kubernetes(_) => false,
    }
}

/// The grant's store; or why it has none.
fn provider<'g>(
    grant: &SecretGrant,
    stores: Stores<'g>,
    namespace: &str,
) -> Result<&'g Provider, String> {
    let name = Some(grant.spec.store.name.as_str());
    let own = stores.namespaced.iter().find(|store| {
        store.metadata.name.as_deref() == name
            && store.metadata.namespace.as_deref() == Some(namespace)
    });
    let shared = stores.cluster.iter().find(|store| store.metadata.name.as_deref() == name);
    match (grant.spec.store.kind, own, shared) {
        (StoreKind::SecretStore, Some(own), _) => Ok(&own.spec.provider),
        (StoreKind::SecretStore, None, None) => Err("is not in this namespace".to_owned()),
        (StoreKind::SecretStore, None, Some(_)) => Err("is not in this namespace; a \
             ClusterSecretStore has this name: set `store.kind`"
            .to_owned()),
        (StoreKind::ClusterSecretStore, _, Some(shared)) => {
            let is_allowed = shared.spec.allowed_namespaces.iter().any(|it| it == namespace);
            let refused = || format!("does not have `{namespace}` among its `allowedNamespaces`");
            is_allowed.then_some(&shared.spec.provider).ok_or_else(refused)
        }
        (StoreKind::ClusterSecretStore, None, None) => Err("does not exist".to_owned()),
        (StoreKind::ClusterSecretStore, Some(_), None) => {
            Err("does not exist; this namespace has a \
             SecretStore of this name: leave out `store.kind`"
                .to_owned())
        }
    }
}

/// Who reads a container's files.
fn reader(spec: &Value, container: &Value) -> Result<Reader, Refusal> {
    let user = |of: &Value| of.pointer("/securityContext/runAsUser").and_then(Value::as_i64);
    match user(container).or_else(|| user(&json!({"securityContext": spec.get("securityContext")})))
    {
        Some(user) if user > 0 => Ok(Reader::User(user)),
        // The user of the image is not known here, and root may be without the right to read all.
        _ => group(spec, text(container, "name")),
    }
}

fn group(spec: &Value, container: &str) -> Result<Reader, Refusal> {
    match spec.pointer("/securityContext/fsGroup").and_then(Value::as_i64) {
        Some(_) => Ok(Reader::Group),
        None => Err(Refusal::Reader(container.to_owned())),
    }
}
