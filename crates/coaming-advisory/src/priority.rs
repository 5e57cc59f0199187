//! Priority: one number from a vulnerability and the container that has it.
//!
//! Severity alone is about the possible damage. Exploitation, known or likely, is about whether
//! anyone tries; a fix is about whether something can be done; root, exposure to the outside and
//! whether the container uses the package at all are about the value to an attacker.

use coaming_finding::Severity;

use crate::{DeploymentContext, Vulnerability};

/// From 0 to 100, higher first.
pub(crate) fn of(vulnerability: &Vulnerability, deployment: DeploymentContext) -> u8 {
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
    let root = if deployment.root == Some(true) { 4 } else { 0 };
    let exposed = if deployment.exposed == Some(true) { 6 } else { 0 };
    let uses = vulnerability.used_in(deployment);
    let used = if uses == Some(true) { 4 } else { 0 };
    let sum = severity + exploited + likely + fixable + root + exposed + used;
    let hidden = if deployment.exposed == Some(false) { 5 } else { 0 };
    let unused = if uses == Some(false) { 12 } else { 0 };
    sum.saturating_sub(hidden + unused)
}

/// The severity of a priority. Critical means exploited, or critical in a container that is exposed
/// in every known way.
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
    fn the_deployment_changes_the_severity() {
        let high = vulnerability(Severity::High);
        let open = DeploymentContext {
            root: Some(true),
            exposed: Some(true),
            other_command: false,
            ..DeploymentContext::default()
        };
        let closed = DeploymentContext {
            root: Some(false),
            exposed: Some(false),
            other_command: false,
            ..DeploymentContext::default()
        };
        assert_eq!(high.severity_in(DeploymentContext::default()), Severity::High);
        assert_eq!(high.severity_in(closed), Severity::Medium);
        let unused = Vulnerability { used: Some(false), ..high.clone() };
        assert_eq!(unused.severity_in(DeploymentContext::default()), Severity::Medium);
        assert!(unused.priority_in(open) < high.priority_in(open));
        // What another command uses is unknown.
        let other = DeploymentContext { other_command: true, ..open };
        assert_eq!(unused.priority_in(other), high.priority_in(other));
        let used = Vulnerability { used: Some(true), ..vulnerability(Severity::Critical) };
        assert_eq!(used.severity_in(open), Severity::Critical);
        assert_eq!(used.severity_in(DeploymentContext::default()), Severity::High);
    }

    #[test]
    fn an_exploited_vulnerability_is_critical_if_it_is_exposed() {
        let mut medium = vulnerability(Severity::Medium);
        medium.exploited = Some("2024-01-01".to_owned());
        assert_eq!(medium.severity_in(DeploymentContext::default()), Severity::High);
        let open = DeploymentContext {
            root: Some(true),
            exposed: Some(true),
            other_command: false,
            ..DeploymentContext::default()
        };
        assert_eq!(medium.severity_in(open), Severity::Critical);
    }

    #[test]
    fn the_maximum_is_a_hundred() {
        let all = Vulnerability {
            exploited: Some("2024-01-01".to_owned()),
            probability: Some(1.0),
            used: Some(true),
            ..vulnerability(Severity::Critical)
        };
        let open = DeploymentContext {
            root: Some(true),
            exposed: Some(true),
            other_command: false,
            ..DeploymentContext::default()
        };
        assert_eq!(all.priority_in(open), 100);
    }
}
