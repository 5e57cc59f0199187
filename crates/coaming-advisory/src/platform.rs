//! The operating systems and processors that an advisory is about: Go's advisories name them for
//! each package of a module, RustSec's for a crate. Many are only about Windows and must not be
//! reported for containers on Linux.

use crate::osv::Affected;

/// The operating systems that are distinguished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Linux.
    Linux,
    /// Windows.
    Windows,
}

/// Where a container runs. `None` means unknown: every advisory applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunsOn {
    /// The operating system.
    pub system: Option<System>,
    /// The processor.
    pub processor: Option<Processor>,
}

/// Processors, by the names in images, which are Go's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Processor(&'static str);

/// Go's names, with RustSec's.
const PROCESSORS: [(&str, &str); 10] = [
    ("amd64", "x86_64"),
    ("arm64", "aarch64"),
    ("386", "x86"),
    ("arm", "arm"),
    ("ppc64", "powerpc64"),
    ("ppc64le", "powerpc64"),
    ("s390x", "s390x"),
    ("riscv64", "riscv64"),
    ("mips64le", "mips64"),
    ("wasm", "wasm32"),
];

impl RunsOn {
    /// Reads an image's `os` and `architecture`; unsupported ones count as unknown.
    #[must_use]
    pub fn of(system: &str, architecture: &str) -> Self {
        let processor = PROCESSORS.iter().find(|(name, _)| *name == architecture);
        Self {
            system: match system {
                "linux" => Some(System::Linux),
                "windows" => Some(System::Windows),
                _ => None,
            },
            processor: processor.map(|(name, _)| Processor(name)),
        }
    }

    /// Whether an advisory about these systems and processors applies; an empty list means all.
    pub(crate) fn is_among(self, systems: &[&str], processors: &[&str]) -> bool {
        let system = self.system.map(|system| match system {
            System::Linux => "linux",
            System::Windows => "windows",
        });
        let processor = self.processor.map(|Processor(name)| name);
        let among = |own: Option<&str>, named: &[&str]| {
            named.is_empty() || own.is_none_or(|own| named.contains(&own))
        };
        among(system, systems) && among(processor, processors)
    }
}

/// The affected systems and processors, by Go's names; empty means all.
pub(crate) fn limits(affected: &Affected) -> (Vec<String>, Vec<String>) {
    let specific = &affected.ecosystem_specific;
    if let Some(affects) = &specific.affects {
        let processors = affects.arch.iter().flat_map(|name| {
            let known = PROCESSORS.iter().filter(move |(_, rust)| rust == name);
            let known: Vec<String> = known.map(|(go, _)| (*go).to_owned()).collect();
            if known.is_empty() { vec![name.clone()] } else { known }
        });
        return (sorted(affects.os.iter().cloned()), sorted(processors));
    }
    // If one package of the module is affected everywhere, so is the module.
    let all = |of: fn(&crate::osv::Import) -> &Vec<String>| {
        let everywhere = specific.imports.iter().any(|import| of(import).is_empty());
        if everywhere {
            return Vec::new();
        }
        sorted(specific.imports.iter().flat_map(|import| of(import).iter().cloned()))
    };
    (all(|import| &import.goos), all(|import| &import.goarch))
}

fn sorted(names: impl Iterator<Item = String>) -> Vec<String> {
    /// A longer list counts as all.
    const MAX: usize = 50;
    let mut names: Vec<String> = names.take(MAX + 1).collect();
    names.sort();
    names.dedup();
    if names.len() > MAX { Vec::new() } else { names }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits_of(specific: &str) -> (Vec<String>, Vec<String>) {
        let text = format!(r#"{{"ecosystem_specific": {specific}}}"#);
        limits(&serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn go_limits_packages_and_rustsec_crates() {
        let strings = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (specific, systems, processors) in [
            (r#"{"imports": [{"path": "os", "goos": ["windows"]}]}"#, &["windows"][..], &[][..]),
            (
                r#"{"imports": [{"goos": ["windows"]}, {"goos": ["js", "windows"], "goarch": null}]}"#,
                &["js", "windows"],
                &[],
            ),
            (r#"{"imports": [{"goos": ["windows"]}, {"path": "net"}]}"#, &[], &[]),
            (r#"{"imports": [{"goarch": ["ppc64le"]}]}"#, &[], &["ppc64le"]),
            (r#"{"affects": {"os": ["windows"], "arch": [], "functions": {}}}"#, &["windows"], &[]),
            (r#"{"affects": {"os": [], "arch": ["x86_64", "z80"]}}"#, &[], &["amd64", "z80"]),
            (r#"{"affects": null, "imports": 7}"#, &[], &[]),
            ("{}", &[], &[]),
        ] {
            assert_eq!(limits_of(specific), (strings(systems), strings(processors)), "{specific}");
        }
    }

    #[test]
    fn an_unknown_platform_is_affected() {
        let linux = RunsOn::of("linux", "amd64");
        assert!(linux.is_among(&[], &[]));
        assert!(linux.is_among(&["linux", "windows"], &["amd64"]));
        assert!(!linux.is_among(&["windows"], &[]));
        assert!(!linux.is_among(&[], &["ppc64le"]));
        assert!(RunsOn::default().is_among(&["windows"], &["ppc64le"]));
        assert!(RunsOn::of("plan9", "z80").is_among(&["windows"], &["ppc64le"]));
        assert!(RunsOn::of("windows", "amd64").is_among(&["windows"], &[]));
    }
}
