//! The user's own rules, in the format of gitleaks.
//!
//! [`parse`] reads a file completely or returns what is wrong with it. A rule has a pattern,
//! keywords of which a text must contain one, the minimum entropy of the secret, paths, and
//! allowlists; a file has allowlists for all its rules. Fields about a Git history (`commits`) have
//! no effect; rules that require other rules are refused.

mod allow;
mod file;
mod pattern;

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex::bytes::Regex;

use crate::{TextKind, randomness};

use allow::{Allowlist, Subject};
pub use file::{RuleFileError, parse};

/// The rules of a file.
#[derive(Debug)]
pub struct RuleFile {
    rules: Vec<Rule>,
    allowlists: Vec<Allowlist>,
    /// The keywords of all rules.
    keywords: Option<AhoCorasick>,
    /// The index of each keyword's rule.
    of_keyword: Vec<usize>,
}

/// One rule.
#[derive(Debug)]
struct Rule {
    id: String,
    description: String,
    regex: Option<Regex>,
    path: Option<Regex>,
    /// The group that is the secret; 0 means the first group that matched, else the whole match.
    group: usize,
    entropy: f64,
    keywords: Vec<String>,
    allowlists: Vec<Allowlist>,
}

/// A match of a rule.
pub(crate) struct Hit<'f> {
    pub(crate) id: &'f str,
    pub(crate) title: &'f str,
    pub(crate) range: Range<usize>,
}

impl RuleFile {
    fn new(rules: Vec<Rule>, allowlists: Vec<Allowlist>) -> Self {
        let mut words = Vec::new();
        let mut of_keyword = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            words.extend(rule.keywords.iter().map(String::as_str));
            of_keyword.extend(rule.keywords.iter().map(|_| index));
        }
        let keywords = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&words)
            .ok();
        Self { rules, allowlists, keywords, of_keyword }
    }

    /// How many rules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are no rules.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What the rules find in a text. A value is read as `name="value"`, as patterns are written
    /// for that.
    pub(crate) fn scan(&self, text: &[u8], kind: TextKind<'_>) -> Vec<Hit<'_>> {
        let TextKind::Value(name) = kind else {
            let path = if let TextKind::File(path) = kind { path } else { "" };
            return self.in_text(text, path);
        };
        let mut line = Vec::with_capacity(name.len() + text.len() + 3);
        line.extend_from_slice(name.as_bytes());
        line.extend_from_slice(b"=\"");
        let offset = line.len();
        line.extend_from_slice(text);
        line.push(b'"');
        let hits = self.in_text(&line, "").into_iter().filter_map(|hit| {
            let start = hit.range.start.max(offset) - offset;
            let end = hit.range.end.saturating_sub(offset).min(text.len());
            (start < end).then_some(Hit { range: start..end, ..hit })
        });
        hits.collect()
    }

    fn in_text(&self, text: &[u8], path: &str) -> Vec<Hit<'_>> {
        let allowed = |list: &Allowlist| list.allows_path(path);
        if self.allowlists.iter().any(|list| list.is_global() && allowed(list)) {
            return Vec::new();
        }
        let mut wanted: Vec<bool> =
            self.rules.iter().map(|rule| rule.keywords.is_empty()).collect();
        for hit in self.keywords.iter().flat_map(|words| words.find_overlapping_iter(text)) {
            let rule = self.of_keyword.get(hit.pattern().as_usize());
            if let Some(wanted) = rule.and_then(|&rule| wanted.get_mut(rule)) {
                *wanted = true;
            }
        }
        let rules = self.rules.iter().zip(wanted).filter(|(_, wanted)| *wanted);
        let mut hits = Vec::new();
        for (rule, _) in rules {
            if rule.path.as_ref().is_some_and(|pattern| !pattern.is_match(path.as_bytes())) {
                continue;
            }
            match &rule.regex {
                Some(regex) => self.matches(rule, regex, text, path, &mut hits),
                // A rule with only a path matches the whole file.
                None if !path.is_empty() => hits.push(rule.hit(0..text.len())),
                None => {}
            }
        }
        without_generic(text, hits)
    }

    fn matches<'f>(
        &'f self,
        rule: &'f Rule,
        regex: &Regex,
        text: &[u8],
        path: &str,
        hits: &mut Vec<Hit<'f>>,
    ) {
        for captures in regex.captures_iter(text) {
            let Some(whole) = captures.get(0) else { continue };
            let secret = if rule.group > 0 {
                captures.get(rule.group)
            } else {
                captures.iter().skip(1).flatten().find(|group| !group.is_empty())
            };
            let secret = secret.unwrap_or(whole);
            if rule.entropy > 0.0 && randomness::entropy(secret.as_bytes()) <= rule.entropy {
                continue;
            }
            let subject = Subject {
                secret: secret.as_bytes(),
                whole: whole.as_bytes(),
                line: line_around(text, whole.range()),
                path,
                rule: &rule.id,
            };
            let lists = rule.allowlists.iter().chain(&self.allowlists);
            if !lists.into_iter().any(|list| list.allows(&subject)) {
                hits.push(rule.hit(secret.range()));
            }
        }
    }
}

