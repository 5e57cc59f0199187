//! A directory whose files change together, as those of the kubelet do.
//!
//! ```text
//! password -> ..data/password
//! ..data   -> ..generation-1f3a
//! ..generation-1f3a/password
//! ```
//!
//! Invariant: a reader sees the files of one generation, whole, at any time: the link `..data` is
//! replaced by `rename`, and the former generation is removed after that.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink,
};
use std::path::{Path, PathBuf};

use crate::Value;

/// The link to the current generation.
const CURRENT: &str = "..data";
/// What the names of generations begin with.
const GENERATION: &str = "..generation-";

/// A file to write.
#[derive(Debug)]
pub struct File {
    /// Its name.
    pub name: String,
    /// Its content.
    pub content: Value,
    /// Its mode.
    pub mode: u32,
}

/// A directory of files.
#[derive(Clone, Debug)]
pub struct Volume {
    directory: PathBuf,
    owner: Option<u32>,
    group: Option<u32>,
}

impl Volume {
    /// A volume in this directory, whose files get this owner and group.
    #[must_use]
    pub fn new(directory: PathBuf, owner: Option<u32>, group: Option<u32>) -> Self {
        Self { directory, owner, group }
    }

    /// Whether there is a generation.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.directory.join(CURRENT).exists()
    }

    /// Whether the current generation has exactly these files.
    #[must_use]
    pub fn has(&self, files: &[File]) -> bool {
        let current = self.directory.join(CURRENT);
        let same = |file: &File| {
            let path = current.join(&file.name);
            let mode = fs::metadata(&path).map(|found| found.mode() & 0o7777);
            mode.is_ok_and(|mode| mode == file.mode)
                && fs::read(&path).map(Value::new).is_ok_and(|found| found == file.content)
        };
        let count = fs::read_dir(&current).map(Iterator::count).unwrap_or(0);
        count == files.len() && files.iter().all(same)
    }

    /// Makes these files the current generation.
    ///
    /// # Errors
    ///
    /// The system's. The current generation is then what it was before.
    pub fn replace(&self, files: &[File]) -> io::Result<()> {
        fs::create_dir_all(&self.directory)?;
        let name = format!("{GENERATION}{:016x}", fastrand::u64(..));
        let generation = self.directory.join(&name);
        let written = self.write(&generation, files).and_then(|()| self.switch(&name, files));
        if written.is_err() {
            drop(fs::remove_dir_all(&generation));
        }
        written?;
        self.remove_all_but(&name)
    }

    /// Removes all files.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn clear(&self) -> io::Result<()> {
        match fs::remove_file(self.directory.join(CURRENT)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => self.remove_all_but(""),
        }
    }

    fn write(&self, generation: &Path, files: &[File]) -> io::Result<()> {
        DirBuilder::new().mode(0o755).create(generation)?;
        // Whatever the umask is, the group's bit that a volume's group needs stays.
        let mode = fs::metadata(generation)?.mode() & 0o7777;
        fs::set_permissions(generation, fs::Permissions::from_mode(mode | 0o755))?;
        for file in files {
            let mut out = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(file.mode | 0o200)
                .open(generation.join(&file.name))?;
            out.write_all(file.content.expose())?;
            if self.owner.is_some() || self.group.is_some() {
                let owner = self.owner.map(rustix::fs::Uid::from_raw);
                let group = self.group.map(rustix::fs::Gid::from_raw);
                rustix::fs::fchown(&out, owner, group)?;
            }
            out.set_permissions(fs::Permissions::from_mode(file.mode))?;
            out.sync_all()?;
        }
        Ok(())
    }

    /// Makes a generation the current one, and links to its files.
    fn switch(&self, generation: &str, files: &[File]) -> io::Result<()> {
        let link = |target: &str, name: &str| {
            let temporary = self.directory.join(format!("..link-{:016x}", fastrand::u64(..)));
            symlink(target, &temporary)?;
            let renamed = fs::rename(&temporary, self.directory.join(name));
            if renamed.is_err() {
                drop(fs::remove_file(&temporary));
            }
            renamed
        };
        link(generation, CURRENT)?;
        for file in files {
            let target = format!("{CURRENT}/{}", file.name);
            let there = fs::read_link(self.directory.join(&file.name));
            if there.ok().as_deref() != Some(Path::new(&target)) {
                link(&target, &file.name)?;
            }
        }
        Ok(())
    }

    /// Removes other generations, and links to files that no longer exist.
    fn remove_all_but(&self, generation: &str) -> io::Result<()> {
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let (name, path) = (entry.file_name(), entry.path());
            let name = name.to_string_lossy();
            if name.starts_with(GENERATION) && name != generation {
                fs::remove_dir_all(&path)?;
            } else if fs::read_link(&path).is_ok_and(|target| target.starts_with(CURRENT))
                && !path.exists()
            {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, content: &str) -> File {
        File { name: name.into(), content: Value::new(content.into()), mode: 0o400 }
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn generations_replace_each_other() {
        let directory = tempfile::tempdir().unwrap();
        let volume = Volume::new(directory.path().join("db"), None, None);
        assert!(!volume.is_there());
        volume.replace(&[file("a", "1"), file("b", "2")]).unwrap();
        let path = directory.path().join("db");
        assert_eq!(fs::read_to_string(path.join("b")).unwrap(), "2");
        assert_eq!(fs::metadata(path.join("a")).unwrap().mode() & 0o7777, 0o400);
        assert!(volume.has(&[file("a", "1"), file("b", "2")]));
        assert!(!volume.has(&[file("a", "1")]) && !volume.has(&[file("a", "1"), file("b", "3")]));
        volume.replace(&[file("a", "3")]).unwrap();
        assert_eq!(fs::read_to_string(path.join("a")).unwrap(), "3");
        let left = names(&path);
        assert_eq!(left.len(), 3, "{left:?}");
        volume.clear().unwrap();
        assert!(names(&path).is_empty() && !volume.is_there());
        volume.clear().unwrap();
    }

    #[test]
    fn a_reader_in_a_loop_never_sees_half_of_a_change() {
        let directory = tempfile::tempdir().unwrap();
        let volume = Volume::new(directory.path().to_path_buf(), None, None);
        let content = |number: usize| number.to_string().repeat(10_000);
        volume.replace(&[file("a", &content(0))]).unwrap();
        let path = directory.path().join("a");
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut seen = 0;
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    // Between following the link and opening the file, its generation may end.
                    let Ok(text) = fs::read_to_string(&path) else { continue };
                    assert_eq!(text.len(), 10_000);
                    assert!(text.bytes().all(|byte| Some(byte) == text.bytes().next()));
                    seen += 1;
                }
                seen
            });
            for number in 1..200 {
                volume.replace(&[file("a", &content(number % 10))]).unwrap();
            }
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(reader.join().unwrap() > 0);
        });
    }
}
