//! The programs that help an attacker, and what there is of them in an image.
//!
//! [`catalogue`] lists their names and what they are for. This module finds the applets of
//! multi-call programs, and gives the verdict. Invariant: a name counts only if there is a file of
//! that name that can be run.

mod catalogue;

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use crate::{ImageFacts, Utility, UtilityKind, Verdict};

/// The largest multi-call program that is searched for applets, in bytes.
pub(crate) const APPLET_LIMIT: u64 = 8 << 20;

/// The names of multi-call programs: one file with many applets.
const MULTI_CALL: &[&str] = &["busybox", "busybox.static", "toybox"];

/// The names of directories with programs; distroless debug images have `busybox`.
const DIRECTORIES: &[&str] = &["bin", "sbin", "busybox", "libexec"];

impl Utility {
    /// What an attacker does with this program in particular, or with its kind.
    #[must_use]
    pub fn misuse(&self) -> &'static str {
        self.notable().unwrap_or_else(|| self.kind.misuse())
    }

    /// What an attacker does with this program in particular, if it stands out among its kind.
    #[must_use]
    pub fn notable(&self) -> Option<&'static str> {
        catalogue::notable(&self.name)
    }

    /// The name of the program without a version or a target: `python` for `python3.11`.
    #[must_use]
    pub fn program(&self) -> &str {
        catalogue::name(&self.name).unwrap_or(&self.name)
    }
}

impl Serialize for Utility {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Utility", 5)?;
        fields.serialize_field("place", &self.place)?;
        fields.serialize_field("name", &self.name)?;
        fields.serialize_field("kind", &self.kind)?;
        fields.serialize_field("target", &self.target)?;
        fields.serialize_field("misuse", self.misuse())?;
        fields.end()
    }
}

/// What the program at this path, or with this bare name, is for, if it is in the catalogue and in
/// a directory for programs, or in the root, where small images have them.
pub(crate) fn of_path(path: &str) -> Option<UtilityKind> {
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or_default();
    let directory = parts.next().unwrap_or_default();
    if directory.is_empty() || DIRECTORIES.contains(&directory) {
        catalogue::kind(name)
    } else {
        None
    }
}

/// Whether the program at this path is a multi-call program.
pub(crate) fn has_applets(path: &str) -> bool {
    MULTI_CALL.contains(&path.rsplit('/').next().unwrap_or_default())
}

/// The shortest list of applets; a shorter list of names in a program is something else.
const FEWEST_APPLETS: usize = 10;

/// The applets of a multi-call program that are in the catalogue, sorted: `busybox wget` works
/// without a link of that name. Their names follow each other in the program, sorted, each with a
/// zero byte at its end; the same words elsewhere (`http`, `rpm`) are not applets.
pub(crate) fn applets(program: &[u8]) -> Vec<&'static str> {
    let is_name = |text: &[u8]| {
        (1..=20).contains(&text.len())
            && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"[._-".contains(byte))
    };
    let (mut longest, mut list) = (Vec::new(), Vec::new());
    for text in program.split(|&byte| byte == 0).chain([&[][..]]) {
        let goes_on = is_name(text) && list.last().is_none_or(|last| *last < text);
        if !goes_on {
            if list.len() > longest.len() {
                longest = std::mem::take(&mut list);
            }
            list.clear();
        }
        if is_name(text) {
            list.push(text);
        }
    }
    if longest.len() < FEWEST_APPLETS {
        return Vec::new();
    }
    let names = longest.into_iter().filter_map(|text| std::str::from_utf8(text).ok());
    let mut applets: Vec<&'static str> = names.filter_map(catalogue::name).collect();
    applets.sort_unstable();
    applets.dedup();
    applets
}

/// How much the image offers an attacker. Without a shell and a package manager it is distroless;
/// with a package manager and a shell that is not busybox's it is a full distribution.
pub(crate) fn verdict(facts: &ImageFacts) -> Verdict {
    let of = |kind| facts.utilities.iter().filter(move |utility| utility.kind == kind);
    let is_multi_call =
        |path: &str| MULTI_CALL.contains(&path.rsplit('/').next().unwrap_or_default());
    let own_shell = of(UtilityKind::Shell).any(|shell| {
        !is_multi_call(&shell.place.path) && !shell.target.as_deref().is_some_and(is_multi_call)
    });
    let shell = of(UtilityKind::Shell).next().is_some();
    let manager = of(UtilityKind::PackageManager).next().is_some();
    match (shell, manager) {
        (false, false) => Verdict::Distroless,
        (_, true) if own_shell => Verdict::Full,
        _ => Verdict::Minimal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_count_only_in_their_directories() {
        for path in ["/bin/sh", "/usr/local/go/bin/go", "/busybox/wget", "/kubectl", "python3.11"] {
            assert!(of_path(path).is_some(), "{path}");
        }
        for path in ["/usr/share/doc/bash", "/app/node_modules/less", "/bin/true", "/bin/"] {
            assert_eq!(of_path(path), None, "{path}");
        }
    }

    #[test]
    fn describes_what_an_attacker_does() {
        let utility = |name: &str, kind| Utility {
            place: crate::FileLocation::default(),
            name: name.to_owned(),
            kind,
            target: None,
        };
        assert!(utility("python3", UtilityKind::Interpreter).misuse().contains("sockets"));
        assert_eq!(utility("zsh", UtilityKind::Shell).misuse(), UtilityKind::Shell.misuse());
    }

    #[test]
    fn finds_the_applets_of_a_program() {
        let list = b"http\0[\0[[\0acpid\0add-shell\0arch\0ash\0cat\0chvt\0sh\0true\0wget\0";
        let program = [b"\x7fELF\0rpm\0".as_slice(), list, b"error: %s\0https\0"].concat();
        assert_eq!(applets(&program), ["ash", "cat", "sh", "wget"]);
        assert_eq!(applets(b"\x7fELF\0cat\0sh\0"), [""; 0]);
    }
}
