//! What a file says about the other files that it needs.
//!
//! A file that can be read again is read only when its dependencies are asked for, which is seldom:
//! searching the constants of all programs would take longer than everything else. Invariant: the
//! bytes of dependencies are bounded, for each file and for the image.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::{Elf, Script, elf, script};
use crate::content::Content;
use crate::decode::lossy;

/// The largest script or configuration that is read.
const TEXT_LIMIT: u64 = 256 << 10;
/// The most names that are kept of a file.
const NAMES: usize = 4000;
/// The longest name that is kept.
const NAME: usize = 256;
/// The most bytes of dependencies of all files of an image.
const TOTAL_LIMIT: usize = 64 << 20;

/// What says which other files a file needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FileDependencies {
    /// A program or a library.
    Elf(Elf),
    /// A script, by its first line.
    Script(Script),
    /// The text of a file that the linker, the resolver or an interpreter reads.
    Text(String),
    /// The files that a configuration names.
    Names(Vec<String>),
    /// What is read when it is asked for.
    Deferred(Deferred),
}

/// A file that is read when its dependencies are asked for.
#[derive(Clone, Debug)]
pub(crate) struct Deferred {
    scan: DependencyScan,
    content: Content,
    budget: Arc<DependencyBudget>,
    read: OnceLock<Option<Box<FileDependencies>>>,
}

impl Deferred {
    fn dependencies(&self) -> Option<&FileDependencies> {
        let read = || {
            let read = FileDependencies::read(self.scan, &self.content).ok().flatten();
            read.filter(|dependencies| self.budget.take(dependencies.weight())).map(Box::new)
        };
        self.read.get_or_init(read).as_deref()
    }
}

/// Two are equal if they say the same, read or not.
impl PartialEq for Deferred {
    fn eq(&self, other: &Self) -> bool {
        self.dependencies() == other.dependencies()
    }
}

impl Eq for Deferred {}

/// How many bytes the dependencies of an image's files take.
#[derive(Debug, Default)]
pub(crate) struct DependencyBudget(AtomicUsize);

impl DependencyBudget {
    /// Whether there is room for this many more bytes.
    fn take(&self, weight: usize) -> bool {
        self.0.fetch_add(weight, Ordering::Relaxed) + weight <= TOTAL_LIMIT
    }
}

/// How a file is searched for its dependencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DependencyScan {
    Elf,
    Script,
    /// A file that a shell sources, without a first line that names its interpreter.
    Sourced,
    Text,
    Names,
}

/// Whether a shell may source the file at this path: by its extension, or because it is in a
/// directory of hooks, such as `/docker-entrypoint.d`.
fn may_be_sourced(path: &str) -> bool {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    [".sh", ".bash", ".ash", ".envsh"].iter().any(|extension| name.ends_with(extension))
        || (!path.starts_with("/etc/") && directory.ends_with(".d") && !name.contains('.'))
}

/// Whether the text of the file at this path says where other files are.
pub(crate) fn wants_text(path: &str) -> bool {
    matches!(path, "/etc/ld.so.conf" | "/etc/nsswitch.conf" | "/etc/passwd")
        || path.starts_with("/etc/ld.so.conf.d/")
        || path.starts_with("/etc/ld-musl-")
        || path.ends_with("/pyvenv.cfg")
        || path.ends_with(".pth") && path.contains("-packages/")
}

/// How to search a file, by its path and its first bytes; `None` if there is nothing to find.
pub(crate) fn scan_for(
    path: &str,
    size: u64,
    start: &[u8],
    executable: bool,
) -> Option<DependencyScan> {
    // A shell also runs a program whose first line names nobody.
    let is_plain =
        |bytes: &[u8]| bytes.iter().all(|it| it.is_ascii_graphic() || b" \t\n".contains(it));
    let of_shell = || {
        let name = path.rsplit('/').next().unwrap_or_default();
        executable && !name.contains('.') && !start.is_empty() && is_plain(start)
    };
    if start.starts_with(b"\x7fELF") {
        Some(DependencyScan::Elf)
    } else if size > TEXT_LIMIT {
        None
    } else if start.starts_with(b"#!") {
        Some(DependencyScan::Script)
    } else if wants_text(path) {
        Some(DependencyScan::Text)
    } else if may_be_sourced(path) || of_shell() {
        Some(DependencyScan::Sourced)
    } else {
        // The cache of the linker names all libraries, and needs none.
        (path.starts_with("/etc/") && path != "/etc/ld.so.cache").then_some(DependencyScan::Names)
    }
}

