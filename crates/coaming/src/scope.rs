//! What the scanning commands have in common: configuration, inputs, the engine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use coaming_config::{Config, KubernetesVersion};
use coaming_finding::{InputError, Note, Severity};
use coaming_kube::World;
use coaming_rules::Images;
use coaming_scan::{Engine, Overrides, VariantWorld, VulnerabilitySource};
use coaming_secret::gate::masked;
use coaming_source::Loaded;
use time::OffsetDateTime;

use crate::args::{
    ClusterArguments, InputArguments, LookUpArguments, Renderer, ScopeArguments, Variants,
};
use crate::progress::Progress;
use crate::{CommandError, Outcome, output};

/// What was read.
pub(crate) struct Inputs {
    /// The possible clusters.
    pub(crate) variants: Vec<VariantWorld>,
    /// What could not be handled.
    pub(crate) errors: Vec<InputError>,
    /// How many files were read.
    pub(crate) file_count: usize,
    /// What was not evaluated.
    pub(crate) notes: Vec<Note>,
}

/// Reads all inputs: the files, whose charts may look into a cluster, or the objects of a cluster if
/// there are any.
pub(crate) fn read(
    arguments: &ScopeArguments,
    config: &Config,
    objects: Option<Loaded>,
    lookups: Lookups,
) -> Result<Inputs, CommandError> {
    let loaded = match objects {
        Some(loaded) => loaded,
        None => {
            let options = source_options(arguments, config)?;
            let options = coaming_source::Options { cluster: lookups.cluster, ..options };
            coaming_source::load(&arguments.paths, &options)
        }
    };
    Ok(inputs(loaded))
}

/// Reads files whose fixes are to be made: charts can be rendered again.
pub(crate) fn read_for_edits(
    arguments: &ScopeArguments,
    config: &Config,
) -> Result<Inputs, CommandError> {
    let options =
        coaming_source::Options { keep_recipes: true, ..source_options(arguments, config)? };
    Ok(inputs(coaming_source::load(&arguments.paths, &options)))
}

fn inputs(loaded: Loaded) -> Inputs {
    let variants = loaded.variants.into_iter().map(VariantWorld::from).collect();
    let errors = loaded.errors.into_iter().map(without_user_info).collect();
    Inputs { variants, errors, file_count: loaded.read, notes: loaded.notes }
}

/// An address may be given as a path, with a password in it.
fn without_user_info(error: InputError) -> InputError {
    if !error.file.contains(":/") {
        return error;
    }
    InputError { file: masked(&error.file).into_owned(), ..error }
}

/// Reads what the arguments name: a cluster, or files.
pub(crate) fn load(inputs: &InputArguments) -> Loaded {
    cluster(&inputs.cluster).unwrap_or_else(|| files(&inputs.paths, inputs.allow_empty))
}

/// Reads what these paths name; `allow_empty` accepts paths in which there is nothing to read.
pub(crate) fn files(paths: &[PathBuf], allow_empty: bool) -> Loaded {
    let _progress = Progress::start("reading …");
    let options = coaming_source::Options { allow_empty, ..coaming_source::Options::default() };
    coaming_source::load(paths, &options)
}

/// One world of all objects; unhandled inputs are reported and make the command fail in the end.
///
/// Variants that contradict each other are different clusters, of which the user must select one.
pub(crate) fn world(loaded: Loaded) -> Result<(World, Outcome), CommandError> {
    output::complain_of(&loaded.errors);
    loaded.notes.iter().for_each(|note| output::note(&format!("note: {}", note.message)));
    let outcome = if loaded.errors.is_empty() { Outcome::Clean } else { Outcome::Failed };
    if let Some(contradiction) = coaming_scan::contradiction(&loaded.variants) {
        return Err(CommandError::Variants(Box::new(contradiction)));
    }
    let sources = loaded.variants.into_iter().flat_map(|variant| variant.sources);
    Ok((World::numbered(sources), outcome))
}

/// A cluster that charts may look into while they are rendered.
#[derive(Default)]
pub(crate) struct Lookups {
    /// The cluster, if there is one.
    pub(crate) cluster: Option<Arc<dyn coaming_helm::Cluster>>,
    /// Its version.
    pub(crate) version: Option<KubernetesVersion>,
}

/// The cluster that the charts of files may look into, if the user asked for one.
#[cfg(feature = "cluster")]
pub(crate) fn lookups(arguments: &ClusterArguments) -> Result<Lookups, CommandError> {
    if !arguments.cluster {
        return Ok(Lookups::default());
    }
    if arguments.namespace.is_some() {
        let message = "`--namespace` is for a scan of the cluster itself: leave out the paths";
        return Err(CommandError::Argument(message.to_owned()));
    }
    crate::cluster::lookups(arguments.context.clone())
}

/// Without the feature there is no such option.
#[cfg(not(feature = "cluster"))]
pub(crate) fn lookups(_: &ClusterArguments) -> Result<Lookups, CommandError> {
    Ok(Lookups::default())
}

