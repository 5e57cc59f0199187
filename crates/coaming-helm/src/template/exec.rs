//! Evaluates templates.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::parse::define;
use super::{Command, Node, Pipe, Template, Word};
use crate::Cluster;
use crate::budget::Budget;
use crate::functions::{self, Body};
use crate::origin::Origin;
use crate::print;
use crate::text::Buffer;
use crate::value::{Bytes, Kind, MapType, Object, Value};

/// All templates of a rendering by name.
pub(crate) type Templates = Rc<HashMap<Rc<str>, Rc<Template>>>;

/// How often `include`, `template` and `tpl` may nest.
const MAX_CALLS: usize = 1000;

/// Why an evaluation failed, and at which node.
#[derive(Debug)]
pub(crate) struct Error {
    pub(crate) message: String,
    pub(crate) origin: Origin,
}

/// How a list of nodes ended.
#[derive(PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

/// The evaluation of a chart's templates.
pub(crate) struct Exec {
    templates: RefCell<Templates>,
    depth: Cell<usize>,
    pub(crate) budget: Budget,
    /// Numbers the values that random functions made.
    pub(crate) generated: Cell<u64>,
    /// The innermost node that failed; messages of outer ones contain its message.
    pub(crate) failed: Cell<Option<Origin>>,
    /// What `lookup` reads.
    pub(crate) cluster: Option<Arc<dyn Cluster>>,
    /// How many objects were looked up.
    pub(crate) lookups: Cell<u32>,
}

/// The variables of one template call, innermost last.
struct Scope {
    variables: Vec<(Rc<str>, Value)>,
}

impl Scope {
    fn get(&self, name: &str) -> Value {
        let found = self.variables.iter().rev().find(|(known, _)| &**known == name);
        found.map_or(Value::NIL, |(_, value)| value.clone())
    }

    fn set(&mut self, name: &str, value: Value) {
        if let Some((_, slot)) = self.variables.iter_mut().rev().find(|(known, _)| &**known == name)
        {
            *slot = value;
        }
    }
}

impl Exec {
    pub(crate) fn new(templates: Templates, cluster: Option<Arc<dyn Cluster>>) -> Self {
        Self {
            templates: RefCell::new(templates),
            depth: Cell::new(0),
            budget: Budget::default(),
            generated: Cell::new(0),
            failed: Cell::new(None),
            cluster,
            lookups: Cell::new(0),
        }
    }

    /// Evaluates a template by its name.
    pub(crate) fn run(&self, name: &str, data: Value) -> Result<Buffer, Error> {
        let fail = |message: String| Error { message, origin: Origin::default() };
        let template = self.templates.borrow().get(name).cloned();
        let Some(template) = template else {
            return Err(fail(format!("no template {name:?} associated with template \"gotpl\"")));
        };
        self.run_template(name, &template, data)
    }

    fn run_template(&self, name: &str, template: &Template, data: Value) -> Result<Buffer, Error> {
        let fail = |message: String| Error { message, origin: Origin::default() };
        if self.depth.get() >= MAX_CALLS {
            return Err(fail(format!(
                "rendering template has a nested reference name: {name}: \
                 unable to execute template"
            )));
        }
        self.depth.set(self.depth.get() + 1);
        let mut scope = Scope { variables: vec![("$".into(), data.clone())] };
        let mut out = Buffer::default();
        let flow = self.list(&template.body, &data, &mut scope, &mut out);
        self.depth.set(self.depth.get() - 1);
        flow.map(|_| out)
    }

