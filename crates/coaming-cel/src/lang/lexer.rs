//! Tokens.

use std::sync::Arc;

use super::value::Value;
use super::{Mistake, Str};

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    Name(Str),
    /// A name in backticks, allowed after a dot only.
    Escaped(Str),
    Literal(Literal),
    Symbol(&'static str),
    End,
}

/// A literal; the sign of a number is a token of its own.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    /// An integer without its sign, up to the magnitude of the lowest one.
    Int(u64),
    Uint(u64),
    Double(f64),
    String(Str),
    Bytes(Arc<[u8]>),
}

impl Literal {
    /// The value; an error for an integer that is too large.
    pub(crate) fn value(self, negative: bool) -> Option<Value> {
        Some(match self {
            Self::Int(magnitude) => Value::Int(if negative {
                0i64.checked_sub_unsigned(magnitude)?
            } else {
                i64::try_from(magnitude).ok()?
            }),
            Self::Uint(_) if negative => return None,
            Self::Uint(number) => Value::Uint(number),
            Self::Double(number) => Value::Double(if negative { -number } else { number }),
            Self::String(text) => Value::String(text),
            Self::Bytes(bytes) => Value::Bytes(bytes),
        })
    }
}

const SYMBOLS: &[&str] = &[
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "(", ")", "[", "]", "{", "}", ".", ",", "-", "+",
    "*", "/", "%", "!", "?", ":",
];