/// What was read of a live cluster.
#[derive(Default)]
pub(crate) struct Live {
    /// Its objects.
    pub(crate) loaded: Loaded,
    /// What was not read by intention.
    pub(crate) notes: Vec<Note>,
    /// Its version.
    pub(crate) version: Option<KubernetesVersion>,
}

/// The objects of a live cluster, if the user asked for one, and what was not read.
#[cfg(feature = "cluster")]
pub(crate) fn live(arguments: &ClusterArguments, kubelets: bool) -> Option<Live> {
    arguments.cluster.then(|| {
        let _progress = Progress::start("reading the cluster …");
        crate::cluster::load(arguments, kubelets)
    })
}

/// Without the feature there is no such option.
#[cfg(not(feature = "cluster"))]
pub(crate) fn live(_: &ClusterArguments, _: bool) -> Option<Live> {
    None
}

/// The objects of a live cluster, if the user asked for one; standard error says what was not read.
pub(crate) fn cluster(arguments: &ClusterArguments) -> Option<Loaded> {
    let live = live(arguments, false)?;
    live.notes.iter().for_each(|note| output::note(&format!("note: {}", note.message)));
    Some(live.loaded)
}

/// Reads the files that objects are made of, as their authors wrote them.
#[cfg(feature = "registry")]
pub(crate) fn read_as_written(
    arguments: &ScopeArguments,
    config: &Config,
) -> Result<Loaded, CommandError> {
    let options =
        coaming_source::Options { as_written: true, ..source_options(arguments, config)? };
    Ok(coaming_source::load(&arguments.paths, &options))
}

/// The engine for this configuration, with the user's key for fingerprints.
pub(crate) fn engine(config: Config) -> Result<Engine, CommandError> {
    let key = std::env::var_os("COAMING_FINGERPRINT_KEY").filter(|key| !key.is_empty());
    Ok(Engine::new(config, key.as_deref().map(std::ffi::OsStr::as_encoded_bytes))?)
}

/// Inspects the images of the variants, and looks up their known vulnerabilities; unreadable images
/// are added to `errors`.
pub(crate) fn images(
    arguments: &ScopeArguments,
    engine: &Engine,
    variants: &[VariantWorld],
    errors: &mut Vec<InputError>,
) -> Result<Images, CommandError> {
    let config = engine.config();
    if !engine.reads_images() {
        return Ok(Images::default());
    }
    let mode = arguments.images.into();
    let remote = crate::args::RegistryArguments::default().images(config);
    let inspected = coaming_scan::inspect_images(mode, config, remote.as_deref(), variants);
    errors.extend(inspected.errors);
    let (mut images, mut warnings) = (inspected.images, inspected.warnings);
    warnings.extend(engine.missing_signers().map(str::to_owned));
    if engine.reads_vulnerabilities() && mode != coaming_scan::ImagesMode::Never {
        let source = vulnerability_source(&arguments.look_up, config, &mut warnings)?;
        coaming_scan::match_images(&source, &mut images, &mut warnings)?;
    }
    warnings.iter().for_each(|warning| output::warn(warning));
    Ok(images)
}

/// Where known vulnerabilities are looked up, by arguments and configuration.
pub(crate) fn vulnerability_source(
    arguments: &LookUpArguments,
    config: &Config,
    warnings: &mut Vec<String>,
) -> Result<VulnerabilitySource, CommandError> {
    let database = arguments.database.as_deref();
    Ok(VulnerabilitySource::new(database, &arguments.vex, config, now(), warnings)?)
}

/// The settings of the configuration file, overridden by the arguments.
pub(crate) fn config(arguments: &ScopeArguments) -> Result<Config, CommandError> {
    let overrides = Overrides {
        select: arguments.select.clone(),
        ignore: arguments.ignore.clone(),
        standard: arguments.standard,
        kubernetes_version: arguments.kubernetes_version,
        min_severity: arguments.min_severity.map(Severity::from),
    };
    Ok(coaming_scan::load_config(arguments.config.as_deref(), &arguments.paths, overrides)?)
}

/// The configuration of commands that scan no files: the given file, or the nearest one at or above
/// the current directory.
pub(crate) fn config_here(file: Option<&Path>) -> Result<Config, CommandError> {
    Ok(coaming_scan::load_config(file, &[PathBuf::from(".")], Overrides::default())?)
}

/// Today's date, for expiry dates; `SOURCE_DATE_EPOCH` overrides it.
pub(crate) fn today() -> Option<time::Date> {
    now().map(OffsetDateTime::date)
}

/// The current time; `SOURCE_DATE_EPOCH` overrides it.
pub(crate) fn now() -> Option<OffsetDateTime> {
    let set = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse().ok());
    let seconds = set.or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.ok().map(|since| since.as_secs())
    })?;
    OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()
}

/// How files are read.
pub(crate) fn source_options(
    arguments: &ScopeArguments,
    config: &Config,
) -> Result<coaming_source::Options, CommandError> {
    Ok(coaming_source::Options {
        gitignore: !arguments.no_gitignore,
        render: !arguments.no_render,
        external: arguments.renderer == Renderer::External,
        allow_empty: arguments.allow_empty,
        test_values: arguments.variants == Some(Variants::Ci),
        ..coaming_scan::source_options(config)?
    })
}
