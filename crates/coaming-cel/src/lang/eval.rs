//! The evaluator: runs a checked tree. Every step counts against a budget, so no expression can
//! take more time or memory than the budget allows.

use std::borrow::Cow;

use super::ast::{Call, Expr, Global, Kind, Loop, Operation};
use super::number::show;
use super::value::{Map, Value};

/// The implementation of a function; the target of a member call is the first argument.
pub(crate) type Native = fn(&mut Machine<'_>, &[Value]) -> Result<Value, EvalError>;

/// Why an evaluation fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EvalError(pub(crate) Cow<'static, str>);

impl EvalError {
    pub(crate) fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self(message.into())
    }
}

const NO_SUCH_OVERLOAD: &str = "no such overload";

/// The outcome of a function for arguments of types that it does not take.
pub(crate) const NO_OVERLOAD: Result<Value, EvalError> =
    Err(EvalError(Cow::Borrowed(NO_SUCH_OVERLOAD)));

/// What an evaluation may cost: upstream's limit for one expression.
pub(crate) const LIMIT: usize = 1_000_000;

/// Answers for the names that the API server binds.
pub(crate) trait Bindings {
    /// The value of a global, except `variables`.
    fn global(&self, global: Global) -> Value;

    /// The value of a variable of the policy.
    fn variable(&self, name: &str) -> Result<Value, EvalError>;
}

/// The state of an evaluation.
pub(crate) struct Machine<'b> {
    bindings: &'b dyn Bindings,
    locals: Vec<Value>,
    spent: usize,
}

type Outcome = Result<Value, EvalError>;

/// Evaluates a checked expression.
pub(crate) fn evaluate(expr: &Expr, bindings: &dyn Bindings) -> Outcome {
    Machine::new(bindings).eval(expr)
}

impl<'b> Machine<'b> {
    /// A machine that has spent nothing.
    pub(crate) fn new(bindings: &'b dyn Bindings) -> Self {
        Self { bindings, locals: Vec::new(), spent: 0 }
    }
}

