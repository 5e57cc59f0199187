//! Known vulnerabilities of packages: matched with the database, without those that the
//! configuration or VEX documents ignore.
//!
//! Invariant: nothing is downloaded, and only packages that were looked up are reported as free of
//! vulnerabilities.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use coaming_advisory::{
    Advice, Database, DeploymentContext, FailOn, IgnoredVulnerability, Info, InvalidEntry, Matches,
    Named, RunsOn, Triaged, Vulnerability, advice, triage,
};
use coaming_config::Config;
use coaming_image::{Distribution, ImageFacts, Package};
use coaming_oci::Reference;
use coaming_rules::Images;
use coaming_sbom::vex::{self, Document, Product};
use time::OffsetDateTime;

use crate::ScanError;

/// The packages of one distribution's release.
pub type PackageGroup = (Option<Distribution>, Vec<Package>);

/// Packages of one distribution release are looked up together, like those of an image.
#[must_use]
pub fn by_distribution(named: Vec<Named>) -> Vec<PackageGroup> {
    let mut groups: BTreeMap<(String, String), (Option<_>, Vec<_>)> = BTreeMap::new();
    for Named { package, distribution } in named {
        let key = distribution.as_ref().map(|each| (each.id.clone(), each.version.clone()));
        let group = groups.entry(key.unwrap_or_default()).or_insert((distribution, Vec::new()));
        group.1.push(package);
    }
    groups.into_values().collect()
}

/// The age in days after which a database is out of date.
const OLD_DAYS: i64 = 14;

/// Where known vulnerabilities are looked up, and which of them are ignored.
#[derive(Debug)]
pub struct VulnerabilitySource {
    file: PathBuf,
    /// Whether somebody named the database: then it must be there.
    named: bool,
    ignored: Vec<IgnoredVulnerability>,
    documents: Vec<Document>,
    now: Option<OffsetDateTime>,
}

impl VulnerabilitySource {
    /// The database and the VEX documents of the caller and of the configuration. What else the
    /// user should know is added to `warnings`. What has expired `now` does not count.
    ///
    /// # Errors
    ///
    /// If a VEX document cannot be read, or there is no place for the user's own database.
    pub fn new(
        database: Option<&Path>,
        vex: &[PathBuf],
        config: &Config,
        now: Option<OffsetDateTime>,
        warnings: &mut Vec<String>,
    ) -> Result<Self, ScanError> {
        let settings = &config.vulnerabilities;
        let named =
            database.map(PathBuf::from).or_else(|| settings.database.as_ref().map(PathBuf::from));
        let documents: Vec<PathBuf> =
            settings.vex.iter().map(PathBuf::from).chain(vex.iter().cloned()).collect();
        let ignored = settings.ignore.iter().map(|entry| IgnoredVulnerability {
            vulnerability: entry.id.clone(),
            package: entry.package.clone(),
            reason: entry.reason.clone(),
            expires: entry.expires,
        });
        Ok(Self {
            named: named.is_some(),
            file: named.map_or_else(own_database, Ok)?,
            ignored: ignored.collect(),
            documents: documents
                .iter()
                .map(|path| read_vex(path, warnings))
                .collect::<Result<_, _>>()?,
            now,
        })
    }

    /// Opens the database, and warns of an old one.
    ///
    /// # Errors
    ///
    /// If there is none, or it cannot be used.
    pub fn open(&self, warnings: &mut Vec<String>) -> Result<Database, ScanError> {
        let database = Database::open(&self.file)?;
        warnings.extend(self.age_warning(database.info()));
        Ok(database)
    }

    /// Opens the database; `None` if there is none and none was requested. A default database that
    /// cannot be used, such as one of another version, causes only a warning.
    fn open_if_there(
        &self,
        required: bool,
        warnings: &mut Vec<String>,
    ) -> Result<Option<Database>, ScanError> {
        if self.named || required {
            return self.open(warnings).map(Some);
        }
        if !self.file.exists() {
            return Ok(None);
        }
        match self.open(warnings) {
            Ok(database) => Ok(Some(database)),
            Err(error) => {
                warnings.push(format!("known vulnerabilities are not looked up: {error}"));
                Ok(None)
            }
        }
    }

    /// What to say where the database misses what was published since.
    #[must_use]
    pub fn age_warning(&self, info: &Info) -> Option<String> {
        age_warning(info, self.now?)
    }

