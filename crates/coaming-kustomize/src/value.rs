//! The trees that a build changes: YAML nodes whose scalars keep their text, because Kustomize
//! compares and edits texts and decides about types only when it writes them.

use std::rc::Rc;

use coaming_helm::{Location, Source, SourceMap};
use coaming_yaml::{Kind as NodeKind, Node, Scalar as Typed, ScalarStyle};

use crate::scalar;
use crate::share::Share;

/// A node and where it is from.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) kind: Kind,
    pub(crate) source: Source,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Scalar(Scalar),
    List(Vec<Value>),
    Map(Vec<Entry>),
}

/// A single value.
#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    pub(crate) text: Rc<str>,
    /// Whether it is text, whatever it looks like. The type of others depends on their text.
    pub(crate) is_text: bool,
    /// Whether it is written in quotes or as a block, which a patch of it keeps.
    pub(crate) is_quoted: bool,
    /// The node that it is together with other places of its object.
    pub(crate) share: Option<Share>,
}

/// A key with its value. Keys of a mapping are distinct.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: Rc<str>,
    /// Whether the key is written without quotes and tag, so that its type depends on its text.
    pub(crate) is_plain: bool,
    pub(crate) source: Source,
    pub(crate) value: Value,
}

impl Entry {
    /// Whether the key is not text: a number, a truth value, a date.
    pub(crate) fn has_typed_key(&self) -> bool {
        self.is_plain && scalar::kind_of(&self.key) != scalar::Type::Text
    }
}

impl Scalar {
    /// What it means.
    pub(crate) fn resolved(&self) -> scalar::Resolved<'_> {
        if self.is_text {
            scalar::Resolved::Text((&*self.text).into())
        } else {
            scalar::resolve(&self.text)
        }
    }
}

impl Value {
    pub(crate) fn text(text: &str, source: Source) -> Self {
        Self::scalar(text, true, source)
    }

    /// A scalar whose type depends on its text.
    pub(crate) fn plain(text: &str, source: Source) -> Self {
        Self::scalar(text, false, source)
    }

    fn scalar(text: &str, is_text: bool, source: Source) -> Self {
        let scalar = Scalar { text: text.into(), is_text, is_quoted: false, share: None };
        Self { kind: Kind::Scalar(scalar), source }
    }

    pub(crate) fn map(source: Source) -> Self {
        Self { kind: Kind::Map(Vec::new()), source }
    }

    pub(crate) fn list(items: Vec<Self>, source: Source) -> Self {
        Self { kind: Kind::List(items), source }
    }

    pub(crate) fn is_map(&self) -> bool {
        matches!(self.kind, Kind::Map(_))
    }

    pub(crate) fn is_list(&self) -> bool {
        matches!(self.kind, Kind::List(_))
    }

    pub(crate) fn is_null(&self) -> bool {
        match &self.kind {
            Kind::Scalar(scalar) => !scalar.is_text && scalar::is_null(&scalar.text),
            Kind::List(_) | Kind::Map(_) => false,
        }
    }

    /// The text of a scalar, whatever its type.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(&scalar.text),
            Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// The text of a scalar; empty for null and for what is not a scalar.
    pub(crate) fn str(&self) -> &str {
        if self.is_null() { "" } else { self.as_text().unwrap_or_default() }
    }