/// The tokens of a text with their offsets; the last one is the end.
pub(crate) fn tokens(text: &str) -> Result<Vec<(u32, Token)>, Mistake> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_space();
        let at = u32::try_from(lexer.at).unwrap_or(u32::MAX);
        let token = lexer.token().map_err(|message| Mistake { at, message })?;
        let is_end = token == Token::End;
        tokens.push((at, token));
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    fn take_while(&mut self, accepts: impl Fn(u8) -> bool) -> &'t str {
        let rest = self.rest();
        let length = rest.bytes().position(|byte| !accepts(byte)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        loop {
            self.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0c));
            if !self.rest().starts_with("//") {
                return;
            }
            self.take_while(|byte| byte != b'\n');
        }
    }

    fn token(&mut self) -> Result<Token, String> {
        let first = self.byte(0);
        if self.at >= self.text.len() {
            return Ok(Token::End);
        }
        if let Some(literal) = self.text_literal()? {
            return Ok(Token::Literal(literal));
        }
        if first.is_ascii_alphabetic() || first == b'_' {
            let name = self.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            return Ok(Token::Name(name.into()));
        }
        if first == b'`' {
            self.at += 1;
            let accepts = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-/ ".contains(&byte);
            let name = self.take_while(accepts);
            if name.is_empty() || self.byte(0) != b'`' {
                return Err("Syntax error: token recognition error at: '`'".to_owned());
            }
            self.at += 1;
            return Ok(Token::Escaped(name.into()));
        }
        if first.is_ascii_digit() || (first == b'.' && self.byte(1).is_ascii_digit()) {
            return self.number().map(Token::Literal);
        }
        let symbol = SYMBOLS.iter().find(|symbol| self.rest().starts_with(**symbol));
        let Some(symbol) = symbol else {
            let odd: String = self.rest().chars().take(1).collect();
            return Err(format!("Syntax error: token recognition error at: '{odd}'"));
        };
        self.at += symbol.len();
        Ok(Token::Symbol(symbol))
    }

    fn number(&mut self) -> Result<Literal, String> {
        let start = self.at;
        if self.byte(0) == b'0' && self.byte(1) == b'x' && self.byte(2).is_ascii_hexdigit() {
            self.at += 2;
            let digits = self.take_while(|byte| byte.is_ascii_hexdigit());
            let number = u64::from_str_radix(digits, 16);
            return self.whole(number.ok());
        }
        self.take_while(|byte| byte.is_ascii_digit());
        let mut is_double = false;
        if self.byte(0) == b'.' && self.byte(1).is_ascii_digit() {
            is_double = true;
            self.at += 1;
            self.take_while(|byte| byte.is_ascii_digit());
        }
        let sign = usize::from(matches!(self.byte(1), b'+' | b'-'));
        if matches!(self.byte(0), b'e' | b'E') && self.byte(1 + sign).is_ascii_digit() {
            is_double = true;
            self.at += 1 + sign;
            self.take_while(|byte| byte.is_ascii_digit());
        }
        let digits = self.text.get(start..self.at).unwrap_or_default();
        if is_double {
            return match digits.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Literal::Double(number)),
                _ => Err("invalid double literal".to_owned()),
            };
        }
        let number = digits.parse();
        self.whole(number.ok())
    }

    /// An integer, unsigned with the suffix `u`.
    fn whole(&mut self, number: Option<u64>) -> Result<Literal, String> {
        let is_unsigned = matches!(self.byte(0), b'u' | b'U');
        self.at += usize::from(is_unsigned);
        match number {
            Some(number) if is_unsigned => Ok(Literal::Uint(number)),
            None if is_unsigned => Err("invalid uint literal".to_owned()),
            Some(number) if number <= 1 << 63 => Ok(Literal::Int(number)),
            _ => Err("invalid int literal".to_owned()),
        }
    }

    /// A text or bytes, if there are any here.
    fn text_literal(&mut self) -> Result<Option<Literal>, String> {
        let mut prefix = 0;
        let is_bytes = matches!(self.byte(prefix), b'b' | b'B');
        prefix += usize::from(is_bytes);
        let is_raw = matches!(self.byte(prefix), b'r' | b'R');
        prefix += usize::from(is_raw);
        let quote = self.byte(prefix);
        if quote != b'\'' && quote != b'"' {
            return Ok(None);
        }
        let is_triple = self.byte(prefix + 1) == quote && self.byte(prefix + 2) == quote;
        self.at += prefix + if is_triple { 3 } else { 1 };
        let mut out = Vec::new();
        loop {
            let byte = self.byte(0);
            let ends =
                byte == quote && (!is_triple || (self.byte(1) == quote && self.byte(2) == quote));
            if ends {
                self.at += if is_triple { 3 } else { 1 };
                break;
            }
            let is_broken = !is_triple && matches!(byte, b'\n' | b'\r');
            if self.at >= self.text.len() || is_broken {
                return Err("Syntax error: unterminated string".to_owned());
            }
            if byte != b'\\' {
                out.push(byte);
                self.at += 1;
            } else if is_raw {
                // A backslash still keeps the quote after it from being the end.
                out.push(byte);
                self.at += 1;
                if self.byte(0) == quote || self.byte(0) == b'\\' {
                    out.push(self.byte(0));
                    self.at += 1;
                }
            } else {
                self.at += 1;
                self.escape(is_bytes, &mut out)?;
            }
        }
        if is_bytes {
            return Ok(Some(Literal::Bytes(out.into())));
        }
        let text = String::from_utf8(out).map_err(|_| "invalid text".to_owned())?;
        Ok(Some(Literal::String(text.into())))
    }

    /// What follows a backslash.
    fn escape(&mut self, is_bytes: bool, out: &mut Vec<u8>) -> Result<(), String> {
        let invalid = || "Syntax error: invalid escape sequence".to_owned();
        let letter = self.byte(0);
        self.at += 1;
        let digits = match letter {
            b'x' | b'X' => 2,
            b'u' => 4,
            b'U' => 8,
            b'0'..=b'3' => 3,
            _ => {
                out.push(match letter {
                    b'a' => 7,
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'v' => 11,
                    b'\\' | b'\'' | b'"' | b'`' | b'?' => letter,
                    _ => return Err(invalid()),
                });
                return Ok(());
            }
        };
        let radix = if digits == 3 { 8 } else { 16 };
        self.at -= usize::from(digits == 3);
        let code = self.rest().get(..digits).ok_or_else(invalid)?;
        let is_number = code.bytes().all(|byte| byte.is_ascii_hexdigit());
        let code = u32::from_str_radix(code, radix).ok().filter(|_| is_number);
        let code = code.ok_or_else(invalid)?;
        self.at += digits;
        if is_bytes {
            if digits == 4 || digits == 8 {
                return Err(invalid());
            }
            out.push(u8::try_from(code).map_err(|_| invalid())?);
            return Ok(());
        }
        let character = char::from_u32(code).ok_or_else(invalid)?;
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }
}
