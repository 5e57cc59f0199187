//! Go's build information: the version of the toolchain and the modules, at a mark of the linker.
//!
//! Since Go 1.18 both texts follow the mark; before, pointers to them did. In a program without
//! sections, the mark is in the first writable segment.

use super::Program;
use crate::PackageKind;
use crate::analyse::{AnalyserError, ParsedFile};
use crate::packages::parsed::{lossy, package, text};

const MARK: &[u8; 14] = b"\xff Go buildinf:";

/// The size of the head that starts with the mark, and its alignment.
const HEAD: u64 = 32;
const ALIGNMENT: usize = 16;

/// How far into a section or segment the mark is searched; Go itself searches no farther.
const SEARCH: u64 = 1 << 20;

/// The most bytes of one text, and of the number before it.
const TEXT_LIMIT: u64 = 4 << 20;
const NUMBER_LIMIT: u64 = 10;

/// Bits of the head's flags.
const BIG_ENDIAN: u8 = 1;
const INLINE: u8 = 2;

/// The modules are between marks of this length.
const SENTINEL: usize = 16;

/// What a program says about its build.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Build {
    /// `go1.22.1`.
    version: String,
    /// Lines of fields with tabs between them.
    modules: String,
}

/// Finds what a program says about its build; `None` if Go did not build it.
pub(super) fn build(program: &Program<'_>) -> Option<Build> {
    let candidate = match program.has_sections {
        true => program.go,
        false => program.segments.iter().find(|segment| segment.writable).map(|found| found.range),
    };
    let (offset, size) = candidate?;
    let bytes = program.read(offset, size.min(SEARCH))?;
    let index = (0..bytes.len())
        .step_by(ALIGNMENT)
        .find(|&index| bytes.get(index..).is_some_and(|rest| rest.starts_with(MARK)))?;
    let offset = offset.checked_add(index as u64)?;
    let head = program.read(offset, HEAD)?;
    let (pointer_size, flags) = (*head.get(14)?, *head.get(15)?);
    let (version, modules) = if flags & INLINE == 0 {
        let pointers = Pointers { size: pointer_size, big: flags & BIG_ENDIAN != 0 };
        let version = pointers.number(head.get(16..)?)?;
        let modules = pointers.number(head.get(16 + usize::from(pointer_size)..)?)?;
        (pointers.string(program, version)?, pointers.string(program, modules).unwrap_or_default())
    } else {
        let (version, next) = inline(program, offset.checked_add(HEAD)?)?;
        let (modules, _) = inline(program, next).unwrap_or_default();
        (version, modules)
    };
    Some(Build { version: lossy(version).into_owned(), modules: unwrap(modules) })
}

/// A text that follows its length, and where it ends.
fn inline<'a>(program: &Program<'a>, offset: u64) -> Option<(&'a [u8], u64)> {
    let mut length = 0_u64;
    for index in 0..NUMBER_LIMIT {
        let place = offset.checked_add(index)?;
        let byte = *program.read(place, 1)?.first()?;
        length |= u64::from(byte & 0x7f).checked_shl(u32::try_from(index * 7).ok()?)?;
        if byte & 0x80 == 0 {
            if length > TEXT_LIMIT {
                return None;
            }
            let start = place.checked_add(1)?;
            return Some((program.read(start, length)?, start.checked_add(length)?));
        }
    }
    None
}

/// How the program's machine writes pointers.
struct Pointers {
    size: u8,
    big: bool,
}

impl Pointers {
    fn number(&self, bytes: &[u8]) -> Option<u64> {
        Some(match (self.size, self.big) {
            (4, true) => u32::from_be_bytes(*bytes.first_chunk()?).into(),
            (4, false) => u32::from_le_bytes(*bytes.first_chunk()?).into(),
            (8, true) => u64::from_be_bytes(*bytes.first_chunk()?),
            (8, false) => u64::from_le_bytes(*bytes.first_chunk()?),
            _ => return None,
        })
    }

    /// The text whose header, a pointer and a length, is at this address.
    fn string<'a>(&self, program: &Program<'a>, address: u64) -> Option<&'a [u8]> {
        let header = program.at(address, u64::from(self.size) * 2)?;
        let start = self.number(header)?;
        let length = self.number(header.get(usize::from(self.size)..)?)?;
        if length > TEXT_LIMIT { None } else { program.at(start, length) }
    }
}

