//! What a node keeps at which path, and what an attacker does with it.
//!
//! Invariants: the most specific entry counts, whatever the order of the table; `/var/run` is
//! `/run`, as it is on every current distribution; a path that is not in the table is said to hold
//! what the node keeps there, and no more.

use coaming_finding::Severity;

/// Something at a path of the node.
#[derive(Clone, Copy, Debug)]
pub(super) struct NodePath {
    /// The file or directory.
    path: &'static str,
    /// Whether everything below it counts as well.
    below: bool,
    /// What an attacker with write access does.
    pub(super) write: Effect,
    /// What an attacker with read access does.
    pub(super) read: Effect,
    /// Whether a program answers there, which file modes do not restrict.
    pub(super) is_socket: bool,
    /// Whether the node itself uses it.
    pub(super) is_of_the_node: bool,
    /// What to do instead.
    pub(super) advice: Advice,
}

/// How severe it is, and what an attacker does.
type Effect = (Severity, &'static str);

/// What to do instead of a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advice {
    Runtime,
    Agent,
    Facts,
    Device,
    OwnDevice,
    Log,
    Data,
}

impl Advice {
    pub(super) fn text(self, read_only: bool) -> &'static str {
        match self {
            Self::Runtime => {
                "Ask the Kubernetes API about containers, and build images with a builder that \
                 needs no runtime, such as rootless BuildKit."
            }
            Self::Agent if read_only => {
                "Mount only the files that the pod reads. If it is an agent of the node, keep it \
                 in a namespace of its own."
            }
            Self::Agent => {
                "Mount only the files that the pod needs, read-only where it only reads them. If \
                 it is an agent of the node, keep it in a namespace of its own."
            }
            Self::Facts => {
                "Use what the image has, a ConfigMap, or a variable (`TZ` for the time zone); if \
                 the pod needs the node's file, mount it read-only."
            }
            Self::Device => {
                "Request the device from a device plugin, or use an `emptyDir` with `medium: \
                 Memory` for shared memory."
            }
            Self::OwnDevice => "Remove the mount: every container has this device of its own.",
            Self::Log => {
                "Write logs to standard output, where the node collects them. A program that needs \
                 syslog can have a daemon for it in its own pod."
            }
            Self::Data if read_only => {
                "Use a persistent volume claim, an `emptyDir` or a ConfigMap instead."
            }
            Self::Data => {
                "Use a persistent volume claim, an `emptyDir` or a ConfigMap instead. If the pod \
                 needs the node's files, mount them read-only."
            }
        }
    }
}

const fn tree(path: &'static str, write: Effect, read: Effect) -> NodePath {
    NodePath {
        path,
        below: true,
        write,
        read,
        is_socket: false,
        is_of_the_node: true,
        advice: Advice::Agent,
    }
}

const fn only(path: &'static str, write: Effect, read: Effect) -> NodePath {
    NodePath { below: false, ..tree(path, write, read) }
}

const fn socket(path: &'static str, effect: Effect) -> NodePath {
    let advice = match effect.0 {
        Severity::Critical => Advice::Runtime,
        _ => Advice::Agent,
    };
    NodePath { is_socket: true, advice, ..tree(path, effect, effect) }
}

const fn facts(path: &'static str, write: Effect, read: Effect) -> NodePath {
    NodePath { advice: Advice::Facts, ..tree(path, write, read) }
}

const fn device(path: &'static str, effect: Effect) -> NodePath {
    let is_of_the_node = !matches!(effect.0, Severity::Low);
    NodePath { advice: Advice::Device, is_of_the_node, ..tree(path, effect, effect) }
}

/// A device that every container has.
const fn own_device(path: &'static str) -> NodePath {
    NodePath { advice: Advice::OwnDevice, ..device(path, NO_SECRET) }
}

const RUNTIME: Effect = (
    Severity::Critical,
    "starts a privileged container through the runtime and takes over the node",
);
const OWNS: Effect = (Severity::Critical, "changes what the node runs and takes it over");
const READS_SECRETS: Effect =
    (Severity::High, "reads the secrets and tokens of every pod on the node");
