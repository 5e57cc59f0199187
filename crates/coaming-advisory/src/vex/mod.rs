//! VEX: what somebody says of vulnerabilities in a product, read and written as OpenVEX and as
//! CycloneDX.
//!
//! Documents come from strangers: what can't be understood is counted, and excuses nothing.

mod cyclonedx;
mod openvex;

use serde_json::Value;

pub use cyclonedx::write as write_cyclonedx;
pub use openvex::write as write_openvex;

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
    /// The packages it is about, as package URLs; empty means all of the product.
    pub packages: Vec<String>,
    /// What is said.
    pub status: Status,
    /// Why, in the author's words or as a justification's name; may be empty.
    pub reason: String,
}

/// What a document says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// The statements, in the order of the document: a later one beats an earlier one.
    pub statements: Vec<Statement>,
    /// How many statements could not be understood; they excuse nothing.
    pub skipped: usize,
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
pub fn parse(text: &[u8]) -> Result<Document, VexError> {
    if text.len() > MAX_DOCUMENT {
        return Err(VexError::TooLarge);
    }
    let value: Value = serde_json::from_slice(text)?;
    let (list, read): (_, fn(&Value, &Value) -> Option<Statement>) =
        if value.get("bomFormat").and_then(Value::as_str) == Some("CycloneDX") {
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
    let value = context.as_value();
    let statements: Vec<Statement> = list.iter().filter_map(|each| read(each, value)).collect();
    Ok(Document { skipped: list.len() - statements.len(), statements })
}

impl Document {
    /// What is said last of a vulnerability in a package of `product`, a package URL or an image's
    /// reference; may be empty.
    #[must_use]
    pub fn verdict(&self, vulnerability: &Vulnerability, product: &str) -> Option<&Statement> {
        self.statements.iter().rev().find(|statement| {
            let named = statement
                .names
                .iter()
                .any(|name| *name == vulnerability.id || vulnerability.aliases.contains(name));
            let about = |text: &String| {
                text == product && !product.is_empty()
                    || purl::covers(text, &vulnerability.package.purl)
            };
            named && (statement.packages.is_empty() || statement.packages.iter().any(about))
        })
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests;