    pub(crate) fn is_true(&self) -> bool {
        matches!(self.as_text(), Some("true" | "True" | "TRUE"))
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            Kind::List(_) | Kind::Scalar(_) => &[],
        }
    }

    pub(crate) fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::List(items) => items,
            Kind::Map(_) | Kind::Scalar(_) => &[],
        }
    }

    pub(crate) fn items_mut(&mut self) -> &mut [Self] {
        match &mut self.kind {
            Kind::List(items) => items,
            Kind::Map(_) | Kind::Scalar(_) => &mut [],
        }
    }

    /// The value of a key, if this is a mapping that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| &*entry.key == key).map(|entry| &entry.value)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        match &mut self.kind {
            Kind::Map(entries) => {
                entries.iter_mut().find(|entry| &*entry.key == key).map(|entry| &mut entry.value)
            }
            Kind::List(_) | Kind::Scalar(_) => None,
        }
    }

    /// The value below these keys.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |value, key| value.get(key))
    }

    /// The text below these keys; empty without one.
    pub(crate) fn str_at(&self, path: &[&str]) -> &str {
        self.at(path).map(Self::str).unwrap_or_default()
    }

    /// Sets a key of a mapping; a scalar or list becomes a mapping. A scalar is written into the node
    /// that is there.
    pub(crate) fn set(&mut self, key: &str, mut value: Self) {
        if let Some(old) = self.get_mut(key) {
            if let (Kind::Scalar(old), Kind::Scalar(new)) = (&old.kind, &mut value.kind) {
                new.share = old.share;
            }
            *old = value;
            return;
        }
        let source = whole(value.source);
        let entry = Entry { key: key.into(), is_plain: false, source, value };
        match &mut self.kind {
            Kind::Map(entries) => entries.push(entry),
            Kind::List(_) | Kind::Scalar(_) => self.kind = Kind::Map(vec![entry]),
        }
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<Self> {
        match &mut self.kind {
            Kind::Map(entries) => {
                let index = entries.iter().position(|entry| &*entry.key == key)?;
                Some(entries.remove(index).value)
            }
            Kind::List(_) | Kind::Scalar(_) => None,
        }
    }

    /// The value of a key, which is made a mapping where it is missing.
    pub(crate) fn map_at(&mut self, key: &str) -> &mut Self {
        let source = self.source;
        let index = self.entries().iter().position(|entry| &*entry.key == key);
        if let Kind::List(_) | Kind::Scalar(_) = self.kind {
            self.kind = Kind::Map(Vec::new());
        }
        match &mut self.kind {
            Kind::Map(entries) => {
                let index = index.unwrap_or_else(|| {
                    let value = Self::map(source);
                    entries.push(Entry { key: key.into(), is_plain: false, source, value });
                    entries.len() - 1
                });
                let value = &mut entries[index].value;
                if value.is_null() {
                    value.kind = Kind::Map(Vec::new());
                }
                value
            }
            Kind::List(_) | Kind::Scalar(_) => unreachable!("made a mapping above"),
        }
    }

    /// Replaces the text of a scalar by another text, from elsewhere.
    pub(crate) fn set_text(&mut self, text: &str, source: Source) {
        *self = Self::text(text, source);
    }

    /// How many nodes it has.
    pub(crate) fn nodes(&self) -> u64 {
        match &self.kind {
            Kind::Scalar(_) => 1,
            Kind::List(items) => 1 + items.iter().map(Self::nodes).sum::<u64>(),
            Kind::Map(entries) => {
                1 + entries.iter().map(|entry| 1 + entry.value.nodes()).sum::<u64>()
            }
        }
    }
}

/// Where the bytes of a parsed text are in a file.
#[derive(Clone)]
pub(crate) struct Origins {
    file: usize,
    /// Where the text starts in a longer one, which the places are about.
    base: u32,
    places: Places,
}

#[derive(Clone)]
enum Places {
    /// The text is the file.
    Same,
    /// From these bytes of the text on, it is from these bytes of the file.
    Parts(Vec<(u32, u32)>),
    /// All of it is from one node.
    One(u32),
    /// A renderer made the text; its files are those of the build in this order.
    Rendered(SourceMap, Rc<dyn Fn(Location) -> Option<Location>>),
}

impl Origins {
    /// Of a whole file.
    pub(crate) fn file(file: usize) -> Self {
        Self { file, base: 0, places: Places::Same }
    }

    /// Of a text in a scalar at `location` of a file with the text `written`: a block keeps its
    /// lines, and quotes keep what has no escapes.
    pub(crate) fn inline(text: &str, location: Location, written: &str) -> Self {
        let start = location.offset as usize;
        let rest = written.get(start..).unwrap_or_default();
        let places = if location.verbatim {
            Places::Parts(vec![(0, location.offset)])
        } else if rest.starts_with('|') {
            Places::Parts(lines_of_block(text, rest, start))
        } else if rest.get(1..).is_some_and(|inner| inner.starts_with(text)) {
            Places::Parts(vec![(0, location.offset + 1)])
        } else {
            Places::One(location.offset)
        };
        Self { file: location.file, base: 0, places }
    }

    /// Of a text that a renderer made, whose files have other indices.
    pub(crate) fn rendered(
        map: SourceMap,
        files: Rc<dyn Fn(Location) -> Option<Location>>,
    ) -> Self {
        Self { file: 0, base: 0, places: Places::Rendered(map, files) }
    }

    /// Of a part of the text, from this byte on.
    pub(crate) fn from(&self, start: usize) -> Self {
        Self { base: u32::try_from(start).unwrap_or(u32::MAX), ..self.clone() }
    }

    fn locate(&self, offset: u32, verbatim: bool) -> Source {
        let offset = offset.saturating_add(self.base);
        let (offset, verbatim) = match &self.places {
            Places::Rendered(map, files) => {
                let source = map.at(offset as usize);
                let moved = |location: Option<Location>| {
                    let location = location.and_then(|location| files(location))?;
                    Some(Location { verbatim: location.verbatim && verbatim, ..location })
                };
                return Source {
                    template: moved(source.template),
                    values: moved(source.values),
                    generated: source.generated,
                };
            }
            Places::Same => (offset, verbatim),
            Places::One(start) => (*start, false),
            Places::Parts(parts) => {
                let after = parts.partition_point(|(start, _)| *start <= offset);
                match after.checked_sub(1).and_then(|index| parts.get(index)) {
                    Some((start, place)) => (place + (offset - start), verbatim),
                    None => (0, false),
                }
            }
        };
        let location = Location { file: self.file, offset, verbatim };
        Source { template: Some(location), ..Source::default() }
    }

