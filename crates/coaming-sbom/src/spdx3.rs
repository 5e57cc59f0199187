//! SPDX 3 in JSON-LD: <https://spdx.github.io/spdx-spec/v3.0.1/>. Read only: its packages become
//! those of version 2.

use serde::Deserialize;

use crate::lenient::{self, Lenient};
use crate::spdx;

/// An element of the graph.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Element {
    #[serde(alias = "@type", deserialize_with = "lenient::text")]
    r#type: String,
    #[serde(deserialize_with = "lenient::text")]
    name: String,
    #[serde(rename = "software_packageVersion", deserialize_with = "lenient::text")]
    version: String,
    #[serde(rename = "software_packageUrl", deserialize_with = "lenient::text")]
    url: String,
    #[serde(rename = "software_sourceInfo", deserialize_with = "lenient::text")]
    source_info: String,
    #[serde(rename = "software_primaryPurpose", deserialize_with = "lenient::text")]
    purpose: String,
    #[serde(rename = "externalIdentifier", deserialize_with = "lenient::items")]
    identifiers: Vec<Identifier>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Identifier {
    #[serde(rename = "externalIdentifierType", deserialize_with = "lenient::text")]
    kind: String,
    #[serde(deserialize_with = "lenient::text")]
    identifier: String,
}

impl Element {
    /// Whether it is a package: `software_Package`, also as an address or with another prefix, and
    /// its kinds, such as `ai_AIPackage`.
    fn is_package(&self) -> bool {
        let name = self.r#type.rsplit(['_', ':', '/']).next().unwrap_or_default();
        matches!(name, "Package" | "AIPackage" | "DatasetPackage")
    }
}

/// The packages in a graph.
pub(crate) fn packages(elements: Vec<Lenient<Element>>) -> Vec<spdx::Package> {
    let packages = elements.into_iter().filter_map(|Lenient(element)| element);
    packages
        .filter(Element::is_package)
        .map(|element| {
            let mut urls: Vec<String> = element
                .identifiers
                .into_iter()
                .filter(|it| it.kind == "packageUrl" || it.kind == "purl")
                .map(|it| it.identifier)
                .collect();
            if !element.url.is_empty() {
                urls = vec![element.url];
            }
            let purpose = match element.purpose.as_str() {
                "operatingSystem" => "OPERATING_SYSTEM".to_owned(),
                other => other.to_ascii_uppercase(),
            };
            spdx::Package::read(
                element.name,
                element.version,
                purpose,
                element.source_info,
                String::new(),
                urls,
            )
        })
        .collect()
}
