//! Writes YAML byte for byte as `sigs.k8s.io/yaml` does (go-yaml 2, which folds lines after 80
//! columns), and for `toYamlPretty` as go-yaml 3 does.

mod order;
mod scalar;
mod tree;

use crate::budget::{Budget, MAX_DEPTH};
use crate::bytes;
use crate::json;
use crate::origin::Origin;
use crate::text::{Buffer, Text};
use crate::value::{Kind, MapType, Value};

use scalar::{Analysis, Style};

pub use tree::{Shape, Tree, write_yaml};

/// `toYaml`: without the last line break.
pub(crate) fn to_yaml(value: &Value, budget: &Budget) -> Result<Value, String> {
    document(value, budget, Dialect { pretty: false })
}

/// `toYamlPretty`.
pub(crate) fn to_yaml_pretty(value: &Value, budget: &Budget) -> Result<Value, String> {
    document(value, budget, Dialect { pretty: true })
}

/// Which emitter is imitated.
#[derive(Clone, Copy)]
pub(crate) struct Dialect {
    /// go-yaml 3: no folding, another order of keys, lists indented below their key.
    pretty: bool,
}

fn document(value: &Value, budget: &Budget, dialect: Dialect) -> Result<Value, String> {
    let mut emitter = Emitter::new(dialect, budget);
    emitter.node(value, -1, Context::Root, 0)?;
    // The emitter ends the last line, and Helm removes that line break again.
    if emitter.out.text.ends_with('\n') {
        emitter.out.text.pop();
    }
    let length = emitter.out.text.len();
    emitter.out.marks.retain(|(start, _)| (*start as usize) < length);
    Ok(Value::from(emitter.out))
}

/// Where a node is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    Root,
    /// A key on one line with its value.
    SimpleKey,
    /// A key after `?`.
    Key,
    /// The value of a mapping.
    Value,
    Item,
}

/// The longest key that is on one line with its value.
const MAX_SIMPLE_KEY: usize = 128;

/// The column after which go-yaml 2 folds lines.
const WIDTH: usize = 80;

struct Emitter<'b> {
    out: Buffer,
    column: usize,
    whitespace: bool,
    indention: bool,
    dialect: Dialect,
    budget: &'b Budget,
}

impl<'b> Emitter<'b> {
    fn new(dialect: Dialect, budget: &'b Budget) -> Self {
        Self {
            out: Buffer::default(),
            column: 0,
            whitespace: true,
            indention: true,
            dialect,
            budget,
        }
    }

    fn put(&mut self, text: &str, origin: Origin) {
        self.out.push(text, origin);
        self.column += text.chars().count();
    }

    fn line_break(&mut self, origin: Origin) {
        self.out.push("\n", origin);
        self.column = 0;
    }

    /// A line break that is part of a text.
    fn put_break(&mut self, c: char, origin: Origin) {
        self.out.push(c.encode_utf8(&mut [0; 4]), origin);
        self.column = 0;
    }

    fn write_indent(&mut self, indent: i32, origin: Origin) {
        let indent = usize::try_from(indent).unwrap_or(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.line_break(origin);
        }
        if self.column < indent {
            let pad = " ".repeat(indent - self.column);
            self.put(&pad, origin);
        }
        self.whitespace = true;
        self.indention = true;
    }

    fn indicator(
        &mut self,
        text: &str,
        need_whitespace: bool,
        whitespace: bool,
        indention: bool,
        origin: Origin,
    ) {
        if need_whitespace && !self.whitespace {
            self.put(" ", origin);
        }
        self.put(text, origin);
        self.whitespace = whitespace;
        self.indention = self.indention && indention;
    }