    /// What is known of packages; `product` is the image that they are in, if they are in one.
    ///
    /// # Errors
    ///
    /// If the database is damaged.
    pub fn matches(
        &self,
        database: &Database,
        groups: &[PackageGroup],
        product: &Product,
        facts: Option<&ImageFacts>,
    ) -> Result<MatchReport, ScanError> {
        let deployment = DeploymentContext {
            root: facts.and_then(|facts| facts.user.is_root()),
            runs_on: facts.map(runs_on).unwrap_or_default(),
            ..DeploymentContext::default()
        };
        let mut matches = Matches::default();
        for (distribution, packages) in groups {
            matches.merge(database.matches(packages, distribution.as_ref(), deployment)?);
        }
        if let Some(facts) = facts {
            matches.weigh(deployment, |package| facts.uses(package));
        }
        let found = std::mem::take(&mut matches.vulnerabilities);
        let today = self.now.map(OffsetDateTime::date);
        let triaged = triage(found, &self.ignored, &self.documents, product, today);
        let recommendations = groups.iter().flat_map(|(distribution, packages)| {
            let of_group: Vec<_> = triaged
                .open
                .iter()
                .filter(|each| groups.len() == 1 || packages.contains(&*each.package))
                .cloned()
                .collect();
            advice(&of_group, distribution.as_ref())
        });
        Ok(MatchReport { advice: recommendations.collect(), triaged, matches })
    }
}

/// What to say of a database that misses what was published until `now`.
#[must_use]
pub fn age_warning(info: &Info, now: OffsetDateTime) -> Option<String> {
    let built = coaming_config::parse_date(info.built.get(..10)?).ok()?;
    let days = (now.date() - built).whole_days();
    (days > OLD_DAYS).then(|| {
        format!(
            "the vulnerability database is {days} days old and misses what was published since; \
             run `coaming db update`"
        )
    })
}

/// Where the user's own database is.
///
/// # Errors
///
/// If the environment names no cache directory.
pub fn own_database() -> Result<PathBuf, ScanError> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_CACHE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .or_else(|| set("LOCALAPPDATA"))
        .map(|cache| cache.join("coaming").join("advisories.db"))
        .ok_or(ScanError::NoCacheDirectory)
}

/// The image's system and processor; an image with a Linux distribution in it is for Linux.
fn runs_on(facts: &ImageFacts) -> RunsOn {
    let config = &facts.config;
    let system = match config.os.as_str() {
        "" if facts.distribution.is_some() => "linux",
        named => named,
    };
    RunsOn::of(system, &config.architecture)
}

/// The known vulnerabilities of packages.
#[derive(Debug)]
pub struct MatchReport {
    /// The vulnerabilities to act on, and the ignored ones.
    pub triaged: Triaged,
    /// What to do about them.
    pub advice: Vec<Advice>,
    /// What was matched; its vulnerabilities are in `triaged`.
    pub matches: Matches,
}

impl MatchReport {
    /// The vulnerabilities to act on, as VEX statements.
    #[must_use]
    pub fn affected(&self) -> Vec<vex::AffectedPackage<'_>> {
        self.triaged.open.iter().map(Vulnerability::to_vex).collect()
    }

    /// Warnings about entries of the configuration that have no effect.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        self.triaged.invalid.iter().map(warning)
    }
}

/// The known vulnerabilities of an image.
#[derive(Debug)]
pub struct ImageMatches {
    /// The vulnerabilities.
    pub report: MatchReport,
    /// Whether one of them meets the conditions to fail.
    pub fails: bool,
    /// What a VEX document calls the image.
    product: String,
}

impl ImageMatches {
    /// The number of vulnerabilities to act on.
    #[must_use]
    pub fn count(&self) -> usize {
        self.report.triaged.open.len()
    }

    /// As OpenVEX; `timestamp` in RFC 3339.
    #[must_use]
    pub fn openvex(&self, timestamp: &str) -> serde_json::Value {
        vex::write_openvex(&self.report.affected(), &self.product, timestamp)
    }

    /// As VEX in CycloneDX; `timestamp` in RFC 3339.
    #[must_use]
    pub fn cyclonedx(&self, timestamp: &str) -> serde_json::Value {
        vex::write_cyclonedx(&self.report.affected(), &self.product, timestamp)
    }
}

