//! The programs that help an intruder, and what there is of them in an image.
//!
//! [`catalogue`] says which names these are and what they are for. Here: which applets a program of
//! many names has, and the verdict over all. Invariant: a name counts only where something lies that
//! can be run.

mod catalogue;

use crate::{ImageFacts, UtilityKind, Verdict};

/// The most bytes of a program of many names that is looked into.
pub(crate) const APPLET_LIMIT: u64 = 8 << 20;

/// Programs that are many, by the name they are called by.
const MANY: &[&str] = &["busybox", "busybox.static", "toybox"];

/// What the program at this path is for, if it is in the catalogue.
pub(crate) fn of_path(path: &str) -> Option<UtilityKind> {
    catalogue::kind(path.rsplit('/').next().unwrap_or_default())
}

/// Whether the program at this path is many.
pub(crate) fn has_applets(path: &str) -> bool {
    MANY.contains(&path.rsplit('/').next().unwrap_or_default())
}

/// The applets in a program of many names that are in the catalogue, sorted: `busybox wget` works
/// without a link of that name. Their names stand side by side in the program, each ended by a zero.
pub(crate) fn applets(program: &[u8]) -> Vec<&'static str> {
    let mut applets: Vec<&'static str> = program
        .split(|&byte| byte == 0)
        .filter(|text| (1..=20).contains(&text.len()))
        .filter_map(|text| std::str::from_utf8(text).ok())
        .filter_map(catalogue::name)
        .collect();
    applets.sort_unstable();
    applets.dedup();
    applets
}

/// How much there is for an intruder. Without a shell and a package manager it is distroless; what
/// has a package manager and a shell other than a busybox's is a whole distribution.
pub(crate) fn verdict(facts: &ImageFacts) -> Verdict {
    let of = |kind| facts.utilities.iter().filter(move |utility| utility.kind == kind);
    let is_many = |path: &str| MANY.contains(&path.rsplit('/').next().unwrap_or_default());
    let own_shell = of(UtilityKind::Shell)
        .any(|shell| !is_many(&shell.place.path) && !shell.target.as_deref().is_some_and(is_many));
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
    fn finds_the_applets_of_a_program() {
        let program = b"\x7fELF\0garbage wget\0cat\0nothing-known\0wget\0sh\0";
        assert_eq!(applets(program), ["cat", "sh", "wget"]);
    }
}
