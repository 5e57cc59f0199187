//! See [`HostPath`].

use coaming_finding::{Finding, RuleMeta, Severity};
use coaming_kube::{Effective, Fields as _, PodSpec, Volume, VolumeMount, Workload};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{Context, PodRule};

rule! {
    /// Looks for directories and files of the node that are mounted into pods, and grades them by what
    /// they are good for: the container runtime's socket, `/`, `/etc`, `/var/lib/kubelet` and
    /// their like give the node away; others less so. Read-only mounts weigh less, except for
    /// sockets, which are as good read-only. One finding a volume.
    ///
    /// ## Why it matters
    ///
    /// Through the runtime's socket an attacker starts a privileged container; through `/etc` or
    /// `/root` he adds a cron job or a key; through `/var/lib/kubelet` he reads the secrets of
    /// every pod on the node. Also what is harmless today changes with what the node puts there.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       volumeMounts:
    ///         - name: docker
    ///           mountPath: /var/run/docker.sock
    ///   volumes:
    ///     - name: docker
    ///       hostPath:
    ///         path: /var/run/docker.sock
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       volumeMounts:
    ///         - name: data
    ///           mountPath: /data
    ///   volumes:
    ///     - name: data
    ///       persistentVolumeClaim:
    ///         claimName: data
    /// ```
    ///
    /// ## Fix
    ///
    /// Use a claim, an `emptyDir`, a ConfigMap or the API instead. An agent that must read the
    /// node's files should mount just those, read-only.
    HostPath {
        name: "host-path",
        summary: "Pod mounts the node's files",
        category: SecurityContext,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [
            PssBaseline("hostPathVolumes"),
            Cis("5.2.11"),
            Nsa("Pod security enforcement"),
            Attack("T1611"),
        ],
    }
}

