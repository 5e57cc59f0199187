//! The parser: text into a tree, with macros expanded.

use super::ast::{Call, Expr, Kind};
use super::lexer::{Literal, Token, tokens};
use super::value::Value;
use super::{Mistake, Str, macros};

/// The longest expression, in characters: upstream's limit.
const MAX_LENGTH: usize = 100_000;

/// The deepest nesting of parentheses and their like. Upstream's limit is 250, which is beyond the
/// stack of a thread here.
const MAX_NESTING: usize = 100;

const RESERVED: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// The operators between comparisons, sums and products, by how tightly they bind.
const LEVELS: &[&[&str]] =
    &[&["==", "!=", "<=", ">=", "<", ">", "in"], &["+", "-"], &["*", "/", "%"]];

/// Parses an expression.
pub(crate) fn parse(text: &str) -> Result<Expr, Mistake> {
    if text.chars().count() > MAX_LENGTH {
        let message = format!("expression code point size exceeds limit: limit {MAX_LENGTH}");
        return Err(Mistake { at: 0, message });
    }
    let mut parser = Parser { tokens: tokens(text)?, position: 0, nesting: 0 };
    let expr = parser.expression()?;
    match parser.peek() {
        Token::End => Ok(expr),
        _ => Err(parser.unexpected()),
    }
}

