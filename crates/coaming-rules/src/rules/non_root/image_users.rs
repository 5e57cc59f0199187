//! As which user a container can run instead of root: what a fix sets.
//!
//! Invariants: a fix never sets `runAsNonRoot` where the kubelet is known to refuse the container,
//! which is where its image runs as root or as a user name and no number is set beside it; and a
//! number that is set is that of a user of the image.

use coaming_kube::Fields as _;
use coaming_yaml::Node;
use coaming_yaml::edit::{Edit, Value};

use super::installs_software;
use super::privileged_port::has_low_port;
use crate::rules::phrases;
use crate::rules::security_context::written_paths::writes_as_root;
use crate::text::root_commands::{needs_privileges, needs_root};
use crate::{ContainerScope, Context};

/// A user of a well-known image.
#[derive(Clone, Copy, Debug)]
struct KnownUser {
    /// The repository, without the registry and without `library/`.
    repository: &'static str,
    /// Its number in images of Debian, and in those of Alpine Linux.
    number: (i64, i64),
    /// What else the image needs to run as this user.
    needs: Needs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Nothing,
    /// It keeps data in a volume, which must belong to it.
    Volume,
    /// It listens on a port below 1024 by default.
    LowPort,
}

const fn user(repository: &'static str, number: i64, needs: Needs) -> KnownUser {
    KnownUser { repository, number: (number, number), needs }
}

const fn users(repository: &'static str, number: (i64, i64), needs: Needs) -> KnownUser {
    KnownUser { repository, number, needs }
}

/// Images that start as root, or as a user that they only name, by their own Dockerfiles.
const KNOWN: &[KnownUser] = &[
    user("adminer", 100, Needs::Nothing),
    user("alpine", 65534, Needs::Nothing),
    user("busybox", 65534, Needs::Nothing),
    user("cassandra", 999, Needs::Volume),
    user("confluentinc/cp-kafka", 1000, Needs::Volume),
    user("consul", 100, Needs::Volume),
    user("couchdb", 5984, Needs::Volume),
    user("debian", 65534, Needs::Nothing),
    user("eclipse-mosquitto", 1883, Needs::Volume),
    user("ghost", 1000, Needs::Volume),
    users("haproxy", (99, 99), Needs::LowPort),
    user("hashicorp/consul", 100, Needs::Volume),
    user("hashicorp/vault", 100, Needs::Volume),
    users("httpd", (33, 82), Needs::LowPort),
    user("jenkins/jenkins", 1000, Needs::Volume),
    user("mailhog/mailhog", 1000, Needs::Nothing),
    user("mariadb", 999, Needs::Volume),
    user("memcached", 11211, Needs::Nothing),
    user("mongo", 999, Needs::Volume),
    user("mysql", 999, Needs::Volume),
    user("nginx", 101, Needs::LowPort),
    user("node", 1000, Needs::Nothing),
    users("php", (33, 82), Needs::Nothing),
    users("postgres", (999, 70), Needs::Volume),
    user("prom/alertmanager", 65534, Needs::Volume),
    user("prom/node-exporter", 65534, Needs::Nothing),
    user("prom/prometheus", 65534, Needs::Volume),
    user("prom/pushgateway", 65534, Needs::Nothing),
    user("prometheus/alertmanager", 65534, Needs::Volume),
    user("prometheus/node-exporter", 65534, Needs::Nothing),
    user("prometheus/prometheus", 65534, Needs::Volume),
    users("rabbitmq", (999, 100), Needs::Volume),
    user("redis", 999, Needs::Volume),
    user("sonarqube", 1000, Needs::Volume),
    user("ubuntu", 65534, Needs::Nothing),
    user("valkey/valkey", 999, Needs::Volume),
    user("vault", 100, Needs::Volume),
    users("wordpress", (33, 82), Needs::LowPort),
    user("zookeeper", 1000, Needs::Volume),
];

