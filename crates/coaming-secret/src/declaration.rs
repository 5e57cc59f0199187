//! Declarations and expressions of programs, in which more than a separator is between a name and
//! its value: `password: string = "x"`, `token = String::from("x")`, `key = env.KEY || "x"`.

use crate::calls;

/// The longest type, and the longest expression before an alternative.
const MAX_PART: usize = 60;

/// What may be around a literal that is the value itself.
const WRAPPERS: &[&[u8]] = &[
    b"String::from(",
    b"SecretString::from(",
    b"SecretString::new(",
    b"SecretStr(",
    b"Some(",
    b"QStringLiteral(",
    b"QString(",
    b"std::string(",
    b"std::string{",
    b"new String(",
    b"Buffer.from(",
    b"[]byte(",
    b"bytes(",
    b"str(",
];

/// Operators before the value that counts if nothing else is set.
const ALTERNATIVES: &[&[u8]] = &[b" || ", b" ?? ", b" ?: ", b" or "];

/// How many bytes come before the value of a declaration, from the end of its name: with a type, or
/// of a property of C#.
pub(crate) fn before_value(rest: &[u8]) -> Option<usize> {
    let window = rest.get(..rest.len().min(MAX_PART))?;
    let equals = if let Some(declared) = window.strip_prefix(b"As String") {
        let gap = declared.iter().position(|&byte| byte == b'=')?;
        declared
            .get(..gap)?
            .trim_ascii()
            .is_empty()
            .then_some(window.len() - declared.len() + gap)?
    } else if window.starts_with(b"{ get;") {
        crate::pem::find(window, b"} =")? + 2
    } else {
        let lead =
            if window.starts_with(b"?:") { 2 } else { usize::from(window.starts_with(b":")) };
        if lead == 0 {
            return None;
        }
        let equals = window.iter().position(|&byte| byte == b'=')?;
        let kind = window.get(lead..equals)?.trim_ascii();
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.&'<>[]|? ".contains(byte);
        // `case X_PASSWORD:` is followed by a statement on the next line.
        if window.get(lead..equals)?.contains(&b'\n') {
            return None;
        }
        let starts = kind.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'&');
        // Words of prose are not a type.
        let is_phrase = kind.contains(&b' ') && !kind.iter().any(|byte| b"&|<[?".contains(byte));
        if !starts || is_phrase || !kind.iter().all(is_part) {
            return None;
        }
        equals
    };
    // The value is a literal, or has one.
    let after = rest.get(equals + 1..)?;
    let value = after.trim_ascii_start();
    let is_literal = value.first().is_some_and(|byte| b"\"'`".contains(byte));
    (is_literal || literal(value).is_some()).then_some(equals + 1)
}

/// The fields of a block of HCL that contain what the block is named after.
const FIELDS: &[&[u8]] = &[b"default", b"value", b"secret_string", b"secret_data"];

/// The longest block, and the longest call, whose fields are read.
const MAX_BLOCK: usize = 1000;

/// How many bytes come before the value of the block that starts at `rest`, from the end of its
/// name: `variable "password" { default = "x" }`. `lead` is its line before the name.
pub(crate) fn in_block(lead: &[u8], rest: &[u8]) -> Option<usize> {
    let is_block = lead.starts_with(b"variable ") || lead.starts_with(b"resource ");
    let start = rest.iter().position(|&byte| byte != b' ')?;
    if !is_block || rest.get(start) != Some(&b'{') {
        return None;
    }
    let window = rest.get(..rest.len().min(MAX_BLOCK))?;
    let window = window.get(..crate::pem::find(window, b"\n}").unwrap_or(window.len()))?;
    let mut at = 0;
    for line in window.split_inclusive(|&byte| byte == b'\n') {
        let own = line.trim_ascii_start();
        let after = FIELDS.iter().find_map(|field| own.strip_prefix(*field));
        if let Some(value) = after.and_then(|after| after.trim_ascii_start().strip_prefix(b"=")) {
            let quoted = value.trim_ascii_start().starts_with(b"\"");
            return quoted.then_some(at + line.len() - value.len());
        }
        at += line.len();
    }
    None
}

/// How many bytes come before the default of the option whose name `rest` follows, within the same
/// call: `"--password", default="x"`.
pub(crate) fn default_argument(rest: &[u8]) -> Option<usize> {
    let window = rest.get(..rest.len().min(MAX_PART * 4))?;
    let window = window.get(..window.iter().position(|&byte| byte == b')')?)?;
    [&b"default="[..], b"default: ", b"defaultValue = "].iter().find_map(|field| {
        let after = crate::pem::find(window, field)? + field.len();
        rest.get(after).is_some_and(|byte| b"\"'".contains(byte)).then_some(after)
    })
}

