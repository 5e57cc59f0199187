//! See [`DockerfileSecret`].

use coaming_dockerfile::{Command, Kind, Source, Word};
use coaming_finding::{Confidence, Finding, RuleMeta};
use coaming_secret::{Detection, Detector, TextKind, structured};
use coaming_yaml::Span;

use super::found::article;
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, DockerfileRule, DockerfileScope};

rule! {
    /// ## What it looks for
    ///
    /// Secrets in Dockerfiles: in `ENV` and `ARG`, in the commands of `RUN`, `ENTRYPOINT`, `CMD` and
    /// `HEALTHCHECK`, and in `COPY` and `ADD` of files that usually contain them (`.env`, `.npmrc`, `id_rsa`, `.aws/credentials`, a
    /// kubeconfig). Build arguments whose names suggest a secret (`ARG NPM_TOKEN`) are reported as
    /// well.
    ///
    /// ## Why it matters
    ///
    /// The value is in the image's configuration, history or layers, where everyone who can pull
    /// the image can read it, even if a later instruction deletes it. It is also in the
    /// repository.
    ///
    /// ## Bad
    ///
    /// In an environment variable.
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// ENV DATABASE_PASSWORD=vS8kq-2pLx7w
    /// USER 10001
    /// ```
    ///
    /// The default value of a build argument.
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// ARG DATABASE_PASSWORD=vS8kq-2pLx7w
    /// USER 10001
    /// ```
    ///
    /// In a command.
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// RUN curl --user shop:vS8kq-2pLx7w https://files.example.com/app.tar.gz --output /app.tar.gz
    /// USER 10001
    /// ```
    ///
    /// In the command that says whether the container is healthy.
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// HEALTHCHECK CMD curl --user shop:vS8kq-2pLx7w http://localhost:8080/health
    /// USER 10001
    /// ```
    ///
    /// A build argument that will contain a secret.
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// ARG NPM_TOKEN
    /// RUN npm ci
    /// USER 10001
    /// ```
    ///
    /// A file that usually contains credentials.
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// COPY .npmrc /root/.npmrc
    /// USER 10001
    /// ```
    ///
    /// ## Good
    ///
    /// The build mounts a secret, and the application reads a file.
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// RUN --mount=type=secret,id=npm npm ci
    /// ENV DATABASE_PASSWORD_FILE=/run/secrets/database/password
    /// USER 10001
    /// ```
    ///
    /// A secret that is mounted for one command only.
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci
    /// USER 10001
    /// ```
    ///
    /// ## Fix
    ///
    /// Replace the secret, because it must be considered known. A build gets what it needs with
    /// `RUN --mount=type=secret`, which leaves nothing behind; the application gets its
    /// credentials as files from a Secret or a vault.
    DockerfileSecret {
        name: "dockerfile-secret",
        summary: "Secret is built into the image",
        category: Secrets,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Protecting Secrets"), Attack("T1552.001")],
    }
}

impl DockerfileRule for DockerfileSecret {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: DockerfileScope<'_>, findings: &mut Vec<Finding>) {
        let detector = context.detector();
        for stage in &scope.dockerfile.stages {
            for instruction in &stage.instructions {
                of_instruction(detector, scope, &instruction.kind, findings);
            }
        }
        for instruction in scope.dockerfile.of_image() {
            if let Kind::Arg(arguments) = instruction.kind.unwrapped() {
                let names = arguments.iter().filter(|(_, value)| value.is_none());
                findings.extend(names.filter_map(|(name, _)| secret_argument(scope, name)));
            }
        }
    }
}

fn of_instruction(
    detector: &Detector,
    scope: DockerfileScope<'_>,
    instruction: &Kind,
    findings: &mut Vec<Finding>,
) {
    match instruction {
        Kind::OnBuild(later) => of_instruction(detector, scope, later, findings),
        Kind::Env(pairs) => {
            for (name, value) in pairs {
                findings.extend(assigned(
                    detector,
                    scope,
                    name,
                    value,
                    "the image's configuration",
                    AT_RUN_TIME,
                ));
            }
        }
        Kind::Arg(pairs) => {
            for (name, value) in pairs {
                let Some(value) = value else { continue };
                findings.extend(assigned(
                    detector,
                    scope,
                    name,
                    value,
                    "the image's history",
                    AT_BUILD_TIME,
                ));
            }
        }
        Kind::Run { command, .. } => findings.extend(in_command(detector, scope, "RUN", command)),
        Kind::Entrypoint(command) => {
            findings.extend(in_command(detector, scope, "ENTRYPOINT", command));
        }
        Kind::Cmd(command) => findings.extend(in_command(detector, scope, "CMD", command)),
        Kind::Healthcheck(command) => {
            findings.extend(in_command(detector, scope, "HEALTHCHECK", command));
        }
        Kind::Copy(source) => findings.extend(copied(scope, source)),
        _ => {}
    }
}

