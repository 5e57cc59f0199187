//! What operating systems do differently: reading at an offset, links, owners and permissions of files.
//!
//! Invariant: on a system without owners and permissions, everything in a directory belongs to root and may be
//! read and run: what an image grants is rather shown too much than too little.

pub(crate) use system::{Attributes, capability_of, file_identity, open_without_links, read_at};

#[cfg(unix)]
mod system {
    use std::fs::{File, Metadata};
    use std::io;
    use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
    use std::path::Path;

    /// Reads at an offset; the file's own position does not matter.
    pub(crate) fn read_at(file: &File, target: &mut [u8], offset: u64) -> io::Result<usize> {
        file.read_at(target, offset)
    }

    /// Opens a file, but no link, and without waiting for the writer of a pipe.
    pub(crate) fn open_without_links(path: &Path) -> io::Result<File> {
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        File::options().read(true).custom_flags(i32::try_from(flags.bits()).unwrap_or(0)).open(path)
    }

    /// What identifies the state of a file: which file, its length, and its last change.
    pub(crate) fn file_identity(file: &File) -> Option<String> {
        let metadata = file.metadata().ok()?;
        Some(format!(
            "{}:{}:{}:{}.{}",
            metadata.dev(),
            metadata.ino(),
            metadata.len(),
            metadata.ctime(),
            metadata.ctime_nsec()
        ))
    }

    /// The file capabilities of a program, as the kernel stores them; empty if it has none.
    pub(crate) fn capability_of(path: &Path) -> Vec<u8> {
        let mut value = [0_u8; 64];
        match rustix::fs::lgetxattr(path, "security.capability", &mut value) {
            Ok(length) => value.get(..length).unwrap_or_default().to_vec(),
            Err(_) => Vec::new(),
        }
    }

    /// The owner, the permissions and the last change of a file.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Attributes {
        pub(crate) mode: u32,
        pub(crate) uid: u32,
        pub(crate) gid: u32,
        pub(crate) modified: i64,
    }

    impl From<&Metadata> for Attributes {
        fn from(metadata: &Metadata) -> Self {
            Self {
                mode: metadata.mode() & 0o7777,
                uid: metadata.uid(),
                gid: metadata.gid(),
                modified: metadata.mtime(),
            }
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::fs::{File, Metadata};
    use std::io;
    use std::path::Path;
    use std::time::UNIX_EPOCH;

    /// Reads at an offset; nothing may rely on the file's own position.
    #[cfg(windows)]
    pub(crate) fn read_at(file: &File, target: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(file, target, offset)
    }

    /// There are no files where nothing can be read at an offset, as in a browser.
    #[cfg(not(windows))]
    pub(crate) fn read_at(_: &File, _: &mut [u8], _: u64) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Opens a file, but no link.
    pub(crate) fn open_without_links(path: &Path) -> io::Result<File> {
        if path.is_symlink() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a link"));
        }
        File::open(path)
    }

    /// What identifies the state of a file: its length, and its last change.
    pub(crate) fn file_identity(file: &File) -> Option<String> {
        let metadata = file.metadata().ok()?;
        let changed = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(format!("{}:{}", metadata.len(), changed.as_nanos()))
    }

    /// There are no file capabilities.
    pub(crate) fn capability_of(_: &Path) -> Vec<u8> {
        Vec::new()
    }

    /// The owner, the permissions and the last change of a file.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Attributes {
        pub(crate) mode: u32,
        pub(crate) uid: u32,
        pub(crate) gid: u32,
        pub(crate) modified: i64,
    }

    impl From<&Metadata> for Attributes {
        fn from(metadata: &Metadata) -> Self {
            let changed =
                metadata.modified().ok().and_then(|it| it.duration_since(UNIX_EPOCH).ok());
            let changed = changed.and_then(|it| i64::try_from(it.as_secs()).ok());
            Self { mode: 0o755, uid: 0, gid: 0, modified: changed.unwrap_or(0) }
        }
    }
}
