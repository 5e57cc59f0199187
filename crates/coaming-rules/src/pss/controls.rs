//! The table of controls: the level of each, and how it judges from which version on.

use super::field::Check;
use super::{Level, Version, baseline, restricted};

/// One control of the standards.
#[derive(Debug)]
pub struct Control {
    /// Its name in Kubernetes.
    pub id: &'static str,
    /// What it is about, in a few words.
    pub title: &'static str,
    /// The level that introduces it.
    pub level: Level,
    /// How it judges, by the first minor version; oldest first, never empty.
    revisions: &'static [Revision],
    /// Controls of the lower level that it includes.
    overrides: &'static [&'static str],
}

impl Control {
    /// The first policy version that has it.
    #[must_use]
    pub fn introduced(&self) -> Version {
        Version::new(self.revisions.first().map_or(0, |revision| revision.since))
    }

    fn revision(&self, version: Version) -> Option<&'static Revision> {
        self.revisions.iter().rev().find(|revision| revision.since <= version.minor())
    }
}

/// How a control judges from a version on.
#[derive(Debug)]
pub(super) struct Revision {
    since: u32,
    pub(super) judge: fn(&mut Check<'_>),
}

const fn since(since: u32, judge: fn(&mut Check<'_>)) -> Revision {
    Revision { since, judge }
}

static CONTROLS: [Control; 19] = [
    Control {
        id: "appArmorProfile",
        title: "AppArmor profile",
        level: Level::Baseline,
        revisions: &[since(0, baseline::app_armor_profile)],
        overrides: &[],
    },
    Control {
        id: "capabilities_baseline",
        title: "added capabilities",
        level: Level::Baseline,
        revisions: &[since(0, baseline::capabilities)],
        overrides: &[],
    },
    Control {
        id: "hostNamespaces",
        title: "host namespaces",
        level: Level::Baseline,
        revisions: &[since(0, baseline::host_namespaces)],
        overrides: &[],
    },
    Control {
        id: "hostPathVolumes",
        title: "hostPath volumes",
        level: Level::Baseline,
        revisions: &[since(0, baseline::host_path_volumes)],
        overrides: &[],
    },
    Control {
        id: "hostPorts",
        title: "host ports",
        level: Level::Baseline,
        revisions: &[since(0, baseline::host_ports)],
        overrides: &[],
    },
    Control {
        id: "hostProbesAndHostLifecycle",
        title: "hosts of probes and lifecycle hooks",
        level: Level::Baseline,
        revisions: &[since(34, baseline::host_probes_and_lifecycle)],
        overrides: &[],
    },
    Control {
        id: "privileged",
        title: "privileged containers",
        level: Level::Baseline,
        revisions: &[since(0, baseline::privileged)],
        overrides: &[],
    },
    Control {
        id: "procMount",
        title: "mount of /proc",
        level: Level::Baseline,
        revisions: &[since(0, baseline::proc_mount), since(35, baseline::proc_mount_1_35)],
        overrides: &[],
    },
    Control {
        id: "seLinuxOptions",
        title: "SELinux options",
        level: Level::Baseline,
        revisions: &[
            since(0, baseline::se_linux_options),
            since(31, baseline::se_linux_options_1_31),
        ],
        overrides: &[],
    },
    Control {
        id: "seccompProfile_baseline",
        title: "seccomp profile",
        level: Level::Baseline,
        revisions: &[since(0, baseline::seccomp_annotations), since(19, baseline::seccomp_profile)],
        overrides: &[],
    },
    Control {
        id: "sysctls",
        title: "sysctls",
        level: Level::Baseline,
        revisions: &[
            since(0, baseline::sysctls),
            since(27, baseline::sysctls_1_27),
            since(29, baseline::sysctls_1_29),
            since(32, baseline::sysctls_1_32),
            since(37, baseline::sysctls_1_37),
        ],
        overrides: &[],
    },
    Control {
        id: "windowsHostProcess",
        title: "Windows host processes",
        level: Level::Baseline,
        revisions: &[since(0, baseline::windows_host_process)],
        overrides: &[],
    },
    Control {
        id: "allowPrivilegeEscalation",
        title: "privilege escalation",
        level: Level::Restricted,
        revisions: &[
            since(8, restricted::allow_privilege_escalation),
            since(25, restricted::allow_privilege_escalation_1_25),
        ],
        overrides: &[],
    },
    Control {
        id: "capabilities_restricted",
        title: "capabilities",
        level: Level::Restricted,
        revisions: &[since(22, restricted::capabilities), since(25, restricted::capabilities_1_25)],
        overrides: &["capabilities_baseline"],
    },
    Control {
        id: "procMount_restricted",
        title: "mount of /proc",
        level: Level::Restricted,
        revisions: &[since(35, baseline::proc_mount)],
        overrides: &["procMount"],
    },
    Control {
        id: "restrictedVolumes",
        title: "volume types",
        level: Level::Restricted,
        revisions: &[since(0, restricted::volumes)],
        overrides: &["hostPathVolumes"],
    },
    Control {
        id: "runAsNonRoot",
        title: "running as non-root",
        level: Level::Restricted,
        revisions: &[
            since(0, restricted::run_as_non_root),
            since(35, restricted::run_as_non_root_1_35),
        ],
        overrides: &[],
    },
    Control {
        id: "runAsUser",
        title: "user of the processes",
        level: Level::Restricted,
        revisions: &[since(23, restricted::run_as_user), since(35, restricted::run_as_user_1_35)],
        overrides: &[],
    },
    Control {
        id: "seccompProfile_restricted",
        title: "seccomp profile",
        level: Level::Restricted,
        revisions: &[
            since(19, restricted::seccomp_profile),
            since(25, restricted::seccomp_profile_1_25),
        ],
        overrides: &["seccompProfile_baseline"],
    },
];

/// All controls, of both levels and every version.
#[must_use]
pub fn controls() -> &'static [Control] {
    &CONTROLS
}

/// The controls that judge at this level and version, each with the revision that does.
pub(super) fn active(
    level: Level,
    version: Version,
) -> impl Iterator<Item = (&'static Control, &'static Revision)> {
    let in_force = move || {
        CONTROLS
            .iter()
            .filter(move |control| control.level <= level)
            .filter_map(move |control| Some((control, control.revision(version)?)))
    };
    in_force().filter(move |(control, _)| {
        !in_force().any(|(other, _)| other.overrides.contains(&control.id))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(level: Level, minor: u32) -> Vec<&'static str> {
        active(level, Version::new(minor)).map(|(control, _)| control.id).collect()
    }

    #[test]
    fn revisions_are_in_order_and_overrides_exist() {
        for control in controls() {
            assert!(!control.revisions.is_empty(), "{}", control.id);
            assert!(control.revisions.is_sorted_by_key(|revision| revision.since));
            for id in control.overrides {
                let other = controls().iter().find(|other| other.id == *id).unwrap();
                assert!(other.level < control.level, "{} overrides {id}", control.id);
            }
        }
    }

    #[test]
    fn the_first_policy() {
        let baseline = [
            "appArmorProfile",
            "capabilities_baseline",
            "hostNamespaces",
            "hostPathVolumes",
            "hostPorts",
            "privileged",
            "procMount",
            "seLinuxOptions",
            "seccompProfile_baseline",
            "sysctls",
            "windowsHostProcess",
        ];
        assert_eq!(ids(Level::Baseline, 0), baseline);
        let restricted = ids(Level::Restricted, 0);
        assert!(!restricted.contains(&"hostPathVolumes"));
        assert_eq!(restricted.len(), baseline.len() - 1 + 2);
    }

    #[test]
    fn the_latest_policy() {
        assert_eq!(ids(Level::Baseline, 37).len(), 12);
        let restricted = ids(Level::Restricted, 37);
        assert_eq!(restricted.len(), 12 - 4 + 7);
        for id in ["capabilities_baseline", "procMount", "seccompProfile_baseline"] {
            assert!(!restricted.contains(&id), "{id} is overridden");
        }
    }

    #[test]
    fn an_override_starts_with_the_version_of_what_overrides() {
        for (minor, id, there) in [
            (18, "seccompProfile_baseline", true),
            (19, "seccompProfile_baseline", false),
            (21, "capabilities_baseline", true),
            (22, "capabilities_baseline", false),
            (34, "procMount", true),
            (35, "procMount", false),
        ] {
            assert_eq!(ids(Level::Restricted, minor).contains(&id), there, "{id} in 1.{minor}");
        }
    }

    #[test]
    fn introduced() {
        let of = |id| controls().iter().find(|control| control.id == id).unwrap().introduced();
        assert_eq!(of("privileged"), Version::new(0));
        assert_eq!(of("hostProbesAndHostLifecycle"), Version::new(34));
    }
}
