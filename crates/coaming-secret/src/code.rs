//! Source code: only string literals can be secrets there, never types, calls and selectors.

use std::ops::Range;

use crate::assignment;
use crate::declaration;
use crate::names::{self, Expected};
use crate::randomness;

/// The endings of program texts.
const PROGRAMS: &[&str] = &[
    "go", "py", "pyi", "pyx", "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "vue",
    "svelte", "java", "kt", "kts", "scala", "groovy", "gradle", "clj", "cs", "vb", "fs", "php",
    "phtml", "rb", "erb", "rs", "c", "h", "cc", "cpp", "cxx", "hpp", "hh", "m", "mm", "swift",
    "dart", "lua", "pl", "pm", "r", "ex", "exs", "erl", "hs", "ml", "sql", "tf", "hcl", "html",
    "htm", "ejs", "hbs", "twig", "jinja", "jinja2", "j2", "po", "pot", "css", "scss", "sol", "zig",
    "jl", "nim", "proto", "graphql", "vim", "el", "lisp", "tcl", "awk", "inc", "xs",
];

/// How far around a name a line is read.
const MAX_LINE: usize = 400;

/// Whether a file is program text, by its path.
pub(crate) fn is_program(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.')
        .is_some_and(|(_, ending)| PROGRAMS.iter().any(|known| known.eq_ignore_ascii_case(ending)))
}

/// Whether a file is documentation, by its path.
pub(crate) fn is_document(path: &str) -> bool {
    [".md", ".rst", ".adoc", ".mdx"].iter().any(|ending| path.ends_with(ending))
}

/// Whether a file has the texts of a program in one of its languages, by its path.
pub(crate) fn is_translation(path: &str) -> bool {
    const DIRECTORIES: &[&str] =
        &["locale", "locales", "localization", "i18n", "l10n", "lang", "langs", "translations"];
    path.rsplit('/').skip(1).any(|directory| DIRECTORIES.contains(&directory))
}

/// Whether a file has test vectors of cryptography, by its path.
pub(crate) fn is_test_vector(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    ["test-vector", "test_vector", "testvector", "wycheproof"].iter().any(|it| name.contains(it))
}

/// The quote of the string literal that a position is in, as far as its line shows.
pub(crate) fn open_quote(text: &[u8], at: usize) -> Option<u8> {
    let before = text.get(at.saturating_sub(MAX_LINE)..at).unwrap_or_default();
    let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
    let mut open: Option<u8> = None;
    let mut escaped = false;
    for &byte in before.get(start..).unwrap_or_default() {
        match (byte, open) {
            _ if escaped => escaped = false,
            (b'\\', _) => escaped = true,
            (quote, Some(own)) if quote == own => open = None,
            (b'"' | b'\'' | b'`', None) => open = Some(byte),
            _ => {}
        }
    }
    open
}

/// Whether the quote before a value closes the literal that its name is in: `"the password: ", x`.
pub(crate) fn is_closing_quote(text: &[u8], name: &Range<usize>, value: usize) -> bool {
    let before = text.get(..value).unwrap_or_default().trim_ascii_end();
    let quote = before.last().copied();
    let is_escaped = before.len().checked_sub(2).and_then(|at| text.get(at)) == Some(&b'\\');
    quote.is_some_and(|quote| b"\"'`".contains(&quote))
        && !is_escaped
        && quote != text.get(name.end).copied()
        && open_quote(text, name.start) == quote
}

/// The literal that a variable of this name is compared with: `password == "x"`.
pub(crate) fn compared(text: &[u8], name: &Range<usize>) -> Option<Range<usize>> {
    let rest = text.get(name.end..text.len().min(name.end + MAX_LINE))?;
    // `strcmp(password, "x")`
    let line = assignment::line_before(text, name.start);
    if [&b"strcmp("[..], b"strcasecmp("].iter().any(|call| line.ends_with(call)) {
        return literal(text, name.end + usize::from(rest.first() == Some(&b',')));
    }
    let rest = rest.strip_prefix(b")").unwrap_or(rest).trim_ascii_start();
    let rest = if without_method(text.get(name.clone())?).is_some() {
        rest.strip_prefix(b"(")?
    } else {
        [&b"==="[..], b"==", b"!==", b"!=", b".equals("]
            .iter()
            .find_map(|operator| rest.strip_prefix(*operator))?
    };
    literal(text, text.len().min(name.end + MAX_LINE) - rest.len())
}

