//! Dates as Go formats them: in UTC, or in a named time zone.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;

const DAY: i64 = 86_400;
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] =
    ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];

/// Year, month and day of a number of days since 1970.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Adds years, months and days; a day that the month does not have is one of the next month.
pub(crate) fn add_date(seconds: i64, years: i64, months: i64, days: i64) -> i64 {
    // Far beyond what Go can write, and nothing overflows.
    const LIMIT: i64 = 1_000_000_000;
    let [years, months, days] = [years, months, days].map(|count| count.clamp(-LIMIT, LIMIT));
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    let month = month - 1 + months;
    let first = days_of(year + years + month.div_euclid(12), month.rem_euclid(12) + 1, 1);
    (first + day - 1 + days) * DAY + seconds.rem_euclid(DAY)
}

/// The parts of Go's reference time, longest first where one begins another.
const PARTS: [&str; 27] = [
    "January", "Jan", "Monday", "Mon", "2006", "-07:00", "Z07:00", "Z0700", "-0700", "-07", "MST",
    "002", "01", "02", "03", "04", "05", "06", "15", "PM", "pm", "_2", "1", "2", "3", "4", "5",
];

/// The difference of a time zone from UTC at one time.
struct Zone {
    seconds: i64,
    name: String,
}

impl Zone {
    fn utc() -> Self {
        Self { seconds: 0, name: "UTC".to_owned() }
    }

    /// The zone of this name at a time. Go takes unknown ones for UTC, and names are exact. The zone of
    /// the machine is not read.
    fn named(name: &str, at: i64) -> Option<Self> {
        static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
        let zone = ZONES.get(name).ok().filter(|zone| zone.iana_name() == Some(name))?;
        let info = zone.to_offset_info(Timestamp::from_second(at).ok()?);
        let name = info.abbreviation().to_owned();
        Some(Self { seconds: i64::from(info.offset().seconds()), name })
    }

    /// `+02:00`, with this between hours and minutes.
    fn offset(&self, between: &str) -> String {
        let sign = if self.seconds < 0 { '-' } else { '+' };
        let minutes = self.seconds.abs() / 60;
        format!("{sign}{:02}{between}{:02}", minutes / 60, minutes % 60)
    }
}

/// Formats a time by a layout.
pub(crate) fn format(layout: &str, seconds: i64) -> String {
    write(layout, seconds, &Zone::utc())
}

/// Formats a time by a layout in a time zone.
pub(crate) fn format_in(layout: &str, seconds: i64, zone: &str) -> String {
    write(layout, seconds, &Zone::named(zone, seconds).unwrap_or_else(Zone::utc))
}

fn write(layout: &str, seconds: i64, zone: &Zone) -> String {
    let seconds = seconds.saturating_add(zone.seconds);
    let days = seconds.div_euclid(DAY);
    let in_day = seconds.rem_euclid(DAY);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (in_day / 3600, in_day / 60 % 60, in_day % 60);
    let month_name = usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at)).unwrap_or(&"");
    let day_name =
        usize::try_from(days.rem_euclid(7)).ok().and_then(|at| DAYS.get(at)).unwrap_or(&"");
    let hour12 = if hour % 12 == 0 { 12 } else { hour % 12 };
    let mut out = String::new();
    let mut rest = layout;
    while let Some(first) = rest.chars().next() {
        let Some(part) = PARTS.iter().find(|part| rest.starts_with(**part)) else {
            out.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        };
        rest = rest.get(part.len()..).unwrap_or_default();
        match *part {
            "January" => out.push_str(month_name),
            "Jan" => out.push_str(month_name.get(..3).unwrap_or_default()),
            "Monday" => out.push_str(day_name),
            "Mon" => out.push_str(day_name.get(..3).unwrap_or_default()),
            "2006" => out.push_str(&format!("{year:04}")),
            "Z07:00" | "Z0700" if zone.seconds == 0 => out.push('Z'),
            "-07:00" | "Z07:00" => out.push_str(&zone.offset(":")),
            "-0700" | "Z0700" => out.push_str(&zone.offset("")),
            "-07" => out.push_str(zone.offset("").get(..3).unwrap_or_default()),
            "MST" => out.push_str(&zone.name),
            "002" => out.push_str(&format!("{:03}", days - days_of(year, 1, 1) + 1)),
            "01" => out.push_str(&format!("{month:02}")),
            "02" => out.push_str(&format!("{day:02}")),
            "03" => out.push_str(&format!("{hour12:02}")),
            "04" => out.push_str(&format!("{minute:02}")),
            "05" => {
                out.push_str(&format!("{second:02}"));
                // Fractions of a second are all zeros.
                let zeros = rest
                    .strip_prefix('.')
                    .map(|after| after.len() - after.trim_start_matches('0').len());
                if let Some(zeros) = zeros.filter(|zeros| *zeros > 0) {
                    out.push('.');
                    out.push_str(&"0".repeat(zeros));
                    rest = rest.get(zeros + 1..).unwrap_or_default();
                }
            }
            "06" => out.push_str(&format!("{:02}", year.rem_euclid(100))),
            "15" => out.push_str(&format!("{hour:02}")),
            "PM" => out.push_str(if hour < 12 { "AM" } else { "PM" }),
            "pm" => out.push_str(if hour < 12 { "am" } else { "pm" }),
            "_2" => out.push_str(&format!("{day:2}")),
            "1" => out.push_str(&month.to_string()),
            "2" => out.push_str(&day.to_string()),
            "3" => out.push_str(&hour12.to_string()),
            "4" => out.push_str(&minute.to_string()),
            "5" => out.push_str(&second.to_string()),
            _ => {}
        }
    }
    out
}