const READS_KEYS: Effect = (Severity::High, "reads the node's keys and password hashes");
const SEES_PROGRAMS: Effect = (Severity::Low, "sees which programs and versions the node has");
const SEES_SETTINGS: Effect = (Severity::Low, "sees the node's settings");
const SEES_NETWORK: Effect = (Severity::Low, "sees the node's network");
const READS_LOGS: Effect = (Severity::Low, "reads what the node and its pods log");
const ADMINISTERS: Effect =
    (Severity::Critical, "reads the control plane's keys and takes over the cluster");
const NO_SECRET: Effect = (Severity::Low, "uses a device that every container has anyway");
const DRIVER: Effect =
    (Severity::Medium, "reaches a driver of the node's kernel, where flaws lead to the node");
const DISKS: Effect = (Severity::Critical, "changes the node's disks past all file permissions");
const READS_DISKS: Effect = (Severity::High, "reads the node's disks past all file permissions");
const LOG_ENTRIES: Effect = (Severity::Low, "writes false entries into the node's log");
const REDIRECTS: Effect = (Severity::High, "redirects the names that the node resolves");
const LOG_LINKS: Effect =
    (Severity::High, "replaces a log with a link to any file, which the kubelet then reads out");

/// What a node of Linux has.
static KNOWN: &[NodePath] = &[
    only(
        "/",
        (Severity::Critical, "writes to every file of the node and takes it over"),
        (Severity::High, "reads every file of the node, including the secrets of other pods"),
    ),
    // Sockets and what is in /run.
    socket("/run/docker.sock", RUNTIME),
    socket("/run/dockershim.sock", RUNTIME),
    socket("/run/cri-dockerd.sock", RUNTIME),
    socket("/run/containerd", RUNTIME),
    socket("/run/crio", RUNTIME),
    socket("/run/podman", RUNTIME),
    socket("/run/k3s/containerd", RUNTIME),
    socket("/run/k0s/containerd.sock", RUNTIME),
    socket("/run/buildkit", (Severity::High, "builds images on the node, and reads its cache")),
    socket("/run/dbus", (Severity::High, "asks the node's services, such as systemd, to act")),
    socket("/run/user", (Severity::High, "acts as a user of the node through their services")),
    socket("/run/systemd/private", (Severity::Critical, "starts services on the node")),
    tree("/run/systemd", (Severity::High, "changes what the node's services do"), SEES_SETTINGS),
    device("/run/systemd/journal", LOG_ENTRIES),
    tree("/run/log", (Severity::Medium, "changes the node's log"), READS_LOGS),
    tree("/run/udev", (Severity::High, "changes how the node sets up devices"), SEES_SETTINGS),
    tree("/run/netns", (Severity::High, "enters the network of other pods"), SEES_NETWORK),
    facts("/run/xtables.lock", SEES_NETWORK, SEES_NETWORK),
    tree("/run/secrets", READS_SECRETS, READS_SECRETS),
    only("/run", RUNTIME, RUNTIME),
    // The kubelet's, the runtime's and the control plane's directories.
    tree("/var/lib/kubelet", OWNS, READS_SECRETS),
    tree(
        "/var/lib/kubelet/device-plugins",
        (Severity::Medium, "offers false devices to pods of the node"),
        SEES_SETTINGS,
    ),
    tree(
        "/var/lib/kubelet/plugins",
        (Severity::High, "answers for a storage driver, which gets the secrets of its volumes"),
        (Severity::Low, "sees which drivers the node has"),
    ),
    tree(
        "/var/lib/kubelet/plugins_registry",
        (Severity::High, "registers a storage driver, which gets the secrets of its volumes"),
        (Severity::Low, "sees which drivers the node has"),
    ),
    tree(
        "/var/lib/kubelet/pod-resources",
        (Severity::Low, "sees which pods have which devices"),
        (Severity::Low, "sees which pods have which devices"),
    ),
    tree("/var/lib/docker", OWNS, READS_SECRETS),
    tree("/var/lib/docker/containers", LOG_LINKS, READS_LOGS),
    tree("/var/lib/containerd", OWNS, READS_SECRETS),
    tree("/var/lib/containers", OWNS, READS_SECRETS),
    tree("/var/lib/rancher", OWNS, ADMINISTERS),
    tree("/var/lib/k0s", OWNS, ADMINISTERS),
    tree("/var/lib/etcd", OWNS, (Severity::Critical, "reads every secret of the cluster")),
    tree("/var/lib/kube-proxy", OWNS, (Severity::Medium, "reads the credentials of kube-proxy")),
    tree("/var/lib/cni", (Severity::Medium, "takes the addresses of other pods"), SEES_NETWORK),
    only("/var/lib", OWNS, READS_SECRETS),
    only("/var", OWNS, READS_SECRETS),
    tree("/etc/kubernetes", OWNS, ADMINISTERS),
    tree("/etc/rancher", OWNS, ADMINISTERS),
    tree("/usr/libexec/kubernetes", OWNS, SEES_PROGRAMS),
    tree(
        "/etc/cni",
        (Severity::Critical, "changes how the node connects pods, with programs of their own"),
        (Severity::Medium, "reads the settings of network plugins, some with credentials"),
    ),
    tree("/opt/cni", OWNS, SEES_PROGRAMS),
    tree("/opt/bin", OWNS, SEES_PROGRAMS),
    // Logs.
    only("/var/log", LOG_LINKS, READS_LOGS),
    tree("/var/log/pods", LOG_LINKS, READS_LOGS),
    tree("/var/log/containers", LOG_LINKS, READS_LOGS),
    tree("/var/log/journal", (Severity::Medium, "changes the node's log"), READS_LOGS),
    tree("/var/log/audit", (Severity::High, "erases the trace of an attack"), READS_LOGS),
    // /etc.
    only("/etc", OWNS, READS_KEYS),
    tree("/etc/shadow", OWNS, READS_KEYS),
    tree("/etc/shadow-", OWNS, READS_KEYS),
    tree("/etc/gshadow", OWNS, READS_KEYS),
    tree("/etc/ssh", OWNS, (Severity::High, "reads the node's own keys and poses as the node")),
    tree("/etc/sudoers", OWNS, SEES_SETTINGS),
    tree("/etc/sudoers.d", OWNS, SEES_SETTINGS),
    tree("/etc/pam.d", OWNS, SEES_SETTINGS),
    tree("/etc/krb5.keytab", OWNS, (Severity::High, "reads the node's key and poses as the node")),
    facts(
        "/etc/localtime",
        (Severity::Medium, "changes the node's time zone"),
        (Severity::Low, "learns the node's time zone"),
    ),
    facts(
        "/etc/timezone",
        (Severity::Medium, "changes the node's time zone"),
        (Severity::Low, "learns the node's time zone"),
    ),
    facts(
        "/usr/share/zoneinfo",
        (Severity::Medium, "changes the node's time zone"),
        (Severity::Low, "learns the node's time zone"),
    ),
    facts(
        "/etc/ssl/certs",
        (Severity::High, "makes the node trust their certificates"),
        (Severity::Low, "reads public certificates"),
    ),
    facts(
        "/etc/ca-certificates",
        (Severity::High, "makes the node trust their certificates"),
        (Severity::Low, "reads public certificates"),
    ),
    facts(
        "/usr/share/ca-certificates",
        (Severity::High, "makes the node trust their certificates"),
        (Severity::Low, "reads public certificates"),
    ),
    facts(
        "/usr/local/share/ca-certificates",
        (Severity::High, "makes the node trust their certificates"),
        (Severity::Low, "reads public certificates"),
    ),
    facts(
        "/etc/pki/ca-trust",
        (Severity::High, "makes the node trust their certificates"),
        (Severity::Low, "reads public certificates"),
    ),
    facts(
        "/etc/pki/tls/certs",
        (Severity::High, "makes the node trust their certificates"),
        (Severity::Low, "reads public certificates"),
    ),
    tree("/etc/ssl/private", OWNS, (Severity::High, "reads the node's private keys")),
    tree("/etc/pki/tls/private", OWNS, (Severity::High, "reads the node's private keys")),
    tree(
        "/etc/ssl",
        (Severity::High, "makes the node trust their certificates"),
        (Severity::Medium, "reads the node's certificates, and private keys if there are any"),
    ),
    tree(
        "/etc/pki",
        (Severity::High, "makes the node trust their certificates"),
        (Severity::Medium, "reads the node's certificates, and private keys if there are any"),
    ),
    facts("/etc/hosts", REDIRECTS, (Severity::Low, "learns the names of other machines")),
    facts("/etc/resolv.conf", REDIRECTS, SEES_NETWORK),
    facts("/etc/nsswitch.conf", REDIRECTS, SEES_SETTINGS),
    facts("/etc/hostname", (Severity::Medium, "changes the node's name"), SEES_SETTINGS),
    facts("/etc/machine-id", (Severity::Medium, "changes the node's identity"), SEES_SETTINGS),
    facts("/etc/os-release", (Severity::Medium, "changes what the node says it is"), SEES_PROGRAMS),
    facts("/etc/passwd", OWNS, (Severity::Low, "learns the names of the node's users")),
    facts("/etc/group", OWNS, (Severity::Low, "learns the names of the node's users")),
    tree("/etc/systemd", OWNS, SEES_SETTINGS),
    tree("/etc/init.d", OWNS, SEES_SETTINGS),
    tree("/etc/cron.d", OWNS, SEES_SETTINGS),
    tree("/etc/crontab", OWNS, SEES_SETTINGS),
    tree("/etc/cron.daily", OWNS, SEES_SETTINGS),
    tree("/etc/cron.hourly", OWNS, SEES_SETTINGS),
    tree("/var/spool/cron", OWNS, SEES_SETTINGS),
    tree("/etc/ld.so.preload", OWNS, SEES_SETTINGS),
    tree("/etc/modprobe.d", OWNS, SEES_SETTINGS),
    tree("/etc/sysctl.d", OWNS, SEES_SETTINGS),
    tree("/etc/udev", OWNS, SEES_SETTINGS),
    tree("/etc/lvm", (Severity::High, "changes the node's disks"), SEES_SETTINGS),
    tree("/etc/multipath", (Severity::High, "changes the node's disks"), SEES_SETTINGS),
    tree("/etc/iscsi", (Severity::High, "changes the node's disks"), READS_KEYS),
    tree("/etc/selinux", (Severity::High, "weakens the node's security policy"), SEES_SETTINGS),
    tree("/etc/apparmor.d", (Severity::High, "weakens the node's security policy"), SEES_SETTINGS),
    tree(
        "/etc/docker",
        OWNS,
        (Severity::Medium, "reads the runtime's settings, some with credentials of registries"),
    ),
    tree(
        "/etc/containerd",
        OWNS,
        (Severity::Medium, "reads the runtime's settings, some with credentials of registries"),
    ),
    tree(
        "/etc/crio",
        OWNS,
        (Severity::Medium, "reads the runtime's settings, some with credentials of registries"),
    ),
    // Users.
    tree("/root", OWNS, (Severity::High, "reads root's keys and credentials")),
    tree("/home", OWNS, (Severity::Medium, "reads the keys and credentials of users")),
    // The kernel's file systems.
    tree("/proc", OWNS, (Severity::Medium, "sees the node's processes")),
    tree("/proc/sys", OWNS, SEES_SETTINGS),
    tree("/sys", OWNS, (Severity::Low, "sees the node's devices and settings")),
    tree(
        "/sys/fs/cgroup",
        (Severity::High, "changes the limits of all processes, and runs programs on the node"),
        (Severity::Low, "sees the node's processes and their limits"),
    ),
    tree(
        "/sys/fs/bpf",
        (Severity::High, "changes the programs that filter the node's network"),
        SEES_NETWORK,
    ),
    tree(
        "/sys/kernel/debug",
        (Severity::High, "observes and changes what the node's kernel does"),
        (Severity::Medium, "observes what the node's kernel does"),
    ),
    tree(
        "/sys/kernel/tracing",
        (Severity::High, "observes what the node's kernel does"),
        (Severity::Medium, "observes what the node's kernel does"),
    ),
    tree("/dev", DISKS, READS_DISKS),
    device("/dev/kmsg", (Severity::Medium, "reads and writes the log of the node's kernel")),
    device("/dev/mem", (Severity::Critical, "changes the memory of the node's kernel")),
    device("/dev/kmem", (Severity::Critical, "changes the memory of the node's kernel")),
    device("/dev/port", (Severity::Critical, "controls the node's hardware")),
    own_device("/dev/null"),
    own_device("/dev/zero"),
    own_device("/dev/full"),
    own_device("/dev/random"),
    own_device("/dev/urandom"),
    own_device("/dev/tty"),
    NodePath { advice: Advice::Log, ..device("/dev/log", LOG_ENTRIES) },
    device(
        "/dev/shm",
        (Severity::Medium, "reads and changes memory that the node's programs share"),
    ),
    device("/dev/hugepages", (Severity::Low, "uses up the node's large memory pages")),
    device("/dev/kvm", DRIVER),
    device("/dev/vfio", DRIVER),
    device("/dev/fuse", DRIVER),
    device("/dev/net/tun", DRIVER),
    device("/dev/vhost-net", DRIVER),
    device("/dev/vhost-vsock", DRIVER),
    device("/dev/dri", DRIVER),
    device("/dev/infiniband", DRIVER),
    device("/dev/bus/usb", DRIVER),
    device("/dev/snd", DRIVER),
    device("/dev/nvidia0", DRIVER),
    device("/dev/nvidiactl", DRIVER),
    device("/dev/nvidia-uvm", DRIVER),
    device("/dev/video0", DRIVER),
    device("/dev/ttyUSB0", DRIVER),
    device("/dev/ttyACM0", DRIVER),
    device("/dev/ttyAMA0", DRIVER),
    // Programs.
    tree("/boot", OWNS, SEES_PROGRAMS),
    tree("/lib", OWNS, SEES_PROGRAMS),
    tree("/lib64", OWNS, SEES_PROGRAMS),
    tree("/lib/modules", (Severity::Critical, "replaces the node's kernel modules"), SEES_PROGRAMS),
    tree("/usr", OWNS, SEES_PROGRAMS),
    tree(
        "/usr/src",
        (Severity::High, "changes what the node's kernel modules are built of"),
        SEES_PROGRAMS,
    ),
    tree("/bin", OWNS, SEES_PROGRAMS),
    tree("/sbin", OWNS, SEES_PROGRAMS),
];

