//! What is kept of a file for whoever looks for the files that it needs.
//!
//! A file that lies plain in another one is read when somebody asks, for most files nobody asks of: to
//! look through the constants of all programs takes longer than all the rest. Invariant: the bytes that
//! clues take are bounded, for each file and for the image.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::{Elf, Script, elf, script};
use crate::content::Content;
use crate::text::lossy;

/// The largest script or configuration that is looked into.
const TEXT_LIMIT: u64 = 256 << 10;
/// The most names that are kept of a file.
const NAMES: usize = 4000;
/// The longest name that is kept.
const NAME: usize = 256;
/// The most bytes that all clues of an image take.
const CLUES_LIMIT: usize = 64 << 20;

/// What tells which other files a file needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Clue {
    /// A program or a library.
    Elf(Elf),
    /// A script, by its first line.
    Script(Script),
    /// The text of a file that the linker, the resolver or an interpreter looks into.
    Text(String),
    /// The files that a configuration names.
    Names(Vec<String>),
    /// What nobody has asked for yet.
    Later(Later),
}

/// A file that is looked into when somebody asks.
#[derive(Clone, Debug)]
pub(crate) struct Later {
    look: Look,
    content: Content,
    clues: Arc<Clues>,
    read: OnceLock<Option<Box<Clue>>>,
}

impl Later {
    fn clue(&self) -> Option<&Clue> {
        let read = || {
            let read = Clue::read(self.look, &self.content).ok().flatten();
            read.filter(|clue| self.clues.take(clue.weight())).map(Box::new)
        };
        self.read.get_or_init(read).as_deref()
    }
}

/// What counts is what it says.
impl PartialEq for Later {
    fn eq(&self, other: &Self) -> bool {
        self.clue() == other.clue()
    }
}

impl Eq for Later {}

/// How many bytes the clues of an image take.
#[derive(Debug, Default)]
pub(crate) struct Clues(AtomicUsize);

impl Clues {
    /// Whether there is room for so many bytes more.
    fn take(&self, weight: usize) -> bool {
        self.0.fetch_add(weight, Ordering::Relaxed) + weight <= CLUES_LIMIT
    }
}

/// How a file is looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Elf,
    Script,
    Text,
    Names,
}

/// Whether the file at this path says where others are.
pub(crate) fn wants_text(path: &str) -> bool {
    matches!(path, "/etc/ld.so.conf" | "/etc/nsswitch.conf" | "/etc/passwd")
        || path.starts_with("/etc/ld.so.conf.d/")
        || path.starts_with("/etc/ld-musl-")
        || path.ends_with("/pyvenv.cfg")
        || path.ends_with(".pth") && path.contains("-packages/")
}

/// How to look into a file, by its path and how it begins; `None` where nothing is to be had.
pub(crate) fn look(path: &str, size: u64, start: &[u8]) -> Option<Look> {
    if start.starts_with(b"\x7fELF") {
        Some(Look::Elf)
    } else if size > TEXT_LIMIT {
        None
    } else if start.starts_with(b"#!") {
        Some(Look::Script)
    } else if wants_text(path) {
        Some(Look::Text)
    } else {
        // The linker's cache names all libraries, and needs none.
        (path.starts_with("/etc/") && path != "/etc/ld.so.cache").then_some(Look::Names)
    }
}

impl Clue {
    /// What the file tells; `None` where it does not keep to its format, or the image's files tell too
    /// much. What lies in memory only for now is read now.
    pub(crate) fn of(look: Look, content: Content, clues: &Arc<Clues>) -> Option<Self> {
        let later = |content| {
            let clues = Arc::clone(clues);
            Some(Self::Later(Later { look, content, clues, read: OnceLock::new() }))
        };
        if content.stays() {
            return later(content);
        }
        // Scripts are small and many, and few are used: to keep them takes less than to understand them.
        if look == Look::Script
            && let Some(script) = content.in_memory()
            && clues.take(script.len())
        {
            return later(Content::memory(script));
        }
        // That a file can't be read for its clue is told by those that read it for more, or it is no
        // file that anything could be linked with.
        let read = Self::read(look, &content).ok().flatten();
        read.filter(|clue| clues.take(clue.weight()))
    }

    /// The clue, read if it was not yet.
    pub(super) fn known(&self) -> Option<&Self> {
        match self {
            Self::Later(later) => later.clue(),
            known => Some(known),
        }
    }

    /// Whether it is a program's or a library's, as far as that is known from how it begins.
    pub(super) fn is_elf(&self) -> bool {
        match self {
            Self::Later(later) => later.look == Look::Elf,
            known => matches!(known, Self::Elf(_)),
        }
    }

