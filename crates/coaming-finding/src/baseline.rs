//! Baselines: recorded findings, so that later runs report only new ones.
//!
//! A baseline is a file that people review: each entry names a rule, an object and a field, how
//! severe the finding was, and the names in its message. A finding is known only if an entry covers
//! it: the same rule at the same field, at least as severe, with no name that the entry does not
//! have. So a worse value in the place of a known one is new, and a finding that shrinks is not.
//! Lines, positions in lists and versions of images may change. No message and no secret is stored.

use std::collections::{BTreeMap, BTreeSet};

use coaming_yaml::Step;
use serde::{Deserialize, Serialize};

use crate::fingerprint::fingerprint;
use crate::{Category, Finding, Severity};

/// Recorded findings, and how many there were of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    entries: BTreeMap<Entry, u32>,
    /// The entries of a file of version 1: fingerprints, which know neither severity nor names.
    fingerprints: BTreeMap<String, u32>,
}

/// Why a baseline file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// The text is not JSON, or does not have the structure of a baseline.
    #[error("not a valid baseline file: {0}")]
    Format(#[from] serde_json::Error),
    /// The file was written by a later version of Coaming.
    #[error("unsupported baseline version {0}")]
    Version(u32),
}

/// A recorded finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Entry {
    file: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    object: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    container: String,
    rule: String,
    severity: String,
    /// The field, with `[]` for a position in a list.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    path: String,
    /// The names in the message.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    names: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    entry: Entry,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    count: u32,
}

fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_one(count: &u32) -> bool {
    *count == 1
}

#[derive(Deserialize)]
struct File<Findings> {
    findings: Findings,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl Baseline {
    /// The baseline of these findings; `file_name` gives the name of a finding's file.
    pub fn of<'f>(
        findings: impl IntoIterator<Item = &'f Finding>,
        file_name: impl Fn(&Finding) -> String,
    ) -> Self {
        let mut entries = BTreeMap::new();
        for finding in findings {
            *entries.entry(Entry::of(finding, file_name(finding))).or_insert(0) += 1;
        }
        Self { entries, fingerprints: BTreeMap::new() }
    }

    /// Reads a baseline file.
    ///
    /// # Errors
    ///
    /// See [`BaselineError`].
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let Version { version } = serde_json::from_str(text)?;
        match version {
            1 => {
                let file: File<BTreeMap<String, u32>> = serde_json::from_str(text)?;
                Ok(Self { entries: BTreeMap::new(), fingerprints: file.findings })
            }
            2 => {
                let file: File<Vec<Line>> = serde_json::from_str(text)?;
                let mut entries = BTreeMap::new();
                for line in file.findings {
                    *entries.entry(line.entry).or_insert(0) += line.count;
                }
                Ok(Self { entries, fingerprints: BTreeMap::new() })
            }
            version => Err(BaselineError::Version(version)),
        }
    }

    /// The file's text: one line for each entry, so that a difference shows what was added.
    #[must_use]
    pub fn to_text(&self) -> String {
        let lines: Vec<String> = self
            .entries
            .iter()
            .map(|(entry, &count)| {
                let line = Line { entry: entry.clone(), count };
                format!("    {}", serde_json::to_string(&line).unwrap_or_default())
            })
            .collect();
        let list = if lines.is_empty() {
            "[]".to_owned()
        } else {
            format!("[\n{}\n  ]", lines.join(",\n"))
        };
        format!("{{\n  \"version\": 2,\n  \"findings\": {list}\n}}\n")
    }

    /// Keeps only new findings: those beyond the recorded number, those that are more severe, and
    /// those with names that were not recorded. Returns how many were known.
    pub fn retain_new(
        &self,
        findings: &mut Vec<Finding>,
        file_name: impl Fn(&Finding) -> String,
    ) -> usize {
        let before = findings.len();
        let mut left = Remaining::of(self);
        // What was recorded exactly is known first: it must not use up an entry that covers more.
        let current: Vec<Entry> =
            findings.iter().map(|finding| Entry::of(finding, file_name(finding))).collect();
        let mut known: Vec<bool> = current.iter().map(|entry| left.take_exact(entry)).collect();
        for ((entry, known), finding) in current.iter().zip(&mut known).zip(findings.iter()) {
            *known = *known
                || left.take_covering(entry)
                || left.take_fingerprint(&fingerprint(finding, &entry.file));
        }
        let mut known = known.into_iter();
        findings.retain(|_| !known.next().unwrap_or_default());
        before - findings.len()
    }
}

