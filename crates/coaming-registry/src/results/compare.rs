//! How two lists of vulnerabilities differ.

use std::collections::BTreeSet;

use super::ReportedVulnerability;

/// A vulnerability that we found ourselves.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnVulnerability {
    /// All its IDs: the advisory's own, CVE, GHSA.
    pub ids: Vec<String>,
    /// The package.
    pub package: String,
}

/// What is on both lists, and what is on only one, by CVE ID where there is one; sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Both found these.
    pub both: Vec<String>,
    /// Only we found these, with the packages.
    pub only_ours: Vec<(String, String)>,
    /// Only the registry found these, with the packages.
    pub only_theirs: Vec<(String, String)>,
}

/// Compares by the IDs of the vulnerabilities. Registries disagree on the names of packages (source
/// or binary), but not on those.
#[must_use]
pub fn compare(ours: &[OwnVulnerability], theirs: &[ReportedVulnerability]) -> Comparison {
    let their_ids: BTreeSet<&str> = theirs.iter().map(|theirs| theirs.id.as_str()).collect();
    let our_ids: BTreeSet<&str> =
        ours.iter().flat_map(|ours| ours.ids.iter().map(String::as_str)).collect();
    let mut both = BTreeSet::new();
    let mut only_ours = BTreeSet::new();
    for own in ours {
        match own.ids.iter().find(|id| their_ids.contains(id.as_str())) {
            Some(id) => {
                both.insert(id.clone());
            }
            None => {
                only_ours.insert((best_known_id(&own.ids).to_owned(), own.package.clone()));
            }
        }
    }
    let only_theirs: BTreeSet<(String, String)> = theirs
        .iter()
        .filter(|theirs| !our_ids.contains(theirs.id.as_str()))
        .map(|theirs| (theirs.id.clone(), theirs.package.clone()))
        .collect();
    Comparison {
        both: both.into_iter().collect(),
        only_ours: only_ours.into_iter().collect(),
        only_theirs: only_theirs.into_iter().collect(),
    }
}

/// The CVE ID if there is one, else the first ID.
fn best_known_id(ids: &[String]) -> &str {
    ids.iter().find(|id| id.starts_with("CVE-")).or(ids.first()).map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vulnerabilities_are_compared_by_any_id() {
        let own = |ids: &[&str], package: &str| OwnVulnerability {
            ids: ids.iter().map(ToString::to_string).collect(),
            package: package.to_owned(),
        };
        let their = |id: &str, package: &str| ReportedVulnerability {
            id: id.to_owned(),
            package: package.to_owned(),
            ..ReportedVulnerability::default()
        };
        let ours = [own(&["DSA-1", "CVE-1"], "openssl"), own(&["GHSA-2", "CVE-2"], "lodash")];
        let theirs =
            [their("CVE-1", "libssl3"), their("CVE-3", "zlib1g"), their("CVE-3", "zlib1g")];
        let comparison = compare(&ours, &theirs);
        assert_eq!(comparison.both, ["CVE-1"]);
        assert_eq!(comparison.only_ours, [("CVE-2".to_owned(), "lodash".to_owned())]);
        assert_eq!(comparison.only_theirs, [("CVE-3".to_owned(), "zlib1g".to_owned())]);
    }
}
