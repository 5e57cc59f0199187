//! Red Hat's Container Catalog: vulnerabilities and grades of Red Hat's own images.

use coaming_http::clean;
use serde::Deserialize;

use super::{
    MAX_PAGES, MAX_VULNERABILITIES, Question, ReportedSeverity, ReportedVulnerability, ScanReport,
    ScanState, below, parse,
};
use crate::RegistryClient;
use crate::error::RegistryError;
use crate::transport::{Authorization, Target};

const NAME: &str = "Red Hat Container Catalog";
/// How many vulnerabilities one page has.
const PAGE_SIZE: usize = 100;

#[derive(Deserialize)]
struct Images {
    #[serde(default)]
    data: Vec<CatalogImage>,
}

#[derive(Deserialize)]
struct CatalogImage {
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    freshness_grades: Vec<Grade>,
}

#[derive(Deserialize)]
struct Grade {
    grade: String,
    start_date: Option<String>,
    end_date: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    data: Vec<Vulnerability>,
    #[serde(default)]
    total: usize,
}

#[derive(Deserialize)]
struct Vulnerability {
    cve_id: Option<String>,
    advisory_type: Option<String>,
    advisory_id: Option<String>,
    severity: Option<String>,
    #[serde(default)]
    packages: Vec<Packages>,
}

#[derive(Deserialize)]
struct Packages {
    #[serde(default)]
    rpm_nvra: Vec<String>,
    srpm_nevra: Option<String>,
}

pub(super) async fn report(
    client: &RegistryClient,
    target: &Target,
    question: &Question<'_>,
) -> Result<ScanReport, RegistryError> {
    let digest = &question.image.manifest_digest;
    let none = || Authorization::Fixed(None);
    let mut url = below(&question.base, ["v1", "images"], target)?;
    url.query_pairs_mut()
        .append_pair("filter", &format!("repositories.manifest_schema2_digest=={digest}"))
        .append_pair("page_size", "10");
    let malformed = |error| target.malformed(error);
    let body = client.get(target, url, none(), &[]).await?;
    let images: Images = parse(&body).map_err(malformed)?;
    let Some(image) = images.data.into_iter().next() else {
        return Ok(ScanReport::new(NAME, ScanState::NotScanned));
    };
    let mut all = Vec::new();
    for page in 0..MAX_PAGES {
        let path = ["v1", "images", "id", &image.id, "vulnerabilities"];
        let mut url = below(&question.base, path, target)?;
        url.query_pairs_mut()
            .append_pair("page_size", &PAGE_SIZE.to_string())
            .append_pair("page", &page.to_string());
        let body = client.get(target, url, none(), &[]).await?;
        let page: Page = parse(&body).map_err(malformed)?;
        let done = page.data.is_empty();
        all.extend(page.data);
        if done || all.len() >= page.total || all.len() > MAX_VULNERABILITIES {
            break;
        }
    }
    Ok(read(&image, all))
}

fn read(image: &CatalogImage, all: Vec<Vulnerability>) -> ScanReport {
    let found = all.into_iter().flat_map(|vulnerability| {
        let Vulnerability { cve_id, advisory_type, advisory_id, severity, packages } =
            vulnerability;
        let advisory = || Some(format!("{}-{}", advisory_type?, advisory_id?));
        let id = cve_id.or_else(advisory).unwrap_or_default();
        let severity = ReportedSeverity::of(severity.as_deref().unwrap_or_default());
        packages.into_iter().flat_map(move |packages| {
            let id = id.clone();
            let fixed = packages.srpm_nevra.as_deref().and_then(split_package);
            let fixed = fixed.map(|(_, version)| version.to_owned());
            packages.rpm_nvra.into_iter().filter_map(move |package| {
                let (name, version) = split_package(&package)?;
                Some(ReportedVulnerability {
                    id: id.clone(),
                    package: name.to_owned(),
                    version: version.to_owned(),
                    fixed_version: fixed.clone(),
                    severity,
                })
            })
        })
    });
    let report = ScanReport::new(NAME, ScanState::Complete).with(found);
    ScanReport { grade: today(&image.freshness_grades), ..report }
}

/// The grade without an end, else the one that started last.
fn today(grades: &[Grade]) -> Option<String> {
    grades
        .iter()
        .max_by_key(|grade| (grade.end_date.is_none(), grade.start_date.as_deref()))
        .map(|grade| clean(&grade.grade))
}

/// `openssl-libs-1.0.1e-42.el7.x86_64`: the name, and the version with its release.
fn split_package(text: &str) -> Option<(&str, &str)> {
    let (rest, _architecture) = text.rsplit_once('.')?;
    let (before_release, _) = rest.rsplit_once('-')?;
    let (name, _) = before_release.rsplit_once('-')?;
    Some((name, rest.get(name.len() + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_recorded_vulnerabilities() {
        let images: Images =
            parse(include_bytes!("../../tests/recorded/red_hat_images.json")).unwrap();
        let page: Page = parse(include_bytes!("../../tests/recorded/red_hat.json")).unwrap();
        let report = read(&images.data[0], page.data);
        assert_eq!(report.grade.as_deref(), Some("B"));
        let first = &report.vulnerabilities[0];
        assert_eq!(first.id, "CVE-2016-2180");
        assert_eq!(
            (first.package.as_str(), first.version.as_str()),
            ("openssl-libs", "1.0.1e-42.el7")
        );
        assert_eq!(first.fixed_version.as_deref(), Some("1:1.0.1e-51.el7_2.7"));
        assert_eq!(first.severity, ReportedSeverity::Low);
    }

    #[test]
    fn names_of_packages() {
        assert_eq!(split_package("a-b-1-2.x86_64"), Some(("a-b", "1-2")));
        for none in ["", "a", "a-1.x", "a.b"] {
            assert_eq!(split_package(none), None, "{none}");
        }
    }
}
