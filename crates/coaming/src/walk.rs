//! `coaming image --registry`: all images of a registry, each digest once.
//!
//! Invariants: lines are written in the order of the images' names, whatever is read at once; a line
//! is written whole; what failed is a line too, and is tried again by the next walk.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use coaming_config::Config;
use coaming_http::Runtime;
use coaming_image::{Cache, ImageFacts, sbom};
use coaming_oci::{AnyManifest, Reference};
use coaming_registry::{REPLACES, Referrer, Registry, RegistryError};
use coaming_report::{image as report, policy_report, vulnerabilities};
use coaming_scan::{
    Found, ImageMatches, ImageQuery, RegistryImages, RemoteImages as _, WalkScope, WalkedImage,
};
use globset::{Glob, GlobSetBuilder};
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use serde_json::{Value, json};

use crate::args::{Attach, ImageArguments, ImageFormat, WalkArguments};
use crate::db::keep::timestamp;
use crate::image::matches;
use crate::{CommandError, Outcome, output, scope, walk_job};

/// How many images are read at once: while one is decompressed, another arrives.
const AT_ONCE: usize = 4;

/// The type of attached results.
const RESULTS: &str = "application/vnd.coaming.image.v1+json";
/// The largest results that are read.
const MAX_RESULTS: u64 = 64 << 20;
/// The annotations by which attached results are recognized as still valid.
const VERSION: &str = "dev.coaming.version";
const DATABASE: &str = "dev.coaming.database";

/// Runs the walk over a registry.
pub(crate) fn run(arguments: &ImageArguments, host: &str) -> Result<Outcome, CommandError> {
    let is_report = match arguments.format {
        ImageFormat::Full | ImageFormat::Json => false,
        ImageFormat::PolicyReport => true,
        _ => {
            let message = "--registry writes lines of JSON or PolicyReports: use --format json or \
                           --format policy-report";
            return Err(CommandError::Argument(message.to_owned()));
        }
    };
    let walk = &arguments.walk;
    let scope = scope_of(walk)?;
    if walk.as_job {
        output::write(None, |out| walk_job::write(arguments, host, out))?;
        return Ok(Outcome::Clean);
    }
    let walker = Walker::new(arguments, is_report)?;
    let (images, problems) =
        coaming_scan::walk(&walker.registry, host, &scope).map_err(argument)?;
    problems.iter().for_each(|problem| output::warn(problem));
    let (mut out, done) = open(arguments.output.as_deref())?;
    let pending: Vec<&WalkedImage> =
        images.iter().filter(|image| !done.contains(&image.digest.to_string())).collect();
    let mut outcome = if problems.is_empty() { Outcome::Clean } else { Outcome::Failed };
    let mut counts = Counts { known: images.len() - pending.len(), ..Counts::default() };
    for some in pending.chunks(AT_ONCE) {
        let lines: Vec<Line> = some.par_iter().map(|image| walker.line(image)).collect();
        for line in lines {
            counts.add(&line.end);
            outcome = match (&outcome, &line.end) {
                (Outcome::Failed, _) | (_, End::Failed) => Outcome::Failed,
                (Outcome::Found, _) | (_, End::Read { fails: true, .. }) => Outcome::Found,
                _ => Outcome::Clean,
            };
            writeln!(out, "{}", line.value).map_err(|source| failed_output(arguments, source))?;
        }
        out.flush().map_err(|source| failed_output(arguments, source))?;
    }
    walker.warnings().iter().for_each(|warning| output::warn(warning));
    output::note(&counts.text(host));
    Ok(outcome)
}

fn argument(error: impl ToString) -> CommandError {
    CommandError::Argument(error.to_string())
}

fn failed_output(arguments: &ImageArguments, source: io::Error) -> CommandError {
    let file = arguments.output.as_ref();
    let target = file.map_or_else(|| "standard output".to_owned(), |it| it.display().to_string());
    CommandError::Output { target, source }
}

