//! The configuration of the container for the runtime (OCI runtime specification).

use std::path::Path;

use coaming_image::Tree;
use serde_json::{Value, json};

use super::program::Program;
use super::unpack::{inside, own};
use super::{FIRST_ID, IDS};
use crate::trace::{RunOptions, TraceError};

/// What servers need to drop their own rights and to listen; all only within the container.
const CAPABILITIES: [&str; 10] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_NET_BIND_SERVICE",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
];

/// System calls that reach far into the kernel and that services do not need.
const REFUSED: [&str; 48] = [
    "acct",
    "add_key",
    "bpf",
    "clock_adjtime",
    "clock_settime",
    "create_module",
    "delete_module",
    "finit_module",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "get_kernel_syms",
    "init_module",
    "ioperm",
    "iopl",
    "kcmp",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "lookup_dcookie",
    "mount",
    "mount_setattr",
    "move_mount",
    "nfsservctl",
    "open_by_handle_at",
    "open_tree",
    "perf_event_open",
    "pivot_root",
    "process_madvise",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "query_module",
    "quotactl",
    "reboot",
    "request_key",
    "setns",
    "settimeofday",
    "swapoff",
    "swapon",
    "syslog",
    "umount2",
    "unshare",
    "uselib",
    "userfaultfd",
    "vhangup",
    "vmsplice",
];

/// System calls whose absence libraries expect, and work without.
const ABSENT: [&str; 4] = ["clone3", "io_uring_enter", "io_uring_register", "io_uring_setup"];

/// The flags of `clone` that make namespaces.
const NAMESPACES: [u64; 7] =
    [0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000];

const HOSTS: &str = "127.0.0.1\tlocalhost coaming-trace\n::1\tlocalhost\n";

/// The most memory of the container.
const MEMORY: u64 = 4 << 30;
/// The most processes and threads of the container.
const PROCESSES: u64 = 4096;
/// The largest file that the container may write.
const FILE: u64 = 4 << 30;

/// Writes `config.json`, and what it needs beside the image's files.
pub(super) fn write(
    directory: &Path,
    tree: &Tree,
    program: &Program,
    options: &RunOptions,
) -> Result<(), TraceError> {
    let root = directory.join("rootfs");
    for path in program.volumes.iter().chain([&program.working_directory]) {
        make_directory(&root, tree, path).map_err(TraceError::Unpack)?;
    }
    let process = process(&root, tree, program, options)?;
    let mut config = json!({
        "ociVersion": "1.0.2",
        "process": process,
        "root": {"path": "rootfs", "readonly": false},
        "hostname": "coaming-trace",
        "mounts": mounts(directory, options),
        "linux": {
            "uidMappings": [{"containerID": 0, "hostID": FIRST_ID, "size": IDS}],
            "gidMappings": [{"containerID": 0, "hostID": FIRST_ID, "size": IDS}],
            "namespaces": namespaces(options),
            "resources": {
                "devices": [{"allow": false, "access": "rwm"}],
                "memory": {"limit": MEMORY},
                "pids": {"limit": PROCESSES},
            },
            "seccomp": seccomp(),
            "maskedPaths": ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list",
                "/proc/sched_debug", "/proc/scsi", "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                "/proc/sysrq-trigger"],
        },
    });
    if !options.network {
        // As Docker does: users other than root may listen on port 80.
        config["linux"]["sysctl"] = json!({"net.ipv4.ip_unprivileged_port_start": "0"});
    }
    let text = serde_json::to_vec(&config).map_err(|error| TraceError::Unpack(error.into()))?;
    std::fs::write(directory.join("hosts"), HOSTS).map_err(TraceError::Unpack)?;
    std::fs::write(directory.join("config.json"), text).map_err(TraceError::Unpack)
}

/// A directory that a runtime makes if the image does not have it.
fn make_directory(root: &Path, tree: &Tree, path: &str) -> std::io::Result<()> {
    let Some(resolved) = tree.resolve(path) else { return Ok(()) };
    let mut directory = String::new();
    for part in resolved.path.split('/').filter(|it| !it.is_empty()) {
        directory.push('/');
        directory.push_str(part);
        let host = inside(root, &directory);
        if std::fs::symlink_metadata(&host).is_err() {
            std::fs::create_dir(&host)?;
            own(&host, 0o755)?;
        }
    }
    Ok(())
}