impl Machine<'_> {
    /// Counts steps; fails when the budget is spent.
    pub(crate) fn charge(&mut self, steps: usize) -> Result<(), EvalError> {
        self.spent = self.spent.saturating_add(steps);
        if self.spent > LIMIT {
            return Err(EvalError::new("operation cancelled: actual cost limit exceeded"));
        }
        Ok(())
    }

    /// Counts the work on a text of this length.
    pub(crate) fn charge_bytes(&mut self, length: usize) -> Result<(), EvalError> {
        self.charge(length.div_ceil(10))
    }

    /// Counts the work on elements of a new list.
    pub(crate) fn charge_elements(&mut self, count: usize) -> Result<(), EvalError> {
        self.charge(count)
    }

    fn eval(&mut self, expr: &Expr) -> Outcome {
        if let Kind::Literal(value) = &expr.kind {
            return Ok(value.clone());
        }
        self.charge(1)?;
        match &expr.kind {
            Kind::Literal(value) => Ok(value.clone()),
            Kind::Local(position) => Ok(self.locals.get(*position).cloned().unwrap_or(Value::Null)),
            Kind::Global(global) => Ok(self.bindings.global(*global)),
            Kind::Select { operand, field, optional } => {
                if matches!(operand.kind, Kind::Global(Global::Variables)) {
                    let value = self.bindings.variable(field)?;
                    return Ok(if *optional { Value::some(value) } else { value });
                }
                let operand = self.eval(operand)?;
                qualify(&operand, *optional, |value, presence| field_of(value, field, presence))
            }
            Kind::Has { operand, field } => self.has(operand, field),
            Kind::Index { operand, index, optional } => {
                let operand = self.eval(operand)?;
                let index = self.eval(index)?;
                qualify(&operand, *optional, |value, presence| element_of(value, &index, presence))
            }
            Kind::Call(call) => self.call(call),
            Kind::And(parts) => self.junction(parts.iter(), false),
            Kind::Or(parts) => self.junction(parts.iter(), true),
            Kind::Conditional(parts) => {
                let [condition, then, otherwise] = &**parts;
                match self.eval(condition)? {
                    Value::Bool(true) => self.eval(then),
                    Value::Bool(false) => self.eval(otherwise),
                    _ => NO_OVERLOAD,
                }
            }
            Kind::List(elements) => self.list(elements),
            Kind::Map(entries) => self.map(entries),
            Kind::Loop(each) => self.each(each),
            Kind::Name(name) => Err(EvalError::new(format!("undeclared reference to '{name}'"))),
        }
    }

    fn call(&mut self, call: &Call) -> Outcome {
        // What cannot change the result is not evaluated, so its errors do not count.
        match (&*call.function, &call.arguments[..]) {
            ("or" | "orValue", [target, other]) => {
                return match self.eval(target)? {
                    Value::Optional(None) => self.eval(other),
                    found @ Value::Optional(_) if &*call.function == "or" => Ok(found),
                    Value::Optional(Some(inner)) => Ok((*inner).clone()),
                    _ => NO_OVERLOAD,
                };
            }
            ("@in", [_, Expr { kind: Kind::List(elements), .. }]) if elements.is_empty() => {
                return Ok(Value::Bool(false));
            }
            _ => {}
        }
        let arguments: Vec<Value> =
            call.arguments.iter().map(|part| self.eval(part)).collect::<Result<_, _>>()?;
        for native in &call.natives {
            match native(self, &arguments) {
                Err(EvalError(message)) if message == NO_SUCH_OVERLOAD => {}
                outcome => return outcome,
            }
        }
        NO_OVERLOAD
    }

    fn has(&mut self, operand: &Expr, field: &str) -> Outcome {
        if matches!(operand.kind, Kind::Global(Global::Variables)) {
            return self.bindings.variable(field).map(|_| Value::Bool(true));
        }
        let operand = self.eval(operand)?;
        let found = match &operand {
            Value::Optional(None) => None,
            Value::Optional(Some(inner)) => field_of(inner, field, true)?,
            value => field_of(value, field, true)?,
        };
        Ok(Value::Bool(found.is_some()))
    }

    /// The value that decides a junction wins over errors, wherever it is.
    fn junction<'x>(&mut self, parts: impl Iterator<Item = &'x Expr>, decisive: bool) -> Outcome {
        let mut failure = None;
        for part in parts {
            match self.eval(part) {
                Ok(Value::Bool(value)) if value == decisive => return Ok(Value::Bool(decisive)),
                Ok(Value::Bool(_)) => {}
                other => {
                    let error = other.err().unwrap_or(EvalError(NO_SUCH_OVERLOAD.into()));
                    failure.get_or_insert(error);
                }
            }
        }
        failure.map_or(Ok(Value::Bool(!decisive)), Err)
    }

    fn list(&mut self, elements: &[(bool, Expr)]) -> Outcome {
        self.charge(10)?;
        let mut out = Vec::with_capacity(elements.len());
        for (optional, element) in elements {
            match self.eval(element)? {
                Value::Optional(inner) if *optional => {
                    out.extend(inner.map(|inner| (*inner).clone()));
                }
                value if *optional => return Err(not_optional(&value)),
                value => out.push(value),
            }
        }
        Ok(Value::list(out))
    }

    fn map(&mut self, entries: &[(bool, Expr, Expr)]) -> Outcome {
        self.charge(30)?;
        let mut out = Vec::with_capacity(entries.len());
        for (optional, key, value) in entries {
            let key = self.eval(key)?;
            match self.eval(value)? {
                Value::Optional(inner) if *optional => {
                    out.extend(inner.map(|inner| (key, (*inner).clone())));
                }
                value if *optional => return Err(not_optional(&value)),
                value => out.push((key, value)),
            }
        }
        Ok(Value::map(out))
    }

    fn each(&mut self, each: &Loop) -> Outcome {
        let range = self.eval(&each.range)?;
        if matches!(each.operation, Operation::OptMap | Operation::OptFlatMap) {
            return self.optional_map(each, &range);
        }
        let depth = self.locals.len();
        let outcome = self.iterate(each, &range, depth);
        self.locals.truncate(depth);
        outcome
    }

    fn optional_map(&mut self, each: &Loop, range: &Value) -> Outcome {
        let inner = match range {
            Value::Optional(None) => return Ok(Value::Optional(None)),
            Value::Optional(Some(inner)) => inner,
            _ => return NO_OVERLOAD,
        };
        self.locals.push((**inner).clone());
        let outcome = self.eval(&each.body);
        self.locals.pop();
        match each.operation {
            Operation::OptMap => outcome.map(Value::some),
            _ => outcome,
        }
    }

    fn iterate(&mut self, each: &Loop, range: &Value, depth: usize) -> Outcome {
        let two = each.variables.len() == 2;
        let mut gathered = Gathered::new(each.operation);
        match range {
            Value::List(list) => {
                for (position, element) in list.iter().enumerate() {
                    self.locals.truncate(depth);
                    if two {
                        let position = i64::try_from(position).unwrap_or(i64::MAX);
                        self.locals.push(Value::Int(position));
                    }
                    self.locals.push(element.clone());
                    if self.step(each, depth, &mut gathered) {
                        break;
                    }
                }
            }
            Value::Map(map) => {
                for (key, value) in map.entries() {
                    self.locals.truncate(depth);
                    self.locals.push(key.clone());
                    if two {
                        self.locals.push(value.clone());
                    }
                    if self.step(each, depth, &mut gathered) {
                        break;
                    }
                }
            }
            _ => return NO_OVERLOAD,
        }
        if self.spent > LIMIT {
            self.charge(1)?;
        }
        gathered.finish(self, range)
    }

    /// Judges one element; whether the loop is decided.
    fn step(&mut self, each: &Loop, depth: usize, gathered: &mut Gathered) -> bool {
        let outcome = self.element(each, depth, gathered);
        match outcome {
            Ok(decided) => decided,
            Err(error) => {
                gathered.failure.get_or_insert(error);
                // `all` and `exists` go on: a later element may decide them.
                self.spent > LIMIT || !matches!(each.operation, Operation::All | Operation::Exists)
            }
        }
    }

    fn element(
        &mut self,
        each: &Loop,
        depth: usize,
        gathered: &mut Gathered,
    ) -> Result<bool, EvalError> {
        self.charge(1)?;
        if let Some(filter) = &each.filter
            && !truth(self.eval(filter)?)?
        {
            return Ok(false);
        }
        let element = self.locals.get(depth).cloned().unwrap_or(Value::Null);
        let body = self.eval(&each.body)?;
        match each.operation {
            Operation::All => gathered.decided = !truth(body)?,
            Operation::Exists => gathered.decided = truth(body)?,
            Operation::ExistsOne => gathered.count += usize::from(truth(body)?),
            Operation::Filter => {
                if truth(body)? {
                    self.charge(1)?;
                    gathered.values.push(element);
                }
            }
            Operation::ToList | Operation::SortBy => {
                self.charge(1)?;
                gathered.values.push(body);
            }
            Operation::TransformMap => gathered.insert(element, body)?,
            Operation::TransformMapEntry => {
                let Value::Map(map) = body else {
                    return Err(EvalError(NO_SUCH_OVERLOAD.into()));
                };
                for (key, value) in map.entries() {
                    gathered.insert(key.clone(), value.clone())?;
                }
            }
            Operation::OptMap | Operation::OptFlatMap => {}
        }
        Ok(gathered.decided)
    }
}