    /// Evaluates a text as a template that sees all others; its own definitions end with it.
    pub(crate) fn run_text(&self, text: &Value, data: Value) -> Result<Value, String> {
        let Kind::Text(marked) = &text.kind else { return Err("expected string".to_owned()) };
        if !marked.as_str().contains("{{") {
            return Ok(text.clone());
        }
        self.budget.bytes(marked.as_str().len())?;
        let origin = |offset: usize| marked.origin_at(offset, text.origin);
        let parsed = super::parse("gotpl", marked.as_str(), &origin).map_err(|error| {
            format!("cannot parse template {:?}: {}", marked.as_str(), error.message)
        })?;
        let result = match parsed.as_slice() {
            // It defines nothing and does not call itself: the others need not be copied.
            [(name, own)] if !marked.as_str().contains(&**name) => {
                self.run_template(name, own, data)
            }
            _ => self.run_defining(parsed, data)?,
        };
        match result {
            Ok(buffer) => Ok(Value::from(buffer.without_no_value())),
            Err(error) => Err(format!(
                "error during tpl function execution for {:?}: {}",
                shortened(marked.as_str()),
                error.message
            )),
        }
    }

    /// Evaluates the last of these templates while all of them are defined.
    fn run_defining(
        &self,
        parsed: Vec<(Rc<str>, Template)>,
        data: Value,
    ) -> Result<Result<Buffer, Error>, String> {
        let outer = Rc::clone(&self.templates.borrow());
        self.budget.nodes(outer.len())?;
        let mut inner = HashMap::clone(&outer);
        define(&mut inner, parsed);
        *self.templates.borrow_mut() = Rc::new(inner);
        let result = self.run("gotpl", data);
        *self.templates.borrow_mut() = outer;
        Ok(result)
    }

    fn list(
        &self,
        nodes: &[Node],
        dot: &Value,
        scope: &mut Scope,
        out: &mut Buffer,
    ) -> Result<Flow, Error> {
        for node in nodes {
            match node {
                Node::Text(text, origin) => {
                    self.pay(text.as_str().len() + 16, *origin)?;
                    out.push_part(text, 0..text.as_str().len(), *origin);
                }
                Node::Action(pipe) => {
                    let value = self.pipe(pipe, dot, scope)?;
                    if pipe.variables.is_empty() {
                        self.print(&value, pipe.origin, out)?;
                    }
                }
                Node::If { pipe, body, otherwise } => {
                    let mark = scope.variables.len();
                    let value = self.pipe(pipe, dot, scope)?;
                    let chosen = if value.is_true() { body } else { otherwise };
                    let flow = self.list(chosen, dot, scope, out)?;
                    scope.variables.truncate(mark);
                    if flow != Flow::Next {
                        return Ok(flow);
                    }
                }
                Node::With { pipe, body, otherwise } => {
                    let mark = scope.variables.len();
                    let value = self.pipe(pipe, dot, scope)?;
                    let flow = if value.is_true() {
                        self.list(body, &value, scope, out)?
                    } else {
                        self.list(otherwise, dot, scope, out)?
                    };
                    scope.variables.truncate(mark);
                    if flow != Flow::Next {
                        return Ok(flow);
                    }
                }
                Node::Range { pipe, body, otherwise } => {
                    let mark = scope.variables.len();
                    let flow = self.range(pipe, body, otherwise, dot, scope, out)?;
                    scope.variables.truncate(mark);
                    if flow != Flow::Next {
                        return Ok(flow);
                    }
                }
                Node::Template { name, pipe, origin } => {
                    let data = match pipe {
                        Some(pipe) => self.pipe(pipe, dot, scope)?,
                        None => Value::NIL,
                    };
                    let inner = self.run(name, data).map_err(|error| error.within(*origin))?;
                    let text = inner.into_text();
                    self.pay(text.as_str().len(), *origin)?;
                    out.push_part(&text, 0..text.as_str().len(), *origin);
                }
                Node::Break => return Ok(Flow::Break),
                Node::Continue => return Ok(Flow::Continue),
            }
        }
        Ok(Flow::Next)
    }

    fn pay(&self, bytes: usize, origin: Origin) -> Result<(), Error> {
        self.budget.bytes(bytes).map_err(|message| Error { message, origin })
    }