    fn node(
        &mut self,
        value: &Value,
        indent: i32,
        context: Context,
        depth: usize,
    ) -> Result<(), String> {
        self.budget.nodes(1)?;
        if depth > MAX_DEPTH {
            return Err("value is nested too deeply".to_owned());
        }
        let origin = value.origin;
        match &value.kind {
            Kind::Map(map, MapType::Texts) if map.borrow().is_empty() => {
                self.node(&Value::NIL.at(origin), indent, context, depth + 1)
            }
            Kind::Map(map, _) => {
                let map = map.borrow();
                if map.is_empty() {
                    self.indicator("{", true, true, false, origin);
                    self.indicator("}", false, false, false, origin);
                    return Ok(());
                }
                let entries: Vec<(&str, &Value)> =
                    map.iter().map(|(key, value)| (&**key, value)).collect();
                let entries = order::sort(entries, self.dialect.pretty, &|(key, _)| *key);
                self.mapping(&entries, indent, depth)
            }
            Kind::List(list) if list.is_nil && !self.dialect.pretty => {
                self.node(&Value::NIL.at(origin), indent, context, depth + 1)
            }
            Kind::List(list) if list.items.is_empty() => {
                self.indicator("[", true, true, false, origin);
                self.indicator("]", false, false, false, origin);
                Ok(())
            }
            Kind::List(list) => {
                let indentless =
                    context == Context::Value && !self.indention && !self.dialect.pretty;
                let indent = increased(indent, false, indentless);
                for item in &list.items {
                    self.write_indent(indent, item.first_origin());
                    self.indicator("-", true, false, true, item.first_origin());
                    self.node(item, indent, Context::Item, depth + 1)?;
                }
                Ok(())
            }
            Kind::Object(object) if self.dialect.pretty && value.is_time() => {
                // go-yaml writes times as such; JSON, on the way of `toYaml`, as text.
                let data = json::as_data(object, self.budget)?;
                if !self.whitespace {
                    self.put(" ", origin);
                }
                self.put(data.as_str().unwrap_or_default(), origin);
                self.whitespace = false;
                self.indention = false;
                Ok(())
            }
            Kind::Object(object) => {
                let data = json::as_data(object, self.budget)?;
                self.node(&data.at(origin), indent, context, depth + 1)
            }
            Kind::Text(text) if bytes::has_strays(text.as_str()) => {
                let replaced = Value::from(bytes::replaced(text.as_str()).into_owned());
                self.node(&replaced.at(value.first_origin()), indent, context, depth + 1)
            }
            Kind::Text(text) if !self.dialect.pretty && text.as_str().contains(NEXT_LINE) => {
                let folded = Value::from(folded(text.as_str()));
                self.node(&folded.at(value.first_origin()), indent, context, depth + 1)
            }
            _ => {
                if let Kind::Text(text) = &value.kind {
                    self.check_json(text.as_str())?;
                }
                self.scalar(value, increased(indent, true, false), context)?;
                Ok(())
            }
        }
    }

    /// Refuses what `sigs.k8s.io/yaml` refuses: it reads its own JSON as YAML, where JSON escapes the
    /// first 32 characters and no other.
    fn check_json(&self, text: &str) -> Result<(), String> {
        let is_control = |c: char| matches!(c, '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}');
        if !self.dialect.pretty && text.contains(is_control) {
            return Err("yaml: control characters are not allowed".to_owned());
        }
        Ok(())
    }

    fn mapping(
        &mut self,
        entries: &[(&str, &Value)],
        indent: i32,
        depth: usize,
    ) -> Result<(), String> {
        let indent = increased(indent, false, false);
        for (key, value) in entries {
            self.check_json(key)?;
            let mut at = value.first_origin();
            at.value.verbatim = false;
            at.template.verbatim = false;
            self.key(key, indent, at)?;
            self.node(value, indent, Context::Value, depth + 1)?;
        }
        Ok(())
    }

    /// A key of a mapping, up to its colon.
    fn key(&mut self, key: &str, indent: i32, at: Origin) -> Result<(), String> {
        self.write_indent(indent, at);
        let name = Value { kind: Kind::Text(Text::plain(key)), origin: at };
        let is_simple = !key.contains('\n') && key.len() <= MAX_SIMPLE_KEY;
        if is_simple {
            self.scalar(&name, increased(indent, true, false), Context::SimpleKey)?;
            self.indicator(":", false, false, false, at);
        } else {
            self.indicator("?", true, false, true, at);
            self.scalar(&name, increased(indent, true, false), Context::Key)?;
            self.write_indent(indent, at);
            self.indicator(":", true, false, true, at);
        }
        Ok(())
    }

