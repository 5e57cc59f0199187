//! Messages about inputs whose values are known: errors of charts and overlays quote what they were
//! given, in any words, so a secret cannot be known by the words around it.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use coaming_yaml::Node;

use super::forms::{MIN_LENGTH, forms, parts};
use super::lines::hidden_lines;
use super::message::{masked, without};
use super::{line, name, word};

/// A shorter form is also a part of other words.
const MIN_PART: usize = 6;

/// How many values of an input are looked for.
const MAX_VALUES: usize = 20_000;

/// How deep texts are in texts.
const MAX_DEPTH: u8 = 2;

/// How much of an input is read.
const MAX_BYTES: usize = 8 << 20;

/// A message that passed the gate, which nothing else can make of a text that quotes an input.
#[derive(Clone, PartialEq, Eq)]
pub struct ShownText(Box<str>);

impl From<&'static str> for ShownText {
    /// A text that is built in quotes nothing.
    fn from(text: &'static str) -> Self {
        Self(text.into())
    }
}

impl Deref for ShownText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ShownText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ShownText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The values of inputs that are secrets, by their names or by what they look like.
#[derive(Default)]
pub struct KnownValues {
    values: Vec<String>,
    /// Literals of templates, of which parts say nothing.
    whole: Vec<String>,
}

impl fmt::Debug for KnownValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KnownValues({})", self.values.len() + self.whole.len())
    }
}

impl KnownValues {
    /// The values of a file, whatever it is.
    pub fn add_file(&mut self, name: &str, text: &str) {
        let text = beginning(text, MAX_BYTES);
        let is_data = [".yaml", ".yml", ".json"].iter().any(|ending| name.ends_with(ending));
        if is_data && self.add_documents(text, MAX_DEPTH) && !text.contains("{{") {
            return;
        }
        let before = self.values.len();
        self.add_lines(text);
        self.whole.extend(self.values.drain(before..));
    }

    /// The values of an assignment: `database.password=x,count=3`.
    pub fn add_assignments(&mut self, text: &str) {
        let text = beginning(text, MAX_BYTES);
        if text.trim_start().starts_with('{') {
            self.add_documents(text, MAX_DEPTH);
        }
        // A comma may be part of a value, and `a={x,y}` is a list.
        for (key, value) in text.split_inclusive('=').zip(text.split('=').skip(1)) {
            let key = key.trim_end_matches('=').rsplit(',').next().unwrap_or_default();
            key.split(['[', ']']).for_each(|part| self.add("", part));
            let last = value.rfind(',').filter(|_| text.contains(',') && !value.is_empty());
            let whole = value.trim_matches(['{', '}', '"', '\'']);
            self.add(key, whole);
            if let Some(last) = last {
                self.add(key, value.get(..last).unwrap_or_default());
            }
            for part in whole.split([',', '{', '}', '[', ']', '"', '\\']) {
                self.add(key, part);
            }
        }
        if !text.contains('=') {
            self.add("", text);
        }
    }

    /// A value that is assigned to a path of names.
    pub fn add(&mut self, name: &str, value: &str) {
        let is_named = name.split(['.', '[']).any(name::is_secret);
        self.add_if(is_named, value);
    }

    /// The message without the values, in any form in which messages quote them.
    #[must_use]
    pub fn shown(&self, message: &str) -> ShownText {
        let mut ranges = Vec::new();
        if let Some(finder) = self.finder() {
            ranges.extend(finder.find_iter(message).filter_map(|found| {
                let range = found.range();
                let is_whole = found.len() >= MIN_PART || is_word(message, &range);
                is_whole.then_some(range)
            }));
        }
        let message = without(message, ranges);
        ShownText(masked(&message).into())
    }

    fn finder(&self) -> Option<AhoCorasick> {
        let values = self.values.iter().chain(&self.whole);
        let forms: Vec<String> = values
            .flat_map(|value| forms(value))
            .chain(self.values.iter().flat_map(|value| parts(value)))
            .collect();
        if forms.is_empty() {
            return None;
        }
        AhoCorasickBuilder::new()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(forms)
            .ok()
    }

