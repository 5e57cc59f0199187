//! `coaming secrets etcd`: what an etcd snapshot gives away.

use std::collections::BTreeMap;

use coaming_finding::{InputError, SourceId};
use coaming_report::{File, Report};
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
    let files = names.iter().map(|name| File { name, source: "", documents: &[] });
    let files: BTreeMap<SourceId, File<'_>> = (0..).map(SourceId::new).zip(files).collect();
    let rules: Vec<_> = etcd::RULES.iter().map(|&rule| rule.into()).collect();
    let report = Report {
        findings: &findings,
        errors: &errors,
        notes: &[],
        files: &files,
        file_count: files.len(),
        document_count: contents.objects.len(),
        workload_count: 0,
        rules: &rules,
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
fn problems(contents: &Contents) -> Vec<InputError> {
    let file = contents.path.display().to_string();
    let problem = |message: &String| InputError {
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
