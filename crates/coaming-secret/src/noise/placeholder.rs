//! Placeholders: texts that someone has yet to replace with the real value.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder};

use crate::randomness;

/// Words that only occur where the real value is missing.
const MARKERS: &[&str] = &[
    "changeme",
    "change-me",
    "change_me",
    "change me",
    "changeit",
    "change-it",
    "changethis",
    "change-this",
    "change_this",
    "replaceme",
    "replace-me",
    "replace_me",
    "replace_with",
    "replace-with",
    "replacewith",
    "replacethis",
    "replace_this",
    "replace-this",
    "placeholder",
    "redacted",
    "example",
    "dummy",
    "your-",
    "your_",
    "yourpass",
    "yoursecret",
    "yourtoken",
    "yourapi",
    "yourkey",
    "<your",
    "xxxx",
    "****",
    "....",
    "insert-",
    "insert_",
    "todo-",
    "todo_",
    "todo:",
    "fixme",
    "to-be-",
    "to_be_",
    "fillme",
    "fill-me",
    "fill_me",
    "lorem",
    "notarealsecret",
    "encodedsecret",
    "not-a-real",
    "not_a_real",
    "not-real",
    "notreal",
    "sample",
    "goes-here",
    "goes_here",
    "-here",
    "_here",
    "foobar",
    "no-secret",
    "nosecret",
    "removed",
    "masked",
    "hidden",
    "set-me",
    "set_me",
    "setme",
    "fill-in",
    "fillin",
    "edit-me",
    "editme",
    "to be set",
    "to be filled",
    "not-set",
    "notset",
    "not-needed",
    "not_needed",
    "not-used",
    "not_used",
    " of the ",
];

/// The words of placeholders: a text that consists only of these is one.
const WORDS: &[&str] = &[
    "a",
    "access",
    "actual",
    "add",
    "an",
    "another",
    "any",
    "anything",
    "api",
    "app",
    "auth",
    "authentication",
    "bad",
    "bar",
    "baz",
    "be",
    "bogus",
    "broken",
    "change",
    "client",
    "config",
    "database",
    "db",
    "default",
    "demo",
    "dev",
    "development",
    "do",
    "encoded",
    "encrypted",
    "encryption",
    "enter",
    "fake",
    "foo",
    "for",
    "from",
    "generate",
    "generated",
    "goes",
    "here",
    "hidden",
    "id",
    "in",
    "incorrect",
    "insecure",
    "insert",
    "invalid",
    "is",
    "it",
    "jwt",
    "key",
    "keys",
    "local",
    "me",
    "mismatch",
    "mock",
    "must",
    "my",
    "mysql",
    "new",
    "not",
    "of",
    "only",
    "or",
    "other",
    "pass",
    "passphrase",
    "passwd",
    "password",
    "placeholder",
    "plaintext",
    "please",
    "postgres",
    "private",
    "prod",
    "production",
    "put",
    "pw",
    "pwd",
    "random",
    "real",
    "redis",
    "replace",
    "role",
    "root",
    "salt",
    "sample",
    "secret",
    "secrets",
    "secure",
    "session",
    "set",
    "should",
    "signing",
    "some",
    "something",
    "stage",
    "staging",
    "string",
    "strong",
    "stub",
    "super",
    "test",
    "testing",
    "the",
    "this",
    "to",
    "todo",
    "token",
    "top",
    "unused",
    "use",
    "user",
    "valid",
    "value",
    "very",
    "whatever",
    "with",
    "wrong",
    "xxx",
    "you",
    "your",
];

/// Whether a value is a placeholder.
pub(crate) fn is_placeholder(value: &str) -> bool {
    static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        AhoCorasickBuilder::new().ascii_case_insensitive(true).build(MARKERS).ok()
    });
    let has_marker = || FINDER.as_ref().is_some_and(|finder| finder.is_match(value));
    if !is_decorated(value) && has_marker() && !is_masked_in_part(value)
        || is_filler(value.as_bytes())
        || is_prompt(value)
        || is_yours(value)
        || is_name_of_secret(value)
    {
        return true;
    }
    // Words with digits or signs are a password, if a bad one; words with separators are not.
    if !value.bytes().all(|byte| byte.is_ascii_alphabetic() || b"-_. ".contains(&byte)) {
        return false;
    }
    let lower = value.to_ascii_lowercase();
    // The names of default users are common passwords: `postgres`, `root`, `admin`.
    const USERS: &[&str] = &["postgres", "root", "mysql", "redis", "user", "admin", "toor"];
    if USERS.contains(&lower.as_str()) {
        return false;
    }
    lower.split(['-', '_', '.', ' ']).all(|part| is_of_words(part.as_bytes()))
}

