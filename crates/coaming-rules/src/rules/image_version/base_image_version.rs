//! See [`BaseImageVersion`].

use coaming_dockerfile::{Base, Dockerfile, Kind};
use coaming_finding::{Confidence, Finding, RuleMeta, Severity};
use coaming_oci::Reference;
use coaming_yaml::Span;

use super::{MovingTag, moving};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, DockerfileRule, DockerfileScope};

rule! {
    /// ## What it looks for
    ///
    /// Images in Dockerfiles (`FROM`, `COPY --from`, `RUN --mount=from=`) without a version: no tag, `latest`, or a
    /// channel such as `stable`, where no digest pins the image. Names of stages, `scratch`, and
    /// names that only the build knows are ignored; defaults of `ARG` are used.
    ///
    /// ## Why it matters
    ///
    /// The same Dockerfile builds a different image tomorrow, without a change that anyone
    /// reviews. An attacker who can push to that repository puts code into everything that is
    /// built on it.
    ///
    /// ## Bad
    ///
    /// Without a tag, the image is `latest`.
    ///
    /// ```dockerfile
    /// FROM registry.example.com/base
    /// USER 10001
    /// ```
    ///
    /// The tag `latest` names no version either.
    ///
    /// ```dockerfile
    /// FROM registry.example.com/base:latest
    /// USER 10001
    /// ```
    ///
    /// A channel:
    ///
    /// ```dockerfile
    /// FROM registry.example.com/base:stable
    /// USER 10001
    /// ```
    ///
    /// Files are copied from an image without a version.
    ///
    /// ```dockerfile
    /// FROM registry.example.com/base:1.4.2
    /// COPY --from=registry.example.com/tools /bin/tool /bin/tool
    /// USER 10001
    /// ```
    ///
    /// ## Good
    ///
    /// The version is named.
    ///
    /// ```dockerfile
    /// FROM registry.example.com/base:1.4.2
    /// USER 10001
    /// ```
    ///
    /// The version comes from the default of an argument.
    ///
    /// ```dockerfile
    /// ARG VERSION=1.4.2
    /// FROM registry.example.com/base:${VERSION}
    /// USER 10001
    /// ```
    ///
    /// ## Fix
    ///
    /// Name the version that was tested, preferably with its digest, and let a bot propose new
    /// ones.
    BaseImageVersion {
        name: "base-image-version",
        summary: "Base image has no version",
        category: ImageVersion,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Attack("T1195.002")],
    }
}

impl DockerfileRule for BaseImageVersion {
    const META: &'static RuleMeta = Self::RULE;

    fn check(_: &Context<'_>, scope: DockerfileScope<'_>, findings: &mut Vec<Finding>) {
        for image in images(scope.dockerfile) {
            findings.extend(finding(scope, image));
        }
    }
}

/// An image that a Dockerfile names.
struct Image<'a> {
    name: &'a str,
    span: Span,
    /// Whether the image's files are copied, rather than built on.
    is_copied: bool,
}

/// Every image that is named, in order.
fn images(dockerfile: &Dockerfile) -> Vec<Image<'_>> {
    let mut images = Vec::new();
    for stage in &dockerfile.stages {
        if let Base::Image(name) = &stage.base {
            images.push(Image { name, span: stage.image.span, is_copied: false });
        }
        for instruction in &stage.instructions {
            for name in copied_from(instruction.kind.unwrapped()) {
                // The number or the name of a stage.
                let is_stage = name.parse::<usize>().is_ok()
                    || dockerfile.stages.iter().any(|stage| {
                        stage.name.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(name))
                    });
                if !is_stage && !name.contains('$') {
                    images.push(Image { name, span: instruction.span, is_copied: true });
                }
            }
        }
    }
    images
}

/// The images and stages whose files an instruction copies or mounts.
fn copied_from(kind: &Kind) -> Vec<&str> {
    match kind {
        Kind::Copy(copy) => copy.from.as_deref().into_iter().collect(),
        Kind::Run { mounts, .. } => mounts
            .iter()
            .flat_map(|mount| mount.split(','))
            .filter_map(|option| option.trim().strip_prefix("from="))
            .collect(),
        _ => Vec::new(),
    }
}

fn finding(scope: DockerfileScope<'_>, image: Image<'_>) -> Option<Finding> {
    let reference = Reference::parse(image.name).ok()?;
    if reference.digest().is_some() {
        return None;
    }
    let short = reference.familiar_name();
    let (what, severity, confidence) = match reference.tag() {
        None => ("has no tag, which means `latest`".to_owned(), Severity::Medium, Confidence::High),
        Some("latest") => ("has the tag `latest`".to_owned(), Severity::Medium, Confidence::High),
        Some(tag) => {
            let channel = moving(tag).filter(|reason| *reason == MovingTag::Channel)?;
            let what = format!("has the tag `{tag}`, which {}", channel.phrase());
            (what, Severity::Low, Confidence::Medium)
        }
    };
    // A word alone may also be a build context that the command line names.
    let confidence = match image.is_copied && !image.name.contains(['/', ':']) {
        true => confidence.min(Confidence::Medium),
        false => confidence,
    };
    let (role, snippet) = if image.is_copied {
        ("image", format!("COPY --from={short}:VERSION …"))
    } else {
        ("base image", format!("FROM {short}:VERSION"))
    };
    Some(
        scope
            .finding(BaseImageVersion::RULE, image.span, format!("{role} `{short}` {what}"))
            .why(
                "Tomorrow's build uses a different image, without a change that anyone reviews. An \
                 attacker who can push to its repository puts code into this image.",
            )
            .help("Name the version that was tested.")
            .severity(severity)
            .confidence(confidence)
            .manual("name the version that was tested", snippet)
            .done(),
    )
}