/// Well-known images that run as root and have no other user that could run them.
const ROOT_ONLY: &[&str] = &[
    "almalinux",
    "alpine/git",
    "alpine/helm",
    "amazon/aws-cli",
    "amazoncorretto",
    "amazonlinux",
    "archlinux",
    "bash",
    "buildpack-deps",
    "caddy",
    "centos",
    "clojure",
    "composer",
    "docker",
    "eclipse-temurin",
    "elixir",
    "erlang",
    "fedora",
    "gitea/gitea",
    "golang",
    "gradle",
    "hashicorp/terraform",
    "ibmjava",
    "julia",
    "localstack/localstack",
    "maven",
    "minio/mc",
    "minio/minio",
    "nats",
    "nextcloud",
    "nvidia/cuda",
    "openjdk",
    "oraclelinux",
    "perl",
    "phpmyadmin",
    "pihole/pihole",
    "portainer/portainer-ce",
    "pypy",
    "python",
    "pytorch/pytorch",
    "r-base",
    "registry",
    "rockylinux",
    "ruby",
    "rust",
    "sapmachine",
    "swift",
    "tensorflow/tensorflow",
    "tomcat",
    "traefik",
    "vaultwarden/server",
];

/// Registries that hold Docker's official images below a path.
const OFFICIAL: &[(&str, &str)] = &[
    ("docker.io", "library/"),
    ("docker.io", ""),
    ("mirror.gcr.io", "library/"),
    ("public.ecr.aws", "docker/library/"),
    ("quay.io", ""),
];

/// As which user a container can run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OtherUser {
    /// The one of the image, as far as is known.
    OfImage,
    /// The one with this number.
    Number(i64),
    /// None is known: the image runs as root.
    None,
}

/// The user that a container can run as.
pub(crate) fn other_user(context: &Context<'_>, scope: ContainerScope<'_>) -> OtherUser {
    if works_as_root(scope) {
        return OtherUser::None;
    }
    if scope.effective.run_as_user().is_some_and(|(user, _)| user != 0) {
        return OtherUser::OfImage;
    }
    let facts = context.image_facts(scope);
    let image_is_other = facts.is_some_and(|facts| facts.user.is_root() == Some(false));
    if (listens_low_on_node(scope) || writes_as_root(scope)) && !image_is_other {
        return OtherUser::None;
    }
    let known = known(scope);
    let number = known.map(|known| number_of(known, scope));
    let Some(facts) = facts else {
        return match number {
            Some(number) => OtherUser::Number(number),
            None if is_root_only(scope) => OtherUser::None,
            None => OtherUser::OfImage,
        };
    };
    let written = facts.config.user.split(':').next().unwrap_or_default();
    match (facts.user.is_root(), facts.user.uid) {
        (Some(true), _) => number.map_or(OtherUser::None, OtherUser::Number),
        // The kubelet cannot verify a name.
        (_, Some(uid)) if written.parse::<u32>().is_err() => OtherUser::Number(i64::from(uid)),
        (_, None) if written.parse::<u32>().is_err() => {
            number.map_or(OtherUser::None, OtherUser::Number)
        }
        _ => OtherUser::OfImage,
    }
}

/// The edits that make a container run as another user than root; `None` if no such user is known.
pub(crate) fn non_root_edits(
    context: &Context<'_>,
    scope: ContainerScope<'_>,
) -> Option<Vec<Edit>> {
    let node = scope.container.node();
    let mut edits = Vec::new();
    match other_user(context, scope) {
        OtherUser::None => return None,
        OtherUser::OfImage => {}
        OtherUser::Number(number) => {
            edits.push(phrases::set(node, &["securityContext", "runAsUser"], number));
            edits.extend(volume_group(scope));
            edits.extend(low_ports(scope));
        }
    }
    edits.push(phrases::set(node, &["securityContext", "runAsNonRoot"], true));
    Some(edits)
}

/// Whether what a container does at its start is a matter of root, as far as its command shows.
pub(crate) fn works_as_root(scope: ContainerScope<'_>) -> bool {
    let words: Vec<&str> = scope.container.command().chain(scope.container.args()).collect();
    installs_software::found(scope).is_some() || needs_root(&words)
}

/// Words of the names of images that do not work in an ordinary container: they run containers,
/// build tunnels, or are drivers and agents of the node.
const PRIVILEGED: &[&str] = &[
    "calico",
    "cilium",
    "cni",
    "csi",
    "dind",
    "driver",
    "falco",
    "flannel",
    "installer",
    "keepalived",
    "nsenter",
    "openvpn",
    "plugin",
    "proxy-init",
    "strongswan",
    "sysdig",
    "tailscale",
    "vpn",
    "wireguard",
];

