//! What the detector finds, and the kinds of text that it scans.

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
    /// Equal for equal credentials; see [`Fingerprint`].
    pub fingerprint: Fingerprint,
}

impl Detection {
    /// Whether the detection and this range have bytes in common.
    pub(crate) fn overlaps(&self, range: &Range<usize>) -> bool {
        self.range.start < range.end && self.range.end > range.start
    }
}

/// What a text is: the name of a value or file helps to recognize a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum TextKind<'a> {
    /// A text without a name: a log, a script, a part of a file.
    #[default]
    Fragment,
    /// A whole file, by its path with `/` as the separator.
    File(&'a str),
    /// The value of a variable, key or label with this name.
    Value(&'a str),
}