    /// Where a byte of the text is.
    pub(crate) fn at(&self, offset: u32) -> Source {
        self.locate(offset, false)
    }

    fn of(&self, node: Node<'_>, verbatim: bool) -> Source {
        self.locate(node.span().map_or(0, |span| span.start), verbatim)
    }
}

/// Where the lines of a block are, whose header is at the start of `rest`.
fn lines_of_block(text: &str, rest: &str, start: usize) -> Vec<(u32, u32)> {
    let at = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
    let mut parts = Vec::new();
    let mut written = rest.split_inclusive('\n');
    let mut place = start + written.next().map_or(0, str::len);
    let mut offset = 0;
    for (line, written) in text.split_inclusive('\n').zip(written) {
        let content = written.trim_end_matches(['\n', '\r']);
        let indent = content.len().saturating_sub(line.trim_end_matches('\n').len());
        parts.push((at(offset), at(place + indent)));
        offset += line.len();
        place += written.len();
    }
    parts
}

/// Reads a node.
pub(crate) fn from_node(node: Node<'_>, origins: &Origins) -> Value {
    let source = origins.of(node, false);
    let kind = match node.kind() {
        NodeKind::Mapping => {
            let mut entries: Vec<Entry> = Vec::with_capacity(node.entries().len());
            let has_duplicates = !node.duplicate_keys().is_empty();
            for entry in node.entries() {
                let name = key_text(entry.key);
                // Of duplicates, the entry that wins.
                if has_duplicates && entries.iter().any(|known| &*known.key == name) {
                    continue;
                }
                let value = if has_duplicates && !is_shadowed(node, entry) {
                    node.get(entry.name()).unwrap_or(entry.value)
                } else {
                    entry.value
                };
                let source = origins.of(entry.key, false);
                let (is_plain, value) = (is_plain_key(entry.key), from_node(value, origins));
                entries.push(Entry { key: name.into(), is_plain, source, value });
            }
            Kind::Map(entries)
        }
        NodeKind::Sequence => {
            Kind::List(node.items().map(|item| from_node(item, origins)).collect())
        }
        NodeKind::Scalar => return scalar_of(node, origins),
    };
    Value { kind, source }
}

fn scalar_of(node: Node<'_>, origins: &Origins) -> Value {
    let style = node.scalar_style();
    let mut text = node.text();
    if matches!(style, Some(ScalarStyle::Literal | ScalarStyle::Folded)) {
        // A block at the end of a text without a last line break has none either.
        let source = node.document().source();
        let ends = node.span().is_some_and(|span| span.end as usize >= source.len());
        if ends && !source.ends_with('\n') {
            text = text.strip_suffix('\n').unwrap_or(text);
        }
    }
    let is_plain = style == Some(ScalarStyle::Plain);
    let is_str = matches!(node.scalar(), Some(Typed::Str(_)));
    // A tag such as `!!str` or `!!int` types a text, whatever it looks like.
    let is_text = is_str && !(is_plain && matches!(Typed::of_plain(text), Typed::Str(_)));
    let is_verbatim = node.text_span().is_some_and(|span| Some(span) == node.span());
    let scalar = Scalar { text: text.into(), is_text, is_quoted: !is_plain, share: None };
    Value { kind: Kind::Scalar(scalar), source: origins.of(node, is_verbatim) }
}

/// Whether another key of a mapping means the same to Kubernetes, and not to Kustomize: `on` and `Yes`.
fn is_shadowed(node: Node<'_>, entry: coaming_yaml::Entry<'_>) -> bool {
    let text = key_text(entry.key);
    node.entries().any(|other| other.name() == entry.name() && key_text(other.key) != text)
}

/// Whether a key has neither quotes nor a tag that makes it text.
fn is_plain_key(key: Node<'_>) -> bool {
    let is_text = matches!(key.scalar(), Some(Typed::Str(_)));
    key.scalar_style() == Some(ScalarStyle::Plain)
        && (!is_text || matches!(Typed::of_plain(key.text()), Typed::Str(_)))
}

/// A key as it is written: Kustomize does not resolve `on` and `1`.
pub(crate) fn key_text(key: Node<'_>) -> &str {
    let is_plain = key.scalar_style() == Some(ScalarStyle::Plain);
    match key.span() {
        Some(span) if is_plain => {
            let written = span.text(key.document().source());
            if written.is_empty() || written.contains('\n') { key.text() } else { written }
        }
        _ => key.text(),
    }
}

/// The place itself, without the bytes after it.
pub(crate) fn whole(source: Source) -> Source {
    let whole = |location: Location| Location { verbatim: false, ..location };
    Source {
        template: source.template.map(whole),
        values: source.values.map(whole),
        generated: source.generated,
    }
}
