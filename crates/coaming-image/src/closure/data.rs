//! What programs read: the application's own files, the data of their packages, and what every
//! program needs.

use std::collections::BTreeSet;

use super::runtimes::is_of_unused_runtime;
use super::walk::{Walk, is_data};
use super::{Reason, directories};
use crate::EntryKind;
use crate::tree::{Node, directory_of, name_of};

/// Files and directories that nearly all programs need, if the image has them.
const SYSTEM: &[&str] = &[
    "/etc/passwd",
    "/etc/group",
    "/etc/nsswitch.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/resolv.conf",
    "/etc/protocols",
    "/etc/services",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/os-release",
    "/usr/lib/os-release",
    "/etc/debian_version",
    "/etc/alpine-release",
    "/etc/redhat-release",
    "/etc/mime.types",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/machine-id",
    "/etc/ethers",
    "/etc/rpc",
    "/etc/networks",
];

/// Directories that are kept with all that is in them.
const SYSTEM_DIRECTORIES: &[&str] = &[
    "/etc/ssl/certs",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
    "/etc/ld.so.conf.d",
    "/usr/share/zoneinfo",
    "/usr/local/share/ca-certificates",
    "/usr/share/ca-certificates",
];

/// Directories that are kept without what is in them.
const EMPTY_DIRECTORIES: &[&str] = &[
    "/bin",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/sbin",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/lock",
    "/var/log",
    "/var/run",
    "/var/spool",
    "/var/tmp",
    "/run/lock",
];

/// Files for administration, which no program needs to run.
const ADMINISTRATION: &[&str] = &[
    "/etc/.pwd.lock",
    "/etc/passwd-",
    "/etc/group-",
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/subuid",
    "/etc/subuid-",
    "/etc/subgid",
    "/etc/subgid-",
    "/etc/profile",
    "/etc/bash.bashrc",
    "/etc/environment",
    "/etc/fstab",
    "/etc/motd",
    "/etc/issue",
    "/etc/issue.net",
    "/etc/shells",
    "/etc/adduser.conf",
    "/etc/deluser.conf",
    "/etc/login.defs",
    "/etc/inputrc",
    "/etc/securetty",
    "/etc/mtab",
    "/etc/hostname",
    "/etc/debconf.conf",
    "/etc/ca-certificates.conf",
    "/etc/ca-certificates.conf.dpkg-old",
    "/etc/mailcap",
];

/// Directories for administration.
const ADMINISTRATION_DIRECTORIES: &[&str] = &[
    "/etc/alternatives",
    "/etc/apt",
    "/etc/dpkg",
    "/etc/init.d",
    "/etc/rc0.d",
    "/etc/rc1.d",
    "/etc/rc2.d",
    "/etc/rc3.d",
    "/etc/rc4.d",
    "/etc/rc5.d",
    "/etc/rc6.d",
    "/etc/rcS.d",
    "/etc/cron.d",
    "/etc/cron.daily",
    "/etc/skel",
    "/etc/systemd",
    "/etc/pam.d",
    "/etc/profile.d",
    "/etc/security",
    "/etc/default",
    "/etc/apk",
    "/etc/yum.repos.d",
    "/etc/ssl",
    "/etc/ca-certificates",
    "/etc/update-motd.d",
    "/etc/logrotate.d",
    "/etc/kernel",
    "/etc/selinux",
    "/etc/terminfo",
];

