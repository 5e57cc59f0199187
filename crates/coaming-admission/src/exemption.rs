//! Exemptions, compiled: which findings somebody has accepted, and until when.

use coaming_finding::Finding;
use globset::{Glob, GlobSet, GlobSetBuilder};
use time::Date;

use crate::policy::{self, Exemption, PolicyError};

/// An exemption that is ready to use.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    rules: Vec<String>,
    objects: Option<GlobSet>,
    namespaces: Option<GlobSet>,
    /// Why.
    pub(crate) reason: String,
    expires: Date,
}

/// What exemptions say about a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is accepted, for this reason.
    Accepted(String),
    /// It was accepted until this day.
    Expired(Date),
    /// No exemption is about it.
    None,
}

impl Compiled {
    /// Compiles an exemption. `field` is where it is in the policy.
    pub(crate) fn new(
        exemption: &Exemption,
        field: &str,
        known: &dyn Fn(&str) -> bool,
    ) -> Result<Self, PolicyError> {
        policy::check_rules(&exemption.rules, &format!("{field}.rules"), known)?;
        if exemption.reason.trim().is_empty() {
            return Err(PolicyError::invalid(
                format!("{field}.reason"),
                "say why the findings are acceptable",
            ));
        }
        let expires = coaming_config::parse_date(&exemption.expires).map_err(|error| {
            PolicyError::invalid(format!("{field}.expires"), format!("{error}"))
        })?;
        check_objects(&exemption.objects, &format!("{field}.objects"))?;
        Ok(Self {
            rules: exemption.rules.clone(),
            objects: globs(&exemption.objects, &format!("{field}.objects"))?,
            namespaces: globs(&exemption.namespaces, &format!("{field}.namespaces"))?,
            reason: exemption.reason.clone(),
            expires,
        })
    }

    fn covers(&self, finding: &Finding, namespace: &str, kind: &str, name: &str) -> bool {
        let is_in = |globs: &Option<GlobSet>, texts: &[&str]| {
            globs.as_ref().is_none_or(|globs| texts.iter().any(|text| globs.is_match(text)))
        };
        self.rules.iter().any(|rule| coaming_config::names(rule, &finding.rule))
            && is_in(&self.namespaces, &[namespace])
            && is_in(&self.objects, &[name, &format!("{kind}/{name}")])
    }
}

/// What `exemptions` say about a finding on this day. Without a date, none expires.
pub(crate) fn answer(
    exemptions: &[Compiled],
    finding: &Finding,
    (namespace, kind, name): (&str, &str, &str),
    today: Option<Date>,
) -> Answer {
    let mut answer = Answer::None;
    for exemption in exemptions {
        if !exemption.covers(finding, namespace, kind, name) {
            continue;
        }
        if today.is_none_or(|today| today <= exemption.expires) {
            return Answer::Accepted(exemption.reason.clone());
        }
        answer = Answer::Expired(exemption.expires);
    }
    answer
}

/// Fails at a pattern that no object matches.
fn check_objects(patterns: &[String], field: &str) -> Result<(), PolicyError> {
    for pattern in patterns.iter().filter(|pattern| !pattern.contains("**")) {
        let Some((kind, name)) = pattern.split_once('/') else { continue };
        let reason = if name.contains('/') {
            "write `name` or `Kind/name`; namespaces are in `namespaces`"
        } else if kind.starts_with(|first: char| first.is_ascii_lowercase()) {
            "write the kind as in manifests, such as `Deployment`"
        } else {
            continue;
        };
        return Err(PolicyError::invalid(field, format!("`{pattern}`: {reason}")));
    }
    Ok(())
}

/// The patterns; `None` if there are none, which means everything.
fn globs(patterns: &[String], field: &str) -> Result<Option<GlobSet>, PolicyError> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let invalid = |error: globset::Error| PolicyError::invalid(field, error.to_string());
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(Glob::new(pattern).map_err(invalid)?);
    }
    set.build().map(Some).map_err(invalid)
}
