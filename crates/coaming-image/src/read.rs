//! Reads an image: its layers side by side, then joined into facts.

use std::collections::{BTreeMap, HashSet};

use rayon::prelude::*;

use crate::archive::EntryKind;
use crate::brought::Brought;
use crate::layer::{self, Kept, LayerReading, Shared};
use crate::overlay::{Overlay, Placed, ancestors};
use crate::source::Image;
use crate::system::{self, Identity};
use crate::tree::{Growing, Tree};
use crate::{
    Credential, Distribution, FilePlace, ImageFacts, Layer, Owners, Package, PrivilegedFile,
    Problem, Utility, capability, closure, config, packages, utilities,
};

/// The most credentials, files or utilities of an image that are told.
const LIST_LIMIT: usize = 20_000;

impl Image {
    /// Reads the image. What can't be read is a [`Problem`]; the rest is whole.
    #[must_use]
    pub fn read(&self) -> ImageFacts {
        self.read_with_tree().0
    }

    /// Reads the image, and keeps the tree of its files; `None` where there are too many for one.
    #[must_use]
    pub fn read_with_tree(&self) -> (ImageFacts, Option<Tree>) {
        let shared = Shared::new();
        let mut readings: Vec<LayerReading> =
            self.layers.par_iter().map(|source| layer::read(source, &shared)).collect();
        let mut growing = Growing::default();
        for reading in &mut readings {
            let leaves = std::mem::take(&mut reading.leaves);
            growing.put(leaves, &reading.whiteouts, &reading.opaque);
        }
        let tree = shared.has_tree().then(|| growing.finish());
        let mut facts = ImageFacts { digest: self.digest.clone(), ..Default::default() };
        for note in &self.notes {
            facts.problems.push(Problem { place: FilePlace::default(), message: note.clone() });
        }
        let mut configuration = config::Configuration::default();
        if !self.config.is_empty() {
            match config::read(&self.config) {
                Ok(read) => configuration = read,
                Err(error) => facts.problems.push(Problem {
                    place: FilePlace::default(),
                    message: format!(
                        "The configuration can't be read: {error}. User and variables are unknown."
                    ),
                }),
            }
        }
        let layered = !self.digest.is_empty();
        let overlay = Overlay::new(&readings, &shared);
        let join = Join { overlay, readings: &readings, shared: &shared, layered, facts, tree };
        join.run(configuration)
    }
}

/// The joining of layers.
struct Join<'a> {
    overlay: Overlay<'a>,
    readings: &'a [LayerReading],
    shared: &'a Shared,
    /// Whether it is an image of layers, and no directory.
    layered: bool,
    facts: ImageFacts,
    tree: Option<Tree>,
}

