//! Find the files that paths, directories and globs name.
//!
//! Only directories are opened here. Each file is found once, however often it is named.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, MAIN_SEPARATOR, Path, PathBuf};

use globset::GlobBuilder;
use ignore::WalkBuilder;

use crate::read::Expectation;
use crate::{InputError, Options};

/// A file that may be worth reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// The display name: relative as the user named it, with `/` between the parts.
    pub(crate) name: String,
    /// The user named the file itself, or a glob that selects it: it is read whatever its name, and
    /// must be readable.
    pub(crate) explicit: bool,
    /// The user named the file itself: it must contain objects.
    pub(crate) named: bool,
    /// It is a symbolic link.
    pub(crate) link: bool,
    /// It is in the directory of a kustomization, which does not list it as a resource: what is not a
    /// whole object in it is a patch.
    pub(crate) unlisted: bool,
}

impl Candidate {
    /// A file that something in the input refers to.
    pub(crate) fn referenced(path: PathBuf, name: String) -> Self {
        Self { path, name, explicit: false, named: false, link: false, unlisted: false }
    }

    /// What it should contain.
    pub(crate) fn expectation(&self) -> Expectation {
        match (self.named, self.explicit) {
            (true, _) => Expectation::Objects,
            (false, true) => Expectation::Syntax,
            (false, false) => Expectation::Anything,
        }
    }
}

/// The files that paths name.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The files, by display name.
    pub(crate) files: BTreeMap<String, Candidate>,
    /// Whether standard input was named.
    pub(crate) stdin: bool,
    /// Files that the user named, and that the configuration excludes.
    pub(crate) excluded: BTreeSet<String>,
    /// Directories that the user named, of which the configuration excludes files.
    pub(crate) thinned: BTreeSet<String>,
    /// Paths that name nothing, and directories that cannot be read.
    pub(crate) errors: Vec<InputError>,
}

/// Finds all files that `paths` name.
pub(crate) fn find(paths: &[PathBuf], options: &Options) -> Found {
    let mut found = Found::default();
    for path in paths {
        if path.as_os_str() == "-" {
            found.stdin = true;
        } else {
            add(path, options, &mut found);
        }
    }
    drop_duplicates(paths, &mut found);
    found
}

/// Keeps each file once: a link to another file that was found is left out, and so is a second name
/// of the same file.
fn drop_duplicates(paths: &[PathBuf], found: &mut Found) {
    let has_links = found.files.values().any(|file| file.link);
    let differ =
        paths.iter().any(|path| path.is_absolute()) && paths.iter().any(|path| path.is_relative());
    if !has_links && !differ {
        return;
    }
    let mut real: BTreeMap<PathBuf, (bool, String)> = BTreeMap::new();
    let mut twice = Vec::new();
    for file in found.files.values() {
        let Ok(path) = file.path.canonicalize() else { continue };
        let this = (file.link, file.name.clone());
        match real.entry(path) {
            Entry::Vacant(entry) => {
                entry.insert(this);
            }
            Entry::Occupied(mut entry) => {
                // The file itself rather than a link, and else the first name.
                let other = if this < *entry.get() { entry.insert(this) } else { this };
                twice.push(other.1);
            }
        }
    }
    for name in twice {
        found.files.remove(&name);
    }
}

fn add(path: &Path, options: &Options, found: &mut Found) {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => add_directory(path, options, None, found),
        Ok(_) => {
            let link = path.is_symlink();
            let candidate = Candidate {
                explicit: true,
                named: true,
                link,
                ..Candidate::referenced(path.to_path_buf(), display_name(path))
            };
            insert(candidate, options, found);
        }
        Err(_) if is_glob(path) => add_glob(path, options, found),
        Err(error) => {
            let reason = match error.kind() {
                std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
                _ => format!("cannot be read: {error}"),
            };
            found.errors.push(InputError::new(display_name(path), reason));
        }
    }
}

pub(crate) fn is_glob(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '[', '{'])
}

/// Expands a glob that the shell did not expand: walks the directory before its first wildcard.
fn add_glob(path: &Path, options: &Options, found: &mut Found) {
    let pattern = display_name(path);
    let glob = match GlobBuilder::new(&pattern).literal_separator(true).build() {
        Ok(glob) => glob.compile_matcher(),
        Err(error) => {
            found.errors.push(InputError::new(pattern, format!("not a valid glob: {error}")));
            return;
        }
    };
    let base: PathBuf =
        path.components().take_while(|part| !is_glob(Path::new(part.as_os_str()))).collect();
    let base = if base.as_os_str().is_empty() { PathBuf::from(".") } else { base };
    let before = found.files.len();
    if base.is_dir() {
        add_directory(&base, options, Some(&glob), found);
    }
    if found.files.len() == before {
        found.errors.push(InputError::new(pattern, "matches no file"));
    }
}

