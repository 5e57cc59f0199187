//! Reads an image: its layers in parallel, then joined into facts.
//!
//! Invariant: what a layer could not read is a problem; the facts of the rest are whole.

use std::collections::{BTreeMap, HashSet};

use rayon::prelude::*;

use crate::archive::{Entry, EntryKind};
use crate::layer::{self, Alias, FileError, LayerContext, LayerReading, PathHash, RetainedEntry};
use crate::overlay::{LayeredEntry, Overlay, ancestors, follow_links};
use crate::package_ownership::PackageOwnership;
use crate::source::Image;
use crate::system::{self, Identity};
use crate::tree::{Tree, TreeBuilder};
use crate::{
    Credential, Distribution, FileLocation, ImageFacts, Layer, Owners, Package, PrivilegedFile,
    Problem, Utility, capability, closure, config, packages, utilities,
};

/// The most credentials, files or utilities of an image that are reported.
const LIST_LIMIT: usize = 20_000;

impl Image {
    /// Reads the image. What cannot be read is a [`Problem`]; the rest is whole.
    #[must_use]
    pub fn read(&self) -> ImageFacts {
        self.read_with_tree().0
    }

    /// Reads the image, and keeps the tree of its files; `None` if there are too many for one.
    #[must_use]
    pub fn read_with_tree(&self) -> (ImageFacts, Option<Tree>) {
        let context = LayerContext::new();
        let mut readings: Vec<LayerReading> =
            self.layers.par_iter().map(|source| layer::read(source, &context)).collect();
        follow_links(&mut readings, &context);
        self.read_aliases(&mut readings, &context);
        let mut builder = TreeBuilder::default();
        for reading in &mut readings {
            let leaves = std::mem::take(&mut reading.leaves);
            if context.has_tree()
                && builder.add_layer(leaves, &reading.whiteouts, &reading.opaque).is_err()
            {
                context.drop_tree();
                builder = TreeBuilder::default();
            }
        }
        let tree = context.has_tree().then(|| builder.finish());
        let mut facts = ImageFacts { digest: self.digest.clone(), ..Default::default() };
        for note in &self.notes {
            facts.problems.push(Problem { place: FileLocation::default(), message: note.clone() });
        }
        let mut configuration = config::Configuration::default();
        if !self.config.is_empty() {
            match config::read(&self.config) {
                Ok(read) => configuration = read,
                Err(error) => facts.problems.push(Problem {
                    place: FileLocation::default(),
                    message: format!(
                        "The configuration cannot be read: {error}. User and variables are unknown."
                    ),
                }),
            }
        }
        let layered = !self.digest.is_empty();
        let overlay = Overlay::new(&readings, &context);
        let join = Join { overlay, readings: &readings, context: &context, layered, facts, tree };
        join.run(configuration)
    }
}

/// The directories of package databases and the files that describe the system, which a link may
/// lead to.
const LINKED_DIRECTORIES: [&str; 9] = [
    "/var/lib/dpkg",
    "/var/lib/dpkg/status.d",
    "/var/lib/dpkg/info",
    "/lib/apk/db",
    "/usr/lib/apk/db",
    "/var/lib/rpm",
    "/usr/lib/sysimage/rpm",
    "/usr/share/rpm",
    "/var/lib/rpmmanifest",
];
const DATABASE_FILES: [&str; 7] =
    ["status", "status.d", "info", "installed", "rpmdb.sqlite", "Packages.db", "Packages"];
const LINKED_FILES: [&str; 8] = [
    "/var/lib/dpkg/status",
    "/lib/apk/db/installed",
    "/usr/lib/apk/db/installed",
    "/var/lib/rpm/rpmdb.sqlite",
    "/var/lib/rpm/Packages.db",
    "/var/lib/rpm/Packages",
    system::PASSWD,
    system::GROUP,
];

impl Image {
    /// Reads the files again that are wanted under another name than their own.
    fn read_aliases(&self, readings: &mut [LayerReading], context: &LayerContext) {
        let linked = linked(&Overlay::new(readings, context));
        if linked.is_empty() && readings.iter().all(|reading| reading.aliases.is_empty()) {
            return;
        }
        readings.par_iter_mut().zip(&self.layers).for_each(|(reading, source)| {
            let mut aliases = std::mem::take(&mut reading.aliases);
            for (path, wanted) in &linked {
                let alias = Alias { at: path.clone(), wanted: wanted.clone() };
                aliases.entry(path.clone()).or_default().push(alias);
            }
            // Of a directory, the names of the files are not known.
            let directories = linked.iter().filter_map(|(path, wanted)| {
                Some((path.strip_suffix('/')?, wanted.strip_suffix('/')?))
            });
            let directories: Vec<_> = directories.collect();
            let has_any =
                aliases.keys().any(|path| !path.ends_with('/') && reading.has(path, context));
            // A layer need not have an entry for a directory that is in it.
            let in_directory = directories.iter().any(|(directory, _)| {
                let has = |file: &&str| reading.has(&format!("{directory}/{file}"), context);
                reading.has(directory, context) || DATABASE_FILES.iter().any(has)
            });
            if has_any || in_directory {
                reading.read_again(source, &aliases, context);
            }
        });
    }
}

