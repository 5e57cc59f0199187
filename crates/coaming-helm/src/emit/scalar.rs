//! How a scalar is written: which styles its characters allow, and which one go-yaml chooses.

use coaming_yaml::Scalar;

/// The style of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// Which styles a text allows.
pub(super) struct Analysis {
    plain: bool,
    single: bool,
    literal: bool,
    multiline: bool,
}

impl Analysis {
    /// Looks at every character, as libyaml's `analyze_scalar`. go-yaml 3 allows tabs in literals.
    pub(super) fn of(text: &str, tabs_in_literals: bool) -> Self {
        if text.is_empty() {
            return Self { plain: true, single: true, literal: false, multiline: false };
        }
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let (mut special, mut tabs) = (false, false);
        let (mut line_breaks, mut space_break, mut break_space) = (false, false, false);
        let (mut previous_space, mut previous_break) = (false, false);
        let mut preceded_by_blank = true;
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map(|(_, next)| *next);
            let followed_by_blank = next.is_none_or(|next| {
                matches!(next, ' ' | '\t' | '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
            });
            indicators |= if at == 0 {
                match c {
                    '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\''
                    | '"' | '%' | '@' | '`' => true,
                    '?' | ':' | '-' => followed_by_blank,
                    _ => false,
                }
            } else {
                (c == ':' && followed_by_blank) || (c == '#' && preceded_by_blank)
            };
            if c == '\t' && tabs_in_literals {
                tabs = true;
            } else if !is_printable(c) {
                special = true;
            }
            let is_break = matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
            if c == ' ' {
                break_space |= previous_break;
                previous_space = true;
                previous_break = false;
            } else if is_break {
                line_breaks = true;
                space_break |= previous_space;
                previous_space = false;
                previous_break = true;
            } else {
                previous_space = false;
                previous_break = false;
            }
            preceded_by_blank = c == ' ' || c == '\t' || is_break;
        }
        let edge = |c: Option<char>| {
            c.is_some_and(|c| matches!(c, ' ' | '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}'))
        };
        let edges = edge(text.chars().next()) || edge(text.chars().next_back());
        Self {
            plain: !(edges
                || break_space
                || space_break
                || special
                || tabs
                || line_breaks
                || indicators),
            single: !(break_space || space_break || special || tabs),
            literal: !(text.ends_with(' ') || space_break || special),
            multiline: line_breaks,
        }
    }
}

/// The style that go-yaml chooses.
pub(super) fn style(text: &str, analysis: &Analysis, simple_key: bool) -> Style {
    let mut style = if text.contains('\n') {
        Style::Literal
    } else if is_text(text) {
        Style::Plain
    } else {
        Style::Double
    };
    if simple_key && analysis.multiline {
        style = Style::Double;
    }
    if style == Style::Plain && (!analysis.plain || (text.is_empty() && simple_key)) {
        style = Style::Single;
    }
    if style == Style::Single && !analysis.single {
        style = Style::Double;
    }
    if style == Style::Literal && (!analysis.literal || simple_key) {
        style = Style::Double;
    }
    style
}

/// Whether a plain scalar with this text is text to go-yaml, also to parsers of YAML 1.1.
fn is_text(text: &str) -> bool {
    matches!(Scalar::of_plain(text), Scalar::Str(_)) && !is_base_60(text) && !is_timestamp(text)
}

/// `[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?`
fn is_base_60(text: &str) -> bool {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut parts = rest.split(':');
    let Some(first) = parts.next() else { return false };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    if !first.starts_with(|c: char| c.is_ascii_digit()) || !digits(first) {
        return false;
    }
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return false };
    let sixtieth =
        |part: &str| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
    let (whole, fraction) = last.split_once('.').unwrap_or((last, ""));
    middle.iter().all(|part| sixtieth(part)) && sixtieth(whole) && digits(fraction)
}

/// A date, with or without a time.
fn is_timestamp(text: &str) -> bool {
    let year = text.bytes().take_while(u8::is_ascii_digit).count();
    if year != 4 || text.as_bytes().get(4) != Some(&b'-') {
        return false;
    }
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at..)),
        None => (text, None),
    };
    let number = |text: &str, range: std::ops::RangeInclusive<u32>| {
        matches!(text.len(), 1 | 2) && text.parse().is_ok_and(|number| range.contains(&number))
    };
    let mut parts = date.split('-').skip(1);
    let month = parts.next().is_some_and(|part| number(part, 1..=12));
    let day = parts.next().is_some_and(|part| number(part, 1..=31));
    if !month || !day || parts.next().is_some() {
        return false;
    }
    let Some(time) = time else { return true };
    let (separated_by_space, time) = (time.starts_with(' '), time.get(1..).unwrap_or_default());
    let zone = time.find(['Z', '+', '-']);
    let (clock, zone) = time.split_at(zone.unwrap_or(time.len()));
    let zone_fits = if separated_by_space {
        zone.is_empty()
    } else {
        zone == "Z" || (zone.len() == 6 && zone.as_bytes().get(3) == Some(&b':'))
    };
    let mut parts = clock.split(':');
    let hour = parts.next().is_some_and(|part| number(part, 0..=23));
    let minute = parts.next().is_some_and(|part| number(part, 0..=59));
    let second = parts.next().is_some_and(|part| {
        let (whole, fraction) = part.split_once('.').unwrap_or((part, "0"));
        number(whole, 0..=59) && fraction.bytes().all(|byte| byte.is_ascii_digit())
    });
    zone_fits && hour && minute && second && parts.next().is_none()
}

/// go-yaml's printable characters: none beyond the basic plane.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

/// The escape of a character in double quotes, if it needs one.
pub(super) fn escape(c: char, _pretty: bool) -> Option<String> {
    let short = match c {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\0' => "\\0",
        '\u{7}' => "\\a",
        '\u{8}' => "\\b",
        '\t' => "\\t",
        '\n' => "\\n",
        '\u{b}' => "\\v",
        '\u{c}' => "\\f",
        '\r' => "\\r",
        '\u{1b}' => "\\e",
        '\u{85}' => "\\N",
        '\u{2028}' => "\\L",
        '\u{2029}' => "\\P",
        c if is_printable(c) => return None,
        c => {
            let code = u32::from(c);
            return Some(match code {
                0..=0xff => format!("\\x{code:02X}"),
                0x100..=0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            });
        }
    };
    Some(short.to_owned())
}

/// A number that went through JSON: an integer where it has no fraction.
pub(super) fn number(value: f64) -> Result<String, String> {
    let json =
        crate::json::number(value).ok_or_else(|| format!("json: unsupported value: {value}"))?;
    Ok(match Scalar::of_plain(&json) {
        Scalar::Int(value) => value.to_string(),
        Scalar::UInt(value) => value.to_string(),
        Scalar::Float(value) => crate::print::float(value),
        _ => json,
    })
}
