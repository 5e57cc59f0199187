//! What is in the images that pods run: `--images` and `images:` of `coaming.yaml`.
//!
//! Invariant: without `--images require` no socket is opened but a local daemon's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use coaming_config::Config;
use coaming_dockerfile::Base;
use coaming_image::{Cache, ImageFacts};
use coaming_kube::{FileKind, ImageReference, Inventory};
use coaming_report::InputProblem;
use coaming_rules::Images;
use rayon::prelude::*;

use crate::args::{ImagesMode, RegistryArguments};
use crate::image_place::{self, Daemons, Found};

/// Looks into the images of all pods, as far as they are at hand or were asked for.
pub(crate) fn gather(
    mode: ImagesMode,
    config: &Config,
    inventory: &Inventory,
) -> (Images, Vec<InputProblem>) {
    let mut images = Images::default();
    if mode == ImagesMode::Never {
        return (images, Vec::new());
    }
    let archives = archives(config);
    let daemons = Daemons::all();
    if archives.is_empty() && daemons.is_empty() && mode == ImagesMode::Auto {
        return (images, Vec::new());
    }
    let registry = RegistryArguments::default().options(config);
    let wanted = references(inventory);
    let finder = Finder { mode, archives, daemons, registry, cache: Cache::of_user() };
    let found: Vec<_> =
        wanted.par_iter().map(|reference| (reference, finder.facts(reference))).collect();
    let mut errors = Vec::new();
    for (reference, outcome) in found {
        match outcome {
            Ok(Some(facts)) => {
                errors.extend(problems(reference, &facts));
                images.insert(reference, Arc::new(facts));
            }
            Ok(None) => {}
            Err(message) => {
                errors.push(InputProblem { file: reference.to_string(), position: None, message });
            }
        }
    }
    (images, errors)
}

/// What of an image could not be read, in one line.
fn problems(reference: &ImageReference, facts: &ImageFacts) -> Option<InputProblem> {
    let first = facts.problems.first()?;
    let more = match facts.problems.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more: `coaming image` shows them)"),
    };
    let message = format!("{} {}{more}", first.place.path, first.message).trim().to_owned();
    Some(InputProblem { file: reference.to_string(), position: None, message })
}

/// The images that pods run and that Dockerfiles build on, each once, in one order.
fn references(inventory: &Inventory) -> Vec<ImageReference> {
    let mut seen = BTreeSet::new();
    let of_pods = inventory
        .workloads()
        .iter()
        .flat_map(|workload| workload.pod().containers())
        .filter_map(|container| ImageReference::parse(container.image()?).ok());
    let of_dockerfiles = inventory.files_of_kind(FileKind::Dockerfile).filter_map(|(_, file)| {
        match &coaming_dockerfile::parse(&file.source).base()?.base {
            Base::Image(name) => ImageReference::parse(name).ok(),
            Base::Stage(_) | Base::Scratch | Base::Unknown => None,
        }
    });
    of_pods.chain(of_dockerfiles).filter(|reference| seen.insert(reference.to_string())).collect()
}

/// The archives and directories that the configuration names, by the image that they are.
fn archives(config: &Config) -> BTreeMap<String, String> {
    let parsed = config.image_archives.iter().filter_map(|(name, path)| {
        Some((ImageReference::parse(name).ok()?.to_string(), path.clone()))
    });
    parsed.collect()
}

/// Where images are looked for.
struct Finder {
    mode: ImagesMode,
    archives: BTreeMap<String, String>,
    daemons: Daemons,
    registry: coaming_registry::Options,
    cache: Option<Cache>,
}

impl Finder {
    /// What is in an image; `None` where it is not at hand, and need not be.
    fn facts(&self, reference: &ImageReference) -> Result<Option<ImageFacts>, String> {
        let found = self.find(reference)?;
        Ok(found.map(|found| found.facts(self.cache.as_ref())))
    }

    fn find(&self, reference: &ImageReference) -> Result<Option<Found>, String> {
        let name = reference.to_string();
        if let Some(path) = self.archives.get(&name) {
            return image_place::at_path(Path::new(path), None).map(Some);
        }
        if let Some(found) = self.daemons.find(&name, None, self.cache.as_ref()) {
            return Ok(Some(found));
        }
        match self.mode {
            ImagesMode::Require => {
                image_place::in_registry(self.registry.clone(), reference, None).map(Some)
            }
            ImagesMode::Auto | ImagesMode::Never => Ok(None),
        }
    }
}
