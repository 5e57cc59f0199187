//! `fmt.Sprintf`, as far as templates have its types: verbs, flags, widths, and argument indexes.

use crate::budget::{Budget, MAX_DEPTH};
use crate::bytes;
use crate::origin::Origin;
use crate::print::{self, push};
use crate::text::{Buffer, Text};
use crate::value::{Kind, Object, Value};

/// The widest field that a format may ask for.
const MAX_WIDTH: usize = 1 << 16;

/// The flags of a verb.
#[derive(Clone, Copy, Default)]
struct Flags {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    /// `%+v` and `%#v`: these change how values are written, not the numbers in them.
    go_syntax: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// `fmt.Sprintf`.
pub(crate) fn printf(format: &Value, values: &[Value], budget: &Budget) -> Result<Buffer, String> {
    let Kind::Text(marked) = &format.kind else { return Ok(Buffer::default()) };
    let mut printer = Printer {
        marked,
        origin: format.origin,
        values,
        budget,
        out: Buffer::default(),
        at: 0,
        next: 0,
        has_indexes: false,
    };
    printer.run()?;
    Ok(printer.out)
}

/// A format that is being evaluated.
struct Printer<'p> {
    marked: &'p Text,
    origin: Origin,
    values: &'p [Value],
    budget: &'p Budget,
    out: Buffer,
    /// The byte of the format.
    at: usize,
    /// The value that comes next.
    next: usize,
    /// Whether any verb has named its value: then none is missed in the end.
    has_indexes: bool,
}

/// What is between `%` and its verb.
struct Operands {
    flags: Flags,
    /// Whether an index names a value that there is.
    is_valid: bool,
}

impl Printer<'_> {
    fn rest(&self) -> &str {
        self.marked.as_str().get(self.at..).unwrap_or_default()
    }

    fn byte(&self) -> Option<u8> {
        self.rest().bytes().next()
    }

    fn run(&mut self) -> Result<(), String> {
        loop {
            let length = self.rest().find('%').unwrap_or(self.rest().len());
            self.out.push_part(self.marked, self.at..self.at + length, self.origin);
            self.at += length;
            if self.rest().is_empty() {
                break;
            }
            let origin = self.marked.origin_at(self.at, self.origin);
            self.at += 1;
            let operands = self.operands(origin);
            let Some(verb) = self.rest().chars().next() else {
                self.out.push("%!(NOVERB)", self.origin);
                break;
            };
            self.at += verb.len_utf8();
            self.verb(verb, operands, origin)?;
        }
        self.extra()
    }

    fn verb(&mut self, verb: char, operands: Operands, origin: Origin) -> Result<(), String> {
        let Operands { mut flags, is_valid } = operands;
        if verb == '%' {
            self.out.push("%", origin);
            return Ok(());
        }
        if !is_valid {
            self.out.push(&format!("%!{verb}(BADINDEX)"), origin);
            return Ok(());
        }
        let Some(value) = self.values.get(self.next) else {
            self.out.push(&format!("%!{verb}(MISSING)"), origin);
            return Ok(());
        };
        self.next += 1;
        if verb == 'v' {
            flags.go_syntax = flags.sharp;
            (flags.sharp, flags.plus) = (false, false);
        }
        write(value, Verb { letter: verb, flags, origin }, &mut self.out, self.budget, 0)
    }

    /// Reads flags, indexes, width and precision.
    fn operands(&mut self, origin: Origin) -> Operands {
        let mut operands = Operands { flags: Flags::default(), is_valid: true };
        while let Some(byte) = self.byte() {
            let flags = &mut operands.flags;
            match byte {
                b'-' => flags.minus = true,
                b'+' => flags.plus = true,
                b'#' => flags.sharp = true,
                b' ' => flags.space = true,
                b'0' => flags.zero = true,
                _ => break,
            }
            self.at += 1;
        }
        let mut has_index = self.index(&mut operands);
        if self.byte() == Some(b'*') {
            self.at += 1;
            match self.size() {
                Some(width) => {
                    let flags = &mut operands.flags;
                    flags.minus |= width < 0;
                    flags.zero &= width >= 0;
                    flags.width = Some(clamped(width.unsigned_abs()));
                }
                None => self.out.push("%!(BADWIDTH)", origin),
            }
            has_index = false;
        } else {
            operands.flags.width = self.digits();
            operands.is_valid &= !(has_index && operands.flags.width.is_some());
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            operands.is_valid &= !has_index;
            has_index = self.index(&mut operands);
            if self.byte() == Some(b'*') {
                self.at += 1;
                let size = self.size();
                operands.flags.precision =
                    size.and_then(|size| u64::try_from(size).ok()).map(clamped);
                if size.is_none() {
                    self.out.push("%!(BADPREC)", origin);
                }
                has_index = false;
            } else {
                operands.flags.precision = Some(self.digits().unwrap_or(0));
            }
        }
        if !has_index {
            self.index(&mut operands);
        }
        operands
    }

    /// Reads `[3]`, which names the value that comes next. Returns whether there is one.
    fn index(&mut self, operands: &mut Operands) -> bool {
        if self.byte() != Some(b'[') {
            return false;
        }
        self.has_indexes = true;
        let rest = self.rest();
        let Some(end) = rest.find(']').filter(|_| rest.len() >= 3) else {
            operands.is_valid = false;
            self.at += 1;
            return false;
        };
        let digits = rest.get(1..end).unwrap_or_default();
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let index = digits.parse::<usize>().ok().filter(|_| is_number);
        self.at += end + 1;
        match index.and_then(|index| index.checked_sub(1)) {
            Some(index) if index < self.values.len() => self.next = index,
            _ => operands.is_valid = false,
        }
        index.is_some()
    }

    /// The value for `*`, if it is an integer that can be a size.
    fn size(&mut self) -> Option<i64> {
        let value = self.values.get(self.next);
        if value.is_some() {
            self.next += 1;
        }
        match value.map(|value| &value.kind) {
            Some(Kind::Int(size) | Kind::Int64(size)) if size.unsigned_abs() <= 1_000_000 => {
                Some(*size)
            }
            _ => None,
        }
    }

    fn digits(&mut self) -> Option<usize> {
        let length = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let number = self.rest().get(..length).and_then(|digits| digits.parse::<u64>().ok());
        self.at += length;
        number.map(clamped)
    }

    /// Names the values that no verb has used.
    fn extra(&mut self) -> Result<(), String> {
        if self.has_indexes || self.next >= self.values.len() {
            return Ok(());
        }
        self.out.push("%!(EXTRA ", self.origin);
        for (position, value) in self.values.iter().skip(self.next).enumerate() {
            if position > 0 {
                self.out.push(", ", self.origin);
            }
            if !value.is_nil() {
                self.out.push(&format!("{}=", value.type_name()), self.origin);
            }
            push(value, &mut self.out, self.budget)?;
        }
        self.out.push(")", self.origin);
        Ok(())
    }
}

