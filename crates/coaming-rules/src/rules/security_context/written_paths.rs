//! Where an application is known to write, and needs a volume if its root file system is read-only.

use std::collections::BTreeSet;

use coaming_kube::{ContainerKind, Fields as _};
use coaming_yaml::edit::{Edit, Value};

use crate::ContainerScope;
use crate::rules::phrases;
use crate::text::writes::writes;

/// Images by the last part of their name, and the directories that their programs write to. Directories
/// that the images themselves declare as volumes are writable anyway.
const KNOWN: &[(&str, &[&str])] = &[
    ("nginx", &["/tmp", "/var/cache/nginx", "/var/run"]),
    ("nginx-unprivileged", &["/tmp"]),
    ("openresty", &["/tmp", "/usr/local/openresty/nginx/logs", "/var/run/openresty"]),
    ("httpd", &["/usr/local/apache2/logs"]),
    ("haproxy", &["/tmp"]),
    ("traefik", &["/tmp"]),
    ("grafana", &["/tmp", "/var/lib/grafana", "/var/log/grafana"]),
    ("postgres", &["/tmp", "/var/run/postgresql"]),
    ("mysql", &["/tmp", "/var/run/mysqld"]),
    ("mariadb", &["/run/mysqld", "/tmp"]),
    ("mongo", &["/tmp"]),
    ("rabbitmq", &["/tmp"]),
    ("wordpress", &["/run/lock", "/tmp", "/var/run/apache2"]),
    (
        "tomcat",
        &["/tmp", "/usr/local/tomcat/logs", "/usr/local/tomcat/temp", "/usr/local/tomcat/work"],
    ),
    ("jenkins", &["/tmp"]),
    ("keycloak", &["/tmp"]),
    ("kibana", &["/tmp", "/usr/share/kibana/data"]),
    ("logstash", &["/tmp", "/usr/share/logstash/data"]),
    ("sonarqube", &["/tmp"]),
];

/// Images whose programs write among their own files when they start, where an empty volume would
/// hide what they need: by the last part of their name, with the directory.
const SELF_WRITING: &[(&str, &str)] = &[
    ("cp-kafka", "/etc/kafka"),
    ("cp-schema-registry", "/etc/schema-registry"),
    ("cp-zookeeper", "/etc/kafka"),
    ("elasticsearch", "/usr/share/elasticsearch/config"),
    ("opensearch", "/usr/share/opensearch/config"),
    ("keycloak", "/opt/keycloak/lib/quarkus"),
    ("gitlab-ce", "/opt/gitlab"),
    ("gitlab-ee", "/opt/gitlab"),
    ("pgadmin4", "/pgadmin4"),
    ("phpmyadmin", "/etc/phpmyadmin"),
    ("pihole", "/etc/pihole"),
];

/// The same for all images of an owner but those that only have tools.
const SELF_WRITING_OWNERS: &[(&str, &str)] = &[
    ("bitnami", "/opt/bitnami"),
    ("bitnamilegacy", "/opt/bitnami"),
    ("bitnamisecure", "/opt/bitnami"),
    ("linuxserver", "/run"),
];
const TOOLS: &[&str] = &["kubectl", "os-shell", "bitnami-shell", "minideb", "git"];

/// Directories in which an empty volume would hide files of the image.
const NOT_EMPTY: &[&str] = &[
    "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/opt", "/proc", "/root", "/sbin",
    "/srv", "/sys", "/usr", "/var/lib", "/var/www",
];

/// The edits that mount an `emptyDir` wherever this container is known to write, if nothing is
/// mounted there.
pub(super) fn volumes_for_writing(scope: ContainerScope<'_>) -> Vec<Edit> {
    // An ephemeral container cannot add volumes to its pod.
    if scope.container.kind() == ContainerKind::Ephemeral {
        return Vec::new();
    }
    let pod = scope.pod.owner_of_volumes();
    let mut taken: BTreeSet<String> =
        scope.pod.volumes().filter_map(|volume| volume.name()).map(str::to_owned).collect();
    let text = |text: &str| Value::Str(text.to_owned());
    let mut edits = Vec::new();
    for path in written_paths(scope) {
        let name = volume_name(scope, &path, &taken);
        let volume = Value::Mapping(vec![
            ("name".to_owned(), text(&name)),
            ("emptyDir".to_owned(), Value::Mapping(Vec::new())),
        ]);
        let mount = Value::Mapping(vec![
            ("name".to_owned(), text(&name)),
            ("mountPath".to_owned(), text(&path)),
        ]);
        let mounts = phrases::below(scope.container.node(), &["volumeMounts"]);
        edits.push(Edit::Append { path: mounts, value: mount });
        edits.push(Edit::Append { path: phrases::below(pod, &["volumes"]), value: volume });
        taken.insert(name);
    }
    edits
}

