//! Evaluates expressions as far as that is possible without running Terraform.

use std::cell::Cell;
use std::collections::BTreeMap;

use hcl_edit::Span as _;
use hcl_edit::expr::{
    BinaryOp, BinaryOperator, Expression, ForExpr, FuncCall, Object, ObjectKey, Traversal,
    TraversalOperator, UnaryOperator,
};

use crate::functions;
use crate::module::Module;
use crate::value::{Entry, Item, Kind, Site, Value};

/// How deep evaluation goes; expressions are nested by their syntax, and by what they refer to.
const MAX_DEPTH: u32 = 100;

/// How many steps all expressions of a module take together.
const MAX_STEPS: usize = 300_000;

/// What a module's expressions may still cost.
#[derive(Debug)]
pub(crate) struct Budget {
    steps: Cell<usize>,
    depth: Cell<u32>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { steps: Cell::new(MAX_STEPS), depth: Cell::new(0) }
    }
}

impl Budget {
    /// Takes steps; `None` if there are not as many left.
    pub(crate) fn spend(&self, steps: usize) -> Option<()> {
        let left = self.steps.get().checked_sub(steps);
        self.steps.set(left.unwrap_or(0));
        left.map(|_| ())
    }

    /// Runs something one level deeper.
    pub(crate) fn deeper<T>(&self, run: impl FnOnce() -> T) -> Option<T> {
        self.spend(1)?;
        let depth = self.depth.get();
        if depth >= MAX_DEPTH {
            return None;
        }
        self.depth.set(depth + 1);
        let result = run();
        self.depth.set(depth);
        Some(result)
    }
}

/// The names that an expression may use besides those of the module: `each`, `count`, and those of
/// `for`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names<'n> {
    pub(crate) own: BTreeMap<String, Value>,
    pub(crate) outer: Option<&'n Names<'n>>,
}

impl Names<'_> {
    fn find(&self, name: &str) -> Option<&Value> {
        self.own.get(name).or_else(|| self.outer?.find(name))
    }
}

/// Where an expression is: in a file, or in a string of a JSON file, whose place is then that of all
/// its parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) file: u32,
    pub(crate) within: Option<Site>,
}

impl Origin {
    pub(crate) fn site(self, span: Option<std::ops::Range<usize>>) -> Site {
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.within.unwrap_or_else(|| {
            let span = span.unwrap_or_default();
            Site { file: self.file, start: place(span.start), end: place(span.end) }
        })
    }
}

