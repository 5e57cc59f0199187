//! VEX in CSAF 2: <https://docs.oasis-open.org/csaf/csaf/v2.0/>. Read only.

use std::collections::HashMap;

use serde::Deserialize;

use crate::ReadError;
use crate::lenient::{self, Lenient};
use crate::vex::{self, Statement, Status, Subject};

/// A parsed document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) header: Header,
    pub(crate) product_tree: ProductTree,
    pub(crate) vulnerabilities: Vec<Lenient<Vulnerability>>,
}

/// What the document says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Header {
    #[serde(deserialize_with = "lenient::text")]
    csaf_version: String,
    publisher: Option<Lenient<Publisher>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Publisher {
    #[serde(deserialize_with = "lenient::text")]
    name: String,
}

/// The products that statements refer to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct ProductTree {
    branches: Vec<Branch>,
    full_product_names: Vec<Product>,
    relationships: Vec<Relationship>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Branch {
    branches: Vec<Branch>,
    product: Option<Product>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Product {
    name: String,
    product_id: String,
    product_identification_helper: Option<Lenient<Helper>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Helper {
    #[serde(deserialize_with = "lenient::text")]
    purl: String,
    /// Since version 2.1.
    purls: Vec<String>,
}

/// A product that is a part of another one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Relationship {
    full_product_name: Product,
    product_reference: String,
    relates_to_product_reference: String,
}

/// A vulnerability, and the products by what is known about them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Vulnerability {
    #[serde(deserialize_with = "lenient::text")]
    cve: String,
    ids: Vec<Lenient<Name>>,
    product_status: Option<Lenient<ProductStatus>>,
    flags: Vec<Lenient<Flag>>,
    threats: Vec<Lenient<Threat>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Name {
    #[serde(deserialize_with = "lenient::text")]
    text: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct ProductStatus {
    fixed: Vec<String>,
    first_fixed: Vec<String>,
    known_not_affected: Vec<String>,
    known_affected: Vec<String>,
    first_affected: Vec<String>,
    last_affected: Vec<String>,
    under_investigation: Vec<String>,
}

/// Why products are not affected, by the name of OpenVEX.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Flag {
    #[serde(deserialize_with = "lenient::text")]
    label: String,
    product_ids: Vec<String>,
}

/// Why products are not affected, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Threat {
    #[serde(deserialize_with = "lenient::text")]
    category: String,
    #[serde(deserialize_with = "lenient::text")]
    details: String,
    product_ids: Vec<String>,
}

/// Whether the field `document` is that of CSAF.
pub(crate) fn is_header(header: &Lenient<Header>) -> bool {
    header.0.as_ref().is_some_and(|header| header.csaf_version.starts_with("2."))
}

/// The products of a document by their IDs: what identifies each, and what it is a part of.
struct Products<'a> {
    identifiers: HashMap<&'a str, Vec<String>>,
    parts: HashMap<&'a str, (&'a str, &'a str)>,
}

impl<'a> Products<'a> {
    fn of(tree: &'a ProductTree) -> Self {
        let mut found: Vec<&Product> = tree.full_product_names.iter().collect();
        // The JSON parser bounds how deep branches nest.
        let mut waiting: Vec<&Branch> = tree.branches.iter().collect();
        while let Some(branch) = waiting.pop() {
            found.extend(&branch.product);
            waiting.extend(&branch.branches);
        }
        let identifiers = found
            .into_iter()
            .map(|product| {
                let helper = product.product_identification_helper.as_ref();
                let helper = helper.and_then(|helper| helper.0.as_ref());
                let urls = helper.map(|helper| helper.purls.iter().chain([&helper.purl]));
                let urls = urls.into_iter().flatten().filter(|url| !url.is_empty()).cloned();
                (product.product_id.as_str(), urls.collect())
            })
            .collect();
        let parts = tree.relationships.iter().map(|it| {
            let of = (it.relates_to_product_reference.as_str(), it.product_reference.as_str());
            (it.full_product_name.product_id.as_str(), of)
        });
        Self { identifiers, parts: parts.collect() }
    }

    /// What a statement about the product with this ID is about; `None` if nothing identifies it.
    fn subject(&self, id: &str) -> Option<Subject> {
        let known = |id: &str| self.identifiers.get(id).cloned().unwrap_or_default();
        let (product, part) = match self.parts.get(id) {
            Some((product, part)) => (known(product), known(part)),
            None => (known(id), Vec::new()),
        };
        let is_part = self.parts.contains_key(id);
        if if is_part { part.is_empty() } else { product.is_empty() } {
            return None;
        }
        Some(Subject { label: id.to_owned(), product, part })
    }
}

impl Document {
    pub(crate) fn to_vex(&self) -> Result<vex::Document, ReadError> {
        let products = Products::of(&self.product_tree);
        let statements: Vec<Option<Statement>> =
            self.vulnerabilities.iter().flat_map(|each| statements(each, &products)).collect();
        let publisher = self.header.publisher.as_ref().and_then(|it| it.0.as_ref());
        let author = publisher.map(|it| it.name.as_str()).unwrap_or_default();
        vex::Document::of(&statements, Clone::clone, author)
    }
}

/// The statements about one vulnerability; `None` for what cannot be understood.
fn statements(each: &Lenient<Vulnerability>, products: &Products<'_>) -> Vec<Option<Statement>> {
    let Some(vulnerability) = &each.0 else { return vec![None] };
    let Some(Lenient(Some(status))) = &vulnerability.product_status else { return vec![None] };
    let other = vulnerability.ids.iter().filter_map(|id| id.0.as_ref()).map(|id| &id.text);
    let names: Vec<String> = std::iter::once(&vulnerability.cve)
        .chain(other)
        .filter(|name| !name.is_empty())
        .cloned()
        .collect();
    if names.is_empty() {
        return vec![None];
    }
    // The last one counts: a product that is also named as affected is.
    let groups = [
        (Status::Fixed, &status.fixed),
        (Status::Fixed, &status.first_fixed),
        (Status::NotAffected, &status.known_not_affected),
        (Status::UnderInvestigation, &status.under_investigation),
        (Status::Affected, &status.first_affected),
        (Status::Affected, &status.last_affected),
        (Status::Affected, &status.known_affected),
    ];
    let ids = groups.into_iter().flat_map(|(status, list)| list.iter().map(move |id| (status, id)));
    ids.map(|(status, id)| {
        let flags = vulnerability.flags.iter().filter_map(|flag| flag.0.as_ref());
        let justification = flags
            .filter(|flag| flag.product_ids.contains(id))
            .map(|flag| flag.label.clone())
            .next()
            .unwrap_or_default();
        let threats = vulnerability.threats.iter().filter_map(|threat| threat.0.as_ref());
        let impact = threats
            .filter(|threat| threat.category == "impact" && threat.product_ids.contains(id))
            .map(|threat| threat.details.clone())
            .next();
        Some(Statement {
            names: names.clone(),
            subjects: vec![products.subject(id)?],
            status,
            reason: impact.unwrap_or_else(|| justification.clone()),
            justification,
        })
    })
    .collect()
}
