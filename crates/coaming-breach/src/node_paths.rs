//! What files of a node are worth to an attacker.

/// What a host path gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PathWorth {
    /// A socket of the container runtime is in it.
    pub(crate) runtime_socket: Option<&'static str>,
    /// How root runs code on the node by writing to it.
    pub(crate) write: Option<&'static str>,
    /// It has the files of all pods of the node: their Secrets and tokens.
    pub(crate) pod_files: bool,
    /// It has the keys of the control plane, on a node of the control plane.
    pub(crate) control_plane: bool,
    /// It has the node's logs.
    pub(crate) logs: bool,
    /// All files of the node are in it.
    pub(crate) everything: bool,
}

const SOCKETS: &[&str] = &[
    "/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/crio/crio.sock",
    "/run/k3s/containerd/containerd.sock",
    "/run/podman/podman.sock",
    "/run/dockershim.sock",
    "/run/cri-dockerd.sock",
    "/run/buildkit/buildkitd.sock",
];

/// Directories and files that decide what runs on the node as root.
const WRITES: &[(&str, &str)] = &[
    ("/etc/kubernetes/manifests", STATIC_PODS),
    ("/etc/kubernetes/kubelet.conf", "the kubelet acts as it says"),
    ("/etc/cni/net.d", "the runtime runs network plugins as it says"),
    ("/etc/cron.d", CRON),
    ("/etc/cron.hourly", CRON),
    ("/etc/cron.daily", CRON),
    ("/etc/crontab", CRON),
    ("/var/spool/cron", CRON),
    ("/etc/systemd", UNITS),
    ("/run/systemd", UNITS),
    ("/lib/systemd", UNITS),
    ("/usr/lib/systemd", UNITS),
    ("/etc/init.d", UNITS),
    ("/etc/ld.so.preload", "every program of the node loads the libraries that it names"),
    ("/etc/passwd", "a user with number 0 in it is root"),
    ("/etc/shadow", "it has root's password"),
    ("/etc/sudoers", "it says who becomes root"),
    ("/etc/sudoers.d", "it says who becomes root"),
    ("/etc/pam.d", "it says who may log in"),
    ("/etc/ssh", "it says who may log in"),
    ("/etc/profile.d", "the shells of root run the scripts in it"),
    ("/etc/containerd", "the runtime starts programs as it says"),
    ("/etc/docker", "the runtime starts programs as it says"),
    ("/etc/crio", "the runtime starts programs as it says"),
    ("/etc/rancher", "it has the cluster's credentials and settings"),
    ("/root/.ssh", SSH),
    ("/root/.bashrc", "the shells of root run it"),
    ("/usr/bin", PROGRAMS),
    ("/usr/sbin", PROGRAMS),
    ("/usr/local/bin", PROGRAMS),
    ("/usr/local/sbin", PROGRAMS),
    ("/usr/libexec", PROGRAMS),
    ("/bin", PROGRAMS),
    ("/sbin", PROGRAMS),
    ("/opt/cni/bin", PROGRAMS),
    ("/opt/bin", PROGRAMS),
    ("/usr/lib", LIBRARIES),
    ("/usr/lib64", LIBRARIES),
    ("/lib", LIBRARIES),
    ("/lib64", LIBRARIES),
    ("/boot", "the node starts the kernel in it"),
    (
        "/proc/sys/kernel/core_pattern",
        "`core_pattern` in it makes the kernel run a program as root",
    ),
    ("/proc/sys/kernel/modprobe", "`modprobe` in it makes the kernel run a program as root"),
    ("/sys/fs/cgroup", "`release_agent` in it makes the kernel run a program as root"),
    ("/sys/kernel/uevent_helper", "`uevent_helper` in it makes the kernel run a program as root"),
    ("/dev/sda", DISKS),
    ("/dev/vda", DISKS),
    ("/dev/nvme0n1", DISKS),
    ("/dev/mem", DISKS),
    ("/var/lib/kubelet/config.yaml", STATIC_PODS),
    ("/var/lib/kubelet/pki", "it has the kubelet's key"),
    ("/var/lib/docker", CONTAINERS),
    ("/var/lib/containerd", CONTAINERS),
    ("/var/lib/containers", CONTAINERS),
    ("/var/lib/rancher", "it has the cluster's credentials and programs"),
    ("/var/lib/etcd", "it has the cluster's state"),
];