    fn scalar(&mut self, value: &Value, indent: i32, context: Context) -> Result<(), String> {
        let origin = value.origin;
        let plain = match &value.kind {
            Kind::Text(text) => {
                self.budget.bytes(text.as_str().len())?;
                return self.text(text, origin, indent, context);
            }
            Kind::Bool(value) => (if *value { "true" } else { "false" }).to_owned(),
            Kind::Int(value) | Kind::Int64(value) => value.to_string(),
            Kind::Float(value) if self.dialect.pretty => crate::print::float(*value),
            Kind::Float(value) => scalar::number(*value)?,
            _ => "null".to_owned(),
        };
        if !self.whitespace {
            self.put(" ", origin);
        }
        self.put(&plain, origin);
        self.whitespace = false;
        self.indention = false;
        Ok(())
    }

    fn text(
        &mut self,
        text: &Text,
        origin: Origin,
        indent: i32,
        context: Context,
    ) -> Result<(), String> {
        let whole = text.as_str();
        let analysis = Analysis::of(whole, self.dialect.pretty);
        let style = scalar::style(whole, &analysis, context == Context::SimpleKey);
        let folds = context != Context::SimpleKey && !self.dialect.pretty;
        match style {
            Style::Plain => self.plain(text, origin, indent, folds),
            Style::Single => self.single(text, origin, indent, folds),
            Style::Double => self.double(text, origin, indent, folds),
            Style::Literal => self.literal(text, origin, indent),
        }
        Ok(())
    }

    /// Appends a part of a text as it is.
    fn put_part(&mut self, text: &Text, range: std::ops::Range<usize>, origin: Origin) {
        let part = text.as_str().get(range.clone()).unwrap_or_default();
        self.column += part.chars().count();
        self.out.push_part(text, range, origin);
    }

