//! What a rule says of itself.

use std::fmt;

/// How bad it is if an attacker uses it. Ordered: `Low < Critical`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth doing; helps an attacker only together with something else.
    Low,
    /// Removes a barrier that an attacker would have to get over.
    Medium,
    /// Gives an attacker in the container something that should be out of reach.
    High,
    /// Gives an attacker in the container the node or the cluster.
    Critical,
}

impl Severity {
    /// All, worst first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    /// As it is written in configuration and output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How sure the rule is that it is so.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A guess from names or shapes.
    Low,
    /// Depends on something that is not at hand, such as the image.
    Medium,
    /// Follows from what is at hand.
    High,
}

impl Confidence {
    /// As it is written in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// The area of security that a rule serves.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Containers don't run as root.
    NonRoot,
    /// Images have no known vulnerabilities.
    Vulnerabilities,
    /// Images hold as few utilities as possible.
    Utilities,
    /// Images have a version that stays what it was.
    ImageVersion,
    /// Pods have a security context.
    SecurityContext,
    /// Pods reach only what they need.
    NetworkPolicy,
    /// Secrets are out of plain text.
    Secrets,
    /// Objects say what their author meant.
    Schema,
}

impl Category {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 8] = [
        Self::NonRoot,
        Self::Vulnerabilities,
        Self::Utilities,
        Self::ImageVersion,
        Self::SecurityContext,
        Self::NetworkPolicy,
        Self::Secrets,
        Self::Schema,
    ];

    /// As it is written in configuration and output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NonRoot => "non-root",
            Self::Vulnerabilities => "vulnerabilities",
            Self::Utilities => "utilities",
            Self::ImageVersion => "image-version",
            Self::SecurityContext => "security-context",
            Self::NetworkPolicy => "network-policy",
            Self::Secrets => "secrets",
            Self::Schema => "schema",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A recommendation of a published standard that a rule checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standard {
    /// Pod Security Standards, `baseline`: the name of the control.
    PssBaseline(&'static str),
    /// Pod Security Standards, `restricted`: the name of the control.
    PssRestricted(&'static str),
    /// CIS Kubernetes Benchmark: the number of the recommendation.
    Cis(&'static str),
    /// NSA/CISA Kubernetes Hardening Guide: the name of the section.
    Nsa(&'static str),
    /// MITRE ATT&CK: the technique's id.
    Attack(&'static str),
}

impl fmt::Display for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PssBaseline(control) => write!(f, "PSS baseline: {control}"),
            Self::PssRestricted(control) => write!(f, "PSS restricted: {control}"),
            Self::Cis(number) => write!(f, "CIS {number}"),
            Self::Nsa(section) => write!(f, "NSA: {section}"),
            Self::Attack(technique) => write!(f, "ATT&CK {technique}"),
        }
    }
}

/// What a rule says of itself; one constant a rule.
#[derive(Clone, Copy, Debug)]
pub struct RuleMeta {
    /// The name users write, in kebab case: `run-as-root`.
    pub name: &'static str,
    /// What it is about in a few words, without a full stop: the title of its page.
    pub summary: &'static str,
    /// The category it serves.
    pub category: Category,
    /// The severity of most of its findings; a single finding may differ.
    pub severity: Severity,
    /// Whether it runs without being selected.
    pub default: bool,
    /// What it checks of published standards.
    pub standards: &'static [Standard],
    /// Its documentation in Markdown: the doc comment of its type.
    pub docs: &'static str,
}
