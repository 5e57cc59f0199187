//! See [`CompilerInImage`].

use coaming_dockerfile::Base;
use coaming_finding::{Confidence, Finding, RuleMeta};
use coaming_oci::Reference;

use super::{installed, is_started_with};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::{base_image, phrases};
use crate::{Context, DockerfileRule, DockerfileScope};

rule! {
    /// ## What it looks for
    ///
    /// Compilers and build tools in the final image: installed in its last stage and not removed,
    /// or part of the toolchain image that the last stage is built on (`golang`, `rust`, `maven`,
    /// an SDK).
    ///
    /// ## Why it matters
    ///
    /// An attacker can build tools on the spot, for exactly this kernel, where no scanner sees a
    /// download. Toolchains also bring most of an image's known vulnerabilities.
    ///
    /// ## Bad
    ///
    /// The last stage is built on a toolchain.
    ///
    /// ```dockerfile
    /// FROM golang:1.22.3
    /// COPY . /src
    /// RUN cd /src && go build -o /server .
    /// USER 10001
    /// ENTRYPOINT ["/server"]
    /// ```
    ///
    /// A compiler is installed and stays.
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// RUN apt-get update && apt-get install -y gcc make && rm -rf /var/lib/apt/lists/*
    /// USER 10001
    /// ENTRYPOINT ["/server"]
    /// ```
    ///
    /// ## Good
    ///
    /// The final stage contains only the result.
    ///
    /// ```dockerfile
    /// FROM golang:1.22.3 AS build
    /// COPY . /src
    /// RUN cd /src && CGO_ENABLED=0 go build -o /server .
    /// FROM gcr.io/distroless/static-debian12:nonroot@sha256:0d17b565c37bcbd895e9d92315a05c1c3c9a29f762b011a10c54a66cd53c9b31
    /// COPY --from=build /server /server
    /// ENTRYPOINT ["/server"]
    /// ```
    ///
    /// The compiler is removed in the same `RUN`.
    ///
    /// ```dockerfile
    /// FROM alpine:3.19
    /// COPY . /src
    /// RUN apk add --no-cache build-base && cc -o /server /src/server.c && apk del build-base
    /// USER 10001
    /// ENTRYPOINT ["/server"]
    /// ```
    ///
    /// ## Fix
    ///
    /// Build in one stage, and copy the result into a small one.
    ///
    /// ## Limits
    ///
    /// A compiler that the application itself starts looks unneeded. Suppress the finding with
    /// that reason.
    CompilerInImage {
        name: "compiler-in-image",
        summary: "Compiler is left in the image",
        category: Utilities,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Attack("T1027.004")],
    }
}

const PACKAGES: &[&str] = &[
    "automake",
    "build-base",
    "build-essential",
    "cargo",
    "clang",
    "cmake",
    "default-jdk",
    "default-jdk-headless",
    "dpkg-dev",
    "g++",
    "gcc",
    "gcc-c++",
    "go",
    "golang",
    "golang-go",
    "gradle",
    "make",
    "maven",
    "ninja-build",
    "rust",
    "rustc",
];

/// Toolchain images, each with the programs that show, in the start command, that a container needs
/// it when it runs.
const TOOLCHAINS: &[(&str, &[&str])] = &[
    ("golang", &["go"]),
    ("rust", &["cargo", "rustc"]),
    ("gcc", &["gcc", "make"]),
    ("maven", &["mvn"]),
    ("gradle", &["gradle", "gradlew"]),
    ("swift", &["swift"]),
    ("buildpack-deps", &[]),
];

impl DockerfileRule for CompilerInImage {
    const META: &'static RuleMeta = Self::RULE;

    fn check(_: &Context<'_>, scope: DockerfileScope<'_>, findings: &mut Vec<Finding>) {
        if scope.dockerfile.base().is_none_or(base_image::is_windows) {
            return;
        }
        if let Some(finding) = toolchain(scope) {
            findings.push(finding);
            return;
        }
        let Some((instruction, compilers)) = compilers(scope) else { return };
        let message = format!(
            "{} {} in the image",
            phrases::list(&compilers),
            phrases::plural(compilers.len(), "stays", "stay"),
        );
        findings.push(
            scope
                .finding(Self::RULE, instruction.span, message)
                .why("An attacker can build tools on the spot, where no scanner sees a download.")
                .help(HELP)
                .confidence(Confidence::Medium)
                .manual("build in a separate stage", STAGES)
                .done(),
        );
    }
}

const HELP: &str = "Build in a separate stage, and copy the result into a small final stage.";
const STAGES: &str = "FROM … AS build\nRUN … # compile\nFROM …\nCOPY --from=build /built /built";

/// All compilers that stay, at the instruction that installs the first.
fn compilers(
    scope: DockerfileScope<'_>,
) -> Option<(&coaming_dockerfile::Instruction, Vec<String>)> {
    let mut first = None;
    let mut compilers = Vec::new();
    for (instruction, packages) in installed(scope) {
        for package in packages {
            let jdk = package.starts_with("openjdk")
                && package.contains("jdk")
                && !package.contains("jre");
            let is_compiler = jdk || PACKAGES.contains(&package.as_str());
            let is_new = !compilers.contains(&package);
            if is_compiler && is_new && !is_started_with(scope, &[package.as_str()]) {
                first.get_or_insert(instruction);
                compilers.push(package);
            }
        }
    }
    Some((first?, compilers))
}

/// The finding about an image that is built on a toolchain image.
fn toolchain(scope: DockerfileScope<'_>) -> Option<Finding> {
    let stage = scope.dockerfile.base()?;
    let Base::Image(name) = &stage.base else { return None };
    let reference = Reference::parse(name).ok()?;
    let short = reference.familiar_name();
    let is_sdk = short.ends_with("dotnet/sdk");
    let programs = TOOLCHAINS.iter().find(|(image, _)| *image == short).map(|(_, it)| *it);
    let programs = programs.or(is_sdk.then_some(&[][..]))?;
    if is_started_with(scope, programs) {
        return None;
    }
    let message = format!("the image is built on `{short}` and keeps its compilers");
    Some(
        scope
            .finding(CompilerInImage::RULE, stage.image.span, message)
            .why(
                "An attacker can build tools on the spot, and toolchains bring most of an image's \
                 known vulnerabilities.",
            )
            .help(HELP)
            .manual("build in a separate stage", STAGES)
            .done(),
    )
}