/// The month, from 1.
pub(crate) fn month(seconds: i64) -> i64 {
    civil(seconds.div_euclid(DAY)).1
}

/// The day of the week, from 0, a Sunday.
pub(crate) fn weekday(seconds: i64) -> i64 {
    (seconds.div_euclid(DAY) + 4).rem_euclid(7)
}

/// As Go prints a time.
pub(crate) fn full(seconds: i64) -> String {
    format("2006-01-02 15:04:05 -0700 MST", seconds)
}

/// Reads a time by a layout of numbers.
pub(crate) fn parse(layout: &str, text: &str) -> Option<i64> {
    let (mut year, mut month, mut day) = (0, 1, 1);
    let (mut hour, mut minute, mut second) = (0, 0, 0);
    let (mut layout, mut text) = (layout, text);
    while let Some(first) = layout.chars().next() {
        let Some(part) = PARTS.iter().find(|part| layout.starts_with(**part)) else {
            text = text.strip_prefix(first)?;
            layout = layout.get(first.len_utf8()..)?;
            continue;
        };
        layout = layout.get(part.len()..)?;
        let digits = |least: usize, most: usize| -> Option<(i64, usize)> {
            let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
            (count >= least).then(|| text.get(..count)?.parse().ok().zip(Some(count))).flatten()
        };
        let (value, length) = match *part {
            "2006" => digits(4, 4)?,
            "01" | "02" | "04" | "05" | "06" | "15" | "03" => digits(2, 2)?,
            "1" | "2" | "3" | "4" | "5" => digits(1, 2)?,
            "January" | "Jan" => {
                let at = MONTHS.iter().position(|name| {
                    text.starts_with(if *part == "Jan" { &name[..3] } else { name })
                })?;
                let length = if *part == "Jan" { 3 } else { MONTHS.get(at)?.len() };
                (i64::try_from(at).ok()? + 1, length)
            }
            "Z07:00" | "Z0700" if text.starts_with('Z') => (0, 1),
            "MST" => (0, 3),
            _ => return None,
        };
        text = text.get(length..)?;
        match *part {
            "2006" => year = value,
            "06" => year = value + if value >= 69 { 1900 } else { 2000 },
            "01" | "1" | "January" | "Jan" => month = value,
            "02" | "2" => day = value,
            "15" | "03" | "3" => hour = value,
            "04" | "4" => minute = value,
            "05" | "5" => second = value,
            _ => {}
        }
    }
    let exists = civil(days_of(year, month, day)) == (year, month, day);
    let in_range = (1..=12).contains(&month) && exists && hour < 24;
    if !text.is_empty() || !in_range {
        return None;
    }
    Some(days_of(year, month, day) * DAY + hour * 3600 + minute * 60 + second)
}

/// As Go prints a duration of nanoseconds.
pub(crate) fn duration(nanoseconds: i64) -> String {
    if nanoseconds == 0 {
        return "0s".to_owned();
    }
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let total = nanoseconds.unsigned_abs();
    if total < 1_000_000_000 {
        let (unit, size) = match total {
            0..1_000 => ("ns", 1.0),
            1_000..1_000_000 => ("µs", 1e3),
            _ => ("ms", 1e6),
        };
        return format!("{sign}{}{unit}", total as f64 / size);
    }
    let (hours, minutes) = (total / 3_600_000_000_000, total / 60_000_000_000 % 60);
    let seconds = (total % 60_000_000_000) as f64 / 1e9;
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, _) => format!("{sign}{minutes}m{seconds}s"),
        _ => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

/// Reads a duration: `1h30m`. In nanoseconds.
pub(crate) fn parse_duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0_f64;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let value: f64 = rest.get(..end)?.parse().ok()?;
        rest = rest.get(end..)?;
        let unit_end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let size = match rest.get(..unit_end)? {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 6e10,
            "h" => 3.6e12,
            _ => return None,
        };
        rest = rest.get(unit_end..)?;
        total += value * size;
    }
    Some(if negative { -total as i64 } else { total as i64 })
}

/// The largest unit of a duration alone: `2h`.
pub(crate) fn rounded(nanoseconds: i64) -> String {
    let seconds = nanoseconds.unsigned_abs() / 1_000_000_000;
    let units =
        [("y", 31_536_000), ("mo", 2_592_000), ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];
    for (unit, size) in units {
        if seconds >= size {
            return format!("{}{unit}", seconds / size);
        }
    }
    "0s".to_owned()
}
