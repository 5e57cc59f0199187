//! VEX: statements on whether a vulnerability affects a product, read and written as OpenVEX and as
//! CycloneDX.
//!
//! Documents are hostile: a statement that cannot be understood is counted and has no effect, and
//! every effect is reported with the document that has it. Signatures are not verified here.

mod product;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use product::Product;

use crate::release::Release;
use crate::{ReadError, cyclonedx, openvex, purl};

/// The largest VEX document that is read, in bytes.
pub const MAX_VEX: usize = 64 << 20;
/// A document with more statements is refused.
pub const MAX_STATEMENTS: usize = 200_000;

/// What a statement says about a vulnerability in a product. Serialized as OpenVEX writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The product cannot be attacked through it.
    NotAffected,
    /// It is fixed in the product.
    Fixed,
    /// The product can be attacked through it.
    Affected,
    /// It is not known yet.
    UnderInvestigation,
}

impl Status {
    /// OpenVEX's name for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAffected => "not_affected",
            Self::Fixed => "fixed",
            Self::Affected => "affected",
            Self::UnderInvestigation => "under_investigation",
        }
    }
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The vulnerability's names. There is at least one.
    pub names: Vec<String>,
    /// What it is about; empty means whatever the document is for.
    pub subjects: Vec<Subject>,
    /// What it says.
    pub status: Status,
    /// The justification, by its name in the standard; may be empty.
    pub justification: String,
    /// The reason in the author's words, else the justification; may be empty.
    pub reason: String,
}

/// What a statement is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// What the document calls the product.
    pub label: String,
    /// An image or a package, by all identifiers that the document gives it.
    pub product: Vec<String>,
    /// The part of the product, by all its identifiers; empty means all of it.
    pub part: Vec<String>,
    /// The release of a distribution that the product is; `None` if it is not a distribution.
    pub release: Option<Release>,
}

/// Where a document comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The user provided it, for the image that is being examined.
    #[default]
    Given,
    /// It is attached to the image in the registry, where anyone who can push to the repository can
    /// put one: a statement about a part counts only if it names this very image.
    Attached,
}

/// The statements of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// The statements, in the order of the document: a later one overrides an earlier one.
    pub statements: Vec<Statement>,
    /// How many statements could not be understood; they have no effect.
    pub skipped: usize,
    /// Who wrote it, as it claims; may be empty.
    pub author: String,
    /// What to call it: the file's name or the artifact's digest; may be empty.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// Reads an OpenVEX, CycloneDX or CSAF document.
///
/// # Errors
///
/// If it is neither, or exceeds [`MAX_VEX`] or [`MAX_STATEMENTS`].
pub fn read(json: &[u8]) -> Result<Document, ReadError> {
    if json.len() > MAX_VEX {
        return Err(ReadError::TooLarge { limit: MAX_VEX });
    }
    match crate::Document::read(json) {
        Ok(document) => document.to_vex(),
        Err(ReadError::UnknownFormat) => Err(ReadError::NotVex),
        Err(error) => Err(error),
    }
}

impl Document {
    /// Reads each element of a list of statements.
    pub(crate) fn of<T>(
        list: &[T],
        read: impl Fn(&T) -> Option<Statement>,
        author: &str,
    ) -> Result<Self, ReadError> {
        if list.len() > MAX_STATEMENTS {
            return Err(ReadError::TooMany { what: "statements", limit: MAX_STATEMENTS });
        }
        let statements: Vec<Statement> = list.iter().filter_map(read).collect();
        Ok(Self {
            skipped: list.len() - statements.len(),
            statements,
            author: one_line(author),
            ..Self::default()
        })
    }

    /// The last statement about a vulnerability of a package in `product`. `is_named` tells whether
    /// a name is one of the vulnerability's; `package` is the package's URL.
    #[must_use]
    pub fn verdict(
        &self,
        is_named: impl Fn(&str) -> bool,
        package: &str,
        product: &Product,
    ) -> Option<&Statement> {
        self.statements.iter().rev().find(|statement| {
            let about = |subject: &Subject| self.is_about(subject, package, product);
            statement.names.iter().any(|name| is_named(name))
                && (statement.subjects.is_empty() || statement.subjects.iter().any(about))
        })
    }

    fn is_about(&self, subject: &Subject, package: &str, product: &Product) -> bool {
        let covers =
            |identifiers: &[String]| identifiers.iter().any(|text| purl::covers(text, package));
        if let Some(release) = &subject.release {
            let own = purl::parse(package).and_then(|named| named.release);
            if !own.is_some_and(|own| release.covers(&own)) {
                return false;
            }
        }
        let answers: Vec<bool> = subject.product.iter().filter_map(|it| product.is(it)).collect();
        // An identifier of another image outweighs a name that could be this image's.
        let image = if answers.contains(&false) { Some(false) } else { answers.first().copied() };
        if subject.part.is_empty() {
            return image == Some(true) || covers(&subject.product);
        }
        let applies = match self.origin {
            Origin::Given => image != Some(false),
            Origin::Attached => image == Some(true),
        };
        applies && covers(&subject.part)
    }

    /// Names the document and its author, in words that follow "according to".
    #[must_use]
    pub fn attribution(&self) -> String {
        let by =
            if self.author.is_empty() { String::new() } else { format!(", by {}", self.author) };
        match self.origin {
            Origin::Given => format!("{}{by}", self.name),
            Origin::Attached => {
                format!("{} in the image's registry{by}; its signature was not verified", self.name)
            }
        }
    }
}

/// A vulnerable package, to be written as a statement.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AffectedPackage<'a> {
    /// The vulnerability's best known name.
    pub id: &'a str,
    /// Its other names.
    pub aliases: &'a [String],
    /// What it is, in one line; may be empty.
    pub summary: &'a str,
    /// The package's URL.
    pub purl: &'a str,
    /// The package's name.
    pub package: &'a str,
    /// The first fixed version.
    pub fixed: Option<&'a str>,
    /// The severity, in lower case.
    pub severity: Option<&'a str>,
    /// The CVSS score, from 0 to 10.
    pub score: Option<f64>,
    /// The CVSS vector of the score; may be empty.
    pub vector: &'a str,
}

impl AffectedPackage<'_> {
    /// What to do about it, if a fix is known.
    pub(crate) fn upgrade(&self) -> Option<String> {
        self.fixed.map(|fixed| format!("Upgrade {} to {fixed}.", self.package))
    }
}

/// Writes an OpenVEX document that declares a product affected. `product` is the image's package
/// URL or reference, or empty; `time` is written as RFC 3339.
#[must_use]
pub fn write_openvex(affected: &[AffectedPackage<'_>], product: &str, time: &str) -> Value {
    openvex::write(affected, product, time)
}

/// Writes a CycloneDX document that declares a product affected; the arguments are those of
/// [`write_openvex`].
#[must_use]
pub fn write_cyclonedx(affected: &[AffectedPackage<'_>], product: &str, time: &str) -> Value {
    cyclonedx::write_vex(affected, product, time)
}

/// Untrusted text on one line, cut if it is long.
fn one_line(text: &str) -> String {
    text.chars().map(|each| if each.is_control() { ' ' } else { each }).take(100).collect()
}

#[cfg(test)]
mod tests;
