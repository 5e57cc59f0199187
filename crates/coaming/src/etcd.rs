//! `coaming secrets etcd`: which secrets an etcd snapshot, database or data directory contains.

use std::collections::BTreeMap;

use coaming_args::{EtcdArguments, Format};
use coaming_console as output;
use coaming_console::Progress;
use coaming_finding::SourceId;
use coaming_report::{File, InputText, Report, etcd};
use coaming_scan::EtcdStore;

use crate::{CommandError, Outcome, failed};

/// Runs the command.
pub(crate) fn run(arguments: &EtcdArguments) -> Result<Outcome, CommandError> {
    let progress = Progress::start("reading …");
    let EtcdStore { database, contents, errors, files } =
        coaming_scan::read_etcd(&arguments.snapshot)
            .map_err(|error| failed(format!("{}: {error}", arguments.snapshot.display())))?;
    drop(progress);
    let findings = coaming_etcd::findings(&contents);
    output::complain_of(&errors);
    let source = InputText::default();
    let files = files.iter().map(|name| File { name, source, documents: &[] });
    let files: BTreeMap<SourceId, File<'_>> = (0..).map(SourceId::new).zip(files).collect();
    let rules: Vec<_> = coaming_etcd::RULES.iter().map(|&rule| rule.into()).collect();
    let report = Report {
        errors: &errors,
        document_count: contents.objects.len(),
        rules: &rules,
        ..Report::new(&findings, &files)
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