fn clamped(size: u64) -> usize {
    usize::try_from(size).map_or(MAX_WIDTH, |size| size.min(MAX_WIDTH))
}

/// A verb with its flags.
#[derive(Clone, Copy)]
struct Verb {
    letter: char,
    flags: Flags,
    /// The template node.
    origin: Origin,
}

/// Appends one value as its verb wants it.
fn write(
    value: &Value,
    verb: Verb,
    out: &mut Buffer,
    budget: &Budget,
    depth: usize,
) -> Result<(), String> {
    budget.nodes(1)?;
    if depth > MAX_DEPTH {
        return Err("value is nested too deeply".to_owned());
    }
    let Verb { letter, flags, origin } = verb;
    let whole = value.first_origin().or(origin);
    let is_free = flags.width.is_none() && flags.precision.is_none() && !flags.go_syntax;
    if matches!(letter, 's' | 'v') && is_free && matches!(value.kind, Kind::Text(_)) {
        return push(value, out, budget);
    }
    if letter == 'T' && depth == 0 {
        let name = if value.is_nil() { "<nil>".to_owned() } else { value.type_name() };
        let text = padded(&name, flags);
        budget.bytes(text.len())?;
        out.push(&text, whole);
        return Ok(());
    }
    let text = match &value.kind {
        Kind::Nil if depth > 0 => {
            Some(if flags.go_syntax { "interface {}(nil)" } else { "<nil>" }.to_owned())
        }
        Kind::Nil => (letter == 'v').then(|| padded("<nil>", flags)),
        Kind::Bool(value) => matches!(letter, 't' | 'v').then(|| padded(&value.to_string(), flags)),
        Kind::Int(value) | Kind::Int64(value) => integer(*value, letter, flags),
        Kind::Float(value) => floating(*value, letter, flags),
        Kind::Text(text) => text_of(text.as_str(), letter, flags),
        Kind::List(list) => return sequence(value, &list.items, verb, out, budget, depth),
        Kind::Map(..) => return mapping(value, verb, out, budget, depth),
        Kind::Object(object) => match &**object {
            Object::Time(_) | Object::Version(_) => {
                text_of(&print::plain(value, budget)?, letter, flags)
            }
            Object::ApiVersions(items) => {
                return sequence(value, items, verb, out, budget, depth);
            }
            Object::Bytes(bytes) if matches!(letter, 's' | 'q' | 'x' | 'X') => {
                text_of(bytes.text.as_str(), letter, flags)
            }
            Object::Bytes(_) => match value.as_list() {
                Some(items) => return sequence(value, items, verb, out, budget, depth),
                None => Some(print::plain(value, budget)?),
            },
            Object::Named { number, .. } if !matches!(letter, 's' | 'q' | 'v' | 'x' | 'X') => {
                integer(*number, letter, flags)
            }
            Object::Named { name, .. } => text_of(name, letter, flags),
            Object::Struct(..) | Object::Files(_) => Some(print::plain(value, budget)?),
        },
    };
    match text {
        Some(text) => {
            budget.bytes(text.len())?;
            out.push(&text, whole);
            Ok(())
        }
        None => misused(value, verb, out, budget, depth),
    }
}