const fn other(write: Effect, read: Effect) -> NodePath {
    NodePath { is_of_the_node: false, advice: Advice::Data, ..tree("", write, read) }
}

/// A path that the node does not use, as far as is known.
static OTHER: NodePath = other(
    (Severity::Medium, "plants files for the node and other pods, and reads theirs"),
    (Severity::Low, "reads what the node stores there"),
);

const ANSWERS: Effect = (Severity::Medium, "talks to the node's program that answers there");

/// Settings of the node that are not in the table: which of them have credentials is not known.
static OTHER_SETTINGS: NodePath = NodePath {
    is_of_the_node: true,
    advice: Advice::Agent,
    ..other(
        (Severity::High, "changes the settings of a program of the node"),
        (Severity::Medium, "reads the settings of a program of the node, some with credentials"),
    )
};

/// Sockets of container runtimes, wherever a distribution has them.
const RUNTIME_SOCKETS: &[&str] = &[
    "containerd.sock",
    "cri-dockerd.sock",
    "crio.sock",
    "docker.sock",
    "dockershim.sock",
    "podman.sock",
];

/// A runtime's socket at a place of its own.
static RUNTIME_SOCKET: NodePath = socket("", RUNTIME);

/// A runtime's pipe on a node of Windows.
static RUNTIME_PIPE: NodePath = socket("", RUNTIME);

