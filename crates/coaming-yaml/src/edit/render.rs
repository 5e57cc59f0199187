//! Values as text, in the style of the text around them.

use super::Value;
use crate::tree::{Scalar, ScalarStyle};

/// How scalars are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quoting {
    /// Plain where that is safe between block indicators.
    Block,
    /// Plain where that is safe between brackets.
    Flow,
    /// As JSON has it.
    Json,
}

/// How block collections are laid out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// The indentation of a mapping relative to its parent.
    pub(super) step: usize,
    /// The indentation of a sequence relative to its parent mapping, often zero.
    pub(super) sequence_step: usize,
    /// The line break of the file.
    pub(super) newline: &'static str,
    /// Whether texts of several lines may be written as such: not where a comment follows.
    pub(super) literals: bool,
}

impl Layout {
    /// A line break and the indentation of the next line.
    pub(super) fn line(&self, column: usize) -> String {
        format!("{}{}", self.newline, " ".repeat(column))
    }

    /// A value that starts at `column`; its first line is not indented.
    pub(super) fn block(&self, value: &Value, column: usize) -> String {
        match value {
            Value::Mapping(entries) if !entries.is_empty() => {
                let entries = entries.iter().map(|(key, value)| self.entry(key, value, column));
                entries.collect::<Vec<_>>().join(&self.line(column))
            }
            Value::Sequence(items) if !items.is_empty() => {
                let items = items.iter().map(|item| self.item(item, column));
                items.collect::<Vec<_>>().join(&self.line(column))
            }
            value => inline(value, Quoting::Block),
        }
    }

    /// A mapping's entry whose key is at `column`.
    pub(super) fn entry(&self, key: &str, value: &Value, column: usize) -> String {
        let key = string(key, Quoting::Block);
        match value {
            Value::Mapping(entries) if !entries.is_empty() => {
                let below = column + self.step;
                format!("{key}:{}{}", self.line(below), self.block(value, below))
            }
            Value::Sequence(items) if !items.is_empty() => {
                let below = column + self.sequence_step;
                format!("{key}:{}{}", self.line(below), self.block(value, below))
            }
            Value::Str(text) if self.fits_literal(text) => {
                format!("{key}: {}", self.literal(text, column + self.step))
            }
            value => format!("{key}: {}", inline(value, Quoting::Block)),
        }
    }

    /// A sequence's item whose dash is at `column`.
    pub(super) fn item(&self, value: &Value, column: usize) -> String {
        match value {
            Value::Str(text) if self.fits_literal(text) => {
                format!("- {}", self.literal(text, column + 2))
            }
            value => format!("- {}", self.block(value, column + 2)),
        }
    }

    pub(super) fn fits_literal(&self, text: &str) -> bool {
        self.literals && can_be_literal(text)
    }

    /// A text of several lines, with the lines below at `column`.
    pub(super) fn literal(&self, text: &str, column: usize) -> String {
        let (header, lines) = match text.strip_suffix('\n') {
            Some(lines) => ("|", lines),
            None => ("|-", text),
        };
        let mut out = String::from(header);
        for line in lines.split('\n') {
            if line.is_empty() {
                out.push_str(self.newline);
            } else {
                out.push_str(&self.line(column));
                out.push_str(line);
            }
        }
        out
    }
}

/// Whether a text of several lines can be written as it is, after a `|`.
fn can_be_literal(text: &str) -> bool {
    let lines = text.strip_suffix('\n').unwrap_or(text);
    text.contains('\n')
        && !lines.starts_with([' ', '\n'])
        && !lines.ends_with('\n')
        && !lines.is_empty()
        && lines.split('\n').all(|line| !line.ends_with([' ', '\t']) && !line.starts_with('\t'))
        && text.chars().all(|c| c == '\n' || c == '\t' || is_printable(c))
}

/// A value on one line.
pub(super) fn inline(value: &Value, quoting: Quoting) -> String {
    Flow { quoting, spaced: true, newline: "\n", unit: "" }.value(value, None)
}