/// A verb that does not fit the value: `%!d(string=x)`.
fn misused(
    value: &Value,
    verb: Verb,
    out: &mut Buffer,
    budget: &Budget,
    depth: usize,
) -> Result<(), String> {
    out.push(&format!("%!{}(", verb.letter), verb.origin);
    if value.is_nil() {
        out.push("<nil>", verb.origin);
    } else {
        out.push(&format!("{}=", value.type_name()), verb.origin);
        write(value, Verb { letter: 'v', ..verb }, out, budget, depth)?;
    }
    out.push(")", verb.origin);
    Ok(())
}

fn sequence(
    value: &Value,
    items: &[Value],
    verb: Verb,
    out: &mut Buffer,
    budget: &Budget,
    depth: usize,
) -> Result<(), String> {
    bracketed(value, "[", verb, out, items, |item, out| write(item, verb, out, budget, depth + 1))
}

fn mapping(
    value: &Value,
    verb: Verb,
    out: &mut Buffer,
    budget: &Budget,
    depth: usize,
) -> Result<(), String> {
    let whole = value.first_origin().or(verb.origin);
    let entries = value.as_map().map(|map| map.borrow().clone()).unwrap_or_default();
    bracketed(value, "map[", verb, out, &entries, |(key, item), out| {
        write(&Value::from(&**key).at(item.origin), verb, out, budget, depth + 1)?;
        out.push(":", whole);
        write(item, verb, out, budget, depth + 1)
    })
}

/// Appends the items of a value between its brackets.
fn bracketed<I>(
    value: &Value,
    plain_open: &str,
    verb: Verb,
    out: &mut Buffer,
    items: impl IntoIterator<Item = I>,
    mut item: impl FnMut(I, &mut Buffer) -> Result<(), String>,
) -> Result<(), String> {
    let whole = value.first_origin().or(verb.origin);
    let is_nil = matches!(&value.kind, Kind::List(list) if list.is_nil);
    if verb.flags.go_syntax && is_nil {
        out.push(&format!("{}(nil)", value.type_name()), whole);
        return Ok(());
    }
    let typed_open: String;
    let (open, between, close) = if verb.flags.go_syntax {
        typed_open = format!("{}{{", value.type_name());
        (typed_open.as_str(), ", ", "}")
    } else {
        (plain_open, " ", "]")
    };
    out.push(open, whole);
    for (position, each) in items.into_iter().enumerate() {
        if position > 0 {
            out.push(between, whole);
        }
        item(each, out)?;
    }
    out.push(close, whole);
    Ok(())
}

fn text_of(text: &str, verb: char, flags: Flags) -> Option<String> {
    Some(match verb {
        'v' if flags.go_syntax => padded(&print::quote(text), flags),
        's' | 'v' => padded(truncated(text, flags), flags),
        'q' => {
            let text = truncated(text, flags);
            let can_backquote = !text.contains(['`', '\u{7f}', '\u{feff}'])
                && text.chars().all(|c| c >= ' ' || c == '\t');
            let quoted = if flags.sharp && can_backquote {
                format!("`{text}`")
            } else if flags.plus {
                ascii_quote(text)
            } else {
                print::quote(text)
            };
            padded(&quoted, flags)
        }
        'x' | 'X' => padded(&hex(text, verb == 'X', flags), flags),
        _ => return None,
    })
}

/// The bytes of a text.
fn hex(text: &str, upper: bool, flags: Flags) -> String {
    let bytes = bytes::of_text(text);
    let length = flags.precision.unwrap_or(bytes.len());
    let prefix = if upper { "0X" } else { "0x" };
    let mut out = String::new();
    for (position, byte) in bytes.iter().take(length).enumerate() {
        if flags.space && position > 0 {
            out.push(' ');
        }
        if flags.sharp && (flags.space || position == 0) {
            out.push_str(prefix);
        }
        let digits = if upper { format!("{byte:02X}") } else { format!("{byte:02x}") };
        out.push_str(&digits);
    }
    out
}

