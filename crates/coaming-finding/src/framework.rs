//! Compliance frameworks, and what a run says about their controls.

/// A catalog of controls that auditors use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Framework {
    /// The CIS Kubernetes Benchmark.
    Cis,
    /// The Kubernetes Hardening Guide of NSA and CISA.
    Nsa,
    /// The Payment Card Industry Data Security Standard.
    Pci,
}

impl Framework {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Cis, Self::Nsa, Self::Pci];

    /// Its name on the command line, with the version that its controls are numbered by.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cis => "cis-1.12",
            Self::Nsa => "nsa-1.2",
            Self::Pci => "pci-4.0",
        }
    }

    /// Its title in a report.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Cis => "CIS Kubernetes Benchmark 1.12",
            Self::Nsa => "NSA and CISA Kubernetes Hardening Guide 1.2",
            Self::Pci => "PCI DSS 4.0",
        }
    }

    /// The framework of this name, with or without its version.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        let is_it = |framework: &Self| {
            let name = framework.as_str();
            text == name || name.split_once('-').is_some_and(|(short, _)| text == short)
        };
        Self::ALL.into_iter().find(is_it)
    }
}

/// What a run says about one control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlReport {
    /// Its number or name in the framework.
    pub id: &'static str,
    /// What it asks for, in a few words of ours.
    pub title: &'static str,
    /// The result.
    pub state: ControlState,
}

/// The result of a control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlState {
    /// Its rules have this many findings.
    Failed(usize),
    /// Its rules ran on what it is about, and found nothing.
    Passed,
    /// It was not checked, for this reason.
    NotChecked(&'static str),
}

/// The controls of a framework with their results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compliance {
    /// The framework.
    pub framework: Framework,
    /// Its controls, in its order.
    pub controls: Vec<ControlReport>,
}

impl Compliance {
    /// How many controls failed, passed, and were not checked.
    #[must_use]
    pub fn counts(&self) -> [usize; 3] {
        let (mut failed, mut passed, mut not_checked) = (0, 0, 0);
        for control in &self.controls {
            match control.state {
                ControlState::Failed(_) => failed += 1,
                ControlState::Passed => passed += 1,
                ControlState::NotChecked(_) => not_checked += 1,
            }
        }
        [failed, passed, not_checked]
    }
}

#[cfg(test)]
mod tests {
    use super::Framework;

    #[test]
    fn names_may_leave_the_version_out() {
        assert_eq!(Framework::named("cis"), Some(Framework::Cis));
        assert_eq!(Framework::named("pci-4.0"), Some(Framework::Pci));
        assert_eq!(Framework::named("cis-1.6"), None);
    }
}
