//! The wire format of Protocol Buffers, as far as etcd and Kubernetes use it: fields with numbers,
//! lengths and bytes. Nothing here allocates, or descends into nested messages.

/// A field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'b> {
    /// A number of variable length.
    Varint(u64),
    /// Text, bytes or a message.
    Bytes(&'b [u8]),
    /// The first bytes of a value whose end is missing.
    Cut(&'b [u8]),
    /// A number of four or eight bytes; no message that is read here has one.
    Fixed,
}

/// A field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field<'b> {
    pub(super) number: u64,
    pub(super) value: Value<'b>,
}

impl<'b> Field<'b> {
    /// The value if it is bytes, even if its end is missing.
    pub(super) fn bytes(self) -> Option<&'b [u8]> {
        match self.value {
            Value::Bytes(bytes) | Value::Cut(bytes) => Some(bytes),
            Value::Varint(_) | Value::Fixed => None,
        }
    }
}

/// The fields of a message, in order. It ends at the first bytes that are not a field;
/// [`Fields::is_whole`] tells whether that is the end of the message.
#[derive(Clone, Debug)]
pub(super) struct Fields<'b> {
    rest: &'b [u8],
    broken: bool,
}

impl<'b> Fields<'b> {
    pub(super) fn new(message: &'b [u8]) -> Self {
        Self { rest: message, broken: false }
    }

    /// The bytes that have not been read yet.
    pub(super) fn rest(&self) -> &'b [u8] {
        self.rest
    }

    /// After the last field: whether the message ended with it.
    pub(super) fn is_whole(&self) -> bool {
        self.rest.is_empty() && !self.broken
    }

    fn field(&mut self) -> Option<Field<'b>> {
        let (tag, mut rest) = varint(self.rest)?;
        let number = tag >> 3;
        if number == 0 || number > 0x1fff_ffff {
            return None;
        }
        let value = match tag & 7 {
            0 => {
                let (number, after) = varint(rest)?;
                rest = after;
                Value::Varint(number)
            }
            1 => {
                rest = rest.get(8..)?;
                Value::Fixed
            }
            5 => {
                rest = rest.get(4..)?;
                Value::Fixed
            }
            2 => {
                let (length, after) = varint(rest)?;
                match usize::try_from(length).ok().and_then(|length| after.split_at_checked(length))
                {
                    Some((bytes, after)) => {
                        rest = after;
                        Value::Bytes(bytes)
                    }
                    None => {
                        rest = &[];
                        self.broken = true;
                        Value::Cut(after)
                    }
                }
            }
            _ => return None,
        };
        self.rest = rest;
        Some(Field { number, value })
    }
}

impl<'b> Iterator for Fields<'b> {
    type Item = Field<'b>;

    fn next(&mut self) -> Option<Field<'b>> {
        if self.rest.is_empty() || self.broken {
            return None;
        }
        let field = self.field();
        self.broken |= field.is_none();
        field
    }
}

/// A number of variable length, and what follows it; `None` if its end is missing.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    for (position, byte) in bytes.iter().enumerate().take(10) {
        number |= u64::from(byte & 0x7f).checked_shl(7 * u32::try_from(position).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(position + 1..)?));
        }
    }
    None
}

/// The first field of bytes with this number.
pub(super) fn bytes_of(message: &[u8], number: u64) -> Option<&[u8]> {
    Fields::new(message).find(|field| field.number == number)?.bytes()
}

/// The first field with this number, as text; empty where it is absent or not UTF-8.
pub(super) fn text_of(message: &[u8], number: u64) -> &str {
    bytes_of(message, number).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or_default()
}