/// The whole disk of a node of Windows, and its system.
static WINDOWS_DISK: NodePath = only(
    "",
    (Severity::Critical, "writes to every file of the node and takes it over"),
    (Severity::High, "reads every file of the node, including the secrets of other pods"),
);

/// A socket that is not in the table.
static OTHER_SOCKET: NodePath =
    NodePath { is_socket: true, advice: Advice::Agent, ..other(ANSWERS, ANSWERS) };

/// What the node has at a normalized path.
pub(super) fn known_path(path: &str) -> &'static NodePath {
    if is_windows(path) {
        return known_windows_path(path);
    }
    let last = path.rsplit('/').next().unwrap_or_default();
    if RUNTIME_SOCKETS.contains(&last) {
        return &RUNTIME_SOCKET;
    }
    let path = path.strip_prefix("/var").filter(|rest| is_in(rest, "/run")).unwrap_or(path);
    let fits = |known: &&NodePath| {
        if known.below { is_in(path, known.path) } else { path == known.path }
    };
    KNOWN.iter().filter(fits).max_by_key(|known| known.path.len()).unwrap_or_else(|| {
        let is_socket = std::path::Path::new(path).extension().is_some_and(|end| end == "sock");
        match path {
            _ if is_socket => &OTHER_SOCKET,
            _ if is_in(path, "/etc") => &OTHER_SETTINGS,
            _ => &OTHER,
        }
    })
}