/// `%+q`: other characters than those of ASCII are escaped.
fn ascii_quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match u32::from(c) {
            0..0x80 => print::quote_char(c, &mut out),
            code @ 0x80..0x1_0000 => out.push_str(&format!("\\u{code:04x}")),
            code => out.push_str(&format!("\\U{code:08x}")),
        }
    }
    out.push('"');
    out
}

fn truncated(text: &str, flags: Flags) -> &str {
    let end = flags.precision.and_then(|precision| text.char_indices().nth(precision));
    end.map_or(text, |(end, _)| text.get(..end).unwrap_or(text))
}

fn padded(text: &str, flags: Flags) -> String {
    let missing = flags.width.unwrap_or(0).saturating_sub(text.chars().count());
    if flags.minus {
        format!("{text}{}", " ".repeat(missing))
    } else {
        format!("{}{text}", if flags.zero { "0" } else { " " }.repeat(missing))
    }
}

fn integer(value: i64, verb: char, flags: Flags) -> Option<String> {
    let magnitude = value.unsigned_abs();
    let character = || u32::try_from(value).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
    let (digits, prefix) = match verb {
        'd' | 'v' => (magnitude.to_string(), ""),
        'b' => (format!("{magnitude:b}"), if flags.sharp { "0b" } else { "" }),
        'o' => (format!("{magnitude:o}"), if flags.sharp { "0" } else { "" }),
        'O' => (format!("{magnitude:o}"), "0o"),
        'x' => (format!("{magnitude:x}"), if flags.sharp { "0x" } else { "" }),
        'X' => (format!("{magnitude:X}"), if flags.sharp { "0X" } else { "" }),
        'c' => return Some(padded(&character().to_string(), flags)),
        'q' => {
            let mut quoted = String::new();
            match character() {
                '\'' => quoted.push_str("\\'"),
                '"' => quoted.push('"'),
                c if flags.plus && !c.is_ascii() => {
                    quoted.push_str(ascii_quote(&c.to_string()).trim_matches('"'));
                }
                c => print::quote_char(c, &mut quoted),
            }
            return Some(padded(&format!("'{quoted}'"), flags));
        }
        'U' => {
            let shown = flags.sharp && print::is_printable(character());
            let shown = if shown { format!(" '{}'", character()) } else { String::new() };
            let flags = Flags { zero: false, ..flags };
            return Some(padded(&format!("U+{magnitude:04X}{shown}"), flags));
        }
        _ => return None,
    };
    if flags.precision == Some(0) && value == 0 {
        return Some(padded("", Flags { zero: false, ..flags }));
    }
    let sign = match value {
        ..0 => "-",
        _ if flags.plus => "+",
        _ if flags.space => " ",
        _ => "",
    };
    let wanted = match (flags.precision, flags.width) {
        (Some(precision), _) => precision,
        (None, Some(width)) if flags.zero && !flags.minus => width.saturating_sub(sign.len()),
        _ => 0,
    };
    let zeros = "0".repeat(wanted.saturating_sub(digits.len()));
    // A leading zero already says that the number is octal.
    let prefix = if prefix == "0" && (!zeros.is_empty() || digits == "0") { "" } else { prefix };
    Some(padded(&format!("{sign}{prefix}{zeros}{digits}"), Flags { zero: false, ..flags }))
}

fn floating(value: f64, verb: char, flags: Flags) -> Option<String> {
    let text = match verb {
        'v' if flags.precision.is_none() => print::float(value),
        'v' | 'g' | 'G' => print::general(value, flags.precision),
        _ if !value.is_finite() && matches!(verb, 'f' | 'F' | 'e' | 'E') => print::float(value),
        'f' | 'F' => format!("{value:.*}", flags.precision.unwrap_or(6)),
        'e' | 'E' => print::exponential(value, flags.precision.unwrap_or(6)),
        'x' | 'X' => print::hexadecimal(value, flags.precision),
        'b' => print::binary(value),
        _ => return None,
    };
    let text = if matches!(verb, 'E' | 'G' | 'X') { text.to_uppercase() } else { text };
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (if text.starts_with('-') { "-" } else { "+" }, digits),
        None if flags.plus => ("+", text.as_str()),
        None if flags.space => (" ", text.as_str()),
        None => ("", text.as_str()),
    };
    let is_padded = flags.zero && !flags.minus && value.is_finite();
    if is_padded && !sign.is_empty() {
        let width = flags.width.map(|width| width.saturating_sub(1));
        return Some(format!("{sign}{}", padded(digits, Flags { width, ..flags })));
    }
    Some(padded(&format!("{sign}{digits}"), Flags { zero: is_padded, ..flags }))
}
