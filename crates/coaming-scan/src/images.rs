//! What is in the images that pods run.
//!
//! Invariant: unless images are required, no socket is opened but a local daemon's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use coaming_config::Config;
use coaming_dockerfile::Base;
use coaming_finding::InputError;
use coaming_image::{Cache, ImageFacts};
use coaming_kube::SourceKind;
use coaming_oci::Reference;
use coaming_rules::Images;
use rayon::prelude::*;

use crate::daemons::Daemons;
use crate::image_locator::{self, Found, LocateError, RemoteImages};
use crate::variants::VariantWorld;

/// Whether images are looked into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImagesMode {
    /// Those on this machine: archives that the configuration names, and what a local daemon has.
    #[default]
    Auto,
    /// None.
    Never,
    /// All; those that are not on this machine are fetched from their registries.
    Require,
}

/// What was learned about images.
#[derive(Debug, Default)]
pub struct Inspected {
    /// What is in them.
    pub images: Images,
    /// Images that could not be read, wholly or in part.
    pub errors: Vec<InputError>,
    /// What else the user should know, in sentences.
    pub warnings: Vec<String>,
}

/// Looks into the images that the pods and Dockerfiles of these variants name, as far as `mode`
/// says. Required images that are not on this machine are fetched from `remote`.
#[must_use]
pub fn inspect_images(
    mode: ImagesMode,
    config: &Config,
    remote: Option<&dyn RemoteImages>,
    variants: &[VariantWorld],
) -> Inspected {
    let mut inspected = Inspected::default();
    if mode == ImagesMode::Never {
        return inspected;
    }
    let archives = archives(config);
    let daemons = Daemons::all();
    if archives.is_empty() && daemons.is_empty() && mode == ImagesMode::Auto {
        return inspected;
    }
    let wanted = references(variants);
    let finder = Finder { mode, archives, daemons, remote, cache: Cache::of_user() };
    let found: Vec<_> =
        wanted.par_iter().map(|reference| (reference, finder.facts(reference))).collect();
    for (reference, (outcome, warnings)) in found {
        inspected.warnings.extend(warnings);
        match outcome {
            Ok(Some(facts)) => {
                inspected.errors.extend(problems(reference, &facts));
                inspected.images.insert(reference, Arc::new(facts));
            }
            Ok(None) => {}
            Err(error) => {
                inspected.errors.push(InputError::new(reference.to_string(), error.to_string()));
            }
        }
    }
    inspected
}

/// What of an image could not be read, in one line.
fn problems(reference: &Reference, facts: &ImageFacts) -> Option<InputError> {
    let first = facts.problems.first()?;
    let more = match facts.problems.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more: `coaming image` shows them)"),
    };
    let message = format!("{} {}{more}", first.place.path, first.message).trim().to_owned();
    Some(InputError::new(reference.to_string(), message))
}

/// The images that pods run and that Dockerfiles build on, each once, in one order.
fn references(variants: &[VariantWorld]) -> Vec<Reference> {
    let mut seen = BTreeSet::new();
    let of_pods = variants
        .iter()
        .flat_map(|variant| variant.world.workloads())
        .flat_map(|workload| workload.pod().containers())
        .filter_map(|container| Reference::parse(container.image()?).ok());
    let dockerfiles =
        variants.iter().flat_map(|variant| variant.world.sources_of_kind(SourceKind::Dockerfile));
    let of_dockerfiles = dockerfiles.filter_map(|(_, file)| {
        match &coaming_dockerfile::parse(&file.text).base()?.base {
            Base::Image(name) => Reference::parse(name).ok(),
            Base::Stage(_) | Base::Scratch | Base::Unknown => None,
        }
    });
    of_pods.chain(of_dockerfiles).filter(|reference| seen.insert(reference.to_string())).collect()
}

/// The archives and directories that the configuration names, by the image that they are.
fn archives(config: &Config) -> BTreeMap<String, String> {
    let parsed = config
        .image_archives
        .iter()
        .filter_map(|(name, path)| Some((Reference::parse(name).ok()?.to_string(), path.clone())));
    parsed.collect()
}

/// Where images are looked for.
struct Finder<'r> {
    mode: ImagesMode,
    archives: BTreeMap<String, String>,
    daemons: Daemons,
    remote: Option<&'r dyn RemoteImages>,
    cache: Option<Cache>,
}

impl Finder<'_> {
    /// What is in an image, with warnings; `None` where it is not on this machine and not required.
    fn facts(
        &self,
        reference: &Reference,
    ) -> (Result<Option<ImageFacts>, LocateError>, Vec<String>) {
        let mut warnings = Vec::new();
        let found = self.find(reference, &mut warnings);
        (found.map(|found| found.map(|found| found.facts(self.cache.as_ref()))), warnings)
    }

    fn find(
        &self,
        reference: &Reference,
        warnings: &mut Vec<String>,
    ) -> Result<Option<Found>, LocateError> {
        let name = reference.to_string();
        if let Some(path) = self.archives.get(&name) {
            return image_locator::at_path(Path::new(path), None).map(Some);
        }
        if let Some(found) = self.daemons.find(&name, None, self.cache.as_ref(), warnings) {
            return Ok(Some(found));
        }
        match self.mode {
            ImagesMode::Require => {
                let remote = self.remote.ok_or_else(|| LocateError::not_local(&name))?;
                remote.image(reference, None).map(|image| Some(Found::Image(image)))
            }
            ImagesMode::Auto | ImagesMode::Never => Ok(None),
        }
    }
}
