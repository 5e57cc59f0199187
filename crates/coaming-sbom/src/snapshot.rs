//! Snapshots of dependencies as they are submitted to GitHub, for example by syft and Trivy:
//! <https://docs.github.com/en/rest/dependency-graph/dependency-submission>.

use serde::Deserialize;

use crate::lenient::{self, Lenient};
use crate::sbom::{Collector, Details};
use crate::{ReadError, Sbom};

/// The dependencies of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Manifest {
    file: Option<Lenient<File>>,
    #[serde(deserialize_with = "lenient::counted_values")]
    resolved: Vec<Lenient<Dependency>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct File {
    #[serde(deserialize_with = "lenient::text")]
    source_location: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Dependency {
    #[serde(deserialize_with = "lenient::text")]
    package_url: String,
    #[serde(deserialize_with = "lenient::text")]
    scope: String,
}

/// The packages of the manifests.
pub(crate) fn into_sbom(manifests: Vec<Manifest>) -> Result<Sbom<'static>, ReadError> {
    let mut collector = Collector::default();
    for manifest in manifests {
        let file = manifest.file.and_then(|file| file.0).unwrap_or_default();
        for Lenient(dependency) in manifest.resolved {
            let Some(Dependency { package_url, scope }) = dependency else {
                collector.leave_out("malformed");
                continue;
            };
            if scope == "development" {
                collector.leave_out("scope `development`");
            } else if package_url.is_empty() {
                collector.leave_out("no package URL");
            } else {
                let path = Some(file.source_location.clone());
                collector.add(&package_url, Details { path, ..Details::default() })?;
            }
        }
    }
    Ok(collector.finish())
}
