//! `snakecase` and `kebabcase`: words are found, and joined by a connector. `camelcase`: connectors
//! are removed.

use super::letters;

/// What a word consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    None,
    /// Letters, all but the first of which are in lower case.
    Letters,
    /// Starts with a letter in upper case.
    Upper,
    Digits,
    /// Blanks, `-` and `_`.
    Connector,
    Punctuation,
    Other,
}

impl Kind {
    fn of(c: char) -> Self {
        match c {
            c if is_connector(c) => Self::Connector,
            c if is_punctuation(c) => Self::Punctuation,
            c if c.is_uppercase() => Self::Upper,
            c if is_letter(c) => Self::Letters,
            c if c.is_numeric() => Self::Digits,
            _ => Self::Other,
        }
    }

    /// Whether it stays apart from its neighbors without a connector.
    fn divides(self) -> bool {
        matches!(self, Self::Connector | Self::Punctuation)
    }
}

fn is_connector(c: char) -> bool {
    matches!(c, '-' | '_') || c.is_whitespace()
}

fn is_punctuation(c: char) -> bool {
    match c {
        '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~' => false,
        c if c.is_ascii() => c.is_ascii_punctuation(),
        c => matches!(
            u32::from(c),
            0xa1 | 0xa7 | 0xab | 0xb6 | 0xb7 | 0xbb | 0xbf | 0x2010..=0x2027 | 0x2030..=0x205e
                | 0x3001..=0x3003
        ),
    }
}

/// Letters of scripts with words: ideographs are none.
fn is_letter(c: char) -> bool {
    c.is_alphabetic()
        && !matches!(u32::from(c), 0x3400..=0x4db5 | 0x4e00..=0x9fcc | 0xf900..=0xfaff | 0x2_0000..=0x2_fa1d)
}

/// The words of a text, one after the other.
struct Words<'t> {
    rest: &'t str,
}

impl<'t> Words<'t> {
    fn next(&mut self) -> (Kind, &'t str) {
        let mut chars = self.rest.char_indices().peekable();
        let Some((_, first)) = chars.next() else { return (Kind::None, "") };
        let kind = Kind::of(first);
        let second = chars.peek().map(|(_, c)| *c);
        let end = match (kind, second) {
            (Kind::Upper, Some(second)) if second.is_uppercase() => {
                // An acronym, without the first letter of the word after it.
                let mut last = 0;
                let end = chars.find(|(at, c)| {
                    let goes_on = c.is_uppercase();
                    last = if goes_on { *at } else { last };
                    !goes_on
                });
                match end {
                    Some((_, c)) if is_letter(c) => Some(last),
                    end => end.map(|(at, _)| at),
                }
            }
            (Kind::Upper | Kind::Letters, _) => {
                chars.find(|(_, c)| !is_letter(*c) || c.is_uppercase()).map(|(at, _)| at)
            }
            (Kind::Other, _) => chars.find(|(_, c)| Kind::of(*c) != Kind::Other).map(|(at, _)| at),
            _ => chars.find(|(_, c)| Kind::of(*c) != kind).map(|(at, _)| at),
        };
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        (kind, word)
    }
}

/// A text in lower case, with a connector between its words. Digits belong to the word before them,
/// unless letters follow: `Bld4Floor` has two words, and `HTTP2xx` has `2xx`.
pub(super) fn separated(text: &str, connector: char) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut words = Words { rest: text };
    let (mut kind, mut word) = words.next();
    while !words.rest.is_empty() {
        let previous = (kind, word);
        if kind != Kind::Connector {
            write(kind, word, connector, &mut out);
        }
        (kind, word) = words.next();
        match previous.0 {
            Kind::Digits => {
                write_digits_and_letters(&mut words, &mut kind, &mut word, connector, &mut out);
                if kind != Kind::None && !kind.divides() {
                    out.push(connector);
                }
            }
            Kind::Connector => write(Kind::Connector, previous.1, connector, &mut out),
            Kind::Punctuation => {}
            _ if kind != Kind::Digits => {
                if !kind.divides() {
                    out.push(connector);
                }
            }
            _ if words.rest.is_empty() => {}
            _ => {
                let digits = word;
                (kind, word) = words.next();
                if kind == Kind::Letters {
                    out.push(connector);
                    out.push_str(digits);
                    write_digits_and_letters(&mut words, &mut kind, &mut word, connector, &mut out);
                    if kind != Kind::None && !kind.divides() {
                        out.push(connector);
                    }
                } else {
                    out.push_str(digits);
                    if !kind.divides() {
                        out.push(connector);
                    }
                }
            }
        }
    }
    write(kind, word, connector, &mut out);
    out
}

fn write_digits_and_letters<'t>(
    words: &mut Words<'t>,
    kind: &mut Kind,
    word: &mut &'t str,
    connector: char,
    out: &mut String,
) {
    while matches!(kind, Kind::Letters | Kind::Digits) {
        write(*kind, word, connector, out);
        (*kind, *word) = words.next();
    }
}

fn write(kind: Kind, word: &str, connector: char, out: &mut String) {
    if !matches!(kind, Kind::Upper | Kind::Connector) {
        return out.push_str(word);
    }
    for c in word.chars() {
        match c {
            c if is_connector(c) => out.push(connector),
            c => out.push(letters::lower(c)),
        }
    }
}

/// A text in which a letter in upper case takes the place of a connector. Connectors before the first
/// word stay, and so do all but one of several in a row.
pub(super) fn camel(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let is_inside = |c: &char| !is_connector(*c);
    let start = text.find(|c| is_inside(&c)).unwrap_or(text.len());
    let (leading, rest) = text.split_at(start);
    out.push_str(leading);
    if rest.is_empty() {
        // Without any word, the last connector is written twice.
        out.extend(leading.chars().next_back());
        return out;
    }
    // Whether all letters of the word were in upper case so far.
    let mut is_upper = false;
    let mut pending: Option<char> = None;
    for c in rest.chars() {
        let c = match pending {
            Some(previous) if is_connector(previous) && is_connector(c) => {
                out.push(previous);
                c
            }
            Some(previous) if !is_connector(previous) => {
                out.push(previous);
                let is_next_upper = c.is_uppercase();
                let lowers = is_upper && is_next_upper;
                is_upper = lowers;
                if lowers { letters::lower(c) } else { c }
            }
            _ => {
                is_upper = c.is_uppercase();
                letters::upper(c)
            }
        };
        pending = Some(c);
    }
    out.extend(pending);
    out
}
