//! Which lines of a text may not be shown.

use super::line::{self, Judgement};
use super::setting;
use crate::{detector, structured};

/// How many lines below the name of a secret its value may be.
const BESIDE: usize = 4;

/// A longer line is hidden, and only its end is looked at: what a name in it says takes time by the
/// square of its length.
const MAX_LINE: usize = 16 * 1024;

/// For each line of a text, whether it may contain a secret.
#[must_use]
pub fn hidden_lines(text: &str) -> Vec<bool> {
    let mut hidden = Vec::new();
    let mut state = State::default();
    for line in text.split('\n') {
        hidden.push(state.line(line.trim_end_matches('\r')));
    }
    hide_commands(text, &mut hidden);
    hide_detections(text, &mut hidden);
    hidden
}

/// What the lines above mean for the next one.
#[derive(Default)]
struct State<'t> {
    /// The indentation of the line that everything below belongs to, and whether it is the item of
    /// a list, which a dash at the same indentation ends.
    below: Option<(usize, bool)>,
    continues: bool,
    /// How many more lines are beside the name of a secret.
    beside: usize,
    /// The column of a JSON patch's operation whose `path` is that of a field without secrets.
    patch: Option<usize>,
    /// The column and the value of the last `name`.
    named: Option<(usize, &'t str)>,
}

impl<'t> State<'t> {
    /// Whether the line may contain a secret.
    fn line(&mut self, line: &'t str) -> bool {
        let body = line.trim_start_matches([' ', '\t']);
        if body.trim().is_empty() {
            return false;
        }
        let indent = line.len() - body.len();
        let is_item = body.starts_with("- ") || body == "-";
        let inside = self.below.is_some_and(|(above, above_is_item)| {
            indent > above || indent == above && is_item && !above_is_item
        });
        if !inside {
            self.below = None;
        }
        if is_item {
            self.beside = 0;
        }
        let is_plain = self.is_patched_value(indent, body) | self.is_plain_setting(indent, body);
        let Judgement { mut hidden, opens, continues, names } =
            line::judge(end_of(line), self.beside > 0, is_plain);
        hidden |= std::mem::take(&mut self.continues) || inside || line.len() > MAX_LINE;
        if opens && self.below.is_none() {
            self.below = Some((indent, is_item));
        }
        self.continues = continues;
        self.beside = if names { BESIDE } else { self.beside.saturating_sub(1) };
        hidden
    }
}

/// The last part of a line, as long as lines are looked at.
fn end_of(line: &str) -> &str {
    let start = line.ceil_char_boundary(line.len().saturating_sub(MAX_LINE));
    line.get(start..).unwrap_or_default()
}

impl<'t> State<'t> {
    /// Whether the line is the `value` that an operation of a JSON patch gives to a field without
    /// secrets: the `path` above says which.
    fn is_patched_value(&mut self, indent: usize, body: &str) -> bool {
        let field = body.trim_start_matches(['-', ' ']);
        let column = indent + body.len() - field.len();
        if column > indent || self.patch.is_some_and(|patch| column < patch) {
            self.patch = None;
        }
        if let Some(path) = field.strip_prefix("path:") {
            self.patch = line::is_plain_field(path).then_some(column);
        }
        self.patch == Some(column) && field.starts_with("value:")
    }
}

impl<'t> State<'t> {
    /// Whether the line is the `value` of a variable that is named on it or above it, and is as plain as
    /// `8080` or `true`.
    fn is_plain_setting(&mut self, indent: usize, body: &'t str) -> bool {
        let field = body.trim_start_matches(['-', ' ']);
        let column = indent + body.len() - field.len();
        if column > indent || self.named.is_some_and(|(named, _)| column < named) {
            self.named = None;
        }
        if let Some(pair) = field.trim_end().strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
            let pair = pair.split_once(',').and_then(|(name, value)| {
                Some((name.trim().strip_prefix("name:")?, value.trim().strip_prefix("value:")?))
            });
            return pair.is_some_and(|(name, value)| setting::is_plain(name, value));
        }
        if let Some(name) = field.strip_prefix("name:") {
            self.named = Some((column, name));
        }
        let named = self.named.filter(|(named, _)| *named == column).map(|(_, name)| name);
        let value = field.strip_prefix("value:");
        named.zip(value).is_some_and(|(name, value)| setting::is_plain(name, value))
    }
}

/// Hides all lines of a command that takes a password, which may continue on further lines.
fn hide_commands(text: &str, hidden: &mut [bool]) {
    let mut command: Vec<usize> = Vec::new();
    let mut takes_password = false;
    for (number, line) in text.split('\n').enumerate() {
        command.push(number);
        takes_password |= line::takes_password(line);
        if line.trim_end().ends_with('\\') {
            continue;
        }
        if takes_password && command.len() > 1 {
            for number in &command {
                if let Some(hidden) = hidden.get_mut(*number) {
                    *hidden = true;
                }
            }
        }
        command.clear();
        takes_password = false;
    }
}

/// Hides the lines on which the detector finds something.
fn hide_detections(text: &str, hidden: &mut [bool]) {
    let found = structured::in_text(detector(), "", text);
    let (mut number, mut at) = (0, 0);
    for detection in found {
        let count = |from: usize, to: usize| {
            let part = text.as_bytes().get(from..to).unwrap_or_default();
            memchr::memchr_iter(b'\n', part).count()
        };
        let start = detection.range.start.max(at);
        number += count(at, start);
        at = start;
        let lines = count(start, detection.range.end.max(start));
        for hidden in hidden.iter_mut().skip(number).take(lines + 1) {
            *hidden = true;
        }
    }
}
