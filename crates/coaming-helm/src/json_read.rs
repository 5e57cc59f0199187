//! Reads JSON as Go's `encoding/json` does: charts print what it says about errors.

use crate::budget::{Budget, MAX_DEPTH};
use crate::origin::Origin;
use crate::value::{Kind, Map, Value};

/// The value of a text.
pub(crate) fn read(value: &Value, budget: &Budget) -> Result<Value, String> {
    let text = value.as_str().unwrap_or_default();
    budget.bytes(text.len() * 4)?;
    let mut reader = Reader { text, at: 0, origin: value.first_origin() };
    let read = reader.value(0)?;
    reader.skip_blanks();
    match reader.peek() {
        Some(byte) => Err(unexpected(byte, "after top-level value")),
        None => Ok(read),
    }
}

/// What is said about a byte that cannot be there.
fn unexpected(byte: u8, place: &str) -> String {
    let shown = match byte {
        b'\'' => "'\\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        byte => {
            let mut shown = String::from("'");
            crate::print::quote_char(char::from(byte), &mut shown);
            shown.push('\'');
            shown
        }
    };
    format!("invalid character {shown} {place}")
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    origin: Origin,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte, which must be there.
    fn next(&mut self) -> Result<u8, String> {
        let byte = self.peek().ok_or_else(|| "unexpected end of JSON input".to_owned())?;
        self.at += 1;
        Ok(byte)
    }

    /// The next byte of what a blank cannot end. Go looks for one behind the end of the text, to end
    /// numbers, and complains of it.
    fn next_inside(&mut self) -> u8 {
        self.next().unwrap_or(b' ')
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The next byte that is not blank.
    fn next_visible(&mut self) -> Result<u8, String> {
        self.skip_blanks();
        self.next()
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        if depth > MAX_DEPTH {
            return Err("exceeded max depth".to_owned());
        }
        let start = self.at;
        let value = match self.next_visible()? {
            b'{' => self.object(depth)?,
            b'[' => self.array(depth)?,
            b'"' => Value::from(self.string()?),
            byte @ (b'-' | b'0'..=b'9') => Value::float(self.number(byte)?),
            b't' => self.literal("true", Value::from(true))?,
            b'f' => self.literal("false", Value::from(false))?,
            b'n' => self.literal("null", Value::from(Kind::Nil))?,
            byte => {
                self.at = start;
                return Err(unexpected(byte, "looking for beginning of value"));
            }
        };
        Ok(value.at(self.origin))
    }

    fn literal(&mut self, name: &str, value: Value) -> Result<Value, String> {
        for expected in name.bytes().skip(1) {
            let byte = self.next_inside();
            if byte != expected {
                let place = format!("in literal {name} (expecting '{}')", char::from(expected));
                return Err(unexpected(byte, &place));
            }
        }
        Ok(value)
    }

    fn object(&mut self, depth: usize) -> Result<Value, String> {
        let mut map = Map::new();
        let mut byte = self.next_visible()?;
        if byte == b'}' {
            return Ok(Value::from(map));
        }
        loop {
            if byte != b'"' {
                return Err(unexpected(byte, "looking for beginning of object key string"));
            }
            let key = self.string()?;
            match self.next_visible()? {
                b':' => {}
                byte => return Err(unexpected(byte, "after object key")),
            }
            let value = self.value(depth + 1)?;
            map.insert(key.into(), value);
            match self.next_visible()? {
                b',' => byte = self.next_visible()?,
                b'}' => return Ok(Value::from(map)),
                byte => return Err(unexpected(byte, "after object key:value pair")),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, String> {
        let mut items = Vec::new();
        self.skip_blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::from(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            match self.next_visible()? {
                b',' => {}
                b']' => return Ok(Value::from(items)),
                byte => return Err(unexpected(byte, "after array element")),
            }
        }
    }

    /// The text up to the closing quote; the opening one is read.
    fn string(&mut self) -> Result<String, String> {
        let mut text = String::new();
        loop {
            let start = self.at;
            while self.peek().is_some_and(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
                self.at += 1;
            }
            text.push_str(self.text.get(start..self.at).unwrap_or_default());
            match self.next()? {
                b'"' => return Ok(text),
                b'\\' => self.escape(&mut text)?,
                byte => return Err(unexpected(byte, "in string literal")),
            }
        }
    }

    fn escape(&mut self, text: &mut String) -> Result<(), String> {
        text.push(match self.next_inside() {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            byte @ (b'"' | b'\\' | b'/') => char::from(byte),
            b'u' => {
                let high = self.hex()?;
                let mut code = high;
                let rest = self.text.get(self.at..).unwrap_or_default();
                if (0xd800..0xdc00).contains(&high) && rest.starts_with("\\u") {
                    let before = self.at;
                    self.at += 2;
                    let low = self.hex()?;
                    if (0xdc00..0xe000).contains(&low) {
                        code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                    } else {
                        self.at = before;
                    }
                }
                char::from_u32(code).unwrap_or('\u{fffd}')
            }
            byte => return Err(unexpected(byte, "in string escape code")),
        });
        Ok(())
    }

    fn hex(&mut self) -> Result<u32, String> {
        let mut code = 0;
        for _ in 0..4 {
            let byte = self.next_inside();
            let digit = char::from(byte).to_digit(16);
            let place = "in \\u hexadecimal character escape";
            code = code * 16 + digit.ok_or_else(|| unexpected(byte, place))?;
        }
        Ok(code)
    }

    fn number(&mut self, first: u8) -> Result<f64, String> {
        let start = self.at - 1;
        let mut digit = first;
        if digit == b'-' {
            digit = self.digit("in numeric literal")?;
        }
        if digit != b'0' {
            self.digits();
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digit("after decimal point in numeric literal")?;
            self.digits();
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digit("in exponent of numeric literal")?;
            self.digits();
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        let number: f64 = text.parse().unwrap_or(f64::INFINITY);
        if number.is_finite() {
            return Ok(number);
        }
        Err(format!("json: cannot unmarshal number {text} into Go value of type float64"))
    }

    fn digit(&mut self, place: &str) -> Result<u8, String> {
        let byte = self.next_inside();
        if byte.is_ascii_digit() { Ok(byte) } else { Err(unexpected(byte, place)) }
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }
}
