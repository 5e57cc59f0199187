//! What to do about an image's vulnerabilities, in a line for each thing that can be done.
//!
//! One thing to do is one line, however many vulnerabilities it ends; what ends most comes first.

use std::collections::{BTreeMap, BTreeSet};

use coaming_image::{Distribution, PackageKind};

use crate::{Ecosystem, Order, Version, Vulnerability};

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// What to do, for a person.
    pub text: String,
    /// How many vulnerabilities go away by it.
    pub ends: usize,
}

/// What to do about vulnerabilities, and last what nothing can be done about yet.
#[must_use]
pub fn advice(
    vulnerabilities: &[Vulnerability<'_>],
    distribution: Option<&Distribution>,
) -> Vec<Advice> {
    let system = |vulnerability: &&Vulnerability<'_>| {
        matches!(vulnerability.package.kind, PackageKind::Deb | PackageKind::Apk | PackageKind::Rpm)
    };
    let mut lines = Vec::new();
    let of_system: Vec<_> = vulnerabilities.iter().filter(system).collect();
    let fixed: Vec<_> = of_system.iter().filter(|each| each.fixed.is_some()).collect();
    if !fixed.is_empty() {
        let packages: BTreeSet<&str> =
            fixed.iter().map(|each| each.package.name.as_str()).collect();
        lines.push(Advice {
            text: format!(
                "rebuild on today's {}, which brings newer versions of {}: {} of {} go away",
                release(distribution),
                listed(&packages),
                fixed.len(),
                of_system.len(),
            ),
            ends: fixed.len(),
        });
    }
    lines.extend(upgrades(vulnerabilities));
    lines
        .sort_by(|left, right| right.ends.cmp(&left.ends).then_with(|| left.text.cmp(&right.text)));
    let unfixed = vulnerabilities.iter().filter(|each| each.fixed.is_none()).count();
    if unfixed > 0 {
        let text = format!(
            "{unfixed} of {} have no fix yet: remove the package where it is not needed, or excuse it \
             with a reason and a date to look again",
            vulnerabilities.len()
        );
        lines.push(Advice { text, ends: 0 });
    }
    lines
}

fn release(distribution: Option<&Distribution>) -> String {
    let Some(distribution) = distribution else { return "release of the base image".to_owned() };
    let version = if distribution.codename.is_empty() {
        &distribution.version
    } else {
        &distribution.codename
    };
    format!("{}:{version}", distribution.id).trim_end_matches(':').to_owned()
}

/// A few names, and how many more there are.
fn listed(names: &BTreeSet<&str>) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let shown = shown.join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// A line for each package of a language: upgraded to where most of it is fixed.
fn upgrades(vulnerabilities: &[Vulnerability<'_>]) -> Vec<Advice> {
    let mut packages: BTreeMap<(PackageKind, &str, &str), Vec<&str>> = BTreeMap::new();
    for vulnerability in vulnerabilities {
        let package = vulnerability.package;
        let Some(fixed) = &vulnerability.fixed else { continue };
        if !matches!(package.kind, PackageKind::Deb | PackageKind::Apk | PackageKind::Rpm) {
            let key = (package.kind, package.name.as_str(), package.version.as_str());
            packages.entry(key).or_default().push(fixed);
        }
    }
    packages
        .into_iter()
        .filter_map(|((kind, name, version), fixes)| {
            let newest = newest(kind, &fixes)?;
            let ends = fixes.len();
            let go = if ends == 1 { "1 goes away".to_owned() } else { format!("{ends} go away") };
            Some(Advice {
                text: format!("upgrade `{name}` from {version} to {newest}: {go}"),
                ends,
            })
        })
        .collect()
}

fn newest<'a>(kind: PackageKind, versions: &[&'a str]) -> Option<&'a str> {
    let order = order(kind)?;
    let parsed = versions.iter().filter_map(|text| Some((Version::parse(order, text)?, *text)));
    parsed
        .max_by(|left, right| left.0.compare(&right.0).unwrap_or(std::cmp::Ordering::Equal))
        .map(|(_, text)| text)
}

fn order(kind: PackageKind) -> Option<Order> {
    let name = match kind {
        PackageKind::PyPi => "PyPI",
        PackageKind::Npm => "npm",
        PackageKind::Gem => "RubyGems",
        PackageKind::Maven => "Maven",
        PackageKind::Composer => "Packagist",
        PackageKind::NuGet => "NuGet",
        PackageKind::Cargo => "crates.io",
        PackageKind::Golang => "Go",
        PackageKind::Deb => "Debian",
        PackageKind::Apk => "Alpine",
        PackageKind::Rpm => "Red Hat",
    };
    Ecosystem::parse(name).order()
}
