//! Whether a command line does what only root can: settings of the node's kernel, owners of files.

use super::commands::{MAX_NESTING, MAX_SCRIPT, Started, base_name, is_shell, shell_reads};
use super::shell::{Command, Word, parse};

/// Programs that change the kernel's settings, devices or network: those of the node, where the
/// container has the rights.
const HOST: &[&str] = &[
    "blkdiscard",
    "cryptsetup",
    "ebtables",
    "ethtool",
    "fsck",
    "insmod",
    "ip6tables",
    "ipset",
    "iptables",
    "iptables-restore",
    "ipvsadm",
    "losetup",
    "lvcreate",
    "mkfs",
    "mkfs.ext4",
    "mkfs.xfs",
    "modprobe",
    "mount",
    "nft",
    "nsenter",
    "rmmod",
    "swapoff",
    "swapon",
    "tc",
    "umount",
    "update-grub",
    "vgcreate",
    "wipefs",
];

/// Programs that do not work without capabilities or devices: they watch the network or other
/// processes, build tunnels, set the clock, or run containers.
const PRIVILEGED: &[&str] = &[
    "arping",
    "bpftrace",
    "buildkitd",
    "charon",
    "chronyd",
    "containerd",
    "dockerd",
    "dumpcap",
    "gdb",
    "hwclock",
    "keepalived",
    "kubelet",
    "ntpd",
    "openvpn",
    "perf",
    "pppd",
    "sshfs",
    "s3fs",
    "strace",
    "tcpdump",
    "tshark",
    "wg",
    "wg-quick",
];

/// Programs that change owners, users or accounts: root's, in the container.
const ROOT: &[&str] = &[
    "adduser",
    "addgroup",
    "chgrp",
    "chown",
    "chpasswd",
    "chroot",
    "cron",
    "crond",
    "dropbear",
    "groupadd",
    "gosu",
    "mknod",
    "runuser",
    "setcap",
    "setfacl",
    "setpriv",
    "sshd",
    "su",
    "su-exec",
    "update-ca-certificates",
    "useradd",
    "usermod",
    "visudo",
];

/// Whether the words of a container's `command` and `args` change the node: `sysctl -w`, kernel
/// modules, packet filters, mounts, or a file below `/proc/sys` or `/sys`.
pub(crate) fn changes_host(argv: &[&str]) -> bool {
    any(argv, &|command, started| match started.name {
        "sysctl" => started.arguments.iter().any(|word| {
            matches!(*word, "-w" | "--write" | "-p" | "--load" | "--system") || word.contains('=')
        }),
        "ip" => {
            started.arguments.iter().any(|word| matches!(*word, "add" | "set" | "del" | "replace"))
        }
        "tee" => started.arguments.iter().any(|path| is_setting(path)),
        name => HOST.contains(&name) || command.outputs.iter().any(|path| is_setting(path)),
    })
}

/// Whether the words of a container's `command` and `args` need root for something else than to
/// install software.
pub(crate) fn needs_root(argv: &[&str]) -> bool {
    needs_privileges(argv) || any(argv, &|_, started| ROOT.contains(&started.name))
}

/// Whether the words of a container's `command` and `args` start a program that does not work in an
/// ordinary container.
pub(crate) fn needs_privileges(argv: &[&str]) -> bool {
    changes_host(argv) || any(argv, &|_, started| PRIVILEGED.contains(&started.name))
}

fn is_setting(path: &str) -> bool {
    path.starts_with("/proc/sys/") || path.starts_with("/sys/")
}

type Test<'t> = &'t dyn Fn(&Command, &Started<'_>) -> bool;

/// Whether a command fits, also in the script that a shell runs.
fn any(argv: &[&str], fits: Test<'_>) -> bool {
    let words: Vec<Word> = argv.iter().map(|word| Word::literal(word)).collect();
    command(&Command { words, ..Command::default() }, fits, 0)
}

fn command(found: &Command, fits: Test<'_>, depth: usize) -> bool {
    let Some(started) = Started::new(found) else { return false };
    let nested = || found.words.iter().flat_map(|word| &word.scripts);
    // What runs another program is a program itself: `su-exec app run`.
    let wrappers = found.words.len() - started.arguments.len() - 1;
    let runs_wrapper =
        |word: &Word| fits(found, &Started { name: base_name(&word.text), arguments: Vec::new() });
    found.words.iter().take(wrappers).any(runs_wrapper)
        || fits(found, &started)
        || of_shell(found, &started, fits, depth)
        || nested().any(|script| of_script(script, fits, depth))
}

fn of_shell(found: &Command, started: &Started<'_>, fits: Test<'_>, depth: usize) -> bool {
    if !is_shell(started.name) {
        return false;
    }
    let count = started.arguments.len();
    let rest = found.words.get(found.words.len() - count..).unwrap_or_default();
    shell_reads(rest)
        .script_position()
        .and_then(|position| rest.get(position))
        .is_some_and(|script| of_script(&script.text, fits, depth))
}

fn of_script(script: &str, fits: Test<'_>, depth: usize) -> bool {
    depth < MAX_NESTING
        && script.len() <= MAX_SCRIPT
        && parse(script).iter().flatten().any(|found| command(found, fits, depth + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_the_node() {
        for argv in [
            &["sysctl", "-w", "vm.max_map_count=262144"][..],
            &["sh", "-c", "set -e; sysctl -w net.core.somaxconn=1024 && ulimit -l unlimited"],
            &["sh", "-c", "echo never > /sys/kernel/mm/transparent_hugepage/enabled"],
            &["nsenter", "-t", "1", "-m", "--", "modprobe", "br_netfilter"],
            &["/bin/bash", "-ec", "if true; then iptables -A INPUT -j DROP; fi"],
            &["mount", "--bind", "/a", "/b"],
        ] {
            assert!(changes_host(argv), "{argv:?}");
            assert!(needs_root(argv), "{argv:?}");
        }
        for argv in [
            &["sysctl", "net.core.somaxconn"][..],
            &["sh", "-c", "echo sysctl -w a=b"],
            &["sh", "-c", "echo x > /data/sys"],
            &["/app", "mount"],
            &[],
        ] {
            assert!(!changes_host(argv), "{argv:?}");
            assert!(!needs_root(argv), "{argv:?}");
        }
        for argv in [&["chown", "-R", "1000:1000", "/data"][..], &["sh", "-c", "chown 1 /a; x"]] {
            assert!(needs_root(argv) && !changes_host(argv), "{argv:?}");
        }
        assert!(needs_root(&["sh", "-c", "exec gosu app /run"]));
        assert!(needs_privileges(&["tcpdump", "-i", "any"]) && needs_root(&["crond", "-f"]));
        assert!(needs_privileges(&["sh", "-c", "exec openvpn --config /c"]));
        assert!(!needs_privileges(&["/app", "--tcpdump"]) && !needs_privileges(&["chown", "1"]));
    }
}
