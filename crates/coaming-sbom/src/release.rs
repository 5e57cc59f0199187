//! The release of a distribution, by the names that package URLs, SBOMs and other tools give it.
//!
//! Invariant: a release has the ID that its own `os-release` has, and a number instead of a code
//! name, so that the same release is the same value wherever it comes from.

/// A distribution's release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// As `os-release` names the distribution: `debian`.
    pub id: String,
    /// `12`; may be empty.
    pub version: String,
}

/// What others call a distribution, in lower case, and what its `os-release` calls it.
const IDS: [(&str, &str); 26] = [
    ("suse", "sles"),
    ("redhat", "rhel"),
    ("red hat enterprise linux", "rhel"),
    ("alma", "almalinux"),
    ("red-hat", "rhel"),
    ("centos-stream", "centos"),
    ("rockylinux", "rocky"),
    ("rocky-linux", "rocky"),
    ("alma-linux", "almalinux"),
    ("oracle-linux", "ol"),
    ("oracle", "ol"),
    ("oraclelinux", "ol"),
    ("amazon", "amzn"),
    ("amazonlinux", "amzn"),
    ("amazon-linux", "amzn"),
    ("cbl-mariner", "mariner"),
    ("suse linux enterprise server", "sles"),
    ("suse.linux.enterprise.server", "sles"),
    ("suse linux enterprise micro", "sle-micro"),
    ("slem", "sle-micro"),
    ("suse-microos", "sle-micro"),
    ("opensuse leap", "opensuse-leap"),
    ("opensuse.leap", "opensuse-leap"),
    ("opensuse tumbleweed", "opensuse-tumbleweed"),
    ("opensuse.tumbleweed", "opensuse-tumbleweed"),
    ("openeuler", "openEuler"),
];

/// Code names: the distribution, the name and the version.
const CODE_NAMES: [(&str, &str, &str); 25] = [
    ("debian", "jessie", "8"),
    ("debian", "stretch", "9"),
    ("debian", "buster", "10"),
    ("debian", "bullseye", "11"),
    ("debian", "bookworm", "12"),
    ("debian", "trixie", "13"),
    ("debian", "forky", "14"),
    ("debian", "duke", "15"),
    ("ubuntu", "trusty", "14.04"),
    ("ubuntu", "xenial", "16.04"),
    ("ubuntu", "bionic", "18.04"),
    ("ubuntu", "disco", "19.04"),
    ("ubuntu", "eoan", "19.10"),
    ("ubuntu", "focal", "20.04"),
    ("ubuntu", "groovy", "20.10"),
    ("ubuntu", "hirsute", "21.04"),
    ("ubuntu", "impish", "21.10"),
    ("ubuntu", "jammy", "22.04"),
    ("ubuntu", "kinetic", "22.10"),
    ("ubuntu", "lunar", "23.04"),
    ("ubuntu", "mantic", "23.10"),
    ("ubuntu", "noble", "24.04"),
    ("ubuntu", "oracular", "24.10"),
    ("ubuntu", "plucky", "25.04"),
    ("ubuntu", "questing", "25.10"),
];

/// The version of the release with this code name.
#[must_use]
pub fn version_of_code_name(id: &str, name: &str) -> Option<&'static str> {
    let found = CODE_NAMES.iter().find(|(of, known, _)| *of == id && *known == name);
    found.map(|(.., version)| *version)
}

impl Release {
    /// The release of a distribution, whatever a tool calls the two.
    #[must_use]
    pub fn named(id: &str, version: &str) -> Self {
        let lower = id.to_ascii_lowercase();
        let known = IDS.iter().find(|(other, _)| *other == lower);
        let id = known.map_or(id, |(_, own)| own);
        // `2 (Karoo)`, `v3.20`.
        let version = version.split_whitespace().next().unwrap_or_default();
        let numeral = version.strip_prefix('v').filter(|rest| starts_with_digit(rest));
        let version = numeral.unwrap_or(version);
        // `trixie/sid` is what will be `trixie`.
        let name = version.split('/').next().unwrap_or(version);
        let version = version_of_code_name(id, name).unwrap_or(version);
        Self { id: id.to_owned(), version: version.to_owned() }
    }

    /// Whether a release is this one, or a minor one of it: `9.2` of `9`.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let rest = other.version.strip_prefix(&self.version);
        self.id == other.id
            && rest.is_some_and(|rest| {
                self.version.is_empty() || rest.is_empty() || rest.starts_with('.')
            })
    }

    /// The release in the qualifier `distro` of a package URL: `debian-12`, `opensuse-leap-15.5`,
    /// `bookworm`, `12` of a package in the namespace `debian`; `None` if nothing says whose
    /// release it is.
    pub(crate) fn of_distro(distro: &str, namespace: &str) -> Option<Self> {
        let distro = distro.trim().replace('+', " ");
        let distro = distro.as_str();
        let is_of = |name: &str, text: &str| text.split('/').next() == Some(name);
        if let Some((id, ..)) = CODE_NAMES.iter().find(|(_, name, _)| is_of(name, distro)) {
            return Some(Self::named(id, distro));
        }
        if starts_with_digit(distro.strip_prefix('v').unwrap_or(distro)) {
            return (!namespace.is_empty()).then(|| Self::named(namespace, distro));
        }
        // A version starts with a digit, or is a code name; a name may contain dashes.
        let at_version = distro.match_indices('-').find(|(at, _)| {
            let rest = distro.get(at + 1..).unwrap_or_default();
            starts_with_digit(rest)
                || rest == "stream"
                || CODE_NAMES.iter().any(|(_, name, _)| is_of(name, rest))
        });
        let (id, version) = match at_version {
            Some((at, _)) => (distro.get(..at)?, distro.get(at + 1..)?),
            None => (distro, ""),
        };
        (!id.is_empty()).then(|| Self::named(id, version))
    }
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
}
