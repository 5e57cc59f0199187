//! See [`BaseImageVersion`].

use coaming_dockerfile::{Base, Dockerfile, Kind};
use coaming_finding::{Confidence, Finding, RuleMeta, Severity};
use coaming_oci::Reference;
use coaming_yaml::Span;

use super::moves;
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, DockerfileRule, DockerfileScope};

rule! {
    /// Looks for images in Dockerfiles (`FROM`, `COPY --from`) without a version: no tag, `latest`,
    /// or a channel such as `stable`, where no digest says which image is meant. Names of stages,
    /// `scratch`, and names that only the build knows are left alone; defaults of `ARG` count.
    ///
    /// ## Why it matters
    ///
    /// The same Dockerfile builds another image tomorrow, without a change that anybody reviews.
    /// Whoever can push to that repository puts code into everything that is built on it.
    ///
    /// ## Bad
    ///
    /// ```dockerfile
    /// FROM registry.example.com/base
    /// USER 10001
    /// ```
    ///
    /// ## Good
    ///
    /// ```dockerfile
    /// FROM registry.example.com/base:1.4.2
    /// USER 10001
    /// ```
    ///
    /// ## Fix
    ///
    /// Name the version that was tested, better with its digest, and let a bot propose new ones.
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
        for (name, span) in images(scope.dockerfile) {
            findings.extend(finding(scope, name, span));
        }
    }
}

/// Every image that is named, and where.
fn images(dockerfile: &Dockerfile) -> Vec<(&str, Span)> {
    let mut images = Vec::new();
    for stage in &dockerfile.stages {
        if let Base::Image(name) = &stage.base {
            images.push((name.as_str(), stage.image.span));
        }
        for instruction in &stage.instructions {
            let Kind::Copy(copy) = &instruction.kind else { continue };
            let Some(from) = copy.from.as_deref() else { continue };
            // A plain word may be a stage, or a directory that the build names.
            if from.contains(['/', ':']) && !from.contains('$') {
                images.push((from, instruction.span));
            }
        }
    }
    images
}

fn finding(scope: DockerfileScope<'_>, name: &str, span: Span) -> Option<Finding> {
    let reference = Reference::parse(name).ok()?;
    if reference.digest().is_some() {
        return None;
    }
    let short = reference.familiar_name();
    let (what, severity, confidence) = match reference.tag() {
        None => ("has no tag, which means `latest`".to_owned(), Severity::Medium, Confidence::High),
        Some("latest") => ("has the tag `latest`".to_owned(), Severity::Medium, Confidence::High),
        Some(tag) => {
            let why = moves(tag).filter(|why| why.contains("channel"))?;
            (format!("has the tag `{tag}`, which {why}"), Severity::Low, Confidence::Medium)
        }
    };
    let message = format!(
        "Base image `{short}` {what}: tomorrow's build is another image, without a change that \
         anybody reviews, and whoever can push to its repository puts code into this one. Name the \
         version that was tested."
    );
    Some(
        scope
            .finding(BaseImageVersion::RULE, span, message)
            .severity(severity)
            .confidence(confidence)
            .manual("name the version that was tested", format!("FROM {short}:VERSION"))
            .done(),
    )
}
