//! Paths: the position of a value in an object, in the notation of `kubectl explain`.

use std::fmt;

/// One step from a node to its child.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// Into a mapping, by key.
    Key(Box<str>),
    /// Into a sequence, by zero-based index.
    Index(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.into())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// The steps from a document's root to a value: `spec.containers[0].image`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(Vec<Step>);

impl Path {
    /// The path of the root itself.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// The steps, outermost first.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether this is the root's path.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// This path with one more step.
    #[must_use]
    pub fn join(&self, step: impl Into<Step>) -> Self {
        let mut steps = Vec::with_capacity(self.0.len() + 1);
        steps.extend_from_slice(&self.0);
        steps.push(step.into());
        Self(steps)
    }

    /// This path followed by several keys.
    #[must_use]
    pub fn join_keys<'k>(&self, keys: impl IntoIterator<Item = &'k str>) -> Self {
        let mut steps = self.0.clone();
        steps.extend(keys.into_iter().map(Step::from));
        Self(steps)
    }

    /// The path of the value that contains this one; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, rest) = self.0.split_last()?;
        Some(Self(rest.to_vec()))
    }

    /// The last step; `None` for the root.
    #[must_use]
    pub fn last(&self) -> Option<&Step> {
        self.0.last()
    }

    /// Whether `self` is `prefix` or is below it.
    #[must_use]
    pub fn starts_with(&self, prefix: &Self) -> bool {
        self.0.starts_with(&prefix.0)
    }

    /// As a JSON Pointer (RFC 6901): `/spec/containers/0/image`.
    #[must_use]
    pub fn to_json_pointer(&self) -> String {
        let mut out = String::new();
        for step in &self.0 {
            out.push('/');
            match step {
                Step::Key(key) => out.push_str(&key.replace('~', "~0").replace('/', "~1")),
                Step::Index(index) => out.push_str(&index.to_string()),
            }
        }
        out
    }
}

impl From<Vec<Step>> for Path {
    fn from(steps: Vec<Step>) -> Self {
        Self(steps)
    }
}

impl FromIterator<Step> for Path {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        Self(steps.into_iter().collect())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if is_plain(key) => {
                    if position > 0 {
                        f.write_str(".")?;
                    }
                    f.write_str(key)?;
                }
                Step::Key(key) => write!(f, "[{key:?}]")?,
            }
        }
        Ok(())
    }
}

/// Whether a key needs no quotes in a dotted path.
fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_uses_the_usual_notation() {
        let path = Path::root().join("spec").join("containers").join(0).join("image");
        assert_eq!(path.to_string(), "spec.containers[0].image");
        let path = Path::root().join("metadata").join("annotations").join("a.b/c");
        assert_eq!(path.to_string(), "metadata.annotations[\"a.b/c\"]");
        assert_eq!(path.to_json_pointer(), "/metadata/annotations/a.b~1c");
    }

    #[test]
    fn parents_are_prefixes() {
        let spec = Path::root().join("spec");
        assert!(spec.join("x").starts_with(&spec));
        assert!(!spec.starts_with(&spec.join("x")));
        assert_eq!(spec.parent(), Some(Path::root()));
        assert_eq!(Path::root().parent(), None);
    }
}
