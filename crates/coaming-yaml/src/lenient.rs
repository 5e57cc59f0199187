//! Input that `kubectl` accepts and the parser does not: tabs in flow collections, and byte order
//! marks at the start of a later document.
//!
//! The parser gets a copy of the text without them, in which all other bytes keep their offsets.

/// The text without the byte order marks that directly follow a `---` line; `None` if there are
/// none. Such marks occur where a tool concatenates files that an editor saved with a mark.
pub(crate) fn without_inner_marks(text: &str) -> Option<String> {
    const MARKED_LINE: &str = "\n\u{feff}";
    if !text.contains(MARKED_LINE) {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut previous_line = "";
    for line in text.split_inclusive('\n') {
        match line.strip_prefix('\u{feff}') {
            // Blank lines have no meaning, and the mark is as long as three of them.
            Some(rest) if previous_line.starts_with("---") => {
                out.push_str("\n\n\n");
                out.push_str(rest);
            }
            _ => out.push_str(line),
        }
        previous_line = line;
    }
    Some(out)
}

/// The text with the tabs of the flow collection that starts at byte `start` replaced by spaces;
/// `None` if there are none. Tabs in quotes stay. All other bytes keep their offsets.
pub(crate) fn without_tabs(text: &str, start: u32) -> Option<String> {
    let mut depth = 0usize;
    let mut quote: Option<char> = None;
    let mut escaped = false;
    let mut in_comment = false;
    // The last character that is not white space: a quote opens a value only after an indicator.
    let mut last = '[';
    let mut previous = ' ';
    let start = start as usize;
    let (before, flow) = text.split_at_checked(start).unwrap_or((text, ""));
    let mut out = String::with_capacity(text.len());
    out.push_str(before);
    for (at, c) in flow.char_indices() {
        out.push(if c == '\t' && quote.is_none() { ' ' } else { c });
        if in_comment {
            in_comment = c != '\n';
        } else if let Some(open) = quote {
            if escaped {
                escaped = false;
            } else if c == '\\' && open == '"' {
                escaped = true;
            } else if c == open {
                quote = None;
                last = c;
            }
        } else {
            match c {
                '#' if previous.is_whitespace() => in_comment = true,
                '"' | '\'' if matches!(last, '[' | '{' | ',' | ':' | '?') => quote = Some(c),
                '[' | '{' => depth += 1,
                ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if !c.is_whitespace() {
                last = c;
            }
        }
        previous = c;
        if depth == 0 && quote.is_none() {
            out.push_str(flow.get(at + c.len_utf8()..).unwrap_or_default());
            break;
        }
    }
    (out != text).then_some(out)
}
