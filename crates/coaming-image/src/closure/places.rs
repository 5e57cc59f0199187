//! Which folders are the system's, and which may be an application's.

/// Folders that everybody shares: that a program names one does not mean all that is in it.
const SHARED: &[&str] = &[
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/var",
    "/etc/alternatives",
    "/etc/cron.d",
    "/etc/default",
    "/etc/init.d",
    "/etc/logrotate.d",
    "/etc/opt",
    "/etc/pam.d",
    "/etc/profile.d",
    "/etc/security",
    "/etc/ssl",
    "/etc/systemd",
    "/etc/xdg",
    "/run/lock",
    "/usr/bin",
    "/usr/games",
    "/usr/include",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/local",
    "/usr/sbin",
    "/usr/share",
    "/usr/src",
    "/usr/local/bin",
    "/usr/local/etc",
    "/usr/local/games",
    "/usr/local/include",
    "/usr/local/lib",
    "/usr/local/lib64",
    "/usr/local/libexec",
    "/usr/local/sbin",
    "/usr/local/share",
    "/usr/local/src",
    "/usr/share/applications",
    "/usr/share/bug",
    "/usr/share/dict",
    "/usr/share/doc",
    "/usr/share/i18n",
    "/usr/share/icons",
    "/usr/share/info",
    "/usr/share/lintian",
    "/usr/share/locale",
    "/usr/share/man",
    "/usr/share/misc",
    "/usr/share/terminfo",
    "/usr/share/zoneinfo",
    "/var/backups",
    "/var/cache",
    "/var/lib",
    "/var/local",
    "/var/lock",
    "/var/log",
    "/var/mail",
    "/var/opt",
    "/var/run",
    "/var/spool",
    "/var/tmp",
    "/lib/systemd",
    "/lib/udev",
    "/usr/lib/systemd",
    "/usr/lib/udev",
    "/usr/lib/tmpfiles.d",
    "/usr/lib/sysusers.d",
    "/usr/lib/locale",
    "/usr/lib/debug",
];

/// Folders whose contents are never an application's: the system's own and its leftovers.
const SYSTEM: &[&str] = &[
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/media", "/mnt",
    "/proc", "/root", "/run", "/sbin", "/sys", "/tmp", "/usr", "/var",
];

/// Parts of paths whose files no program needs to run.
const NEEDLESS: &[&str] = &[
    "/usr/share/doc/",
    "/usr/share/man/",
    "/usr/share/info/",
    "/usr/share/lintian/",
    "/usr/share/bug/",
    "/usr/share/locale/",
    "/usr/share/bash-completion/",
    "/usr/share/zsh/vendor-completions/",
    "/usr/share/fish/",
    "/usr/share/applications/",
    "/usr/share/apport/",
    "/usr/share/gdb/",
    "/usr/share/gtk-doc/",
    "/usr/share/menu/",
    "/usr/share/pixmaps/",
    "/usr/include/",
    "/etc/init.d/",
    "/etc/cron.d/",
    "/etc/cron.daily/",
    "/etc/cron.weekly/",
    "/etc/cron.monthly/",
    "/etc/cron.hourly/",
    "/etc/logrotate.d/",
    "/etc/apparmor.d/",
    "/etc/ufw/",
    "/etc/bash_completion.d/",
    "/etc/apt/",
    "/lib/systemd/",
    "/usr/lib/systemd/",
    "/usr/lib/debug/",
    "/usr/lib/tmpfiles.d/",
    "/usr/lib/sysusers.d/",
    "/lib/udev/",
    "/usr/lib/udev/",
    "/var/cache/",
    "/var/lib/dpkg/",
    "/var/lib/apt/",
    "/var/lib/apk/",
    "/var/lib/rpm/",
    "/lib/apk/",
    "/usr/lib/apk/",
    "/etc/apk/",
];

/// Folders that programs lie in.
const PROGRAMS: &[&str] = &["bin", "sbin", "games", "libexec"];

/// Whether a folder, without links, is one that everybody shares, or one of a processor's libraries.
pub(crate) fn is_shared(folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    let parent = crate::tree::folder_of(folder);
    let name = crate::tree::name_of(folder);
    folder.is_empty()
        || SHARED.contains(&folder)
        // Its tables are kept for who converts, and not for who names it.
        || name == "gconv"
        || matches!(parent, "/usr/lib" | "/lib" | "/usr/local/lib") && is_triple(name)
        || NEEDLESS.iter().any(|needless| needless.trim_end_matches('/') == folder)
}

/// Whether a folder is named by a processor and a system: `x86_64-linux-gnu`.
pub(crate) fn is_triple(name: &str) -> bool {
    name.contains("-linux-")
}

/// Whether a path lies in a folder of the system.
pub(crate) fn is_system(path: &str) -> bool {
    path == "/" || SYSTEM.iter().any(|folder| is_within(path, folder))
}

/// Whether no program needs this file to run: documentation, a service manager's units.
pub(crate) fn is_needless(path: &str) -> bool {
    NEEDLESS.iter().any(|folder| path.starts_with(folder))
        || path.split('/').any(|part| part == "__pycache__") && path.contains("/test/")
}

/// Whether a file lies where programs do.
pub(crate) fn is_program_place(path: &str) -> bool {
    let folder = crate::tree::folder_of(path);
    PROGRAMS.contains(&crate::tree::name_of(folder))
}

/// Whether a path is a folder or lies in it.
pub(crate) fn is_within(path: &str, folder: &str) -> bool {
    folder == "/"
        || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