    /// Scalars of YAML or JSON, and of such texts in them; whether it is that.
    fn add_documents(&mut self, text: &str, depth: u8) -> bool {
        let stream = coaming_yaml::parse(Arc::from(text));
        for document in &stream.documents {
            let mut open: Vec<(Node<'_>, bool)> = vec![(document.root(), false)];
            while let Some((node, is_below)) = open.pop() {
                // `{name: DB_PASSWORD, value: x}`, `{path: /data/password, value: x}`
                const OWN: [&str; 3] = ["name", "key", "path"];
                let mut own = OWN.iter().filter_map(|field| node.get(field));
                let is_pair = own.any(|own| own.text().split('/').any(name::is_secret));
                for entry in node.entries() {
                    let is_value = is_pair && !OWN.contains(&entry.name());
                    let is_named = is_below || is_value || is_secret(entry.name());
                    let is_object = name::is_object(entry.name());
                    open.push((entry.value, is_named && !is_object));
                }
                open.extend(node.items().map(|item| (item, is_below)));
                if !node.is_mapping() && !node.is_sequence() {
                    let whole = node.text();
                    whole.lines().chain([whole]).for_each(|value| self.add_if(is_below, value));
                    // Patches, and files in files.
                    if depth > 0 && whole.contains([':', '{']) && whole.contains(['\n', '{']) {
                        self.add_documents(whole, depth - 1);
                    }
                }
            }
        }
        stream.errors.is_empty()
    }

    /// What is quoted or assigned on lines of a text that may contain a secret.
    fn add_lines(&mut self, text: &str) {
        for (text, hidden) in text.split('\n').zip(hidden_lines(text)) {
            if !hidden {
                continue;
            }
            for quote in ['"', '\'', '`'] {
                let parts: Vec<&str> = text.split(quote).collect();
                let (pairs, rest) = parts.as_chunks::<2>();
                let after = pairs.iter().map(|[before, _]| *before).chain(rest.first().copied());
                for ([before, quoted], after) in pairs.iter().zip(after.skip(1)) {
                    // Messages are phrases, templates have names, and `dict` has keys.
                    const NAMING: [&str; 4] = ["include", "template", "define", "dict"];
                    let is_name = NAMING.iter().any(|word| before.trim_end().ends_with(word))
                        || text.contains("dict ") && is_variable(before) && is_variable(after);
                    if !is_name && !quoted.contains(' ') {
                        self.add_if(true, quoted);
                    }
                }
            }
            let outside = text.split("{{").next().unwrap_or_default();
            if let Some((_, value)) = outside.split_once([':', '=']) {
                self.add_if(true, value.trim_matches([' ', '"', '\'', '\r', '*', '&', '!']));
            }
        }
    }

    /// A value that is a secret if its name says so, or if it looks like one.
    fn add_if(&mut self, is_named: bool, value: &str) {
        let value = value.trim();
        let is_secret = is_named && !is_public(value)
            || word::looks_secret(value) && !value.contains("://")
            || line::has_user_info(value);
        if value.len() < MIN_LENGTH || self.values.len() >= MAX_VALUES {
            return;
        }
        if is_secret {
            self.values.push(value.to_owned());
        }
        // `literals: [password=x]`, `Server=db;Password=x`.
        for part in value.split(';').filter(|part| part.len() < value.len() || part.contains('=')) {
            if let Some((key, inner)) = part.split_once('=')
                && inner.len() >= MIN_LENGTH
                && (is_named || name::is_secret(key.trim()) || word::looks_secret(inner))
                && !is_public(inner)
            {
                self.values.push(inner.to_owned());
            }
        }
    }
}

/// Whether what is below a field with this name is a secret. What generators make of literals is
/// one, too.
fn is_secret(name: &str) -> bool {
    name::is_secret(name) || name == "literals"
}

/// Whether the first thing between two literals of a template is a variable: `.Values.name`.
fn is_variable(between: &str) -> bool {
    between.trim_start().starts_with(['.', '$'])
}

/// Whether a value says nothing, or is the name of a secret: `password`, `admin-token`.
pub(super) fn is_public(value: &str) -> bool {
    const WORDS: &[&str] = &["true", "false", "null", "none", "default", "enabled", "disabled"];
    let is_part = |c: char| c.is_ascii_alphabetic() || matches!(c, '-' | '_' | '.');
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(value))
        || value.starts_with(['$', '{']) && value.contains('{')
        || value.chars().all(is_part) && crate::names::read(value).is_some()
}