fn scope_of(walk: &WalkArguments) -> Result<WalkScope, CommandError> {
    let mut globs = GlobSetBuilder::new();
    for glob in &walk.repositories {
        globs.add(Glob::new(glob).map_err(argument)?);
    }
    Ok(WalkScope {
        repositories: match walk.repositories.is_empty() {
            true => None,
            false => Some(globs.build().map_err(argument)?),
        },
        range: walk.tags.clone(),
        newest: walk.newest,
        shard: walk.shard,
    })
}

/// The output, and the digests that it has already. A line that was not written whole is removed.
fn open(file: Option<&Path>) -> Result<(Box<dyn Write>, BTreeSet<String>), CommandError> {
    let Some(path) = file else { return Ok((Box::new(io::stdout()), BTreeSet::new())) };
    let opened = || -> io::Result<(File, BTreeSet<String>)> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut done = BTreeSet::new();
        if !file.metadata()?.is_file() {
            return Ok((file, done));
        }
        let mut reader = BufReader::new(&file);
        let (mut line, mut whole) = (Vec::new(), 0_u64);
        while reader.read_until(b'\n', &mut line)? > 0 {
            if line.ends_with(b"\n") {
                whole += line.len() as u64;
                done.extend(serde_json::from_slice(&line).ok().and_then(digest_in));
            }
            line.clear();
        }
        file.set_len(whole)?;
        (&file).seek(SeekFrom::End(0))?;
        Ok((file, done))
    };
    let (file, done) = opened()
        .map_err(|source| CommandError::Output { target: path.display().to_string(), source })?;
    Ok((Box::new(file), done))
}

/// The digest that a line is about; `None` if the image must be read again.
fn digest_in(line: Value) -> Option<String> {
    if line.get("error").is_some() {
        return None;
    }
    if let Some(digest) = line.pointer("/metadata/annotations/coaming.dev~1digest") {
        return digest.as_str().map(str::to_owned);
    }
    let (_, digest) = line.get("image")?.as_str()?.rsplit_once('@')?;
    Some(digest.to_owned())
}

/// How an image ended.
enum End {
    /// It was read, or its results were attached to it.
    Read { attached: bool, fails: bool },
    /// It is something else than an image.
    Skipped,
    /// It could not be read, or not completely.
    Failed,
}

/// What is written about an image.
struct Line {
    value: Value,
    end: End,
}

/// What a walk did.
#[derive(Default)]
struct Counts {
    known: usize,
    read: usize,
    attached: usize,
    skipped: usize,
    failed: usize,
}

impl Counts {
    fn add(&mut self, end: &End) {
        match end {
            End::Read { attached: false, .. } => self.read += 1,
            End::Read { attached: true, .. } => self.attached += 1,
            End::Skipped => self.skipped += 1,
            End::Failed => self.failed += 1,
        }
    }

    fn text(&self, host: &str) -> String {
        let Self { known, read, attached, skipped, failed } = self;
        format!(
            "{host}: {read} images read, {attached} with attached results, {known} already in the \
             output, {skipped} other artifacts, {failed} failed"
        )
    }
}

/// What all images of a walk share.
struct Walker<'a> {
    arguments: &'a ImageArguments,
    config: Config,
    registry: Registry,
    images: RegistryImages,
    cache: Option<Cache>,
    /// When the database was built; empty if there is none.
    built: String,
    is_report: bool,
    warnings: Mutex<BTreeSet<String>>,
}

impl<'a> Walker<'a> {
    fn new(arguments: &'a ImageArguments, is_report: bool) -> Result<Self, CommandError> {
        let config = scope::config_here(arguments.known.config.as_deref())?;
        let options = arguments.origin.registry.options(&config);
        let runtime = Runtime::shared().map_err(argument)?;
        let mut warnings = Vec::new();
        let source = scope::vulnerability_source(&arguments.known.look_up, &config, &mut warnings)?;
        let built = source.open(&mut warnings).map(|it| it.info().built.clone());
        Ok(Self {
            arguments,
            registry: Registry::new(options.clone(), runtime).map_err(argument)?,
            images: RegistryImages { options },
            cache: Cache::of_user().filter(|_| !arguments.no_cache),
            config,
            built: built.unwrap_or_default(),
            is_report,
            warnings: Mutex::default(),
        })
    }

