//! VEX: what somebody says of vulnerabilities in a product, read and written as OpenVEX and as
//! CycloneDX.
//!
//! Documents come from strangers: what can't be understood is counted, and excuses nothing; and who
//! brought a document is told with what it excuses. Signatures are not verified here.

mod cyclonedx;
mod openvex;
mod product;

use serde_json::Value;

pub use cyclonedx::write as write_cyclonedx;
pub use openvex::write as write_openvex;
pub use product::Product;

use crate::{Vulnerability, purl};

/// A larger document is refused, in bytes.
pub const MAX_DOCUMENT: usize = 64 << 20;
/// More statements are refused.
const MAX_STATEMENTS: usize = 200_000;

/// What is said of a vulnerability in a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The product can't be attacked through it.
    NotAffected,
    /// It is repaired in the product.
    Fixed,
    /// It can be.
    Affected,
    /// Nobody knows yet.
    UnderInvestigation,
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The vulnerability's names.
    pub names: Vec<String>,
    /// What it is about; empty means whatever the document is for.
    pub subjects: Vec<Subject>,
    /// What is said.
    pub status: Status,
    /// Why, in the author's words or as a justification's name; may be empty.
    pub reason: String,
}

/// What a statement is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// An image or a package, by all identifiers that the document gives it.
    pub product: Vec<String>,
    /// The part of the product, by all its identifiers; empty means all of it.
    pub part: Vec<String>,
}

/// Where a document comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The user gave it: it is meant for what the user looks at.
    #[default]
    Given,
    /// It lies beside the image in the registry, where whoever can push to the repository can put one:
    /// what it says of parts counts only where it names this very image.
    Attached,
}

/// What a document says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// The statements, in the order of the document: a later one beats an earlier one.
    pub statements: Vec<Statement>,
    /// How many statements could not be understood; they excuse nothing.
    pub skipped: usize,
    /// Who wrote it, as it says itself; may be empty.
    pub author: String,
    /// How to call it: the file's name, the artifact's digest; may be empty.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// Why a document can't be used.
#[derive(Debug, thiserror::Error)]
pub enum VexError {
    /// It is larger, or has more statements, than any honest one.
    #[error("is too large for a VEX document")]
    TooLarge,
    /// It is not JSON.
    #[error("is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// It is JSON, but of neither kind.
    #[error(
        "is neither an OpenVEX document (`@context` and `statements`) nor CycloneDX (`bomFormat`)"
    )]
    Kind,
}

/// Reads a document of either kind.
///
/// # Errors
///
/// Where it is none, or too large.
pub fn parse(bytes: &[u8]) -> Result<Document, VexError> {
    if bytes.len() > MAX_DOCUMENT {
        return Err(VexError::TooLarge);
    }
    let value: Value = serde_json::from_slice(bytes)?;
    let is_cyclonedx = text(&value, "bomFormat") == "CycloneDX";
    let (list, read): (_, fn(&Value, &Value) -> Option<Statement>) = if is_cyclonedx {
        (value.get("vulnerabilities"), cyclonedx::statement)
    } else if value.get("statements").is_some() {
        (value.get("statements"), openvex::statement)
    } else {
        return Err(VexError::Kind);
    };
    let list = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if list.len() > MAX_STATEMENTS {
        return Err(VexError::TooLarge);
    }
    let context = cyclonedx::Components::new(&value);
    let components = context.as_value();
    let statements: Vec<Statement> =
        list.iter().filter_map(|each| read(each, components)).collect();
    let author = if is_cyclonedx { cyclonedx::author(&value) } else { text(&value, "author") };
    Ok(Document {
        skipped: list.len() - statements.len(),
        statements,
        author: shown(author),
        ..Document::default()
    })
}

impl Document {
    /// What is said last of a vulnerability of a package in `product`.
    #[must_use]
    pub fn verdict(&self, vulnerability: &Vulnerability, product: &Product) -> Option<&Statement> {
        self.statements.iter().rev().find(|statement| {
            let named = statement
                .names
                .iter()
                .any(|name| *name == vulnerability.id || vulnerability.aliases.contains(name));
            let about =
                |subject: &Subject| self.is_about(subject, &vulnerability.package.purl, product);
            named && (statement.subjects.is_empty() || statement.subjects.iter().any(about))
        })
    }

    fn is_about(&self, subject: &Subject, package: &str, product: &Product) -> bool {
        let covers =
            |identifiers: &[String]| identifiers.iter().any(|text| purl::covers(text, package));
        let told: Vec<bool> = subject.product.iter().filter_map(|text| product.is(text)).collect();
        // One that is of another image outweighs a name that could be this one's.
        let image = if told.contains(&false) { Some(false) } else { told.first().copied() };
        if subject.part.is_empty() {
            return image == Some(true) || covers(&subject.product);
        }
        let meant = match self.origin {
            Origin::Given => image != Some(false),
            Origin::Attached => image == Some(true),
        };
        meant && covers(&subject.part)
    }

    /// Whose word it is, in words that follow "says".
    #[must_use]
    pub fn speaker(&self) -> String {
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

/// A stranger's text on one line, cut where it is long.
fn shown(text: &str) -> String {
    text.chars().map(|each| if each.is_control() { ' ' } else { each }).take(100).collect()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests;
