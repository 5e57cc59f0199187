//! `coaming secrets etcd`: what an etcd snapshot gives away.

use coaming_report::{File, InputProblem, Report};
use coaming_secret::etcd::{self, Contents, Details};

use crate::args::{EtcdArguments, Format};
use crate::progress::Progress;
use crate::{CommandError, Outcome, output};

/// Runs the command.
pub(crate) fn run(arguments: &EtcdArguments) -> Result<Outcome, CommandError> {
    let progress = Progress::start("reading …");
    let contents = etcd::read(&arguments.snapshot).map_err(|error| {
        CommandError::Argument(format!("{}: {error}", arguments.snapshot.display()))
    })?;
    drop(progress);
    let findings = etcd::findings(&contents);
    let errors = problems(&contents);
    output::complain_of(&errors);
    let names = file_names(&contents);
    let files: Vec<File<'_>> =
        names.iter().map(|name| File { name, source: "", documents: &[] }).collect();
    let report = Report {
        findings: &findings,
        errors: &errors,
        files: &files,
        file_count: files.len(),
        document_count: contents.objects.len(),
        workload_count: 0,
        rules: etcd::RULES,
    };
    output::write(arguments.output.as_deref(), |out| match arguments.format {
        Format::Full => out.write_all(etcd::to_text(&contents, &findings).as_bytes()),
        Format::Json => {
            coaming_report::render_json_with(&report, "etcd", &Details::new(&contents), out)
        }
        format => {
            let options = coaming_report::FullOptions::default();
            coaming_report::render(&report, format.into(), options, out)
        }
    })?;
    Ok(if !errors.is_empty() {
        Outcome::Failed
    } else if findings.is_empty() || arguments.exit_zero {
        Outcome::Clean
    } else {
        Outcome::Found
    })
}

/// What could not be read.
fn problems(contents: &Contents) -> Vec<InputProblem> {
    let file = contents.path.display().to_string();
    let problem = |message: &String| InputProblem {
        file: file.clone(),
        position: None,
        message: message.clone(),
    };
    contents.problems.iter().map(problem).collect()
}

/// The files that findings may point into: the database, then those beside it.
fn file_names(contents: &Contents) -> Vec<String> {
    let member = contents.path.parent().and_then(std::path::Path::parent);
    let beside = contents.beside.iter().map(|name| {
        member.map_or_else(|| name.clone(), |member| member.join(name).display().to_string())
    });
    std::iter::once(contents.path.display().to_string()).chain(beside).collect()
}