/// The modules without the marks around them.
fn unwrap(modules: &[u8]) -> String {
    let inner = modules.get(SENTINEL..modules.len().saturating_sub(SENTINEL));
    inner.map(|bytes| lossy(bytes).into_owned()).unwrap_or_default()
}

/// Adds the standard library, the program's own module and what it depends on.
pub(super) fn packages(
    path: &str,
    build: &Build,
    found: &mut ParsedFile,
) -> Result<(), AnalyserError> {
    let mut add =
        |name: &str, version: &str| match package(PackageKind::Golang, name, version, path) {
            Some(package) => found.add(package),
            None => Ok(()),
        };
    // `go1.22.1 X:boringcrypto`; a development version of the toolchain has another form.
    let toolchain = build.version.split(' ').next().unwrap_or_default();
    if let Some(version) = toolchain.strip_prefix("go") {
        add("stdlib", version)?;
    }
    let mut pending: Option<(&str, &str)> = None;
    for line in build.modules.lines().chain(["end"]) {
        let mut fields = line.split('\t');
        let kind = fields.next().unwrap_or_default();
        let module = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        // A replacement follows the module that it replaces. A directory has no version; then the
        // original name says more than the path of a directory.
        if kind == "=>" {
            let directory = module.0.starts_with(['.', '/']) || module.1 == "(devel)";
            if !directory && !module.1.is_empty() {
                pending = Some(module);
            }
            continue;
        }
        if let Some((name, version)) = pending.take() {
            add(name, version)?;
        }
        match kind {
            "dep" => pending = Some(module),
            "mod" => {
                let version = main_version(module.0, module.1, &build.modules);
                add(module.0, &version)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// The version of the program's own module. Built from a directory it is `(devel)`, or, since Go
/// 1.24, a pseudo-version of the commit: then the version that was passed to the linker. A
/// pseudo-version without a tag before it says nothing, because it is lower than every version.
fn main_version(module: &str, version: &str, modules: &str) -> String {
    if !matches!(version, "" | "(devel)") && !is_untagged(version) {
        return version.to_owned();
    }
    let setting = |key: &str| {
        modules
            .lines()
            .find_map(|line| line.strip_prefix("build\t")?.strip_prefix(key)?.strip_prefix('='))
    };
    linked_version(module, setting("-ldflags").unwrap_or_default())
        .unwrap_or_else(|| "(devel)".to_owned())
}

/// Whether a version is that of a commit without a tag before it:
/// `v2.0.0-20240101000000-abcdefabcdef`.
fn is_untagged(version: &str) -> bool {
    let commit = || {
        let (major, rest) = version.strip_prefix('v')?.split_once(".0.0-")?;
        let (time, commit) = rest.split_once('-')?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        Some(digits(major) && time.len() == 14 && digits(time) && commit.len() >= 12)
    };
    commit() == Some(true)
}

/// The names of variables with a program's own version, in lower case.
const VERSIONS: [&str; 9] = [
    "version",
    "gitversion",
    "appversion",
    "buildversion",
    "releaseversion",
    "programversion",
    "currentversion",
    "semver",
    "gittag",
];

/// The version in `-X main.version=v1.2.3`, if the variable belongs to the program's own module:
/// others have the versions of others.
fn linked_version(module: &str, flags: &str) -> Option<String> {
    let is_own = |package: &str| {
        let inside = package.strip_prefix(module);
        // Kubernetes keeps its version in modules of its own.
        let of_kubernetes = module.starts_with("k8s.io/")
            && (package == "k8s.io/component-base/version"
                || package == "k8s.io/client-go/pkg/version");
        package == "main"
            || inside.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            || of_kubernetes
    };
    flags.split([' ', '"', '\'']).find_map(|flag| {
        let flag = flag.trim_start_matches('-');
        let (variable, value) = flag.strip_prefix("X=").unwrap_or(flag).split_once('=')?;
        let (package, name) = variable.rsplit_once('.')?;
        if !is_own(package) {
            return None;
        }
        let number = value.strip_prefix('v').unwrap_or(value);
        let numbers: Vec<&str> = number.split(['.', '-', '+']).take(3).collect();
        let is_version = VERSIONS.contains(&name.to_ascii_lowercase().as_str())
            && numbers.len() == 3
            && numbers.iter().all(|part| part.parse::<u32>().is_ok());
        is_version.then(|| text(number)).flatten().map(|number| format!("v{number}"))
    })
}