/// How flow collections are laid out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow<'u> {
    pub(super) quoting: Quoting,
    /// Whether a space follows `:` and `,`.
    pub(super) spaced: bool,
    pub(super) newline: &'static str,
    /// One level of indentation, for collections on several lines.
    pub(super) unit: &'u str,
}

impl Flow<'_> {
    /// A value; with the `indent` of its line, its collections are spread over several lines.
    pub(super) fn value(&self, value: &Value, indent: Option<&str>) -> String {
        // Between brackets, what is safe in a block may not be.
        let inner = Self {
            quoting: if self.quoting == Quoting::Block { Quoting::Flow } else { self.quoting },
            ..*self
        };
        let below = indent.map(|indent| format!("{indent}{}", self.unit));
        match value {
            Value::Mapping(entries) => {
                let entries =
                    entries.iter().map(|(key, value)| inner.entry(key, value, below.as_deref()));
                self.brackets('{', entries.collect(), '}', indent)
            }
            Value::Sequence(items) => {
                let items = items.iter().map(|item| inner.value(item, below.as_deref()));
                self.brackets('[', items.collect(), ']', indent)
            }
            scalar => scalar_text(scalar, self.quoting),
        }
    }

    /// A mapping's entry.
    pub(super) fn entry(&self, key: &str, value: &Value, indent: Option<&str>) -> String {
        let colon = if self.spaced { ": " } else { ":" };
        format!("{}{colon}{}", string(key, self.quoting), self.value(value, indent))
    }

    fn brackets(
        &self,
        open: char,
        members: Vec<String>,
        close: char,
        indent: Option<&str>,
    ) -> String {
        match indent {
            Some(indent) if !members.is_empty() => {
                let line = format!("{}{indent}", self.newline);
                let members = members.join(&format!(",{line}{}", self.unit));
                format!("{open}{line}{}{members}{line}{close}", self.unit)
            }
            _ => {
                let comma = if self.spaced { ", " } else { "," };
                format!("{open}{}{close}", members.join(comma))
            }
        }
    }
}

fn scalar_text(value: &Value, quoting: Quoting) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) if value.is_nan() => ".nan".to_owned(),
        Value::Float(value) if value.is_infinite() => {
            if *value > 0.0 { ".inf" } else { "-.inf" }.to_owned()
        }
        Value::Float(value) => format!("{value:?}"),
        Value::Str(text) => string(text, quoting),
        Value::Sequence(_) | Value::Mapping(_) => inline(value, quoting),
    }
}

/// A text in the quotes that another one had.
pub(super) fn in_style_of(text: &str, style: ScalarStyle) -> Option<String> {
    match style {
        ScalarStyle::SingleQuoted if text.chars().all(is_printable) => {
            Some(format!("'{}'", text.replace('\'', "''")))
        }
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Some(double_quoted(text)),
        ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded => None,
    }
}

/// A text on one line, quoted if it would mean something else without.
pub(super) fn string(text: &str, quoting: Quoting) -> String {
    if quoting != Quoting::Json && is_safe_plain(text, quoting) {
        text.to_owned()
    } else {
        double_quoted(text)
    }
}

fn double_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_printable(c) => out.push(c),
            c => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
    out
}

/// What YAML takes as it is on a line, line breaks of all kinds and byte order marks excepted.
fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}'
        | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..)
}

/// Whether a text without quotes is this text, to Kubernetes and to other readers of YAML.
fn is_safe_plain(text: &str, quoting: Quoting) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let in_flow = quoting == Quoting::Flow;
    let is_text = matches!(crate::scalar::resolve(text), Scalar::Str(_));
    // Numbers with colons, dates and versions mean other things to other readers.
    let looks_like_number = first.is_ascii_digit()
        && text.bytes().all(|byte| byte.is_ascii_hexdigit() || b"_.:+-xoTZ".contains(&byte));
    is_text
        && !looks_like_number
        && !"-?:,[]{}#&*!|>'\"%@`=<+.~".contains(first)
        && !text.starts_with(' ')
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !(in_flow && text.contains([',', '[', ']', '{', '}', ':']))
        && text.chars().all(is_printable)
}