/// Whether a value is a name in camel case of what the reader has: `YourPingdomApiToken`.
fn is_yours(value: &str) -> bool {
    let rest = value.strip_prefix("Your").or_else(|| value.strip_prefix("your"));
    rest.is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_uppercase())
            && rest.bytes().all(|byte| byte.is_ascii_alphabetic())
    })
}

/// Whether a value is the name of what it stands for: `git_password`, `jiraToken`,
/// `KEYSTONE_DBPASS`.
fn is_name_of_secret(value: &str) -> bool {
    const CAPITALS: &[&str] =
        &["_PASSWORD", "_PASSWD", "_PASS", "_DBPASS", "_PWD", "_TOKEN", "_SECRET", "_KEY"];
    if CAPITALS.iter().any(|ending| value.ends_with(ending)) {
        return value.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    }
    const ENDINGS: &[&str] =
        &["_password", "_passwd", "_token", "_secret", "_key", "Password", "Token", "Secret"];
    value.len() <= 40
        && ENDINGS.iter().any(|ending| {
            value.strip_suffix(ending).is_some_and(|rest| {
                !rest.is_empty()
                    && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            })
        })
}

/// Whether only a part of a password is masked or padded: `Summer2024!xxxxxx`. What remains is a
/// word with digits and signs, so no format starts with it either.
fn is_masked_in_part(value: &str) -> bool {
    let rest = value.trim_end_matches(['x', 'X', '*', '.', '•']);
    let has = |of: fn(u8) -> bool| rest.bytes().any(of);
    let masked = value.len() - rest.len();
    (4..=rest.len()).contains(&masked)
        && rest.len() >= 6
        && has(|byte| byte.is_ascii_alphabetic())
        && has(|byte| byte.is_ascii_digit())
        && has(|byte| b"!@#%^&?+=".contains(&byte))
}

/// Whether a placeholder was turned into a password: `changeme!23` has a sign and a digit, as
/// password policies demand.
fn is_decorated(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let rest = lower.strip_prefix("changeme").or_else(|| lower.strip_prefix("changeit"));
    let has = |of: fn(u8) -> bool| rest.is_some_and(|rest| rest.bytes().any(of));
    has(|byte| byte.is_ascii_digit()) && has(|byte| b"!@#%^&*?+=".contains(&byte))
}

/// The word for a password in other languages, as in translations of programs.
const TRANSLATIONS: &[&str] = &[
    "passwort",
    "kennwort",
    "passwörter",
    "contraseña",
    "contrasena",
    "senha",
    "wachtwoord",
    "hasło",
    "haslo",
    "lösenord",
    "salasana",
    "adgangskode",
    "passord",
    "heslo",
    "jelszó",
    "parola",
    "şifre",
    "пароль",
    "пароля",
    "密码",
    "密碼",
    "パスワード",
    "비밀번호",
];

/// What a prompt may ask for in one word: `Password:`.
const PROMPTS: &[&str] = &["password", "passwd", "passphrase", "token", "secret", "username"];

/// Whether a value is the text of a prompt: the word for a password in any language, alone or in a
/// phrase of letters and spaces.
fn is_prompt(value: &str) -> bool {
    let is_phrase =
        value.chars().all(|c| c.is_alphabetic() || c.is_whitespace() || ".:…?!'’".contains(c));
    if !is_phrase || value.len() > 200 {
        return false;
    }
    let lower = value.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    let is_one_of_many = lower.contains(' ');
    let alone = lower.trim_end_matches(['.', ':', '…', '?', '!']);
    lower.contains("mot de passe")
        || alone.len() < lower.len() && PROMPTS.contains(&alone)
        || words.any(|word| {
            TRANSLATIONS.contains(&word)
                || is_one_of_many && matches!(word, "password" | "token" | "passphrase")
        })
}

/// Whether a text can be split into known words. Long texts are not placeholders.
fn is_of_words(text: &[u8]) -> bool {
    const MAX_LENGTH: usize = 64;
    if text.len() > MAX_LENGTH {
        return false;
    }
    let mut reachable = [false; MAX_LENGTH + 1];
    reachable[0] = true;
    for start in 0..text.len() {
        if !reachable[start] {
            continue;
        }
        let rest = text.get(start..).unwrap_or_default();
        for word in WORDS.iter().filter(|word| rest.starts_with(word.as_bytes())) {
            reachable[start + word.len()] = true;
        }
    }
    reachable[text.len()]
}