/// Whether a range is not a part of a longer word.
fn is_word(text: &str, range: &Range<usize>) -> bool {
    let is_part = |c: char| c.is_alphanumeric();
    let before = text.get(..range.start).and_then(|it| it.chars().next_back());
    let after = text.get(range.end..).and_then(|it| it.chars().next());
    !before.is_some_and(is_part) && !after.is_some_and(is_part)
}

/// At most this many bytes of a text, at the border of a character.
pub(super) fn beginning(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: &str = "auth:\n  password: walnut\n  pin: 83454102\nmode: plain\nname: web\n\
                          users:\n- name: a\n  token: |\n    first part\n    second part\nenv:\n- name: DB_PASSWORD\n  value: mango\n";

    fn shown(message: &str) -> String {
        let mut known = KnownValues::default();
        known.add_file("values.yaml", VALUES);
        known.add_assignments("db.password=tundra,a.b=c,list={kestrel,x},apiKey=one\\,two");
        known.add("token", "ki/o&x");
        known.add_file("x.env", "DB_PASSWORD=siskin\nNAME=shop\n");
        known.shown(message).to_string()
    }

    #[test]
    fn values_are_masked_in_every_form() {
        for (message, expected) in [
            ("walnut is too short", "*** is too short"),
            ("\"WALNUT123\" is too short", "\"***123\" is too short"),
            ("got d2FsbnV0, want", "got ***, want"),
            ("got 8.3454102e+07", "got ***"),
            ("first part\\nsecond part", "***"),
            ("db tundra is wrong", "db *** is wrong"),
            ("got siskin", "got ***"),
            ("got bWFuZ28=", "got ***="),
            ("got NVQW4Z3P", "got ***"),
            ("got 6d616e676f, 6d 61 6e 67 6f", "got ***, ***"),
            ("got ognam", "got ***"),
            ("got ki%2Fo%26x, ki&amp;", "got ***, ki&amp;"),
            ("got tund...", "got ***..."),
            ("it tundras", "it ***s"),
            ("the shop web is wrong: use plain", "the shop web is wrong: use plain"),
            ("the value of PIN is mango", "the value of PIN is ***"),
            ("set auth.password", "set auth.password"),
        ] {
            assert_eq!(shown(message), expected);
        }
    }

    #[test]
    fn keys_of_a_dict_are_no_secrets() {
        let mut known = KnownValues::default();
        let template = "{{ $pullSecrets = include \"x\" (dict \"value\" .name \"context\" $.all) }}\n\
                        {{ $password := dict \"of\" .name \"is\" \"walnut\" \"or\" (default \"mango\" .x) }}";
        known.add_file("templates/_a.tpl", template);
        let shown = |message| known.shown(message).to_string();
        assert_eq!(shown("a value in this context"), "a value in this context");
        assert_eq!(shown("walnut and mango"), "*** and ***");
    }

    #[test]
    fn a_message_of_a_template_is_no_secret() {
        let mut known = KnownValues::default();
        known.add_file("templates/a.yaml", "{{ fail \"set the password of the database\" }}\n");
        assert_eq!(
            known.shown("set the password of the database").to_string(),
            "set the password of the database"
        );
    }
}