impl Walk<'_> {
    /// Keeps what the programs in the closure read, and walks on from there.
    pub(super) fn data(&mut self) {
        self.system();
        self.configured();
        self.application();
        self.packages();
        self.run();
        self.named();
        self.run();
    }

    fn system(&mut self) {
        for path in SYSTEM {
            self.keep(path, Reason::System, "");
        }
        for directory in SYSTEM_DIRECTORIES {
            if self.tree.find(directory).is_some() {
                self.keep_directory(directory, Reason::System, "", &is_data);
            }
        }
        for directory in EMPTY_DIRECTORIES {
            self.keep(directory, Reason::System, "");
        }
        // OpenSSL reads its settings from a directory that also has files it does not need.
        if self.files.keys().any(|path| name_of(path).starts_with("libcrypto.so")) {
            for path in ["/etc/ssl/openssl.cnf", "/usr/lib/ssl/openssl.cnf", "/usr/lib/ssl/certs"] {
                self.keep(path, Reason::Named, "libcrypto");
            }
        }
    }

    /// Keeps what the configuration names: the working directory, volumes, the user's home, and
    /// paths in variables.
    fn configured(&mut self) {
        let directory = self.start.directory.clone();
        if directory != "/" {
            self.keep(&directory, Reason::Configured, "WORKDIR");
        }
        self.own_directory(&directory, "WORKDIR");
        for volume in &self.config.volumes {
            self.keep(volume, Reason::Configured, "VOLUME");
            self.own_directory(volume, "VOLUME");
        }
        for (name, value) in &self.config.environment {
            let Some(value) = value.as_deref().filter(|_| name != "PATH") else { continue };
            for path in value.split(':').filter(|path| path.starts_with('/')) {
                let Some((found, node)) = self.tree.find(path) else { continue };
                if node.is_directory() && !directories::is_shared(found) {
                    self.keep_directory(path, Reason::Configured, name, &is_data);
                } else if !node.is_directory() {
                    self.keep(path, Reason::Configured, name);
                }
            }
        }
        if let Some(home) = self.home() {
            self.keep(&home, Reason::Configured, "HOME");
        }
    }

    /// Keeps a directory with all that is in it, if only the application uses it.
    fn own_directory(&mut self, directory: &str, of: &str) {
        if self.tree.find(directory).is_some_and(|(found, _)| !directories::is_shared(found)) {
            self.keep_directory(directory, Reason::Application, of, &|_, _| true);
        }
    }

    /// The home of the image's user in `/etc/passwd`.
    fn home(&self) -> Option<String> {
        let user = self.config.user.split(':').next().unwrap_or_default();
        let user = if user.is_empty() { "0" } else { user };
        let (_, passwd) = self.tree.find("/etc/passwd")?;
        passwd.text()?.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let is = *fields.first()? == user || *fields.get(2)? == user;
            is.then(|| fields.get(5).map(|home| (*home).to_owned())).flatten()
        })
    }

    /// Keeps what no package owns, as a part of the application: everything outside the directories
    /// of the system, and in `/etc` what is not for administration.
    fn application(&mut self) {
        let tree = self.tree;
        // An application's settings are in a directory in which no package owns a file.
        let mut owned_directories: BTreeSet<&str> = BTreeSet::new();
        for (path, node) in tree.below("/etc") {
            if !node.is_directory() && !tree.owners.of(path).is_empty() {
                owned_directories.insert(directory_of(path));
            }
        }
        let used: Vec<String> = self.files.keys().cloned().collect();
        let used = used.iter().map(String::as_str);
        for (path, node) in tree.iter().filter(|(path, _)| tree.owners.of(path).is_empty()) {
            if node.kind == EntryKind::Special || is_of_unused_runtime(path, used.clone()) {
                continue;
            }
            if directories::is_within(path, "/etc") {
                let administration = ADMINISTRATION.contains(&path)
                    || ADMINISTRATION_DIRECTORIES.iter().any(|it| directories::is_within(path, it));
                let directory = directory_of(path);
                let own = directory == "/etc" || !owned_directories.contains(directory);
                if !node.is_directory() && !administration && own && node.kind == EntryKind::File {
                    self.keep(path, Reason::Application, "");
                }
            } else if !directories::is_system(path)
                && !directories::is_needless(path)
                && (!node.is_directory() || !directories::is_shared(path))
            {
                self.keep(path, Reason::Application, "");
            }
        }
    }

    /// Keeps data and settings of the packages that own the started programs, and of needed
    /// packages that were built from the same source.
    fn packages(&mut self) {
        let owners = &self.tree.owners;
        let mut wanted: BTreeSet<&str> = BTreeSet::new();
        for program in &self.started {
            for name in owners.of(program) {
                let Some((_, package)) = owners.package(name) else { continue };
                let source = &package.source;
                wanted.extend(owners.with_needs(name).into_iter().filter(|other| {
                    *other == &**name
                        || owners.package(other).is_some_and(|(_, it)| it.source == *source)
                }));
            }
        }
        for name in wanted {
            let Some((_, package)) = owners.package(name) else { continue };
            for path in &package.files {
                let Some(node) = self.tree.get(path) else { continue };
                if node.is_directory() {
                    let shared = directories::is_shared(path)
                        || owners
                            .of(path)
                            .iter()
                            .any(|other| **other != *name && !same(owners, other, package));
                    if !shared && !directories::is_needless(&format!("{path}/")) {
                        self.keep_directory(path, Reason::Data, name, &is_data);
                    }
                } else if is_data(path, node) {
                    self.keep(path, Reason::Data, name);
                }
            }
        }
    }

    /// Keeps what the programs and libraries in the closure name in their constants.
    fn named(&mut self) {
        let used: Vec<String> = self
            .files
            .keys()
            .filter(|path| self.tree.get(path).is_some_and(Node::is_elf))
            .cloned()
            .collect();
        for path in used {
            let Some(elf) = self.tree.get(&path).and_then(Node::elf) else { continue };
            for name in &elf.named {
                self.name(name, &path);
            }
        }
    }
}

/// Whether a package was built from the same source as another.
fn same(owners: &super::Owners, name: &str, package: &super::OwnedPackage) -> bool {
    owners.package(name).is_some_and(|(_, other)| other.source == package.source)
}