/// How the node's files are dangerous.
#[derive(Clone, Copy)]
struct Danger {
    /// The file, or the directory that it is or lies in.
    path: &'static str,
    /// What an attacker does who can write there.
    write: (Severity, &'static str),
    /// What he does who can only read.
    read: (Severity, &'static str),
}

const fn danger(
    path: &'static str,
    write: (Severity, &'static str),
    read: (Severity, &'static str),
) -> Danger {
    Danger { path, write, read }
}

const RUNTIME: (Severity, &str) =
    (Severity::Critical, "starts a privileged container through the runtime and owns the node");
const READS_SECRETS: (Severity, &str) =
    (Severity::High, "reads the secrets and tokens of every pod on the node");
const READS: (Severity, &str) = (Severity::Low, "reads what the node keeps there");
const OWNS: (Severity, &str) = (Severity::Critical, "changes what the node runs, and owns it");

/// Most telling first: the first that fits counts.
const DANGERS: &[Danger] = &[
    danger("/var/run/docker.sock", RUNTIME, RUNTIME),
    danger("/run/docker.sock", RUNTIME, RUNTIME),
    danger("/run/containerd", RUNTIME, RUNTIME),
    danger("/var/run/containerd", RUNTIME, RUNTIME),
    danger("/run/crio", RUNTIME, RUNTIME),
    danger("/var/run/crio", RUNTIME, RUNTIME),
    danger("/run/k3s/containerd", RUNTIME, RUNTIME),
    danger("/var/run/cri-dockerd.sock", RUNTIME, RUNTIME),
    danger("/run/cri-dockerd.sock", RUNTIME, RUNTIME),
    danger("/var/lib/kubelet", OWNS, READS_SECRETS),
    danger("/var/lib/docker", OWNS, READS_SECRETS),
    danger("/var/lib/containerd", OWNS, READS_SECRETS),
    danger("/var/lib/etcd", OWNS, (Severity::Critical, "reads every secret of the cluster")),
    danger(
        "/etc/kubernetes",
        OWNS,
        (Severity::Critical, "reads the control plane's keys, and owns the cluster"),
    ),
    danger("/etc", OWNS, (Severity::High, "reads the node's keys and password hashes")),
    danger("/root", OWNS, (Severity::High, "reads root's keys and credentials")),
    danger("/home", OWNS, (Severity::Medium, "reads people's keys and credentials")),
    danger("/proc", OWNS, (Severity::Medium, "sees the node's processes")),
    danger("/sys", OWNS, (Severity::Low, "sees the node's devices and settings")),
    danger("/dev", OWNS, (Severity::High, "reads the node's devices, its disks among them")),
    danger("/boot", OWNS, READS),
    danger("/lib/modules", OWNS, READS),
    danger("/usr", OWNS, READS),
    danger("/bin", OWNS, READS),
    danger("/sbin", OWNS, READS),
    danger("/opt/cni", OWNS, READS),
    danger(
        "/var/log",
        (Severity::High, "links logs to any file and has the kubelet read it out"),
        (Severity::Low, "reads every pod's logs"),
    ),
    danger("/run", RUNTIME, RUNTIME),
    danger("/var/run", RUNTIME, RUNTIME),
    danger("/var/lib", OWNS, READS_SECRETS),
    danger("/var", OWNS, READS_SECRETS),
];

const WHOLE_DISK: Danger = danger(
    "/",
    (Severity::Critical, "writes to every file of the node, and owns it"),
    (Severity::High, "reads every file of the node, the other pods' secrets among them"),
);

const OTHER: Danger = danger(
    "",
    (Severity::Medium, "leaves files for other pods and for the node, and finds theirs"),
    READS,
);

impl PodRule for HostPath {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, workload: Workload<'_>, findings: &mut Vec<Finding>) {
        let pod = workload.pod();
        for volume in pod.volumes() {
            let Some(source) = volume.source("hostPath") else { continue };
            let path = normalised(volume.host_path().unwrap_or_default());
            let read_only = is_read_only(pod, volume);
            let known = danger_of(&path);
            let (severity, what) = match (read_only, mounts_as_root(pod, volume)) {
                (false, _) => known.write,
                (true, true) => known.read,
                (true, false) => (lowered(known.read.0), "reads what every user of the node may"),
            };
            let how = if read_only { "mount (read-only)" } else { "can write to" };
            let message = format!(
                "Pods of {} {how} `{path}` of the node: an attacker in them {what}. Use a claim, \
                 an `emptyDir` or a ConfigMap instead{}.",
                words::object(workload.object),
                if !read_only && known.read.0 < known.write.0 {
                    ", or mount it read-only if it must be the node's"
                } else {
                    ""
                },
            );
            let node = source.field("path").unwrap_or(source);
            findings.push(
                context
                    .finding(Self::RULE, workload.object, node, message)
                    .severity(severity)
                    .manual("use another kind of volume", "emptyDir: {}")
                    .done(),
            );
        }
    }
}

fn danger_of(path: &str) -> Danger {
    if path == "/" {
        return WHOLE_DISK;
    }
    let is_in = |directory: &str| {
        path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    // `/var/run` itself holds the sockets; a directory of one's own below it does not.
    let holds_all =
        |directory: &str| !matches!(directory, "/run" | "/var/run" | "/var/lib" | "/var");
    DANGERS
        .iter()
        .find(|known| if holds_all(known.path) { is_in(known.path) } else { path == known.path })
        .copied()
        .unwrap_or(OTHER)
}

/// Whether a container that mounts the volume may be root: then files' modes don't hold it.
/// Sockets don't care.
fn mounts_as_root(pod: PodSpec<'_>, volume: Volume<'_>) -> bool {
    let is_socket = volume.host_path().is_some_and(|path| path.ends_with(".sock"));
    is_socket
        || pod.mounts_of(volume).any(|(container, _)| !Effective::new(pod, container).is_non_root())
}

fn lowered(severity: Severity) -> Severity {
    match severity {
        Severity::Critical => Severity::High,
        Severity::High => Severity::Medium,
        Severity::Medium | Severity::Low => Severity::Low,
    }
}

/// Without trailing and double slashes.
fn normalised(path: &str) -> String {
    let parts: Vec<&str> =
        path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    format!("/{}", parts.join("/"))
}

/// Whether every container that mounts the volume can only read it.
fn is_read_only(pod: PodSpec<'_>, volume: Volume<'_>) -> bool {
    let mut mounts = pod.mounts_of(volume).map(|(_, mount)| mount).peekable();
    mounts.peek().is_some() && mounts.all(VolumeMount::read_only)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grades_by_what_lies_there() {
        let write = |path: &str| danger_of(&normalised(path)).write.0;
        let read = |path: &str| danger_of(&normalised(path)).read.0;
        assert_eq!(write("/"), Severity::Critical);
        assert_eq!(read("//"), Severity::High);
        assert_eq!(read("/var/run/docker.sock"), Severity::Critical);
        assert_eq!(write("/etc/ssl/certs/"), Severity::Critical);
        assert_eq!(read("/etcetera"), Severity::Low);
        assert_eq!(write("/var/lib/mysql"), Severity::Medium);
        assert_eq!(write("/var/run/mine"), Severity::Medium);
        assert_eq!(read("/sys"), Severity::Low);
    }
}
