//! All images of a registry, each digest once: what is in them, and what is attached to them there.
//!
//! Invariants: lines come in the order of the images' names, whatever is read at once; what failed is
//! a line too.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use coaming_advisory::FailOn;
use coaming_config::Config;
use coaming_http::Runtime;
use coaming_image::{Cache, ImageFacts, sbom};
use coaming_oci::{AnyManifest, Platform, Reference};
use coaming_registry::{Options, REPLACES, Referrer, Registry, RegistryError};
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use serde_json::{Value, json};

use crate::environment::{now, timestamp};
use crate::{
    Found, ImageMatches, ImageQuery, JavaNames, LocateError, RegistryImages, RemoteImages as _,
    ScanError, VulnerabilitySource, WalkScope, WalkedImage, match_image, walk,
};

/// How many images are read at once: while one is decompressed, another arrives.
pub const WALKED_AT_ONCE: usize = 4;

/// The type of attached results.
const RESULTS: &str = "application/vnd.coaming.image.v1+json";
/// The largest results that are read.
const MAX_RESULTS: u64 = 64 << 20;
/// The annotations by which attached results are recognized as still valid.
const VERSION: &str = "dev.coaming.version";
const DATABASE: &str = "dev.coaming.database";

/// Why a registry or an image cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The runtime for requests cannot be started.
    #[error(transparent)]
    Http(#[from] coaming_http::Error),
    /// The registry does not answer as it should.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The image cannot be read.
    #[error(transparent)]
    Image(#[from] LocateError),
    /// Known vulnerabilities cannot be looked up.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The queue that workers share cannot be used.
    #[cfg(feature = "queue")]
    #[error(transparent)]
    Queue(#[from] coaming_queue::QueueError),
    /// A result cannot be written.
    #[error("cannot write a result: {0}")]
    Write(#[from] std::io::Error),
}

/// What is attached to each image in the registry.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attach {
    /// The packages, in CycloneDX.
    pub sbom: bool,
    /// The known vulnerabilities, in OpenVEX.
    pub vex: bool,
    /// The line; an image that has the line of this version and this database is not read again.
    pub results: bool,
}

/// What became of an image.
#[derive(Clone, Copy, Debug)]
pub enum Walked<'a> {
    /// It was read.
    Read {
        /// What is in it.
        facts: &'a ImageFacts,
        /// Its known vulnerabilities, if there is a database.
        known: Option<&'a ImageMatches>,
    },
    /// It is something else than an image: the reason.
    Skipped(&'a str),
    /// It could not be read: the reason.
    Failed(&'a str),
}

/// How an image ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalkEnd {
    /// It was read, or its results were attached to it.
    Read {
        /// Whether the results were attached.
        attached: bool,
        /// Whether a vulnerability meets the conditions to fail.
        fails: bool,
    },
    /// It is something else than an image.
    Skipped,
    /// It could not be read, or not completely.
    Failed,
}

/// What is written about an image.
#[derive(Debug)]
pub struct WalkLine {
    /// The line.
    pub value: Value,
    /// How the image ended.
    pub end: WalkEnd,
}

/// What a walk did.
#[derive(Clone, Copy, Debug, Default)]
pub struct WalkCounts {
    known: usize,
    read: usize,
    attached: usize,
    skipped: usize,
    failed: usize,
}

impl WalkCounts {
    /// Before the walk; the output has `known` images already.
    #[must_use]
    pub fn knowing(known: usize) -> Self {
        Self { known, ..Self::default() }
    }

    /// Counts an image.
    pub fn add(&mut self, end: WalkEnd) {
        match end {
            WalkEnd::Read { attached: false, .. } => self.read += 1,
            WalkEnd::Read { attached: true, .. } => self.attached += 1,
            WalkEnd::Skipped => self.skipped += 1,
            WalkEnd::Failed => self.failed += 1,
        }
    }
}

impl std::fmt::Display for WalkCounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { known, read, attached, skipped, failed } = self;
        write!(
            f,
            "{read} images read, {attached} with attached results, {known} already in the output, \
             {skipped} other artifacts, {failed} failed"
        )
    }
}

