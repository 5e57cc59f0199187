//! What the scanning commands have in common: configuration, inputs, the engine.

use std::path::{Path, PathBuf};

use coaming_args::{
    ClusterArguments, InputArguments, KnownArguments, LookUpArguments, Renderer, ScopeArguments,
    Variants,
};
use coaming_config::Config;
use coaming_console as output;
use coaming_console::Progress;
use coaming_finding::{InputError, Severity};
use coaming_kube::World;
use coaming_rules::Images;
use coaming_scan::{
    Engine, Inputs, Inspection, Live, Lookups, Overrides, VariantWorld, VulnerabilitySource,
};
use coaming_source::{Loaded, Options};

use crate::{CommandError, Outcome, failed};

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
            let options = Options { cluster: lookups.cluster, ..options };
            coaming_source::load(&arguments.paths, &options)
        }
    };
    Ok(loaded.into())
}

/// Reads files whose fixes are to be made: charts can be rendered again.
pub(crate) fn read_for_edits(
    arguments: &ScopeArguments,
    config: &Config,
) -> Result<Inputs, CommandError> {
    let options = Options { keep_recipes: true, ..source_options(arguments, config)? };
    Ok(coaming_source::load(&arguments.paths, &options).into())
}

/// Reads what the arguments name: a cluster, or files.
pub(crate) fn load(inputs: &InputArguments) -> Loaded {
    cluster(&inputs.cluster).unwrap_or_else(|| files(&inputs.paths, inputs.allow_empty))
}

/// Reads what these paths name; `allow_empty` accepts paths in which there is nothing to read.
pub(crate) fn files(paths: &[PathBuf], allow_empty: bool) -> Loaded {
    let _progress = Progress::start("reading …");
    let options = Options { allow_empty, ..Options::default() };
    coaming_source::load(paths, &options)
}

/// One world of all objects; unhandled inputs are reported and make the command fail in the end.
///
/// Variants that contradict each other are different clusters, of which the user must select one.
pub(crate) fn world(loaded: Loaded) -> Result<(World, Outcome), CommandError> {
    output::complain_of(&loaded.errors);
    notes(&loaded.notes);
    let outcome = if loaded.errors.is_empty() { Outcome::Clean } else { Outcome::Failed };
    if let Some(contradiction) = coaming_scan::contradiction(&loaded.variants) {
        return Err(failed(contradiction));
    }
    Ok((loaded.into_world(), outcome))
}

/// Says what was not evaluated.
pub(crate) fn notes(notes: &[coaming_finding::Note]) {
    notes.iter().for_each(|note| output::note(&format!("note: {}", note.message)));
}

/// The cluster that the charts of files may look into, if the user asked for one.
#[cfg(feature = "cluster")]
pub(crate) fn lookups(arguments: &ClusterArguments) -> Result<Lookups, CommandError> {
    if !arguments.cluster {
        return Ok(Lookups::default());
    }
    if arguments.namespace.is_some() {
        return Err(failed(
            "`--namespace` is for a scan of the cluster itself: leave out the paths",
        ));
    }
    coaming_scan::lookups(arguments.context.clone()).map_err(failed)
}

/// Without the feature the option does not exist.
#[cfg(not(feature = "cluster"))]
pub(crate) fn lookups(_: &ClusterArguments) -> Result<Lookups, CommandError> {
    Ok(Lookups::default())
}

/// The objects of a live cluster, if the user asked for one, with `kubelets` the configuration of its
/// nodes too, and what was not read.
#[cfg(feature = "cluster")]
pub(crate) fn live(arguments: &ClusterArguments, kubelets: bool) -> Option<Live> {
    arguments.cluster.then(|| {
        let _progress = Progress::start("reading the cluster …");
        let (context, namespace) = (arguments.context.clone(), arguments.namespace.clone());
        coaming_scan::read_cluster(&coaming_cluster::ClusterOptions {
            context,
            namespace,
            kubelets,
        })
    })
}