/// Whether a line before a name is that of an option in Go: `flag.StringVar(&password, "`.
pub(crate) fn is_flag(lead: &[u8]) -> bool {
    let Some(lead) = lead.strip_suffix(b"\"") else { return false };
    let Some(target) = lead.trim_ascii_end().strip_suffix(b",") else { return false };
    let is_target = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.&".contains(byte);
    let length = target.iter().rev().take_while(|byte| is_target(byte)).count();
    let callee = target.get(..target.len() - length).unwrap_or_default();
    length > 0 && (callee.ends_with(b"StringVar(") || callee.ends_with(b"StringVarP("))
}

/// How many bytes come before the argument after a comma, and after the short name of an option:
/// `, "p", "x"`.
pub(crate) fn after_shorthand(rest: &[u8]) -> usize {
    let after = rest.get(1..).unwrap_or_default().trim_ascii_start();
    match after {
        [b'"', letter, b'"', b',', ..] if letter.is_ascii_alphabetic() => {
            rest.len() - after.len() + 4
        }
        _ => 1,
    }
}

/// How many bytes come before the value of the last of several variables, in an assignment to all
/// of them: `user, password = "a", "x"`. `lead` is the line before the last one, `values` what comes
/// after the sign.
pub(crate) fn in_tuple(lead: &[u8], values: &[u8]) -> Option<usize> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_$., ".contains(byte);
    let index = lead.iter().filter(|&&byte| byte == b',').count();
    if !lead.trim_ascii_end().ends_with(b",") || !lead.iter().all(is_name) {
        return None;
    }
    let line = values.split(|&byte| byte == b'\n').next()?;
    calls::part_of_list(line, index).map_or(Some(line.len()), |part| Some(part.start))
}

/// Where the quote of the literal is in an expression that gives nothing else.
pub(crate) fn literal(expression: &[u8]) -> Option<usize> {
    let is_quote = |at: usize| expression.get(at).is_some_and(|byte| b"\"'`".contains(byte));
    if let Some(wrapper) = WRAPPERS.iter().find(|wrapper| expression.starts_with(wrapper)) {
        return Some(wrapper.len()).filter(|&at| is_quote(at));
    }
    // `b"x"`, `@"x"`
    if expression.first().is_some_and(|byte| b"brux@L".contains(byte)) && is_quote(1) {
        return Some(1);
    }
    let window = expression.get(..expression.len().min(MAX_PART))?;
    let end = window.iter().position(|byte| b" \r\n;,".contains(byte))?;
    let operator = ALTERNATIVES
        .iter()
        .find(|operator| window.get(end..).is_some_and(|rest| rest.starts_with(operator)))?;
    // Only of a variable or a call.
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.$()[]'\"?!".contains(byte);
    let is_expression = end > 0
        && window.get(..end)?.iter().all(is_part)
        && window.first().is_some_and(|byte| byte.is_ascii_alphabetic() || b"_$".contains(byte));
    Some(end + operator.len()).filter(|&at| is_expression && is_quote(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_with_types() {
        for (rest, value) in [
            (": string = 'x'", " 'x'"),
            ("?: string = 'x'", " 'x'"),
            (": &'static str = \"x\"", " \"x\""),
            (": String = String::from(\"x\")", " String::from(\"x\")"),
            (": Optional[str] = \"x\"", " \"x\""),
            ("{ get; set; } = \"x\";", " \"x\";"),
            ("As String = \"x\"", " \"x\""),
        ] {
            let at = before_value(rest.as_bytes());
            assert_eq!(at.and_then(|at| rest.get(at..)), Some(value), "{rest}");
        }
        for rest in [
            ":\n\tname = \"x\";",
            ": string",
            ": a == \"x\"",
            ": x = y",
            " = \"x\"",
            ": \"a\" = \"x\"",
            "{ get; }",
        ] {
            assert_eq!(before_value(rest.as_bytes()), None, "{rest}");
        }
    }

    #[test]
    fn literals_in_expressions() {
        for (expression, value) in [
            ("String::from(\"x\")", "\"x\")"),
            ("process.env.KEY || 'x'", "'x'"),
            ("os.environ.get('KEY') or 'x'", "'x'"),
            ("config.key ?? \"x\"", "\"x\""),
            ("QStringLiteral(\"x\")", "\"x\")"),
            ("std::string{\"x\"}", "\"x\"}"),
            ("b\"x\"", "\"x\""),
        ] {
            let at = literal(expression.as_bytes());
            assert_eq!(at.and_then(|at| expression.get(at..)), Some(value), "{expression}");
        }
        for expression in ["f(\"x\")", "a || b", "a + 'x'", "some word or \"x\"", "'x'"] {
            assert_eq!(literal(expression.as_bytes()), None, "{expression}");
        }
    }
}
