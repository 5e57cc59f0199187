//! What went, what stayed and why, and what can't be known.

use std::collections::{BTreeMap, BTreeSet};

use coaming_image::{
    Because, EntryKind, ImageFacts, Limit, PackageKind, PrivilegedFile, Reason, Tree, Utility,
};
use serde::Serialize;

use crate::select::Chosen;

/// The most paths and names that a list has of what went and is no package's.
const LIST: usize = 1000;

/// The report of a slimming.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The image that was slimmed: its manifest's digest, else its configuration's; may be empty.
    pub source: String,
    /// The new image's manifest.
    pub digest: String,
    /// The programs that are started.
    pub programs: Vec<String>,
    /// Before.
    pub before: Counts,
    /// After.
    pub after: Counts,
    /// What stayed, by the reason.
    pub kept: Vec<KeptGroup>,
    /// What went.
    pub gone: Gone,
    /// What an attacker still finds to run.
    pub utilities: Vec<Utility>,
    /// What still gives who runs it more rights than he has.
    pub privileged_files: Vec<PrivilegedFile>,
    /// What can't be known.
    pub limits: Vec<Limit>,
    /// What else should be known.
    pub notes: Vec<String>,
    /// Every file that stayed, sorted by path.
    pub files: Vec<KeptFile>,
}

/// How much there is in an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Files, directories and links.
    pub entries: u64,
    /// Bytes, before compression and without archives' headers; of a file with several names once.
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
    /// Why.
    pub reason: Reason,
    /// How many.
    pub files: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// For what: the files, packages or arguments that most of them are there for.
    pub of: Vec<String>,
}

/// A file that stayed.
#[derive(Clone, Debug, Serialize)]
pub struct KeptFile {
    /// Its path.
    pub path: String,
    /// Why, and for what.
    #[serde(flatten)]
    pub because: Because,
}

/// What went.
#[derive(Clone, Debug, Serialize)]
pub struct Gone {
    /// The packages: kind, name and version.
    pub packages: Vec<(PackageKind, String, String)>,
    /// Programs that help an attacker.
    pub utilities: Vec<Utility>,
    /// Files with setuid, setgid or capabilities.
    pub privileged_files: Vec<PrivilegedFile>,
    /// Files that no package owns, the largest first, each with its bytes: somebody put them there.
    pub unowned: Vec<(String, u64)>,
}

/// Compares the image before with what was read back.
pub(crate) fn report(
    tree: &Tree,
    chosen: &Chosen,
    before: &ImageFacts,
    after: &ImageFacts,
    digest: String,
    notes: Vec<String>,
) -> Report {
    let closure = &chosen.closure;
    let paths = |path: &str| closure.files.contains_key(path);
    Report {
        source: before.digest.clone(),
        digest,
        programs: closure.programs.clone(),
        before: counts(tree, before, &|_| true),
        after: counts(tree, after, &paths),
        kept: groups(tree, chosen),
        gone: gone(tree, chosen, before, after),
        utilities: after.utilities.clone(),
        privileged_files: after.privileged_files.clone(),
        limits: closure.limits.clone(),
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

/// The kept files by their reasons; the most telling of what they are there for comes first.
fn groups(tree: &Tree, chosen: &Chosen) -> Vec<KeptGroup> {
    /// How many causes are told of a reason.
    const CAUSES: usize = 5;
    let mut groups: BTreeMap<Reason, (u64, u64, BTreeMap<&str, u64>)> = BTreeMap::new();
    for (path, because) in &chosen.closure.files {
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

fn gone(tree: &Tree, chosen: &Chosen, before: &ImageFacts, after: &ImageFacts) -> Gone {
    let left: BTreeSet<&str> = after.packages.iter().map(|package| package.purl.as_str()).collect();
    let mut packages: Vec<_> = before
        .packages
        .iter()
        .filter(|package| !left.contains(package.purl.as_str()))
        .map(|package| (package.kind, package.name.clone(), package.version.clone()))
        .collect();
    packages.sort();
    packages.dedup();
    let stays = |path: &str| chosen.closure.files.contains_key(path);
    let mut unowned: Vec<(String, u64)> = tree
        .iter()
        .filter(|(path, node)| {
            node.kind == EntryKind::File && !stays(path) && tree.owners().of(path).is_empty()
        })
        // What package managers and Python leave behind is no one's work.
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

/// Directories that package managers keep what they know in.
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