/// The databases and files of the system that are reached through links: where each is, and its
/// name; directories end with a slash.
fn linked(overlay: &Overlay<'_>) -> Vec<(String, String)> {
    let leads_elsewhere = |wanted: &str| {
        let path = overlay.resolve(wanted)?;
        (path != wanted).then_some(path)
    };
    let directories = LINKED_DIRECTORIES.iter().filter_map(|wanted| {
        let path = leads_elsewhere(wanted)?;
        // `/lib` is a link to `/usr/lib` in most images, and both names are known.
        let known = LINKED_DIRECTORIES.contains(&path.as_str());
        (!known).then(|| (format!("{path}/"), format!("{wanted}/")))
    });
    let mut found: Vec<(String, String)> = directories.collect();
    for wanted in LINKED_FILES.iter().chain(&system::RELEASE) {
        let Some(path) = leads_elsewhere(wanted) else { continue };
        let known = LINKED_FILES.contains(&path.as_str()) || system::wants(&path);
        let in_directory = found.iter().any(|(directory, _)| path.starts_with(directory.as_str()));
        if !known && !in_directory {
            found.push((path, (*wanted).to_owned()));
        }
    }
    found
}

/// The layers, while they are joined into facts.
struct Join<'a> {
    overlay: Overlay<'a>,
    readings: &'a [LayerReading],
    context: &'a LayerContext,
    /// Whether it is an image with layers, and not a directory.
    layered: bool,
    facts: ImageFacts,
    tree: Option<Tree>,
}

impl<'a> Join<'a> {
    fn run(mut self, configuration: config::Configuration) -> (ImageFacts, Option<Tree>) {
        self.facts.config = configuration.config;
        self.layers(&configuration.diff_ids, &configuration.instructions);
        self.facts.distribution = self.distribution();
        let identity = system::identity(
            &self.facts.config.user,
            self.text(system::PASSWD).unwrap_or_default(),
            self.text(system::GROUP).unwrap_or_default(),
        );
        let ownership = PackageOwnership::new(&self.overlay, self.context);
        self.packages(&ownership);
        self.files(&identity, &ownership);
        self.facts.credentials.extend(configuration.credentials);
        self.facts.user = identity.user;
        self.problems();
        self.entry_point();
        let tree = self.tree.take();
        (self.finish(), tree)
    }

    /// Adds the owners of its files to the tree, and to the facts what the entry point uses of
    /// them.
    fn entry_point(&mut self) {
        let Some(mut tree) = self.tree.take() else { return };
        let parsed = || self.overlay.visible().filter_map(|(_, retained)| retained.parsed.as_ref());
        let files = parsed().flat_map(|parsed| {
            let starts = std::iter::once(0).chain(parsed.owners.iter().map(|&(_, end)| end));
            starts.zip(&parsed.owners).map(|(start, (name, end))| {
                (name.as_str(), parsed.owned_paths.get(start..*end).unwrap_or_default())
            })
        });
        let files = files.collect::<Vec<_>>();
        tree.owners = Owners::new(&tree, &files, parsed().flat_map(|parsed| &parsed.relations));
        let closure = closure::closure(&tree, &self.facts.config, &[]);
        self.facts.entry_point = closure::entry_point(&tree, &closure, &self.facts.packages);
        self.tree = Some(tree);
    }

    fn location(&self, layer: usize, path: &str) -> FileLocation {
        FileLocation { path: path.to_owned(), layer: self.layer(layer) }
    }

    fn layer(&self, layer: usize) -> Option<u32> {
        u32::try_from(layer).ok().filter(|_| self.layered)
    }

    fn layers(&mut self, diff_ids: &[String], instructions: &[String]) {
        if !self.layered {
            return;
        }
        self.facts.layers = self
            .readings
            .iter()
            .enumerate()
            .map(|(index, reading)| Layer {
                diff_id: diff_ids.get(index).cloned().unwrap_or_default(),
                size: reading.size,
                entries: reading.entries,
                created_by: instructions.get(index).cloned().unwrap_or_default(),
            })
            .collect();
    }

