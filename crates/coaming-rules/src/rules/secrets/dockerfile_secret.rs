//! See [`DockerfileSecret`].

use coaming_dockerfile::{Command, Kind, Source, Word};
use coaming_finding::{Confidence, Finding, RuleMeta};
use coaming_secret::{Detection, Detector, TextKind, structured};
use coaming_yaml::Span;

use crate::rule::{BuiltIn as _, rule};
use crate::{Context, DockerfileRule, DockerfileScope};

rule! {
    /// Looks for secrets in Dockerfiles: in `ENV` and `ARG`, in what `RUN` runs, and in `COPY` and
    /// `ADD` of files that are known to hold them (`.env`, `.npmrc`, `id_rsa`, `.aws/credentials`,
    /// a kubeconfig); and for build arguments that will hold one, by their names (`ARG NPM_TOKEN`).
    ///
    /// ## Why it matters
    ///
    /// The value stands in the image's configuration, history or layers, where everybody who may pull
    /// the image reads it - also when a later instruction deletes it - and in the repository.
    ///
    /// ## Bad
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// ENV DATABASE_PASSWORD=vS8kq-2pLx7w
    /// USER 10001
    /// ```
    ///
    /// ## Good
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// RUN --mount=type=secret,id=npm npm ci
    /// ENV DATABASE_PASSWORD_FILE=/run/secrets/database/password
    /// USER 10001
    /// ```
    ///
    /// ## Fix
    ///
    /// Replace the secret: it is known. What the build needs, it takes by
    /// `RUN --mount=type=secret`, which leaves nothing behind; what the application needs comes as a
    /// file from a Secret or a vault.
    DockerfileSecret {
        name: "dockerfile-secret",
        summary: "A secret is built into the image",
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
            if let Kind::Arg(arguments) = &instruction.kind {
                let names = arguments.iter().filter(|(_, value)| value.is_none());
                findings.extend(names.filter_map(|(name, _)| promised(scope, name)));
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
                ));
            }
        }
        Kind::Arg(pairs) => {
            for (name, value) in pairs {
                let value = value.as_ref();
                findings.extend(
                    value.and_then(|it| assigned(detector, scope, name, it, "the image's history")),
                );
            }
        }
        Kind::Run { command: Command::Shell { script, span }, .. } => {
            findings.extend(run(detector, scope, script, *span));
        }
        Kind::Run { command: Command::Exec(words), .. } => {
            findings.extend(run_words(detector, scope, words));
        }
        Kind::Copy(source) => findings.extend(copied(scope, source)),
        _ => {}
    }
}

/// The surest of what was found.
fn surest(found: Vec<Detection>) -> Option<Detection> {
    found.into_iter().max_by_key(|detection| (detection.confidence, detection.range.start))
}

fn assigned(
    detector: &Detector,
    scope: DockerfileScope<'_>,
    name: &Word,
    value: &Word,
    place: &str,
) -> Option<Finding> {
    if value.text.contains('$') {
        return None;
    }
    let detection = surest(detector.scan(&value.text, TextKind::Value(&name.text)))?;
    let message = format!(
        "`{}` is set to a secret ({}), which stays in {place}, where everybody who may pull the \
         image reads it. Replace it, and hand the new one in when the container runs.",
        name.text, detection.title,
    );
    let span = Span::new(name.span.start, name.span.end);
    Some(finding(scope, span, message, detection.confidence))
}

fn run(
    detector: &Detector,
    scope: DockerfileScope<'_>,
    script: &str,
    span: Span,
) -> Option<Finding> {
    let detection = surest(structured::in_text(detector, "", script))?;
    let at = span.start + u32::try_from(detection.range.start).ok()?;
    Some(in_run(scope, &detection, Span::new(at, at)))
}

/// A secret among the words of a program that is run without a shell: by itself, or behind an option
/// that is named after it.
fn run_words(detector: &Detector, scope: DockerfileScope<'_>, words: &[Word]) -> Option<Finding> {
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let found = structured::in_command(detector, &texts);
    let surest = found.into_iter().max_by_key(|found| found.detection.confidence)?;
    let at = words.get(surest.word)?.span.start;
    Some(in_run(scope, &surest.detection, Span::new(at, at)))
}

fn in_run(scope: DockerfileScope<'_>, detection: &Detection, span: Span) -> Finding {
    let message = format!(
        "This `RUN` has a secret in it ({}), which stays in the image's history, where everybody \
         who may pull the image reads it. Replace it, and hand the new one in by \
         `--mount=type=secret`.",
        detection.title,
    );
    finding(scope, span, message, detection.confidence)
}

/// A build argument that will hold a secret, by its name.
fn promised(scope: DockerfileScope<'_>, name: &Word) -> Option<Finding> {
    if !coaming_secret::is_secret_name(&name.text) {
        return None;
    }
    let message = format!(
        "`{}` comes as a build argument, by its name a secret: each `RUN` behind it keeps the value in \
         the image's history, where everybody who may pull the image reads it. Hand it in by \
         `--mount=type=secret`.",
        name.text,
    );
    Some(finding(scope, name.span, message, Confidence::Medium))
}

/// Files that hold credentials wherever they are, by the end of their path.
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
        "`{}` is copied into the image, a file that holds credentials as a rule: everybody who may \
         pull the image has them, also if a later instruction deletes the file. Leave it out (name \
         it in `.dockerignore`), and hand in what is needed by `RUN --mount=type=secret` or when \
         the container runs.",
        file.text,
    );
    Some(finding(scope, file.span, message, Confidence::Medium))
}

fn finding(
    scope: DockerfileScope<'_>,
    span: Span,
    message: String,
    confidence: Confidence,
) -> Finding {
    scope
        .finding(DockerfileSecret::RULE, span, message)
        .confidence(confidence)
        .manual(
            "hand it in when it is needed",
            "RUN --mount=type=secret,id=NAME … # reads /run/secrets/NAME",
        )
        .done()
}
