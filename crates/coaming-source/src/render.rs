//! Render charts and overlays: charts here, overlays with the programs that the user has installed.
//!
//! The programs are bounded in time and output. Inputs that would make them fetch from the network
//! are not rendered. Rendered objects are attributed to the files they were made from.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use coaming_kube::{Origin, Source};
use coaming_yaml::Document;
use rayon::prelude::*;
use wait_timeout::ChildExt as _;

use crate::layout::{Directory, Overlay};
use crate::read::{Expectation, Outcome};
use crate::{InputError, Options, chart, read};

/// How long a renderer may take for one directory.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Renders every chart and overlay; each is named by its directory.
pub(crate) fn all(
    charts: &[Directory],
    overlays: &[Overlay],
    options: &Options,
) -> Vec<(String, Outcome)> {
    let mut outcomes: Vec<(String, Outcome)> =
        charts.par_iter().map(|chart| (chart.name.clone(), render_chart(chart, options))).collect();
    outcomes.par_extend(
        overlays
            .par_iter()
            .map(|overlay| (overlay.directory.name.clone(), render_overlay(overlay, options))),
    );
    outcomes
}

fn render_chart(directory: &Directory, options: &Options) -> Outcome {
    if !options.render {
        return Outcome::failed(InputError::new(
            &directory.name,
            "is a Helm chart, and `--no-render` leaves charts out",
        ));
    }
    if !options.external {
        return chart::render(directory, options);
    }
    let Some(helm) = on_path("helm") else {
        return Outcome::failed(InputError::new(
            &directory.name,
            "is a Helm chart, and `helm` is not on PATH: leave out `--renderer external`",
        ));
    };
    let mut command = Command::new(helm);
    command.arg("template").arg("release").arg(&directory.path);
    match run(&mut command, options.max_file_bytes) {
        Ok(text) => attribute_chart(directory, &text),
        Err(reason) => Outcome::failed(InputError::new(
            &directory.name,
            format!("`helm template` could not render this chart: {reason}"),
        )),
    }
}

/// Splits rendered text by the `# Source:` comments that Helm writes, so that each template becomes
/// a separate file.
fn attribute_chart(chart: &Directory, text: &str) -> Outcome {
    let mut outcome = Outcome { read: 1, ..Outcome::default() };
    let mut by_template: std::collections::BTreeMap<String, String> =
        std::collections::BTreeMap::new();
    for part in text.split("\n---\n").map(|part| part.trim_start_matches("---\n")) {
        let source = part
            .lines()
            .find_map(|line| line.strip_prefix("# Source: "))
            .and_then(|source| source.split_once('/'))
            .map_or_else(|| chart.name.clone(), |(_, rest)| format!("{}/{rest}", chart.name));
        let template = by_template.entry(source).or_default();
        template.push_str("---\n");
        template.push_str(part);
        template.push('\n');
    }
    for (name, text) in by_template {
        let mut parsed = read::parse(&name, Arc::from(text), Expectation::Syntax);
        for file in &mut parsed.files {
            file.origin = Origin::Rendered;
        }
        outcome.files.append(&mut parsed.files);
        // Positions in rendered text would mislead: the template has other lines.
        outcome.errors.extend(parsed.errors.into_iter().map(|error| InputError {
            position: None,
            message: format!("after rendering: {}", error.message),
            ..error
        }));
    }
    outcome
}

fn render_overlay(overlay: &Overlay, options: &Options) -> Outcome {
    let mut renderers: Vec<(&str, Command)> = Vec::new();
    if options.render {
        if let Some(kustomize) = on_path("kustomize") {
            let mut command = Command::new(kustomize);
            command.arg("build").arg(&overlay.directory.path);
            renderers.push(("kustomize build", command));
        }
        if let Some(kubectl) = on_path("kubectl") {
            let mut command = Command::new(kubectl);
            command.arg("kustomize").arg(&overlay.directory.path);
            renderers.push(("kubectl kustomize", command));
        }
    }
    let mut failures = Vec::new();
    for (program, mut command) in renderers {
        match run(&mut command, options.max_file_bytes) {
            Ok(text) => return attribute_overlay(overlay, &text, options),
            Err(reason) => {
                failures.push(format!("`{program}` could not render this overlay: {reason}"))
            }
        }
    }
    let message = failures.into_iter().next().unwrap_or_else(|| {
        "is a Kustomize overlay, which only Kustomize can render: install `kustomize` or `kubectl` \
         and put it on PATH, or render it yourself: `kustomize build DIRECTORY | coaming scan -`"
            .to_owned()
    });
    Outcome::failed(InputError::new(&overlay.file, message))
}

