//! Splits the text between `{{` and `}}` into tokens.

use std::rc::Rc;

use crate::bytes;

/// A token of an action, with its offset in the template.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A word: a function, a keyword.
    Word(Rc<str>),
    /// `.name`.
    Field(Rc<str>),
    /// `$` or `$name`.
    Variable(Rc<str>),
    Dot,
    Text(String, bool),
    Number(Number),
    Open,
    Close,
    Pipe,
    Comma,
    Declare,
    Assign,
    Space,
    /// `}}`, and whether white space after it is removed.
    End(bool),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Int(i64),
    Float(f64),
}

/// A cursor on the template's text.
pub(super) struct Lexer<'t> {
    pub(super) text: &'t str,
    pub(super) at: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Result<Token, String> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Err("unclosed action".to_owned()) };
        if rest.starts_with("}}") {
            self.at += 2;
            return Ok(Token::End(false));
        }
        let spaces = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
        if spaces > 0 {
            if rest.get(spaces..).is_some_and(|after| after.starts_with("-}}")) {
                self.at += spaces + 3;
                return Ok(Token::End(true));
            }
            self.at += spaces;
            return Ok(Token::Space);
        }
        let simple = match first {
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            '|' => Some(Token::Pipe),
            ',' => Some(Token::Comma),
            '=' => Some(Token::Assign),
            _ => None,
        };
        if let Some(token) = simple {
            self.at += 1;
            return Ok(token);
        }
        match first {
            ':' if rest.starts_with(":=") => {
                self.at += 2;
                Ok(Token::Declare)
            }
            '"' => self.quoted(),
            '`' => self.raw(),
            '\'' => self.character(),
            '$' => {
                self.at += 1;
                let length = 1 + self.word().len();
                let name = rest.get(..length).unwrap_or_default();
                self.terminated(Token::Variable(name.into()))
            }
            '.' if !rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                self.at += 1;
                let name = self.word();
                if name.is_empty() {
                    return self.terminated(Token::Dot);
                }
                self.terminated(Token::Field(name.into()))
            }
            '0'..='9' | '+' | '-' | '.' => self.number(),
            c if c.is_alphanumeric() || c == '_' => {
                let word = self.word();
                self.terminated(Token::Word(word.into()))
            }
            c => Err(format!("unexpected {c:?} in command")),
        }
    }

    fn word(&mut self) -> &'t str {
        let rest = self.rest();
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let bytes = rest.as_bytes();
        let mut end = bytes.iter().position(|byte| !is_part(byte)).unwrap_or(bytes.len());
        // Most names are ASCII, which takes no decoding.
        if bytes.get(end).is_some_and(|byte| !byte.is_ascii()) {
            end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        }
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// A name must be followed by something that cannot be part of one.
    fn terminated(&self, token: Token) -> Result<Token, String> {
        match self.rest().chars().next() {
            None | Some(' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '(') => Ok(token),
            Some('}') if self.rest().starts_with("}}") => Ok(token),
            Some(c) => Err(format!("bad character {c:?}")),
        }
    }

    fn quoted(&mut self) -> Result<Token, String> {
        let rest = self.rest();
        let mut content = Vec::new();
        let mut chars = rest.char_indices().skip(1);
        let mut verbatim = true;
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += at + 1;
                    return Ok(Token::Text(bytes::to_text(&content), verbatim));
                }
                '\n' => break,
                '\\' => {
                    verbatim = false;
                    match escape(&mut chars, '"').ok_or("invalid escape in quoted string")? {
                        Escape::Char(c) => push(c, &mut content),
                        Escape::Byte(byte) => content.push(byte),
                    }
                }
                c => push(c, &mut content),
            }
        }
        Err("unterminated quoted string".to_owned())
    }

    fn raw(&mut self) -> Result<Token, String> {
        let rest = self.rest();
        let Some(end) = rest[1..].find('`') else {
            return Err("unterminated raw quoted string".to_owned());
        };
        let written = &rest[1..=end];
        let text = written.replace('\r', "");
        let verbatim = text.len() == written.len();
        self.at += end + 2;
        Ok(Token::Text(text, verbatim))
    }

    fn character(&mut self) -> Result<Token, String> {
        let mut chars = self.rest().char_indices().skip(1);
        let value = match chars.next() {
            Some((_, '\\')) => escape(&mut chars, '\'').map(|escape| match escape {
                Escape::Char(c) => u32::from(c),
                Escape::Byte(byte) => u32::from(byte),
            }),
            Some((_, '\'' | '\n')) | None => None,
            Some((_, c)) => Some(u32::from(c)),
        };
        match (value, chars.next()) {
            (Some(code), Some((end, '\''))) => {
                self.at += end + 1;
                Ok(Token::Number(Number::Int(i64::from(code))))
            }
            _ => Err("malformed character constant".to_owned()),
        }
    }

    fn number(&mut self) -> Result<Token, String> {
        let rest = self.rest();
        let mut previous = ' ';
        let end = rest
            .find(|c: char| {
                let sign = (c == '+' || c == '-')
                    && (previous == ' ' || matches!(previous, 'e' | 'E' | 'p' | 'P'));
                previous = c;
                !(c.is_ascii_alphanumeric() || c == '.' || c == '_' || sign)
            })
            .unwrap_or(rest.len());
        let written = rest.get(..end).unwrap_or_default();
        let number = number(written).ok_or_else(|| format!("bad number syntax: {written:?}"))?;
        self.at += end;
        Ok(Token::Number(number))
    }
}

/// What an escape is: a byte (`\xff`, `\377`), which need not be a character.
enum Escape {
    Char(char),
    Byte(u8),
}

fn push(c: char, content: &mut Vec<u8>) {
    content.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// The meaning of an escape between these quotes, after its backslash.
fn escape(chars: &mut impl Iterator<Item = (usize, char)>, quote: char) -> Option<Escape> {
    let (_, kind) = chars.next()?;
    let mut code = |first: &str, radix: u32, count: usize| -> Option<u32> {
        let mut digits = first.to_owned();
        digits.extend(chars.by_ref().take(count).map(|(_, c)| c));
        let is_whole = digits.chars().all(|digit| digit.is_digit(radix));
        if is_whole { u32::from_str_radix(&digits, radix).ok() } else { None }
    };
    let byte = |code: u32| u8::try_from(code).ok().map(Escape::Byte);
    let c = match kind {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '\\' => kind,
        _ if kind == quote => kind,
        'x' => return byte(code("", 16, 2)?),
        'u' => char::from_u32(code("", 16, 4)?)?,
        'U' => char::from_u32(code("", 16, 8)?)?,
        '0'..='7' => return byte(code(&kind.to_string(), 8, 2)?),
        _ => return None,
    };
    Some(Escape::Char(c))
}

/// A number as Go's source code writes it.
fn number(written: &str) -> Option<Number> {
    if let Some(value) = crate::number::integer(written) {
        return i64::try_from(value).ok().map(Number::Int);
    }
    // What looks like an integer is one that is too large.
    let value =
        crate::number::float(written).filter(|_| written.contains(['.', 'e', 'E', 'p', 'P']));
    // `1e3` is also an integer, as Go's parser has it, but prints and compares as a float.
    value.filter(|value| value.is_finite()).map(Number::Float)
}