impl Module<'_> {
    /// The value of an expression.
    pub(crate) fn eval(&self, at: Origin, expr: &Expression, names: &Names<'_>) -> Value {
        let site = at.site(expr.span());
        let evaluated = self.budget.deeper(|| self.eval_inner(at, expr, names, site));
        evaluated.unwrap_or_else(|| Value::unknown("too deep or too large", site))
    }

    fn eval_inner(&self, at: Origin, expr: &Expression, names: &Names<'_>, site: Site) -> Value {
        let unknown = || Value::unknown(&expr.to_string(), site);
        match expr {
            Expression::Null(_) => Value::new(Kind::Null, site),
            Expression::Bool(value) => Value::new(Kind::Bool(*value.value()), site),
            Expression::Number(number) => number_of(number.value(), site).unwrap_or_else(unknown),
            Expression::String(text) => {
                let pieces = vec![self.literal(at, text.value(), site)];
                Value::new(Kind::Text(pieces), site)
            }
            Expression::Array(array) => {
                let items = array.iter().map(|item| {
                    let value = self.eval(at, item, names);
                    Item { site: at.site(item.span()), value }
                });
                Value::new(Kind::List(items.collect()), site)
            }
            Expression::Object(object) => self.object(at, object, names, site),
            Expression::StringTemplate(template) => {
                self.template_value(at, template, None, names, site)
            }
            Expression::HeredocTemplate(heredoc) => {
                let indentation = Some(heredoc.indent().unwrap_or(0));
                self.template_value(at, &heredoc.template, indentation, names, site)
            }
            Expression::Parenthesis(inner) => self.eval(at, inner.inner(), names),
            Expression::Variable(name) => {
                names.find(name.value().as_str()).cloned().unwrap_or_else(unknown)
            }
            Expression::Conditional(it) => match self.eval(at, &it.cond_expr, names).as_bool() {
                Some(true) => self.eval(at, &it.true_expr, names),
                Some(false) => self.eval(at, &it.false_expr, names),
                None => unknown(),
            },
            Expression::FuncCall(call) => self.call(at, call, names, site).unwrap_or_else(unknown),
            Expression::Traversal(traversal) => self.traverse(at, traversal, names, site),
            Expression::UnaryOp(op) => {
                let value = self.eval(at, &op.expr, names);
                let result = match *op.operator.value() {
                    UnaryOperator::Not => value.as_bool().map(|value| Kind::Bool(!value)),
                    UnaryOperator::Neg => value.as_number().and_then(|value| number(-value)),
                };
                result.map_or_else(unknown, |kind| Value::new(kind, site))
            }
            Expression::BinaryOp(op) => {
                self.binary(at, op, names).map_or_else(unknown, |kind| Value::new(kind, site))
            }
            Expression::ForExpr(expr) => {
                self.for_expr(at, expr, names, site).unwrap_or_else(unknown)
            }
        }
    }

    fn object(&self, at: Origin, object: &Object, names: &Names<'_>, site: Site) -> Value {
        let mut entries: Vec<Entry> = Vec::with_capacity(object.len());
        for (key, value) in object {
            let name = match key {
                ObjectKey::Ident(name) => Some(name.value().as_str().to_owned()),
                ObjectKey::Expression(expr) => self.eval(at, expr, names).as_text(),
            };
            // Which field it is decides about all the others.
            let Some(key) = name else { return Value::unknown(&object_text(object), site) };
            let value_site = at.site(value.expr().span());
            let key_site = self.key_before(at, value_site, &key);
            let value = self.eval(at, value.expr(), names);
            entries.push(Entry { key, key_site, site: value_site, value });
        }
        Value::new(Kind::Object(entries), site)
    }

    /// Where the key before a value is.
    pub(crate) fn key_before(&self, at: Origin, value: Site, key: &str) -> Site {
        if at.within.is_some() {
            return value;
        }
        let text = self.text_of(value.file);
        let before = text.get(..value.start as usize).unwrap_or_default().trim_end();
        let before = before.strip_suffix(['=', ':']).unwrap_or(before).trim_end();
        let end = before.strip_suffix('"').unwrap_or(before);
        match end.strip_suffix(key) {
            Some(rest) => {
                let start = u32::try_from(rest.len()).unwrap_or(value.start);
                Site { start, end: value.end, ..value }
            }
            None => value,
        }
    }

    fn call(&self, at: Origin, call: &FuncCall, names: &Names<'_>, site: Site) -> Option<Value> {
        if call.name.is_namespaced() {
            return None;
        }
        let mut arguments: Vec<Value> =
            call.args.iter().map(|argument| self.eval(at, argument, names)).collect();
        if call.args.expand_final() {
            let last = arguments.pop()?;
            let Kind::List(items) = last.kind else { return None };
            arguments.extend(items.into_iter().map(|item| item.value));
        }
        self.budget.spend(arguments.iter().map(Value::size).sum())?;
        functions::call(call.name.name.value().as_str(), arguments, site)
    }

    fn binary(&self, at: Origin, op: &BinaryOp, names: &Names<'_>) -> Option<Kind> {
        let left = self.eval(at, &op.lhs_expr, names);
        let right = self.eval(at, &op.rhs_expr, names);
        let numbers = || Some((left.as_number()?, right.as_number()?));
        let operator = *op.operator.value();
        Some(match operator {
            BinaryOperator::Eq => Kind::Bool(left.equals(&right)?),
            BinaryOperator::NotEq => Kind::Bool(!left.equals(&right)?),
            BinaryOperator::And => match (left.as_bool(), right.as_bool()) {
                (Some(false), _) | (_, Some(false)) => Kind::Bool(false),
                (left, right) => Kind::Bool(left? && right?),
            },
            BinaryOperator::Or => match (left.as_bool(), right.as_bool()) {
                (Some(true), _) | (_, Some(true)) => Kind::Bool(true),
                (left, right) => Kind::Bool(left? || right?),
            },
            BinaryOperator::Less => Kind::Bool(numbers().map(|(a, b)| a < b)?),
            BinaryOperator::LessEq => Kind::Bool(numbers().map(|(a, b)| a <= b)?),
            BinaryOperator::Greater => Kind::Bool(numbers().map(|(a, b)| a > b)?),
            BinaryOperator::GreaterEq => Kind::Bool(numbers().map(|(a, b)| a >= b)?),
            BinaryOperator::Plus => numbers().and_then(|(a, b)| number(a + b))?,
            BinaryOperator::Minus => numbers().and_then(|(a, b)| number(a - b))?,
            BinaryOperator::Mul => numbers().and_then(|(a, b)| number(a * b))?,
            BinaryOperator::Div => numbers().and_then(|(a, b)| number(a / b))?,
            BinaryOperator::Mod => numbers().and_then(|(a, b)| number(a % b))?,
        })
    }

    fn for_expr(&self, at: Origin, expr: &ForExpr, names: &Names<'_>, site: Site) -> Option<Value> {
        let collection = self.eval(at, &expr.intro.collection_expr, names);
        let mut items = Vec::new();
        let mut entries: Vec<Entry> = Vec::new();
        for (key, value) in collection.elements()? {
            let mut own = BTreeMap::new();
            if let Some(name) = &expr.intro.key_var {
                own.insert(name.value().as_str().to_owned(), key);
            }
            own.insert(expr.intro.value_var.value().as_str().to_owned(), value);
            let inner = Names { own, outer: Some(names) };
            if let Some(condition) = &expr.cond
                && !self.eval(at, &condition.expr, &inner).as_bool()?
            {
                continue;
            }
            let value = self.eval(at, &expr.value_expr, &inner);
            let site = at.site(expr.value_expr.span());
            match &expr.key_expr {
                Some(key) if !expr.grouping => {
                    let key = self.eval(at, key, &inner).as_text()?;
                    entries.retain(|entry| entry.key != key);
                    entries.push(Entry { key, key_site: site, site, value });
                }
                Some(_) => return None,
                None => items.push(Item { site, value }),
            }
        }
        let kind = if expr.key_expr.is_some() { Kind::Object(entries) } else { Kind::List(items) };
        Some(Value::new(kind, site))
    }

    fn traverse(&self, at: Origin, expr: &Traversal, names: &Names<'_>, site: Site) -> Value {
        let text = || shown_traversal(expr);
        let mut operators: &[_] = &expr.operators;
        let root = match &expr.expr {
            Expression::Variable(name) if names.find(name.value().as_str()).is_none() => {
                let (value, used) = self.reference(name.value().as_str(), operators, site);
                operators = operators.get(used..).unwrap_or_default();
                value
            }
            other => self.eval(at, other, names),
        };
        let mut value = root;
        for (place, operator) in operators.iter().enumerate() {
            let key = match operator.value() {
                TraversalOperator::GetAttr(name) => Some(name.value().as_str().to_owned()),
                TraversalOperator::Index(index) => self.eval(at, index, names).as_text(),
                TraversalOperator::LegacyIndex(index) => Some(index.value().to_string()),
                TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => {
                    let rest = operators.get(place + 1..).unwrap_or_default();
                    return splat(value, rest, site)
                        .unwrap_or_else(|| Value::unknown(&text(), site));
                }
            };
            let Some(key) = key.filter(|_| !value.is_unknown()) else {
                return Value::unknown(&text(), site);
            };
            value = match value.get(&key) {
                Some(found) => found.clone(),
                None => return Value::new(Kind::Missing(crate::value::shown(&text())), site),
            };
        }
        if value.is_unknown() { Value::unknown(&text(), value.site) } else { value }
    }
}