/// An image whose packages are looked up.
#[derive(Debug, Default)]
pub struct ImageQuery {
    /// As the user names it.
    pub name: String,
    /// Digests under which it is known beside its own.
    pub digests: Vec<String>,
    /// VEX documents that count beside the user's; they come first, so that the user has the last
    /// word.
    pub documents: Vec<Document>,
    /// Whether a database must be there.
    pub required: bool,
    /// What fails.
    pub fail_on: Option<FailOn>,
}

impl ImageQuery {
    /// An image by its name alone.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    fn product(&self, facts: &ImageFacts) -> Product {
        let is_path = self.name == "-" || Path::new(&self.name).exists();
        let reference = Reference::parse(&self.name).ok().filter(|_| !is_path);
        let named = reference.as_ref();
        let own = named.and_then(Reference::digest).map(ToString::to_string);
        Product {
            name: self.name.clone(),
            repository: named
                .map(|named| format!("{}/{}", named.registry(), named.repository()))
                .unwrap_or_default(),
            tag: named.and_then(Reference::tag).unwrap_or_default().to_owned(),
            digests: std::iter::once(facts.digest.clone())
                .chain(own)
                .chain(self.digests.iter().cloned())
                .filter(|digest| !digest.is_empty())
                .collect(),
        }
    }
}

/// What is known of the packages of an image; `None` where there is no database and none was named.
///
/// # Errors
///
/// If the database cannot be used.
pub fn match_image(
    mut source: VulnerabilitySource,
    facts: &ImageFacts,
    query: ImageQuery,
    warnings: &mut Vec<String>,
) -> Result<Option<ImageMatches>, ScanError> {
    let product = query.product(facts);
    source.documents.splice(..0, query.documents);
    let required = query.required || query.fail_on.is_some_and(|on| on.concerns_vulnerabilities());
    let Some(database) = source.open_if_there(required, warnings)? else { return Ok(None) };
    let groups = [(facts.distribution.clone(), facts.packages.clone())];
    let report = source.matches(&database, &groups, &product, Some(facts))?;
    warnings.extend(report.warnings());
    let fails = |each| query.fail_on.is_some_and(|conditions| conditions.holds(each));
    Ok(Some(ImageMatches {
        fails: report.triaged.open.iter().any(fails),
        product: product.identifier(),
        report,
    }))
}

/// Looks up the packages of all images, where there is a database or one was named.
///
/// # Errors
///
/// If the database cannot be used.
pub fn match_images(
    source: &VulnerabilitySource,
    images: &mut Images,
    warnings: &mut Vec<String>,
) -> Result<(), ScanError> {
    let Some(database) = source.open_if_there(false, warnings)? else { return Ok(()) };
    let mut found = BTreeMap::new();
    let mut all = Matches::default();
    let mut invalid = BTreeSet::new();
    for (reference, facts) in images.iter() {
        let groups = [(facts.distribution.clone(), facts.packages.clone())];
        let product = ImageQuery::named(reference).product(facts);
        let report = source.matches(&database, &groups, &product, Some(facts))?;
        invalid.extend(report.triaged.invalid);
        all.merge(report.matches);
        found.insert(reference.to_owned(), report.triaged.open);
    }
    for (reference, vulnerabilities) in found {
        images.insert_vulnerabilities(&reference, vulnerabilities);
    }
    warnings.extend(invalid.iter().map(warning));
    warnings.extend(all.notes().into_iter().map(|note| format!("in images: {note}")));
    Ok(())
}

fn warning(entry: &InvalidEntry) -> String {
    let file = coaming_config::FILE_NAME;
    format!("`vulnerabilities.ignore` in {file}: {entry}; the entry has no effect")
}

fn read_vex(path: &Path, warnings: &mut Vec<String>) -> Result<Document, ScanError> {
    let mut text = Vec::new();
    let limit = vex::MAX_VEX as u64 + 1;
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut text))
        .map_err(|source| ScanError::VexFile { path: path.to_path_buf(), source })?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let document =
        vex::read(&text).map_err(|source| ScanError::Vex { path: path.to_path_buf(), source })?;
    let document = Document { name, ..document };
    if document.skipped > 0 {
        let what = match document.skipped {
            1 => "1 statement is not understood and has no effect".to_owned(),
            count => format!("{count} statements are not understood and have no effect"),
        };
        warnings.push(format!("{}: {what}", path.display()));
    }
    Ok(document)
}