    fn warnings(&self) -> BTreeSet<String> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn attaches(&self, what: Attach) -> bool {
        self.arguments.walk.attach.contains(&what)
    }

    fn line(&self, image: &WalkedImage) -> Line {
        let name = image.reference.to_string();
        let not_read = |why, reason: &str, end| Line {
            value: report::not_read(&name, &image.names, why, reason),
            end,
        };
        match self.kind(&image.reference) {
            Ok(None) => {}
            Ok(Some(kind)) => {
                return not_read("skipped", &format!("an artifact of type {kind}"), End::Skipped);
            }
            Err(error) => return not_read("error", &error.to_string(), End::Failed),
        }
        self.read(image, &name).unwrap_or_else(|error| not_read("error", &error, End::Failed))
    }

    /// The type of an artifact; `None` for images.
    fn kind(&self, reference: &Reference) -> Result<Option<String>, RegistryError> {
        let manifest = self.registry.manifest(reference)?;
        Ok(match AnyManifest::parse(&manifest.bytes) {
            Ok(AnyManifest::Manifest(manifest)) => manifest.kind().map(coaming_http::clean),
            _ => None,
        })
    }

    fn read(&self, image: &WalkedImage, name: &str) -> Result<Line, String> {
        if self.attaches(Attach::Results)
            && !self.is_report
            && let Some(value) = self.attached(image).map_err(|error| error.to_string())?
        {
            return Ok(Line { value, end: End::Read { attached: true, fails: false } });
        }
        let platform = self.arguments.origin.platform.as_ref();
        let found = self.images.image(&image.reference, platform);
        let facts = Found::Image(found.map_err(|error| error.to_string())?);
        let facts = facts.facts(self.cache.as_ref());
        let query = ImageQuery {
            digests: vec![image.digest.to_string()],
            fail_on: self.arguments.known.fail_on,
            ..ImageQuery::named(name)
        };
        let known = matches(&facts, query, &self.arguments.known, &self.config)
            .map_err(|error| error.to_string())?;
        let value = self.value(image, name, &facts, known.as_ref());
        self.attach(image, name, &facts, known.as_ref(), &value)
            .map_err(|error| error.to_string())?;
        let end = match known {
            _ if !facts.problems.is_empty() => End::Failed,
            known => End::Read { attached: false, fails: known.is_some_and(|known| known.fails) },
        };
        Ok(Line { value, end })
    }

    fn value(
        &self,
        image: &WalkedImage,
        name: &str,
        facts: &ImageFacts,
        known: Option<&ImageMatches>,
    ) -> Value {
        let open = known.map(|known| known.report.triaged.open.as_slice());
        if self.is_report {
            let digest = image.digest.to_string();
            return policy_report::of_image(&digest, &image.names, facts, open);
        }
        let found = known.map(|known| {
            let report = &known.report;
            vulnerabilities::json(&report.triaged, &report.advice, &report.matches)
        });
        report::walked(facts, name, &image.names, found.as_ref())
    }

    /// The results that an earlier walk by this version and with this database attached.
    fn attached(&self, image: &WalkedImage) -> Result<Option<Value>, RegistryError> {
        let platform = self.arguments.origin.platform.as_ref();
        let found = self.registry.image(&image.reference, platform)?;
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
        name: &str,
        facts: &ImageFacts,
        known: Option<&ImageMatches>,
        line: &Value,
    ) -> Result<(), RegistryError> {
        if self.arguments.walk.attach.is_empty() {
            return Ok(());
        }
        let platform = self.arguments.origin.platform.as_ref();
        let found = self.registry.image(&image.reference, platform)?;
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
        if self.attaches(Attach::Sbom) {
            send("application/vnd.cyclonedx+json", "sbom", &sbom::cyclonedx(facts, name))?;
        }
        if let Some(known) = known.filter(|_| self.attaches(Attach::Vex)) {
            send("application/vnd.openvex+json", "vex", &known.openvex(&timestamp()))?;
        }
        if self.attaches(Attach::Results) && !self.is_report {
            send(RESULTS, "results", line)?;
        }
        Ok(())
    }
}
