//! See [`DockerContainer`].

use coaming_finding::{Finding, RuleMeta, Severity};
use coaming_kube::{Fields as _, Object};
use coaming_yaml::Node;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// Containers in the output of `docker inspect` that run as root without a user namespace, are privileged, have
    /// the socket of Docker (or containerd, or Podman) or a directory that decides about the host, or share the
    /// host's processes or network.
    ///
    /// ## Why it matters
    ///
    /// Each of these is a way from the container to the host. With the socket, an attacker starts a container of
    /// their own with the host's disk; a privileged one mounts the disk itself.
    ///
    /// ## Bad
    ///
    /// The container is privileged.
    ///
    /// ```yaml
    /// apiVersion: docker.com/v1
    /// kind: Container
    /// metadata: {name: web}
    /// Config: {Image: 'web:1.4.2', User: "10001"}
    /// HostConfig: {Privileged: true}
    /// ```
    ///
    /// The user is root.
    ///
    /// ```yaml
    /// apiVersion: docker.com/v1
    /// kind: Container
    /// metadata: {name: web}
    /// Config: {Image: 'web:1.4.2', User: ""}
    /// HostConfig: {Privileged: false}
    /// ```
    ///
    /// The socket is mounted.
    ///
    /// ```yaml
    /// apiVersion: docker.com/v1
    /// kind: Container
    /// metadata: {name: web}
    /// Config: {Image: 'web:1.4.2', User: "10001"}
    /// HostConfig: {Privileged: false}
    /// Mounts: [{Type: bind, Source: /var/run/docker.sock, Destination: /var/run/docker.sock}]
    /// ```
    ///
    /// The host's processes are visible.
    ///
    /// ```yaml
    /// apiVersion: docker.com/v1
    /// kind: Container
    /// metadata: {name: web}
    /// Config: {Image: 'web:1.4.2', User: "10001"}
    /// HostConfig: {PidMode: host}
    /// ```
    ///
    /// ## Good
    ///
    /// A user of its own, and a volume.
    ///
    /// ```yaml
    /// apiVersion: docker.com/v1
    /// kind: Container
    /// metadata: {name: web}
    /// Config: {Image: 'web:1.4.2', User: "10001:10001"}
    /// HostConfig: {Privileged: false, NetworkMode: bridge}
    /// Mounts: [{Type: volume, Name: data, Source: /var/lib/docker/volumes/data/_data, Destination: /data}]
    /// ```
    ///
    /// Root in a user namespace is not root on the host.
    ///
    /// ```yaml
    /// apiVersion: docker.com/v1
    /// kind: Container
    /// metadata: {name: web}
    /// Config: {Image: 'web:1.4.2', User: ""}
    /// HostConfig: {UsernsMode: private}
    /// ```
    ///
    /// ## Fix
    ///
    /// Start the container with `--user`, without `--privileged` and without the socket. What needs an API of the host
    /// gets a proxy that allows those requests alone.
    ///
    /// ## Limits
    ///
    /// The output of `docker inspect` is read as described in [the page about input](../input.md). What the daemon sets for
    /// all containers (`userns-remap`, a default seccomp profile) is not in it.
    DockerContainer {
        name: "docker-container",
        summary: "Docker container has rights over its host",
        category: SecurityContext,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Preview,
        standards: [Cis("5.2.2"), Attack("T1611")],
    }
}

impl ObjectRule for DockerContainer {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        let object = scope.object;
        if object.group() != "docker.com" || object.kind() != "Container" {
            return;
        }
        let problems = [privileged(object), namespaces(object), root(object)];
        let problems = problems.into_iter().flatten().chain(mounts(object));
        findings.extend(problems.map(|problem| of_problem(context, object, problem)));
    }
}

/// A way from the container to its host.
struct Problem<'a> {
    node: Node<'a>,
    severity: Severity,
    what: String,
    why: &'static str,
    flag: &'static str,
}

fn of_problem<'a>(context: &Context<'a>, object: Object<'a>, problem: Problem<'a>) -> Finding {
    let Problem { node, severity, what, why, flag } = problem;
    let message = format!("{} {what}", phrases::object(object));
    context
        .finding(DockerContainer::RULE, object, node, message)
        .severity(severity)
        .why(why)
        .help("Start the container again without it.")
        .manual(format!("change `{flag}`"), format!("# docker run: {flag}\n"))
        .done()
}

fn privileged(object: Object<'_>) -> Option<Problem<'_>> {
    let node = object.node().mapping("HostConfig").field("Privileged")?;
    (node.as_bool() == Some(true)).then(|| Problem {
        node,
        severity: Severity::Critical,
        what: "is privileged".to_owned(),
        why: "An attacker in the container mounts the host's disk and is root on the host.",
        flag: "--privileged",
    })
}

fn namespaces(object: Object<'_>) -> Option<Problem<'_>> {
    let host = object.node().mapping("HostConfig");
    let shared =
        [("PidMode", "processes"), ("IpcMode", "shared memory"), ("NetworkMode", "network")];
    let of_host = |name: &str| host.field(name).filter(|node| node.as_str() == Some("host"));
    let found: Vec<(Node<'_>, &str)> =
        shared.iter().filter_map(|(field, what)| Some((of_host(field)?, *what))).collect();
    let names: Vec<&str> = found.iter().map(|(_, what)| *what).collect();
    let (node, _) = found.first()?;
    Some(Problem {
        node: *node,
        severity: Severity::High,
        what: format!("shares the host's {}", phrases::and(&names)),
        why: "An attacker in the container sees or reaches what only the host should.",
        flag: "--pid, --ipc, --network",
    })
}

fn root(object: Object<'_>) -> Option<Problem<'_>> {
    let host = object.node().mapping("HostConfig");
    let config = object.node().mapping("Config")?;
    let user = config.field("User")?;
    let is_root = matches!(user.text().split(':').next(), Some("" | "0" | "root"));
    let is_mapped = host.string("UsernsMode") == Some("private");
    // What is privileged is reported already.
    let is_privileged = host.boolean("Privileged") == Some(true);
    (is_root && !is_mapped && !is_privileged).then(|| Problem {
        node: user,
        severity: Severity::Medium,
        what: "runs as root".to_owned(),
        why: "An attacker who leaves the container is root on the host.",
        flag: "--user",
    })
}

/// Files and directories that decide about the host.
const POWERFUL: &[&str] =
    &["/", "/etc", "/root", "/proc", "/sys", "/dev", "/boot", "/var/lib/docker"];

fn mounts(object: Object<'_>) -> impl Iterator<Item = Problem<'_>> {
    object.node().list("Mounts").filter_map(|mount| {
        let source = mount.string("Source").filter(|_| mount.string("Type") == Some("bind"))?;
        let is_socket = ["docker.sock", "containerd.sock", "podman.sock", "crio.sock"]
            .iter()
            .any(|name| source.ends_with(name));
        let trimmed = source.trim_end_matches('/');
        let is_powerful = source == "/" || POWERFUL.contains(&trimmed);
        (is_socket || is_powerful).then(|| Problem {
            node: mount.field("Source").unwrap_or(mount),
            severity: Severity::Critical,
            what: format!("has `{source}` of the host"),
            why: if is_socket {
                "An attacker starts a container of their own with the host's disk."
            } else {
                "An attacker reads or changes what decides about the host."
            },
            flag: "--volume",
        })
    })
}
