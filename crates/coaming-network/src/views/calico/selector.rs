//! Calico's selector language: `app == 'web' && (tier in {'a', 'b'} || !has(canary))`.
//!
//! A selector becomes one of the model: negations move to the labels, where each operator has an
//! opposite. Its length and its depth are bounded.

use crate::selector::{Operator, Pattern, Selector};

/// The longest selector that is read, in bytes.
const MOST_BYTES: usize = 16 << 10;
/// How deep parentheses and negations may nest.
const MOST_DEPTH: usize = 64;

/// Why a selector is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SelectorError {
    /// It is too long or too deep.
    #[error("the selector is too long or nested too deeply")]
    Size,
    /// Something else is where this was expected.
    #[error("the selector is not valid at byte {at}: expected {expected}")]
    Syntax {
        /// Where, in bytes from its start.
        at: usize,
        /// What was expected.
        expected: &'static str,
    },
}

/// Reads a selector; `key` maps the keys that it mentions to those of the model. An empty one is
/// `all()`, and `global()` says nothing about labels.
pub(super) fn parse(text: &str, key: &dyn Fn(&str) -> String) -> Result<Selector, SelectorError> {
    match text.trim() {
        "" | "global()" => Ok(Selector::everything()),
        _ => read(text, false, key),
    }
}

/// Reads the opposite of a selector: what matches where this text does not.
pub(super) fn negated(text: &str, key: &dyn Fn(&str) -> String) -> Result<Selector, SelectorError> {
    read(text, true, key)
}

fn read(
    text: &str,
    negated: bool,
    key: &dyn Fn(&str) -> String,
) -> Result<Selector, SelectorError> {
    if text.len() > MOST_BYTES {
        return Err(SelectorError::Size);
    }
    let mut parser = Parser { text, at: 0, key };
    let selector = parser.any(negated, 0)?;
    parser.space();
    if parser.at < text.len() {
        return Err(parser.expected("`&&`, `||` or the end"));
    }
    Ok(selector)
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    key: &'t dyn Fn(&str) -> String,
}