    fn print(&self, value: &Value, origin: Origin, out: &mut Buffer) -> Result<(), Error> {
        let before = out.len();
        match &value.kind {
            Kind::Text(text) => {
                out.push_part(text, 0..text.as_str().len(), value.origin.or(origin));
            }
            Kind::Nil => out.push("<no value>", value.origin.or(origin)),
            Kind::Object(object) if let Some(version) = object.version() => {
                out.push(version, value.origin.or(origin));
            }
            _ => {
                let text = print::plain(value, &self.budget)
                    .map_err(|message| Error { message, origin })?;
                out.push(&text, value.origin.or(origin));
            }
        }
        self.pay(out.len() - before + 64, origin)
    }

    fn range(
        &self,
        pipe: &Pipe,
        body: &[Node],
        otherwise: &[Node],
        dot: &Value,
        scope: &mut Scope,
        out: &mut Buffer,
    ) -> Result<Flow, Error> {
        // The range's variables are set for each element, not by the pipeline.
        let value = self.commands(pipe, dot, scope)?;
        let fail = |message| Error { message, origin: pipe.origin };
        if let Kind::Int(count) | Kind::Int64(count) = value.kind
            && pipe.variables.len() > 1
        {
            return Err(fail(format!("can't use {count} to iterate over more than one variable")));
        }
        let pairs = elements(&value).map_err(fail)?;
        if let Some(count) = pairs.count() {
            self.budget.nodes(count.min(1 << 24)).map_err(fail)?;
        }
        let mut any = false;
        for (key, element) in pairs.iterate() {
            any = true;
            self.budget.nodes(1).map_err(fail)?;
            let mark = scope.variables.len();
            match pipe.variables.as_slice() {
                [one] if pipe.assigns => scope.set(one, element.clone()),
                [one] => scope.variables.push((Rc::clone(one), element.clone())),
                [first, second] if pipe.assigns => {
                    scope.set(first, key);
                    scope.set(second, element.clone());
                }
                [first, second] => {
                    scope.variables.push((Rc::clone(first), key));
                    scope.variables.push((Rc::clone(second), element.clone()));
                }
                _ => {}
            }
            let flow = self.list(body, &element, scope, out)?;
            scope.variables.truncate(mark);
            if flow == Flow::Break {
                break;
            }
        }
        if any { Ok(Flow::Next) } else { self.list(otherwise, dot, scope, out) }
    }

    fn pipe(&self, pipe: &Pipe, dot: &Value, scope: &mut Scope) -> Result<Value, Error> {
        let value = self.commands(pipe, dot, scope)?;
        for name in &pipe.variables {
            if pipe.assigns {
                scope.set(name, value.clone());
            } else {
                scope.variables.push((Rc::clone(name), value.clone()));
            }
        }
        Ok(value)
    }

    fn commands(&self, pipe: &Pipe, dot: &Value, scope: &mut Scope) -> Result<Value, Error> {
        let mut last: Option<Value> = None;
        for command in &pipe.commands {
            self.budget.nodes(1).map_err(|message| Error { message, origin: command.origin })?;
            last = Some(self.command(command, dot, scope, last).map_err(|error| {
                let error = error.within(command.origin);
                if self.failed.get().is_none() {
                    self.failed.set(Some(error.origin));
                }
                error
            })?);
        }
        Ok(last.unwrap_or(Value::NIL))
    }

