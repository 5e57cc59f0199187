//! Which directories belong to the system, and which may belong to an application.

/// Directories that many programs share: a program that names one does not need all that is in it.
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

/// Directories whose contents never belong to an application.
const SYSTEM: &[&str] = &[
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/media", "/mnt",
    "/proc", "/root", "/run", "/sbin", "/sys", "/tmp", "/usr", "/var",
];

/// Directories with files that no program needs to run.
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

/// The names of directories with programs.
const PROGRAMS: &[&str] = &["bin", "sbin", "games", "libexec"];

/// Whether a directory, without links, is shared by many programs, or has libraries of one
/// architecture.
pub(crate) fn is_shared(directory: &str) -> bool {
    let directory = directory.trim_end_matches('/');
    let parent = crate::tree::directory_of(directory);
    let name = crate::tree::name_of(directory);
    directory.is_empty()
        || SHARED.contains(&directory)
        // Its tables are kept for programs that convert, not for those that name the directory.
        || name == "gconv"
        || matches!(parent, "/usr/lib" | "/lib" | "/usr/local/lib") && is_triple(name)
        || NEEDLESS.iter().any(|needless| needless.trim_end_matches('/') == directory)
}

/// Whether a directory is named after an architecture and a system: `x86_64-linux-gnu`.
pub(crate) fn is_triple(name: &str) -> bool {
    name.contains("-linux-")
}

/// Whether a path is in a directory of the system.
pub(crate) fn is_system(path: &str) -> bool {
    path == "/" || SYSTEM.iter().any(|directory| is_within(path, directory))
}

/// Whether no program needs this file to run, such as documentation or units of a service manager.
pub(crate) fn is_needless(path: &str) -> bool {
    NEEDLESS.iter().any(|directory| path.starts_with(directory))
        || path.split('/').any(|part| part == "__pycache__") && path.contains("/test/")
}

/// Whether a file is in a directory for programs.
pub(crate) fn is_in_program_directory(path: &str) -> bool {
    let directory = crate::tree::directory_of(path);
    PROGRAMS.contains(&crate::tree::name_of(directory))
}

/// Whether a path is a directory or is in it.
pub(crate) fn is_within(path: &str, directory: &str) -> bool {
    directory == "/"
        || path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