impl Join<'_> {
    fn run(mut self, configuration: config::Configuration) -> (ImageFacts, Option<Tree>) {
        self.facts.config = configuration.config;
        self.layers(&configuration.diff_ids, &configuration.instructions);
        self.facts.distribution = self.distribution();
        let identity = system::identity(
            &self.facts.config.user,
            self.text(system::PASSWD).unwrap_or_default(),
            self.text(system::GROUP).unwrap_or_default(),
        );
        let brought = Brought::new(&self.overlay, self.shared);
        self.packages(&brought);
        self.files(&identity, &brought);
        self.facts.credentials.extend(configuration.credentials);
        self.facts.user = identity.user;
        self.problems();
        self.entry_point();
        let tree = self.tree.take();
        (self.finish(), tree)
    }

    /// Tells the tree whose its files are, and what of them the entry point uses.
    fn entry_point(&mut self) {
        let Some(mut tree) = self.tree.take() else { return };
        let found = || self.overlay.visible().filter_map(|(_, kept)| kept.found.as_ref());
        let files = found().flat_map(|found| {
            let starts = std::iter::once(0).chain(found.owners.iter().map(|&(_, end)| end));
            starts.zip(&found.owners).map(|(start, (name, end))| {
                (name.as_str(), found.owned_paths.get(start..*end).unwrap_or_default())
            })
        });
        let files = files.collect::<Vec<_>>();
        tree.owners = Owners::new(&tree, &files, found().flat_map(|found| &found.relations));
        let closure = closure::closure(&tree, &self.facts.config, &[]);
        self.facts.entry_point = closure::entry_point(&tree, &closure, &self.facts.packages);
        self.tree = Some(tree);
    }

    fn place(&self, layer: usize, path: &str) -> FilePlace {
        FilePlace { path: path.to_owned(), layer: self.layer(layer) }
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

    /// The text of one of the files that say what the system is, as the container sees it.
    fn text(&self, path: &str) -> Option<&str> {
        let resolved = self.overlay.resolve(path)?;
        self.overlay
            .visible()
            .filter(|(_, kept)| kept.entry.path == resolved)
            .find_map(|(_, kept)| kept.text.as_deref())
    }

    fn distribution(&self) -> Option<Distribution> {
        let text = system::OS_RELEASE.iter().find_map(|path| self.text(path))?;
        Some(system::distribution(text))
    }

    /// The packages that are left, each with the layer it came with.
    fn packages(&mut self, brought: &Brought) {
        let mut found: Vec<Package> = Vec::new();
        for (layer, kept) in self.overlay.visible() {
            let Some(read) = &kept.found else { continue };
            for package in &read.packages {
                let distribution = package.kind.is_distribution();
                if !distribution && brought.owns(self.shared.name(&kept.entry.path)) {
                    continue;
                }
                let mut package = package.clone();
                package.layer = self.layer(self.first_layer(layer, kept, &package));
                found.push(package);
            }
        }
        packages::settle::settle(&mut found, self.facts.distribution.as_ref());
        self.facts.packages = found;
    }

    /// The lowest layer from which on every state of the file names the package: databases are
    /// written anew by each layer that installs something.
    fn first_layer(&self, layer: usize, kept: &Kept, package: &Package) -> usize {
        if !package.kind.is_distribution() {
            return layer;
        }
        let mut first = layer;
        for lower in (0..layer).rev() {
            let same_file = self.readings.get(lower).and_then(|reading| {
                reading.kept.iter().rev().find(|other| other.entry.path == kept.entry.path)
            });
            let Some(other) = same_file else { continue };
            let named = other.found.as_ref().is_some_and(|found| {
                found.packages.iter().any(|it| {
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
    fn files(&mut self, identity: &Identity, brought: &Brought) {
        let closed = self.closed_directories();
        let mut facts = std::mem::take(&mut self.facts);
        // What a package of the distribution brought, everybody has.
        let leaks: Vec<_> = self
            .overlay
            .all
            .par_iter()
            .with_min_len(256)
            .map(|placed| {
                let name = self.shared.name(&placed.kept.entry.path);
                placed.kept.leaks().map(|leaks| brought.without(name, placed.layer, leaks).found)
            })
            .collect();
        for (&Placed { layer, kept, left }, leaks) in self.overlay.all.iter().zip(leaks) {
            let place = self.place(layer, &kept.entry.path);
            match leaks {
                Ok(leaks) if leaks.is_empty() => {}
                Ok(leaks) => {
                    let readable = readable(kept, identity, &closed);
                    facts.credentials.extend(leaks.into_iter().map(|leak| Credential {
                        place: place.clone(),
                        label: leak.label,
                        kind: leak.kind,
                        readable: if left { readable } else { Some(false) },
                        deleted: !left,
                    }));
                }
                Err(message) => facts.problems.push(Problem { place: place.clone(), message }),
            }
            if !left {
                continue;
            }
            if kept.entry.is_privileged() {
                facts.privileged_files.push(PrivilegedFile {
                    place: place.clone(),
                    mode: kept.entry.mode,
                    uid: kept.entry.uid,
                    gid: kept.entry.gid,
                    capabilities: capability::names(&kept.entry.capability),
                });
            }
            if kept.entry.is_world_writable() {
                facts.world_writable.push(kept.entry.path.clone());
            }
            self.utilities(kept, &place, &mut facts.utilities);
        }
        self.facts = facts;
    }

    fn utilities(&self, kept: &Kept, place: &FilePlace, utilities: &mut Vec<Utility>) {
        let path = &kept.entry.path;
        for &applet in &kept.applets {
            let Some(kind) = utilities::of_path(applet) else { continue };
            utilities.push(Utility {
                place: place.clone(),
                name: applet.to_owned(),
                kind,
                target: Some(path.clone()),
            });
        }
        let Some(kind) = utilities::of_path(path) else { return };
        let target = match kept.entry.kind {
            EntryKind::Symlink => {
                let Some(target) = self.overlay.resolve(path) else { return };
                if !self.overlay.lies(&target).is_some_and(|lies| lies.executable) {
                    return;
                }
                Some(target)
            }
            EntryKind::HardLink if kept.entry.mode & 0o111 != 0 => Some(kept.entry.link.clone()),
            EntryKind::File if kept.entry.mode & 0o111 != 0 => None,
            _ => return,
        };
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        utilities.push(Utility { place: place.clone(), name, kind, target });
    }

    /// Directories that not everybody may enter: their owner, group and mode.
    fn closed_directories(&self) -> BTreeMap<String, (u32, u32, u32)> {
        self.overlay
            .visible()
            .filter(|(_, kept)| {
                kept.entry.kind == EntryKind::Directory && kept.entry.mode & 0o001 == 0
            })
            .map(|(_, kept)| {
                let entry = &kept.entry;
                (entry.path.clone(), (entry.uid, entry.gid, entry.mode))
            })
            .collect()
    }

    fn problems(&mut self) {
        let mut problems = Vec::new();
        for (layer, reading) in self.readings.iter().enumerate() {
            for (path, message) in &reading.problems {
                // A file that an upper layer replaced is nobody's concern.
                if path.is_empty() || self.overlay.is_left(layer, path) {
                    problems
                        .push(Problem { place: self.place(layer, path), message: message.clone() });
                }
            }
        }
        self.facts.problems.append(&mut problems);
    }

    /// Brings everything into its order, and judges.
    fn finish(self) -> ImageFacts {
        let mut facts = self.facts;
        facts.utilities.sort();
        // An applet that has a link of its own is told once: by its link.
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

/// Whether the container's user may read the file, and enter all directories on the way.
fn readable(
    kept: &Kept,
    identity: &Identity,
    closed: &BTreeMap<String, (u32, u32, u32)>,
) -> Option<bool> {
    let entry = &kept.entry;
    let mut steps = vec![(entry.uid, entry.gid, entry.mode, 0o4)];
    for directory in ancestors(&entry.path) {
        if let Some(&(uid, gid, mode)) = closed.get(directory) {
            steps.push((uid, gid, mode, 0o1));
        }
    }
    let mut all = Some(true);
    for (owner, group, mode, bit) in steps {
        let for_everybody = mode & bit != 0;
        let may = match identity.user.uid {
            None if for_everybody => Some(true),
            None => None,
            Some(0) => Some(true),
            Some(uid) if uid == owner => Some(mode >> 6 & bit != 0),
            Some(_) if identity.groups.contains(&group) => Some(mode >> 3 & bit != 0),
            Some(_) => Some(for_everybody),
        };
        match may {
            Some(true) => {}
            Some(false) => return Some(false),
            None => all = None,
        }
    }
    all
}
