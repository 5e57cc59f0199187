//! What is known of packages, for every command that says so: looked up in the database, and without
//! what the configuration and VEX documents excuse.
//!
//! Invariant: nothing is downloaded, and nothing is said to be free of vulnerabilities that was not looked
//! up.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use coaming_advisory::vex::{self, Document, Product};
use coaming_advisory::{
    Advice, Database, Excuse, Excused, Matches, RunsOn, Surroundings, Vulnerability, advice,
    excuse, render,
};
use coaming_config::Config;
use coaming_image::{Distribution, ImageFacts, Package};
use coaming_kube::ImageReference;
use coaming_registry::OwnVulnerability;
use coaming_rules::Images;

use super::keep::{argument, timestamp, warn_if_old};
use crate::args::{KnownArguments, LookUpArguments};
use crate::{CommandError, output, scope};

/// The packages of one distribution's release.
pub(super) type Group = (Option<Distribution>, Vec<Package>);

/// How packages are looked up.
pub(super) struct LookUp {
    file: PathBuf,
    /// Whether somebody named the database: then it must be there.
    named: bool,
    excuses: Vec<Excuse>,
    documents: Vec<Document>,
    today: String,
}

impl LookUp {
    /// As the arguments say, and the configuration.
    pub(super) fn new(arguments: &LookUpArguments, config: &Config) -> Result<Self, CommandError> {
        let settings = &config.vulnerabilities;
        let named =
            arguments.database.clone().or_else(|| settings.database.as_ref().map(PathBuf::from));
        let documents: Vec<PathBuf> =
            settings.vex.iter().map(PathBuf::from).chain(arguments.vex.iter().cloned()).collect();
        let excuses = settings.ignore.iter().map(|entry| Excuse {
            vulnerability: entry.id.clone(),
            package: entry.package.clone(),
            reason: entry.reason.clone(),
            expires: entry.expires.clone(),
        });
        Ok(Self {
            named: named.is_some(),
            file: named.map_or_else(super::own_file, Ok)?,
            excuses: excuses.collect(),
            documents: documents.iter().map(|path| read_vex(path)).collect::<Result<_, _>>()?,
            today: scope::today().unwrap_or_default(),
        })
    }

    /// Opens the database, and warns of an old one.
    pub(super) fn open(&self) -> Result<Database, CommandError> {
        let database = Database::open(&self.file).map_err(argument)?;
        warn_if_old(database.info());
        Ok(database)
    }

    /// Opens the database; `None` where there is none and nobody named one. One that nobody asked for and
    /// that can't be used, such as another version's, is warned of, and costs nothing else.
    fn open_if_there(&self, wanted: bool) -> Result<Option<Database>, CommandError> {
        if self.named || wanted {
            return self.open().map(Some);
        }
        if !self.file.exists() {
            return Ok(None);
        }
        self.open().map(Some).or_else(|error| {
            output::warn(&format!("no known vulnerabilities are looked up: {error}"));
            Ok(None)
        })
    }

    /// What is known of packages; `product` is the image that they are in, if they are in one.
    pub(super) fn known(
        &self,
        database: &Database,
        groups: &[Group],
        product: &Product,
        facts: Option<&ImageFacts>,
    ) -> Result<Known, CommandError> {
        let surroundings = Surroundings {
            root: facts.and_then(|facts| facts.user.is_root()),
            runs_on: facts.map(runs_on).unwrap_or_default(),
            ..Surroundings::default()
        };
        let mut matches = Matches::default();
        for (distribution, packages) in groups {
            matches.merge(
                database
                    .matches(packages, distribution.as_ref(), surroundings)
                    .map_err(argument)?,
            );
        }
        if let Some(facts) = facts {
            matches.weigh(surroundings, |package| facts.uses(package));
        }
        let found = std::mem::take(&mut matches.vulnerabilities);
        let excused = excuse(found, &self.excuses, &self.documents, product, &self.today);
        let advices = groups.iter().flat_map(|(distribution, packages)| {
            let of_group: Vec<_> = excused
                .kept
                .iter()
                .filter(|each| groups.len() == 1 || packages.contains(&*each.package))
                .cloned()
                .collect();
            advice(&of_group, distribution.as_ref())
        });
        Ok(Known { advices: advices.collect(), excused, matches })
    }
}

/// The image's system and processor; what has one of Linux's distributions in it is of Linux.
fn runs_on(facts: &ImageFacts) -> RunsOn {
    let config = &facts.config;
    let system = match config.os.as_str() {
        "" if facts.distribution.is_some() => "linux",
        named => named,
    };
    RunsOn::of(system, &config.architecture)
}

/// What is known of packages.
pub(super) struct Known {
    pub(super) excused: Excused,
    advices: Vec<Advice>,
    matches: Matches,
}

impl Known {
    pub(super) fn text(&self) -> String {
        render::text(&self.excused, &self.advices, &self.matches)
    }

    /// The names of all vulnerabilities, by the packages.
    fn own(&self) -> Vec<OwnVulnerability> {
        let excused = self.excused.excused.iter().map(|(each, _)| each);
        let all = self.excused.kept.iter().chain(excused);
        all.map(|each| OwnVulnerability {
            ids: std::iter::once(&each.id).chain(&each.aliases).cloned().collect(),
            package: each.package.name.clone(),
        })
        .collect()
    }

    /// Says which excuses excuse nothing.
    pub(super) fn warn_of_excuses(&self) {
        self.excused.void.iter().for_each(|void| warn_of_excuse(void));
    }