/// The name of what a method compares with its argument: `password` of `password.equals`.
pub(crate) fn without_method(name: &[u8]) -> Option<&[u8]> {
    const METHODS: &[&[u8]] = &[b".equals", b".Equals", b".contentEquals", b".compareTo"];
    METHODS.iter().find_map(|method| name.strip_suffix(*method))
}

/// The literal that is passed to a function of this name, if the function takes a secret:
/// `SetAuthToken("x")`, `NetworkCredential("user", "x")`.
pub(crate) fn argument(text: &[u8], name: &Range<usize>) -> Option<Range<usize>> {
    let rest = text.get(name.end..)?;
    let callee = std::str::from_utf8(text.get(name.clone())?).ok()?;
    let own = callee.rsplit('.').next().unwrap_or(callee).to_ascii_lowercase().replace('_', "");
    // `auth=("user", "x")`, as Python's requests take it.
    if own == "auth"
        && let Some(assigned) = rest.strip_prefix(b" =").or_else(|| rest.strip_prefix(b"="))
        && let Some(inner) = assigned.trim_ascii_start().strip_prefix(b"(")
    {
        return second(text, literal(text, text.len() - inner.len())?);
    }
    // `basic_auth 'user', 'x'`, as in Ruby.
    if own == "basicauth" && matches!(rest, [b' ', b'"' | b'\'', ..]) {
        return second(text, literal(text, name.end)?);
    }
    if rest.first() != Some(&b'(') {
        // `ConvertTo-SecureString "x"`
        let is_command = own.ends_with("securestring");
        let named = rest.strip_prefix(b" -String").unwrap_or(rest);
        let skipped = rest.len() - named.len();
        return is_command.then(|| literal(text, name.end + skipped)).flatten();
    }
    const PAIRS: &[&str] = &[
        "basicauth",
        "networkcredential",
        "usernamepasswordcredentials",
        "passwordauthentication",
        "passwordcredential",
        "basiccredentials",
        "plainauth",
        "httpbasicauth",
        "authenticate",
        "basicauthentication",
        "setcredentials",
        "usernamepasswordauthenticationtoken",
        "credentials",
        "pscredential",
        "userpassword",
        "basicawscredentials",
    ];
    const SETTERS: &[&str] = &["set", "with", "add", "use", "new", "from"];
    const SECRETS: &[&str] = &["token", "password", "passwd", "secret", "apikey", "passphrase"];
    let first = literal(text, name.end + 1)?;
    if PAIRS.iter().any(|pair| own.ends_with(pair)) {
        return second(text, first);
    }
    let is_setter = SETTERS.iter().any(|verb| own.starts_with(verb))
        && SECRETS.iter().any(|secret| own.ends_with(secret));
    let is_only = text.get(first.end + 1..)?.trim_ascii_start().starts_with(b")");
    (is_setter && is_only).then_some(first)
}

/// The literal after the first of two arguments.
fn second(text: &[u8], first: Range<usize>) -> Option<Range<usize>> {
    let after = text.get(first.end + 1..)?.trim_ascii_start().strip_prefix(b",")?;
    let at = text.len() - after.len() + (after.len() - after.trim_ascii_start().len());
    let wrapped = text.get(at..).and_then(declaration::literal).unwrap_or_default();
    literal(text, at + wrapped)
}

/// The literal that starts here, after spaces.
pub(crate) fn literal(text: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = text.get(at..text.len().min(at + MAX_LINE))?;
    let spaces = rest.iter().take_while(|byte| b" \t".contains(byte)).count();
    let (&quote, inner) = rest.get(spaces..)?.split_first()?;
    if !b"\"'`".contains(&quote) {
        return None;
    }
    let length = inner.iter().position(|&byte| byte == quote || byte == b'\n')?;
    let start = at + spaces + 1;
    (inner.get(length) == Some(&quote)).then_some(start..start + length)
}

