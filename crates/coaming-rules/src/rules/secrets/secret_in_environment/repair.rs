//! Environment variables become files: the variable names the file, by the `_FILE` convention.

use std::collections::{BTreeMap, BTreeSet};

use coaming_finding::Applicability;
use coaming_kube::{Container, Fields as _, SecretUse, SecretUseKind, Workload};
use coaming_oci::Reference;
use coaming_yaml::Node;
use coaming_yaml::edit::{Edit, Value};

use crate::Context;
use crate::context::Draft;
use crate::rules::phrases;

/// Images on Docker Hub that read files, and how their variables begin.
const KNOWN: &[(&str, &str)] = &[
    ("bitnami/mariadb", "MARIADB_"),
    ("bitnami/mongodb", "MONGODB_"),
    ("bitnami/mysql", "MYSQL_"),
    ("bitnami/postgresql", "POSTGRES"),
    ("bitnami/redis", "REDIS_PASSWORD"),
    ("library/influxdb", "DOCKER_INFLUXDB_INIT_"),
    ("minio/minio", "MINIO_ROOT_"),
    ("library/postgres", "POSTGRES_"),
    ("library/mysql", "MYSQL_"),
    ("library/mariadb", "MARIADB_"),
    ("library/mariadb", "MYSQL_"),
    ("library/mongo", "MONGO_INITDB_"),
    ("library/wordpress", "WORDPRESS_"),
    ("library/ghost", "database__"),
    ("library/nextcloud", "NEXTCLOUD_"),
    ("library/nextcloud", "MYSQL_"),
    ("library/nextcloud", "POSTGRES_"),
];

/// The variable that names the file from which an image is known to read this one.
pub(super) fn known_file_variable(image: Option<&str>, name: &str) -> Option<String> {
    let reference = Reference::parse(image?).ok()?;
    // Grafana has a convention of its own.
    if reference.repository().starts_with("grafana/grafana") && name.starts_with("GF_") {
        return Some(format!("{name}__FILE"));
    }
    let is_known = reference.registry() == "docker.io"
        && KNOWN.iter().any(|(repository, prefix)| {
            reference.repository() == *repository && name.starts_with(prefix)
        });
    is_known.then(|| format!("{name}_FILE"))
}

/// A variable that becomes a file.
struct Move<'a> {
    container: Container<'a>,
    secret: &'a str,
    key: String,
    optional: bool,
    /// The variable that will name the file.
    file_variable: String,
    /// The item of `env` that becomes that variable; `None` for a variable out of `envFrom`.
    item: Option<Node<'a>>,
}

/// Adds the repair to a finding.
pub(super) fn add<'a>(
    draft: Draft<'a>,
    context: &Context<'a>,
    workload: Workload<'a>,
    uses: &[SecretUse<'a>],
) -> Draft<'a> {
    let repaired = moves(context, workload, uses).and_then(|moves| edits(workload, uses, &moves));
    match repaired {
        Some(edits) => draft.fix(
            "mount the Secrets as files, and name each file in a variable that ends in `_FILE`",
            Applicability::Unsafe,
            edits,
        ),
        None => draft.manual("mount the Secrets as files", snippet(uses)),
    }
}

