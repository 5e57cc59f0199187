//! Values of expressions, each with the place that it is from.

use serde_json::Number;

use crate::Place;

/// A range of bytes of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Site {
    pub(crate) file: u32,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Site {
    /// Its first byte, as the place of something that was made there.
    pub(crate) fn place(self) -> Place {
        Place { file: self.file, offset: self.start, verbatim: false }
    }

    pub(crate) fn contains(self, other: Self) -> bool {
        self.file == other.file && self.start <= other.start && other.end <= self.end
    }
}

/// A value, and where it was written.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) kind: Kind,
    pub(crate) site: Site,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Known only when Terraform runs: the expression, as users read it.
    Unknown(String),
    /// What a known object or list does not have.
    Missing(String),
    Null,
    Bool(bool),
    Number(Number),
    Text(Vec<Piece>),
    List(Vec<Item>),
    Object(Vec<Entry>),
    /// What `yamlencode` or `jsonencode` was given.
    Encoded(Box<Value>),
}

/// A part of a text.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) text: String,
    pub(crate) place: Option<Place>,
    /// Where an interpolated value is from.
    pub(crate) value: Option<Place>,
    pub(crate) is_unknown: bool,
}

/// An item of a list, and the expression that makes it.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) site: Site,
    pub(crate) value: Value,
}

/// An entry of an object.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_site: Site,
    /// The expression that makes the value.
    pub(crate) site: Site,
    pub(crate) value: Value,
}

impl Value {
    pub(crate) fn new(kind: Kind, site: Site) -> Self {
        Self { kind, site }
    }

    pub(crate) fn unknown(text: &str, site: Site) -> Self {
        Self::new(Kind::Unknown(shown(text)), site)
    }

    pub(crate) fn text(text: impl Into<String>, site: Site) -> Self {
        let (text, place) = (text.into(), Some(site.place()));
        let piece = Piece { text, place, value: None, is_unknown: false };
        Self::new(Kind::Text(vec![piece]), site)
    }

    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self.kind, Kind::Unknown(_) | Kind::Missing(_))
    }

    /// The text of a known scalar, as templates write it.
    pub(crate) fn as_text(&self) -> Option<String> {
        match &self.kind {
            Kind::Bool(value) => Some(value.to_string()),
            Kind::Number(number) => Some(number.to_string()),
            Kind::Text(pieces) if pieces.iter().all(|piece| !piece.is_unknown) => {
                Some(pieces.iter().map(|piece| piece.text.as_str()).collect())
            }
            _ => None,
        }
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        match &self.kind {
            Kind::Bool(value) => Some(*value),
            _ => match self.as_text()?.as_str() {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            },
        }
    }

    pub(crate) fn as_number(&self) -> Option<f64> {
        match &self.kind {
            Kind::Number(number) => number.as_f64(),
            Kind::Text(_) => self.as_text()?.trim().parse().ok(),
            _ => None,
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match &self.kind {
            Kind::Object(entries) => {
                entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
            }
            Kind::List(items) => items.get(key.parse::<usize>().ok()?).map(|item| &item.value),
            _ => None,
        }
    }

    /// The keys and values that `for` and `for_each` go over; `None` if they are not known.
    pub(crate) fn elements(&self) -> Option<Vec<(Self, Self)>> {
        let key = |key: &str, site| Self::text(key, site);
        match &self.kind {
            Kind::Object(entries) => Some(
                entries.iter().map(|it| (key(&it.key, it.key_site), it.value.clone())).collect(),
            ),
            Kind::List(items) => {
                let numbered = items.iter().enumerate();
                let pairs = numbered
                    .map(|(place, it)| (Self::number(place as u64, it.site), it.value.clone()));
                Some(pairs.collect())
            }
            _ => None,
        }
    }

    pub(crate) fn number(number: u64, site: Site) -> Self {
        Self::new(Kind::Number(number.into()), site)
    }

    /// How much it costs to copy.
    pub(crate) fn size(&self) -> usize {
        1 + match &self.kind {
            Kind::Text(pieces) => pieces.iter().map(|piece| 1 + piece.text.len() / 32).sum(),
            Kind::List(items) => items.iter().map(|item| item.value.size()).sum(),
            Kind::Object(entries) => entries.iter().map(|entry| 1 + entry.value.size()).sum(),
            Kind::Encoded(value) => value.size(),
            _ => 0,
        }
    }

    /// Whether two known values are the same; `None` if that is not known.
    pub(crate) fn equals(&self, other: &Self) -> Option<bool> {
        match (&self.kind, &other.kind) {
            (Kind::Null, Kind::Null) => Some(true),
            (Kind::Bool(a), Kind::Bool(b)) => Some(a == b),
            (Kind::Unknown(_) | Kind::Missing(_), _) | (_, Kind::Unknown(_) | Kind::Missing(_)) => {
                None
            }
            (Kind::Null, _) | (_, Kind::Null) => Some(false),
            (Kind::List(a), Kind::List(b)) if a.is_empty() || b.is_empty() => {
                Some(a.len() == b.len())
            }
            (Kind::Object(a), Kind::Object(b)) if a.is_empty() || b.is_empty() => {
                Some(a.len() == b.len())
            }
            (Kind::Number(a), Kind::Number(b)) => Some(a.as_f64() == b.as_f64()),
            (Kind::Text(_), Kind::Text(_)) => Some(self.as_text()? == other.as_text()?),
            _ => None,
        }
    }
}

/// An expression as part of a manifest: `${var.image}`, on one line and not too long.
pub(crate) fn shown(expression: &str) -> String {
    const MAX: usize = 60;
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '(' | ')');
    let text: String =
        expression.chars().take(MAX).map(|c| if plain(c) { c } else { ' ' }).collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}
