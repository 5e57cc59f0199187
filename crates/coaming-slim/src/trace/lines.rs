//! Traces that other tools wrote: paths, `strace`, and the JSON lines of Inspektor Gadget.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

use coaming_image::{EntryKind, Tree};
use serde_json::Value;

use super::{TraceError, Used};

/// The longest line that is read; the rest of a longer one is a line of its own.
const LINE: u64 = 1 << 16;

/// The fields of Inspektor Gadget's events with the path of a file.
const FIELDS: [&str; 5] = ["fullPath", "fname", "exepath", "file", "path"];

/// The calls of `strace` that use a file.
const CALLS: [&str; 5] = ["open", "openat", "openat2", "execve", "execveat"];

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    /// A file was used.
    Used(Cow<'a, str>),
    /// It is about something else.
    Other,
    /// It is in none of the formats.
    Unknown,
}

/// Reads a trace. Paths that are not in the image are left out: `/proc`, and files that the
/// application wrote.
pub(super) fn read(path: &Path, tree: &Tree, directory: &str) -> Result<Used, TraceError> {
    let failed = |source| TraceError::File { path: path.display().to_string(), source };
    let mut reader = BufReader::new(File::open(path).map_err(failed)?);
    let (mut used, mut lines, mut unknown) = (Used::default(), 0u64, 0u64);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        if reader.by_ref().take(LINE).read_until(b'\n', &mut bytes).map_err(failed)? == 0 {
            break;
        }
        lines += 1;
        match line(&String::from_utf8_lossy(&bytes)) {
            Line::Used(named) => {
                let named = match named.starts_with('/') {
                    true => named.into_owned(),
                    false => format!("/{directory}/{named}"),
                };
                let found = tree.find(&named).filter(|(_, node)| node.kind == EntryKind::File);
                if let Some((found, _)) = found {
                    used.paths.insert(found.to_owned());
                }
            }
            Line::Other => {}
            Line::Unknown => unknown += 1,
        }
    }
    if used.paths.is_empty() {
        return Err(TraceError::Nothing { path: path.display().to_string(), lines });
    }
    if unknown > 0 {
        used.notes.push(format!("Not understood in the trace: {unknown} of {lines} lines."));
    }
    Ok(used)
}

fn line(text: &str) -> Line<'_> {
    let text = text.trim_end_matches(['\n', '\r']);
    if text.is_empty() || text.starts_with('#') {
        Line::Other
    } else if text.starts_with('/') {
        Line::Used(Cow::Borrowed(text))
    } else if text.trim_start_matches('[').starts_with('{') || matches!(text, "[" | "]") {
        event(text.trim_start_matches('[').trim_end_matches([',', ']']))
    } else {
        call(text)
    }
}

/// An event of Inspektor Gadget.
fn event(text: &str) -> Line<'_> {
    if text.is_empty() {
        return Line::Other;
    }
    let Ok(Value::Object(event)) = serde_json::from_str(text) else { return Line::Unknown };
    let failed = |name: &str| match event.get(name) {
        Some(Value::Number(number)) => number.as_i64() != Some(0),
        Some(Value::String(text)) => !text.is_empty(),
        _ => false,
    };
    if ["err", "error", "error_raw"].into_iter().any(failed) {
        return Line::Other;
    }
    let named =
        FIELDS.iter().find_map(|name| event.get(*name)?.as_str().filter(|it| !it.is_empty()));
    named.map_or(Line::Other, |named| Line::Used(Cow::Owned(named.to_owned())))
}

