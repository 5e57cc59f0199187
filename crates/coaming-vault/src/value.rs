//! The values of secrets in memory: zeroed when they are dropped, and never shown.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

/// The value of a secret. `Debug` hides it, and there is no `Display`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Value(Zeroizing<Vec<u8>>);

/// The fields of a secret, by their names.
pub type Fields = BTreeMap<String, Value>;

impl Value {
    /// Takes over a value.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The value itself. The caller is responsible for what becomes of it.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The value as text, if it is UTF-8.
    #[must_use]
    pub fn expose_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The value without spaces and line ends around it, as programs read it from a file.
    #[must_use]
    pub fn trimmed(&self) -> Self {
        Self::new(self.0.trim_ascii().to_vec())
    }

    /// Its length, in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value(…)")
    }
}

/// A value on its way into a request's body. Only there may it be serialized.
pub(crate) struct Exposed<'v>(pub(crate) &'v Value);

impl Serialize for Exposed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.expose_text() {
            Some(text) => serializer.serialize_str(text),
            None => Err(serde::ser::Error::custom("it is not text")),
        }
    }
}

/// The fields of a secret on their way into a body.
pub(crate) fn exposed(fields: &Fields) -> BTreeMap<&str, Exposed<'_>> {
    fields.iter().map(|(name, value)| (name.as_str(), Exposed(value))).collect()
}

/// A buffer that grows without leaving copies behind.
#[derive(Default)]
pub(crate) struct Buffer(Zeroizing<Vec<u8>>);

impl Buffer {
    /// An empty buffer for this many bytes.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(bytes)))
    }

    /// Adds bytes. `Vec` would move to a larger allocation, and leave its contents in the old one.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let needed = self.0.len() + bytes.len();
        if needed > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(1024) * 2));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }

    /// What is in it.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The buffer as a value.
    pub(crate) fn into_value(self) -> Value {
        Value(self.0)
    }

    /// Serializes a request's body.
    pub(crate) fn json(body: &impl Serialize) -> Result<Self, serde_json::Error> {
        let mut buffer = Self::with_capacity(1024);
        serde_json::to_writer(&mut buffer, body)?;
        Ok(buffer)
    }
}

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_never_shown() {
        let value = Value::new(b"planted-value-1".to_vec());
        let fields = Fields::from([("password".to_owned(), value.clone())]);
        for text in [format!("{value:?}"), format!("{fields:#?}")] {
            assert!(!text.contains("planted"), "{text}");
        }
    }

    #[test]
    fn a_buffer_holds_what_was_added() {
        let mut buffer = Buffer::default();
        let mut expected = Vec::new();
        for part in 0..200_u8 {
            let bytes = vec![part; usize::from(part) * 7];
            buffer.push(&bytes);
            expected.extend(bytes);
        }
        assert_eq!(buffer.as_bytes(), expected);
        assert_eq!(buffer.into_value().expose(), expected);
    }
}
