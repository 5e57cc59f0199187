//! Timestamps and durations.

use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp as Instant, Zoned};

use super::declarations::Library;
use super::eval::{EvalError, Machine, NO_OVERLOAD};
use super::value::Value;

const NANOS: i128 = 1_000_000_000;

/// The lowest and highest times, in seconds: years 1 to 9999.
const RANGE: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// A point in time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timestamp {
    /// Since the epoch.
    nanos: i128,
    /// The offset that it was written with, in seconds; for display only.
    offset: i32,
}

impl PartialEq for Timestamp {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Timestamp {}

impl PartialOrd for Timestamp {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timestamp {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl Timestamp {
    /// The time at this number of seconds since the epoch.
    pub(crate) fn of_seconds(seconds: i64) -> Result<Self, EvalError> {
        Self::checked(i128::from(seconds) * NANOS, 0)
    }

    fn checked(nanos: i128, offset: i32) -> Result<Self, EvalError> {
        let in_range =
            i64::try_from(nanos.div_euclid(NANOS)).is_ok_and(|seconds| RANGE.contains(&seconds));
        if in_range {
            Ok(Self { nanos, offset })
        } else {
            Err(EvalError::new("timestamp overflow"))
        }
    }

    /// Reads RFC 3339.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        // `2006-01-02T15:04:05`, a fraction, and `Z` or an offset.
        let shape = b"dddd-dd-ddTdd:dd:dd";
        let has_shape = bytes.len() > shape.len()
            && bytes.iter().zip(shape).all(|(byte, wanted)| match wanted {
                b'd' => byte.is_ascii_digit(),
                wanted => byte == wanted,
            });
        if !has_shape || bytes.get(11..13)? > &b"23"[..] || bytes.get(17..19)? > &b"59"[..] {
            return None;
        }
        let instant: Instant = text.parse().ok()?;
        let zone = text.rfind(['+', '-']).filter(|at| *at >= 19);
        let offset = match zone {
            None if text.ends_with('Z') => 0,
            None => return None,
            Some(at) => offset_of(text.get(at..)?)?,
        };
        Self::checked(instant.as_nanosecond(), offset).ok()
    }

    /// Later by this many nanoseconds.
    pub(crate) fn plus(self, nanos: i128) -> Result<Self, EvalError> {
        Self::checked(self.nanos + nanos, self.offset)
    }

    /// The nanoseconds from one time to another.
    pub(crate) fn between(left: Self, right: Self) -> Result<i64, EvalError> {
        i64::try_from(left.nanos - right.nanos).map_err(|_| EvalError::new("duration overflow"))
    }

    pub(crate) fn seconds(self) -> i64 {
        i64::try_from(self.nanos.div_euclid(NANOS)).unwrap_or(i64::MAX)
    }

    pub(crate) fn is_zero(self) -> bool {
        self.seconds() == *RANGE.start() && self.nanos % NANOS == 0
    }

    fn zoned(self, zone: TimeZone) -> Result<Zoned, EvalError> {
        let instant = Instant::from_nanosecond(self.nanos);
        Ok(instant.map_err(|_| EvalError::new("timestamp overflow"))?.to_zoned(zone))
    }

    /// RFC 3339 with as many digits as needed.
    pub(crate) fn show(self) -> String {
        let Ok(offset) = Offset::from_seconds(self.offset) else { return String::new() };
        let Ok(zoned) = self.zoned(TimeZone::fixed(offset)) else { return String::new() };
        let mut text = zoned.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        let fraction = self.nanos.rem_euclid(NANOS);
        if fraction != 0 {
            text.push('.');
            text.push_str(format!("{fraction:09}").trim_end_matches('0'));
        }
        if self.offset == 0 {
            text.push('Z');
        } else {
            let sign = if self.offset < 0 { '-' } else { '+' };
            let minutes = self.offset.abs() / 60;
            text.push_str(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
        }
        text
    }
}

/// The seconds of an offset: `+02:00`.
fn offset_of(text: &str) -> Option<i32> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (hours, minutes) = digits.split_once(':')?;
    let hours: i32 = hours.parse().ok()?;
    let minutes: i32 = minutes.parse().ok()?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

pub(crate) fn add_durations(left: i64, right: i64) -> Result<i64, EvalError> {
    left.checked_add(right).ok_or_else(|| EvalError::new("integer overflow"))
}

/// Reads a duration in Go's notation: `1h30m5.5s`.
pub(crate) fn parse_duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut total: i128 = 0;
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(end);
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let scale: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => NANOS,
            "m" => 60 * NANOS,
            "h" => 3600 * NANOS,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || number.len() > 40
        {
            return None;
        }
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let digits = fraction.get(..fraction.len().min(18))?;
        let part: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
        let power = 10i128.pow(u32::try_from(digits.len()).ok()?);
        total = total.checked_add(whole.checked_mul(scale)?)?.checked_add(part * scale / power)?;
        if next.is_empty() {
            break;
        }
        rest = next;
    }
    i64::try_from(if negative { -total } else { total }).ok()
}

/// A duration in seconds: `3601.5s`.
pub(crate) fn show_duration(nanos: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "as upstream computes seconds")]
    let seconds = (nanos / 1_000_000_000) as f64 + (nanos % 1_000_000_000) as f64 / 1e9;
    format!("{seconds}s")
}

