//! What is known about packages only after the whole image was read: their distribution, and which
//! lock files only plan what another list reports as installed.

use std::collections::HashSet;

use crate::{Distribution, Package, PackageKind};

/// The lock files of an ecosystem, and the directory next to them with the installed packages.
const LOCKS: [(PackageKind, &[&str], &str); 2] = [
    (
        PackageKind::Npm,
        &[
            "package-lock.json",
            "npm-shrinkwrap.json",
            "yarn.lock",
            "pnpm-lock.yaml",
            "bun.lock",
            "deno.lock",
        ],
        "/node_modules/",
    ),
    (PackageKind::Composer, &["composer.lock"], "/vendor/composer/"),
];

/// Whether it is a Java archive of which neither a name nor a version is known.
pub(crate) fn is_unnamed(package: &Package) -> bool {
    package.kind == PackageKind::Maven && package.version.is_empty()
}

/// Completes the packages of an image: sorts them, removes duplicates, gives the distribution's
/// packages their full URLs, and removes those of a lock file that has the installed packages next
/// to it.
pub(crate) fn complete(packages: &mut Vec<Package>, distribution: Option<&Distribution>) {
    if let Some(distribution) = distribution {
        for package in packages.iter_mut() {
            if let Some(url) = coaming_sbom::purl::with_distribution(
                package,
                &distribution.id,
                &distribution.version,
            ) {
                package.purl = url;
            }
        }
    }
    let installed: HashSet<(PackageKind, String)> = packages
        .iter()
        .flat_map(|package| {
            LOCKS.iter().filter(|(kind, ..)| *kind == package.kind).filter_map(
                |(kind, _, installed)| {
                    let (directory, _) = package.path.split_once(installed)?;
                    Some((*kind, directory.to_owned()))
                },
            )
        })
        .collect();
    packages.retain(|package| {
        let Some((directory, file)) = package.path.rsplit_once('/') else { return true };
        let planned =
            LOCKS.iter().any(|(kind, locks, _)| *kind == package.kind && locks.contains(&file));
        !planned || !installed.contains(&(package.kind, directory.to_owned()))
    });
    // Some chiseled images also have a database for scanners, which knows source packages.
    if packages.iter().any(|package| package.path.starts_with("/var/lib/dpkg/")) {
        packages.retain(|package| !package.path.starts_with("/var/lib/chisel/"));
    }
    packages.sort();
    packages.dedup();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::parsed::package;

    #[test]
    fn installed_packages_replace_planned_ones() {
        let npm = |version, path| package(PackageKind::Npm, "ms", version, path).unwrap();
        let mut packages = vec![
            npm("2.0.0", "/app/package-lock.json"),
            npm("2.1.0", "/app/node_modules/ms/package.json"),
            npm("2.1.0", "/app/node_modules/ms/package.json"),
            npm("1.0.0", "/other/yarn.lock"),
        ];
        complete(&mut packages, None);
        let paths: Vec<&str> = packages.iter().map(|package| package.path.as_str()).collect();
        assert_eq!(paths, ["/other/yarn.lock", "/app/node_modules/ms/package.json"]);
    }

    #[test]
    fn the_database_of_dpkg_replaces_the_manifest_of_chisel() {
        let deb = |path| package(PackageKind::Deb, "bash", "5.2", path).unwrap();
        let manifest = deb("/var/lib/chisel/manifest.wall");
        let mut packages = vec![manifest.clone(), deb("/var/lib/dpkg/status")];
        complete(&mut packages, None);
        assert_eq!(packages, [deb("/var/lib/dpkg/status")]);
        let mut alone = vec![manifest];
        complete(&mut alone, None);
        assert_eq!(alone.len(), 1);
    }
}
