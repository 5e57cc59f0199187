//! See [`UnverifiedDownload`].

use coaming_dockerfile::{Instruction, Kind, Source, Word};
use coaming_finding::{Finding, RuleMeta, Severity};
use coaming_yaml::Span;

use crate::rule::{BuiltIn as _, rule};
use crate::text::commands::runs_unverified_download;
use crate::text::unverified::{skips_verification, trusts_everybody};
use crate::{Context, DockerfileRule, DockerfileScope};

rule! {
    /// ## What it looks for
    ///
    /// Dockerfiles that use programs from the internet without verifying them: `curl … | sh`;
    /// downloads that are made executable, installed as a package, or unpacked into program
    /// directories without comparing a checksum or a signature; programs that are run or moved out of an
    /// archive that was downloaded so; the same in PowerShell; `ADD` of a URL without `--checksum`; and
    /// package managers that do not verify (`apk add --allow-untrusted`, `--nogpgcheck`,
    /// `[trusted=yes]`), that get a downloaded key (`apt-key add`) or install a package from a URL
    /// (`pip install https://…`); and what does not verify certificates (`curl -k`, `pip install
    /// --trusted-host`, `NODE_TLS_REJECT_UNAUTHORIZED=0`).
    /// Otherwise package managers verify what they download and are not reported. Instructions of
    /// `ONBUILD` count.
    ///
    /// ## Why it matters
    ///
    /// An attacker who controls the server, its domain name or the network path puts code into the
    /// image, and nobody can tell afterwards what was built in. No scanner knows such a program's
    /// version.
    ///
    /// ## Bad
    ///
    /// A script is downloaded and run.
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// RUN curl -fsSL https://get.example.com/install.sh | sh
    /// USER 10001
    /// ```
    ///
    /// A program is downloaded and made executable.
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// RUN curl -fsSLo /usr/local/bin/tool https://get.example.com/tool \
    ///  && chmod +x /usr/local/bin/tool
    /// USER 10001
    /// ```
    ///
    /// `ADD` downloads a file.
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// ADD https://get.example.com/tool /usr/local/bin/tool
    /// USER 10001
    /// ```
    ///
    /// Without TLS, any network on the way can change the file.
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// ADD http://get.example.com/tool /usr/local/bin/tool
    /// USER 10001
    /// ```
    ///
    /// `apk` does not verify what it installs.
    ///
    /// ```dockerfile
    /// FROM registry.example.com/base:1.4.2
    /// COPY glibc.apk /tmp/glibc.apk
    /// RUN apk add --no-cache --allow-untrusted /tmp/glibc.apk
    /// USER 10001
    /// ```
    ///
    /// ## Good
    ///
    /// The build fails if the file does not have this checksum.
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// ADD --checksum=sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae https://get.example.com/tool /usr/local/bin/tool
    /// USER 10001
    /// ```
    ///
    /// The checksum is compared in the same `RUN`.
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// RUN curl -fsSLo /usr/local/bin/tool https://get.example.com/tool \
    ///  && echo '2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae  /usr/local/bin/tool' | sha256sum -c - \
    ///  && chmod +x /usr/local/bin/tool
    /// USER 10001
    /// ```
    ///
    /// ## Fix
    ///
    /// Download a fixed version, and compare it with a checksum that is in the Dockerfile: with
    /// `ADD --checksum=sha256:…`, or with `sha256sum -c` in the same `RUN`.
    ///
    /// ## Limits
    ///
    /// Scripts that are copied into the image and run there are not read.
    UnverifiedDownload {
        name: "unverified-download",
        summary: "Download is not verified",
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
            } else if let Some(what) = skips_verification(script.text) {
                findings.push(skipped(scope, instruction, script.text, &what));
            }
        }
        for instruction in scope.dockerfile.stages.iter().flat_map(|stage| &stage.instructions) {
            match instruction.kind.unwrapped() {
                Kind::Copy(source) => findings
                    .extend(added(source).map(|address| add(scope, address, &source.target))),
                Kind::Env(pairs) => findings.extend(pairs.iter().find_map(|(name, value)| {
                    let setting = trusts_everybody(&name.text, &value.text)?;
                    Some(trusting(scope, name.span, &setting))
                })),
                _ => {}
            }
        }
    }
}

/// How severe it is, and who can change the file: without TLS, also any network on the way.
fn severity(text: &str) -> (Severity, &'static str) {
    if text.contains("http://") && !text.contains("https://") {
        (
            Severity::High,
            "An attacker who controls the server, its domain name or, as the connection is not \
             encrypted, any network on the way puts code into the image.",
        )
    } else {
        (
            Severity::Medium,
            "An attacker who controls the server or its domain name puts code into the image.",
        )
    }
}

fn run(scope: DockerfileScope<'_>, instruction: &Instruction, script: &str, what: &str) -> Finding {
    let (severity, why) = severity(script);
    let message = format!("a download is run or installed without being verified ({what})");
    scope
        .finding(UnverifiedDownload::RULE, instruction.span, message)
        .why(why)
        .help("Download a fixed version, and compare its checksum in the same `RUN`.")
        .severity(severity)
        .manual(
            "compare the checksum of the download",
            "RUN curl -fsSLo /tmp/tool https://… \\\n && echo 'SHA256  /tmp/tool' | sha256sum -c -",
        )
        .done()
}

fn skipped(
    scope: DockerfileScope<'_>,
    instruction: &Instruction,
    script: &str,
    what: &str,
) -> Finding {
    let (severity, why) = severity(script);
    scope
        .finding(
            UnverifiedDownload::RULE,
            instruction.span,
            format!("software is installed without being verified ({what})"),
        )
        .why(why)
        .help("Install from a repository whose signature is checked, or compare a checksum.")
        .severity(severity)
        .manual("verify what is installed", "echo 'SHA256  /tmp/file' | sha256sum -c -")
        .done()
}

/// A setting of the image itself: its program trusts every server, too.
fn trusting(scope: DockerfileScope<'_>, span: Span, setting: &str) -> Finding {
    let message = format!("certificates of servers are not verified ({setting})");
    scope
        .finding(UnverifiedDownload::RULE, span, message)
        .why(
            "An attacker on any network on the way answers for the server: to the build, and later \
             to the program in the container.",
        )
        .help("Remove the variable, and add the certificate of your own CA to the image.")
        .manual("add the certificate", "COPY ca.crt /usr/local/share/ca-certificates/")
        .done()
}

/// The first URL that is added without a checksum.
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
    let (severity, why) = severity(&address.text);
    let message =
        format!("`ADD` downloads `{}` without a checksum", without_credentials(&address.text));
    let snippet = format!(
        "ADD --checksum=sha256:DIGEST {} {}",
        without_credentials(&address.text),
        target.text
    );
    scope
        .finding(UnverifiedDownload::RULE, address.span, message)
        .why(why)
        .help("Add `--checksum=sha256:…` with the digest of the version that was tested.")
        .severity(severity)
        .manual("add `--checksum=sha256:…`", snippet)
        .done()
}

/// The URL without its credentials and its query.
fn without_credentials(address: &str) -> String {
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