/// Attributes each rendered object to the resource file it was made from: the file that contains an
/// object of the same kind and name (without a prefix or suffix that Kustomize added), else the
/// kustomization itself.
fn attribute_overlay(overlay: &Overlay, text: &str, options: &Options) -> Outcome {
    let written: std::collections::BTreeMap<&str, Arc<Source>> = overlay
        .sources
        .iter()
        .filter_map(|candidate| {
            let text = read::text(&candidate.path, options).ok()?;
            let stream = coaming_yaml::parse(text.into());
            let source = Source::new(&candidate.name, stream.source, stream.documents);
            Some((candidate.name.as_str(), Arc::new(source)))
        })
        .collect();
    let sources: Vec<(String, Vec<(String, String)>)> = written
        .iter()
        .map(|(name, source)| {
            let objects = source.documents().iter().filter_map(kind_and_name).collect();
            ((*name).to_owned(), objects)
        })
        .collect();
    let stream = coaming_yaml::parse(Arc::from(text));
    let mut by_source: std::collections::BTreeMap<String, Vec<Document>> =
        std::collections::BTreeMap::new();
    for document in stream.documents {
        if !coaming_kube::looks_like_kubernetes(&document) {
            continue;
        }
        let source = kind_and_name(&document)
            .and_then(|(kind, name)| source_of(&sources, &kind, &name))
            .unwrap_or(&overlay.file);
        by_source.entry(source.to_owned()).or_default().push(document);
    }
    let files = by_source
        .into_iter()
        .map(|(name, documents)| {
            let source = Source::new(&name, Arc::clone(&stream.source), documents);
            source.with_origin(Origin::Rendered).written_as(written.get(name.as_str()).cloned())
        })
        .collect();
    Outcome { files, errors: Vec::new(), read: 1 }
}

fn source_of<'s>(
    sources: &'s [(String, Vec<(String, String)>)],
    kind: &str,
    name: &str,
) -> Option<&'s str> {
    let containing = |matches: &dyn Fn(&str) -> bool| {
        sources
            .iter()
            .find(|(_, objects)| objects.iter().any(|(k, n)| k == kind && matches(n)))
            .map(|(file, _)| file.as_str())
    };
    containing(&|original| original == name)
        .or_else(|| containing(&|original| name.ends_with(original) || name.starts_with(original)))
}

fn kind_and_name(document: &Document) -> Option<(String, String)> {
    let root = document.root();
    let kind = root.get("kind")?.as_str()?;
    let name = root.get("metadata")?.get("name")?.as_str()?;
    Some((kind.to_owned(), name.to_owned()))
}

/// Finds a program on `PATH`. Relative directories are skipped: a scanned repository must not be
/// able to supply the program.
fn on_path(program: &str) -> Option<PathBuf> {
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&std::env::var_os("PATH")?)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(&file))
        .find(|path| is_executable(path))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

/// Runs a renderer. Returns its output, or the reason for its failure on one line.
fn run(command: &mut Command, limit: u64) -> Result<String, String> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("it could not be started: {error}"))?;
    let stdout = child.stdout.take().map(|pipe| collect(pipe, limit + 1));
    let stderr = child.stderr.take().map(|pipe| collect(pipe, 64 << 10));
    let status = match child.wait_timeout(TIMEOUT) {
        Ok(Some(status)) => status,
        Ok(None) | Err(_) => {
            // Killing fails only if the process has already exited.
            drop(child.kill());
            drop(child.wait());
            return Err(format!("it took longer than {} s", TIMEOUT.as_secs()));
        }
    };
    let text = |reader: Option<std::thread::JoinHandle<Vec<u8>>>| {
        reader.and_then(|reader| reader.join().ok()).unwrap_or_default()
    };
    let (output, errors) = (text(stdout), text(stderr));
    if !status.success() {
        return Err(one_line(&String::from_utf8_lossy(&errors)));
    }
    if output.len() as u64 > limit {
        return Err(format!("its output is larger than {} MiB", limit >> 20));
    }
    String::from_utf8(output).map_err(|_| "its output is not UTF-8".to_owned())
}

/// Reads a pipe to its end in a thread, keeping at most `limit` bytes.
fn collect(
    mut pipe: impl std::io::Read + Send + 'static,
    limit: u64,
) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // On an error, the bytes read so far are kept; the exit status reports the failure.
        drop(pipe.by_ref().take(limit).read_to_end(&mut bytes));
        drop(std::io::copy(&mut pipe, &mut std::io::sink()));
        bytes
    })
}

/// The last lines with content, on one line: programs warn first, and say at the end why they stop.
fn one_line(errors: &str) -> String {
    let is_warning = |line: &str| line.starts_with("WARNING") || line.starts_with("# Warning");
    let lines: Vec<&str> = errors
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !is_warning(line))
        .collect();
    let joined = lines.get(lines.len().saturating_sub(3)..).unwrap_or_default().join(" ");
    let joined = joined.trim_start_matches("Error: ");
    if joined.is_empty() {
        return "it failed without an error message".to_owned();
    }
    let excess = joined.chars().count().saturating_sub(400);
    joined.chars().skip(excess).collect()
}