    /// Reads what is to be had; `None` where the file does not keep to its format.
    fn read(look: Look, content: &Content) -> io::Result<Option<Self>> {
        if look == Look::Elf {
            return Ok(elf::read(content).map(Self::Elf));
        }
        // What grew since it was looked at is not read.
        if content.length() > TEXT_LIMIT {
            return Ok(None);
        }
        let bytes = content.whole()?;
        let text = lossy(&bytes);
        Ok(match look {
            Look::Script => script::read(&text).map(Self::Script),
            Look::Text => Some(Self::Text(text.into_owned())),
            Look::Names => {
                let names = names(&bytes);
                (!names.is_empty()).then_some(Self::Names(names))
            }
            Look::Elf => None,
        })
    }

    /// How many bytes it takes, roughly.
    fn weight(&self) -> usize {
        let of = |names: &[String]| names.iter().map(|name| name.len() + 24).sum::<usize>();
        match self {
            Self::Elf(elf) => 200 + of(&elf.needed) + of(&elf.named),
            Self::Script(script) => 100 + of(&script.commands) + of(&script.named),
            Self::Text(text) => text.len(),
            Self::Names(names) => of(names),
            Self::Later(_) => 0,
        }
    }
}

/// What in these bytes looks like the name of a file: absolute paths, and shared libraries by any
/// name; each once, in their order.
pub(super) fn names(bytes: &[u8]) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let mut names = Vec::new();
    let (mut searched, mut at) = (0, 0);
    // Every name has one of these two: what is between them is passed over, which is most of a program.
    while let Some(found) = memchr::memchr2(b'/', b'.', bytes.get(at..).unwrap_or_default()) {
        let found = at + found;
        at = found + 1;
        if !is_in_name(bytes, found) {
            continue;
        }
        let before = bytes.get(searched..found).unwrap_or_default();
        let behind = bytes.get(found..).unwrap_or_default();
        let length = before.iter().rev().take_while(|byte| is_part(byte)).count();
        let end = found + behind.iter().take_while(|byte| is_part(byte)).count();
        let run = bytes.get(found - length..end).unwrap_or_default();
        (searched, at) = (end, end);
        // Lists such as PATH stand in one run.
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

/// Whether names have such bytes, and lists of them.
fn is_part(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._+-@/:".contains(byte)
}

/// Whether the slash or dot at this place may be what makes a run of bytes a name: most are not.
fn is_in_name(bytes: &[u8], place: usize) -> bool {
    let behind = bytes.get(place + 1..).unwrap_or_default();
    if bytes.get(place) == Some(&b'.') {
        return behind.starts_with(b"so");
    }
    let before = place.checked_sub(1).and_then(|before| bytes.get(before));
    before.is_none_or(|byte| *byte == b':' || !is_part(byte)) && behind.first() != Some(&b'/')
}

fn is_name(name: &[u8]) -> bool {
    let absolute =
        name.len() >= 4 && name.first() == Some(&b'/') && name.get(1).is_some_and(|b| *b != b'/');
    absolute || is_library(name)
}

/// Whether it is named as shared libraries are: `libssl.so.3`, `modules/ngx_mail_module.so`.
fn is_library(name: &[u8]) -> bool {
    let Some(place) = name.windows(3).rposition(|window| window == b".so") else { return false };
    let version = name.get(place + 3..).unwrap_or_default();
    let versioned = version.is_empty() || version.first() == Some(&b'.');
    place > 0 && versioned && version.iter().all(|byte| *byte == b'.' || byte.is_ascii_digit())
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
        /// As a plain search over all runs finds them.
        #[test]
        fn passes_over_no_name(text in "([ab/.:\0]|\\.so|/a/|\\.1){0,40}") {
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
    fn looks_only_where_something_is_to_be_had() {
        assert_eq!(look("/usr/lib/libz.so.1", 9, b"\x7fELF"), Some(Look::Elf));
        assert_eq!(look("/app/start", 9, b"#!/b"), Some(Look::Script));
        assert_eq!(look("/etc/nsswitch.conf", 9, b"pass"), Some(Look::Text));
        assert_eq!(look("/etc/nginx/nginx.conf", 9, b"load"), Some(Look::Names));
        assert_eq!(look("/etc/ld.so.cache", 9, b"glib"), None);
        assert_eq!(look("/etc/huge", TEXT_LIMIT + 1, b"load"), None);
        assert_eq!(look("/usr/share/doc/x", 9, b"text"), None);
    }
}