    fn command(
        &self,
        command: &Command,
        dot: &Value,
        scope: &mut Scope,
        last: Option<Value>,
    ) -> Result<Value, Error> {
        let fail = |message: String| Error { message, origin: command.origin };
        let Some((first, arguments)) = command.words.split_first() else { return Ok(Value::NIL) };
        if let Word::Function(function) = first {
            if let Body::Lazy(stops_at) = function.body {
                return self.lazily(stops_at, function.name, arguments, dot, scope, last);
            }
            let mut values = Vec::with_capacity(arguments.len() + 1);
            for word in arguments {
                values.push(self.word(word, dot, scope)?);
            }
            values.extend(last);
            return functions::call(self, function, &values)
                .map_err(|message| fail(called(function.name, message)));
        }
        if arguments.is_empty() && last.is_none() {
            return match first {
                Word::Nil => Err(fail("nil is not a command".to_owned())),
                word => self.word(word, dot, scope),
            };
        }
        // Only methods take arguments.
        let (receiver, names): (Value, &[Rc<str>]) = match first {
            Word::Field(names) => (dot.clone(), names),
            Word::Variable(name, names) => (scope.get(name), names),
            Word::Chain(pipe, names) => (self.pipe(pipe, dot, scope)?, names),
            _ => return Err(fail("can't give argument to non-function".to_owned())),
        };
        let Some((method, path)) = names.split_last() else {
            return Err(fail("can't give argument to non-function".to_owned()));
        };
        let receiver = self.chain(receiver, path).map_err(fail)?;
        let mut values = Vec::with_capacity(arguments.len() + 1);
        for word in arguments {
            values.push(self.word(word, dot, scope)?);
        }
        values.extend(last);
        match functions::method(self, &receiver, method, &values) {
            Some(result) => {
                result.map_err(|message| fail(format!("error calling {method}: {message}")))
            }
            None => Err(fail(format!("{method} is not a method but has arguments"))),
        }
    }

    /// `and` and `or` evaluate no more arguments than they need.
    fn lazily(
        &self,
        stops_at: bool,
        name: &str,
        words: &[Word],
        dot: &Value,
        scope: &mut Scope,
        last: Option<Value>,
    ) -> Result<Value, Error> {
        let mut value = None;
        for word in words {
            let current = self.word(word, dot, scope)?;
            if current.is_true() == stops_at {
                return Ok(current);
            }
            value = Some(current);
        }
        match last.or(value) {
            Some(value) => Ok(value),
            None => Err(Error {
                message: format!("wrong number of args for {name}: want at least 1 got 0"),
                origin: Origin::default(),
            }),
        }
    }

    fn word(&self, word: &Word, dot: &Value, scope: &mut Scope) -> Result<Value, Error> {
        let fail = |message: String| Error { message, origin: Origin::default() };
        match word {
            Word::Dot => Ok(dot.clone()),
            Word::Nil => Ok(Value::NIL),
            Word::Constant(value) => Ok(value.clone()),
            Word::Field(names) => self.fields(dot.clone(), names).map_err(fail),
            Word::Variable(name, names) => self.fields(scope.get(name), names).map_err(fail),
            Word::Chain(pipe, names) => {
                let value = self.pipe(pipe, dot, scope)?;
                self.fields(value, names).map_err(fail)
            }
            Word::Pipe(pipe) => self.pipe(pipe, dot, scope),
            Word::Function(function) => functions::call(self, function, &[])
                .map_err(|message| fail(called(function.name, message))),
        }
    }

    /// Follows fields; the last one may be a method without arguments.
    fn fields(&self, receiver: Value, names: &[Rc<str>]) -> Result<Value, String> {
        let Some((last, path)) = names.split_last() else { return Ok(receiver) };
        if receiver.is_nil() {
            return Ok(Value::NIL);
        }
        let was_field = !path.is_empty();
        let receiver = self.chain(receiver, path)?;
        if let Some(result) = functions::method(self, &receiver, last, &[]) {
            return result;
        }
        field_of(&receiver, last, was_field)
    }

    /// Follows fields, and methods without arguments, from a value.
    fn chain(&self, receiver: Value, names: &[Rc<str>]) -> Result<Value, String> {
        let mut value = receiver;
        if value.is_nil() {
            return Ok(value);
        }
        for (position, name) in names.iter().enumerate() {
            let method = match value.kind {
                Kind::Object(_) => functions::method(self, &value, name, &[]),
                _ => None,
            };
            value = method.unwrap_or_else(|| field_of(&value, name, position > 0))?;
        }
        Ok(value)
    }
}

impl Error {
    /// The error with the place of the node around it, if it has none.
    fn within(self, outer: Origin) -> Self {
        Self { origin: self.origin.or(outer), ..self }
    }
}

