//! See [`HostPath`].

use coaming_finding::{Finding, RuleMeta, Severity};
use coaming_kube::{Effective, Fields as _, PodSpec, Volume, VolumeMount, Workload};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, PodRule};

rule! {
    /// ## What it looks for
    ///
    /// Directories and files of the node that are mounted into pods (`hostPath`). The severity
    /// depends on the path and on the mount: the container runtime's socket, `/`, `/etc`,
    /// `/var/lib/kubelet` and similar paths give away the node. Read-only mounts are less severe,
    /// except for sockets, which are just as dangerous. One finding per volume.
    ///
    /// ## Why it matters
    ///
    /// Through the container runtime's socket, an attacker starts a privileged container; through
    /// `/etc` or `/root`, they add a cron job or an SSH key; through `/var/lib/kubelet`, they read
    /// the secrets of every pod on the node. Even a harmless path can become dangerous when the
    /// node's software starts to use it.
    ///
    /// ## Bad
    ///
    /// The socket of the container runtime gives away the node, read-only or not.
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
    ///           mountPath: /var/run/docker.sock
    ///           readOnly: true
    ///   volumes:
    ///     - name: data
    ///       hostPath:
    ///         path: /var/run/docker.sock
    /// ```
    ///
    /// A writable system directory gives away the node.
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
    ///       hostPath:
    ///         path: /etc/cron.d
    /// ```
    ///
    /// Root can read every file of a read-only mount.
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
    ///           mountPath: /host/etc
    ///           readOnly: true
    ///   volumes:
    ///     - name: data
    ///       hostPath:
    ///         path: /etc
    /// ```
    ///
    /// Another user can only read what every user of the node can.
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
    ///       securityContext:
    ///         runAsUser: 10001
    ///       volumeMounts:
    ///         - name: data
    ///           mountPath: /host/etc
    ///           readOnly: true
    ///   volumes:
    ///     - name: data
    ///       hostPath:
    ///         path: /etc
    /// ```
    ///
    /// A directory that the node does not use itself is still shared with other pods.
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
    ///       hostPath:
    ///         path: /srv/data
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
    /// Use a persistent volume claim, an `emptyDir`, a ConfigMap or the Kubernetes API instead. An
    /// agent that must read the node's files should mount just those, read-only.
    ///
    /// ## Limits
    ///
    /// What the node keeps in other paths is not known; they have a medium severity if writable,
    /// and a low one if not.
    HostPath {
        name: "host-path",
        summary: "Pod mounts files of the node",
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

/// What an attacker does with a path of the node.
#[derive(Clone, Copy)]
struct Danger {
    /// The file or directory; everything below it counts as well.
    path: &'static str,
    /// What an attacker with write access does.
    write: (Severity, &'static str),
    /// What an attacker with read access does.
    read: (Severity, &'static str),
}

const fn danger(
    path: &'static str,
    write: (Severity, &'static str),
    read: (Severity, &'static str),
) -> Danger {
    Danger { path, write, read }
}

const RUNTIME: (Severity, &str) = (
    Severity::Critical,
    "starts a privileged container through the runtime and takes over the node",
);
const READS_SECRETS: (Severity, &str) =
    (Severity::High, "reads the secrets and tokens of every pod on the node");
const READS: (Severity, &str) = (Severity::Low, "reads what the node stores there");
const OWNS: (Severity, &str) = (Severity::Critical, "changes what the node runs and takes it over");

/// The most specific first: the first match counts.
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
        (Severity::Critical, "reads the control plane's keys and takes over the cluster"),
    ),
    danger("/etc", OWNS, (Severity::High, "reads the node's keys and password hashes")),
    danger("/root", OWNS, (Severity::High, "reads root's keys and credentials")),
    danger("/home", OWNS, (Severity::Medium, "reads the keys and credentials of users")),
    danger("/proc", OWNS, (Severity::Medium, "sees the node's processes")),
    danger("/sys", OWNS, (Severity::Low, "sees the node's devices and settings")),
    danger("/dev", OWNS, (Severity::High, "reads the node's devices, including its disks")),
    danger("/boot", OWNS, READS),
    danger("/lib/modules", OWNS, READS),
    danger("/usr", OWNS, READS),
    danger("/bin", OWNS, READS),
    danger("/sbin", OWNS, READS),
    danger("/opt/cni", OWNS, READS),
    danger(
        "/var/log",
        (
            Severity::High,
            "replaces a log with a link to any file, which the kubelet then reads out",
        ),
        (Severity::Low, "reads every pod's logs"),
    ),
    danger("/run", RUNTIME, RUNTIME),
    danger("/var/run", RUNTIME, RUNTIME),
    danger("/var/lib", OWNS, READS_SECRETS),
    danger("/var", OWNS, READS_SECRETS),
];

const WHOLE_DISK: Danger = danger(
    "/",
    (Severity::Critical, "writes to every file of the node and takes it over"),
    (Severity::High, "reads every file of the node, including the secrets of other pods"),
);

const OTHER: Danger = danger(
    "",
    (Severity::Medium, "plants files for the node and other pods, and reads theirs"),
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
                (true, false) => (lowered(known.read.0), "reads what every user of the node can"),
            };
            let who = phrases::object(workload.object);
            let message = if read_only {
                format!("{who} mounts `{path}` of the node (read-only)")
            } else {
                format!("{who} can write to `{path}` of the node")
            };
            let help = if !read_only && known.read.0 < known.write.0 {
                "Use a persistent volume claim, an `emptyDir` or a ConfigMap instead. If the pod \
                 needs the node's files, mount them read-only."
            } else {
                "Use a persistent volume claim, an `emptyDir` or a ConfigMap instead."
            };
            let node = source.field("path").unwrap_or(source);
            findings.push(
                context
                    .finding(Self::RULE, workload.object, node, message)
                    .why(format!("An attacker in the pod {what}."))
                    .help(help)
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
    // `/var/run` itself contains the sockets; a separate directory in it does not.
    let includes_children =
        |directory: &str| !matches!(directory, "/run" | "/var/run" | "/var/lib" | "/var");
    DANGERS
        .iter()
        .find(
            |known| {
                if includes_children(known.path) { is_in(known.path) } else { path == known.path }
            },
        )
        .copied()
        .unwrap_or(OTHER)
}

/// Whether file modes do not restrict access: a container that mounts the volume may be root, or
/// the volume is a socket.
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
    fn severity_depends_on_the_path() {
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
