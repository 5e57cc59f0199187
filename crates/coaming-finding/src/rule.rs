//! The description of a rule: its name, severity, category and documentation.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// The impact of an attack. Ordered: `Low < Critical`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth fixing; useful to an attacker only in combination with something else.
    Low,
    /// Removes a barrier that an attacker would otherwise have to overcome.
    Medium,
    /// Gives an attacker in the container something that should be out of reach.
    High,
    /// Gives an attacker in the container the node or the cluster.
    Critical,
}

impl Severity {
    /// All severities, highest first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    /// The name in configuration and output.
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

/// How certain the rule is about a finding.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A guess from names or shapes.
    Low,
    /// Depends on something unknown, such as the content of the image.
    Medium,
    /// Follows from the input.
    High,
}

impl Confidence {
    /// The name in output.
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
    /// Containers do not run as root.
    NonRoot,
    /// Images have no known vulnerabilities.
    Vulnerabilities,
    /// Images contain as few utilities as possible.
    Utilities,
    /// Images have an immutable version.
    ImageVersion,
    /// Pods have a security context.
    SecurityContext,
    /// Pods reach only what they need.
    NetworkPolicy,
    /// No secret is in plain text.
    Secrets,
    /// The control plane, the nodes and the network plugin do what protects the rest.
    Cluster,
    /// Objects mean what their author intended.
    Schema,
}

impl Category {
    /// All categories, in display order.
    pub const ALL: [Self; 9] = [
        Self::NonRoot,
        Self::Vulnerabilities,
        Self::Utilities,
        Self::ImageVersion,
        Self::SecurityContext,
        Self::NetworkPolicy,
        Self::Secrets,
        Self::Cluster,
        Self::Schema,
    ];

    /// The name in configuration and output.
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
            Self::Cluster => "cluster",
            Self::Schema => "schema",
        }
    }
}

impl Category {
    /// What its rules are there for, as a sentence.
    #[must_use]
    pub fn goal(self) -> &'static str {
        match self {
            Self::NonRoot => "Containers do not run as root.",
            Self::Vulnerabilities => "Images have no known vulnerabilities.",
            Self::Utilities => "Images contain as few utilities as possible.",
            Self::ImageVersion => "Images have an immutable version.",
            Self::SecurityContext => "Pods have a security context.",
            Self::NetworkPolicy => "Pods reach only what they need.",
            Self::Secrets => "No secret is in plain text.",
            Self::Cluster => {
                "The control plane, the nodes and the network plugin protect what runs on them."
            }
            Self::Schema => "Objects mean what their author intended.",
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

/// A rule's name, in kebab case: `run-as-root`.
///
/// Users write it in configuration, in suppressions and after `--select`, so it never changes
/// within a major version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(Cow<'static, str>);

impl RuleId {
    /// The id of a built-in rule.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The id of a user's rule.
    #[must_use]
    pub fn custom(name: &str) -> Self {
        Self(Cow::Owned(name.to_owned()))
    }

    /// The name in configuration and output.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Allows lookups by name in sets of ids. `Hash`, `Eq` and `Ord` are those of the name.
impl Borrow<str> for RuleId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for RuleId {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for RuleId {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl serde::Serialize for RuleId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// How far users may rely on a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lifecycle {
    /// New: it runs only if it is selected, and may change in any release.
    Preview,
    /// Its name does not change; changes in its findings are listed in the change log.
    Stable,
    /// It still runs but will be removed; its page says what replaces it.
    Deprecated,
}

impl Lifecycle {
    /// The name in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Preview => "preview",
            Self::Stable => "stable",
            Self::Deprecated => "deprecated",
        }
    }
}

/// The description of a rule.
#[derive(Clone, Debug)]
pub struct RuleMeta {
    /// Its name.
    pub id: RuleId,
    /// The problem in a few words, without a full stop; the title of its page.
    pub summary: Cow<'static, str>,
    /// The category it belongs to.
    pub category: Category,
    /// The severity of most of its findings; a single finding may differ.
    pub severity: Severity,
    /// Whether it runs without being selected.
    pub default: bool,
    /// The first release with this rule; empty for a user's own.
    pub since: &'static str,
    /// How far users may rely on it.
    pub lifecycle: Lifecycle,
    /// The recommendations of published standards that it checks.
    pub standards: &'static [Standard],
    /// Its documentation in Markdown: the doc comment of its type.
    pub docs: Cow<'static, str>,
}

/// A rule that a finding refers to: built-in, or a user's own.
///
/// A user's rule is dropped with the last reference to it, so that reloading a configuration does
/// not leak memory.
#[derive(Clone, Debug)]
pub enum RuleRef {
    /// A built-in rule.
    BuiltIn(&'static RuleMeta),
    /// A rule from the configuration or a policy file.
    Custom(Arc<RuleMeta>),
}

impl Deref for RuleRef {
    type Target = RuleMeta;

    fn deref(&self) -> &RuleMeta {
        match self {
            Self::BuiltIn(meta) => meta,
            Self::Custom(meta) => meta,
        }
    }
}

impl From<&'static RuleMeta> for RuleRef {
    fn from(meta: &'static RuleMeta) -> Self {
        Self::BuiltIn(meta)
    }
}

impl From<Arc<RuleMeta>> for RuleRef {
    fn from(meta: Arc<RuleMeta>) -> Self {
        Self::Custom(meta)
    }
}
