//! What is in the images that pods run: `--images` and `images:` of `coaming.yaml`.
//!
//! Invariant: without `--images require` no socket is opened but a local daemon's.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

use coaming_config::Config;
use coaming_daemon::Daemon;
use coaming_image::{BlobSource, Cache, Image, ImageFacts, Platform};
use coaming_kube::{ImageReference, Inventory};
use coaming_registry::{Descriptor, Registry};
use coaming_report::InputProblem;
use coaming_rules::Images;
use rayon::prelude::*;

use crate::args::ImagesMode;
use crate::output;

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
    let daemons = Daemon::all();
    let wanted = references(inventory);
    if archives.is_empty() && daemons.is_empty() && mode == ImagesMode::Auto {
        return (images, Vec::new());
    }
    let finder = Finder { mode, archives, daemons, cache: Cache::of_user() };
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

/// The images that pods run, each once, in one order.
fn references(inventory: &Inventory) -> Vec<ImageReference> {
    let mut seen = BTreeSet::new();
    inventory
        .workloads()
        .iter()
        .flat_map(|workload| workload.pod().containers())
        .filter_map(|container| ImageReference::parse(container.image()?).ok())
        .filter(|reference| seen.insert(reference.to_string()))
        .collect()
}

/// The archives and folders that the configuration names, by the image that they are.
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
    daemons: Vec<Daemon>,
    cache: Option<Cache>,
}

impl Finder {
    /// What is in an image; `None` where it is not at hand, and need not be.
    fn facts(&self, reference: &ImageReference) -> Result<Option<ImageFacts>, String> {
        let Some(image) = self.open(reference)? else { return Ok(None) };
        Ok(Some(self.cache.as_ref().map_or_else(|| image.read(), |cache| cache.read(&image))))
    }

    fn open(&self, reference: &ImageReference) -> Result<Option<Image>, String> {
        if let Some(path) = self.archives.get(&reference.to_string()) {
            return Image::open(Path::new(path), None).map(Some).map_err(|error| error.to_string());
        }
        for daemon in &self.daemons {
            match from_daemon(daemon, reference) {
                Ok(Some(image)) => return Ok(Some(image)),
                Ok(None) => {}
                // A daemon that does not answer costs only itself.
                Err(error) => output::warn(&format!("{reference}: {error}")),
            }
        }
        match self.mode {
            ImagesMode::Require => from_registry(reference).map(Some),
            ImagesMode::Auto | ImagesMode::Never => Ok(None),
        }
    }
}

fn from_daemon(daemon: &Daemon, reference: &ImageReference) -> Result<Option<Image>, String> {
    let name = reference.to_string();
    let failed = |error: &dyn std::fmt::Display| error.to_string();
    let Some(local) = daemon.find(&name).map_err(|error| failed(&error))? else { return Ok(None) };
    let archive = daemon.export(&local).map_err(|error| failed(&error))?;
    Image::from_stream(&name, archive, None).map(Some).map_err(|error| failed(&error))
}

/// The blobs of one image in a registry.
struct Blobs {
    registry: Registry,
    reference: ImageReference,
    descriptors: BTreeMap<String, Descriptor>,
}

impl BlobSource for Blobs {
    fn open(&self, digest: &str) -> io::Result<Box<dyn io::Read + Send>> {
        let unknown = || io::Error::new(io::ErrorKind::NotFound, "the manifest has no such blob");
        let descriptor = self.descriptors.get(digest).ok_or_else(unknown)?;
        let blob = self.registry.blob(&self.reference, descriptor).map_err(io::Error::other)?;
        Ok(Box::new(blob))
    }
}

fn from_registry(reference: &ImageReference) -> Result<Image, String> {
    let failed = |error: coaming_registry::RegistryError| error.to_string();
    let registry = Registry::new(coaming_registry::Options::default()).map_err(failed)?;
    let platform = Platform::host();
    let wanted = coaming_registry::Platform {
        os: platform.os,
        architecture: platform.architecture,
        variant: Some(platform.variant).filter(|variant| !variant.is_empty()),
    };
    let found = registry.image(reference, &wanted).map_err(failed)?;
    let descriptors = std::iter::once(found.config)
        .chain(found.layers)
        .map(|descriptor| (descriptor.digest.clone(), descriptor))
        .collect();
    let reference = reference.clone();
    let source: Arc<dyn BlobSource> = Arc::new(Blobs { registry, reference, descriptors });
    Image::from_registry(&found.manifest_digest, &found.manifest, &source)
        .map_err(|error| error.to_string())
}
