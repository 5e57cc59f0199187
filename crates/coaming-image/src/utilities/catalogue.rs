//! Names of programs, and what they are for.

use crate::UtilityKind::{
    self, Compiler, Debugger, Editor, Interpreter, Network, Orchestration, PackageManager,
    Privilege, Reader, Shell,
};

const CATALOGUE: &[(UtilityKind, &[&str])] = &[
    (Shell, &["sh", "bash", "dash", "ash", "zsh", "ksh", "fish", "busybox", "toybox"]),
    (Reader, &["cat", "more", "less", "head", "tail", "od", "xxd", "strings", "base64", "grep"]),
    (Editor, &["vi", "vim", "nano", "ed", "sed"]),
    (PackageManager, &["apt", "apt-get", "dpkg", "apk", "rpm", "dnf", "yum", "microdnf", "zypper"]),
    (Network, &["curl", "wget", "nc", "ncat", "socat", "ssh", "scp", "telnet", "ftpget", "tftp"]),
    (Interpreter, &["perl", "python", "python3", "ruby", "node", "php", "lua", "awk", "mawk"]),
    (Compiler, &["gcc", "cc", "g++", "clang", "make", "ld", "as", "go", "rustc", "javac"]),
    (Debugger, &["gdb", "strace", "ltrace", "lldb"]),
    (Privilege, &["su", "sudo", "doas", "mount", "umount", "chroot", "nsenter", "unshare"]),
    (Orchestration, &["kubectl", "docker", "crictl", "ctr", "helm", "aws", "gcloud", "az"]),
];

/// The catalogue's own text of a name, if it is in it.
pub(super) fn name(name: &str) -> Option<&'static str> {
    CATALOGUE.iter().flat_map(|(_, names)| *names).find(|known| **known == name).copied()
}

/// What a program of this name is for.
pub(super) fn kind(name: &str) -> Option<UtilityKind> {
    CATALOGUE.iter().find(|(_, names)| names.contains(&name)).map(|(kind, _)| *kind)
}