/// The entries that no finding has used yet.
struct Remaining<'b> {
    counts: BTreeMap<&'b Entry, u32>,
    by_place: BTreeMap<Place<'b>, Vec<&'b Entry>>,
    fingerprints: BTreeMap<&'b str, u32>,
}

/// What an entry and a finding must have in common: file, object, container, rule and path.
type Place<'b> = (&'b str, &'b str, &'b str, &'b str, &'b str);

impl<'b> Remaining<'b> {
    fn of(baseline: &'b Baseline) -> Self {
        let mut by_place: BTreeMap<_, Vec<&Entry>> = BTreeMap::new();
        for entry in baseline.entries.keys() {
            by_place.entry(entry.place()).or_default().push(entry);
        }
        let fingerprints = baseline.fingerprints.iter();
        Self {
            counts: baseline.entries.iter().map(|(entry, &count)| (entry, count)).collect(),
            by_place,
            fingerprints: fingerprints.map(|(one, &count)| (one.as_str(), count)).collect(),
        }
    }

    fn take_exact(&mut self, entry: &Entry) -> bool {
        take(self.counts.get_mut(entry))
    }

    fn take_covering(&mut self, entry: &Entry) -> bool {
        let known = self.by_place.get(&entry.place()).into_iter().flatten();
        let covering = known.filter(|known| known.covers(entry));
        covering.into_iter().any(|known| take(self.counts.get_mut(*known)))
    }

    fn take_fingerprint(&mut self, fingerprint: &str) -> bool {
        take(self.fingerprints.get_mut(fingerprint))
    }
}

fn take(count: Option<&mut u32>) -> bool {
    match count {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    }
}

impl Entry {
    fn of(finding: &Finding, file: String) -> Self {
        let object = finding.object.as_ref().map(|object| match object.namespace.as_str() {
            "" => format!("{} {}", object.kind, object.name),
            namespace => format!("{} {namespace}/{}", object.kind, object.name),
        });
        Self {
            file,
            object: object.unwrap_or_default(),
            container: finding.container.clone().unwrap_or_default(),
            rule: finding.rule.id.to_string(),
            severity: finding.severity.as_str().to_owned(),
            path: finding.locations.first().map(|at| shape(&at.path)).unwrap_or_default(),
            names: names(finding),
        }
    }

    fn place(&self) -> Place<'_> {
        (&self.file, &self.object, &self.container, &self.rule, &self.path)
    }

    /// Whether a current finding at the same place is no more than this one was.
    fn covers(&self, current: &Self) -> bool {
        rank(&self.severity) >= rank(&current.severity) && current.names.is_subset(&self.names)
    }
}

/// The place of a severity in their order; one that is not known is the lowest.
fn rank(severity: &str) -> Option<Severity> {
    Severity::ALL.into_iter().find(|known| known.as_str() == severity)
}

/// A path without positions in lists: items that are added before do not make a finding new.
fn shape(path: &coaming_yaml::Path) -> String {
    let mut shape = String::new();
    for step in path.steps() {
        match step {
            Step::Index(_) => shape.push_str("[]"),
            Step::Key(key) => {
                if !shape.is_empty() {
                    shape.push('.');
                }
                shape.push_str(key);
            }
        }
    }
    shape
}