/// The variables to move; `None` if they are not known: the Secret is not part of the input, the
/// variable is used in the manifest itself, or the image is not known to read a file for it. The
/// program would find no value, and not start.
fn moves<'a>(
    context: &Context<'a>,
    workload: Workload<'a>,
    uses: &[SecretUse<'a>],
) -> Option<Vec<Move<'a>>> {
    let mut moves = Vec::new();
    for found in uses {
        match found.kind {
            SecretUseKind::Variable { container, variable, name, key } => {
                let reference = variable.mapping("valueFrom").mapping("secretKeyRef");
                moves.push(Move {
                    container,
                    secret: found.secret,
                    key: key.to_owned(),
                    optional: reference.boolean("optional") == Some(true),
                    file_variable: file_variable(container, name)?,
                    item: Some(variable),
                });
            }
            SecretUseKind::Environment { container, source, prefix } => {
                let optional = source.mapping("secretRef").boolean("optional") == Some(true);
                for key in known_keys(context, workload, found.secret)? {
                    let name = format!("{prefix}{key}");
                    moves.push(Move {
                        container,
                        secret: found.secret,
                        file_variable: file_variable(container, &name)?,
                        key,
                        optional,
                        item: None,
                    });
                }
            }
            SecretUseKind::Files { .. } | SecretUseKind::Node => {}
        }
    }
    let fit = moves.iter().all(|moved| is_file_name(&moved.key) && is_mountable(moved));
    // A volume is optional as a whole.
    let optional: BTreeSet<(&str, bool)> =
        moves.iter().map(|moved| (moved.secret, moved.optional)).collect();
    let secrets: BTreeSet<&str> = moves.iter().map(|moved| moved.secret).collect();
    let agree = optional.len() == secrets.len();
    let mut names = BTreeSet::new();
    let unique = moves
        .iter()
        .all(|moved| names.insert((moved.container.node().id(), moved.file_variable.as_str())));
    (fit && agree && unique && !moves.is_empty()).then_some(moves)
}

/// The variable that will name the file, unless the manifest itself uses the old one or has the new
/// one already.
fn file_variable(container: Container<'_>, name: &str) -> Option<String> {
    let file = known_file_variable(container.image(), name)?;
    let used = format!("$({name})");
    let uses = |text: &str| text.contains(&used);
    let in_words = container.command().chain(container.args()).any(uses);
    let mut items = container.node().list("env");
    let in_variables = items.any(|item| {
        item.string("value").is_some_and(uses) || item.string("name") == Some(file.as_str())
    });
    (!in_words && !in_variables).then_some(file)
}

/// The keys of a Secret, if it is part of the input.
fn known_keys(context: &Context<'_>, workload: Workload<'_>, secret: &str) -> Option<Vec<String>> {
    let namespace = workload.object.namespace_or_default();
    let object = context.world.find("Secret", namespace, secret)?;
    let keys: BTreeSet<String> = ["data", "stringData"]
        .into_iter()
        .flat_map(|field| object.node().pairs(field))
        .map(|entry| entry.name().to_owned())
        .collect();
    Some(keys.into_iter().collect())
}

fn is_file_name(key: &str) -> bool {
    !key.is_empty() && key != "." && !key.starts_with("..") && !key.contains('/')
}

/// Whether nothing is mounted where the files will be.
fn is_mountable(moved: &Move<'_>) -> bool {
    let directory = directory(moved.secret);
    moved
        .container
        .volume_mounts()
        .all(|mount| mount.mount_path().is_none_or(|path| path.trim_end_matches('/') != directory))
}

fn directory(secret: &str) -> String {
    format!("/etc/secrets/{secret}")
}

/// A volume to create: a Secret and those of its keys that a container needs.
type Files<'a> = (&'a str, Vec<String>);

