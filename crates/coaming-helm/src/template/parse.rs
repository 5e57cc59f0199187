//! Parses a template.

use std::collections::HashMap;
use std::rc::Rc;

use super::lex::{Lexer, Number, Token};
use super::{Command, Node, Pipe, Template, Word};
use crate::functions;
use crate::origin::Origin;
use crate::text::{Buffer, Text};
use crate::value::Value;

/// How deep blocks and parentheses may nest.
const MAX_NESTING: usize = 150;

/// Why a template could not be parsed.
#[derive(Debug)]
pub(crate) struct ParseError {
    pub(crate) message: String,
    pub(crate) offset: usize,
}

/// Parses the text of a template, and the templates that it defines. `origin` is where the byte at
/// an offset comes from.
pub(crate) fn parse(
    name: &str,
    text: &str,
    origin: &dyn Fn(usize) -> Origin,
) -> Result<Vec<(Rc<str>, Template)>, ParseError> {
    let lexer = Lexer { text, at: 0 };
    let mut parser = Parser {
        lexer,
        origin,
        defined: Vec::new(),
        variables: vec!["$".into()],
        peeked: None,
        nesting: 0,
        loops: 0,
        trim: false,
    };
    let (body, end) = parser.list().map_err(|message| parser.fail(message))?;
    if end != End::Text {
        return Err(parser.fail(format!("unexpected {{{{{}}}}}", end.word())));
    }
    let mut defined = std::mem::take(&mut parser.defined);
    defined.push((name.into(), Template { body }));
    Ok(defined)
}

/// What ended a list of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Text,
    Block,
    Else,
    ElseIf,
    ElseWith,
}

impl End {
    fn word(self) -> &'static str {
        if self == Self::Block { "end" } else { "else" }
    }
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    origin: &'t dyn Fn(usize) -> Origin,
    defined: Vec<(Rc<str>, Template)>,
    variables: Vec<Rc<str>>,
    peeked: Option<(Token, usize)>,
    nesting: usize,
    loops: usize,
    /// Whether the last action removes the white space after it.
    trim: bool,
}