/// Whether a literal under this name may be a secret: not a format, a path, a phrase, a
/// translation, a selector, or the name of something.
pub(crate) fn is_credential(expected: Option<Expected>, name: &str, value: &str) -> bool {
    const FORMATS: &[&str] =
        &["%s", "%d", "%v", "%r", "%q", "%(", "${", "#{", "{{", "<%", "\\u", "\\x", "$("];
    let has = |of: fn(u8) -> bool| value.bytes().any(of);
    if !value.is_ascii() || FORMATS.iter().any(|format| value.contains(format)) {
        return false;
    }
    if value.contains('{') && value.contains('}') || value.contains(":{") || value.contains("\\n") {
        return false;
    }
    // The name of a protocol: `age-encryption.org/p256tag`.
    if [".org/", ".com/", ".io/", ".dev/"].iter().any(|domain| value.contains(domain)) {
        return false;
    }
    let is_password = expected == Some(Expected::Password);
    let words = value.split_ascii_whitespace().count();
    let (digit, sign) = (has(|b| b.is_ascii_digit()), has(|b| b"!@#$%^&*?~+=".contains(&b)));
    if words > 1 {
        return is_password && words <= 2 && digit && sign;
    }
    let plain = |text: &str| text.bytes().filter(u8::is_ascii_alphanumeric).count();
    let is_own_name = plain(value) == plain(name) && names_match(value, name);
    if is_own_name || value.ends_with([':', ',', '(', '[', '{', '-', '/']) {
        return false;
    }
    // The next field of a form, and the parts that a pattern found.
    let unnumbered = |text: &'_ str| text.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    let is_next = unnumbered(name).len() < name.len() && unnumbered(name) == unnumbered(value);
    if is_next || value.contains("\\1") {
        return false;
    }
    // Base64 ends so, and the start of an assignment.
    if value.ends_with('=') && !randomness::looks_random(value.as_bytes()) {
        return false;
    }
    // Protocols name the purpose of a key so.
    let mut parts = value.split(|c: char| !c.is_ascii_alphanumeric());
    if name.to_ascii_lowercase().ends_with("salt")
        && !parts.any(|part| randomness::looks_random(part.as_bytes()))
    {
        return false;
    }
    // `.login-form`, `#password`, `/path/of`, `--flag`, `$variable`, `:param`, `@decorator`.
    if value.starts_with(['.', '#', '/', '-', '$', ':', '@', '<', '[', '(']) && !(digit && sign) {
        return randomness::looks_random(value.as_bytes());
    }
    if digit || sign {
        return !is_name_of_something(value)
            || is_password && (!value.contains(['_', '.', ':', '/']) || is_chosen(value));
    }
    let single = value.bytes().all(|b| b.is_ascii_lowercase());
    // `SSL_CLIENT_S_DN_Email`
    let is_words = value.contains('_')
        && value.split('_').all(|part| part.bytes().all(|byte| byte.is_ascii_alphabetic()));
    randomness::looks_random(value.as_bytes()) && !randomness::has_words(value) && !is_words
        || is_password && single && (4..=16).contains(&value.len())
}

fn names_match(value: &str, name: &str) -> bool {
    let folded = |text: &str| {
        let kept = text.bytes().filter(u8::is_ascii_alphanumeric);
        kept.map(|byte| byte.to_ascii_lowercase()).collect::<Vec<u8>>()
    };
    folded(value) == folded(name)
}

/// Whether a value consists of words with separators, and maybe short numbers: `0011_migration`,
/// `oauth2.token`, `auth/v2`.
fn is_name_of_something(value: &str) -> bool {
    let mut parts = value.split(['_', '-', '.', '/', ':']).peekable();
    let is_word = |part: &str| {
        let letters = part.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = part.len() - letters.len();
        digits <= 4
            && (letters.is_empty()
                || letters.bytes().all(|b| b.is_ascii_lowercase())
                || letters.bytes().all(|b| b.is_ascii_uppercase())
                || letters.bytes().all(|b| b.is_ascii_alphabetic())
                    && randomness::has_words(letters))
    };
    value.contains(['_', '-', '.', '/', ':']) && parts.all(is_word)
}