    /// The text of one of the files that describe the system, as the container sees it.
    fn text(&self, path: &str) -> Option<&str> {
        let resolved = self.overlay.resolve(path)?;
        self.overlay
            .visible()
            .filter(|(_, retained)| retained.entry.path == resolved)
            .find_map(|(_, retained)| retained.text.as_deref())
    }

    fn distribution(&self) -> Option<Distribution> {
        system::RELEASE.iter().find_map(|path| system::distribution(path, self.text(path)?))
    }

    /// The packages in the container, each with the layer that added it.
    fn packages(&mut self, ownership: &PackageOwnership) {
        let mut found: Vec<Package> = Vec::new();
        for (layer, retained) in self.overlay.visible() {
            let Some(parsed) = &retained.parsed else { continue };
            for package in &parsed.packages {
                let distribution = package.kind.is_distribution();
                if !distribution && ownership.owns(self.context.hash(&retained.entry.path)) {
                    continue;
                }
                let mut package = package.clone();
                package.layer = self.layer(self.first_layer(layer, retained, &package));
                found.push(package);
            }
        }
        packages::dedup::complete(&mut found, self.facts.distribution.as_ref());
        self.facts.unnamed_archives =
            found.extract_if(.., |it| packages::dedup::is_unnamed(it)).collect();
        crate::shown::mask(&mut found);
        self.facts.packages = found;
    }

    /// The lowest layer from which on every state of the file names the package: each layer that
    /// installs something writes the whole database again.
    fn first_layer(&self, layer: usize, retained: &RetainedEntry, package: &Package) -> usize {
        if !package.kind.is_distribution() {
            return layer;
        }
        let mut first = layer;
        for lower in (0..layer).rev() {
            let same_file = self.readings.get(lower).and_then(|reading| {
                reading.retained.iter().rev().find(|other| other.entry.path == retained.entry.path)
            });
            let Some(other) = same_file else { continue };
            let named = other.parsed.as_ref().is_some_and(|parsed| {
                parsed.packages.iter().any(|it| {
                    it.name == package.name
                        && it.version == package.version
                        && it.architecture == package.architecture
                })
            });
            if !named {
                break;
            }
            first = lower;
        }
        first
    }

    /// Utilities, privileged and writable files, and credentials.
    fn files(&mut self, identity: &Identity, ownership: &PackageOwnership) {
        let closed = self.closed_directories();
        let mut facts = std::mem::take(&mut self.facts);
        let credentials: Vec<_> = self
            .overlay
            .all
            .par_iter()
            .with_min_len(256)
            .map(|LayeredEntry { layer, retained, .. }| {
                let path = self.context.hash(&retained.entry.path);
                let all = retained.credentials()?;
                Ok::<_, FileError>(ownership.without_published(path, *layer, all).found)
            })
            .collect();
        for (entry, found) in self.overlay.all.iter().zip(credentials) {
            let &LayeredEntry { layer, retained, visible } = entry;
            let place = self.location(layer, &retained.entry.path);
            match found {
                Ok(found) if found.is_empty() => {}
                Ok(found) => {
                    let readable = readable(retained, identity, &closed);
                    facts.credentials.extend(found.into_iter().map(|credential| Credential {
                        place: place.clone(),
                        label: credential.label,
                        kind: credential.kind,
                        readable: if visible { readable } else { Some(false) },
                        deleted: !visible,
                    }));
                }
                Err(error) => {
                    let message = error.to_string();
                    facts.problems.push(Problem { place: place.clone(), message });
                }
            }
            if !visible {
                continue;
            }
            if retained.entry.is_privileged() {
                facts.privileged_files.push(PrivilegedFile {
                    place: place.clone(),
                    mode: retained.entry.mode,
                    uid: retained.entry.uid,
                    gid: retained.entry.gid,
                    capabilities: capability::names(&retained.entry.capability),
                });
            }
            if retained.entry.is_world_writable() {
                facts.world_writable.push(retained.entry.path.clone());
            }
            self.utilities(retained, &place, &mut facts.utilities);
        }
        self.facts = facts;
    }

