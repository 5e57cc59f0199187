//! What was removed, what stayed and why, and what remains uncertain.

use std::collections::{BTreeMap, BTreeSet};

use coaming_image::{
    Because, EntryKind, ImageFacts, Limit, PackageKind, PrivilegedFile, Reason, Tree, Utility,
};
use serde::Serialize;

use crate::TraceReport;
use crate::select::Selection;

/// The most entries of the list of removed files without a package.
const LIST: usize = 1000;

/// What slimming an image did.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The digest of the original image's manifest or configuration; may be empty.
    pub source: String,
    /// The digest of the new image's manifest.
    pub digest: String,
    /// The programs that the image starts.
    pub programs: Vec<String>,
    /// Before.
    pub before: Counts,
    /// After.
    pub after: Counts,
    /// What stayed, by reason.
    pub kept: Vec<KeptGroup>,
    /// What was removed.
    pub gone: Gone,
    /// Programs that remain and help an attacker.
    pub utilities: Vec<Utility>,
    /// Files that remain and give more rights than their user has.
    pub privileged_files: Vec<PrivilegedFile>,
    /// What cannot be known without running the image.
    pub limits: Vec<Limit>,
    /// What a trace shows beside the closure, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceReport>,
    /// Other notes.
    pub notes: Vec<String>,
    /// Every file that stayed, sorted by path.
    pub files: Vec<KeptFile>,
}

/// The contents of an image in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Files, directories and links.
    pub entries: u64,
    /// Bytes before compression, without archive headers. A file with several names counts once.
    pub bytes: u64,
    /// Packages of all kinds.
    pub packages: u64,
    /// Programs that help an attacker.
    pub utilities: u64,
    /// Files with setuid, setgid or capabilities.
    pub privileged_files: u64,
}

/// The files that stayed for one reason.
#[derive(Clone, Debug, Serialize)]
pub struct KeptGroup {
    /// The reason.
    pub reason: Reason,
    /// The number of files.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// The files, packages or arguments that need most of them.
    pub of: Vec<String>,
}

/// A file that stayed.
#[derive(Clone, Debug, Serialize)]
pub struct KeptFile {
    /// Its path.
    pub path: String,
    /// Why it stayed, and what needs it.
    #[serde(flatten)]
    pub because: Because,
}

/// What was removed.
#[derive(Clone, Debug, Serialize)]
pub struct Gone {
    /// The packages: kind, name and version.
    pub packages: Vec<(PackageKind, String, String)>,
    /// Programs that help an attacker.
    pub utilities: Vec<Utility>,
    /// Files with setuid, setgid or capabilities.
    pub privileged_files: Vec<PrivilegedFile>,
    /// Files that no package owns, with their sizes in bytes, the largest first.
    pub unowned: Vec<(String, u64)>,
}

/// The most files that the note on sensitive files names.
const SENSITIVE: usize = 10;

/// A note on the application's own files that should not be in an image: they stay, because no
/// package owns them, and only their owner knows whether the application reads them.
fn sensitive(selection: &Selection, after: &ImageFacts) -> Option<String> {
    let is_sensitive = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or_default();
        let names = [".netrc", ".npmrc", ".pypirc", ".git-credentials", "id_rsa", "id_ed25519"];
        name == ".env"
            || name.starts_with(".env.")
            || names.contains(&name)
            || name.ends_with(".key")
            || path.ends_with("/.git/config")
    };
    let own = selection.closure.files.iter().filter(|(_, because)| {
        matches!(because.reason, Reason::Application | Reason::Configured | Reason::Named)
    });
    let mut found: BTreeSet<&str> =
        own.map(|(path, _)| path.as_str()).filter(|path| is_sensitive(path)).collect();
    found.extend(after.credentials.iter().map(|it| it.place.path.as_str()));
    found.remove("");
    let listed: Vec<&str> = found.iter().take(SENSITIVE).copied().collect();
    let more = found.len().saturating_sub(SENSITIVE);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!listed.is_empty()).then(|| {
        format!(
            "the application's own files stay, and some may have credentials: {}{more}; mount \
             these at run time instead",
            listed.join(", ")
        )
    })
}

