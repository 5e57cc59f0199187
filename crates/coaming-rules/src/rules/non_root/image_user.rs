//! See [`ImageUser`].

use coaming_dockerfile::{Base, Instruction, Kind};
use coaming_finding::{Applicability, Confidence, Finding, RuleMeta};
use coaming_oci::Reference;
use coaming_yaml::Span;
use coaming_yaml::edit::TextEdit;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::base_image;
use crate::{Context, DockerfileRule, DockerfileScope};

rule! {
    /// ## What it looks for
    ///
    /// Dockerfiles whose image runs as root: the last `USER` is root, or neither the Dockerfile
    /// nor its base image sets one. Stages that the final stage is built from count; other stages
    /// do not. `ONBUILD USER root` counts too: it makes the images run as root that are built on
    /// this one.
    ///
    /// ## Why it matters
    ///
    /// The image decides for every pod that sets no user of its own. Root in a container has the
    /// user ID of root on the node; only the isolation by the kernel separates the two. An
    /// attacker owns every file of the image, can install tools, and needs only one more flaw to
    /// take over the node.
    ///
    /// ## Bad
    ///
    /// The base image runs as root.
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// COPY server /usr/local/bin/server
    /// ENTRYPOINT ["/usr/local/bin/server"]
    /// ```
    ///
    /// The last `USER` is root.
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// USER 10001
    /// COPY server /usr/local/bin/server
    /// USER root
    /// RUN chmod 755 /usr/local/bin/server
    /// ENTRYPOINT ["/usr/local/bin/server"]
    /// ```
    ///
    /// An image from scratch runs as root.
    ///
    /// ```dockerfile
    /// FROM scratch
    /// COPY server /server
    /// ENTRYPOINT ["/server"]
    /// ```
    ///
    /// The user of this base image is not known, but most images run as root.
    ///
    /// ```dockerfile
    /// FROM registry.example.com/base:1.4.2
    /// ENTRYPOINT ["/server"]
    /// ```
    ///
    /// Images that are built on this one run as root.
    ///
    /// ```dockerfile
    /// FROM registry.example.com/base:1.4.2
    /// USER 10001
    /// ONBUILD USER root
    /// ```
    ///
    /// The administrator of a Windows container.
    ///
    /// ```dockerfile
    /// FROM mcr.microsoft.com/windows/servercore:ltsc2022
    /// USER ContainerAdministrator
    /// ```
    ///
    /// ## Good
    ///
    /// The Dockerfile ends with a numeric user.
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// COPY server /usr/local/bin/server
    /// USER 10001
    /// ENTRYPOINT ["/usr/local/bin/server"]
    /// ```
    ///
    /// The base image has a user other than root, and the build stage does not count.
    ///
    /// ```dockerfile
    /// FROM golang:1.22.3 AS build
    /// RUN go build -o /server .
    /// FROM gcr.io/distroless/static-debian12:nonroot
    /// COPY --from=build /server /server
    /// ENTRYPOINT ["/server"]
    /// ```
    ///
    /// ## Fix
    ///
    /// End with a numeric `USER`: the kubelet can verify a number to be non-root, but not a name.
    /// Directories that the application writes to must belong to that user (`COPY --chown=10001`),
    /// and the application cannot listen on ports below 1024 on most nodes.
    ///
    /// ## Limits
    ///
    /// Whether a base image sets a user is only certain if it was inspected or is well known;
    /// otherwise, the confidence is lower. Windows images are not checked.
    ImageUser {
        name: "image-user",
        summary: "Image runs as root",
        category: NonRoot,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Non-root containers"), Attack("T1611")],
    }
}

/// The user that fixes set.
const USER: &str = "10001";

impl DockerfileRule for ImageUser {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: DockerfileScope<'_>, findings: &mut Vec<Finding>) {
        if scope.dockerfile.base().is_none_or(base_image::is_windows) {
            findings.extend(of_windows(scope));
            return;
        }
        let users = scope.dockerfile.of_image().filter_map(|instruction| match &instruction.kind {
            Kind::User { argument, user } => Some((argument, user)),
            _ => None,
        });
        findings.extend(of_later_images(scope));
        match users.last() {
            Some((argument, Some(user))) if user == "root" || user == "0" => {
                let edit = TextEdit { span: argument.span, replacement: USER.to_owned() };
                findings.push(explicit(scope, argument.span, edit));
            }
            Some(_) => {}
            None => findings.extend(missing(context, scope)),
        }
    }
}

