//! Canonical names of ecosystems and packages.
//!
//! Building and querying the database use the same two functions, so that they always agree.

use crate::Ecosystem;

/// The canonical ecosystem of an advisory: one name for all the spellings of a release in OSV's
/// databases, without a release if the ecosystem has none.
pub(crate) fn ecosystem(text: &str) -> Ecosystem {
    let Ecosystem { name, release } = Ecosystem::parse(text);
    let release = match name.as_str() {
        // `22.04:LTS`, `Pro:16.04:LTS`
        "Ubuntu" => release.trim_end_matches(":LTS").to_owned(),
        // `enterprise_linux:9::baseos`
        "Red Hat" => match release.strip_prefix("enterprise_linux:") {
            Some(rest) => major(rest.split(':').next().unwrap_or(rest)),
            None => release,
        },
        "Rocky Linux" | "AlmaLinux" | "CentOS" => major(&release),
        "SUSE" => suse(release),
        "Debian"
        | "Alpine"
        | "openSUSE"
        | "openEuler"
        | "Mageia"
        | "Photon OS"
        | "Azure Linux"
        | "Alpaquita"
        | "BellSoft Hardened Containers"
        | "Amazon Linux"
        | "Oracle Linux"
        | "Fedora" => release,
        _ => String::new(),
    };
    Ecosystem { name, release }
}

fn major(release: &str) -> String {
    release.split('.').next().unwrap_or(release).to_owned()
}

/// The server and its modules count as one product, but not those with extended support.
fn suse(product: String) -> String {
    let short = ["Linux Enterprise Server ", "Linux Enterprise Module for "]
        .iter()
        .find_map(|prefix| product.strip_prefix(prefix));
    match short.and_then(|rest| rest.split_once("15")) {
        Some((_, pack)) if !pack.contains('-') && !product.contains("LTSS") => {
            format!("15{pack}")
        }
        _ => product,
    }
}

/// The canonical spelling of a package's name in its ecosystem.
pub(crate) fn package(ecosystem: &str, name: &str) -> String {
    match ecosystem {
        "PyPI" => {
            let mut normal = String::with_capacity(name.len());
            for character in name.chars() {
                match character {
                    '-' | '_' | '.' if normal.ends_with('-') => {}
                    '-' | '_' | '.' => normal.push('-'),
                    other => normal.extend(other.to_lowercase()),
                }
            }
            normal
        }
        // Package URLs have the paths of Go's modules in lower case.
        "NuGet" | "Packagist" | "GitHub Actions" | "Go" => name.to_lowercase(),
        // The address of a repository.
        "SwiftURL" => {
            let name = name.strip_prefix("https://").unwrap_or(name);
            name.strip_suffix(".git").unwrap_or(name).to_lowercase()
        }
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_have_one_name() {
        for (text, expected) in [
            ("Debian:12", "Debian:12"),
            ("Ubuntu:22.04:LTS", "Ubuntu:22.04"),
            ("Ubuntu:Pro:16.04:LTS", "Ubuntu:Pro:16.04"),
            ("Red Hat:enterprise_linux:9::baseos", "Red Hat:9"),
            ("Red Hat:rhel_eus:9.2::appstream", "Red Hat:rhel_eus:9.2::appstream"),
            ("Rocky Linux:8", "Rocky Linux:8"),
            ("SUSE:Linux Enterprise Server 15 SP5", "SUSE:15 SP5"),
            ("SUSE:Linux Enterprise Module for Basesystem 15 SP5", "SUSE:15 SP5"),
            (
                "SUSE:Linux Enterprise Server 15 SP3-LTSS",
                "SUSE:Linux Enterprise Server 15 SP3-LTSS",
            ),
            ("Maven:https://repo.example.com/", "Maven"),
            ("Alpine:v3.18", "Alpine:v3.18"),
        ] {
            assert_eq!(ecosystem(text).to_string(), expected);
        }
    }

    #[test]
    fn names_have_one_spelling() {
        assert_eq!(package("PyPI", "Zope.Interface__x"), "zope-interface-x");
        assert_eq!(package("NuGet", "Newtonsoft.Json"), "newtonsoft.json");
        assert_eq!(package("npm", "JSONStream"), "JSONStream");
        assert_eq!(package("Go", "github.com/BurntSushi/toml"), "github.com/burntsushi/toml");
        assert_eq!(package("SwiftURL", "https://github.com/A/b.git"), "github.com/a/b");
    }
}
