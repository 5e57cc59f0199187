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
    /// Looks for Dockerfiles whose image runs as root: the last `USER` is root, or there is none and
    /// the base image has none either. Stages that the image is built on count; stages that only
    /// build something don't.
    ///
    /// ## Why it matters
    ///
    /// The image decides for every pod that does not. Root in a container is root on the node, kept
    /// apart by the kernel alone: an attacker owns every file of the image, can install tools, and
    /// needs only one more flaw to own the node.
    ///
    /// ## Bad
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// COPY server /usr/local/bin/server
    /// ENTRYPOINT ["/usr/local/bin/server"]
    /// ```
    ///
    /// ## Good
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// COPY server /usr/local/bin/server
    /// USER 10001
    /// ENTRYPOINT ["/usr/local/bin/server"]
    /// ```
    ///
    /// ## Fix
    ///
    /// End with a `USER` by its number: the kubelet can tell from a number that it is not root, and
    /// not from a name. Directories that the application writes to must belong to it
    /// (`COPY --chown=10001`), and ports below 1024 are out of reach.
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
            return;
        }
        let users = scope.dockerfile.of_image().filter_map(|instruction| match &instruction.kind {
            Kind::User { argument, user } => Some((argument, user)),
            _ => None,
        });
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

const WHY: &str = "an attacker in any pod that does not set another user owns all files of the \
                   container and is one kernel or runtime flaw away from owning the node";

fn explicit(scope: DockerfileScope<'_>, span: Span, edit: TextEdit) -> Finding {
    let message = format!(
        "The last `USER` is root: {WHY}. Do what needs root before, and end with `USER {USER}`."
    );
    scope
        .finding(ImageUser::RULE, span, message)
        .fix(format!("end with `USER {USER}`"), Applicability::Unsafe, vec![edit])
        .done()
}

fn missing(context: &Context<'_>, scope: DockerfileScope<'_>) -> Option<Finding> {
    let stage = scope.last_stage()?;
    let (confidence, base) = match &scope.dockerfile.base()?.base {
        Base::Scratch => (Confidence::High, "and `scratch` has none".to_owned()),
        Base::Image(name) => {
            let confidence = base_runs_as_root(context, name)?;
            let has =
                if confidence == Confidence::High { "has none" } else { "seems to have none" };
            (confidence, format!("and its base image `{name}` {has}"))
        }
        Base::Stage(_) | Base::Unknown => return None,
    };
    let message = format!(
        "The image has no `USER`, {base}, so that it runs as root: {WHY}. Set `USER {USER}` at the \
         end."
    );
    let edit = scope.line_behind(last_that_builds(scope)?, &format!("USER {USER}"));
    Some(
        scope
            .finding(ImageUser::RULE, stage.image.span, message)
            .confidence(confidence)
            .fix(format!("add `USER {USER}`"), Applicability::Unsafe, vec![edit])
            .done(),
    )
}

/// How sure it is that a base image runs as root; `None` where it does not, or nobody can know.
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

/// The last instruction of the image that may need root; what follows only says how it is started.
fn last_that_builds(scope: DockerfileScope<'_>) -> Option<Span> {
    let stage = scope.last_stage()?;
    let builds = |instruction: &&Instruction| {
        matches!(instruction.kind, Kind::Run { .. } | Kind::Copy(_) | Kind::Env(_) | Kind::Arg(_))
    };
    let last = stage.instructions.iter().rfind(builds);
    Some(last.map_or(stage.image.span, |instruction| instruction.span))
}
