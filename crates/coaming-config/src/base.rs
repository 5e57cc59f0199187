//! Names of files as the configuration's patterns see them.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

/// Where patterns of paths start: the directory of `coaming.yaml`, wherever the command runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PatternBase {
    /// The configuration's directory, absolute; `None` where there is no file.
    directory: Option<PathBuf>,
    /// The directory that displayed names are relative to, absolute.
    current: PathBuf,
}

impl PatternBase {
    /// Patterns start at `directory`, and displayed names at `current`; both are absolute.
    #[must_use]
    pub fn new(directory: &Path, current: &Path) -> Self {
        Self { directory: Some(normalized(directory)), current: normalized(current) }
    }

    /// Whether everything that patterns can match is in this directory, which is absolute.
    #[must_use]
    pub fn contains_all(&self, path: &Path) -> bool {
        let path = normalized(path);
        self.directory.as_ref().is_none_or(|directory| directory.starts_with(&path))
    }

    /// A displayed name as it is seen from the configuration's directory. A file that is not below
    /// that directory keeps its displayed name.
    #[must_use]
    pub fn relative<'n>(&self, name: &'n str) -> Cow<'n, str> {
        let Some(directory) = &self.directory else { return Cow::Borrowed(name) };
        let is_below = !name.starts_with('/') && !name.starts_with("..");
        if is_below && *directory == self.current {
            return Cow::Borrowed(name);
        }
        let path = normalized(&self.current.join(name));
        let Ok(relative) = path.strip_prefix(directory) else { return Cow::Borrowed(name) };
        let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
        Cow::Owned(parts.join("/"))
    }
}

/// The path without `.` and `..`, as far as the text says.
fn normalized(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_relative_to_the_configuration() {
        let seen = |directory: &str, current: &str, name: &str| {
            let base = PatternBase::new(Path::new(directory), Path::new(current));
            base.relative(name).into_owned()
        };
        assert_eq!(seen("/a", "/a", "b/c.yaml"), "b/c.yaml");
        assert_eq!(seen("/a", "/a/b", "c.yaml"), "b/c.yaml");
        assert_eq!(seen("/a/b", "/a", "b/c.yaml"), "c.yaml");
        assert_eq!(seen("/a/b", "/x", "/a/b/c.yaml"), "c.yaml");
        assert_eq!(seen("/a/b", "/a/b/d", "../c.yaml"), "c.yaml");
        assert_eq!(seen("/a/b", "/a", "<stdin>"), "<stdin>");
        // Outside of the configuration's directory: as displayed.
        assert_eq!(seen("/etc", "/a", "b/c.yaml"), "b/c.yaml");
        assert_eq!(PatternBase::default().relative("b.yaml"), "b.yaml");
    }
}