fn edits<'a>(
    workload: Workload<'a>,
    uses: &[SecretUse<'a>],
    moves: &[Move<'a>],
) -> Option<Vec<Edit>> {
    let pod = workload.pod();
    let mut needs: BTreeMap<(usize, &str), (Container<'a>, Vec<String>)> = BTreeMap::new();
    let containers: Vec<Container<'a>> = pod.containers().collect();
    for moved in moves {
        let position =
            containers.iter().position(|container| container.node() == moved.container.node())?;
        let need = needs.entry((position, moved.secret)).or_insert((moved.container, Vec::new()));
        if !need.1.contains(&moved.key) {
            need.1.push(moved.key.clone());
        }
    }
    let mut taken: BTreeSet<String> =
        pod.volumes().filter_map(|volume| volume.name()).map(str::to_owned).collect();
    let mut volumes: BTreeMap<Files<'a>, String> = BTreeMap::new();
    let mut edits = Vec::new();
    for ((_, secret), (container, mut keys)) in needs {
        keys.sort();
        let files = (secret, keys);
        let volume = volumes.entry(files).or_insert_with_key(|(secret, keys)| {
            let optional = moves.iter().any(|moved| moved.secret == *secret && moved.optional);
            let name = free_name(secret, &taken);
            taken.insert(name.clone());
            let path = phrases::below(pod.owner_of_volumes(), &["volumes"]);
            edits.push(Edit::Append { path, value: volume_value(&name, secret, keys, optional) });
            name
        });
        let mount = Value::Mapping(vec![
            ("name".to_owned(), Value::Str(volume.clone())),
            ("mountPath".to_owned(), Value::Str(directory(secret))),
            ("readOnly".to_owned(), Value::Bool(true)),
        ]);
        edits.push(Edit::Append {
            path: phrases::below(container.node(), &["volumeMounts"]),
            value: mount,
        });
    }
    edits.extend(moves.iter().flat_map(variable_edits));
    edits.extend(containers.iter().flat_map(|container| environment_edits(*container, uses)));
    Some(edits)
}

/// Removes whole Secrets from a container's environment; the list goes with its last item.
fn environment_edits(container: Container<'_>, uses: &[SecretUse<'_>]) -> Vec<Edit> {
    let removed: Vec<Node<'_>> = uses
        .iter()
        .filter_map(|found| match found.kind {
            SecretUseKind::Environment { container: of, source, .. } => {
                (of.node() == container.node()).then_some(source)
            }
            _ => None,
        })
        .collect();
    match container.node().sequence("envFrom") {
        Some(list) if list.items().count() == removed.len() => vec![phrases::remove(list)],
        _ => removed.into_iter().map(phrases::remove).collect(),
    }
}

fn variable_edits(moved: &Move<'_>) -> Vec<Edit> {
    let file = format!("{}/{}", directory(moved.secret), moved.key);
    match moved.item {
        Some(item) => vec![
            phrases::set(item, &["name"], moved.file_variable.as_str()),
            phrases::set(item, &["value"], file.as_str()),
            Edit::Remove { path: phrases::below(item, &["valueFrom"]) },
        ],
        None => vec![Edit::Append {
            path: phrases::below(moved.container.node(), &["env"]),
            value: Value::Mapping(vec![
                ("name".to_owned(), Value::Str(moved.file_variable.clone())),
                ("value".to_owned(), Value::Str(file)),
            ]),
        }],
    }
}

fn volume_value(name: &str, secret: &str, keys: &[String], optional: bool) -> Value {
    let text = |text: &str| Value::Str(text.to_owned());
    let items = keys
        .iter()
        .map(|key| {
            Value::Mapping(vec![("key".to_owned(), text(key)), ("path".to_owned(), text(key))])
        })
        .collect();
    let mut source =
        vec![("secretName".to_owned(), text(secret)), ("items".to_owned(), Value::Sequence(items))];
    if optional {
        source.push(("optional".to_owned(), Value::Bool(true)));
    }
    Value::Mapping(vec![
        ("name".to_owned(), text(name)),
        ("secret".to_owned(), Value::Mapping(source)),
    ])
}

/// A name for a Secret's volume that is not taken: a DNS label.
fn free_name(secret: &str, taken: &BTreeSet<String>) -> String {
    let label: String = secret
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let label: String = label.chars().take(50).collect();
    let name = format!("secret-{}", label.trim_matches('-'));
    let mut free = name.clone();
    let mut number = 2;
    while taken.contains(&free) {
        free = format!("{name}-{number}");
        number += 1;
    }
    free
}

/// What to paste, for the first Secret.
fn snippet(uses: &[SecretUse<'_>]) -> String {
    let secret = uses.first().map_or("NAME", |found| found.secret);
    format!(
        "# in the container\nvolumeMounts:\n  - name: secrets\n    mountPath: {}\n    readOnly: true\n# in the pod\nvolumes:\n  - name: secrets\n    secret:\n      secretName: {secret}\n      items:\n        - key: KEY\n          path: KEY\n",
        directory(secret),
    )
}