    pub(super) fn json(&self) -> serde_json::Value {
        render::json(&self.excused, &self.advices, &self.matches)
    }
}

/// What is known of an image's packages, ready to be shown.
pub(crate) struct OfImage {
    /// For people.
    pub(crate) text: String,
    /// For programs.
    pub(crate) json: serde_json::Value,
    /// All of them, also what is excused, to be compared with what others found.
    pub(crate) own: Vec<OwnVulnerability>,
    /// How many there are, without what is excused.
    pub(crate) count: usize,
    /// Whether there is something that the user will not have.
    pub(crate) fails: bool,
    /// What is not excused.
    kept: Vec<Vulnerability>,
    /// How a document names the image.
    product: String,
}

impl OfImage {
    /// As OpenVEX.
    pub(crate) fn openvex(&self) -> serde_json::Value {
        vex::write_openvex(&self.kept, &self.product, &timestamp())
    }

    /// As VEX in CycloneDX.
    pub(crate) fn cyclonedx(&self) -> serde_json::Value {
        vex::write_cyclonedx(&self.kept, &self.product, &timestamp())
    }
}

/// An image whose packages are looked up.
#[derive(Default)]
pub(crate) struct Asked {
    /// As the user names it.
    pub(crate) name: String,
    /// Digests under which it is known beside its own.
    pub(crate) digests: Vec<String>,
    /// VEX documents that count beside those of the arguments and the configuration; they come first,
    /// so that the user has the last word.
    pub(crate) documents: Vec<Document>,
    /// Whether a database must be there.
    pub(crate) must: bool,
}

impl Asked {
    pub(crate) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    fn product(&self, facts: &ImageFacts) -> Product {
        let is_place = self.name == "-" || Path::new(&self.name).exists();
        let reference = ImageReference::parse(&self.name).ok().filter(|_| !is_place);
        let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
        let named = reference.as_ref();
        let own = [facts.digest.clone(), text(named.and_then(ImageReference::digest))];
        Product {
            name: self.name.clone(),
            repository: named
                .map(|named| format!("{}/{}", named.registry(), named.repository()))
                .unwrap_or_default(),
            tag: text(named.and_then(ImageReference::tag)),
            digests: own
                .into_iter()
                .chain(self.digests.iter().cloned())
                .filter(|digest| !digest.is_empty())
                .collect(),
        }
    }
}

/// What is known of the packages of an image; `None` where no database is at hand and none was named.
pub(crate) fn of_image(
    facts: &ImageFacts,
    asked: Asked,
    arguments: &KnownArguments,
    config: &Config,
) -> Result<Option<OfImage>, CommandError> {
    let mut look_up = LookUp::new(&arguments.look_up, config)?;
    let product = asked.product(facts);
    look_up.documents.splice(..0, asked.documents);
    let Some(database) = look_up.open_if_there(asked.must || arguments.fail_on.is_some())? else {
        return Ok(None);
    };
    let groups = [(facts.distribution.clone(), facts.packages.clone())];
    let known = look_up.known(&database, &groups, &product, Some(facts))?;
    known.warn_of_excuses();
    let fails = |each| arguments.fail_on.is_some_and(|conditions| conditions.holds(each));
    Ok(Some(OfImage {
        text: known.text(),
        json: known.json(),
        own: known.own(),
        count: known.excused.kept.len(),
        fails: known.excused.kept.iter().any(fails),
        product: product.identifier(),
        kept: known.excused.kept,
    }))
}

/// Looks up the packages of all images, where a database is at hand or was named.
pub(crate) fn into_images(
    images: &mut Images,
    arguments: &LookUpArguments,
    config: &Config,
) -> Result<(), CommandError> {
    let look_up = LookUp::new(arguments, config)?;
    let Some(database) = look_up.open_if_there(false)? else { return Ok(()) };
    let mut found = BTreeMap::new();
    let mut unjudged = Matches::default();
    let mut void = BTreeSet::new();
    for (reference, facts) in images.iter() {
        let groups = [(facts.distribution.clone(), facts.packages.clone())];
        let product = Asked::named(reference).product(facts);
        let known = look_up.known(&database, &groups, &product, Some(facts))?;
        void.extend(known.excused.void);
        unjudged.merge(known.matches);
        found.insert(reference.to_owned(), known.excused.kept);
    }
    for (reference, vulnerabilities) in found {
        images.insert_vulnerabilities(&reference, vulnerabilities);
    }
    void.iter().for_each(|void| warn_of_excuse(void));
    for note in render::notes(&unjudged) {
        output::warn(&format!("in images: {note}"));
    }
    Ok(())
}

fn warn_of_excuse(void: &str) {
    output::warn(&format!(
        "`vulnerabilities.ignore` in {}: {void}, and so excuses nothing",
        coaming_config::FILE_NAME
    ));
}

fn read_vex(path: &Path) -> Result<Document, CommandError> {
    let failed = |error: String| CommandError::Argument(format!("{}: {error}", path.display()));
    let mut text = Vec::new();
    let limit = vex::MAX_DOCUMENT as u64 + 1;
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut text))
        .map_err(|error| failed(error.to_string()))?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let document = vex::parse(&text).map_err(|error| failed(error.to_string()))?;
    let document = Document { name, ..document };
    if document.skipped > 0 {
        output::warn(&format!(
            "{}: {} statements are not understood, and excuse nothing",
            path.display(),
            document.skipped
        ));
    }
    Ok(document)
}
