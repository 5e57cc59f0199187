//! What to do about the vulnerabilities of an image.
//!
//! One thing to do is one line, however many vulnerabilities it fixes; the one that fixes most
//! comes first.

use std::collections::{BTreeMap, BTreeSet};

use coaming_image::{Distribution, PackageKind};

use crate::query::ecosystem_of;
use crate::{Ecosystem, Order, Version, Vulnerability};

/// How a vulnerability is fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    /// The distribution has fixed it: rebuild the image with its newest packages.
    Rebuild,
    /// A newer version of the package fixes it.
    Upgrade,
    /// There is no fix yet.
    Wait,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The kind of remedy.
    pub remedy: Remedy,
    /// What to do, for a person.
    pub text: String,
    /// The number of vulnerabilities that it fixes.
    pub ends: usize,
}

impl Vulnerability {
    /// How it is fixed.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        if self.fixed.is_none() {
            Remedy::Wait
        } else if self.package.kind.is_distribution() {
            Remedy::Rebuild
        } else {
            Remedy::Upgrade
        }
    }

    /// Whether only subscribers of Ubuntu Pro get the fix, as its version says: `1.1.1-1+esm4`.
    fn needs_ubuntu_pro(&self) -> bool {
        let is_pro = |version: &str| version.contains("+esm") || version.contains("~esm");
        self.package.kind == PackageKind::Deb
            && self.fixed.as_deref().is_some_and(is_pro)
            && !is_pro(&self.package.version)
    }
}

/// What to do about vulnerabilities; the last line is about those without a fix.
#[must_use]
pub fn advice(
    vulnerabilities: &[Vulnerability],
    distribution: Option<&Distribution>,
) -> Vec<Advice> {
    let mut lines: Vec<Advice> = rebuild(vulnerabilities, distribution)
        .into_iter()
        .chain(subscribe(vulnerabilities))
        .chain(upgrades(vulnerabilities))
        .collect();
    lines
        .sort_by(|left, right| right.ends.cmp(&left.ends).then_with(|| left.text.cmp(&right.text)));
    let unfixed = vulnerabilities.iter().filter(|each| each.fixed.is_none()).count();
    if unfixed > 0 {
        let have = if unfixed == 1 { "has" } else { "have" };
        let text = format!(
            "{unfixed} of {} {have} no fix yet: remove the package where it is not needed, or \
             ignore it with a reason and a date for review",
            vulnerabilities.len()
        );
        lines.push(Advice { remedy: Remedy::Wait, text, ends: 0 });
    }
    lines
}

/// The line for the distribution's packages.
fn rebuild(
    vulnerabilities: &[Vulnerability],
    distribution: Option<&Distribution>,
) -> Option<Advice> {
    let all = vulnerabilities.iter().filter(|each| each.package.kind.is_distribution()).count();
    let fixed: Vec<_> = vulnerabilities
        .iter()
        .filter(|each| each.remedy() == Remedy::Rebuild && !each.needs_ubuntu_pro())
        .collect();
    let names: BTreeSet<&str> = fixed.iter().map(|each| each.package.name.as_str()).collect();
    let ends = fixed.len();
    (ends > 0).then(|| Advice {
        remedy: Remedy::Rebuild,
        text: format!(
            "rebuild on today's {}, which brings newer versions of {}: {}",
            release(distribution),
            listed(&names),
            go_away(ends, all),
        ),
        ends,
    })
}

/// The line for packages that only subscribers of Ubuntu Pro get newer versions of.
fn subscribe(vulnerabilities: &[Vulnerability]) -> Option<Advice> {
    let all = vulnerabilities.iter().filter(|each| each.package.kind.is_distribution()).count();
    let fixed: Vec<_> = vulnerabilities.iter().filter(|each| each.needs_ubuntu_pro()).collect();
    let names: BTreeSet<&str> = fixed.iter().map(|each| each.package.name.as_str()).collect();
    let ends = fixed.len();
    (ends > 0).then(|| Advice {
        remedy: Remedy::Rebuild,
        text: format!(
            "move to a newer release of Ubuntu, or rebuild with Ubuntu Pro, which alone brings \
             newer versions of {}: {}",
            listed(&names),
            go_away(ends, all),
        ),
        ends,
    })
}

/// `41 of 57 go away`
fn go_away(ends: usize, all: usize) -> String {
    match (ends, all) {
        (1, 1) => "1 goes away".to_owned(),
        (ends, all) if ends == all => format!("all {ends} go away"),
        (1, all) => format!("1 of {all} goes away"),
        (ends, all) => format!("{ends} of {all} go away"),
    }
}

fn release(distribution: Option<&Distribution>) -> String {
    let Some(distribution) = distribution else { return "release of the base image".to_owned() };
    let version = if distribution.codename.is_empty() {
        tag(&distribution.id, &distribution.version)
    } else {
        distribution.codename.clone()
    };
    format!("{}:{version}", distribution.id).trim_end_matches(':').to_owned()
}

/// The tag of base images that moves with the newest packages of a release: that of a patch release
/// never holds newer ones.
fn tag(id: &str, version: &str) -> String {
    let numbers = |count: usize| version.split('.').take(count).collect::<Vec<_>>().join(".");
    match id {
        "alpine" if version.contains("_alpha") => "edge".to_owned(),
        "alpine" => numbers(2),
        "debian" | "rhel" | "centos" | "rocky" | "almalinux" | "ol" => numbers(1),
        // Rolling releases: the version is a date.
        "wolfi" | "chainguard" | "minimos" | "opensuse-tumbleweed" => String::new(),
        _ => version.to_owned(),
    }
}

/// A few names, and the number of the rest.
fn listed(names: &BTreeSet<&str>) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let shown = shown.join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// A line for each package of a language: the upgrade that fixes all that can be fixed.
fn upgrades(vulnerabilities: &[Vulnerability]) -> Vec<Advice> {
    let mut packages: BTreeMap<(PackageKind, &str, &str), Vec<&str>> = BTreeMap::new();
    for vulnerability in vulnerabilities {
        let package = &vulnerability.package;
        if let (Remedy::Upgrade, Some(fixed)) = (vulnerability.remedy(), &vulnerability.fixed) {
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
            let is_go = kind == PackageKind::Golang && matches!(name, "stdlib" | "toolchain");
            let step = if is_go {
                format!("build with Go {newest} instead of {version}")
            } else {
                format!("upgrade `{name}` from {version} to {newest}")
            };
            Some(Advice { remedy: Remedy::Upgrade, text: format!("{step}: {go}"), ends })
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
        PackageKind::Deb => "Debian",
        PackageKind::Apk => "Alpine",
        PackageKind::Rpm => "Red Hat",
        kind => ecosystem_of(kind)?,
    };
    Ecosystem::parse(name).order()
}
