//! Reads a rule file: TOML with `[[rules]]` and allowlists.

use regex::bytes::Regex;
use serde::Deserialize;

use super::allow::{Allowlist, Target};
use super::{Rule, RuleFile, pattern};

/// The maximum number of rules in a file.
const MAX_RULES: usize = 10_000;

/// Why a rule file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RuleFileError {
    /// The text is not TOML, or a field has the wrong type.
    #[error("not a rule file in the format of gitleaks: {0}")]
    Format(#[from] toml::de::Error),
    /// A pattern is not valid.
    #[error("rule `{rule}`: `{field}` is not a valid pattern: {source}")]
    Pattern {
        /// The rule, or `allowlist` for those of the file.
        rule: String,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        source: regex::Error,
    },
    /// A rule has no `id`, or neither `regex` nor `path`.
    #[error("rule {number}, `{rule}`, needs an `id`, and a `regex` or a `path`")]
    Incomplete {
        /// Its position in the file, from 1.
        number: usize,
        /// Its name, if it has one.
        rule: String,
    },
    /// A rule or the file uses a field that is not supported.
    #[error("`{what}` is not supported: {instead}")]
    Unsupported {
        /// The field.
        what: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
    /// There are too many rules.
    #[error("the file has {0} rules, and at most {MAX_RULES} are supported")]
    TooMany(usize),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawFile {
    #[serde(default)]
    rules: Vec<RawRule>,
    allowlist: Option<RawAllowlist>,
    #[serde(default)]
    allowlists: Vec<RawAllowlist>,
    extend: Option<RawExtend>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawExtend {
    path: Option<String>,
    url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRule {
    #[serde(default)]
    id: String,
    #[serde(default)]
    description: String,
    regex: Option<String>,
    path: Option<String>,
    #[serde(default)]
    secret_group: usize,
    #[serde(default)]
    entropy: f64,
    #[serde(default)]
    keywords: Vec<String>,
    allowlist: Option<RawAllowlist>,
    #[serde(default)]
    allowlists: Vec<RawAllowlist>,
    required: Option<toml::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawAllowlist {
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    regexes: Vec<String>,
    regex_target: Option<String>,
    #[serde(default)]
    stopwords: Vec<String>,
    condition: Option<String>,
    #[serde(default)]
    target_rules: Vec<String>,
}

/// Reads a rule file.
///
/// # Errors
///
/// If anything in the file cannot be used, as [`RuleFileError`] says.
pub fn parse(text: &str) -> Result<RuleFile, RuleFileError> {
    let raw: RawFile = toml::from_str(text)?;
    if raw.extend.is_some_and(|extend| extend.path.is_some() || extend.url.is_some()) {
        let instead = "put the rules of both files into one";
        return Err(RuleFileError::Unsupported { what: "extend.path", instead });
    }
    if raw.rules.len() > MAX_RULES {
        return Err(RuleFileError::TooMany(raw.rules.len()));
    }
    let numbered = raw.rules.into_iter().enumerate();
    let rules =
        numbered.map(|(index, rule)| read_rule(index + 1, rule)).collect::<Result<_, _>>()?;
    let allowlists = raw.allowlist.into_iter().chain(raw.allowlists);
    let allowlists =
        allowlists.map(|list| read_allowlist("allowlist", list)).collect::<Result<_, _>>()?;
    Ok(RuleFile::new(rules, allowlists))
}

fn read_rule(number: usize, raw: RawRule) -> Result<Rule, RuleFileError> {
    if raw.id.is_empty() || raw.regex.is_none() && raw.path.is_none() {
        return Err(RuleFileError::Incomplete { number, rule: raw.id });
    }
    if raw.required.is_some() {
        let instead = "write a rule that does not depend on others";
        return Err(RuleFileError::Unsupported { what: "required", instead });
    }
    let one =
        |text: Option<String>, field| text.map(|text| compile(&raw.id, field, &text)).transpose();
    let regex = one(raw.regex, "regex")?;
    let path = one(raw.path, "path")?;
    let lists = raw.allowlist.into_iter().chain(raw.allowlists);
    let allowlists = lists.map(|list| read_allowlist(&raw.id, list)).collect::<Result<_, _>>()?;
    let description =
        if raw.description.is_empty() { raw.id.clone() } else { title(&raw.description) };
    Ok(Rule {
        description,
        regex,
        path,
        group: raw.secret_group,
        entropy: raw.entropy,
        keywords: raw.keywords.into_iter().filter(|word| !word.is_empty()).collect(),
        allowlists,
        id: raw.id,
    })
}

fn read_allowlist(rule: &str, raw: RawAllowlist) -> Result<Allowlist, RuleFileError> {
    let all = |texts: Vec<String>, field| {
        texts.iter().map(|text| compile(rule, field, text)).collect::<Result<Vec<_>, _>>()
    };
    let target = match raw.regex_target.as_deref() {
        Some("match") => Target::Match,
        Some("line") => Target::Line,
        _ => Target::Secret,
    };
    Ok(Allowlist {
        paths: all(raw.paths, "paths")?,
        regexes: all(raw.regexes, "regexes")?,
        target,
        stopwords: raw.stopwords.iter().map(|word| word.to_lowercase()).collect(),
        all: raw
            .condition
            .is_some_and(|condition| matches!(condition.as_str(), "AND" | "and" | "&&")),
        rules: raw.target_rules,
    })
}

fn compile(rule: &str, field: &'static str, text: &str) -> Result<Regex, RuleFileError> {
    pattern::compile(text).map_err(|source| RuleFileError::Pattern {
        rule: rule.to_owned(),
        field,
        source,
    })
}

/// The first sentence of a description, as a title.
fn title(description: &str) -> String {
    let sentence =
        description.split(". ").next().unwrap_or(description).trim().trim_end_matches('.');
    sentence.chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_problem() {
        let message = |text: &str| parse(text).unwrap_err().to_string();
        assert!(message("x = [").contains("not a rule file"));
        assert!(message("[[rules]]\nregex = 'a'").contains("needs an `id`"));
        assert!(message("[[rules]]\nid = 'a'").contains("`regex` or a `path`"));
        assert!(message("[[rules]]\nid = 'a'\nregex = '('").contains("rule `a`: `regex`"));
        assert!(message("[extend]\npath = 'x'").contains("not supported"));
        assert!(parse("title = 'empty'").unwrap().is_empty());
    }

    #[test]
    fn the_default_rules_of_gitleaks_load() {
        let Some(directory) = std::env::var_os("COAMING_DATA") else {
            coaming_test::skip!("the_default_rules_of_gitleaks_load: COAMING_DATA is not set");
            return;
        };
        let path = std::path::Path::new(&directory).join("gitleaks.toml");
        let text = std::fs::read_to_string(path).unwrap();
        let rules = text.lines().filter(|line| line.trim() == "[[rules]]").count();
        assert_eq!(parse(&text).unwrap().len(), rules);
    }
}
