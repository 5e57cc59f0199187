//! What to look at first: one number from what is known of a vulnerability and of where it is.
//!
//! Severity alone says how bad it would be; that it is exploited, or likely to be, says that it will be
//! tried; a fix says that something can be done; root and the way in from outside say what it is worth
//! to an intruder here.

use coaming_finding::Severity;

use crate::{Surroundings, Vulnerability};

/// From 0 to 100, higher first.
pub(crate) fn of(vulnerability: &Vulnerability<'_>, surroundings: Surroundings) -> u8 {
    let severity = match vulnerability.severity {
        Some(Severity::Critical) => 40,
        Some(Severity::High) => 30,
        Some(Severity::Medium) => 15,
        Some(Severity::Low) => 4,
        None => 10,
    };
    let exploited = if vulnerability.exploited.is_some() { 30 } else { 0 };
    let likely = match vulnerability.probability {
        Some(probability) if probability >= 0.5 => 15,
        Some(probability) if probability >= 0.1 => 10,
        Some(probability) if probability >= 0.01 => 5,
        _ => 0,
    };
    let fixable = if vulnerability.fixed.is_some() { 5 } else { 0 };
    let root = if surroundings.root == Some(true) { 4 } else { 0 };
    let exposed = if surroundings.exposed == Some(true) { 6 } else { 0 };
    severity + exploited + likely + fixable + root + exposed
}
