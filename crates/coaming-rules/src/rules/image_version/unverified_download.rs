//! See [`UnverifiedDownload`].

use coaming_dockerfile::{Instruction, Kind, Source, Word};
use coaming_finding::{Finding, RuleMeta, Severity};

use crate::rule::{BuiltIn as _, rule};
use crate::text::commands::runs_unverified_download;
use crate::{Context, DockerfileRule, DockerfileScope};

rule! {
    /// Looks for Dockerfiles that take programs from the internet as they come: `curl … | sh`,
    /// downloads that are unpacked among the programs or made executable without comparing a
    /// checksum or a signature, and `ADD` of an address without `--checksum`. Package managers
    /// verify by themselves and are left alone.
    ///
    /// ## Why it matters
    ///
    /// Whoever controls the server, its name or the way to it puts code into the image, and nobody
    /// can tell afterwards which one was built in. No scanner knows such a program's version.
    ///
    /// ## Bad
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// RUN curl -fsSL https://get.example.com/install.sh | sh
    /// USER 10001
    /// ```
    ///
    /// ## Good
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// ADD --checksum=sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae https://get.example.com/tool /usr/local/bin/tool
    /// USER 10001
    /// ```
    ///
    /// ## Fix
    ///
    /// Download a version, and compare it with a checksum that stands in the Dockerfile: by
    /// `ADD --checksum=sha256:…`, or by `sha256sum -c` in the same `RUN`.
    UnverifiedDownload {
        name: "unverified-download",
        summary: "A download is built into the image unverified",
        category: ImageVersion,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Attack("T1195.002")],
    }
}

impl DockerfileRule for UnverifiedDownload {
    const META: &'static RuleMeta = Self::RULE;

    fn check(_: &Context<'_>, scope: DockerfileScope<'_>, findings: &mut Vec<Finding>) {
        for (instruction, script) in scope.scripts() {
            if let Some(what) = runs_unverified_download(script.text) {
                findings.push(run(scope, instruction, script.text, &what));
            }
        }
        for instruction in scope.dockerfile.stages.iter().flat_map(|stage| &stage.instructions) {
            if let Kind::Copy(source) = &instruction.kind {
                findings.extend(added(source).map(|address| add(scope, address, &source.target)));
            }
        }
    }
}

/// How bad it is: without TLS everybody on the way can change what comes.
fn severity(text: &str) -> (Severity, &'static str) {
    if text.contains("http://") && !text.contains("https://") {
        (
            Severity::High,
            "the server, its name, or - as it is not even encrypted - any network between",
        )
    } else {
        (Severity::Medium, "the server or its name")
    }
}

fn run(scope: DockerfileScope<'_>, instruction: &Instruction, script: &str, what: &str) -> Finding {
    let (severity, who) = severity(script);
    let message = format!(
        "What is downloaded here is run or installed without comparing it with anything ({what}): \
         whoever controls {who} puts code into the image. Download a version, and compare its \
         checksum in the same `RUN`."
    );
    scope
        .finding(UnverifiedDownload::RULE, instruction.span, message)
        .severity(severity)
        .manual(
            "compare the checksum of what is downloaded",
            "RUN curl -fsSLo /tmp/tool https://… \\\n && echo 'SHA256  /tmp/tool' | sha256sum -c -",
        )
        .done()
}

/// The first address that is added as it comes.
fn added(source: &Source) -> Option<&Word> {
    if !source.is_add || source.has_checksum {
        return None;
    }
    source.files.iter().find(|file| {
        let path = file.text.split(['?', '#']).next().unwrap_or_default();
        (path.starts_with("http://") || path.starts_with("https://")) && !path.ends_with(".git")
    })
}

fn add(scope: DockerfileScope<'_>, address: &Word, target: &Word) -> Finding {
    let (severity, who) = severity(&address.text);
    let message = format!(
        "`ADD` takes `{}` as it comes: whoever controls {who} puts something else into the image. \
         Say by `--checksum` what it must be.",
        without_user(&address.text)
    );
    let snippet =
        format!("ADD --checksum=sha256:DIGEST {} {}", without_user(&address.text), target.text);
    scope
        .finding(UnverifiedDownload::RULE, address.span, message)
        .severity(severity)
        .manual("add `--checksum=sha256:…`", snippet)
        .done()
}

/// The address without a user and password in it, and without what follows a `?`.
fn without_user(address: &str) -> String {
    let address = address.split('?').next().unwrap_or_default();
    match address.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.rsplit('@').next().unwrap_or(host);
            format!("{scheme}://{host}/{path}")
        }
        None => address.to_owned(),
    }
}