/// The names in a message: what is between backticks, numbers such as those of ports, and what is
/// listed in parentheses, such as rights. An image's version is not one of them, as it changes with
/// each release.
fn names(finding: &Finding) -> BTreeSet<String> {
    let has_versions =
        matches!(finding.rule.category, Category::ImageVersion | Category::Vulnerabilities);
    let quoted = finding.message.split('`').skip(1).step_by(2);
    let plain = (!has_versions).then(|| plain_names(&finding.message)).into_iter().flatten();
    quoted
        .chain(plain)
        .map(|name| if has_versions { without_version(name) } else { name })
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Numbers, and the items of lists in parentheses, outside backticks. How many more there are of
/// something says nothing of one.
fn plain_names(message: &str) -> impl Iterator<Item = &str> {
    let outside = message.split('`').step_by(2);
    outside.flat_map(|part| {
        let (before, listed) = part.split_once('(').unwrap_or((part, ""));
        // A clause with quoted names in parentheses does not list anything.
        let listed = listed.split_once(')').map_or("", |(listed, _)| listed).split(", ");
        let words: Vec<&str> = before.split([' ', ',']).collect();
        let is_number = |at: usize, word: &str| {
            word.parse::<u32>().is_ok() && words.get(at + 1).is_none_or(|next| *next != "more")
        };
        let numbers: Vec<&str> = words
            .iter()
            .enumerate()
            .filter(|(at, word)| is_number(*at, word))
            .map(|(_, word)| *word)
            .collect();
        numbers.into_iter().chain(listed.filter(|item| !matches!(*item, "" | "…" | "namespace ")))
    })
}

/// A reference to an image without its tag and digest.
fn without_version(name: &str) -> &str {
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains(['/', ' ']) => repository,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use coaming_yaml::Path;

    use super::*;
    use crate::{Confidence, Lifecycle, Location, ObjectRef, RuleId, RuleMeta};

    static RULE: RuleMeta = RuleMeta {
        id: RuleId::new("added-capabilities"),
        summary: Cow::Borrowed("Capabilities are added"),
        category: Category::SecurityContext,
        severity: Severity::High,
        default: true,
        since: "0.1.0",
        lifecycle: Lifecycle::Stable,
        standards: &[],
        docs: Cow::Borrowed(""),
    };

    static IMAGE: RuleMeta = RuleMeta {
        id: RuleId::new("image-tag"),
        summary: Cow::Borrowed("Image has no version"),
        category: Category::ImageVersion,
        severity: Severity::Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Lifecycle::Stable,
        standards: &[],
        docs: Cow::Borrowed(""),
    };

    fn finding(rule: &'static RuleMeta, index: usize, severity: Severity, what: &str) -> Finding {
        let path = Path::root().join("containers").join(index).join("image");
        Finding {
            rule: rule.into(),
            severity,
            confidence: Confidence::High,
            message: what.to_owned(),
            why: Cow::Borrowed(""),
            help: Cow::Borrowed(""),
            object: Some(ObjectRef {
                api_version: "v1".to_owned(),
                kind: "Pod".to_owned(),
                namespace: "demo".to_owned(),
                name: "p".to_owned(),
            }),
            container: Some("main".to_owned()),
            locations: vec![Location { source: None, path, span: None, label: String::new() }],
            fix: None,
            suppressed: None,
            variants: Vec::new(),
            commit: None,
            verification: None,
            way: None,
        }
    }

    /// How many of `after` are new with a baseline of `before`, written and read again.
    fn new(before: &[Finding], after: &[Finding]) -> usize {
        let name = |_: &Finding| "a.yaml".to_owned();
        let written = Baseline::of(before, name);
        let baseline = Baseline::parse(&written.to_text()).expect("what we write");
        assert_eq!(baseline, written);
        let mut findings = after.to_vec();
        let known = baseline.retain_new(&mut findings, name);
        assert_eq!(known + findings.len(), after.len());
        findings.len()
    }

    #[test]
    fn a_worse_value_in_the_place_of_a_known_one_is_new() {
        let of = |severity, what| finding(&RULE, 0, severity, what);
        let before = [of(Severity::Medium, "adds `NET_ADMIN`")];
        assert_eq!(new(&before, &before), 0);
        assert_eq!(new(&before, &[of(Severity::Critical, "adds `SYS_ADMIN`")]), 1);
        assert_eq!(new(&before, &[of(Severity::Medium, "adds `SYS_ADMIN`")]), 1);
        assert_eq!(new(&before, &[of(Severity::High, "adds `NET_ADMIN`")]), 1);
        assert_eq!(new(&before, &[of(Severity::Medium, "adds `NET_ADMIN` and `SYS_TIME`")]), 1);
    }

    #[test]
    fn what_shrinks_moves_or_is_reworded_is_known() {
        let of = |index, severity, what| finding(&RULE, index, severity, what);
        let before = [of(0, Severity::High, "adds `NET_ADMIN` and `SYS_TIME`")];
        assert_eq!(new(&before, &[of(0, Severity::High, "adds `NET_ADMIN`")]), 0);
        assert_eq!(new(&before, &[of(0, Severity::Low, "adds `NET_ADMIN` and `SYS_TIME`")]), 0);
        assert_eq!(new(&before, &[of(3, Severity::High, "has `SYS_TIME`, `NET_ADMIN`")]), 0);
        let two = [before[0].clone(), before[0].clone()];
        assert_eq!(new(&before, &two), 1);
        assert_eq!(new(&two, &before), 0);
    }

    #[test]
    fn a_new_version_of_an_image_is_known() {
        let of = |what| finding(&IMAGE, 0, Severity::Medium, what);
        let before = [of("`registry:5000/web:1.26` of container `main` moves")];
        assert_eq!(new(&before, &[of("`registry:5000/web:1.27` of container `main` moves")]), 0);
        assert_eq!(new(&before, &[of("`registry:5000/other:1.26` of container `main` moves")]), 1);
    }

    #[test]
    fn exact_entries_are_used_before_larger_ones() {
        let of = |what| finding(&RULE, 0, Severity::High, what);
        let before = [of("adds `A`"), of("adds `A` and `B`")];
        assert_eq!(new(&before, &[of("adds `A` and `B`"), of("adds `A`")]), 0);
        assert_eq!(new(&before, &[of("adds `A`"), of("adds `A`")]), 0);
    }

    #[test]
    fn a_file_of_the_first_version_is_read() {
        let one = finding(&RULE, 0, Severity::High, "adds `A`");
        let text =
            format!("{{\"version\": 1, \"findings\": {{\"{}\": 1}}}}", fingerprint(&one, "a.yaml"));
        let baseline = Baseline::parse(&text).expect("a baseline");
        let mut findings = vec![one.clone(), one];
        assert_eq!(baseline.retain_new(&mut findings, |_| "a.yaml".to_owned()), 1);
        let later = Baseline::parse("{\"version\": 3}");
        assert!(matches!(later, Err(BaselineError::Version(3))));
    }

    #[test]
    fn ports_and_rights_are_names() {
        let of =
            |message: &str| -> Vec<String> { plain_names(message).map(str::to_owned).collect() };
        assert_eq!(of("container `a` opens ports 22 and 8080 on the node"), ["22", "8080"]);
        assert_eq!(
            of("Role `r` lets its holders read every Secret (get secrets, list secrets, …)"),
            ["get secrets", "list secrets"]
        );
        for none in ["Pod `a` reads `/etc` and 4 more paths", "it is root (it has no `USER`)"] {
            assert_eq!(of(none), <[&str; 0]>::default(), "{none}");
        }
    }

    #[test]
    fn a_reviewer_can_read_the_file() {
        let one = finding(&RULE, 0, Severity::High, "adds `NET_ADMIN`");
        let text = Baseline::of([&one, &one], |_| "a.yaml".to_owned()).to_text();
        let line = "    {\"file\":\"a.yaml\",\"object\":\"Pod demo/p\",\"container\":\"main\",\
                    \"rule\":\"added-capabilities\",\"severity\":\"high\",\
                    \"path\":\"containers[].image\",\"names\":[\"NET_ADMIN\"],\"count\":2}";
        assert!(text.contains(line), "{text}");
    }
}