    fn utilities(
        &self,
        retained: &RetainedEntry,
        place: &FileLocation,
        utilities: &mut Vec<Utility>,
    ) {
        let path = &retained.entry.path;
        for &applet in &retained.applets {
            let Some(kind) = utilities::of_path(applet) else { continue };
            utilities.push(Utility {
                place: place.clone(),
                name: applet.to_owned(),
                kind,
                target: Some(path.clone()),
            });
        }
        let Some(kind) = utilities::of_path(path) else { return };
        let target = match retained.entry.kind {
            EntryKind::Symlink => {
                let Some(target) = self.overlay.resolve(path) else { return };
                if !self.overlay.at(&target).is_some_and(PathHash::is_executable) {
                    return;
                }
                Some(target)
            }
            EntryKind::HardLink if retained.entry.mode & 0o111 != 0 => {
                Some(retained.entry.link.clone())
            }
            EntryKind::File if retained.entry.mode & 0o111 != 0 => None,
            _ => return,
        };
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        utilities.push(Utility { place: place.clone(), name, kind, target });
    }

    /// The directories that are closed to others.
    fn closed_directories(&self) -> BTreeMap<&'a str, Access> {
        self.overlay
            .visible()
            .filter(|(_, retained)| {
                retained.entry.kind == EntryKind::Directory && retained.entry.mode & 0o001 == 0
            })
            .map(|(_, retained)| (retained.entry.path.as_str(), Access::of(&retained.entry)))
            .collect()
    }

    fn problems(&mut self) {
        let mut problems = Vec::new();
        for (layer, reading) in self.readings.iter().enumerate() {
            for (path, message) in &reading.problems {
                // A file that an upper layer replaced does not matter.
                if path.is_empty() || self.overlay.is_visible(layer, path) {
                    problems.push(Problem {
                        place: self.location(layer, path),
                        message: message.clone(),
                    });
                }
            }
        }
        self.facts.problems.append(&mut problems);
    }

    /// Sorts everything, and adds the verdict.
    fn finish(self) -> ImageFacts {
        let mut facts = self.facts;
        facts.utilities.sort();
        // An applet that has a link of its own is reported once: by its link.
        let linked: HashSet<(String, String)> = facts
            .utilities
            .iter()
            .filter(|utility| Some(&utility.place.path) != utility.target.as_ref())
            .filter_map(|utility| Some((utility.name.clone(), utility.target.clone()?)))
            .collect();
        facts.utilities.retain(|utility| {
            let applet = utility.target.as_ref() == Some(&utility.place.path);
            !applet || !linked.contains(&(utility.name.clone(), utility.place.path.clone()))
        });
        facts.utilities.truncate(LIST_LIMIT);
        facts.privileged_files.sort();
        facts.privileged_files.truncate(LIST_LIMIT);
        facts.world_writable.sort();
        facts.world_writable.truncate(LIST_LIMIT);
        facts.credentials.sort();
        facts.credentials.dedup();
        facts.credentials.truncate(LIST_LIMIT);
        facts.problems.sort();
        facts.problems.dedup();
        facts.verdict = utilities::verdict(&facts);
        facts
    }
}

/// The owner, group and mode of an entry.
#[derive(Clone, Copy)]
struct Access {
    uid: u32,
    gid: u32,
    mode: u32,
}

/// The bits of a mode for others.
const READ: u32 = 0o4;
const ENTER: u32 = 0o1;

impl Access {
    fn of(entry: &Entry) -> Self {
        Self { uid: entry.uid, gid: entry.gid, mode: entry.mode }
    }

    /// Whether the user may do what the bit stands for; `None` if it depends on who the user is,
    /// and that is unknown.
    fn permits(self, identity: &Identity, bit: u32) -> Option<bool> {
        let others = self.mode & bit != 0;
        match identity.user.uid {
            None => others.then_some(true),
            Some(0) => Some(true),
            Some(uid) if uid == self.uid => Some(self.mode >> 6 & bit != 0),
            Some(_) if identity.groups.contains(&self.gid) => Some(self.mode >> 3 & bit != 0),
            Some(_) => Some(others),
        }
    }
}

/// Whether the container's user may read the file, and enter all directories on the way.
fn readable(
    retained: &RetainedEntry,
    identity: &Identity,
    closed: &BTreeMap<&str, Access>,
) -> Option<bool> {
    let file = Access::of(&retained.entry).permits(identity, READ);
    let directories = ancestors(&retained.entry.path)
        .filter_map(|directory| closed.get(directory))
        .map(|directory| directory.permits(identity, ENTER));
    let mut all = Some(true);
    for permitted in std::iter::once(file).chain(directories) {
        match permitted {
            Some(true) => {}
            Some(false) => return Some(false),
            None => all = None,
        }
    }
    all
}
