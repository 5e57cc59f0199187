//! The data store that a container is, by its image, its name and its port.

use coaming_kube::Fields as _;

use crate::scene::{ContainerInfo, PodInfo};

/// Products that store data, by a word of their image's name, and the port that they listen on.
const STORES: &[(&str, u16)] = &[
    ("postgres", 5432),
    ("postgresql", 5432),
    ("postgis", 5432),
    ("timescaledb", 5432),
    ("mysql", 3306),
    ("mariadb", 3306),
    ("percona", 3306),
    ("mongo", 27017),
    ("mongodb", 27017),
    ("redis", 6379),
    ("valkey", 6379),
    ("keydb", 6379),
    ("memcached", 11211),
    ("elasticsearch", 9200),
    ("opensearch", 9200),
    ("cassandra", 9042),
    ("scylla", 9042),
    ("couchdb", 5984),
    ("etcd", 2379),
    ("minio", 9000),
    ("rabbitmq", 5672),
    ("kafka", 9092),
    ("influxdb", 8086),
    ("clickhouse", 8123),
    ("neo4j", 7687),
    ("cockroach", 26257),
    ("mssql", 1433),
    ("registry", 5000),
];

/// Words of a name that say that data is stored, whatever the product.
const STORE_WORDS: &[&str] = &["db", "database", "cache", "registry"];

/// Words of a name that say that something else uses a store.
const USER_WORDS: &[&str] = &[
    "exporter",
    "operator",
    "backup",
    "client",
    "admin",
    "ui",
    "proxy",
    "migrate",
    "migration",
    "migrations",
    "controller",
    "insight",
    "express",
    "commander",
    "manager",
    "webhook",
    "cleaner",
    "sync",
    "test",
    "dashboard",
    "api",
    "worker",
    "sentinel",
];

/// Ports that only stores use, with the product.
const STORE_PORTS: &[(u16, &str)] = &[
    (5432, "postgres"),
    (3306, "mysql"),
    (27017, "mongo"),
    (6379, "redis"),
    (11211, "memcached"),
    (9042, "cassandra"),
    (5984, "couchdb"),
];

/// Stores that ask for no password unless they are configured to.
const OPEN_BY_DEFAULT: &[&str] =
    &["redis", "valkey", "keydb", "memcached", "mongo", "etcd", "registry", "cassandra"];

/// Repositories of the makers' own images, whose defaults are known.
const OFFICIAL: &[&str] = &["library/", "valkey/", "eqalpha/", "coreos/", "distribution/"];

/// Whether a store asks for a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// It does not; why that is known.
    Open(String),
    /// It does: what its pod is configured with says so.
    Password,
    /// Nothing says so.
    Unknown,
}

/// A data store.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    /// `redis`, or the word of its name.
    pub(crate) product: String,
    pub(crate) ports: Vec<u16>,
    pub(crate) door: Door,
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_ascii_lowercase)
}

/// The last part of an image's name.
fn image_name(container: &ContainerInfo<'_>) -> String {
    let repository = container.reference.as_ref().map_or("", |reference| reference.repository());
    repository.rsplit('/').next().unwrap_or_default().to_owned()
}

/// The data store in a container, if it is one.
pub(crate) fn store(pod: &PodInfo<'_>, container: &ContainerInfo<'_>) -> Option<Store> {
    let image = image_name(container);
    let image_words: Vec<String> = words(&image).collect();
    let name_words: Vec<String> = words(&pod.name.name).collect();
    let is_user = image_words.iter().chain(&name_words).any(|w| USER_WORDS.contains(&w.as_str()));
    let own_ports: Vec<u16> = container
        .container
        .ports()
        .filter_map(|port| u16::try_from(port.container_port()?).ok())
        .collect();
    let by_image = STORES.iter().find(|(product, _)| image_words.iter().any(|w| w == product));
    let by_port = || {
        STORE_PORTS
            .iter()
            .find(|(port, _)| own_ports.contains(port))
            .map(|&(port, product)| (product, port))
    };
    let found = by_image.filter(|_| !is_user).copied().or_else(by_port);
    let (product, ports) = match found {
        Some((product, port)) => {
            (product.to_owned(), if own_ports.is_empty() { vec![port] } else { own_ports })
        }
        None if !is_user => {
            let word = image_words
                .iter()
                .chain(&name_words)
                .find(|word| STORE_WORDS.contains(&word.as_str()))?;
            (word.clone(), own_ports)
        }
        None => return None,
    };
    let door = door(container, &product);
    Some(Store { product, ports, door })
}

fn door(container: &ContainerInfo<'_>, product: &str) -> Door {
    let node = container.container.node();
    let mut variables = node
        .list("env")
        .filter_map(|variable| Some((variable.string("name")?.to_ascii_uppercase(), variable)));
    let mut has_password = false;
    for (name, variable) in variables.by_ref() {
        let value = variable.string("value").unwrap_or_default();
        let allows_empty = name.contains("ALLOW_EMPTY") && matches!(value, "1" | "yes" | "true");
        if allows_empty || name == "POSTGRES_HOST_AUTH_METHOD" && value == "trust" {
            return Door::Open(format!("`{name}` is `{value}`"));
        }
        let speaks_of_it = ["PASSWORD", "PASSWD", "SECRET", "AUTH", "USERNAME", "ROOT_USER"]
            .iter()
            .any(|part| name.contains(part));
        has_password |= speaks_of_it;
    }
    let arguments: Vec<&str> =
        container.container.command().chain(container.container.args()).collect();
    let in_arguments = |part: &str| arguments.iter().any(|argument| argument.contains(part));
    has_password |= ["--requirepass", "--auth", "--client-cert-auth", "--keyFile", "htpasswd"]
        .iter()
        .any(|flag| in_arguments(flag));
    if has_password || node.list("envFrom").next().is_some() {
        return if has_password { Door::Password } else { Door::Unknown };
    }
    let repository = container.reference.as_ref().map_or("", |reference| reference.repository());
    let is_official = OFFICIAL.iter().any(|maker| repository.starts_with(maker));
    // A file of settings or a script may ask for a password.
    let is_plain = arguments.is_empty()
        && container.container.volume_mounts().all(|mount| {
            !mount.mount_path().unwrap_or_default().contains("conf") && mount.sub_path().is_none()
        });
    if is_official && is_plain && OPEN_BY_DEFAULT.contains(&product) {
        return Door::Open(format!("{product} asks for no password by default"));
    }
    if product == "redis" && in_arguments("--protected-mode no") {
        return Door::Open("its protected mode is off".to_owned());
    }
    Door::Unknown
}
