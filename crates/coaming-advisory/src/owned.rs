//! Packages of languages that a distribution packaged: they are matched with the distribution's
//! advisories, not with upstream's.

use std::collections::BTreeSet;

use coaming_image::{Package, PackageKind};

/// Recognizes packages of languages that the distribution packaged.
pub(crate) struct Owned<'a> {
    /// The names of the distribution's packages, and of their sources.
    names: BTreeSet<&'a str>,
}

impl<'a> Owned<'a> {
    pub(crate) fn new(packages: &'a [Package]) -> Self {
        let system = packages.iter().filter(|package| package.kind.is_distribution());
        let names = system.flat_map(|package| {
            std::iter::once(package.name.as_str())
                .chain(package.source.as_ref().map(|source| source.name.as_str()))
        });
        Self { names: names.collect() }
    }

    /// Whether a package is where the distribution installs its own, and the distribution has one
    /// of this name.
    pub(crate) fn covers(&self, package: &Package) -> bool {
        let prefixes: &[&str] = match package.kind {
            PackageKind::PyPi if is_system_python(&package.path) => {
                &["python3-", "python-", "py3-", "python3.", ""]
            }
            PackageKind::Gem if package.path.starts_with("/usr/") => &["ruby-", "rubygem-", ""],
            PackageKind::Npm if package.path.starts_with("/usr/share/") => {
                &["node-", "nodejs-", ""]
            }
            PackageKind::Maven if is_system_java(&package.path) => {
                return self.covers_java(package);
            }
            _ => return false,
        };
        if package.path.starts_with("/usr/local/") {
            return false;
        }
        let name = crate::canonical::package("PyPI", &package.name);
        let stem = name.strip_prefix("python-").unwrap_or(&name);
        prefixes.iter().any(|prefix| {
            self.names.contains(format!("{prefix}{name}").as_str())
                || self.names.contains(format!("{prefix}{stem}").as_str())
        })
    }

    /// Debian calls the package of an artifact `libARTIFACT-java`; Fedora uses the artifact's name.
    fn covers_java(&self, package: &Package) -> bool {
        let artifact = package.name.rsplit(':').next().unwrap_or(&package.name);
        self.names.contains(artifact) || self.names.contains(format!("lib{artifact}-java").as_str())
    }
}

/// Where Debian, Fedora and their relatives install jars.
fn is_system_java(path: &str) -> bool {
    ["/usr/share/java/", "/usr/share/maven-repo/", "/usr/lib/java/"]
        .iter()
        .any(|directory| path.starts_with(directory))
}

/// Debian's `dist-packages` and the system Python's `site-packages`.
fn is_system_python(path: &str) -> bool {
    path.contains("/dist-packages/")
        || path.starts_with("/usr/lib") && path.contains("/site-packages/")
}
