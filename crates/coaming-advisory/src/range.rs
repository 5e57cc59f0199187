//! Ranges of versions: converts OSV's events to intervals and finds the interval of a version.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::osv::{Event, Range};
use crate::{Order, Version};

/// Versions from one to another. Readers borrow the texts (`S`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Interval<S = String> {
    /// The first version in it; empty means from the beginning.
    pub(crate) introduced: S,
    /// Where it ends.
    pub(crate) end: End<S>,
}

/// Where an interval ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum End<S = String> {
    /// It is open: there is no fix.
    Open,
    /// Before the version that fixes it.
    Fixed(S),
    /// After the last version that is known to be affected.
    LastAffected(S),
}

impl<S: AsRef<str>> Interval<S> {
    /// Whether it contains a version; `None` if a bound is not a valid version.
    pub(crate) fn contains(&self, order: Order, version: &Version) -> Option<bool> {
        let compare = |bound: &str| version.compare(&Version::parse(order, bound)?);
        let introduced = self.introduced.as_ref();
        if !introduced.is_empty() && compare(introduced)? == Ordering::Less {
            return Some(false);
        }
        Some(match &self.end {
            End::Open => true,
            End::Fixed(bound) => compare(bound.as_ref())? == Ordering::Less,
            End::LastAffected(bound) => compare(bound.as_ref())? != Ordering::Greater,
        })
    }

    /// The version that fixes it.
    pub(crate) fn fixed(&self) -> Option<&str> {
        match &self.end {
            End::Fixed(version) => Some(version.as_ref()),
            End::Open | End::LastAffected(_) => None,
        }
    }
}

/// An event with its parsed version; `None` is the beginning of all versions.
struct Bound<'a> {
    version: Option<Version>,
    text: &'a str,
    kind: Kind,
}

/// What an event says, in the order in which OSV evaluates events of the same version: a version
/// that is introduced and fixed at once is not affected.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Introduced,
    LastAffected,
    Fixed,
}

/// Converts a range's events, which may be in any order, to intervals. There are none if the events
/// say that no version is affected: `introduced` and `fixed` are both 0. `None` if an event's
/// version is not valid in this order, or if nothing is introduced.
pub(crate) fn intervals(order: Order, range: &Range) -> Option<Vec<Interval>> {
    let mut bounds: Vec<Bound<'_>> = range
        .events
        .iter()
        .flat_map(read)
        .map(|(kind, text)| bound(order, kind, text))
        .collect::<Option<_>>()?;
    bounds = sorted(bounds, &|left, right| {
        let order = match (&left.version, &right.version) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(left), Some(right)) => left.compare(right).unwrap_or(Ordering::Equal),
        };
        order.then(left.kind.cmp(&right.kind))
    });
    let mut intervals: Vec<Interval> = Vec::new();
    let mut open: Option<&str> = None;
    let mut is_introduced = false;
    for bound in &bounds {
        let end = match (bound.kind, open) {
            (Kind::Introduced, None) => {
                open = Some(if bound.version.is_some() { bound.text } else { "" });
                is_introduced = true;
                continue;
            }
            // The beginning of all versions is before each of them.
            (Kind::Fixed, Some(_)) if bound.version.is_none() => {
                open = None;
                continue;
            }
            (Kind::Fixed, Some(_)) => End::Fixed(bound.text.to_owned()),
            (Kind::LastAffected, Some(_)) => End::LastAffected(bound.text.to_owned()),
            (Kind::Fixed, None) => {
                // Also the last affected version is fixed.
                if let Some(Interval { end, .. }) = intervals.last_mut()
                    && matches!(end, End::LastAffected(last) if last == bound.text)
                {
                    *end = End::Fixed(bound.text.to_owned());
                }
                continue;
            }
            // Introduced twice, or ended before it began: no new information.
            _ => continue,
        };
        let introduced = open.take().unwrap_or_default().to_owned();
        intervals.push(Interval { introduced, end });
    }
    if let Some(introduced) = open {
        intervals.push(Interval { introduced: introduced.to_owned(), end: End::Open });
    }
    is_introduced.then_some(intervals)
}

/// Sorts by merging. The standard library may panic if an order is inconsistent, as Composer's and
/// Maven's are on some invented versions.
pub(crate) fn sorted<T>(mut items: Vec<T>, compare: &impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    if items.len() < 2 {
        return items;
    }
    let right = items.split_off(items.len() / 2);
    let mut left = sorted(items, compare).into_iter().peekable();
    let mut right = sorted(right, compare).into_iter().peekable();
    let mut merged = Vec::with_capacity(left.len() + right.len());
    loop {
        let next = match (left.peek(), right.peek()) {
            (Some(first), Some(second)) if compare(first, second) == Ordering::Greater => {
                right.next()
            }
            (Some(_), _) => left.next(),
            (None, _) => right.next(),
        };
        match next {
            Some(next) => merged.push(next),
            None => return merged,
        }
    }
}

