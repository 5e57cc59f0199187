//! A directory in memory that only this process and its children see.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

#[cfg(target_os = "linux")]
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
#[cfg(target_os = "linux")]
use rustix::thread::UnshareFlags;

/// Why there is no such directory.
#[derive(Debug, thiserror::Error)]
pub enum PrivateError {
    /// The system does not allow a mount namespace: neither root, nor user namespaces.
    #[error(
        "this system allows no private mounts here (root, or user namespaces, are needed): {0}"
    )]
    Namespace(#[source] io::Error),
    /// The directory cannot be made, or is someone else's.
    #[error("{path}: {reason}")]
    Directory {
        /// The directory.
        path: String,
        /// Why.
        reason: String,
    },
    /// The file system in memory cannot be mounted.
    #[error("cannot mount a file system in memory: {0}")]
    Mount(#[source] io::Error),
}

/// Moves this process into a mount namespace of its own, in which `directory` is a file system in
/// memory of at most `bytes`. The process must have no other threads.
///
/// # Errors
///
/// See [`PrivateError`].
#[cfg(target_os = "linux")]
pub fn enter_private_directory(directory: &Path, bytes: u64) -> Result<PathBuf, PrivateError> {
    let (user, group) = (rustix::process::getuid(), rustix::process::getgid());
    make(directory, user.as_raw())?;
    let namespace = |error: rustix::io::Errno| PrivateError::Namespace(error.into());
    if user.is_root() {
        unshare(UnshareFlags::NEWNS).map_err(namespace)?;
    } else {
        unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS).map_err(namespace)?;
        let maps = [
            ("/proc/self/setgroups", "deny".to_owned()),
            ("/proc/self/uid_map", format!("{0} {0} 1", user.as_raw())),
            ("/proc/self/gid_map", format!("{0} {0} 1", group.as_raw())),
        ];
        for (file, text) in maps {
            fs::write(file, text).map_err(PrivateError::Namespace)?;
        }
    }
    let mounting = |error: rustix::io::Errno| PrivateError::Mount(error.into());
    // What is mounted here must not appear outside.
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).map_err(mounting)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let options = std::ffi::CString::new(format!("mode=0700,size={bytes}"))
        .map_err(|error| PrivateError::Mount(error.into()))?;
    mount("tmpfs", directory, "tmpfs", flags, Some(options.as_c_str())).map_err(mounting)?;
    Ok(directory.to_path_buf())
}

#[cfg(not(target_os = "linux"))]
/// Other systems have no mount namespaces.
///
/// # Errors
///
/// Always.
pub fn enter_private_directory(directory: &Path, _: u64) -> Result<PathBuf, PrivateError> {
    make(directory, rustix::process::getuid().as_raw())?;
    Err(PrivateError::Namespace(io::ErrorKind::Unsupported.into()))
}

/// The directory, for its owner alone.
fn make(directory: &Path, user: u32) -> Result<(), PrivateError> {
    let failed = |reason: &dyn std::fmt::Display| PrivateError::Directory {
        path: directory.display().to_string(),
        reason: reason.to_string(),
    };
    match fs::DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(&error)),
        _ => {}
    }
    let found = fs::symlink_metadata(directory).map_err(|error| failed(&error))?;
    if !found.is_dir() || found.uid() != user {
        return Err(failed(&"is not a directory of this user"));
    }
    Ok(())
}

#[cfg(target_os = "linux")]
#[expect(
    deprecated,
    reason = "unsafe only with FILES, which leaves other threads with closed files"
)]
fn unshare(flags: UnshareFlags) -> rustix::io::Result<()> {
    rustix::thread::unshare(flags)
}
