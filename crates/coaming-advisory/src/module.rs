//! Module streams of Red Hat and its relatives: a package is built in several streams, such as
//! `nodejs:16` and `nodejs:18`, and outside modules, each with its own fixes. Only a fix in the
//! same stream applies to a package.
//!
//! A package names its stream in its header; `coaming-image` adds it to the package's URL as
//! `rpmmod`. OSV's records name the stream of an advisory only in their summary ("Important:
//! nodejs:16 security update"), in the same form for all three publishers. Where either is missing,
//! streams are distinguished by the major version.

use std::str::FromStr as _;

use packageurl::PackageUrl;

/// The most streams that are read from one summary.
const MAX_STREAMS: usize = 32;

/// Whether a release was built in a module: `1.module+el8.9.0+…`, on AlmaLinux
/// `1.module_el8.9.0+…`.
pub(crate) fn is_modular(version: &str) -> bool {
    version.contains(".module+") || version.contains(".module_")
}

/// The stream in a package's URL: `rpmmod=nodejs:16:8050020211213112158:c5368500`.
pub(crate) fn of_url(url: &str) -> Option<String> {
    if !url.contains("rpmmod=") {
        return None;
    }
    let url = PackageUrl::from_str(url).ok()?;
    let label = url.qualifiers().get("rpmmod")?;
    let mut parts = label.split(':');
    let (name, stream) = (parts.next()?, parts.next()?);
    is_stream(name, stream).then(|| format!("{name}:{stream}"))
}

/// The streams that a summary names.
pub(crate) fn streams_in(summary: &str) -> Vec<String> {
    let words = summary.split(|each: char| each.is_whitespace() || ",;()".contains(each));
    let mut streams: Vec<String> = words
        .filter_map(|word| {
            let (name, stream) = word.split_once(':')?;
            is_stream(name, stream).then(|| word.to_owned())
        })
        .take(MAX_STREAMS)
        .collect();
    streams.sort();
    streams.dedup();
    streams
}

fn is_stream(name: &str, stream: &str) -> bool {
    let plain = |text: &str| {
        !text.is_empty()
            && text.len() <= 100
            && text.chars().all(|each| each.is_ascii_alphanumeric() || "._+-".contains(each))
    };
    plain(name) && plain(stream)
}

/// Whether a fix in an advisory applies to a package of this version and stream.
pub(crate) fn is_same_stream(
    version: &str,
    stream: Option<&str>,
    fixed: Option<&str>,
    streams: &[impl AsRef<str>],
) -> bool {
    let Some(fixed) = fixed else { return true };
    if is_modular(fixed) != is_modular(version) {
        return false;
    }
    if !is_modular(fixed) {
        return true;
    }
    match stream {
        Some(stream) if !streams.is_empty() => streams.iter().any(|each| each.as_ref() == stream),
        _ => {
            // Streams such as `rhel8` move from version to version.
            let rolls = |stream: &str| stream.contains(":rhel");
            major(version) == major(fixed)
                || stream.is_some_and(rolls)
                || streams.iter().any(|each| rolls(each.as_ref()))
        }
    }
}

/// The first number of a version, without its epoch.
fn major(version: &str) -> &str {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    version.split(['.', '-', '~', '^']).next().unwrap_or(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_read_from_summaries_and_urls() {
        for (summary, expected) in [
            ("Important: nodejs:16 security, bug fix, and enhancement update", &["nodejs:16"][..]),
            ("Red Hat Security Advisory: php:7.4 security update", &["php:7.4"]),
            (
                "Moderate: virt:rhel and virt-devel:rhel security update",
                &["virt-devel:rhel", "virt:rhel"],
            ),
            ("Moderate: 389-ds:1.4 security", &["389-ds:1.4"]),
            ("Important: curl security update", &[]),
            ("see https://example.com/x and CVE-2024-1: bad", &[]),
        ] {
            assert_eq!(streams_in(summary), expected, "{summary}");
        }
        let label = "pkg:rpm/redhat/nodejs@16.1?rpmmod=nodejs:16:8050020211213112158:c5368500";
        assert_eq!(of_url(label).as_deref(), Some("nodejs:16"));
        assert_eq!(
            of_url(&label.replace(':', "%3A").replacen("%3A", ":", 1)).as_deref(),
            Some("nodejs:16")
        );
        assert_eq!(of_url("pkg:rpm/redhat/nodejs@16.1?arch=x86_64"), None);
        assert_eq!(of_url("rpmmod="), None);
    }

    #[test]
    fn a_fix_applies_to_its_own_stream() {
        let old = "1:16.13.1-3.module+el8.5.0+13548+45d748af";
        let (newer, other) = ("1:16.19.1-1.module+el8.7.0+1", "1:18.14.2-2.module+el8.7.0+2");
        let streams = |text: &str| vec![text.to_owned()];
        for (stream, fixed, streams, expected) in [
            (Some("nodejs:16"), Some(newer), streams("nodejs:16"), true),
            (Some("nodejs:16"), Some(other), streams("nodejs:18"), false),
            // A part of the module that has its own versions.
            (Some("nodejs:16"), Some("2.0.20-1.module+el8.7.0+1"), streams("nodejs:16"), true),
            (None, Some(newer), streams("nodejs:16"), true),
            (None, Some(other), streams("nodejs:18"), false),
            (Some("nodejs:16"), Some(other), Vec::new(), false),
            (None, Some(other), streams("container-tools:rhel8"), true),
            (Some("nodejs:16"), Some("1:18.1-1.el8"), Vec::new(), false),
            (Some("nodejs:16"), None, Vec::new(), true),
        ] {
            let same = is_same_stream(old, stream, fixed, &streams);
            assert_eq!(same, expected, "{stream:?} {fixed:?} {streams:?}");
        }
        assert!(is_same_stream("1:16.1-1.el9", None, Some("1:16.2-1.el9"), &[""; 0]));
        assert!(!is_same_stream("1:16.1-1.el9", None, Some(newer), &[""; 0]));
    }
}