/// What a loop has gathered.
struct Gathered {
    operation: Operation,
    failure: Option<EvalError>,
    decided: bool,
    count: usize,
    values: Vec<Value>,
    entries: Vec<(Value, Value)>,
}

impl Gathered {
    fn new(operation: Operation) -> Self {
        Self {
            operation,
            failure: None,
            decided: false,
            count: 0,
            values: Vec::new(),
            entries: Vec::new(),
        }
    }

    fn insert(&mut self, key: Value, value: Value) -> Result<(), EvalError> {
        if self.operation == Operation::TransformMapEntry
            && self.entries.iter().any(|(own, _)| *own == key)
        {
            return Err(EvalError::new(format!(
                "insert failed: key {} already exists",
                show(&key)
            )));
        }
        self.entries.push((key, value));
        Ok(())
    }

    fn finish(self, machine: &mut Machine<'_>, range: &Value) -> Outcome {
        if self.decided {
            return Ok(Value::Bool(self.operation == Operation::Exists));
        }
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        Ok(match self.operation {
            Operation::All => Value::Bool(true),
            Operation::Exists => Value::Bool(false),
            Operation::ExistsOne => Value::Bool(self.count == 1),
            Operation::Filter | Operation::ToList => Value::list(self.values),
            Operation::SortBy => {
                let Value::List(elements) = range else { return NO_OVERLOAD };
                return crate::library::lists::sort_by_keys(machine, elements, &self.values);
            }
            _ => Value::Map(std::sync::Arc::new(Map::new(self.entries))),
        })
    }
}

