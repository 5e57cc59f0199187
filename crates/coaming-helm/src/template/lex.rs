//! Splits the text between `{{` and `}}` into tokens.

use std::rc::Rc;

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
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// A name must be followed by something that cannot be part of one.
    fn terminated(&self, token: Token) -> Result<Token, String> {
        match self.rest().chars().next() {
            None | Some(' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '(' | '=') => {
                Ok(token)
            }
            Some('}') if self.rest().starts_with("}}") => Ok(token),
            Some(c) => Err(format!("bad character {c:?}")),
        }
    }

    fn quoted(&mut self) -> Result<Token, String> {
        let rest = self.rest();
        let mut text = String::new();
        let mut chars = rest.char_indices().skip(1);
        let mut verbatim = true;
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += at + 1;
                    return Ok(Token::Text(text, verbatim));
                }
                '\n' => break,
                '\\' => {
                    verbatim = false;
                    let escape = escape(&mut chars).ok_or("invalid escape in quoted string")?;
                    text.push(escape);
                }
                c => text.push(c),
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
            Some((_, '\\')) => escape(&mut chars),
            Some((_, c)) => Some(c),
            None => None,
        };
        match (value, chars.next()) {
            (Some(c), Some((end, '\''))) => {
                self.at += end + 1;
                Ok(Token::Number(Number::Int(i64::from(u32::from(c)))))
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

/// The character of an escape, after its backslash.
fn escape(chars: &mut impl Iterator<Item = (usize, char)>) -> Option<char> {
    let (_, kind) = chars.next()?;
    let mut code = |first: &str, radix: u32, count: usize| -> Option<char> {
        let mut digits = first.to_owned();
        digits.extend(chars.by_ref().take(count).map(|(_, c)| c));
        char::from_u32(u32::from_str_radix(&digits, radix).ok()?)
    };
    match kind {
        'a' => Some('\u{7}'),
        'b' => Some('\u{8}'),
        'f' => Some('\u{c}'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'v' => Some('\u{b}'),
        '\\' | '"' | '\'' => Some(kind),
        'x' => code("", 16, 2),
        'u' => code("", 16, 4),
        'U' => code("", 16, 8),
        '0'..='7' => code(&kind.to_string(), 8, 2),
        _ => None,
    }
}

/// A number as Go's source code writes it.
fn number(written: &str) -> Option<Number> {
    let unsigned = written.trim_start_matches(['+', '-']);
    let negative = written.starts_with('-');
    if let Some(value) = integer(unsigned) {
        let value = if negative { value.checked_neg()? } else { value };
        return i64::try_from(value).ok().map(Number::Int);
    }
    let digits = unsigned.replace('_', "");
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') || digits.contains(['x', 'X'])
    {
        return None;
    }
    let value: f64 = digits.parse().ok()?;
    let value = if negative { -value } else { value };
    // `1e3` is also an integer, as Go's parser has it, but prints and compares as a float.
    Some(Number::Float(value))
}

/// An integer literal of Go: decimal, hexadecimal, octal or binary.
pub(crate) fn integer(text: &str) -> Option<i128> {
    let lower = text.to_ascii_lowercase();
    let (radix, digits) = if let Some(digits) = lower.strip_prefix("0x") {
        (16, digits)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        (2, digits)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        (8, digits)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    let digits = digits.replace('_', "");
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    i128::from_str_radix(&digits, radix).ok()
}