type Outcome = Result<Value, EvalError>;

/// A field of a time, in a time zone if one is named.
fn getter(
    arguments: &[Value],
    of_time: fn(&Zoned) -> i64,
    of_duration: Option<fn(i64) -> i64>,
) -> Outcome {
    let (time, zone) = match arguments {
        [Value::Duration(nanos)] => {
            return of_duration.map_or(NO_OVERLOAD, |get| Ok(Value::Int(get(*nanos))));
        }
        [Value::Timestamp(time)] => (time, TimeZone::UTC),
        [Value::Timestamp(time), Value::String(zone)] => (time, time_zone(zone)?),
        _ => return NO_OVERLOAD,
    };
    Ok(Value::Int(of_time(&time.zoned(zone)?)))
}

fn time_zone(name: &str) -> Result<TimeZone, EvalError> {
    let unknown = || EvalError::new(format!("unknown time zone {name}"));
    if name.contains(':') {
        let offset = offset_of(name).and_then(|seconds| Offset::from_seconds(seconds).ok());
        return offset.map(TimeZone::fixed).ok_or_else(unknown);
    }
    if name.is_empty() || name == "UTC" {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(name).map_err(|_| unknown())
}

pub(crate) const LIBRARY: Library = Library {
    signatures: "
        @google.protobuf.Timestamp getFullYear() int
        @google.protobuf.Timestamp getFullYear(string) int
        @google.protobuf.Timestamp getMonth() int
        @google.protobuf.Timestamp getMonth(string) int
        @google.protobuf.Timestamp getDayOfYear() int
        @google.protobuf.Timestamp getDayOfYear(string) int
        @google.protobuf.Timestamp getDayOfMonth() int
        @google.protobuf.Timestamp getDayOfMonth(string) int
        @google.protobuf.Timestamp getDate() int
        @google.protobuf.Timestamp getDate(string) int
        @google.protobuf.Timestamp getDayOfWeek() int
        @google.protobuf.Timestamp getDayOfWeek(string) int
        @google.protobuf.Timestamp getHours() int
        @google.protobuf.Timestamp getHours(string) int
        @google.protobuf.Duration getHours() int
        @google.protobuf.Timestamp getMinutes() int
        @google.protobuf.Timestamp getMinutes(string) int
        @google.protobuf.Duration getMinutes() int
        @google.protobuf.Timestamp getSeconds() int
        @google.protobuf.Timestamp getSeconds(string) int
        @google.protobuf.Duration getSeconds() int
        @google.protobuf.Timestamp getMilliseconds() int
        @google.protobuf.Timestamp getMilliseconds(string) int
        @google.protobuf.Duration getMilliseconds() int
    ",
    natives: &[
        ("getFullYear", |_: &mut Machine<'_>, arguments| {
            getter(arguments, |time| i64::from(time.year()), None)
        }),
        ("getMonth", |_, arguments| getter(arguments, |time| i64::from(time.month()) - 1, None)),
        ("getDayOfYear", |_, arguments| {
            getter(arguments, |time| i64::from(time.day_of_year()) - 1, None)
        }),
        ("getDayOfMonth", |_, arguments| getter(arguments, |time| i64::from(time.day()) - 1, None)),
        ("getDate", |_, arguments| getter(arguments, |time| i64::from(time.day()), None)),
        ("getDayOfWeek", |_, arguments| {
            getter(arguments, |time| i64::from(time.weekday().to_sunday_zero_offset()), None)
        }),
        ("getHours", |_, arguments| {
            let of_duration: fn(i64) -> i64 = |nanos| nanos / 3_600_000_000_000;
            getter(arguments, |time| i64::from(time.hour()), Some(of_duration))
        }),
        ("getMinutes", |_, arguments| {
            getter(arguments, |time| i64::from(time.minute()), Some(|nanos| nanos / 60_000_000_000))
        }),
        ("getSeconds", |_, arguments| {
            getter(arguments, |time| i64::from(time.second()), Some(|nanos| nanos / 1_000_000_000))
        }),
        ("getMilliseconds", |_, arguments| {
            getter(arguments, |time| i64::from(time.millisecond()), Some(|nanos| nanos / 1_000_000))
        }),
    ],
};