/// Drops the hits of generic rules where a specific rule matches the same secret, as gitleaks does.
fn without_generic<'f>(text: &[u8], hits: Vec<Hit<'f>>) -> Vec<Hit<'f>> {
    let is_generic = |hit: &Hit<'_>| hit.id.to_ascii_lowercase().contains("generic");
    if !hits.iter().any(is_generic) {
        return hits;
    }
    let mut known: Vec<Range<usize>> =
        hits.iter().filter(|hit| !is_generic(hit)).map(|hit| hit.range.clone()).collect();
    known.sort_unstable_by_key(|range| range.start);
    let same_line = |a: usize, b: usize| {
        !text.get(a.min(b)..a.max(b)).is_some_and(|between| between.contains(&b'\n'))
    };
    let is_known = |hit: &Hit<'_>| {
        let secret = text.get(hit.range.clone()).unwrap_or_default();
        let start = hit.range.start;
        let first = known.partition_point(|other| other.start + MAX_LINE <= start);
        let near = known.iter().skip(first).take_while(|other| other.start < start + MAX_LINE);
        near.filter(|other| same_line(other.start, start)).any(|other| {
            text.get(other.clone()).is_some_and(|other| crate::pem::find(other, secret).is_some())
        })
    };
    hits.into_iter().filter(|hit| !is_generic(hit) || !is_known(hit)).collect()
}

/// Hits that are farther apart do not count as on one line.
const MAX_LINE: usize = 4 << 10;

impl Rule {
    fn hit(&self, range: Range<usize>) -> Hit<'_> {
        Hit { id: &self.id, title: &self.description, range }
    }
}

/// The lines that a match is in.
fn line_around(text: &[u8], range: Range<usize>) -> &[u8] {
    let before = text.get(..range.start).unwrap_or_default();
    let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let after = text.get(range.end..).unwrap_or_default();
    let length = after.iter().position(|&byte| byte == b'\n').unwrap_or(after.len());
    text.get(start..range.end + length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rules: &str, text: &str, kind: TextKind<'_>) -> Vec<String> {
        let file = parse(rules).unwrap();
        file.scan(text.as_bytes(), kind)
            .into_iter()
            .map(|hit| format!("{} {}", hit.id, text.get(hit.range).unwrap()))
            .collect()
    }

    const RULES: &str = r#"
        [[rules]]
        id = "acme-token"
        description = "Acme token"
        regex = '''acme[_-]?token\s*[=:]\s*["']?([a-z0-9]{12})\b'''
        entropy = 3
        keywords = ["acme"]
        [[rules.allowlists]]
        stopwords = ["test"]
        [[rules.allowlists]]
        condition = "AND"
        regexTarget = "line"
        regexes = ['''# fine''']
        paths = ['''\.md$''']
        [[rules]]
        id = "keystore"
        path = '''\.jks$'''
    "#;

    #[test]
    fn generic_rules_yield_to_specific_ones() {
        let rules = r#"
            [[rules]]
            id = "generic-api-key"
            regex = '''token\s*=\s*([a-z0-9]{12})'''
            [[rules]]
            id = "acme-token"
            regex = '''acme_token\s*=\s*([a-z0-9]{12})'''
        "#;
        let text = "acme_token = q8zr2kx7lm4t\ntoken = q8zr2kx7lm4t\n";
        let hits = found(rules, text, TextKind::Fragment);
        assert_eq!(hits, ["generic-api-key q8zr2kx7lm4t", "acme-token q8zr2kx7lm4t"]);
        assert_eq!(found(rules, &text[..25], TextKind::Fragment), ["acme-token q8zr2kx7lm4t"]);
    }

    #[test]
    fn patterns_keywords_entropy_and_allowlists() {
        let scan = |text: &str| found(RULES, text, TextKind::Fragment);
        assert_eq!(scan("ACME acme_token = q8zr2kx7lm4t"), ["acme-token q8zr2kx7lm4t"]);
        assert!(scan("acme_token = aaaaaaaabbbb").is_empty(), "its entropy is too low");
        assert!(scan("acme_token = q8ztestx7lm4").is_empty(), "it has a stop word");
        let text = "acme_token = q8zr2kx7lm4t # fine";
        assert_eq!(found(RULES, text, TextKind::File("a.txt")).len(), 1);
        assert!(found(RULES, text, TextKind::File("a.md")).is_empty());
        assert_eq!(found(RULES, "x", TextKind::File("a.jks")), ["keystore x"]);
        assert_eq!(found(RULES, "q8zr2kx7lm4t", TextKind::Value("ACME_acme_token")).len(), 1);
    }
}
