//! Dates. The clock is never read: `now` is a fixed time, and marked as generated.

use super::{Outcome, Row, any, text, to_int};
use crate::dates;
use crate::origin::Origin;
use crate::value::{Kind, Object, Value};

pub(super) const TABLE: &[Row] = &[
    ("now", "", |_, _| Ok(time(NOW).at(Origin::random()))),
    ("date", "sa", |_, v| formatted(text(v, 0), any(v, 1), "UTC")),
    ("date_in_zone", "sas", |_, v| formatted(text(v, 0), any(v, 1), text(v, 2))),
    ("dateInZone", "sas", |_, v| formatted(text(v, 0), any(v, 1), text(v, 2))),
    ("htmlDate", "a", |_, v| formatted("2006-01-02", any(v, 0), "UTC")),
    ("htmlDateInZone", "as", |_, v| formatted("2006-01-02", any(v, 0), text(v, 1))),
    ("unixEpoch", "t", |_, v| {
        Ok(Value::from(seconds(any(v, 0)).to_string()).at(any(v, 0).first_origin()))
    }),
    ("toDate", "ss", |_, v| {
        Ok(time(dates::parse(text(v, 0), text(v, 1)).unwrap_or(ZERO)).at(any(v, 1).first_origin()))
    }),
    ("mustToDate", "ss", |_, v| match dates::parse(text(v, 0), text(v, 1)) {
        Some(seconds) => Ok(time(seconds).at(any(v, 1).first_origin())),
        None => Err(format!("parsing time {:?} as {:?}: cannot parse", text(v, 1), text(v, 0))),
    }),
    ("ago", "a", |_, v| {
        let nanoseconds = NOW.saturating_sub(seconds(any(v, 0))).saturating_mul(1_000_000_000);
        Ok(Value::from(dates::duration(nanoseconds)).at(Origin::random()))
    }),
    ("duration", "a", |_, v| {
        let given = match any(v, 0).kind {
            Kind::Text(_) | Kind::Int64(_) => to_int(any(v, 0)),
            _ => 0,
        };
        let seconds = given.saturating_mul(1_000_000_000);
        Ok(Value::from(dates::duration(seconds)).at(any(v, 0).first_origin()))
    }),
    ("durationRound", "a", |_, v| {
        let nanoseconds = match &any(v, 0).kind {
            Kind::Text(text) => dates::parse_duration(text.as_str()).unwrap_or(0),
            Kind::Int64(value) => *value,
            Kind::Object(object) => match &**object {
                Object::Time(at) => NOW.saturating_sub(*at).saturating_mul(1_000_000_000),
                _ => 0,
            },
            _ => 0,
        };
        Ok(Value::from(dates::rounded(nanoseconds)).at(any(v, 0).first_origin()))
    }),
    ("dateModify", "st", |_, v| modified(v, false)),
    ("date_modify", "st", |_, v| modified(v, false)),
    ("mustDateModify", "st", |_, v| modified(v, true)),
    ("must_date_modify", "st", |_, v| modified(v, true)),
];

/// The time that charts see: 2000-01-01, noon.
const NOW: i64 = 946_728_000;

/// Go's zero time: 0001-01-01.
const ZERO: i64 = -62_135_596_800;

fn time(seconds: i64) -> Value {
    Object::Time(seconds).into()
}

/// A time, or a number of seconds; for all else, now.
fn seconds(value: &Value) -> i64 {
    match &value.kind {
        Kind::Object(object) => match &**object {
            Object::Time(seconds) => *seconds,
            _ => NOW,
        },
        Kind::Int(seconds) | Kind::Int64(seconds) => *seconds,
        _ => NOW,
    }
}

fn formatted(layout: &str, value: &Value, zone: &str) -> Outcome {
    let is_known = matches!(&value.kind, Kind::Object(_) | Kind::Int(_) | Kind::Int64(_));
    let origin = if is_known { value.first_origin() } else { Origin::random() };
    Ok(Value::from(dates::format_in(layout, seconds(value), zone)).at(origin))
}

fn modified(v: &[Value], must: bool) -> Outcome {
    match dates::parse_duration(text(v, 0)) {
        Some(by) => Ok(time(seconds(any(v, 1)).saturating_add(by / 1_000_000_000))
            .at(any(v, 1).first_origin())),
        None if must => Err(format!("time: invalid duration {:?}", text(v, 0))),
        None => Ok(any(v, 1).clone()),
    }
}
