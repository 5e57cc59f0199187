//! What to look at first: one number from what is known of a vulnerability and of where it is.
//!
//! Severity alone says how bad it would be; that it is exploited, or likely to be, says that it will be
//! tried; a fix says that something can be done; root, the way in from outside, and whether what is
//! started uses the package at all say what it is worth to an attacker here.

use coaming_finding::Severity;

use crate::{Surroundings, Vulnerability};

/// From 0 to 100, higher first.
pub(crate) fn of(vulnerability: &Vulnerability, surroundings: Surroundings) -> u8 {
    let severity: u8 = match vulnerability.severity {
        Some(Severity::Critical) => 40,
        Some(Severity::High) => 30,
        Some(Severity::Medium) => 15,
        Some(Severity::Low) => 4,
        None => 10,
    };
    let exploited = if vulnerability.exploited.is_some() { 30 } else { 0 };
    let likely = match vulnerability.probability {
        Some(probability) if probability >= 0.5 => 12,
        Some(probability) if probability >= 0.1 => 8,
        Some(probability) if probability >= 0.01 => 4,
        _ => 0,
    };
    let fixable = if vulnerability.fixed.is_some() { 4 } else { 0 };
    let root = if surroundings.root == Some(true) { 4 } else { 0 };
    let exposed = if surroundings.exposed == Some(true) { 6 } else { 0 };
    let uses = vulnerability.used_in(surroundings);
    let used = if uses == Some(true) { 4 } else { 0 };
    let sum = severity + exploited + likely + fixable + root + exposed + used;
    let hidden = if surroundings.exposed == Some(false) { 5 } else { 0 };
    let unused = if uses == Some(false) { 12 } else { 0 };
    sum.saturating_sub(hidden + unused)
}

/// The severity that such a number means for a container: critical is what is exploited, or critical
/// and open in every way that is known.
pub(crate) fn severity(priority: u8) -> Severity {
    match priority {
        54.. => Severity::Critical,
        30.. => Severity::High,
        14.. => Severity::Medium,
        _ => Severity::Low,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vulnerability(severity: Severity) -> Vulnerability {
        Vulnerability {
            fixed: Some("1.0.1".to_owned()),
            severity: Some(severity),
            ..Vulnerability::example("CVE-2024-1", "pkg:npm/a@1.0.0")
        }
    }

    #[test]
    fn surroundings_move_a_vulnerability() {
        let high = vulnerability(Severity::High);
        let open = Surroundings {
            root: Some(true),
            exposed: Some(true),
            other_command: false,
            ..Surroundings::default()
        };
        let closed = Surroundings {
            root: Some(false),
            exposed: Some(false),
            other_command: false,
            ..Surroundings::default()
        };
        assert_eq!(high.severity_in(Surroundings::default()), Severity::High);
        assert_eq!(high.severity_in(closed), Severity::Medium);
        let unused = Vulnerability { used: Some(false), ..high.clone() };
        assert_eq!(unused.severity_in(Surroundings::default()), Severity::Medium);
        assert!(unused.priority_in(open) < high.priority_in(open));
        // Of another command nobody knows what it uses.
        let other = Surroundings { other_command: true, ..open };
        assert_eq!(unused.priority_in(other), high.priority_in(other));
        let used = Vulnerability { used: Some(true), ..vulnerability(Severity::Critical) };
        assert_eq!(used.severity_in(open), Severity::Critical);
        assert_eq!(used.severity_in(Surroundings::default()), Severity::High);
    }

    #[test]
    fn what_is_exploited_is_critical_where_it_can_be_reached() {
        let mut medium = vulnerability(Severity::Medium);
        medium.exploited = Some("2024-01-01".to_owned());
        assert_eq!(medium.severity_in(Surroundings::default()), Severity::High);
        let open = Surroundings {
            root: Some(true),
            exposed: Some(true),
            other_command: false,
            ..Surroundings::default()
        };
        assert_eq!(medium.severity_in(open), Severity::Critical);
    }

    #[test]
    fn no_sum_is_over_a_hundred() {
        let all = Vulnerability {
            exploited: Some("2024-01-01".to_owned()),
            probability: Some(1.0),
            used: Some(true),
            ..vulnerability(Severity::Critical)
        };
        let open = Surroundings {
            root: Some(true),
            exposed: Some(true),
            other_command: false,
            ..Surroundings::default()
        };
        assert_eq!(all.priority_in(open), 100);
    }
}