/// Whether a path is one of Windows: `C:\\logs`, `\\\\.\\pipe\\docker_engine`.
fn is_windows(path: &str) -> bool {
    let mut letters = path.chars();
    let is_drive = letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.next() == Some(':')
        && letters.next().is_none_or(|c| matches!(c, '\\' | '/'));
    is_drive || path.starts_with(r"\\")
}

fn known_windows_path(path: &str) -> &'static NodePath {
    let lower = path.to_ascii_lowercase().replace('/', r"\");
    let below = lower.get(2..).unwrap_or_default().trim_matches('\\').to_owned();
    if lower.starts_with(r"\\") {
        let is_runtime = ["docker", "containerd"].iter().any(|name| lower.contains(name));
        return if is_runtime { &RUNTIME_PIPE } else { &OTHER_SOCKET };
    }
    match below.split('\\').next().unwrap_or_default() {
        "" | "windows" | "programdata" if !below.contains("log") => &WINDOWS_DISK,
        _ => &OTHER,
    }
}

fn is_in(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Without trailing and double slashes.
pub(super) fn normalized(path: &str) -> String {
    if is_windows(path) {
        return path.to_owned();
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match part {
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severity_depends_on_what_is_there() {
        let write = |path: &str| known_path(&normalized(path)).write.0;
        let read = |path: &str| known_path(&normalized(path)).read.0;
        for (path, writing, reading) in [
            ("/", Severity::Critical, Severity::High),
            ("//", Severity::Critical, Severity::High),
            ("/var/run/docker.sock", Severity::Critical, Severity::Critical),
            ("/run/docker.sock", Severity::Critical, Severity::Critical),
            ("/run/containerd/containerd.sock", Severity::Critical, Severity::Critical),
            ("/var/run", Severity::Critical, Severity::Critical),
            ("/var/run/mine", Severity::Medium, Severity::Low),
            ("/var/run/mine.sock", Severity::Medium, Severity::Medium),
            ("/etc", Severity::Critical, Severity::High),
            ("/etc/shadow", Severity::Critical, Severity::High),
            ("/etc/ssh", Severity::Critical, Severity::High),
            ("/etc/ssl/certs/", Severity::High, Severity::Low),
            ("/etc/localtime", Severity::Medium, Severity::Low),
            ("/etc/hosts", Severity::High, Severity::Low),
            ("/etc/group", Severity::Critical, Severity::Low),
            ("/etc/passwd", Severity::Critical, Severity::Low),
            ("/etc/systemd/system", Severity::Critical, Severity::Low),
            ("/etc/cni/net.d", Severity::Critical, Severity::Medium),
            ("/etcetera", Severity::Medium, Severity::Low),
            ("/etc/kubernetes/pki", Severity::Critical, Severity::Critical),
            ("/data/../etc", Severity::Critical, Severity::High),
            ("/dev/null", Severity::Low, Severity::Low),
            ("/dev/log", Severity::Low, Severity::Low),
            ("/dev/shm", Severity::Medium, Severity::Medium),
            ("/dev/kvm", Severity::Medium, Severity::Medium),
            ("/dev/sda", Severity::Critical, Severity::High),
            ("/var/lib/mysql", Severity::Medium, Severity::Low),
            ("/var/lib/kubelet/pods", Severity::Critical, Severity::High),
            ("/sys", Severity::Critical, Severity::Low),
            ("/data/uploads", Severity::Medium, Severity::Low),
            ("/etc/krb5.conf", Severity::High, Severity::Medium),
            ("/var/spool/cron", Severity::Critical, Severity::Low),
            ("/dev/kmsg", Severity::Medium, Severity::Medium),
            ("/dev/mem", Severity::Critical, Severity::Critical),
            (
                "/var/snap/microk8s/common/run/containerd.sock",
                Severity::Critical,
                Severity::Critical,
            ),
            ("/run/user/1000/podman/podman.sock", Severity::Critical, Severity::Critical),
            ("C:\\\\", Severity::Critical, Severity::High),
            (r"c:\var\log", Severity::Medium, Severity::Low),
            (r"\\.\pipe\docker_engine", Severity::Critical, Severity::Critical),
        ] {
            assert_eq!((write(path), read(path)), (writing, reading), "{path}");
        }
    }
}