struct Parser {
    tokens: Vec<(u32, Token)>,
    position: usize,
    nesting: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.position).map_or(&Token::End, |(_, token)| token)
    }

    fn at(&self) -> u32 {
        self.tokens.get(self.position).or(self.tokens.last()).map_or(0, |(at, _)| *at)
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.position += 1;
        token
    }

    fn is(&self, symbol: &str) -> bool {
        match self.peek() {
            Token::Symbol(found) => *found == symbol,
            Token::Name(name) => symbol == "in" && &**name == "in",
            _ => false,
        }
    }

    fn accept(&mut self, symbol: &str) -> bool {
        let found = self.is(symbol);
        self.position += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), Mistake> {
        if self.accept(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> Mistake {
        let found = match self.peek() {
            Token::End => "mismatched input '<EOF>'".to_owned(),
            Token::Name(name) | Token::Escaped(name) => format!("unexpected '{name}'"),
            Token::Symbol(symbol) => format!("unexpected '{symbol}'"),
            Token::Literal(_) => "unexpected literal".to_owned(),
        };
        Mistake { at: self.at(), message: format!("Syntax error: {found}") }
    }

    fn make(at: u32, kind: Kind) -> Result<Expr, Mistake> {
        Expr::new(at, kind).ok_or_else(|| too_deep(at))
    }

    fn expression(&mut self) -> Result<Expr, Mistake> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(too_deep(self.at()));
        }
        let condition = self.alternatives()?;
        let at = self.at();
        let expr = if self.accept("?") {
            let then = self.alternatives()?;
            self.expect(":")?;
            let otherwise = self.expression()?;
            Self::make(at, Kind::Conditional(Box::new([condition, then, otherwise])))?
        } else {
            condition
        };
        self.nesting -= 1;
        Ok(expr)
    }

    fn alternatives(&mut self) -> Result<Expr, Mistake> {
        self.joined("||", Kind::Or, |parser| parser.joined("&&", Kind::And, |p| p.binary(0)))
    }

    fn joined(
        &mut self,
        symbol: &str,
        kind: fn(Vec<Expr>) -> Kind,
        part: impl Fn(&mut Self) -> Result<Expr, Mistake>,
    ) -> Result<Expr, Mistake> {
        let first = part(self)?;
        let at = self.at();
        let mut parts = vec![first];
        while self.accept(symbol) {
            parts.push(part(self)?);
        }
        match parts.pop() {
            Some(only) if parts.is_empty() => Ok(only),
            last => {
                parts.extend(last);
                Self::make(at, kind(parts))
            }
        }
    }

    /// Operators that bind at least as tightly as this level.
    fn binary(&mut self, level: usize) -> Result<Expr, Mistake> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = operators.iter().find(|operator| self.is(operator)) {
            let at = self.at();
            self.position += 1;
            let right = self.binary(level + 1)?;
            let function =
                if *operator == "in" { "@in".to_owned() } else { format!("_{operator}_") };
            left = Expr::call(at, &function, vec![left, right]).ok_or_else(|| too_deep(at))?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, Mistake> {
        let at = self.at();
        for (symbol, function) in [("!", "!_"), ("-", "-_")] {
            let mut count = 0;
            while self.accept(symbol) {
                count += 1;
            }
            if count == 0 {
                continue;
            }
            let is_number = |token: &Token| {
                matches!(
                    token,
                    Token::Literal(Literal::Int(_) | Literal::Uint(_) | Literal::Double(_))
                )
            };
            // The innermost minus belongs to the number.
            let operand = if symbol == "-" && is_number(self.peek()) {
                count -= 1;
                let literal = self.literal(true)?;
                self.members(literal)?
            } else {
                self.member()?
            };
            return if count % 2 == 0 {
                Ok(operand)
            } else {
                Expr::call(at, function, vec![operand]).ok_or_else(|| too_deep(at))
            };
        }
        self.member()
    }

    fn member(&mut self) -> Result<Expr, Mistake> {
        let primary = self.primary()?;
        self.members(primary)
    }

    /// The selections, indexes and calls that follow an operand.
    fn members(&mut self, mut operand: Expr) -> Result<Expr, Mistake> {
        loop {
            let at = self.at();
            if self.accept(".") {
                let optional = self.accept("?");
                let field = match self.next() {
                    Token::Name(name) if !matches!(&*name, "in" | "true" | "false" | "null") => {
                        name
                    }
                    Token::Escaped(name) => name,
                    _ => {
                        self.position -= 1;
                        return Err(self.unexpected());
                    }
                };
                let call_at = self.at();
                operand = if !optional && self.accept("(") {
                    let arguments = self.arguments(")")?;
                    member_call(call_at, field, operand, arguments)?
                } else {
                    let operand = Box::new(operand);
                    Self::make(at, Kind::Select { operand, field, optional })?
                };
            } else if self.accept("[") {
                let optional = self.accept("?");
                let index = Box::new(self.expression()?);
                self.expect("]")?;
                let operand_of = Box::new(operand);
                operand = Self::make(at, Kind::Index { operand: operand_of, index, optional })?;
            } else {
                return Ok(operand);
            }
        }
    }

    fn primary(&mut self) -> Result<Expr, Mistake> {
        let at = self.at();
        if self.accept("(") {
            let inner = self.expression()?;
            self.expect(")")?;
            return Ok(inner);
        }
        if self.accept("[") {
            return self.list(at);
        }
        if self.accept("{") {
            return self.map(at);
        }
        if matches!(self.peek(), Token::Literal(_)) {
            return self.literal(false);
        }
        let is_absolute = self.accept(".");
        let Token::Name(name) = self.peek().clone() else { return Err(self.unexpected()) };
        let constant = match &*name {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            "null" => Some(Value::Null),
            "in" => return Err(self.unexpected()),
            _ => None,
        };
        if RESERVED.contains(&&*name) {
            return Err(Mistake { at, message: format!("reserved identifier: {name}") });
        }
        self.position += 1;
        if let Some(constant) = constant.filter(|_| !is_absolute) {
            return Self::make(at, Kind::Literal(constant));
        }
        let call_at = self.at();
        if self.accept("(") {
            let arguments = self.arguments(")")?;
            if let Some(expanded) = macros::global(call_at, &name, &arguments)? {
                return Self::make(call_at, expanded);
            }
            return Expr::call(call_at, &name, arguments).ok_or_else(|| too_deep(call_at));
        }
        if self.is("{") {
            let message = "message literals are not supported".to_owned();
            return Err(Mistake { at: self.at(), message });
        }
        Self::make(at, Kind::Name(name))
    }

    fn literal(&mut self, negative: bool) -> Result<Expr, Mistake> {
        let at = self.at();
        let Token::Literal(literal) = self.next() else {
            self.position -= 1;
            return Err(self.unexpected());
        };
        let value = literal.value(negative);
        let value =
            value.ok_or_else(|| Mistake { at, message: "invalid int literal".to_owned() })?;
        Self::make(at, Kind::Literal(value))
    }

    fn arguments(&mut self, close: &str) -> Result<Vec<Expr>, Mistake> {
        let mut arguments = Vec::new();
        if self.accept(close) {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expression()?);
            if !self.accept(",") {
                self.expect(close)?;
                return Ok(arguments);
            }
        }
    }

    fn list(&mut self, at: u32) -> Result<Expr, Mistake> {
        let mut elements = Vec::new();
        while !self.accept("]") {
            let optional = self.accept("?");
            elements.push((optional, self.expression()?));
            if !self.accept(",") {
                self.expect("]")?;
                break;
            }
        }
        Self::make(at, Kind::List(elements))
    }

    fn map(&mut self, at: u32) -> Result<Expr, Mistake> {
        let mut entries = Vec::new();
        while !self.accept("}") {
            let optional = self.accept("?");
            let key = self.expression()?;
            self.expect(":")?;
            entries.push((optional, key, self.expression()?));
            if !self.accept(",") {
                self.expect("}")?;
                break;
            }
        }
        Self::make(at, Kind::Map(entries))
    }
}

fn member_call(at: u32, name: Str, target: Expr, arguments: Vec<Expr>) -> Result<Expr, Mistake> {
    let kind = match macros::member(at, &name, target, arguments)? {
        macros::Expansion::Macro(kind) => kind,
        macros::Expansion::Call(arguments) => Kind::Call(Box::new(Call {
            function: name,
            is_member: true,
            arguments,
            natives: Vec::new(),
        })),
    };
    Parser::make(at, kind)
}

fn too_deep(at: u32) -> Mistake {
    Mistake { at, message: format!("expression recursion limit exceeded: {MAX_NESTING}") }
}