impl FileDependencies {
    /// What the file says; `None` if it is malformed, or the image's files say too much. Content
    /// that cannot be kept is read now.
    pub(crate) fn of(
        scan: DependencyScan,
        content: Content,
        budget: &Arc<DependencyBudget>,
    ) -> Option<Self> {
        let deferred = |content| {
            let budget = Arc::clone(budget);
            Some(Self::Deferred(Deferred { scan, content, budget, read: OnceLock::new() }))
        };
        if content.is_retainable() {
            return deferred(content);
        }
        // Scripts are small and many, and few are used: keeping them costs less than parsing them.
        if matches!(scan, DependencyScan::Script | DependencyScan::Sourced)
            && let Some(script) = content.in_memory()
            && budget.take(script.len())
        {
            return deferred(Content::memory(script));
        }
        // A file that cannot be read here is reported by its analysers, or it is not a file that
        // anything could be linked with.
        let read = Self::read(scan, &content).ok().flatten();
        read.filter(|dependencies| budget.take(dependencies.weight()))
    }

    /// The dependencies, after reading the file if necessary.
    pub(super) fn known(&self) -> Option<&Self> {
        match self {
            Self::Deferred(deferred) => deferred.dependencies(),
            known => Some(known),
        }
    }

    /// Whether they are those of a program or a library, as far as its first bytes show.
    pub(super) fn is_elf(&self) -> bool {
        match self {
            Self::Deferred(deferred) => deferred.scan == DependencyScan::Elf,
            known => matches!(known, Self::Elf(_)),
        }
    }

    /// Reads the dependencies; `None` if the file is malformed.
    fn read(scan: DependencyScan, content: &Content) -> io::Result<Option<Self>> {
        if scan == DependencyScan::Elf {
            return Ok(elf::read(content).map(Self::Elf));
        }
        // A file that grew since the walk is not read.
        if content.length() > TEXT_LIMIT {
            return Ok(None);
        }
        let bytes = content.whole()?;
        let text = lossy(&bytes);
        Ok(match scan {
            DependencyScan::Script => script::read(&text).map(Self::Script),
            DependencyScan::Sourced => Some(Self::Script(script::read_sourced(&text))),
            DependencyScan::Text => Some(Self::Text(text.into_owned())),
            DependencyScan::Names => {
                let names = names(&bytes);
                (!names.is_empty()).then_some(Self::Names(names))
            }
            DependencyScan::Elf => None,
        })
    }

    /// Its approximate size in bytes.
    fn weight(&self) -> usize {
        let of = |names: &[String]| names.iter().map(|name| name.len() + 24).sum::<usize>();
        match self {
            Self::Elf(elf) => 200 + of(&elf.needed) + of(&elf.named),
            Self::Script(script) => {
                let lists = [
                    &script.commands,
                    &script.named,
                    &script.relative,
                    &script.directories,
                    &script.variables,
                ];
                100 + lists.into_iter().map(|list| of(list)).sum::<usize>()
            }
            Self::Text(text) => text.len(),
            Self::Names(names) => of(names),
            Self::Deferred(_) => 0,
        }
    }
}

/// The parts of these bytes that look like names of files: absolute paths, and shared libraries by
/// any name; each once, in their order.
pub(super) fn names(bytes: &[u8]) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let mut names = Vec::new();
    let (mut searched, mut at) = (0, 0);
    // Every name has one of these two. What is between them is skipped, which is most of a program.
    while let Some(found) = memchr::memchr2(b'/', b'.', bytes.get(at..).unwrap_or_default()) {
        let found = at + found;
        at = found + 1;
        if !is_in_name(bytes, found) {
            continue;
        }
        let before = bytes.get(searched..found).unwrap_or_default();
        let after = bytes.get(found..).unwrap_or_default();
        let length = before.iter().rev().take_while(|byte| is_part(byte)).count();
        let end = found + after.iter().take_while(|byte| is_part(byte)).count();
        let run = bytes.get(found - length..end).unwrap_or_default();
        (searched, at) = (end, end);
        // Lists such as PATH are one run.
        for name in run.split(|&byte| byte == b':') {
            if names.len() >= NAMES {
                return names;
            }
            if !is_name(name) || name.len() > NAME {
                continue;
            }
            if seen.insert(name) {
                names.push(lossy(name).into_owned());
            }
        }
    }
    names
}