/// The help for a secret that the application needs.
const AT_RUN_TIME: &str = "Replace the secret, and pass the new one when the container runs.";
/// The help for a secret that the build needs.
const AT_BUILD_TIME: &str = "Treat the secret as compromised: replace it, and pass the new one \
                             with `RUN --mount=type=secret`.";
/// The help for a file with credentials.
const LEAVE_OUT: &str = "Leave the file out (list it in `.dockerignore`), and pass what is needed \
                         with `RUN --mount=type=secret` or when the container runs.";

/// The detection with the highest confidence.
fn surest(found: Vec<Detection>) -> Option<Detection> {
    found.into_iter().max_by_key(|detection| (detection.confidence, detection.range.start))
}

fn assigned(
    detector: &Detector,
    scope: DockerfileScope<'_>,
    name: &Word,
    value: &Word,
    place: &str,
    help: &'static str,
) -> Option<Finding> {
    if value.text.contains('$') {
        return None;
    }
    let detection = surest(detector.scan(&value.text, TextKind::Value(&name.text)))?;
    let message =
        format!("`{}` contains {}, which stays in {place}", name.text, article(&detection.title));
    let span = Span::new(name.span.start, name.span.end);
    Some(finding(scope, span, message, detection.confidence, help))
}

/// A secret in a command: in a script of a shell, or among the words of a program, by itself or
/// after an option that names it.
fn in_command(
    detector: &Detector,
    scope: DockerfileScope<'_>,
    instruction: &str,
    command: &Command,
) -> Option<Finding> {
    let (detection, at) = match command {
        Command::Shell { script, span } => {
            let detection = surest(structured::in_text(detector, "", script))?;
            let at = span.start + u32::try_from(detection.range.start).ok()?;
            (detection, at)
        }
        Command::Exec { words, .. } => {
            let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
            let found = structured::in_command(detector, &texts);
            let surest = found.into_iter().max_by_key(|found| found.detection.confidence)?;
            (surest.detection, words.get(surest.word)?.span.start)
        }
    };
    let (place, help) = match instruction {
        "RUN" => ("history", AT_BUILD_TIME),
        _ => ("configuration", AT_RUN_TIME),
    };
    let message = format!(
        "`{instruction}` contains {}, which stays in the image's {place}",
        article(&detection.title),
    );
    Some(finding(scope, Span::new(at, at), message, detection.confidence, help))
}

/// A build argument for a secret, by its name.
fn secret_argument(scope: DockerfileScope<'_>, name: &Word) -> Option<Finding> {
    if !coaming_secret::is_secret_name(&name.text) {
        return None;
    }
    let message = format!(
        "build argument `{}` is for a secret by its name, and each later `RUN` records its value",
        name.text,
    );
    let help = "Pass the secret with `RUN --mount=type=secret` instead.";
    Some(finding(scope, name.span, message, Confidence::Medium, help))
}

/// Files that contain credentials wherever they are, by the end of their path.
const FILES: &[&str] = &[
    ".env",
    ".npmrc",
    ".pypirc",
    ".netrc",
    ".git-credentials",
    ".pgpass",
    ".my.cnf",
    "id_rsa",
    "id_ed25519",
    "id_ecdsa",
    "id_dsa",
    ".aws/credentials",
    ".aws",
    ".ssh",
    ".kube/config",
    "kubeconfig",
    ".docker/config.json",
    ".dockercfg",
    "terraform.tfstate",
    "credentials.json",
    "service-account.json",
];

fn copied(scope: DockerfileScope<'_>, source: &Source) -> Option<Finding> {
    if source.from.is_some() {
        return None;
    }
    let file = source.files.iter().find(|file| {
        let path = file.text.trim_end_matches('/');
        FILES.iter().any(|known| {
            path.strip_suffix(known).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
        })
    })?;
    let message = format!(
        "`{}`, a file that usually contains credentials, is copied into the image",
        file.text,
    );
    Some(finding(scope, file.span, message, Confidence::Medium, LEAVE_OUT))
}

fn finding(
    scope: DockerfileScope<'_>,
    span: Span,
    message: String,
    confidence: Confidence,
    help: &'static str,
) -> Finding {
    scope
        .finding(DockerfileSecret::RULE, span, message)
        .confidence(confidence)
        .why(
            "Everyone who can pull the image can read the secret, even if a later instruction \
             deletes it.",
        )
        .help(help)
        .manual(
            "pass the secret when it is needed",
            "RUN --mount=type=secret,id=NAME … # reads /run/secrets/NAME",
        )
        .done()
}
