//! What a plain scalar means to Kustomize (go-yaml 3), which differs from what it means to
//! Kubernetes: `yes` and `on` are text, dates are points in time.

use coaming_yaml::Scalar;

/// A resolved scalar.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Resolved<'t> {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Text(std::borrow::Cow<'t, str>),
}

/// The type that a plain text has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Null,
    Bool,
    Int,
    Float,
    Time,
    Text,
}

/// The type of a plain text.
pub(crate) fn kind_of(text: &str) -> Type {
    match resolve(text) {
        Resolved::Null => Type::Null,
        Resolved::Bool(_) => Type::Bool,
        Resolved::Int(_) | Resolved::UInt(_) => Type::Int,
        Resolved::Float(_) => Type::Float,
        Resolved::Text(_) if timestamp(text).is_some() => Type::Time,
        Resolved::Text(_) => Type::Text,
    }
}

/// Whether a plain text is null.
pub(crate) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// What a plain text means.
pub(crate) fn resolve(text: &str) -> Resolved<'_> {
    match text {
        "true" | "True" | "TRUE" => return Resolved::Bool(true),
        "false" | "False" | "FALSE" => return Resolved::Bool(false),
        _ => {}
    }
    match Scalar::of_plain(text) {
        Scalar::Null => Resolved::Null,
        Scalar::Int(value) => Resolved::Int(value),
        Scalar::UInt(value) => Resolved::UInt(value),
        Scalar::Float(value) => Resolved::Float(value),
        Scalar::Bool(_) | Scalar::Str(_) => match timestamp(text) {
            Some(time) => Resolved::Text(time.into()),
            None => Resolved::Text(text.into()),
        },
    }
}

/// A number as Go writes it into YAML: with an exponent from a million on, and below 0.0001.
pub(crate) fn float(value: f64) -> String {
    if !value.is_finite() {
        return format!("{}.inf", if value < 0.0 { "-" } else { "" });
    }
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    match exponent.parse::<i32>() {
        Ok(power) if value != 0.0 && !(-4..6).contains(&power) => {
            let sign = if power < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", power.abs())
        }
        _ => format!("{value}"),
    }
}

/// A point in time as Go prints it in JSON, if the text is one.
fn timestamp(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let year = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if year != 4 || bytes.get(4) != Some(&b'-') {
        return None;
    }
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (text.get(..at)?, text.get(at..)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year: u32 = parts.next()?.parse().ok()?;
    let month = number(parts.next()?, 1..=12)?;
    let day = number(parts.next()?, 1..=days(year, month))?;
    if parts.next().is_some() {
        return None;
    }
    let clock = match time {
        None => "00:00:00Z".to_owned(),
        Some(time) => clock(time)?,
    };
    Some(format!("{year:04}-{month:02}-{day:02}T{clock}"))
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 31,
    }
}

fn number(text: &str, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
    let is_short = matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|value| is_short && range.contains(value))
}

/// The time of a timestamp, after its separator.
fn clock(time: &str) -> Option<String> {
    let by_space = time.starts_with(' ');
    let time = time.get(1..)?;
    let (clock, zone) = time.split_at(time.find(['Z', '+', '-']).unwrap_or(time.len()));
    let mut parts = clock.split(':');
    let hour = number(parts.next()?, 0..=23)?;
    let minute = number(parts.next()?, 0..=59)?;
    let (second, fraction) = {
        let second = parts.next()?;
        second.split_once('.').unwrap_or((second, ""))
    };
    let second = number(second, 0..=59)?;
    let is_digits = fraction.bytes().all(|byte| byte.is_ascii_digit()) && fraction.len() <= 9;
    if parts.next().is_some() || !is_digits {
        return None;
    }
    let zone = match (by_space, zone) {
        (true, "") | (false, "Z") => "Z",
        (false, zone) if zone.len() == 6 && zone.as_bytes().get(3) == Some(&b':') => {
            number(zone.get(1..3)?, 0..=23)?;
            number(zone.get(4..)?, 0..=59)?;
            if zone.ends_with("00:00") { "Z" } else { zone }
        }
        _ => return None,
    };
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{hour:02}:{minute:02}:{second:02}{point}{fraction}{zone}"))
}

#[cfg(test)]
mod tests {
    use super::{Resolved, resolve};

    #[test]
    fn scalars_are_those_of_go_yaml_3() {
        let text = |text: &'static str| Resolved::Text(text.into());
        for (plain, meaning) in [
            ("yes", text("yes")),
            ("on", text("on")),
            ("True", Resolved::Bool(true)),
            ("0644", Resolved::Int(420)),
            ("1_000", Resolved::Int(1000)),
            ("~", Resolved::Null),
            (".5", Resolved::Float(0.5)),
            ("12:30:45", text("12:30:45")),
            ("2020-01-01", text("2020-01-01T00:00:00Z")),
            ("2020-1-2 3:04:05.50", text("2020-01-02T03:04:05.5Z")),
            ("2020-01-02T03:04:05+02:00", text("2020-01-02T03:04:05+02:00")),
            ("2020-13-02", text("2020-13-02")),
        ] {
            assert_eq!(resolve(plain), meaning, "{plain}");
        }
    }
}