fn process(
    root: &Path,
    tree: &Tree,
    program: &Program,
    options: &RunOptions,
) -> Result<Value, TraceError> {
    let account = program.account(root, tree)?;
    let mut environment: Vec<String> = Vec::new();
    let has = |all: &[String], name: &str| {
        all.iter().any(|it| it.split_once('=').is_some_and(|it| it.0 == name))
    };
    if !has(&program.environment, "PATH") {
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        environment.push(format!("PATH={path}"));
    }
    if !has(&program.environment, "HOME") {
        environment.push(format!("HOME={}", account.home.as_deref().unwrap_or("/")));
    }
    environment.extend(program.environment.iter().cloned());
    environment.extend(options.environment.iter().map(|it| format!("{}={}", it.name, it.value)));
    let limit = |name: &str, value: u64| json!({"type": name, "soft": value, "hard": value});
    Ok(json!({
        "terminal": false,
        "user": {"uid": account.user, "gid": account.group, "additionalGids": account.groups},
        "args": program.arguments,
        "env": environment,
        "cwd": program.working_directory,
        "capabilities": {
            "bounding": CAPABILITIES, "effective": CAPABILITIES, "permitted": CAPABILITIES,
        },
        "rlimits": [limit("RLIMIT_CORE", 0), limit("RLIMIT_FSIZE", FILE)],
        "noNewPrivileges": true,
    }))
}

fn mounts(directory: &Path, options: &RunOptions) -> Vec<Value> {
    let mount = |kind: &str, source: &str, target: &str, flags: &[&str]| json!({"destination": target, "type": kind, "source": source, "options": flags});
    let (tmpfs, safe) = (["nosuid", "strictatime", "mode=755", "size=65536k"], "nosuid");
    let terminals = [safe, "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"];
    let shared = [safe, "noexec", "nodev", "mode=1777", "size=262144k"];
    let hosts = directory.join("hosts").display().to_string();
    let bound = ["bind", "ro", safe, "noexec", "nodev"];
    let mut mounts = vec![
        mount("proc", "proc", "/proc", &[]),
        mount("tmpfs", "tmpfs", "/dev", &tmpfs),
        mount("devpts", "devpts", "/dev/pts", &terminals),
        mount("tmpfs", "shm", "/dev/shm", &shared),
        mount("mqueue", "mqueue", "/dev/mqueue", &[safe, "noexec", "nodev"]),
    ];
    match options.network {
        // Only the owner of a network may mount its part of sysfs.
        true => {
            mounts.push(mount("bind", "/etc/resolv.conf", "/etc/resolv.conf", &bound));
            mounts.push(mount("bind", "/etc/hosts", "/etc/hosts", &bound));
        }
        false => {
            mounts.push(mount("sysfs", "sysfs", "/sys", &[safe, "noexec", "nodev", "ro"]));
            mounts.push(mount("bind", &hosts, "/etc/hosts", &bound));
        }
    }
    mounts
}

fn namespaces(options: &RunOptions) -> Vec<Value> {
    let own = ["pid", "ipc", "uts", "mount", "user", "cgroup"];
    let network = (!options.network).then_some("network");
    own.into_iter().chain(network).map(|name| json!({"type": name})).collect()
}

fn seccomp() -> Value {
    const NOT_PERMITTED: u32 = 1;
    const NOT_IMPLEMENTED: u32 = 38;
    let refused = |names: &[&str], code: u32| json!({"names": names, "action": "SCMP_ACT_ERRNO", "errnoRet": code});
    let mut calls = vec![refused(&REFUSED, NOT_PERMITTED), refused(&ABSENT, NOT_IMPLEMENTED)];
    for flag in NAMESPACES {
        let mut call = refused(&["clone"], NOT_PERMITTED);
        call["args"] =
            json!([{"index": 0, "value": flag, "valueTwo": flag, "op": "SCMP_CMP_MASKED_EQ"}]);
        calls.push(call);
    }
    json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": calls})
}