/// The bounds in an event. A limit ends a range like a fix, but is only used for commits.
fn read(event: &Event) -> impl Iterator<Item = (Kind, &str)> {
    [
        (Kind::Introduced, event.introduced.as_deref()),
        (Kind::Fixed, event.fixed.as_deref()),
        (Kind::LastAffected, event.last_affected.as_deref()),
        (Kind::Fixed, event.limit.as_deref().filter(|text| *text != "*")),
    ]
    .into_iter()
    .filter_map(|(kind, text)| text.map(|text| (kind, text)))
}

fn bound<'a>(order: Order, kind: Kind, text: &'a str) -> Option<Bound<'a>> {
    if text == "0" {
        return Some(Bound { version: None, text, kind });
    }
    Some(Bound { version: Some(Version::parse(order, text)?), text, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(events: &str) -> Range {
        serde_json::from_str(&format!(r#"{{"type": "ECOSYSTEM", "events": {events}}}"#)).unwrap()
    }

    fn affected(events: &str, version: &str) -> bool {
        let version = Version::parse(Order::Dpkg, version).unwrap();
        intervals(Order::Dpkg, &range(events))
            .unwrap()
            .iter()
            .any(|interval| interval.contains(Order::Dpkg, &version).unwrap())
    }

    #[test]
    fn events_become_intervals_in_any_order() {
        let events =
            r#"[{"fixed": "3"}, {"introduced": "5"}, {"introduced": "0"}, {"fixed": "7"}]"#;
        for (version, expected) in
            [("0", true), ("2.9", true), ("3", false), ("4", false), ("5", true), ("7", false)]
        {
            assert_eq!(affected(events, version), expected, "{version}");
        }
    }

    #[test]
    fn sorting_is_stable_and_tolerates_inconsistent_orders() {
        let compare = |left: &(u32, u32), right: &(u32, u32)| left.0.cmp(&right.0);
        let items: Vec<(u32, u32)> = (0..1000).map(|number| (number * 7919 % 13, number)).collect();
        let mut expected = items.clone();
        expected.sort_by(compare);
        assert_eq!(sorted(items.clone(), &compare), expected);
        let circle = |left: &(u32, u32), right: &(u32, u32)| {
            if (left.0 + 1) % 13 == right.0 { Ordering::Less } else { Ordering::Greater }
        };
        assert_eq!(sorted(items, &circle).len(), 1000);
    }

    #[test]
    fn the_last_affected_version_is_affected() {
        let events = r#"[{"introduced": "1"}, {"last_affected": "2"}]"#;
        assert!(!affected(events, "0.9"));
        assert!(affected(events, "2"));
        assert!(!affected(events, "2.0.1"));
    }

    #[test]
    fn introduced_and_fixed_at_once_is_not_affected() {
        for events in [
            r#"[{"introduced": "0"}, {"fixed": "0"}]"#,
            r#"[{"fixed": "0"}, {"introduced": "0"}]"#,
            r#"[{"introduced": "2"}, {"fixed": "2"}]"#,
            r#"[{"introduced": "1"}, {"fixed": "2"}, {"introduced": "2"}]"#,
        ] {
            for version in ["0~1", "0", "2", "9"] {
                assert!(!affected(events, version), "{events} {version}");
            }
        }
    }

    /// The evaluation of events in OSV's specification, word for word.
    fn reference(events: &[(Kind, u32)], version: u32) -> bool {
        let mut events = events.to_vec();
        events.sort_by_key(|&(kind, at)| (at, kind));
        let mut vulnerable = false;
        for (kind, at) in events {
            match kind {
                Kind::Introduced if version >= at => vulnerable = true,
                Kind::Fixed if version >= at => vulnerable = false,
                Kind::LastAffected if version > at => vulnerable = false,
                _ => {}
            }
        }
        vulnerable
    }

    proptest::proptest! {
        #[test]
        fn intervals_hold_what_the_specification_says(
            events in proptest::collection::vec((0_u8..3, 0_u32..8), 1..8),
            version in 0_u32..9,
        ) {
            let kinds = [Kind::Introduced, Kind::LastAffected, Kind::Fixed];
            let names = ["introduced", "last_affected", "fixed"];
            let written: Vec<String> = events
                .iter()
                .map(|&(kind, at)| format!(r#"{{"{}": "{at}"}}"#, names[usize::from(kind)]))
                .collect();
            let events: Vec<(Kind, u32)> =
                events.iter().map(|&(kind, at)| (kinds[usize::from(kind)], at)).collect();
            let introduced = events.iter().any(|&(kind, _)| kind == Kind::Introduced);
            proptest::prop_assume!(introduced);
            let written = format!("[{}]", written.join(","));
            let own = affected(&written, &version.to_string());
            proptest::prop_assert_eq!(own, reference(&events, version), "{} {}", written, version);
        }
    }

    #[test]
    fn invalid_ranges_are_refused() {
        assert!(intervals(Order::Dpkg, &range(r#"[{"introduced": "x_y"}]"#)).is_none());
        assert!(intervals(Order::Dpkg, &range(r#"[{"fixed": "1"}]"#)).is_none());
        assert!(intervals(Order::Dpkg, &range("[]")).is_none());
    }
}