    /// Plain and single-quoted text has no line breaks here: those are in literals.
    fn plain(&mut self, text: &Text, origin: Origin, indent: i32, folds: bool) {
        let first = text.origin_at(0, origin);
        if !self.whitespace {
            self.put(" ", first);
        }
        self.words(text, origin, indent, folds, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn single(&mut self, text: &Text, origin: Origin, indent: i32, folds: bool) {
        let first = text.origin_at(0, origin);
        self.indicator("'", true, false, false, first);
        self.words(text, origin, indent, folds, true);
        self.indicator("'", false, false, false, origin);
        self.whitespace = false;
        self.indention = false;
    }

    /// The characters of plain or single-quoted text; a space may become a line break.
    fn words(&mut self, text: &Text, origin: Origin, indent: i32, folds: bool, quoted: bool) {
        let whole = text.as_str();
        let bytes = whole.as_bytes();
        let (mut start, mut spaces, mut breaks) = (0, false, false);
        let mut column = self.column;
        for (at, c) in whole.char_indices() {
            if c == ' ' {
                let inner = !quoted || (at > 0 && at + 1 < whole.len());
                let alone = bytes.get(at + 1) != Some(&b' ');
                if folds && !spaces && column > WIDTH && inner && alone {
                    self.put_part(text, start..at, origin);
                    self.write_indent(indent, text.origin_at(at, origin));
                    column = self.column;
                    start = at + 1;
                } else {
                    column += 1;
                }
                spaces = true;
            } else if is_break(c) {
                self.put_part(text, start..at, origin);
                let place = text.origin_at(at, origin);
                if !breaks && c == '\n' {
                    self.line_break(place);
                }
                self.put_break(c, place);
                self.indention = true;
                breaks = true;
                start = at + c.len_utf8();
            } else {
                if breaks {
                    self.write_indent(indent, text.origin_at(at, origin));
                    column = self.column;
                }
                if c == '\'' && quoted {
                    self.put_part(text, start..at, origin);
                    self.put("'", text.origin_at(at, origin));
                    start = at;
                    column += 1;
                }
                column += 1;
                self.indention = false;
                spaces = false;
                breaks = false;
            }
        }
        self.put_part(text, start..whole.len(), origin);
    }

    fn double(&mut self, text: &Text, origin: Origin, indent: i32, folds: bool) {
        let whole = text.as_str();
        self.indicator("\"", true, false, false, text.origin_at(0, origin));
        let (mut start, mut spaces) = (0, false);
        let mut column = self.column;
        for (at, c) in whole.char_indices() {
            let length = c.len_utf8();
            if let Some(escape) = scalar::escape(c, self.dialect.pretty) {
                self.put_part(text, start..at, origin);
                self.put(&escape, text.origin_at(at, origin));
                column = self.column;
                start = at + length;
                spaces = false;
            } else if c == ' ' {
                let inner = at > 0 && at + 1 < whole.len();
                if folds && !spaces && column > WIDTH && inner {
                    self.put_part(text, start..at, origin);
                    self.write_indent(indent, text.origin_at(at, origin));
                    if whole.as_bytes().get(at + 1) == Some(&b' ') {
                        self.put("\\", text.origin_at(at, origin));
                    }
                    column = self.column;
                    start = at + 1;
                } else {
                    column += 1;
                }
                spaces = true;
            } else {
                column += 1;
                spaces = false;
            }
        }
        self.put_part(text, start..whole.len(), origin);
        self.indicator("\"", false, false, false, origin);
        self.whitespace = false;
        self.indention = false;
    }

    fn literal(&mut self, text: &Text, origin: Origin, indent: i32) {
        let whole = text.as_str();
        let first = text.origin_at(0, origin);
        self.indicator("|", true, false, false, first);
        if whole.starts_with([' ', '\n']) {
            self.indicator("2", false, false, false, first);
        }
        if !whole.ends_with('\n') {
            self.indicator("-", false, false, false, first);
        } else if whole == "\n" || whole.ends_with("\n\n") {
            self.indicator("+", false, false, false, first);
        }
        self.line_break(first);
        self.indention = true;
        self.whitespace = true;
        let mut at = 0;
        for line in whole.split_inclusive(is_break) {
            let content = line.strip_suffix(is_break).unwrap_or(line);
            if !content.is_empty() {
                self.write_indent(indent, text.origin_at(at, origin));
                self.put_part(text, at..at + content.len(), origin);
                self.indention = false;
            }
            at += line.len();
            if let Some(end) = line.chars().next_back().filter(|c| is_break(*c)) {
                self.put_break(end, text.origin_at(at - end.len_utf8(), origin));
                self.indention = true;
            }
        }
        if !whole.ends_with('\n') {
            self.whitespace = false;
        }
    }
}

/// The line break that JSON leaves as it is, and that YAML folds in quotes.
const NEXT_LINE: char = '\u{85}';

/// What go-yaml takes for the end of a line.
fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | NEXT_LINE | '\u{2028}' | '\u{2029}')
}

/// A text as `sigs.k8s.io/yaml` has it after it has read its own JSON as YAML: line breaks in quotes are
/// folded, with the spaces around them.
fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(NEXT_LINE) {
        let is_blank = |c: char| c == ' ' || c == NEXT_LINE;
        out.push_str(rest.get(..at).unwrap_or_default().trim_end_matches(' '));
        let after = rest.get(at..).unwrap_or_default();
        let next = after.trim_start_matches(is_blank);
        let breaks = after.get(..after.len() - next.len()).unwrap_or_default();
        match breaks.matches(NEXT_LINE).count() {
            1 => out.push(' '),
            count => out.push_str(&"\n".repeat(count - 1)),
        }
        rest = next;
    }
    out.push_str(rest);
    out
}

/// The indentation of a level further in.
fn increased(indent: i32, flow: bool, indentless: bool) -> i32 {
    match (indent < 0, flow) {
        (true, true) => 2,
        (true, false) => 0,
        _ if indentless => indent,
        _ => indent + 2,
    }
}