/// Without the feature the option does not exist.
#[cfg(not(feature = "cluster"))]
pub(crate) fn live(_: &ClusterArguments, _: bool) -> Option<Live> {
    None
}

/// The objects of a live cluster, if the user asked for one; standard error says what was not read.
pub(crate) fn cluster(arguments: &ClusterArguments) -> Option<Loaded> {
    let live = live(arguments, false)?;
    notes(&live.notes);
    Some(live.loaded)
}

/// Reads the files that objects are made of, as their authors wrote them.
#[cfg(feature = "registry")]
pub(crate) fn read_as_written(
    arguments: &ScopeArguments,
    config: &Config,
) -> Result<Loaded, CommandError> {
    let options = Options { as_written: true, ..source_options(arguments, config)? };
    Ok(coaming_source::load(&arguments.paths, &options))
}

/// The engine for this configuration, with the user's key for fingerprints.
pub(crate) fn engine(config: Config) -> Result<Engine, CommandError> {
    Ok(Engine::new(config, coaming_scan::fingerprint_key().as_deref())?)
}

/// Inspects the images of the variants, and looks up their known vulnerabilities; unreadable images
/// are added to `errors`.
pub(crate) fn images(
    arguments: &ScopeArguments,
    engine: &Engine,
    variants: &[VariantWorld],
    errors: &mut Vec<InputError>,
) -> Result<Images, CommandError> {
    let remote = coaming_args::RegistryArguments::default().images(engine.config());
    let inspection = Inspection {
        mode: arguments.images.into(),
        remote: remote.as_deref(),
        database: arguments.look_up.database.as_deref(),
        vex: &arguments.look_up.vex,
    };
    let inspected = engine.inspect(inspection, variants)?;
    errors.extend(inspected.errors);
    inspected.warnings.iter().for_each(|warning| output::warn(warning));
    Ok(inspected.images)
}

/// Where known vulnerabilities are looked up, by arguments and configuration.
pub(crate) fn vulnerability_source(
    arguments: &LookUpArguments,
    config: &Config,
    warnings: &mut Vec<String>,
) -> Result<VulnerabilitySource, CommandError> {
    let (database, now) = (arguments.database.as_deref(), coaming_scan::now());
    Ok(VulnerabilitySource::new(database, &arguments.vex, config, now, warnings)?)
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
    let file = arguments.config.as_deref();
    let mut config = coaming_scan::load_config(file, &arguments.paths, overrides)?;
    set_java_index(&mut config, &arguments.look_up);
    Ok(config)
}

/// The settings of commands that read images, overridden by the arguments.
pub(crate) fn image_config(arguments: &KnownArguments) -> Result<Config, CommandError> {
    let mut config = config_here(arguments.config.as_deref())?;
    set_java_index(&mut config, &arguments.look_up);
    Ok(config)
}

/// Sets the index of Java archives that the arguments name.
fn set_java_index(config: &mut Config, arguments: &LookUpArguments) {
    if let Some(index) = &arguments.java_index {
        config.vulnerabilities.java_index = Some(index.display().to_string());
    }
}

/// The configuration of commands that scan no files: the given file, or the nearest one at or above
/// the current directory.
pub(crate) fn config_here(file: Option<&Path>) -> Result<Config, CommandError> {
    Ok(coaming_scan::load_config(file, &[PathBuf::from(".")], Overrides::default())?)
}

/// How files are read.
pub(crate) fn source_options(
    arguments: &ScopeArguments,
    config: &Config,
) -> Result<Options, CommandError> {
    Ok(Options {
        gitignore: !arguments.no_gitignore,
        render: !arguments.no_render,
        external: arguments.renderer == Renderer::External,
        allow_empty: arguments.allow_empty,
        test_values: arguments.variants == Some(Variants::Ci),
        ..coaming_scan::source_options(config)?
    })
}