impl Parser<'_> {
    fn fail(&self, message: String) -> ParseError {
        ParseError { message, offset: self.lexer.at.min(self.lexer.text.len()) }
    }

    fn next(&mut self) -> Result<(Token, usize), String> {
        match self.peeked.take() {
            Some(token) => Ok(token),
            None => {
                let at = self.lexer.at;
                Ok((self.lexer.next()?, at))
            }
        }
    }

    fn peek(&mut self) -> Result<&Token, String> {
        let token = self.next()?;
        Ok(&self.peeked.insert(token).0)
    }

    fn skip_space(&mut self) -> Result<(), String> {
        while matches!(self.peek()?, Token::Space) {
            self.next()?;
        }
        Ok(())
    }

    /// Nodes up to the end of the text, or of the block.
    fn list(&mut self) -> Result<(Vec<Node>, End), String> {
        let mut nodes = Vec::new();
        loop {
            let rest = self.lexer.text.get(self.lexer.at..).unwrap_or_default();
            let (length, found) = match rest.find("{{") {
                Some(at) => (at, true),
                None => (rest.len(), false),
            };
            let after = rest.get(length + 2..).unwrap_or_default();
            let trims =
                found && after.starts_with('-') && after[1..].starts_with([' ', '\t', '\r', '\n']);
            self.text(rest.get(..length).unwrap_or_default(), trims, &mut nodes);
            if !found {
                return Ok((nodes, End::Text));
            }
            self.lexer.at += 2 + if trims { 1 } else { 0 };
            if self.comment()? {
                continue;
            }
            if let Some(end) = self.action(&mut nodes)? {
                return Ok((nodes, end));
            }
        }
    }

    /// A text node at the cursor; moves the cursor behind it.
    fn text(&mut self, text: &str, trims_end: bool, nodes: &mut Vec<Node>) {
        const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];
        let start = self.lexer.at;
        self.lexer.at += text.len();
        let mut kept = text;
        let mut at = start;
        if std::mem::take(&mut self.trim) {
            kept = kept.trim_start_matches(SPACE);
            at += text.len() - kept.len();
        }
        if trims_end {
            kept = kept.trim_end_matches(SPACE);
        }
        if !kept.is_empty() {
            nodes.push(self.literal(kept, at));
        }
    }

    /// Text of the template; its bytes may have several origins where a value is the template.
    fn literal(&self, text: &str, at: usize) -> Node {
        let (first, last) = ((self.origin)(at), (self.origin)(at + text.len() - 1));
        if first.advanced(text.len() - 1) == last {
            return Node::Text(Text::plain(text), first);
        }
        let mut buffer = Buffer::default();
        for (offset, part) in text.char_indices() {
            let end = offset + part.len_utf8();
            buffer.push(text.get(offset..end).unwrap_or_default(), (self.origin)(at + offset));
        }
        Node::Text(buffer.into_text(), Origin::default())
    }

    /// Skips a comment after `{{`, if there is one.
    fn comment(&mut self) -> Result<bool, String> {
        let rest = self.lexer.text.get(self.lexer.at..).unwrap_or_default();
        let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let is_trimmed = trimmed.len() != rest.len();
        // `{{ /*` is not a comment, `{{- /*` is.
        let marker = self.lexer.text.get(..self.lexer.at).is_some_and(|head| head.ends_with('-'));
        if !trimmed.starts_with("/*") || (is_trimmed && !marker) {
            return Ok(false);
        }
        let Some(length) = trimmed.find("*/") else { return Err("unclosed comment".to_owned()) };
        let mut end = self.lexer.at + (rest.len() - trimmed.len()) + length + 2;
        let after = self.lexer.text.get(end..).unwrap_or_default();
        if after.starts_with("}}") {
            end += 2;
            self.trim = false;
        } else {
            let spaces = after.len() - after.trim_start_matches([' ', '\t', '\r', '\n']).len();
            if spaces == 0 || !after.get(spaces..).is_some_and(|text| text.starts_with("-}}")) {
                return Err("comment ends before closing delimiter".to_owned());
            }
            end += spaces + 3;
            self.trim = true;
        }
        self.lexer.at = end;
        Ok(true)
    }

    /// One action after `{{`. Returns what it ends, if it is an `end` or an `else`.
    fn action(&mut self, nodes: &mut Vec<Node>) -> Result<Option<End>, String> {
        self.skip_space()?;
        let Token::Word(word) = self.peek()?.clone() else {
            nodes.push(self.pipeline_action()?);
            return Ok(None);
        };
        match &*word {
            "if" | "with" | "range" => {
                self.next()?;
                nodes.push(self.block(&word)?);
            }
            "end" => {
                self.next()?;
                self.end()?;
                return Ok(Some(End::Block));
            }
            "else" => return self.otherwise().map(Some),
            "define" | "block" => {
                if &*word == "define" && self.nesting > 0 {
                    return Err("unexpected <define> in command".to_owned());
                }
                self.next()?;
                self.definition(&word, nodes)?;
            }
            "template" => {
                self.next()?;
                nodes.push(self.call()?);
            }
            "break" | "continue" => {
                if self.loops == 0 {
                    return Err(format!("{{{{{word}}}}} outside {{{{range}}}}"));
                }
                self.next()?;
                self.end()?;
                nodes.push(if &*word == "break" { Node::Break } else { Node::Continue });
            }
            _ => nodes.push(self.pipeline_action()?),
        }
        Ok(None)
    }

    fn pipeline_action(&mut self) -> Result<Node, String> {
        let pipe = self.pipe(false, false)?;
        Ok(Node::Action(pipe))
    }

    /// `}}`.
    fn end(&mut self) -> Result<(), String> {
        self.skip_space()?;
        match self.next()? {
            (Token::End(trim), _) => {
                self.trim = trim;
                Ok(())
            }
            (token, _) => Err(format!("unexpected {token:?}")),
        }
    }

    fn otherwise(&mut self) -> Result<End, String> {
        self.next()?;
        self.skip_space()?;
        if let Token::Word(word) = self.peek()? {
            let end = match &**word {
                "if" => End::ElseIf,
                "with" => End::ElseWith,
                _ => return Err(format!("unexpected {word} in else")),
            };
            self.next()?;
            return Ok(end);
        }
        self.end()?;
        Ok(End::Else)
    }

    fn nest(&mut self) -> Result<(), String> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING { Err("nested too deeply".to_owned()) } else { Ok(()) }
    }

    fn block(&mut self, word: &str) -> Result<Node, String> {
        self.nest()?;
        let scope = self.variables.len();
        let pipe = self.pipe(false, word == "range")?;
        self.loops += usize::from(word == "range");
        let (body, mut end) = self.list()?;
        self.loops -= usize::from(word == "range");
        let mut otherwise = Vec::new();
        match end {
            End::Else => {
                (otherwise, end) = self.list()?;
                if end != End::Block {
                    return Err(format!("expected end; found {}", end.word()));
                }
            }
            End::ElseIf if word == "if" => otherwise.push(self.block("if")?),
            End::ElseWith if word == "with" => otherwise.push(self.block("with")?),
            End::Block => {}
            End::Text => return Err("unexpected EOF".to_owned()),
            End::ElseIf | End::ElseWith => return Err("unexpected else".to_owned()),
        }
        self.variables.truncate(scope);
        self.nesting -= 1;
        Ok(match word {
            "if" => Node::If { pipe, body, otherwise },
            "with" => Node::With { pipe, body, otherwise },
            _ => Node::Range { pipe, body, otherwise },
        })
    }

    fn name(&mut self) -> Result<Rc<str>, String> {
        self.skip_space()?;
        match self.next()? {
            (Token::Text(name, _), _) => Ok(name.into()),
            (token, _) => Err(format!("unexpected {token:?} in template name")),
        }
    }

    /// `define "name"`, or `block "name" pipeline`, which is a definition and its use.
    fn definition(&mut self, word: &str, nodes: &mut Vec<Node>) -> Result<(), String> {
        self.nest()?;
        let name = self.name()?;
        let origin = self.node(self.lexer.at);
        if word == "block" {
            let pipe = Some(self.pipe(false, false)?);
            nodes.push(Node::Template { name: Rc::clone(&name), pipe, origin });
        } else {
            self.end()?;
        }
        let outer = std::mem::replace(&mut self.variables, vec!["$".into()]);
        let loops = std::mem::take(&mut self.loops);
        let (body, end) = self.list()?;
        if end != End::Block {
            return Err(format!("unexpected {} in define clause", end.word()));
        }
        self.variables = outer;
        self.loops = loops;
        self.nesting -= 1;
        self.defined.push((name, Template { body }));
        Ok(())
    }

    fn call(&mut self) -> Result<Node, String> {
        let name = self.name()?;
        let origin = self.node(self.lexer.at);
        self.skip_space()?;
        let pipe = match self.peek()? {
            Token::End(_) => {
                self.end()?;
                None
            }
            _ => Some(self.pipe(false, false)?),
        };
        Ok(Node::Template { name, pipe, origin })
    }

    /// A pipeline up to its `}}` or `)`.
    fn pipe(&mut self, parenthesis: bool, range: bool) -> Result<Pipe, String> {
        self.skip_space()?;
        let origin = self.node(self.offset());
        let (variables, assigns) = self.declarations(range)?;
        let mut commands = Vec::new();
        loop {
            self.skip_space()?;
            let origin = self.node(self.offset());
            let words = self.words()?;
            if words.is_empty() {
                return Err("missing value for command".to_owned());
            }
            if commands.is_empty() {
            } else if matches!(words.first(), Some(Word::Constant(_) | Word::Dot | Word::Nil)) {
                return Err("non executable command in pipeline".to_owned());
            }
            commands.push(Command { words, origin });
            match self.next()?.0 {
                Token::Pipe => {}
                Token::Close if parenthesis => break,
                Token::End(trim) if !parenthesis => {
                    self.trim = trim;
                    break;
                }
                Token::End(_) => return Err("unclosed left paren".to_owned()),
                token => return Err(format!("unexpected {token:?} in command")),
            }
        }
        if !assigns {
            self.variables.extend(variables.iter().cloned());
        }
        Ok(Pipe { variables, assigns, commands, origin })
    }

    /// The origin of a node at `at`: all that it produces comes from there.
    fn node(&self, at: usize) -> Origin {
        let mut origin = (self.origin)(at);
        origin.template.verbatim = false;
        origin.value.verbatim = false;
        origin
    }

    fn offset(&self) -> usize {
        self.peeked.as_ref().map_or(self.lexer.at, |(_, at)| *at)
    }

    /// `$x :=`, `$x =`, or `$i, $e :=` of a range.
    fn declarations(&mut self, range: bool) -> Result<(Vec<Rc<str>>, bool), String> {
        let Token::Variable(first) = self.peek()?.clone() else { return Ok((Vec::new(), false)) };
        let start = (self.lexer.at, self.peeked.clone());
        let mut names = vec![first];
        self.next()?;
        loop {
            self.skip_space()?;
            match self.peek()?.clone() {
                token @ (Token::Declare | Token::Assign) => {
                    self.next()?;
                    let assigns = token == Token::Assign;
                    if let Some(name) =
                        names.iter().find(|name| assigns && !self.variables.contains(name))
                    {
                        return Err(format!("undefined variable {name:?}"));
                    }
                    return Ok((names, assigns));
                }
                Token::Comma if range && names.len() == 1 => {
                    self.next()?;
                    self.skip_space()?;
                    match self.next()?.0 {
                        Token::Variable(name) => names.push(name),
                        _ => return Err("range can only initialize variables".to_owned()),
                    }
                }
                _ => break,
            }
        }
        // Not a declaration: the variable is an operand.
        (self.lexer.at, self.peeked) = start;
        Ok((Vec::new(), false))
    }

    fn words(&mut self) -> Result<Vec<Word>, String> {
        let mut words = Vec::new();
        loop {
            self.skip_space()?;
            match self.peek()? {
                Token::Pipe | Token::Close | Token::End(_) => return Ok(words),
                _ => {
                    let word = match (self.word()?, words.first()) {
                        (Word::Constant(value), Some(Word::Function(function))) => {
                            Word::Constant(function.constant(words.len() - 1, value))
                        }
                        (word, _) => word,
                    };
                    words.push(word);
                }
            }
            match self.peek()? {
                Token::Space | Token::Pipe | Token::Close | Token::End(_) => {}
                token => return Err(format!("unexpected {token:?} in operand")),
            }
        }
    }

    fn word(&mut self) -> Result<Word, String> {
        let (token, at) = self.next()?;
        let word = match token {
            Token::Dot => Word::Dot,
            Token::Text(text, verbatim) => {
                let mut origin = (self.origin)(at + 1);
                origin.template.verbatim &= verbatim;
                Word::Constant(Value::from(text).at(origin))
            }
            Token::Number(Number::Int(value)) => {
                Word::Constant(Value::int(value).at(self.node(at)))
            }
            Token::Number(Number::Float(value)) => {
                Word::Constant(Value::float(value).at(self.node(at)))
            }
            Token::Field(name) => Word::Field(self.fields(vec![name])?),
            Token::Variable(name) => {
                if !self.variables.contains(&name) {
                    return Err(format!("undefined variable {name:?}"));
                }
                Word::Variable(name, self.fields(Vec::new())?)
            }
            Token::Open => {
                self.nest()?;
                let pipe = Box::new(self.pipe(true, false)?);
                self.nesting -= 1;
                match self.fields(Vec::new())? {
                    fields if fields.is_empty() => Word::Pipe(pipe),
                    fields => Word::Chain(pipe, fields),
                }
            }
            Token::Word(word) => match &*word {
                "true" | "false" => Word::Constant(Value::from(&*word == "true").at(self.node(at))),
                "nil" => Word::Nil,
                name => match functions::by_name(name) {
                    Some(function) => self.function(function, at)?,
                    None => return Err(format!("function {name:?} not defined")),
                },
            },
            token => return Err(format!("unexpected {token:?} in operand")),
        };
        Ok(word)
    }

    /// A function, or fields of what it gives without arguments: `now.Year`.
    fn function(
        &mut self,
        function: &'static functions::Function,
        at: usize,
    ) -> Result<Word, String> {
        let fields = self.fields(Vec::new())?;
        if fields.is_empty() {
            return Ok(Word::Function(function));
        }
        let origin = (self.origin)(at);
        let words = vec![Word::Function(function)];
        let commands = vec![Command { words, origin }];
        let pipe = Pipe { variables: Vec::new(), assigns: false, commands, origin };
        Ok(Word::Chain(Box::new(pipe), fields))
    }

    fn fields(&mut self, mut names: Vec<Rc<str>>) -> Result<Vec<Rc<str>>, String> {
        while let Token::Field(name) = self.peek()? {
            names.push(Rc::clone(name));
            self.next()?;
        }
        Ok(names)
    }
}

/// All templates by name, later definitions over earlier ones.
pub(crate) fn define(
    templates: &mut HashMap<Rc<str>, Rc<Template>>,
    parsed: Vec<(Rc<str>, Template)>,
) {
    for (name, template) in parsed {
        if templates.contains_key(&name) && template.is_empty() {
            continue;
        }
        templates.insert(name, Rc::new(template));
    }
}
