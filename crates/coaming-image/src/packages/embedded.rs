//! SBOMs in an image that say what is installed: Bitnami's documents next to each application, and
//! those of Python packages (PEP 770), which list the libraries in a wheel.

use coaming_sbom::{Document, ReadError};

use crate::analyse::{AnalyserError, ParsedFile};

pub(super) fn wants(path: &str) -> bool {
    let Some((directory, file)) = path.rsplit_once('/') else { return false };
    let of_bitnami =
        path.starts_with("/opt/bitnami/") && file.starts_with(".spdx-") && file.ends_with(".spdx");
    let of_wheel = || {
        let parent = directory.strip_suffix("/sboms");
        parent.is_some_and(|parent| parent.to_ascii_lowercase().ends_with(".dist-info"))
            && (file.ends_with(".json") || file.ends_with(".xml"))
    };
    of_bitnami || of_wheel()
}

pub(super) fn read(path: &str, bytes: &[u8]) -> Result<ParsedFile, AnalyserError> {
    let sbom =
        Document::read(bytes).and_then(Document::into_sbom).map_err(|error| match error {
            ReadError::TooMany { .. } | ReadError::TooLarge { .. } => {
                AnalyserError::TooLarge(format!("the SBOM {error}"))
            }
            error => AnalyserError::Malformed(format!("the SBOM {error}")),
        })?;
    let mut found = ParsedFile::default();
    for mut package in sbom.packages.into_owned() {
        let is_fit = |text: &str| super::parsed::text(text).is_some();
        if !is_fit(&package.name) || !is_fit(&package.version) {
            found.problem("a package has no readable name or version");
            continue;
        }
        path.clone_into(&mut package.path);
        found.add(package)?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_documents_of_applications_and_wheels() {
        let document = br#"{"bomFormat": "CycloneDX", "components": [{"type": "library",
            "name": "openssl", "version": "1.1.1", "purl": "pkg:rpm/almalinux/openssl@1.1.1"}]}"#;
        for path in [
            "/opt/bitnami/acmedb/.spdx-acmedb.spdx",
            "/venv/lib/python3.12/site-packages/x-1.0.dist-info/sboms/auditwheel.cdx.json",
        ] {
            assert!(wants(path));
            let found = read(path, document).unwrap();
            assert_eq!(found.packages[0].path, path);
        }
        assert!(!wants("/app/x.cdx.json"));
        assert!(read("/opt/bitnami/a/.spdx-a.spdx", b"{}").is_err());
    }
}
