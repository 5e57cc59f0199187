//! What a build reads: files by their paths.

use std::sync::Arc;

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// Nothing, or something that is neither.
    Missing,
}

/// The files that a build may read. Paths have `/` between their parts and are normalized: `..` is
/// only at their start. `.` is the directory that paths are relative to.
pub trait Files {
    /// What is at a path.
    fn kind(&self, path: &str) -> FileKind;

    /// The path after all links, by which a build checks where a file is.
    fn real_path(&self, path: &str) -> String;

    /// The content of a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is larger than files may be; the text says which.
    fn read(&self, path: &str) -> Result<Arc<[u8]>, String>;

    /// The files of a chart: those below a directory, named relative to it, or the one file of a
    /// packed chart.
    ///
    /// # Errors
    ///
    /// The chart cannot be read, or is too large; the text says which.
    fn chart(&self, path: &str) -> Result<Vec<(String, Vec<u8>)>, String>;
}

/// Whether Kustomize would fetch this reference, which names no local file, from another machine:
/// a URL, a host with a path, or any of the forms that git takes.
#[must_use]
pub fn is_remote(reference: &str) -> bool {
    let first = reference.split(['/', ':']).next().unwrap_or_default();
    let rest = reference.get(first.len()..).unwrap_or_default();
    let is_file = [".yaml", ".yml", ".json"].iter().any(|ending| reference.ends_with(ending));
    let is_host = !first.starts_with('.') && first.contains('.') && rest.len() > 1;
    reference.contains("://")
        || ["?ref=", "?version=", "?timeout=", "?submodules="]
            .iter()
            .any(|query| reference.contains(query))
        || reference.starts_with("git::")
        || reference.contains(".git/")
        || reference.ends_with(".git")
        || first.contains('@') && rest.starts_with(':')
        || is_host && !is_file
}

/// The name of a file by a reference from a directory, both with `/`: `.` and `..` are resolved as far as the names
/// tell. The result starts with `..` only if it is above the directory that relative names start from.
#[must_use]
pub fn join(directory: &str, reference: &str) -> String {
    let is_absolute = reference.starts_with('/');
    let base = if is_absolute { "" } else { directory };
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(reference.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if is_absolute || directory.starts_with('/') => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if is_absolute || directory.starts_with('/') {
        format!("/{joined}")
    } else if joined.is_empty() {
        ".".to_owned()
    } else {
        joined
    }
}

/// Whether a path is a directory or below it; both are real paths.
pub(crate) fn is_within(path: &str, directory: &str) -> bool {
    let directory = directory.trim_end_matches('/');
    directory == "." && !path.starts_with("../") && path != ".." && !path.starts_with('/')
        || path == directory
        || path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

/// The last part of a path.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_fetched() {
        for yes in [
            "https://example.com/a.yaml",
            "deploy@git.example.com:org/repo.git",
            "org-1@github.com:org/repo",
            "GitHub.com/org/repo",
            "github.com:org/repo",
            "git::github.com/org/repo",
            "git@github.com:org/repo//deploy?ref=v1",
            "ssh://git@example.com/org/repo",
            "example.com/org/repo.git//base",
        ] {
            assert!(is_remote(yes), "{yes}");
        }
        for no in ["gone.yaml", "../base", "./a/b.yaml", "base", "a/b", "v1.2/web.yaml", ".."] {
            assert!(!is_remote(no), "{no}");
        }
    }

    #[test]
    fn paths_are_joined() {
        assert_eq!(join("a/b", "../c"), "a/c");
        assert_eq!(join(".", "../../c/./d/"), "../../c/d");
        assert_eq!(join("a", ".."), ".");
        assert_eq!(join("/a", "../../b"), "/b");
        assert_eq!(join("a", "/b/../c"), "/c");
        assert_eq!(join("..", "../a"), "../../a");
    }

    #[test]
    fn directories_contain_what_is_below() {
        assert!(is_within("a/b", "a") && is_within("a", "a") && is_within("b", "."));
        assert!(!is_within("ab", "a") && !is_within("../b", ".") && !is_within("a", "a/b"));
    }
}