impl<'t> Parser<'t> {
    fn expected(&self, expected: &'static str) -> SelectorError {
        SelectorError::Syntax { at: self.at, expected }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Takes a mark, if it comes next.
    fn mark(&mut self, mark: &str) -> bool {
        self.space();
        let found = self.rest().starts_with(mark);
        self.at += if found { mark.len() } else { 0 };
        found
    }

    /// Takes words, if they come next, each ended by something else than a letter.
    fn words(&mut self, words: &[&str]) -> bool {
        let before = self.at;
        for word in words {
            self.space();
            let ended = |rest: &str| !rest.starts_with(|next: char| next.is_ascii_alphanumeric());
            match self.rest().strip_prefix(word) {
                Some(rest) if ended(rest) => self.at += word.len(),
                _ => {
                    self.at = before;
                    return false;
                }
            }
        }
        true
    }

    /// Parts joined by `||`. Under a negation they are joined by "and".
    fn any(&mut self, negated: bool, depth: usize) -> Result<Selector, SelectorError> {
        if depth > MOST_DEPTH {
            return Err(SelectorError::Size);
        }
        let mut parts = vec![self.all(negated, depth)?];
        while self.mark("||") {
            parts.push(self.all(negated, depth)?);
        }
        Ok(joined(parts, negated))
    }

    /// Parts joined by `&&`. Under a negation they are joined by "or".
    fn all(&mut self, negated: bool, depth: usize) -> Result<Selector, SelectorError> {
        let mut parts = vec![self.part(negated, depth)?];
        while self.mark("&&") {
            parts.push(self.part(negated, depth)?);
        }
        Ok(joined(parts, !negated))
    }

    fn part(&mut self, negated: bool, depth: usize) -> Result<Selector, SelectorError> {
        let mut negated = negated;
        while self.mark("!") {
            negated = !negated;
        }
        if self.mark("(") {
            let inner = self.any(negated, depth + 1)?;
            return if self.mark(")") { Ok(inner) } else { Err(self.expected("`)`")) };
        }
        if self.mark("all()") {
            return Ok(if negated { Selector::any_of(Vec::new()) } else { Selector::everything() });
        }
        if self.mark("has(") {
            let key = self.key()?;
            if !self.mark(")") {
                return Err(self.expected("`)`"));
            }
            return Ok(test(&key, Operator::Exists, negated));
        }
        let key = self.key()?;
        let operator = if self.mark("==") {
            Operator::In(vec![self.value()?])
        } else if self.mark("!=") {
            Operator::NotIn(vec![self.value()?])
        } else if self.words(&["in"]) {
            Operator::In(self.values()?)
        } else if self.words(&["not", "in"]) {
            Operator::NotIn(self.values()?)
        } else if self.words(&["contains"]) {
            Operator::Like(Pattern::Contains(self.value()?))
        } else if self.words(&["starts", "with"]) {
            Operator::Like(Pattern::StartsWith(self.value()?))
        } else if self.words(&["ends", "with"]) {
            Operator::Like(Pattern::EndsWith(self.value()?))
        } else {
            return Err(self.expected("an operator"));
        };
        Ok(test(&key, operator, negated))
    }

    fn key(&mut self) -> Result<String, SelectorError> {
        self.space();
        let rest = self.rest();
        let is_key = |it: char| it.is_ascii_alphanumeric() || "_./-".contains(it);
        let length = rest.find(|next| !is_key(next)).unwrap_or(rest.len());
        match rest.get(..length) {
            Some(key) if length > 0 => {
                self.at += length;
                Ok((self.key)(key))
            }
            _ => Err(self.expected("the key of a label")),
        }
    }

    /// A text in single or double quotes.
    fn value(&mut self) -> Result<String, SelectorError> {
        self.space();
        let rest = self.rest();
        let quote = rest.chars().next().filter(|quote| matches!(quote, '\'' | '"'));
        let text = quote.and_then(|quote| rest.get(1..)?.split_once(quote)).map(|(text, _)| text);
        match text {
            Some(text) => {
                self.at += text.len() + 2;
                Ok(text.to_owned())
            }
            None => Err(self.expected("a text in quotes")),
        }
    }

    /// `{'a', 'b'}`.
    fn values(&mut self) -> Result<Vec<String>, SelectorError> {
        if !self.mark("{") {
            return Err(self.expected("`{`"));
        }
        let mut values = Vec::new();
        if self.mark("}") {
            return Ok(values);
        }
        loop {
            values.push(self.value()?);
            if self.mark("}") {
                break;
            }
            if !self.mark(",") {
                return Err(self.expected("`,` or `}`"));
            }
        }
        values.sort_unstable();
        values.dedup();
        Ok(values)
    }
}

fn joined(mut parts: Vec<Selector>, by_and: bool) -> Selector {
    match (parts.len(), by_and) {
        (1, _) => parts.pop().unwrap_or_default(),
        (_, true) => Selector::all_of(parts),
        (_, false) => Selector::any_of(parts),
    }
}

/// A selector of one requirement, or of its opposite.
fn test(key: &str, operator: Operator, negated: bool) -> Selector {
    let operator = match (negated, operator) {
        (false, operator) => operator,
        (true, Operator::In(values)) => Operator::NotIn(values),
        (true, Operator::NotIn(values)) => Operator::In(values),
        (true, Operator::Exists) => Operator::DoesNotExist,
        (true, Operator::DoesNotExist) => Operator::Exists,
        (true, Operator::Like(pattern)) => Operator::NotLike(pattern),
        (true, Operator::NotLike(pattern)) => Operator::Like(pattern),
    };
    let mut selector = Selector::everything();
    selector.require(key, operator);
    selector
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::selector::Labels;

    fn matches(text: &str, labels: &[(&str, &str)]) -> bool {
        let labels: Labels =
            labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        parse(text, &str::to_owned).unwrap().matches(&labels)
    }

    #[test]
    fn operators() {
        let labels = [("app", "web-1"), ("tier", "a")];
        for text in [
            "app == 'web-1'",
            "app != \"db\"",
            "role != 'x'",
            "tier in {'a','b'}",
            "tier not in { 'c' }",
            "app contains 'eb'",
            "app starts with 'web'",
            "app ends with '-1'",
            "has(app)",
            "!has(role)",
            "all()",
            "",
            "app=='x'||tier=='a'&&!(role contains 'x')",
            "!(app == 'x' || tier == 'b')",
            "! (app == 'web-1' && tier == 'b')",
        ] {
            assert!(matches(text, &labels), "{text}");
        }
        for text in ["!all()", "app == 'web'", "has(role)", "role contains ''", "tier in {}"] {
            assert!(!matches(text, &labels), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_a_selector() {
        for text in [
            "app",
            "app = 'x'",
            "app == x",
            "app == 'x",
            "(all()",
            "all() all()",
            "&&",
            "has(a)) || (has(b)",
        ] {
            assert!(parse(text, &str::to_owned).is_err(), "{text}");
            assert!(negated(text, &str::to_owned).is_err(), "{text}");
        }
        assert_eq!(parse(&"(".repeat(1000), &str::to_owned), Err(SelectorError::Size));
    }

    proptest! {
        #[test]
        fn any_text_has_an_end(text in "[ahs()!&|='{} ,]{0,40}") {
            drop(parse(&text, &str::to_owned));
        }
    }
}
