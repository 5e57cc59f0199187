//! Answers that name objects of the input, such as lists of connections.

use std::io::{self, Write};

use super::message::masked_names;

/// Writes text line by line, without the secrets that names in it are.
///
/// A name of an object is not secret, but an input may have a secret in its place.
#[derive(Debug)]
pub struct MaskedWriter<W: Write> {
    out: W,
    line: Vec<u8>,
}

impl<W: Write> MaskedWriter<W> {
    /// Writes to `out`; call [`Self::finish`] at the end.
    pub fn new(out: W) -> Self {
        Self { out, line: Vec::new() }
    }

    /// Writes what follows the last line break.
    ///
    /// # Errors
    ///
    /// What writing to the inner writer gives.
    pub fn finish(mut self) -> io::Result<()> {
        self.write_line()
    }

    fn write_line(&mut self) -> io::Result<()> {
        match std::str::from_utf8(&self.line) {
            Ok(line) => self.out.write_all(masked_names(line).as_bytes())?,
            Err(_) => self.out.write_all(&self.line)?,
        }
        self.line.clear();
        Ok(())
    }
}

impl<W: Write> Write for MaskedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end + 1);
            self.line.extend_from_slice(line);
            self.write_line()?;
            rest = after;
        }
        self.line.extend_from_slice(rest);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_secrets_are_masked() {
        let mut out = Vec::new();
        let mut writer = MaskedWriter::new(&mut out);
        for part in ["shop/tundra!91", "3Q → shop/db\nhttps://app:walnut@db/x → ", "b"] {
            writer.write_all(part.as_bytes()).unwrap();
        }
        writer.finish().unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "*** → shop/db\nhttps://***@db/x → b");
    }
}
