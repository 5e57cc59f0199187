//! `coaming secrets etcd`: which secrets an etcd snapshot, database or data directory contains.

use std::collections::BTreeMap;

use coaming_finding::SourceId;
use coaming_report::{File, InputText, Report, etcd};
use coaming_scan::EtcdStore;

use crate::args::{EtcdArguments, Format};
use crate::progress::Progress;
use crate::{CommandError, Outcome, output};

/// Runs the command.
pub(crate) fn run(arguments: &EtcdArguments) -> Result<Outcome, CommandError> {
    let progress = Progress::start("reading …");
    let EtcdStore { database, contents, errors, files } =
        coaming_scan::read_etcd(&arguments.snapshot).map_err(|error| {
            CommandError::Argument(format!("{}: {error}", arguments.snapshot.display()))
        })?;
    drop(progress);
    let findings = coaming_etcd::findings(&contents);
    output::complain_of(&errors);
    let source = InputText::default();
    let files = files.iter().map(|name| File { name, source, documents: &[] });
    let files: BTreeMap<SourceId, File<'_>> = (0..).map(SourceId::new).zip(files).collect();
    let rules: Vec<_> = coaming_etcd::RULES.iter().map(|&rule| rule.into()).collect();
    let report = Report {
        findings: &findings,
        errors: &errors,
        notes: &[],
        files: &files,
        file_count: files.len(),
        document_count: contents.objects.len(),
        workload_count: 0,
        rules: &rules,
        known: None,
        compliance: None,
    };
    output::write(arguments.output.as_deref(), |out| match arguments.format {
        Format::Full => out.write_all(etcd::text(&database, &contents, &findings).as_bytes()),
        Format::Json => {
            coaming_report::render_json_with(&report, "etcd", &etcd::Details::new(&contents), out)
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
