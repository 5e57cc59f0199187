//! Writes JSON objects field by field, into memory.
//!
//! Findings come by the thousand, and most of their text needs no escape: that is decided for a whole text
//! at once, where a serializer looks at it byte by byte. What does need escapes is left to one.

use std::io;

/// An object in the making: [`Object::end`] closes it.
pub(super) struct Object<'t> {
    text: &'t mut Vec<u8>,
    is_empty: bool,
}

impl<'t> Object<'t> {
    /// Opens an object behind `text`.
    pub(super) fn begin(text: &'t mut Vec<u8>) -> Self {
        text.push(b'{');
        Self { text, is_empty: true }
    }

    /// A field with a text.
    #[inline]
    pub(super) fn text(&mut self, name: &str, value: &str) -> io::Result<()> {
        push_text(self.field(name), value)
    }

    /// A field with a text, where there is one.
    pub(super) fn some_text(&mut self, name: &str, value: Option<&str>) -> io::Result<()> {
        value.map_or(Ok(()), |value| self.text(name, value))
    }

    /// A field with a number, where there is one.
    pub(super) fn some_number(&mut self, name: &str, value: Option<u32>) -> io::Result<()> {
        let Some(value) = value else { return Ok(()) };
        Ok(serde_json::to_writer(self.field(name), &value)?)
    }

    /// A field that is true or false.
    pub(super) fn boolean(&mut self, name: &str, value: bool) {
        self.field(name).extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// Begins a field, whose value is to be written to what comes back. Names need no escapes.
    #[inline]
    pub(super) fn field(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.is_empty {
            self.text.push(b',');
        }
        self.is_empty = false;
        self.text.push(b'"');
        self.text.extend_from_slice(name.as_bytes());
        self.text.extend_from_slice(b"\":");
        self.text
    }

    /// Closes the object.
    pub(super) fn end(self) {
        self.text.push(b'}');
    }
}

fn push_text(target: &mut Vec<u8>, text: &str) -> io::Result<()> {
    // Without a branch for each byte this takes many at once.
    let needs_escape = |byte: u8| (byte < b' ') | (byte == b'"') | (byte == b'\\');
    if text.bytes().fold(false, |found, byte| found | needs_escape(byte)) {
        return Ok(serde_json::to_writer(target, text)?);
    }
    target.reserve(text.len() + 2);
    target.push(b'"');
    target.extend_from_slice(text.as_bytes());
    target.push(b'"');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_written_as_a_serializer_does() {
        let mut all: String = (0..=0x2ff).filter_map(char::from_u32).collect();
        all += "\u{2028}\u{feff}🦀";
        let each = all.chars().map(String::from);
        for text in each.chain([String::new(), "a".repeat(200), all.clone()]) {
            let mut written = Vec::new();
            push_text(&mut written, &text).unwrap();
            assert_eq!(written, serde_json::to_vec(&text).unwrap(), "{text:?}");
        }
    }

    #[test]
    fn fields_follow_each_other() {
        let mut written = Vec::new();
        let mut object = Object::begin(&mut written);
        object.text("a", "1\n").unwrap();
        object.some_text("b", None).unwrap();
        object.some_number("c", Some(u32::MAX)).unwrap();
        object.some_number("d", None).unwrap();
        object.boolean("e", true);
        Object::begin(object.field("f")).end();
        object.end();
        assert_eq!(written, br#"{"a":"1\n","c":4294967295,"e":true,"f":{}}"#);
    }
}
