//! What is in the images that pods run.
//!
//! Invariant: unless images are required, no socket is opened but a local daemon's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
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
use crate::environment::now;
#[cfg(feature = "registry")]
use crate::image_locator::FoundSignatures;
use crate::image_locator::{self, Found, LocateError, RemoteImages};
#[cfg(feature = "registry")]
use crate::image_signatures;
use crate::java_names::JavaNames;
use crate::variants::VariantWorld;
use crate::{Engine, ScanError, VulnerabilitySource, match_images};

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

/// What images are looked into, and where.
#[derive(Clone, Copy)]
pub struct Inspection<'a> {
    /// Which ones.
    pub mode: ImagesMode,
    /// The images that are not on this machine.
    pub remote: Option<&'a dyn RemoteImages>,
    /// The vulnerability database that the caller names.
    pub database: Option<&'a Path>,
    /// The VEX documents that the caller names.
    pub vex: &'a [PathBuf],
}

impl Engine {
    /// Looks into the images of these variants, and looks up their known vulnerabilities, as far as a
    /// rule of this engine makes use of it.
    ///
    /// # Errors
    ///
    /// If the database or a VEX document cannot be used.
    pub fn inspect(
        &self,
        inspection: Inspection<'_>,
        variants: &[VariantWorld],
    ) -> Result<Inspected, ScanError> {
        let config = self.config();
        if !self.reads_images() {
            return Ok(Inspected::default());
        }
        let Inspection { mode, remote, database, vex } = inspection;
        let mut inspected = inspect_images(mode, config, remote, variants);
        let warnings = &mut inspected.warnings;
        warnings.extend(self.missing_signers().map(str::to_owned));
        if self.reads_vulnerabilities() && mode != ImagesMode::Never {
            let source = VulnerabilitySource::new(database, vex, config, now(), warnings)?;
            match_images(&source, &mut inspected.images, warnings)?;
        }
        Ok(inspected)
    }
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
    let names = JavaNames::new(config).unwrap_or_else(|error| {
        inspected.warnings.push(error.to_string());
        JavaNames::default()
    });
    let finder = Finder { mode, archives, daemons, remote, cache: Cache::of_user(), names };
    let found: Vec<_> =
        wanted.par_iter().map(|reference| (reference, finder.facts(reference))).collect();
    #[cfg(feature = "registry")]
    let mut signatures = Verification::new(config, &mut inspected);
    for (reference, (outcome, warnings)) in found {
        inspected.warnings.extend(warnings);
        match outcome {
            Ok(Some(facts)) => {
                #[cfg(feature = "registry")]
                signatures.verify(reference, &facts, &finder, &mut inspected);
                inspected.errors.extend(problems(reference, &facts));
                inspected.images.insert(reference, Arc::new(facts));
            }
            Ok(None) => {
                #[cfg(feature = "registry")]
                signatures.skip();
            }
            Err(error) => {
                inspected.errors.push(InputError::new(reference.to_string(), error.to_string()));
            }
        }
    }
    #[cfg(feature = "registry")]
    inspected.warnings.extend(signatures.warning());
    inspected
}

/// Whose signatures count, and how many images there are whose signatures are not known.
#[cfg(feature = "registry")]
struct Verification {
    trust: Option<coaming_signature::Trust>,
    unknown: usize,
}

#[cfg(feature = "registry")]
impl Verification {
    fn new(config: &Config, inspected: &mut Inspected) -> Self {
        let trust = image_signatures::trust(&config.signatures).unwrap_or_else(|message| {
            inspected.errors.push(InputError::new("images.signatures".to_owned(), message));
            None
        });
        Self { trust, unknown: 0 }
    }

    fn skip(&mut self) {
        self.unknown += 1;
    }

    /// Finds out whether an image is signed, where its signatures are within reach.
    fn verify(
        &mut self,
        reference: &Reference,
        facts: &ImageFacts,
        finder: &Finder<'_>,
        inspected: &mut Inspected,
    ) {
        let Some(trust) = &self.trust else { return };
        match finder.signatures(reference, facts) {
            Ok(Some(found)) => {
                if let Some(reason) = image_signatures::problem(&found, trust) {
                    inspected.images.insert_unsigned(reference, reason);
                }
            }
            Ok(None) => self.skip(),
            Err(message) => {
                inspected.errors.push(InputError::new(reference.to_string(), message));
            }
        }
    }

    fn warning(self) -> Option<String> {
        let images = match self.unknown {
            1 => "1 image".to_owned(),
            count => format!("{count} images"),
        };
        (self.trust.is_some() && self.unknown > 0).then(|| {
            format!(
                "the signatures of {images} are not known: only OCI layouts in `images.archives` have \
                 them, and registries with `--images require`"
            )
        })
    }
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
    names: JavaNames,
}

impl Finder<'_> {
    /// What is in an image, with warnings; `None` where it is not on this machine and not required.
    fn facts(
        &self,
        reference: &Reference,
    ) -> (Result<Option<ImageFacts>, LocateError>, Vec<String>) {
        let mut warnings = Vec::new();
        let found = self.find(reference, &mut warnings);
        let facts = |found: Found| Ok(found.facts(self.cache.as_ref(), &self.names)?);
        (found.and_then(|found| found.map(facts).transpose()), warnings)
    }

    /// The signatures of an image; `None` where they are not within reach.
    #[cfg(feature = "registry")]
    fn signatures(
        &self,
        reference: &Reference,
        facts: &ImageFacts,
    ) -> Result<Option<FoundSignatures>, String> {
        if let Some(path) = self.archives.get(&reference.to_string()) {
            return image_signatures::of_layout(Path::new(path), &facts.digest);
        }
        match (self.mode, self.remote) {
            (ImagesMode::Require, Some(remote)) => {
                remote.signatures(reference).map(Some).map_err(|error| error.to_string())
            }
            _ => Ok(None),
        }
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