/// What all images of a walk share.
#[derive(Debug)]
pub struct WalkOptions<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// How the registry is reached.
    pub registry: Options,
    /// The platform of a multi-platform image.
    pub platform: Option<&'a Platform>,
    /// Where the contents of images are remembered.
    pub cache: Option<Cache>,
    /// The vulnerability database that the caller names.
    pub database: Option<&'a Path>,
    /// The VEX documents that the caller names.
    pub vex: &'a [PathBuf],
    /// What fails.
    pub fail_on: Option<FailOn>,
    /// What is attached to each image.
    pub attach: Attach,
}

/// Writes what became of an image as JSON.
pub type WalkRenderer<'a> = &'a (dyn Fn(&WalkedImage, Walked<'_>) -> Value + Sync);

/// Reads the images of a registry.
pub struct Walker<'a> {
    pub(crate) options: WalkOptions<'a>,
    render: WalkRenderer<'a>,
    registry: Registry,
    images: RegistryImages,
    names: JavaNames,
    /// When the database was built; empty if there is none.
    built: String,
    warnings: Mutex<BTreeSet<String>>,
}

impl<'a> Walker<'a> {
    /// A walker that has read nothing yet.
    ///
    /// # Errors
    ///
    /// If the registry cannot be asked, or a VEX document cannot be read.
    pub fn new(options: WalkOptions<'a>, render: WalkRenderer<'a>) -> Result<Self, WalkError> {
        let registry = Registry::new(options.registry.clone(), Runtime::shared()?)?;
        let images = RegistryImages { options: options.registry.clone() };
        let mut warnings = Vec::new();
        let WalkOptions { config, database, vex, .. } = &options;
        let source = VulnerabilitySource::new(*database, vex, config, now(), &mut warnings)?;
        let built = source.open(&mut warnings).map(|it| it.info().built.clone());
        let built = built.unwrap_or_default();
        let names = JavaNames::new(config)?;
        Ok(Self { options, render, registry, images, names, built, warnings: Mutex::default() })
    }

    /// The images of the registry, and what could not be listed.
    ///
    /// # Errors
    ///
    /// If the registry gives no catalog.
    pub fn list(
        &self,
        host: &str,
        scope: &WalkScope,
    ) -> Result<(Vec<WalkedImage>, Vec<String>), WalkError> {
        Ok(walk(&self.registry, host, scope)?)
    }

    /// Reads some images at once.
    #[must_use]
    pub fn lines(&self, images: &[&WalkedImage]) -> Vec<WalkLine> {
        images.par_iter().map(|image| self.line(image)).collect()
    }

    /// What the user should know about the look-up of vulnerabilities, each once.
    #[must_use]
    pub fn warnings(&self) -> BTreeSet<String> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn line(&self, image: &WalkedImage) -> WalkLine {
        match self.kind(&image.reference) {
            Ok(None) => self.read(image).unwrap_or_else(|error| self.failed(image, &error)),
            Ok(Some(kind)) => {
                let reason = format!("an artifact of type {kind}");
                let value = (self.render)(image, Walked::Skipped(&reason));
                WalkLine { value, end: WalkEnd::Skipped }
            }
            Err(error) => self.failed(image, &error),
        }
    }

    /// What is written about an image that cannot be read.
    pub(crate) fn failed(&self, image: &WalkedImage, reason: &dyn std::fmt::Display) -> WalkLine {
        let value = (self.render)(image, Walked::Failed(&reason.to_string()));
        WalkLine { value, end: WalkEnd::Failed }
    }

    /// The type of an artifact; `None` for images.
    fn kind(&self, reference: &Reference) -> Result<Option<String>, RegistryError> {
        let manifest = self.registry.manifest(reference)?;
        Ok(match AnyManifest::parse(&manifest.bytes) {
            Ok(AnyManifest::Manifest(manifest)) => manifest.kind().map(coaming_http::clean),
            _ => None,
        })
    }

    fn read(&self, image: &WalkedImage) -> Result<WalkLine, WalkError> {
        if self.options.attach.results
            && let Some(value) = self.attached(image)?
        {
            return Ok(WalkLine { value, end: WalkEnd::Read { attached: true, fails: false } });
        }
        let found = self.images.image(&image.reference, self.options.platform)?;
        let facts = Found::Image(found)
            .facts(self.options.cache.as_ref(), &self.names)
            .map_err(LocateError::from)?;
        let known = self.known(image, &facts)?;
        let value = (self.render)(image, Walked::Read { facts: &facts, known: known.as_ref() });
        self.attach(image, &facts, known.as_ref(), &value)?;
        let end = match known {
            _ if !facts.problems.is_empty() => WalkEnd::Failed,
            known => {
                WalkEnd::Read { attached: false, fails: known.is_some_and(|known| known.fails) }
            }
        };
        Ok(WalkLine { value, end })
    }

    /// The known vulnerabilities of an image.
    fn known(
        &self,
        image: &WalkedImage,
        facts: &ImageFacts,
    ) -> Result<Option<ImageMatches>, ScanError> {
        let WalkOptions { config, database, vex, fail_on, .. } = &self.options;
        let query = ImageQuery {
            digests: vec![image.digest.to_string()],
            fail_on: *fail_on,
            ..ImageQuery::named(&image.reference.to_string())
        };
        let mut warnings = Vec::new();
        let source = VulnerabilitySource::new(*database, vex, config, now(), &mut warnings)?;
        let known = match_image(source, facts, query, &mut warnings);
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).extend(warnings);
        known
    }

    /// The results that an earlier walk by this version and with this database attached.
    fn attached(&self, image: &WalkedImage) -> Result<Option<Value>, RegistryError> {
        let found = self.registry.image(&image.reference, self.options.platform)?;
        let own = image.reference.with_digest(found.manifest_digest);
        for referrer in self.registry.referrers(&own, Some(RESULTS))? {
            let is = |key: &str, value: &str| {
                referrer.annotations.get(key).is_some_and(|found| found == value)
            };
            if !is(VERSION, env!("CARGO_PKG_VERSION")) || !is(DATABASE, &self.built) {
                continue;
            }
            let artifact = image.reference.with_digest(referrer.digest);
            let (_, layers) = self.registry.artifact(&artifact)?;
            let Some(layer) = layers.first() else { continue };
            let bytes = self.registry.small_blob(&artifact, layer, MAX_RESULTS)?;
            let Ok(mut value) = serde_json::from_slice::<Value>(&bytes) else { continue };
            if value.get("version") == Some(&json!(1)) && value.get("facts").is_some() {
                // The names are those of today.
                value["image"] = json!(image.reference.to_string());
                value["names"] = json!(image.names);
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// Attaches what the user wants to the image's own manifest.
    fn attach(
        &self,
        image: &WalkedImage,
        facts: &ImageFacts,
        known: Option<&ImageMatches>,
        line: &Value,
    ) -> Result<(), RegistryError> {
        let Attach { sbom, vex, results } = self.options.attach;
        if !(sbom || vex || results) {
            return Ok(());
        }
        let found = self.registry.image(&image.reference, self.options.platform)?;
        let own = image.reference.with_digest(found.manifest_digest);
        let subject = self.registry.manifest(&own)?;
        let send = |kind: &str, what: &str, contents: &Value| {
            let note = |key: &str, value: &str| (key.to_owned(), value.to_owned());
            let document = Referrer {
                artifact_type: kind.to_owned(),
                contents: contents.to_string().into_bytes(),
                annotations: vec![
                    note(REPLACES, what),
                    note(VERSION, env!("CARGO_PKG_VERSION")),
                    note(DATABASE, &self.built),
                ],
            };
            self.registry.attach(&own, &subject, &document)
        };
        if sbom {
            let name = image.reference.to_string();
            send("application/vnd.cyclonedx+json", "sbom", &sbom::cyclonedx(facts, &name))?;
        }
        if let Some(known) = known.filter(|_| vex) {
            send("application/vnd.openvex+json", "vex", &known.openvex(&timestamp()))?;
        }
        if results {
            send(RESULTS, "results", line)?;
        }
        Ok(())
    }
}