/// Compares the original image with the new one.
pub(crate) fn report(
    tree: &Tree,
    selection: &Selection,
    before: &ImageFacts,
    after: &ImageFacts,
    digest: String,
    mut notes: Vec<String>,
) -> Report {
    let closure = &selection.closure;
    notes.extend(sensitive(selection, after));
    let paths = |path: &str| closure.files.contains_key(path);
    Report {
        source: before.digest.clone(),
        digest,
        programs: closure.programs.clone(),
        before: counts(tree, before, &|_| true),
        after: counts(tree, after, &paths),
        kept: groups(tree, selection),
        gone: gone(tree, selection, before, after),
        utilities: after.utilities.clone(),
        privileged_files: after.privileged_files.clone(),
        limits: closure.limits.clone(),
        trace: None,
        notes,
        files: closure
            .files
            .iter()
            .map(|(path, because)| KeptFile { path: path.clone(), because: because.clone() })
            .collect(),
    }
}

fn counts(tree: &Tree, facts: &ImageFacts, counts: &dyn Fn(&str) -> bool) -> Counts {
    let mut seen = BTreeSet::new();
    let mut all = Counts {
        packages: facts.packages.len() as u64,
        utilities: facts.utilities.len() as u64,
        privileged_files: facts.privileged_files.len() as u64,
        ..Counts::default()
    };
    for (_, node) in tree.iter().filter(|(path, _)| counts(path)) {
        all.entries += 1;
        if node.kind == EntryKind::File && seen.insert(&node.source) {
            all.bytes += node.size;
        }
    }
    all
}

/// The kept files by reason; the most frequent causes come first.
fn groups(tree: &Tree, selection: &Selection) -> Vec<KeptGroup> {
    /// The most causes that are reported per reason.
    const CAUSES: usize = 5;
    let mut groups: BTreeMap<Reason, (u64, u64, BTreeMap<&str, u64>)> = BTreeMap::new();
    for (path, because) in &selection.closure.files {
        let size = tree.get(path).map_or(0, |node| node.size);
        let (files, bytes, causes) = groups.entry(because.reason).or_default();
        *files += 1;
        *bytes += size;
        if !because.of.is_empty() {
            *causes.entry(&because.of).or_default() += 1;
        }
    }
    groups
        .into_iter()
        .map(|(reason, (files, bytes, causes))| {
            let mut causes: Vec<(&str, u64)> = causes.into_iter().collect();
            causes.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
            let of = causes.into_iter().take(CAUSES).map(|(of, _)| of.to_owned()).collect();
            KeptGroup { reason, files, bytes, of }
        })
        .collect()
}

fn gone(tree: &Tree, selection: &Selection, before: &ImageFacts, after: &ImageFacts) -> Gone {
    let left: BTreeSet<&str> = after.packages.iter().map(|package| package.purl.as_str()).collect();
    let mut packages: Vec<_> = before
        .packages
        .iter()
        .filter(|package| !left.contains(package.purl.as_str()))
        .map(|package| (package.kind, package.name.clone(), package.version.clone()))
        .collect();
    packages.sort();
    packages.dedup();
    let stays = |path: &str| selection.closure.files.contains_key(path);
    let mut unowned: Vec<(String, u64)> = tree
        .iter()
        .filter(|(path, node)| {
            node.kind == EntryKind::File && !stays(path) && tree.owners().of(path).is_empty()
        })
        // Package managers and Python generate these files: nobody added them deliberately.
        .filter(|(path, _)| !path.contains("/__pycache__/"))
        .filter(|(path, _)| !MANAGERS.iter().any(|directory| path.starts_with(directory)))
        .map(|(path, node)| (path.to_owned(), node.size))
        .collect();
    unowned.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    unowned.truncate(LIST);
    Gone {
        packages,
        utilities: before.utilities.iter().filter(|it| !stays(&it.place.path)).cloned().collect(),
        privileged_files: before
            .privileged_files
            .iter()
            .filter(|file| !stays(&file.place.path))
            .cloned()
            .collect(),
        unowned,
    }
}

/// Directories with the data of package managers.
const MANAGERS: &[&str] = &[
    "/var/lib/dpkg/",
    "/var/lib/apt/",
    "/var/cache/",
    "/lib/apk/",
    "/usr/lib/apk/",
    "/var/lib/rpm/",
    "/var/log/",
    "/etc/apk/",
    "/var/lib/systemd/",
    "/var/lib/pam/",
    "/etc/alternatives/",
];