/// Directories of version control systems: what is in them is history, not input. Other hidden
/// directories (`.k8s`, `.helm`) are searched.
const VERSION_CONTROL: &[&str] = &[".git", ".hg", ".svn", ".jj", ".bzr"];

/// Where Terraform keeps the modules and providers that it downloads: a module there is judged where
/// it is used, if it is a local one.
const TERRAFORM_COPIES: &str = ".terraform";

fn add_directory(
    directory: &Path,
    options: &Options,
    only: Option<&globset::GlobMatcher>,
    found: &mut Found,
) {
    let mut builder = WalkBuilder::new(directory);
    let every_name = options.every_name;
    builder
        .standard_filters(false)
        .hidden(false)
        .filter_entry(move |entry| {
            // The user may name such a directory itself.
            let name = entry.file_name().to_string_lossy();
            let is_directory = entry.file_type().is_some_and(|kind| kind.is_dir());
            let is_copy = !every_name && name == TERRAFORM_COPIES;
            entry.depth() == 0 || !is_directory || !(VERSION_CONTROL.contains(&&*name) || is_copy)
        })
        .git_ignore(options.gitignore)
        .git_exclude(options.gitignore)
        .parents(options.gitignore)
        .ignore(options.gitignore)
        .require_git(false)
        .follow_links(false);
    for entry in builder.build() {
        match entry {
            Ok(entry) if entry.file_type().is_some_and(|kind| !kind.is_dir()) => {
                let name = display_name(entry.path());
                let wanted = only
                    .map_or_else(|| every_name || is_wanted(&name), |glob| glob.is_match(&name));
                // A link to a directory, a socket or a device is not a file to read.
                if wanted
                    && (entry.file_type().is_some_and(|kind| kind.is_file())
                        || entry.path().is_file())
                {
                    let link = entry.path_is_symlink();
                    let explicit = only.is_some();
                    let candidate = Candidate::referenced(entry.into_path(), name);
                    if !insert(Candidate { explicit, link, ..candidate }, options, found) {
                        found.thinned.insert(display_name(directory));
                    }
                }
            }
            Ok(_) => {}
            Err(error) => {
                found.errors.push(InputError::new(
                    display_name(directory),
                    format!("cannot be searched: {error}"),
                ));
            }
        }
    }
}

/// Whether a file in a directory is read, by its name.
fn is_wanted(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    [".yaml", ".yml", ".json", ".jsonl", ".ndjson", ".kubeconfig"]
        .iter()
        .any(|ending| ends_with(file, ending))
        || file == "Kustomization"
        || file == "kubeconfig"
        || is_helmfile_template(name)
        || is_dockerfile(file)
        || is_environment(file)
        || crate::terraform::is_module_file(name)
}

/// Whether the name is that of a helmfile that is a template.
pub(crate) fn is_helmfile_template(name: &str) -> bool {
    ends_with(name, ".gotmpl") && crate::release::is_helmfile(name)
}

/// Whether the name is that of a Dockerfile: `Dockerfile.prod`, `Dockerfile-alpine`, `web.Dockerfile`.
pub(crate) fn is_dockerfile(file: &str) -> bool {
    let named = |stem: &str| {
        let rest = file.get(stem.len()..).filter(|_| starts_with(file, stem));
        rest.is_some_and(|rest| {
            // `dockerfile-lint.yaml` is something else.
            let is_suffix = rest.starts_with(['-', '_']) && !rest.contains('.');
            rest.is_empty() || rest.starts_with('.') || is_suffix
        })
    };
    let is_one = ["dockerfile", "containerfile"].into_iter().any(named)
        || [".dockerfile", ".containerfile"].into_iter().any(|ending| ends_with(file, ending));
    is_one && !ends_with(file, ".dockerignore")
}

/// Whether the name is that of an environment file: `.env`, `.env.production`, `db.env`.
pub(crate) fn is_environment(file: &str) -> bool {
    starts_with(file, ".env.") || ends_with(file, ".env")
}

/// Whether a name starts with `start`, ignoring case.
fn starts_with(name: &str, start: &str) -> bool {
    let part = name.as_bytes().get(..start.len());
    part.is_some_and(|part| part.eq_ignore_ascii_case(start.as_bytes()))
}

