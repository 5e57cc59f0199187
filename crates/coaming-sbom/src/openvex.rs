//! OpenVEX: <https://github.com/openvex/spec>.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::ReadError;
use crate::lenient::{self, Lenient};
use crate::vex::{self, AffectedPackage, Status, Subject};

/// A parsed document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) author: String,
    /// When it was written; statements may have a time of their own.
    pub(crate) timestamp: String,
    pub(crate) statements: Vec<Lenient<Statement>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Statement {
    vulnerability: Name,
    #[serde(default, deserialize_with = "lenient::list")]
    products: Vec<Product>,
    /// Before version 0.2 the parts were those of all products.
    #[serde(default, deserialize_with = "lenient::list", skip_serializing)]
    subcomponents: Vec<Product>,
    status: Status,
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "String::is_empty")]
    justification: String,
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "String::is_empty")]
    impact_statement: String,
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "String::is_empty")]
    status_notes: String,
    #[serde(skip_deserializing)]
    action_statement: String,
    #[serde(default, deserialize_with = "lenient::text", skip_serializing)]
    timestamp: String,
    #[serde(default, deserialize_with = "lenient::text", skip_serializing)]
    last_updated: String,
}

/// A vulnerability: only its name before version 0.2, an object since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Name {
    Text(String),
    Object {
        #[serde(default, deserialize_with = "lenient::text")]
        name: String,
        #[serde(
            rename = "@id",
            default,
            deserialize_with = "lenient::text",
            skip_serializing_if = "String::is_empty"
        )]
        id: String,
        #[serde(default, deserialize_with = "lenient::list")]
        aliases: Vec<String>,
    },
}

/// A product, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Product {
    Text(String),
    Object(Component),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Component {
    #[serde(rename = "@id", deserialize_with = "lenient::text")]
    id: String,
    #[serde(skip_serializing)]
    identifiers: Option<Identifiers>,
    /// `"sha-256": "…"`
    #[serde(skip_serializing)]
    hashes: Option<BTreeMap<String, Value>>,
    #[serde(deserialize_with = "lenient::list", skip_serializing_if = "Vec::is_empty")]
    subcomponents: Vec<Product>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Identifiers {
    #[serde(deserialize_with = "lenient::text")]
    purl: String,
}

impl Document {
    pub(crate) fn to_vex(&self) -> Result<vex::Document, ReadError> {
        let read = |each: &&Lenient<Statement>| each.0.as_ref()?.read();
        // The newest statement counts, wherever it is; of two of one time, the later one.
        let mut statements: Vec<&Lenient<Statement>> = self.statements.iter().collect();
        statements.sort_by_cached_key(|each| {
            let own = each.0.as_ref().and_then(Statement::time);
            own.or_else(|| time(&self.timestamp))
        });
        vex::Document::of(&statements, read, &self.author)
    }
}

/// A time as RFC 3339 writes it.
fn time(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

impl Statement {
    /// When it was made or changed last.
    fn time(&self) -> Option<OffsetDateTime> {
        time(&self.last_updated).max(time(&self.timestamp))
    }

    /// What it states; `None` if that cannot be understood.
    fn read(&self) -> Option<vex::Statement> {
        let mut names = match &self.vulnerability {
            Name::Text(name) => vec![name.clone()],
            Name::Object { name, aliases, .. } => {
                std::iter::once(name).chain(aliases).cloned().collect()
            }
        };
        names.retain(|name| !name.is_empty());
        if let (true, Name::Object { id, .. }) = (names.is_empty(), &self.vulnerability) {
            names.push(id.clone());
        }
        if names.first().is_none_or(String::is_empty) {
            return None;
        }
        let mut subjects = Vec::new();
        for product in &self.products {
            let identifiers = product.identifiers()?;
            let label = identifiers.first().cloned().unwrap_or_default();
            let own = product.parts();
            let parts = if own.is_empty() { &self.subcomponents } else { own };
            if parts.is_empty() {
                subjects.push(Subject { label, product: identifiers, ..Subject::default() });
                continue;
            }
            // A statement about a part of the product holds for that part alone.
            for part in parts {
                let (label, product) = (label.clone(), identifiers.clone());
                let part = part.identifiers()?;
                subjects.push(Subject { label, product, part, ..Subject::default() });
            }
        }
        if self.products.is_empty() {
            for part in &self.subcomponents {
                subjects.push(Subject { part: part.identifiers()?, ..Subject::default() });
            }
        }
        let reason = [&self.impact_statement, &self.justification, &self.status_notes]
            .into_iter()
            .find(|text| !text.is_empty());
        Some(vex::Statement {
            names,
            subjects,
            status: self.status,
            justification: self.justification.clone(),
            reason: reason.cloned().unwrap_or_default(),
        })
    }
}

impl Product {
    fn parts(&self) -> &[Product] {
        match self {
            Self::Text(_) => &[],
            Self::Object(component) => &component.subcomponents,
        }
    }

    /// What identifies it: its name, its package URL and the digests of its content; `None` if
    /// nothing does.
    fn identifiers(&self) -> Option<Vec<String>> {
        let mut all = match self {
            Self::Text(name) => vec![name.clone()],
            Self::Object(component) => {
                let digests =
                    component.hashes.iter().flatten().filter_map(|(algorithm, digits)| {
                        Some(format!("{}:{}", algorithm.replace("sha-", "sha"), digits.as_str()?))
                    });
                let url = component.identifiers.iter().map(|identifiers| identifiers.purl.clone());
                std::iter::once(component.id.clone()).chain(url).chain(digests).collect()
            }
        };
        all.retain(|text| !text.is_empty());
        all.dedup();
        (!all.is_empty()).then_some(all)
    }
}

/// Writes what affects a product as a document: that it is affected, and what to do.
pub(crate) fn write(affected: &[AffectedPackage<'_>], product: &str, time: &str) -> Value {
    let statements: Vec<Statement> = affected.iter().map(|it| statement(it, product)).collect();
    json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": format!("https://openvex.dev/docs/coaming/{}", identifier(product, time)),
        "author": "coaming",
        "timestamp": time,
        "version": 1,
        "statements": statements,
    })
}

fn statement(affected: &AffectedPackage<'_>, product: &str) -> Statement {
    let part = Component { id: affected.purl.to_owned(), ..Component::default() };
    let subject = if product.is_empty() {
        part
    } else {
        Component {
            id: product.to_owned(),
            subcomponents: vec![Product::Object(part)],
            ..Component::default()
        }
    };
    Statement {
        vulnerability: Name::Object {
            name: affected.id.to_owned(),
            id: String::new(),
            aliases: affected.aliases.to_vec(),
        },
        products: vec![Product::Object(subject)],
        subcomponents: Vec::new(),
        status: Status::Affected,
        justification: String::new(),
        impact_statement: String::new(),
        status_notes: String::new(),
        action_statement: affected
            .upgrade()
            .unwrap_or_else(|| "No fixed version is known yet.".to_owned()),
        timestamp: String::new(),
        last_updated: String::new(),
    }
}

/// A name for the document that is the same for the same product and time.
fn identifier(product: &str, time: &str) -> String {
    let digest =
        Sha256::new().chain_update(product).chain_update([0]).chain_update(time).finalize();
    let mut digits = format!("{digest:x}");
    digits.truncate(32);
    digits
}