/// `ONBUILD USER root` as the last word on the user of the images that are built on this one.
fn of_later_images(scope: DockerfileScope<'_>) -> Option<Finding> {
    let last = scope.dockerfile.of_image().filter_map(|instruction| match &instruction.kind {
        Kind::OnBuild(later) => match later.unwrapped() {
            Kind::User { argument, user: Some(user) } => Some((argument, user)),
            _ => None,
        },
        _ => None,
    });
    let (argument, _) = last.last().filter(|(_, user)| matches!(user.as_str(), "root" | "0"))?;
    let edit = TextEdit { span: argument.span, replacement: USER.to_owned() };
    Some(
        scope
            .finding(
                ImageUser::RULE,
                argument.span,
                "every image that is built on this one runs as root (`ONBUILD USER root`)",
            )
            .why(WHY)
            .help(format!("Do what needs root earlier, and end with `ONBUILD USER {USER}`."))
            .fix(format!("end with `ONBUILD USER {USER}`"), Applicability::Unsafe, vec![edit])
            .done(),
    )
}

/// The administrator of a Windows container as its last `USER`.
fn of_windows(scope: DockerfileScope<'_>) -> Option<Finding> {
    let users = scope.dockerfile.of_image().filter_map(|instruction| match &instruction.kind {
        Kind::User { argument, user } => Some((argument, user.as_deref()?)),
        _ => None,
    });
    let (argument, user) = users.last()?;
    let name = user.rsplit('\\').next().unwrap_or(user);
    if !name.eq_ignore_ascii_case("ContainerAdministrator") {
        return None;
    }
    let edit = TextEdit { span: argument.span, replacement: "ContainerUser".to_owned() };
    let message = "the image runs as the administrator of its container (its last `USER`)";
    Some(
        scope
            .finding(ImageUser::RULE, argument.span, message)
            .why(
                "An attacker in any pod that does not set another user changes all programs and \
                 settings of the container.",
            )
            .help("Do what needs the administrator earlier, and end with `USER ContainerUser`.")
            .fix("end with `USER ContainerUser`", Applicability::Unsafe, vec![edit])
            .done(),
    )
}

const WHY: &str = "An attacker in any pod that does not set another user owns all files of the \
                   container and is one kernel or runtime flaw away from owning the node.";

fn explicit(scope: DockerfileScope<'_>, span: Span, edit: TextEdit) -> Finding {
    scope
        .finding(ImageUser::RULE, span, "the image runs as root (its last `USER` is root)")
        .why(WHY)
        .help(format!("Do what needs root earlier, and end with `USER {USER}`."))
        .fix(format!("end with `USER {USER}`"), Applicability::Unsafe, vec![edit])
        .done()
}

fn missing(context: &Context<'_>, scope: DockerfileScope<'_>) -> Option<Finding> {
    let stage = scope.last_stage()?;
    let (confidence, message) = match &scope.dockerfile.base()?.base {
        Base::Scratch => (Confidence::High, "the image runs as root (it has no `USER`)".to_owned()),
        Base::Image(name) => {
            let confidence = base_runs_as_root(context, name)?;
            let message = match confidence {
                Confidence::High => format!(
                    "the image runs as root (it has no `USER`, and its base image `{name}` has \
                     none)"
                ),
                Confidence::Medium | Confidence::Low => format!(
                    "the image probably runs as root (it has no `USER`, and its base image \
                     `{name}` is not known to have one)"
                ),
            };
            (confidence, message)
        }
        Base::Stage(_) | Base::Unknown => return None,
    };
    let edit = scope.line_behind(last_that_builds(scope)?, &format!("USER {USER}"));
    Some(
        scope
            .finding(ImageUser::RULE, stage.image.span, message)
            .why(WHY)
            .help(format!("Set `USER {USER}` at the end of the Dockerfile."))
            .confidence(confidence)
            .fix(format!("add `USER {USER}`"), Applicability::Unsafe, vec![edit])
            .done(),
    )
}

/// How certain it is that a base image runs as root; `None` where it does not, or cannot be known.
fn base_runs_as_root(context: &Context<'_>, name: &str) -> Option<Confidence> {
    let reference = Reference::parse(name).ok()?;
    if let Some(facts) = context.images.get(&reference) {
        return facts.user.is_root()?.then_some(Confidence::High);
    }
    if base_image::runs_as_other_user(&reference) {
        return None;
    }
    let known = base_image::is_known_to_run_as_root(&reference);
    Some(if known { Confidence::High } else { Confidence::Medium })
}

/// The last instruction of the image that may need root; the ones after it only configure how the
/// image is started.
fn last_that_builds(scope: DockerfileScope<'_>) -> Option<Span> {
    let stage = scope.last_stage()?;
    let builds = |instruction: &&Instruction| {
        matches!(instruction.kind, Kind::Run { .. } | Kind::Copy(_) | Kind::Env(_) | Kind::Arg(_))
    };
    let last = stage.instructions.iter().rfind(builds);
    Some(last.map_or(stage.image.span, |instruction| instruction.span))
}