fn truth(value: Value) -> Result<bool, EvalError> {
    match value {
        Value::Bool(value) => Ok(value),
        _ => Err(EvalError(NO_SUCH_OVERLOAD.into())),
    }
}

fn not_optional(value: &Value) -> EvalError {
    EvalError::new(format!(
        "cannot initialize optional list element from non-optional value {}",
        show(value)
    ))
}

/// Selects from a value, or from the value in an optional.
fn qualify(
    operand: &Value,
    optional: bool,
    find: impl Fn(&Value, bool) -> Result<Option<Value>, EvalError>,
) -> Outcome {
    match operand {
        Value::Optional(None) => Ok(Value::Optional(None)),
        Value::Optional(Some(inner)) => {
            Ok(find(inner, true)?.map_or(Value::Optional(None), Value::some))
        }
        value if optional => Ok(find(value, true)?.map_or(Value::Optional(None), Value::some)),
        value => Ok(find(value, false)?.unwrap_or(Value::Null)),
    }
}

fn field_of(value: &Value, field: &str, presence: bool) -> Result<Option<Value>, EvalError> {
    match value {
        Value::Map(map) => match map.field(field) {
            Some(found) => Ok(Some(found.clone())),
            None if presence => Ok(None),
            None => Err(EvalError::new(format!("no such key: {field}"))),
        },
        other => element_of(other, &Value::string(field), presence),
    }
}

fn element_of(value: &Value, index: &Value, presence: bool) -> Result<Option<Value>, EvalError> {
    if !index.is_index() {
        return Err(EvalError::new(format!("invalid qualifier type: {}", index.type_name())));
    }
    let missing = |message: String| if presence { Ok(None) } else { Err(EvalError::new(message)) };
    match value {
        Value::Map(map) => match map.get(index) {
            Some(found) => Ok(Some(found.clone())),
            None => missing(format!("no such key: {}", show(index))),
        },
        Value::List(list) => {
            let position = position(index)?;
            let found = usize::try_from(position).ok().and_then(|position| list.get(position));
            match found {
                Some(found) => Ok(Some(found.clone())),
                None => missing(format!("index out of bounds: {position}")),
            }
        }
        _ => missing(format!("no such key: {}", show(index))),
    }
}

fn position(index: &Value) -> Result<i64, EvalError> {
    match index {
        Value::Int(index) => Ok(*index),
        Value::Uint(index) => Ok(i64::try_from(*index).unwrap_or(i64::MAX)),
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and bounded")]
        Value::Double(index) if index.fract() == 0.0 && index.abs() < 1e15 => Ok(*index as i64),
        Value::Double(index) => {
            let index = super::number::general(*index);
            Err(EvalError::new(format!("unsupported index value {index} in list")))
        }
        other => {
            let of = other.type_name();
            Err(EvalError::new(format!("unsupported index type '{of}' in list")))
        }
    }
}