/// Whether a value is words in mixed case with a number, as people choose passwords:
/// `nectarine_Pit8`.
fn is_chosen(value: &str) -> bool {
    let is_capitalized = |part: &str| {
        let mut bytes = part.bytes();
        bytes.next().is_some_and(|byte| byte.is_ascii_uppercase())
            && bytes.next().is_some_and(|byte| byte.is_ascii_lowercase())
    };
    let (first, last) = value.split_once(['_', '-']).unwrap_or_default();
    let (letters, digits) =
        last.split_at(last.trim_end_matches(|c: char| c.is_ascii_digit()).len());
    first.len() >= 3
        && first.bytes().all(|byte| byte.is_ascii_lowercase())
        && is_capitalized(letters)
        && letters.bytes().all(|byte| byte.is_ascii_alphabetic())
        && !digits.is_empty()
}

/// What the name of what is compared makes likely.
pub(crate) fn expected(name: &str) -> Option<Expected> {
    let own = without_method(name.as_bytes()).map_or(name.len(), <[u8]>::len);
    names::read(name.get(..own)?).and_then(|hint| hint.expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_that_may_be_secrets() {
        let password = Some(Expected::Password);
        for yes in ["hunter2", "tundra!352Q", "tiger", "P@ssw0rd", "walnut-485Z", "ripe_Quince4"] {
            assert!(is_credential(password, "password", yes), "{yes}");
        }
        let key = Some(Expected::Key);
        for yes in ["x9Kq2LmZ8vTn4RwY", "2UsevZE1x1ZdFZW4MNzH", "sdf0o9823sjdfsdf"] {
            assert!(is_credential(key, "token", yes), "{yes}");
        }
        for no in [
            "0011_migration",
            "auth_user",
            "authToken",
            "csrf-token",
            "%s",
            "{token}",
            "a phrase",
            "更改密码",
            "AUTH_TOKEN",
            "oauth2.token",
            "SSL_CLIENT_S_DN_Email",
            "236:{a:3:{i:0",
            ".password-field",
            "#password",
        ] {
            assert!(!is_credential(key, "auth", no), "{no}");
        }
        for no in ["Password", "new_password", "Enter password", "/reset/password", "passwordHash"]
        {
            assert!(!is_credential(password, "password", no), "{no}");
        }
    }

    #[test]
    fn comparisons_and_arguments() {
        type Reader = fn(&[u8], &Range<usize>) -> Option<Range<usize>>;
        fn found<'t>(text: &'t str, word: &str, of: Reader) -> Option<&'t str> {
            let start = text.find(word)?;
            let range = of(text.as_bytes(), &(start..start + word.len()))?;
            text.get(range)
        }
        let text = "if password == \"tundra!352Q\":";
        assert_eq!(found(text, "password", compared), Some("tundra!352Q"));
        let text = "if (password.equals(\"tundra!352Q\"))";
        assert_eq!(found(text, "password.equals", compared), Some("tundra!352Q"));
        let text = "if (strcmp(password, \"tundra!352Q\") == 0)";
        assert_eq!(found(text, "password", compared), Some("tundra!352Q"));
        let text = "session.auth = (\"app\", \"abc\")";
        assert_eq!(found(text, "session.auth", argument), Some("abc"));
        let text = "c.SetAuthToken(\"abc\")";
        assert_eq!(found(text, "c.SetAuthToken", argument), Some("abc"));
        let text = "c.SetBasicAuth(\"app\", \"abc\")";
        assert_eq!(found(text, "c.SetBasicAuth", argument), Some("abc"));
        let text = "get(u, auth=(\"app\", \"abc\"))";
        assert_eq!(found(text, "auth", argument), Some("abc"));
        let text = ".basic_auth(\"app\", Some(\"abc\"))";
        assert_eq!(found(text, "basic_auth", argument), Some("abc"));
        assert_eq!(found("x = (\"auth\", \"0011_x\")", "auth", argument), None);
        let text = "new NetworkCredential(\"u\", \"p\")";
        assert_eq!(found(text, "NetworkCredential", argument), Some("p"));
        let text = "ConvertTo-SecureString \"p\" -AsPlainText";
        assert_eq!(found(text, "ConvertTo-SecureString", argument), Some("p"));
        assert_eq!(found("getToken(\"user\")", "getToken", argument), None);
    }
}