/// Whether a text repeats a few characters, or is the alphabet in order. `falcon0000` is a password
/// that people choose: a run counts only if it is nearly the whole text.
fn is_filler(value: &[u8]) -> bool {
    is_filler_with(value, longest_runs(value))
}

/// Whether it is filler ([`is_filler`]) or has a run ([`has_run`]).
pub(crate) fn is_monotonous(value: &[u8]) -> bool {
    let runs = longest_runs(value);
    is_filler_with(value, runs) || has_run_with(value, runs)
}

fn is_filler_with(value: &[u8], (same, rising): Runs) -> bool {
    let length = value.len();
    length >= 3
        && (same >= 4 && same * 3 > length * 2
            || rising >= 9 && length > 10
            || length >= 12 && is_of_runs(value)
            || randomness::has_at_most(value, if length >= 16 { 4 } else { 2 }))
}

/// Whether a text consists of parts of the alphabet and of the digits: `abc123def456ghi789`.
fn is_of_runs(value: &[u8]) -> bool {
    let mut run = 0;
    let mut last = None;
    for &byte in value {
        if last.is_some_and(|last: u8| byte == last.wrapping_add(1)) {
            run += 1;
        } else if last.is_some() && run < 3 {
            return false;
        } else {
            run = 1;
        }
        last = Some(byte);
    }
    run >= 3
}

/// Whether one character is repeated so often in a row that the text is not random.
pub(crate) fn has_run(value: &[u8]) -> bool {
    has_run_with(value, longest_runs(value))
}

fn has_run_with(value: &[u8], (same, _): Runs) -> bool {
    same >= 6 && same * 5 >= value.len() && value.len() < 60 || same >= 4 && same * 3 >= value.len()
}

/// The lengths of the longest run of one character, and of consecutive characters.
type Runs = (usize, usize);

fn longest_runs(value: &[u8]) -> Runs {
    let (mut same, mut rising, mut longest_same, mut longest_rising) = (1, 1, 1, 1);
    let mut bytes = value.iter().map(u8::to_ascii_lowercase);
    let mut before = bytes.next().unwrap_or_default();
    for after in bytes {
        let follows =
            after == before.wrapping_add(1) || before == b'9' && matches!(after, b'0' | b'a');
        same = if before == after { same + 1 } else { 1 };
        rising = if follows { rising + 1 } else { 1 };
        longest_same = longest_same.max(same);
        longest_rising = longest_rising.max(rising);
        before = after;
    }
    (longest_same, longest_rising)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::is_template;

    #[test]
    fn placeholders() {
        for yes in [
            "changeme",
            "CHANGE_ME",
            "your-password-here",
            "YOUR_API_KEY",
            "<password>",
            "xxxxxxxx",
            "********",
            "password",
            "my-secret-password",
            "mysecretpassword",
            "AKIAIOSFODNN7EXAMPLE",
            "dummy-token",
            "replace-with-real-token",
            "secret",
            "supersecret",
            "todo",
            "test",
            "aaaaaaaa",
            "0000000000000000",
            "abcdefghijklmnop",
            "changeme123",
            "Passwort",
            "Mot de passe oublié ?",
            "Bitte Passwort eingeben",
            "Enter your password:",
            "fake_password",
            "KEYSTONE_DBPASS",
            "ADMIN_PASS",
            "YourPingdomApiToken",
            "notvalidpassword",
            "Chime Webhook token",
            "T00000000?token=XXXXXXXXXXXXXXXXXXXXXXXX",
            "abc123def456ghi789",
            "Password:",
            "not-needed",
        ] {
            assert!(is_placeholder(yes) || is_template(yes), "{yes}");
        }
        for no in [
            "hunter2",
            "P@ssw0rd123",
            "postgres",
            "admin",
            "Tr0ub4dor&3",
            "x9Kq2LmZ8vTn4RwY",
            "password123!",
            "correct horse battery",
            "s3cr3t",
            "letmein",
            "toor",
            "changeme!23",
            "senha123",
            "12345678",
        ] {
            assert!(!is_placeholder(no), "{no}");
        }
    }

    #[test]
    fn runs() {
        for weak in ["Kq7pZx4w0000", "falcon0000", "abcd0000", "pass11111"] {
            assert!(!is_filler(weak.as_bytes()), "{weak}");
        }
        for filler in ["00000000", "sk-xxxxxxxx", "abababab", "--------"] {
            assert!(is_filler(filler.as_bytes()), "{filler}");
        }
        assert!(has_run(b"x9Kq2LAAAAAAAAvT"));
        assert!(!has_run(b"x9Kq2LmZ8vTn4RwY"));
    }
}
