//! Baselines: recorded findings, so that later runs report only new ones.
//!
//! A baseline identifies a finding by its fingerprint, which stays the same when lines move, and
//! counts the findings per fingerprint. The file contains no messages and no values.

use std::collections::BTreeMap;

use crate::Finding;
use crate::fingerprint::fingerprint;

/// Fingerprints, and how many findings had them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    counts: BTreeMap<String, u32>,
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

#[derive(serde::Serialize, serde::Deserialize)]
struct File {
    version: u32,
    findings: BTreeMap<String, u32>,
}

impl Baseline {
    /// The baseline of these findings; `file_name` gives the name of a finding's file.
    pub fn of<'f>(
        findings: impl IntoIterator<Item = &'f Finding>,
        file_name: impl Fn(&Finding) -> String,
    ) -> Self {
        let mut counts = BTreeMap::new();
        for finding in findings {
            *counts.entry(fingerprint(finding, &file_name(finding))).or_insert(0) += 1;
        }
        Self { counts }
    }

    /// Reads a baseline file.
    ///
    /// # Errors
    ///
    /// See [`BaselineError`].
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let file: File = serde_json::from_str(text)?;
        if file.version != 1 {
            return Err(BaselineError::Version(file.version));
        }
        Ok(Self { counts: file.findings })
    }

    /// The file's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let file = File { version: 1, findings: self.counts.clone() };
        let text = serde_json::to_string_pretty(&file).unwrap_or_default();
        format!("{text}\n")
    }

    /// Keeps only new findings: per fingerprint, those beyond the recorded number.
    pub fn retain_new(&self, findings: &mut Vec<Finding>, file_name: impl Fn(&Finding) -> String) {
        let mut left = self.counts.clone();
        findings.retain(|finding| match left.get_mut(&fingerprint(finding, &file_name(finding))) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        });
    }
}
