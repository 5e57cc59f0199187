//! What can be said of packages only when the whole image was read: their distribution, and which
//! lists only plan what another list says is installed.

use std::collections::HashSet;

use crate::{Distribution, Package, PackageKind};

/// The lock files of an ecosystem, and the directory beside them that holds what is installed.
const LOCKS: [(PackageKind, &[&str], &str); 2] = [
    (
        PackageKind::Npm,
        &["package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml"],
        "/node_modules/",
    ),
    (PackageKind::Composer, &["composer.lock"], "/vendor/composer/"),
];

/// Completes the packages of an image: sorts them, drops what is said twice, gives the
/// distribution's packages their full URLs, and drops those of a lock file where the directory beside
/// it holds what is really installed.
pub(crate) fn settle(packages: &mut Vec<Package>, distribution: Option<&Distribution>) {
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
                |(kind, _, beside)| {
                    let (directory, _) = package.path.split_once(beside)?;
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
    packages.sort();
    packages.dedup();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::found::package;

    #[test]
    fn what_is_installed_beats_what_is_planned() {
        let npm = |version, path| package(PackageKind::Npm, "ms", version, path).unwrap();
        let mut packages = vec![
            npm("2.0.0", "/app/package-lock.json"),
            npm("2.1.0", "/app/node_modules/ms/package.json"),
            npm("2.1.0", "/app/node_modules/ms/package.json"),
            npm("1.0.0", "/other/yarn.lock"),
        ];
        settle(&mut packages, None);
        let paths: Vec<&str> = packages.iter().map(|package| package.path.as_str()).collect();
        assert_eq!(paths, ["/other/yarn.lock", "/app/node_modules/ms/package.json"]);
    }
}
