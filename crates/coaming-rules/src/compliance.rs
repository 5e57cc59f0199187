//! The controls of compliance frameworks, and the rules that check them.
//!
//! A framework is a view of the rules: it adds no checks. Invariants: every control of a framework
//! is listed, and one without rules says why it is not checked; a control passes only if the input
//! has what it is about.

mod cis;
mod nsa;
mod pci;

use coaming_finding::{Finding, Framework, RuleMeta, Standard};

/// A control of a framework.
#[derive(Clone, Copy, Debug)]
pub struct Control {
    /// Its number or name in the framework.
    pub id: &'static str,
    /// What it asks for, in a few words of ours.
    pub title: &'static str,
    /// What the input must have for a result.
    pub about: About,
}

/// What a control is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// Pods, and what makes them.
    Workloads,
    /// Roles and bindings.
    Rights,
    /// The contents of images, with known vulnerabilities.
    Images,
    /// A program of the control plane, which is in a pod.
    Program(&'static str),
    /// Encryption at rest: the API server, or its configuration of encryption.
    Encryption,
    /// The nodes of a cluster.
    Nodes,
    /// The configuration of kubelets.
    Kubelets,
    /// Something that is in none of the inputs; the reason says where it is.
    Nothing(&'static str),
}

/// The controls of a framework, in its order.
#[must_use]
pub fn controls(framework: Framework) -> &'static [Control] {
    match framework {
        Framework::Cis => cis::CONTROLS,
        Framework::Nsa => nsa::CONTROLS,
        Framework::Pci => pci::CONTROLS,
    }
}

/// Whether a rule checks a control.
#[must_use]
pub fn checks(rule: &RuleMeta, framework: Framework, control: &str) -> bool {
    let mut standards = rule.standards.iter();
    match framework {
        Framework::Cis => standards.any(|it| matches!(it, Standard::Cis(id) if *id == control)),
        Framework::Nsa => standards
            .any(|it| matches!(it, Standard::Nsa(section) if nsa::control_of(section) == control)),
        Framework::Pci => pci::checks(rule, control),
    }
}

/// Whether a finding is about a control. Some rules report several fields at once, of which a
/// control may be about one.
#[must_use]
pub fn concerns(finding: &Finding, framework: Framework, control: &str) -> bool {
    const JOINED: [&str; 2] = ["host-namespaces", "missing-security-context"];
    let field = match (framework, control) {
        (Framework::Cis, "5.2.3") => "hostPID",
        (Framework::Cis, "5.2.4") => "hostIPC",
        (Framework::Cis, "5.2.5") => "hostNetwork",
        (Framework::Cis, "5.2.6") => "allowPrivilegeEscalation",
        (Framework::Cis, "5.2.7") => "runAsNonRoot",
        (Framework::Cis, "5.2.8" | "5.2.9") => "capabilities",
        (Framework::Cis, "5.6.2") => "seccompProfile",
        _ => "",
    };
    let is_joined = JOINED.iter().any(|rule| finding.rule.id == **rule);
    let names_it = || {
        finding.message.contains(&format!("`{field}"))
            || finding.message.ends_with("has no security context")
    };
    checks(&finding.rule, framework, control) && (!is_joined || field.is_empty() || names_it())
}

/// Whether a rule checks any control of a framework.
#[must_use]
pub fn is_part(rule: &RuleMeta, framework: Framework) -> bool {
    controls(framework).iter().any(|control| checks(rule, framework, control.id))
}

const fn control(id: &'static str, title: &'static str, about: About) -> Control {
    Control { id, title, about }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn controls_are_listed_once() {
        for framework in Framework::ALL {
            let ids: Vec<&str> = controls(framework).iter().map(|control| control.id).collect();
            let unique: BTreeSet<&str> = ids.iter().copied().collect();
            assert_eq!(ids.len(), unique.len(), "{framework:?}");
        }
    }

    #[test]
    fn the_standards_of_rules_are_controls() {
        for rule in crate::all() {
            for standard in rule.meta.standards {
                let (framework, id) = match standard {
                    Standard::Cis(id) => (Framework::Cis, *id),
                    Standard::Nsa(section) => (Framework::Nsa, nsa::control_of(section)),
                    _ => continue,
                };
                let known = controls(framework).iter().find(|control| control.id == id);
                let is_checked = known.is_some_and(|it| !matches!(it.about, About::Nothing(_)));
                assert!(is_checked, "{}: {standard}", rule.meta.id);
            }
        }
    }

    #[test]
    fn controls_without_rules_say_so() {
        for framework in Framework::ALL {
            for control in controls(framework) {
                let is_checked =
                    crate::all().iter().any(|rule| checks(rule.meta, framework, control.id));
                let says_so = matches!(control.about, About::Nothing(_));
                assert_eq!(is_checked, !says_so, "{framework:?} {}", control.id);
            }
        }
    }
}