/// Whether a name ends with `ending`, ignoring case.
fn ends_with(name: &str, ending: &str) -> bool {
    let part = name.len().checked_sub(ending.len()).and_then(|at| name.as_bytes().get(at..));
    part.is_some_and(|part| part.eq_ignore_ascii_case(ending.as_bytes()))
}

/// Adds a file, unless the configuration excludes it; returns whether it does not.
fn insert(candidate: Candidate, options: &Options, found: &mut Found) -> bool {
    if options.exclude.matches(&candidate.name) {
        if candidate.named {
            found.excluded.insert(candidate.name);
        }
        return false;
    }
    match found.files.entry(candidate.name.clone()) {
        Entry::Vacant(entry) => {
            entry.insert(candidate);
        }
        Entry::Occupied(mut entry) => {
            let known = entry.get_mut();
            known.explicit |= candidate.explicit;
            known.named |= candidate.named;
        }
    }
    true
}

/// The path that is read in the place of one that a user named: with `..` at most at its start. References between
/// files are resolved by their names, which must then be the same whichever way led to a file.
pub(crate) fn without_detours(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match (part, clean.components().next_back()) {
            (Component::ParentDir, Some(Component::Normal(_))) => {
                clean.pop();
            }
            (Component::ParentDir, Some(Component::RootDir)) => {}
            _ => clean.push(part),
        }
    }
    if clean.as_os_str().is_empty() {
        clean.push(".");
    }
    if clean == path {
        return clean;
    }
    // Behind a symbolic link, `..` leads elsewhere than the name tells.
    match (path.canonicalize(), clean.canonicalize()) {
        (Ok(real), Ok(other)) if real == other => clean,
        (Ok(real), _) => real,
        (Err(_), _) => path.to_path_buf(),
    }
}

/// The display name of a path: without `./`, with `/` between the parts on every system.
pub(crate) fn display_name(path: &Path) -> String {
    // Most paths stay as they are.
    if let Some(text) = path.to_str().filter(|text| is_plain(text)) {
        return text.to_owned();
    }
    let mut name = String::with_capacity(path.as_os_str().len());
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::RootDir => name.push('/'),
            other => {
                if !name.is_empty() && !name.ends_with('/') {
                    name.push('/');
                }
                name.push_str(&other.as_os_str().to_string_lossy());
            }
        }
    }
    if name.is_empty() { ".".to_owned() } else { name }
}

/// Whether a path is its own display name: it has parts, none of which is empty or starts with a
/// dot.
fn is_plain(path: &str) -> bool {
    let starts = |rest: &str| !rest.is_empty() && !rest.starts_with(['.', '/']);
    let mut slashes = memchr::memchr_iter(b'/', path.as_bytes());
    let relative = path.strip_prefix('/').unwrap_or(path);
    MAIN_SEPARATOR == '/'
        && starts(relative)
        && slashes.all(|at| path.get(at + 1..).is_some_and(starts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_names_are_plain() {
        assert_eq!(display_name(Path::new("./a/./b.yaml")), "a/b.yaml");
        assert_eq!(display_name(Path::new("/a/b.yaml")), "/a/b.yaml");
        assert_eq!(display_name(Path::new(".")), ".");
        assert_eq!(display_name(Path::new("/")), "/");
        assert_eq!(display_name(Path::new("../x")), "../x");
        assert_eq!(display_name(Path::new("a//b/")), "a/b");
        assert_eq!(display_name(Path::new("a/.b/c")), "a/.b/c");
        assert_eq!(display_name(Path::new("./")), ".");
        assert_eq!(display_name(Path::new("//a")), "/a");
    }

    #[test]
    fn environment_files_by_name() {
        for yes in [".env", ".env.production", "db.env", ".ENV.local", "DB.ENV"] {
            assert!(is_environment(yes), "{yes}");
        }
        for no in ["env", ".envrc", "environment", "deploy.env.yaml"] {
            assert!(!is_environment(no), "{no}");
        }
    }

    #[test]
    fn dockerfiles_by_name() {
        for yes in [
            "Dockerfile",
            "Dockerfile.prod",
            "Dockerfile-alpine",
            "Containerfile",
            "web.Dockerfile",
            "web.Containerfile",
            "DOCKERFILE",
        ] {
            assert!(is_dockerfile(yes), "{yes}");
        }
        for no in [
            "Dockerfile.dockerignore",
            "dockerfile-lint.yaml",
            "dockerfiles",
            "MyDockerfile",
            "docker",
            "",
        ] {
            assert!(!is_dockerfile(no), "{no}");
        }
    }
}
