//! Records in OSV's schema: the fields that are used.
//!
//! Records are hostile. Missing, `null` and unusable values are left out; [`read`] bounds sizes and
//! returns why it refuses a record.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

/// A larger record is refused, in bytes.
pub(crate) const MAX_RECORD: u64 = 16 << 20;
/// More affected packages are refused.
const MAX_AFFECTED: usize = 50_000;
/// More versions or events of one package are refused.
const MAX_VERSIONS: usize = 200_000;
/// Longer identifiers, names and versions are refused.
const MAX_NAME: usize = 1024;

/// A record.
#[derive(Debug, Deserialize)]
pub(crate) struct Record {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) schema_version: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) modified: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) withdrawn: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) aliases: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) upstream: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) related: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) summary: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) details: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) severity: Vec<Rating>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) affected: Vec<Affected>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) database_specific: Specific,
}

/// A severity in one system.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Rating {
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    pub(crate) system: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) score: String,
}

/// The affected versions of a package.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Affected {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) package: Package,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) ranges: Vec<Range>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) versions: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) severity: Vec<Rating>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) ecosystem_specific: Specific,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) database_specific: Specific,
}

/// A package's name.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Package {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) ecosystem: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) name: String,
    #[serde(default, deserialize_with = "text_or_nothing")]
    pub(crate) purl: String,
}

/// A range of versions.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Range {
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    pub(crate) kind: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) events: Vec<Event>,
}

/// Where a range starts or ends.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Event {
    pub(crate) introduced: Option<String>,
    pub(crate) fixed: Option<String>,
    pub(crate) last_affected: Option<String>,
    pub(crate) limit: Option<String>,
}

/// The additions of single databases.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Specific {
    /// The severity by GitHub, Red Hat and others.
    #[serde(default, deserialize_with = "text_or_nothing")]
    pub(crate) severity: String,
    /// The severity by Debian.
    #[serde(default, deserialize_with = "text_or_nothing")]
    pub(crate) urgency: String,
    /// RustSec: the kind of a record that is not a vulnerability, such as `unmaintained`.
    #[serde(default, deserialize_with = "text_or_nothing")]
    pub(crate) informational: String,
    /// Go: the affected packages of the module.
    #[serde(default, deserialize_with = "value_or_nothing")]
    pub(crate) imports: Vec<Import>,
    /// RustSec: where the crate is affected.
    #[serde(default, deserialize_with = "value_or_nothing")]
    pub(crate) affects: Option<Affects>,
}

/// A package of a Go module.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Import {
    /// The operating systems on which it is affected; empty means all.
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) goos: Vec<String>,
    /// The processors; empty means all.
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) goarch: Vec<String>,
}

/// Where a crate is affected; everywhere if both are empty.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Affects {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) os: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) arch: Vec<String>,
}

/// Reads `null` as the default.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads text; other types read as empty text, since databases may define the field as they like.
fn text_or_nothing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => text,
        _ => String::new(),
    })
}

/// Reads a value; other shapes read as the default.
fn value_or_nothing<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

/// Why a record, or a part of it, is not in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Skip {
    /// It is larger than any genuine record.
    TooLarge,
    /// It is not JSON, or not in the shape of OSV's schema.
    Malformed,
    /// It is written in a later schema, of another major version.
    UnknownSchema,
    /// Its publisher withdrew it.
    Withdrawn,
    /// It is not about a vulnerability, but an unmaintained package or a notice.
    Informational,
    /// It names no package of a supported ecosystem.
    UnknownEcosystem,
    /// None of its ranges has versions that are valid in its ecosystem.
    InvalidRange,
    /// Its ranges say that no version is affected.
    NothingAffected,
}

impl Skip {
    /// The reason, in words that follow the number of records.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::TooLarge => "larger than any genuine record",
            Self::Malformed => "not in OSV's schema",
            Self::UnknownSchema => "in a later, unsupported schema",
            Self::Withdrawn => "withdrawn by their publishers",
            Self::Informational => "not about a vulnerability",
            Self::UnknownEcosystem => "about unsupported ecosystems",
            Self::InvalidRange => "with ranges that are not valid in their ecosystem",
            Self::NothingAffected => "that affect no version",
        }
    }
}

/// Reads a record.
///
/// # Errors
///
/// Why it cannot be used.
pub(crate) fn read(text: &[u8]) -> Result<Record, Skip> {
    if text.len() as u64 > MAX_RECORD {
        return Err(Skip::TooLarge);
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let record: Record = serde_json::from_slice(text).map_err(|_| Skip::Malformed)?;
    if !record.schema_version.is_empty() && !record.schema_version.starts_with("1.") {
        return Err(Skip::UnknownSchema);
    }
    let name = |name: &String| !name.is_empty() && name.len() <= MAX_NAME && is_plain(name);
    if !name(&record.id) {
        return Err(Skip::Malformed);
    }
    let too_many = record.affected.len() > MAX_AFFECTED
        || record.affected.iter().any(|affected| {
            affected.versions.len() > MAX_VERSIONS
                || affected.ranges.iter().any(|range| range.events.len() > MAX_VERSIONS)
        });
    if too_many {
        return Err(Skip::TooLarge);
    }
    if !record.withdrawn.is_empty() {
        return Err(Skip::Withdrawn);
    }
    Ok(record)
}

/// Whether a name has no control characters.
pub(crate) fn is_plain(text: &str) -> bool {
    !text.chars().any(char::is_control)
}