/// `list[*].name` of a known list.
fn splat(
    list: Value,
    rest: &[hcl_edit::Decorated<TraversalOperator>],
    site: Site,
) -> Option<Value> {
    let Kind::List(items) = list.kind else { return None };
    let items = items.into_iter().map(|item| {
        let value = rest.iter().try_fold(item.value, |value, operator| match operator.value() {
            TraversalOperator::GetAttr(name) => value.get(name.value().as_str()).cloned(),
            _ => None,
        })?;
        Some(Item { site: item.site, value })
    });
    Some(Value::new(Kind::List(items.collect::<Option<_>>()?), site))
}

fn shown_traversal(expr: &Traversal) -> String {
    let mut text = expr.expr.to_string().trim().to_owned();
    for operator in &expr.operators {
        match operator.value() {
            TraversalOperator::GetAttr(name) => {
                text.push('.');
                text.push_str(name.value().as_str());
            }
            _ => text.push_str(".x"),
        }
    }
    text
}

fn object_text(object: &Object) -> String {
    format!("object with {} fields", object.len())
}

fn number_of(number: &hcl_edit::Number, site: Site) -> Option<Value> {
    let number = match (number.as_i64(), number.as_u64()) {
        (Some(number), _) => number.into(),
        (None, Some(number)) => number.into(),
        _ => serde_json::Number::from_f64(number.as_f64()?)?,
    };
    Some(Value::new(Kind::Number(number), site))
}

/// A number, whole if it has no fraction.
pub(crate) fn number(value: f64) -> Option<Kind> {
    let text = format!("{value}");
    let whole = text.parse::<i64>().ok().map(serde_json::Number::from);
    whole.or_else(|| serde_json::Number::from_f64(value)).map(Kind::Number)
}
