//! `coaming image`: what is really in the container.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use coaming_daemon::Daemon;
use coaming_image::{BlobSource, Cache, Image, ImageFacts, sbom};
use coaming_kube::ImageReference;
use coaming_registry::{Descriptor, Registry};

use crate::args::{ImageArguments, ImageFormat, ImagePlace};
use crate::db::{self, OfImage};
use crate::progress::Progress;
use crate::{CommandError, Outcome, output, scope};

/// The largest bill of materials that is read.
const BILL_LIMIT: u64 = 512 << 20;

/// Runs the command.
pub(crate) fn run(arguments: &ImageArguments) -> Result<Outcome, CommandError> {
    let progress = Progress::start("reading the image …");
    let facts = facts(arguments)?;
    let known = db::of_image(&facts, &arguments.known)?;
    drop(progress);
    let name = arguments.image.as_str();
    output::write(arguments.output.as_deref(), |out| match arguments.format {
        ImageFormat::Full => {
            let options = output::full_options(arguments.color, arguments.output.is_some());
            coaming_report::image::render(&facts, name, options.color, out)?;
            vulnerabilities(known.as_ref(), out)
        }
        ImageFormat::Json => {
            coaming_report::image::json(&facts, name, known.as_ref().map(|known| &known.json), out)
        }
        ImageFormat::Cyclonedx => document(&sbom::cyclonedx(&facts, name), out),
        ImageFormat::Spdx => document(&sbom::spdx(&facts, name), out),
    })?;
    if facts.problems.is_empty() {
        let fails = known.is_some_and(|known| known.fails);
        return Ok(if fails { Outcome::Found } else { Outcome::Clean });
    }
    if arguments.format != ImageFormat::Full {
        for problem in &facts.problems {
            output::warn(format!("{} {}", problem.place.path, problem.message).trim());
        }
    }
    Ok(Outcome::Failed)
}

/// What is known to be vulnerable, or why that is not said.
fn vulnerabilities(known: Option<&OfImage>, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out, "\nKnown vulnerabilities")?;
    let Some(known) = known else {
        return writeln!(
            out,
            "  not looked up: there is no database here yet, `coaming db update` makes it"
        );
    };
    for line in known.text.trim_end().lines() {
        writeln!(out, "{}", format!("  {line}").trim_end())?;
    }
    Ok(())
}

fn document(document: &serde_json::Value, out: &mut dyn io::Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document)?;
    writeln!(out)
}

fn failed(error: impl ToString) -> CommandError {
    CommandError::Argument(error.to_string())
}

fn facts(arguments: &ImageArguments) -> Result<ImageFacts, CommandError> {
    let platform = arguments.platform.as_ref();
    let cache = Cache::of_user().filter(|_| !arguments.no_cache);
    let image = if arguments.image == "-" {
        Image::from_stream("standard input", io::stdin().lock(), platform).map_err(failed)?
    } else {
        let path = Path::new(&arguments.image);
        if arguments.from == ImagePlace::Auto && path.exists() {
            if let Some(facts) = bill(path)? {
                return Ok(facts);
            }
            Image::open(path, platform).map_err(failed)?
        } else {
            match named(arguments, cache.as_ref())? {
                Named::Known(facts) => return Ok(*facts),
                Named::Image(image) => image,
            }
        }
    };
    Ok(cache.map_or_else(|| image.read(), |cache| cache.read(&image)))
}

/// The packages of a bill of materials; `None` if the file is none.
fn bill(path: &Path) -> Result<Option<ImageFacts>, CommandError> {
    let error = |error: &dyn std::fmt::Display| failed(format!("{}: {error}", path.display()));
    if !path.is_file() {
        return Ok(None);
    }
    let mut file = std::fs::File::open(path).map_err(|source| error(&source))?;
    let mut start = Vec::new();
    file.by_ref().take(64 << 10).read_to_end(&mut start).map_err(|source| error(&source))?;
    if !sbom::is_sbom(&start) {
        return Ok(None);
    }
    file.take(BILL_LIMIT).read_to_end(&mut start).map_err(|source| error(&source))?;
    sbom::read(&start).map(Some).map_err(|source| error(&source))
}

/// What a name led to.
enum Named {
    /// An image that was read before.
    Known(Box<ImageFacts>),
    /// An image to read.
    Image(Image),
}

fn named(arguments: &ImageArguments, cache: Option<&Cache>) -> Result<Named, CommandError> {
    if arguments.from != ImagePlace::Registry
        && let Some(found) = from_daemon(arguments, cache)?
    {
        return Ok(found);
    }
    if arguments.from == ImagePlace::Daemon {
        return Err(failed(not_in_daemon(&arguments.image)));
    }
    from_registry(arguments).map(Named::Image)
}

fn not_in_daemon(reference: &str) -> String {
    let containerd = if Path::new("/run/containerd/containerd.sock").exists() {
        format!(
            " containerd does not hand out archives through its socket: `ctr -n k8s.io images \
             export image.tar {reference}`, then `coaming image image.tar`."
        )
    } else {
        String::new()
    };
    format!("no local Docker or Podman has {reference}.{containerd}")
}

fn from_daemon(
    arguments: &ImageArguments,
    cache: Option<&Cache>,
) -> Result<Option<Named>, CommandError> {
    for daemon in Daemon::all() {
        let found = match daemon.find(&arguments.image) {
            Ok(found) => found,
            // A daemon that is there and does not answer, or not to us, costs only itself.
            Err(error) => {
                output::warn(&error.to_string());
                continue;
            }
        };
        let Some(local) = found else { continue };
        if let Some(facts) = cache.and_then(|cache| cache.find(&local.id)) {
            return Ok(Some(Named::Known(Box::new(facts))));
        }
        let archive = daemon.export(&local).map_err(failed)?;
        let image = Image::from_stream(&arguments.image, archive, arguments.platform.as_ref())
            .map_err(failed)?;
        return Ok(Some(Named::Image(image.identified_by(&local.id))));
    }
    Ok(None)
}

/// The blobs of one image in a registry.
struct Blobs {
    registry: Registry,
    reference: ImageReference,
    descriptors: BTreeMap<String, Descriptor>,
}

impl BlobSource for Blobs {
    fn open(&self, digest: &str) -> io::Result<Box<dyn Read + Send>> {
        let descriptor = self.descriptors.get(digest).ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, "the manifest has no such blob")
        })?;
        let blob = self.registry.blob(&self.reference, descriptor).map_err(io::Error::other)?;
        Ok(Box::new(blob))
    }
}

fn from_registry(arguments: &ImageArguments) -> Result<Image, CommandError> {
    let reference = ImageReference::parse(&arguments.image).map_err(|error| {
        failed(format!("{} is no file or folder, and no image's name: {error}", arguments.image))
    })?;
    let config = scope::config(&crate::args::ScopeArguments::default())?;
    let registry = Registry::new(arguments.registry.options(&config)).map_err(failed)?;
    let platform = arguments.platform.clone().unwrap_or_else(coaming_image::Platform::host);
    let wanted = coaming_registry::Platform {
        os: platform.os,
        architecture: platform.architecture,
        variant: Some(platform.variant).filter(|variant| !variant.is_empty()),
    };
    let found = registry.image(&reference, &wanted).map_err(failed)?;
    let descriptors = std::iter::once(found.config)
        .chain(found.layers)
        .map(|descriptor| (descriptor.digest.clone(), descriptor))
        .collect();
    let source: Arc<dyn BlobSource> = Arc::new(Blobs { registry, reference, descriptors });
    Image::from_registry(&found.manifest_digest, &found.manifest, &source).map_err(failed)
}