/// A line of `strace`: `[pid 7] openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3`.
fn call(text: &str) -> Line<'_> {
    let Some((head, arguments)) = text.split_once('(') else { return marker(text) };
    let name = head.rsplit([' ', '\t', ']']).next().unwrap_or_default();
    let is_name = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_';
    if name.is_empty() || !name.bytes().all(is_name) {
        return marker(text);
    }
    let result = arguments.rsplit_once(" = ").map(|(_, result)| result);
    if !CALLS.contains(&name) || result.is_some_and(|it| it.starts_with(['-', '?'])) {
        return Line::Other;
    }
    let Some((before, quoted)) = arguments.split_once('"') else { return Line::Other };
    let named = unquoted(quoted);
    if named.starts_with('/') || named.is_empty() {
        return if named.is_empty() { Line::Other } else { Line::Used(Cow::Owned(named)) };
    }
    // With `-y`, the directory that a relative path starts from is in angle brackets.
    let directory = before.split_once('<').and_then(|(_, it)| it.rsplit_once('>'));
    match directory {
        Some((directory, _)) => Line::Used(Cow::Owned(format!("{directory}/{named}"))),
        None if before.is_empty() || before.starts_with("AT_FDCWD") => {
            Line::Used(Cow::Owned(named))
        }
        None => Line::Other,
    }
}

/// What `strace` writes besides calls.
fn marker(text: &str) -> Line<'_> {
    let is_marker = text.contains("+++ ") || text.contains("--- ") || text.contains(" resumed>");
    let is_marker = is_marker || text.starts_with("strace: ");
    if is_marker { Line::Other } else { Line::Unknown }
}

/// A string of `strace` to its closing quote, with C's escapes.
fn unquoted(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next().filter(|it| *it != b'"') {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(first @ b'0'..=b'7') => {
                let mut value = u32::from(first - b'0');
                for _ in 0..2 {
                    let Some(digit) = bytes.next_if(|it| (b'0'..=b'7').contains(it)) else { break };
                    value = value * 8 + u32::from(digit - b'0');
                }
                out.push(u8::try_from(value).unwrap_or(b'?'));
            }
            Some(b'n') => out.push(b'\n'),
            Some(b't') => out.push(b'\t'),
            Some(other) => out.push(other),
            None => {}
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Line, line};

    #[test]
    fn each_format_names_what_was_used() {
        for (text, path) in [
            ("/etc/a b\n", "/etc/a b"),
            (r#"openat(AT_FDCWD, "/lib/a.so", O_RDONLY|O_CLOEXEC) = 3"#, "/lib/a.so"),
            (r#"[pid    12] execve("/bin/a", ["a", "b = -1"], 0x7 /* 3 vars */) = 0"#, "/bin/a"),
            (r#"7  12:00:01.5 open("/\303\244\"", O_RDONLY) = 4</x>"#, "/ä\""),
            (r#"12 openat(AT_FDCWD</app>, "main.py", O_RDONLY) = 3</app/main.py>"#, "/app/main.py"),
            (r#"openat(AT_FDCWD, "main.py", O_RDONLY) = 3"#, "main.py"),
            (r#"12 openat(AT_FDCWD, "/a", O_RDONLY <unfinished ...>"#, "/a"),
            (r#"[{"comm":"a","fd":3,"err":0,"fname":"/etc/a"},"#, "/etc/a"),
            (r#"{"error":"","error_raw":0,"fname":"/etc/a","proc":{"comm":"a"}}"#, "/etc/a"),
        ] {
            assert_eq!(line(text), Line::Used(path.into()), "{text}");
        }
    }

    #[test]
    fn what_failed_or_is_about_something_else_is_not_used() {
        for text in [
            "",
            "# a comment",
            r#"openat(AT_FDCWD, "/lib/a.so", O_RDONLY) = -1 ENOENT (No such file or directory)"#,
            r#"newfstatat(AT_FDCWD, "/a", 0x7, 0) = 0"#,
            r#"openat(5, "relative", O_RDONLY) = 3"#,
            "12 <... openat resumed>) = 3",
            "[pid 12] +++ exited with 0 +++",
            "--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED} ---",
            r#"{"comm":"a","fd":0,"err":2,"fname":"/etc/a"}"#,
            r#"{"error":"ENOENT","error_raw":2,"fname":"/etc/a"}"#,
            "[",
            "]",
        ] {
            assert_eq!(line(text), Line::Other, "{text}");
        }
        for text in ["PID COMM FD ERR FNAME", "{not json", "12 cat 3 0 /etc/passwd"] {
            assert_eq!(line(text), Line::Unknown, "{text}");
        }
    }
}
