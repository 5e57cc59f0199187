//! VEX in CSAF 2: <https://docs.oasis-open.org/csaf/csaf/v2.0/>. Read only.

use std::collections::HashMap;

use serde::Deserialize;

use crate::lenient::{self, Lenient};
use crate::release::Release;
use crate::vex::{self, Statement, Status, Subject};
use crate::{ReadError, purl};

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
    #[serde(deserialize_with = "lenient::list")]
    branches: Vec<Branch>,
    #[serde(deserialize_with = "lenient::list")]
    full_product_names: Vec<Product>,
    #[serde(deserialize_with = "lenient::list")]
    relationships: Vec<Relationship>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Branch {
    #[serde(deserialize_with = "lenient::list")]
    branches: Vec<Branch>,
    product: Option<Product>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Product {
    #[serde(deserialize_with = "lenient::text")]
    name: String,
    #[serde(deserialize_with = "lenient::text")]
    product_id: String,
    product_identification_helper: Option<Lenient<Helper>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Helper {
    #[serde(deserialize_with = "lenient::text")]
    purl: String,
    /// Since version 2.1.
    #[serde(deserialize_with = "lenient::list")]
    purls: Vec<String>,
    #[serde(deserialize_with = "lenient::text")]
    cpe: String,
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
    #[serde(deserialize_with = "lenient::items")]
    ids: Vec<Name>,
    product_status: Option<Lenient<ProductStatus>>,
    #[serde(deserialize_with = "lenient::items")]
    flags: Vec<Flag>,
    #[serde(deserialize_with = "lenient::items")]
    threats: Vec<Threat>,
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
    #[serde(deserialize_with = "lenient::list")]
    fixed: Vec<String>,
    #[serde(deserialize_with = "lenient::list")]
    first_fixed: Vec<String>,
    #[serde(deserialize_with = "lenient::list")]
    known_not_affected: Vec<String>,
    #[serde(deserialize_with = "lenient::list")]
    known_affected: Vec<String>,
    #[serde(deserialize_with = "lenient::list")]
    first_affected: Vec<String>,
    #[serde(deserialize_with = "lenient::list")]
    last_affected: Vec<String>,
    #[serde(deserialize_with = "lenient::list")]
    under_investigation: Vec<String>,
}

/// Why products are not affected, by the name of OpenVEX.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Flag {
    #[serde(deserialize_with = "lenient::text")]
    label: String,
    #[serde(deserialize_with = "lenient::list")]
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
    #[serde(deserialize_with = "lenient::list")]
    product_ids: Vec<String>,
}

/// Whether the field `document` is that of CSAF.
pub(crate) fn is_header(header: &Lenient<Header>) -> bool {
    header.0.as_ref().is_some_and(|header| header.csaf_version.starts_with("2."))
}

/// How deep products may be parts of each other.
const DEPTH: usize = 8;

/// The products of a document by their IDs: what identifies each, and what it is a part of.
struct Products<'a> {
    known: HashMap<&'a str, Known>,
    parts: HashMap<&'a str, (&'a str, &'a str)>,
}

/// What identifies a product.
#[derive(Default)]
struct Known {
    urls: Vec<String>,
    /// The release of a distribution that it is.
    release: Option<Release>,
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
        let known = found.into_iter().map(|product| {
            let helper = product.product_identification_helper.as_ref();
            let known = helper.and_then(|helper| helper.0.as_ref()).map(Helper::known);
            (product.product_id.as_str(), known.unwrap_or_default())
        });
        let parts = tree.relationships.iter().map(|it| {
            let of = (it.relates_to_product_reference.as_str(), it.product_reference.as_str());
            (it.full_product_name.product_id.as_str(), of)
        });
        Self { known: known.collect(), parts: parts.collect() }
    }

    /// What a statement about the product with this ID is about; `None` if nothing identifies it.
    fn subject(&self, id: &str) -> Option<Subject> {
        let label = id.to_owned();
        let mut subject = Subject { label, ..Subject::default() };
        let mut own = id;
        let mut depth = 0;
        // A part of a module of a distribution is a part of the distribution.
        while let Some((whole, part)) = self.parts.get(own) {
            depth += 1;
            if depth > DEPTH {
                return None;
            }
            if let Some(whole) = self.known.get(whole) {
                subject.product.extend(whole.urls.iter().cloned());
                subject.release = subject.release.or_else(|| whole.release.clone());
            }
            own = part;
        }
        let urls = self.known.get(own).map(|known| known.urls.clone()).unwrap_or_default();
        if urls.is_empty() {
            return None;
        }
        if depth == 0 {
            subject.product = urls;
            return Some(subject);
        }
        // Which product is meant is unknown: then only a version says which package is.
        let of_anything = subject.product.is_empty() && subject.release.is_none();
        let has_version =
            |url: &String| purl::parse(url).is_some_and(|it| !it.package.version.is_empty());
        subject.part = urls;
        (!of_anything || subject.part.iter().all(has_version)).then_some(subject)
    }
}

impl Helper {
    fn known(&self) -> Known {
        let urls = self.purls.iter().chain([&self.purl]).filter(|url| !url.is_empty());
        Known { urls: urls.cloned().collect(), release: release(&self.cpe) }
    }
}

/// The release that a CPE names: `cpe:/o:redhat:enterprise_linux:9::baseos`.
fn release(cpe: &str) -> Option<Release> {
    const NAMES: [(&str, &str); 8] = [
        ("redhat:enterprise_linux", "rhel"),
        ("canonical:ubuntu_linux", "ubuntu"),
        ("debian:debian_linux", "debian"),
        ("suse:sles", "sles"),
        ("suse:suse_linux_enterprise_server", "sles"),
        ("opensuse:leap", "opensuse-leap"),
        ("oracle:linux", "ol"),
        ("fedoraproject:fedora", "fedora"),
    ];
    let rest = cpe.strip_prefix("cpe:/").or_else(|| cpe.strip_prefix("cpe:2.3:"))?;
    let mut parts = rest.split(':').skip(1);
    let name = format!("{}:{}", parts.next()?, parts.next()?);
    let (_, id) = NAMES.iter().find(|(known, _)| *known == name)?;
    let version = parts.next().filter(|version| !version.is_empty() && *version != "*")?;
    let pack = parts.next().and_then(|update| update.strip_prefix("sp"));
    let version = pack.map_or_else(|| version.to_owned(), |pack| format!("{version}.{pack}"));
    Some(Release::named(id, &version))
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
    let other = vulnerability.ids.iter().map(|id| &id.text);
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
        let justification = vulnerability
            .flags
            .iter()
            .filter(|flag| flag.product_ids.contains(id))
            .map(|flag| flag.label.clone())
            .next()
            .unwrap_or_default();
        let impact = vulnerability
            .threats
            .iter()
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
