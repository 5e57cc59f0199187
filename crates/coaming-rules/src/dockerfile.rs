//! The input of rules for Dockerfiles, and the builder of their findings.

use std::borrow::Cow;

use coaming_dockerfile::{Command, Dockerfile, Instruction, Kind, Stage};
use coaming_finding::{
    Applicability, Confidence, FileEdits, Finding, Fix, Location, RuleMeta, Severity, SourceId,
};
use coaming_yaml::edit::TextEdit;
use coaming_yaml::{Path, Span};

/// A Dockerfile with its text.
#[derive(Clone, Copy, Debug)]
pub struct DockerfileScope<'a> {
    /// The source.
    pub id: SourceId,
    /// Its text.
    pub source: &'a str,
    /// What it says.
    pub dockerfile: &'a Dockerfile,
}

impl<'a> DockerfileScope<'a> {
    /// A finding at a place of the file.
    pub(crate) fn finding(
        self,
        rule: &'static RuleMeta,
        span: Span,
        message: impl Into<String>,
    ) -> FileDraft {
        file_finding(rule, self.id, self.first_line(span), message)
    }

    /// The part of a span that is on its first line.
    fn first_line(self, span: Span) -> Span {
        let text = span.text(self.source);
        let line = text.lines().next().unwrap_or_default().trim_end_matches(['\\', '`']).trim_end();
        Span::new(span.start, span.start + u32::try_from(line.len()).unwrap_or(0))
    }

    /// The scripts that run while the image itself is built, with their instructions.
    pub(crate) fn scripts_of_image(self) -> impl Iterator<Item = (&'a Instruction, Script<'a>)> {
        self.dockerfile.of_image().filter_map(|it| Some((it, script(it)?)))
    }

    /// The scripts that run in any stage, or by `ONBUILD` in an image that is built on this one, with
    /// their instructions.
    pub(crate) fn scripts(self) -> impl Iterator<Item = (&'a Instruction, Script<'a>)> {
        let instructions = self.dockerfile.stages.iter().flat_map(|stage| &stage.instructions);
        instructions.filter_map(|it| Some((it, script_of(it.kind.unwrapped())?)))
    }

    /// The stage that becomes the image.
    pub(crate) fn last_stage(self) -> Option<&'a Stage> {
        self.dockerfile.stages.last()
    }

    /// An edit that writes a line behind an instruction.
    pub(crate) fn line_behind(self, span: Span, line: &str) -> TextEdit {
        let end = span.end as usize;
        let before = self.source.get(..end).unwrap_or_default();
        let (at, replacement) = if before.ends_with('\n') {
            (end, format!("{line}\n"))
        } else {
            let rest = self.source.get(end..).unwrap_or_default();
            let length = rest.find('\n').unwrap_or(rest.len());
            let behind = rest.get(..length).unwrap_or_default();
            let (length, newline) =
                if behind.ends_with('\r') { (length - 1, "\r\n") } else { (length, "\n") };
            (end + length, format!("{newline}{line}"))
        };
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        TextEdit { span: Span::new(at, at), replacement }
    }
}

/// A script of a `RUN`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Script<'a> {
    /// The script; offsets in it are those from the span's start.
    pub(crate) text: &'a str,
    /// Where it stands.
    pub(crate) span: Span,
    /// The values of `--mount`.
    pub(crate) mounts: &'a [String],
    /// Whether it is written in the file as it is: not as the words of a program.
    is_written: bool,
}

impl Script<'_> {
    /// Whether offsets in the script are offsets in the file: nothing in it was unescaped.
    pub(crate) fn is_verbatim(self) -> bool {
        self.is_written && self.text.len() == self.span.range().len()
    }
}

/// The script that an instruction runs.
fn script(instruction: &Instruction) -> Option<Script<'_>> {
    script_of(&instruction.kind)
}

fn script_of(kind: &Kind) -> Option<Script<'_>> {
    match kind {
        Kind::Run { command: Command::Shell { script, span }, mounts } => {
            Some(Script { text: script, span: *span, mounts, is_written: true })
        }
        Kind::Run { command: Command::Exec { words, line }, mounts } => match words.as_slice() {
            // `RUN ["sh", "-c", "script"]`
            [shell, flag, script] if shell.text.ends_with("sh") && flag.text.contains('c') => {
                Some(Script { text: &script.text, span: script.span, mounts, is_written: true })
            }
            [first, .., last] => {
                let span = Span::new(first.span.start, last.span.end);
                Some(Script { text: line, span, mounts, is_written: false })
            }
            _ => None,
        },
        _ => None,
    }
}

/// A finding at a place of a file without documents.
pub(crate) fn file_finding(
    rule: &'static RuleMeta,
    source: SourceId,
    span: Span,
    message: impl Into<String>,
) -> FileDraft {
    FileDraft {
        source,
        finding: Finding {
            rule: rule.into(),
            severity: rule.severity,
            confidence: Confidence::High,
            message: message.into(),
            why: Cow::Borrowed(""),
            help: Cow::Borrowed(""),
            object: None,
            container: None,
            locations: vec![Location {
                source: Some(source),
                path: Path::root(),
                span: Some(span),
                label: String::new(),
            }],
            fix: None,
            suppressed: None,
            variants: Vec::new(),
            commit: None,
            verification: None,
            way: None,
        },
    }
}

/// A builder of a finding.
pub(crate) struct FileDraft {
    source: SourceId,
    finding: Finding,
}

impl FileDraft {
    /// What an attacker does with it: one or two sentences.
    pub(crate) fn why(mut self, why: impl Into<Cow<'static, str>>) -> Self {
        self.finding.why = why.into();
        self
    }

    /// What to do about it: one or two sentences in the imperative.
    pub(crate) fn help(mut self, help: impl Into<Cow<'static, str>>) -> Self {
        self.finding.help = help.into();
        self
    }

    pub(crate) fn severity(mut self, severity: Severity) -> Self {
        self.finding.severity = severity;
        self
    }

    pub(crate) fn confidence(mut self, confidence: Confidence) -> Self {
        self.finding.confidence = confidence;
        self
    }

    /// A repair by edits to the file.
    pub(crate) fn fix(
        mut self,
        title: impl Into<String>,
        applicability: Applicability,
        edits: Vec<TextEdit>,
    ) -> Self {
        self.finding.fix = Some(Fix {
            title: title.into(),
            applicability,
            edits: Vec::new(),
            file_edits: vec![FileEdits { source: self.source, edits }],
            snippet: String::new(),
        });
        self
    }

    /// A repair that only a person can make.
    pub(crate) fn manual(mut self, title: impl Into<String>, snippet: impl Into<String>) -> Self {
        self.finding.fix = Some(Fix::manual(title, snippet));
        self
    }

    /// The finished finding.
    pub(crate) fn done(self) -> Finding {
        self.finding
    }
}