/// A field of a value. `was_field`: the value itself is the field of another, so that a missing one
/// has a type and may not be asked for fields.
pub(crate) fn field_of(value: &Value, name: &str, was_field: bool) -> Result<Value, String> {
    match &value.kind {
        Kind::Nil if was_field => Err(format!("nil pointer evaluating interface {{}}.{name}")),
        Kind::Nil => Ok(Value::NIL),
        Kind::Map(map, of) => {
            let found = map.borrow().get(name).cloned();
            Ok(found.unwrap_or_else(|| missing(*of)))
        }
        Kind::Object(object) => {
            if let Object::Struct(_, fields) = &**object
                && let Some((_, field)) = fields.iter().find(|(known, _)| *known == name)
            {
                return Ok(field.clone());
            }
            if let Object::Version(version) = &**object
                && let Some(value) = version.field(name)
            {
                return Ok(value);
            }
            Err(format!("can't evaluate field {name} in type {}", value.type_name()))
        }
        _ => Err(format!("can't evaluate field {name} in type {}", value.type_name())),
    }
}

/// What a mapping of this type has for a key that it does not have.
pub(crate) fn missing(of: MapType) -> Value {
    match of {
        MapType::Any | MapType::Values => Value::NIL,
        MapType::Texts => Value::from(""),
    }
}

/// What a `range` visits.
enum Elements {
    None,
    Numbers(i64, fn(i64) -> Value),
    Pairs(Vec<(Value, Value)>),
}

impl Elements {
    fn count(&self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Numbers(count, _) => usize::try_from(*count).ok(),
            Self::Pairs(pairs) => Some(pairs.len()),
        }
    }

    fn iterate(self) -> Box<dyn Iterator<Item = (Value, Value)>> {
        match self {
            Self::None => Box::new(std::iter::empty()),
            Self::Numbers(count, value) => {
                Box::new((0..count).map(move |number| (value(number), value(number))))
            }
            Self::Pairs(pairs) => Box::new(pairs.into_iter()),
        }
    }
}

fn elements(value: &Value) -> Result<Elements, String> {
    if let Some(items) = value.as_list() {
        let numbered = (0..).zip(items);
        let pairs = numbered.map(|(index, item)| (Value::int(index), item.clone())).collect();
        return Ok(Elements::Pairs(pairs));
    }
    match &value.kind {
        Kind::Nil => Ok(Elements::None),
        Kind::Int64(count) => Ok(Elements::Numbers(*count, Value::int64)),
        Kind::Map(map, _) => {
            let map = map.borrow();
            let pair = |(key, value): (&Rc<str>, &Value)| {
                let key = Kind::Text(crate::text::Text::plain(Rc::clone(key)));
                (Value::from(key).at(value.origin), value.clone())
            };
            Ok(Elements::Pairs(map.iter().map(pair).collect()))
        }
        Kind::Object(object) if matches!(**object, Object::Files(_)) => {
            let Object::Files(files) = &**object else { return Ok(Elements::None) };
            let pair = |(name, content): (&String, &Rc<[u8]>)| {
                (Value::from(name.as_str()), Object::Bytes(Bytes::new(content)).into())
            };
            Ok(Elements::Pairs(files.iter().map(pair).collect()))
        }
        _ if let Some(count) = value.as_int() => Ok(Elements::Numbers(count, Value::int)),
        _ => Err(format!("range can't iterate over {}", value.type_name())),
    }
}

/// Why a function failed. What a chart says itself needs no more words, nor does what fails in another
/// template, whose place is reported.
fn called(function: &str, message: String) -> String {
    match function {
        "fail" | "required" | "include" | "tpl" => message,
        _ => format!("error calling {function}: {message}"),
    }
}

/// The beginning of a text, for messages.
fn shortened(text: &str) -> String {
    if text.chars().count() <= 120 {
        return text.to_owned();
    }
    let mut head: String = text.chars().take(120).collect();
    head.push('…');
    head
}
