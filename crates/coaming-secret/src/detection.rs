//! What was found, and where it was looked for.

use std::borrow::Cow;
use std::ops::Range;

use coaming_finding::Confidence;

use crate::Fingerprint;

/// A credential in a text: what it is and where, never its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detection {
    /// What it is, in kebab case: `github-personal-access-token`.
    pub kind: Cow<'static, str>,
    /// What it is, for people: `GitHub personal access token`.
    pub title: Cow<'static, str>,
    /// The bytes of the value in the scanned text; on character boundaries if that is UTF-8.
    pub range: Range<usize>,
    /// How sure it is that this is a credential.
    pub confidence: Confidence,
    /// Tells the same credential in two places from two credentials; see [`Fingerprint`].
    pub fingerprint: Fingerprint,
}

/// Where a text comes from: a name says what a value is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Origin<'a> {
    /// A text on its own: log, script, part of a file.
    #[default]
    Text,
    /// A whole file, by its path with `/` between the parts.
    File(&'a str),
    /// The value of what has this name: an environment variable, a key, a label.
    Value(&'a str),
}
