//! Packages as they may be shown: SBOMs and metadata come from strangers, who have passwords and
//! tokens at the places of versions and addresses.
//!
//! It happens when packages become facts, so that no format of output, cache or document has to
//! think of it.

use std::borrow::Cow;

use coaming_secret::gate::{is_shown_package_name, is_shown_version, masked, shown_purl};

use crate::Package;

/// What takes the place of a secret.
const MASK: &str = "***";

/// Masks the secrets in what names the packages.
pub(crate) fn mask(packages: &mut [Package]) {
    for package in packages {
        let source = package.source.as_mut().map(|source| (&mut source.name, &mut source.version));
        let own = (&mut package.name, &mut package.version);
        for (name, version) in source.into_iter().chain([own]) {
            if !is_shown_package_name(name) {
                MASK.clone_into(name);
            }
            if !is_shown_version(version) {
                MASK.clone_into(version);
            }
        }
        if let Some(architecture) = &mut package.architecture
            && !is_shown_package_name(architecture)
        {
            MASK.clone_into(architecture);
        }
        if let Cow::Owned(shown) = masked(&package.licence) {
            package.licence = shown;
        }
        let shown = shown_purl(&package.purl);
        if shown != package.purl.as_str() {
            package.purl = shown.into_owned();
        }
    }
}