const STATIC_PODS: &str = "the kubelet runs the static pods that it names";
const CRON: &str = "a job for cron in it runs as root";
const UNITS: &str = "the node starts the services in it as root";
const SSH: &str = "an SSH key in it lets them log in as root";
const PROGRAMS: &str = "the node runs the programs in it as root";
const LIBRARIES: &str = "the node loads the libraries in it as root";
const DISKS: &str = "it has the node's disks or memory";
const CONTAINERS: &str = "it has the files of all containers of the node";

/// A path without double slashes, and with `/var/run` as the `/run` that it is.
pub(crate) fn normalized(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    if parts.starts_with(&["var", "run"]) {
        parts.remove(0);
    }
    format!("/{}", parts.join("/"))
}

/// Whether a path is a directory or in it.
fn is_in(path: &str, directory: &str) -> bool {
    directory == "/"
        || path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What a (normalized) host path gives.
pub(crate) fn worth(path: &str) -> PathWorth {
    let own_socket = || {
        let name = path.rsplit('/').next().unwrap_or_default();
        let known = ["docker", "containerd", "crio", "podman", "buildkit"];
        (name.ends_with(".sock") && known.iter().any(|runtime| name.contains(runtime)))
            .then_some("the container runtime")
    };
    let socket = SOCKETS.iter().copied().find(|socket| is_in(socket, path));
    // What is in a directory counts, and so does a directory of which it is a part.
    let touches = |known: &str| is_in(path, known) || is_in(known, path);
    let write = WRITES.iter().find(|(known, _)| touches(known)).map(|(_, how)| *how);
    // In the home directories of users, only keys are of use.
    let in_home = || (path == "/home" || path.ends_with("/.ssh")).then_some(SSH);
    let write = write.or_else(in_home).filter(|_| !path.ends_with(".sock"));
    PathWorth {
        runtime_socket: socket.or_else(own_socket),
        write,
        pod_files: is_in("/var/lib/kubelet/pods", path) || is_in(path, "/var/lib/kubelet/pods"),
        control_plane: [
            "/etc/kubernetes/pki",
            "/etc/kubernetes/admin.conf",
            "/var/lib/etcd/member",
        ]
        .iter()
        .any(|known| is_in(known, path) || is_in(path, known)),
        logs: is_in("/var/log/pods", path) || is_in(path, "/var/log"),
        everything: path == "/",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_count_by_what_is_above_and_below() {
        let of = |path: &str| worth(&normalized(path));
        for socket in ["/", "/run", "/var/run", "/var/run/docker.sock", "/run/containerd/"] {
            assert!(of(socket).runtime_socket.is_some(), "{socket}");
        }
        // `/var/run` is a link to `/run`: a mount of `/var` does not have what is in it.
        for other in ["/var", "/run/myapp", "/etc", "/data"] {
            assert!(of(other).runtime_socket.is_none(), "{other}");
        }
        for written in ["/", "/etc", "/etc/cron.d", "/var", "/usr/local/bin", "/var/lib", "/proc"] {
            assert!(of(written).write.is_some(), "{written}");
        }
        for harmless in [
            "/data",
            "/etc/localtime",
            "/var/run/docker.sock",
            "/mnt/disks",
            "/srv",
            "/etc/app",
            "/dev/shm",
        ] {
            assert!(of(harmless).write.is_none(), "{harmless}");
        }
        assert!(of("/var/lib/kubelet").pod_files && of("/var/lib/kubelet/pods/x").pod_files);
        assert!(of("/etc/kubernetes").control_plane && !of("/etc/cron.d").control_plane);
        assert!(of("/var/log").logs && of("/var/log/containers").logs && !of("/var/lib").logs);
        assert_eq!(normalized("/var/run//x/../docker.sock"), "/run/docker.sock");
    }
}