/// Whether a container does not work without privileges of the node, as far as its command and the
/// name of its image show: a fix that takes them away would stop it.
pub(crate) fn works_with_privileges(scope: ContainerScope<'_>) -> bool {
    let words: Vec<&str> = scope.container.command().chain(scope.container.args()).collect();
    let image = scope.image().map(|image| {
        let name = image.repository().rsplit('/').next().unwrap_or_default();
        let is_plain = |c: char| !c.is_ascii_alphanumeric();
        let by_name =
            name.contains("proxy-init") || name.split(is_plain).any(|it| PRIVILEGED.contains(&it));
        // `docker:27-dind` is the daemon, `docker:27` alone may be.
        let is_daemon = name == "docker"
            && !image.tag().is_some_and(|tag| tag.contains("cli") || tag.contains("rootless"));
        by_name || is_daemon
    });
    needs_privileges(&words) || image == Some(true)
}

fn known(scope: ContainerScope<'_>) -> Option<&'static KnownUser> {
    let name = well_known_name(scope)?;
    KNOWN.iter().find(|known| known.repository == name)
}

fn is_root_only(scope: ContainerScope<'_>) -> bool {
    well_known_name(scope).is_some_and(|name| ROOT_ONLY.contains(&name))
}

/// The repository of an image in a registry whose images are well known.
fn well_known_name(scope: ContainerScope<'_>) -> Option<&str> {
    let image = scope.image()?;
    OFFICIAL
        .iter()
        .filter(|(registry, _)| *registry == image.registry())
        .find_map(|(_, prefix)| image.repository().strip_prefix(prefix))
}

fn number_of(known: &KnownUser, scope: ContainerScope<'_>) -> i64 {
    let tag = scope.image().and_then(|image| image.tag()).unwrap_or_default();
    if tag.contains("alpine") { known.number.1 } else { known.number.0 }
}

/// Gives the pod's volumes to the first container that keeps data in them.
fn volume_group(scope: ContainerScope<'_>) -> Option<Edit> {
    let pod = scope.pod.node();
    let group = pod.mapping("securityContext").field("fsGroup");
    let has_volumes = scope.container.volume_mounts().next().is_some();
    let known = known(scope).filter(|known| known.needs == Needs::Volume && has_volumes)?;
    // Only one group owns the volumes of a pod.
    let is_alone = scope.pod.node().list("containers").count() == 1;
    (group.is_none() && is_alone)
        .then(|| phrases::set(pod, &["securityContext", "fsGroup"], number_of(known, scope)))
}

/// Whether a container listens on a port of the node below 1024, as far as its ports and its image
/// show: in the node's network, the pod cannot let every user do so.
pub(crate) fn listens_low_on_node(scope: ContainerScope<'_>) -> bool {
    let is_by_image = || known(scope).is_some_and(|known| known.needs == Needs::LowPort);
    scope.pod.host_network() && (has_low_port(scope.container) || is_by_image())
}

/// Lets every user of the pod listen on ports below 1024, where the image does so by default;
/// `None` where that is not needed or not possible.
pub(crate) fn low_ports(scope: ContainerScope<'_>) -> Option<Edit> {
    known(scope).filter(|known| known.needs == Needs::LowPort)?;
    unprivileged_ports(scope)
}

/// Lets every user of the pod listen on ports below 1024; `None` where that is set already, or is the
/// node's own network.
pub(crate) fn unprivileged_ports(scope: ContainerScope<'_>) -> Option<Edit> {
    const NAME: &str = "net.ipv4.ip_unprivileged_port_start";
    let pod = scope.pod.node();
    let settings = pod.mapping("securityContext").field("sysctls");
    let names_it = |item: Node<'_>| item.string("name") == Some(NAME);
    if scope.pod.host_network() || settings.is_some_and(|list| list.items().any(names_it)) {
        return None;
    }
    let text = |text: &str| Value::Str(text.to_owned());
    let setting =
        Value::Mapping(vec![("name".to_owned(), text(NAME)), ("value".to_owned(), text("0"))]);
    let path = ["securityContext", "sysctls"];
    Some(match settings.filter(|list| list.items().len() > 0) {
        Some(list) => Edit::Append { path: list.path(), value: setting },
        None => phrases::set(pod, &path, Value::Sequence(vec![setting])),
    })
}