/// The directories that the image, the command and the variables are known to write to, without
/// those where something is mounted and those below another one.
pub(super) fn written_paths(scope: ContainerScope<'_>) -> Vec<String> {
    let mut paths: BTreeSet<String> =
        by_image(scope).iter().map(|path| (*path).to_owned()).collect();
    let argv: Vec<&str> = scope.container.command().chain(scope.container.args()).collect();
    let writes = writes(&argv);
    paths.extend(writes.created.into_iter().filter(|path| is_empty_in_images(path)));
    if writes.temporary {
        paths.insert("/tmp".to_owned());
    }
    let variables = scope.container.node().list("env");
    let directory = variables.filter(|item| item.string("name") == Some("TMPDIR"));
    paths.extend(
        directory
            .filter_map(|item| item.string("value"))
            .filter(|value| value.starts_with('/') && is_empty_in_images(value))
            .map(|value| value.trim_end_matches('/').to_owned()),
    );
    let mounted: Vec<&str> = scope
        .container
        .volume_mounts()
        .filter_map(|mount| mount.mount_path())
        .map(|path| path.trim_end_matches('/'))
        .collect();
    // `/var/run` is a link to `/run` nearly everywhere.
    let same = |path: &str| path.strip_prefix("/var/run").map(|rest| format!("/run{rest}"));
    let covered = |path: &str| {
        let real = same(path).unwrap_or_else(|| path.to_owned());
        mounted.iter().any(|directory| {
            let directory = same(directory).unwrap_or_else(|| (*directory).to_owned());
            is_in(&real, &directory) || is_in(&directory, &real)
        })
    };
    let all: Vec<String> = paths.into_iter().collect();
    let below_another = |path: &String| all.iter().any(|other| other != path && is_in(path, other));
    all.iter().filter(|path| !covered(path) && !below_another(path)).cloned().collect()
}

/// Directories of images that belong to root.
const OF_ROOT: &[&str] = &["/bin", "/boot", "/etc", "/lib", "/lib64", "/root", "/sbin", "/usr"];

/// Whether the command visibly writes where only root may, as images are built.
pub(crate) fn writes_as_root(scope: ContainerScope<'_>) -> bool {
    writes_in_image(scope)
        .iter()
        .any(|path| path == "/" || OF_ROOT.iter().any(|it| is_in(path, it)))
}

/// The directories in which the command visibly writes among the files of the image: an empty volume
/// would hide them.
pub(super) fn writes_in_image(scope: ContainerScope<'_>) -> Vec<String> {
    // The runtime mounts these.
    const MOUNTED: [&str; 3] = ["/dev", "/proc", "/sys"];
    let argv: Vec<&str> = scope.container.command().chain(scope.container.args()).collect();
    let writes = writes(&argv);
    let created = writes.created.into_iter().filter(|path| !is_empty_in_images(path));
    let is_mounted = |path: &str| {
        let mut mounts = scope.container.volume_mounts().filter_map(|mount| mount.mount_path());
        mounts.any(|mount| is_in(path, mount.trim_end_matches('/')))
            || MOUNTED.iter().any(|directory| is_in(path, directory))
    };
    // Where the image starts is not known; a volume is there if the manifest says both.
    let start = scope.container.node().string("workingDir").unwrap_or("/app");
    let at_start = writes.at_start.then(|| start.trim_end_matches('/').to_owned());
    created.chain(writes.changed).chain(at_start).filter(|path| !is_mounted(path)).collect()
}

/// Whether the command starts a program that keeps files where its configuration says, and the image is
/// not one of which that is known.
pub(super) fn writes_as_configured(scope: ContainerScope<'_>) -> bool {
    let argv: Vec<&str> = scope.container.command().chain(scope.container.args()).collect();
    by_image(scope).is_empty() && writes(&argv).configured
}

/// Whether a path is a directory, or is in it.
fn is_in(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether the image's own program writes among the files of the image when it starts, and no volume
/// is mounted there.
pub(super) fn writes_own_files(scope: ContainerScope<'_>) -> bool {
    // A command of the manifest runs in its place.
    if scope.container.command().next().is_some() {
        return false;
    }
    let Some(image) = scope.image() else { return false };
    let (owners, name) = image.repository().rsplit_once('/').unwrap_or(("", image.repository()));
    let by_name = SELF_WRITING.iter().find(|(known, _)| *known == name);
    let by_owner = || {
        let is_tool = TOOLS.contains(&name) || name.ends_with("-exporter");
        let owner = |known: &str| owners.split('/').any(|part| part == known);
        SELF_WRITING_OWNERS.iter().find(|(known, _)| !is_tool && owner(known))
    };
    let Some((_, directory)) = by_name.or_else(by_owner) else { return false };
    // Keycloak that was built before only reads.
    let is_built = scope.container.args().any(|argument| argument == "--optimized");
    let mut mounts = scope.container.volume_mounts().filter_map(|mount| mount.mount_path());
    let is_mounted = mounts.any(|path| is_in(path.trim_end_matches('/'), directory));
    !is_built && !is_mounted
}

fn by_image(scope: ContainerScope<'_>) -> &'static [&'static str] {
    let name = scope.image().map(|image| image.repository().rsplit('/').next().unwrap_or_default());
    let known = KNOWN.iter().find(|(known, _)| Some(*known) == name);
    known.map_or(&[], |(_, paths)| paths)
}

/// Whether an image has nothing there that an empty volume would hide.
fn is_empty_in_images(path: &str) -> bool {
    !matches!(path, "" | "/" | "/var" | "/app") && !NOT_EMPTY.iter().any(|it| is_in(path, it))
}

/// A unique DNS label for the volume, made of the names of the container and the directory.
fn volume_name(scope: ContainerScope<'_>, path: &str, taken: &BTreeSet<String>) -> String {
    let slug: String = format!("{}{path}", scope.container.name())
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .take(58)
        .collect();
    let slug = slug.trim_matches('-');
    let mut name = slug.to_owned();
    let mut number = 2;
    while taken.contains(&name) {
        name = format!("{slug}-{number}");
        number += 1;
    }
    name
}