/// Whether names, and lists of names, contain this byte.
fn is_part(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._+-@/:".contains(byte)
}

/// Whether the slash or dot at this index may make a run of bytes a name: most do not.
fn is_in_name(bytes: &[u8], index: usize) -> bool {
    let after = bytes.get(index + 1..).unwrap_or_default();
    if bytes.get(index) == Some(&b'.') {
        return after.starts_with(b"so");
    }
    let before = index.checked_sub(1).and_then(|before| bytes.get(before));
    before.is_none_or(|byte| *byte == b':' || !is_part(byte)) && after.first() != Some(&b'/')
}

fn is_name(name: &[u8]) -> bool {
    let absolute =
        name.len() >= 4 && name.first() == Some(&b'/') && name.get(1).is_some_and(|b| *b != b'/');
    absolute || is_library(name)
}

/// Whether it is the name of a shared library: `libssl.so.3`, `modules/ngx_mail_module.so`.
fn is_library(name: &[u8]) -> bool {
    let Some(index) = name.windows(3).rposition(|window| window == b".so") else { return false };
    let version = name.get(index + 3..).unwrap_or_default();
    let versioned = version.is_empty() || version.first() == Some(&b'.');
    index > 0 && versioned && version.iter().all(|byte| *byte == b'.' || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_names_of_files() {
        let bytes = b"\0load_module modules/ngx_a.so;\x01libgcc_s.so.1\0/etc/nginx/nginx.conf\0\
            /usr/lib/%s/x.so\0PATH=/bin:/usr/bin\0//\0some.song\0.so\0/etc/nginx/nginx.conf\0";
        assert_eq!(
            names(bytes),
            [
                "modules/ngx_a.so",
                "libgcc_s.so.1",
                "/etc/nginx/nginx.conf",
                "/usr/lib/",
                "s/x.so",
                "/bin",
                "/usr/bin"
            ]
        );
    }

    proptest::proptest! {
        /// The oracle is a plain search over all runs.
        #[test]
        fn misses_no_name(text in "([ab/.:\0]|\\.so|/a/|\\.1){0,40}") {
            let mut plain: Vec<&[u8]> = Vec::new();
            for run in text.as_bytes().split(|byte| !is_part(byte)) {
                for name in run.split(|&byte| byte == b':').filter(|name| is_name(name)) {
                    if !plain.contains(&name) {
                        plain.push(name);
                    }
                }
            }
            let found = names(text.as_bytes());
            let found: Vec<&[u8]> = found.iter().map(|name| name.as_bytes()).collect();
            proptest::prop_assert_eq!(found, plain);
        }
    }

    #[test]
    fn scans_only_files_that_may_name_others() {
        let scan = |path, size, start: &[u8]| scan_for(path, size, start, false);
        assert_eq!(scan("/usr/lib/libz.so.1", 9, b"\x7fELF"), Some(DependencyScan::Elf));
        assert_eq!(scan("/app/start", 9, b"#!/b"), Some(DependencyScan::Script));
        assert_eq!(scan("/etc/nsswitch.conf", 9, b"pass"), Some(DependencyScan::Text));
        assert_eq!(scan("/etc/nginx/nginx.conf", 9, b"load"), Some(DependencyScan::Names));
        assert_eq!(scan("/etc/ld.so.cache", 9, b"glib"), None);
        assert_eq!(scan("/etc/huge", TEXT_LIMIT + 1, b"load"), None);
        assert_eq!(scan("/usr/share/doc/x", 9, b"text"), None);
        assert_eq!(scan_for("/app/run", 9, b"cd /", true), Some(DependencyScan::Sourced));
        assert_eq!(scan_for("/app/a.txt", 9, b"text", true), None);
        assert_eq!(scan_for("/app/data", 9, b"\0\x01ab", true), None);
    }
}
