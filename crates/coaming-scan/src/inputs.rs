//! What a run reads, and what it judged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coaming_finding::{Baseline, Compliance, Finding, InputError, Note, RuleRef, SourceId};
use coaming_kube::{Source, SourceKind, World};
use coaming_oci::Reference;
use coaming_rules::Images;
use coaming_secret::gate::masked;
use coaming_source::Loaded;
use time::Date;

use crate::{Engine, Report, TextReport, VariantWorld};

/// What was read.
#[derive(Debug)]
pub struct Inputs {
    /// The possible clusters.
    pub variants: Vec<VariantWorld>,
    /// What could not be handled.
    pub errors: Vec<InputError>,
    /// How many files were read.
    pub file_count: usize,
    /// What was not evaluated.
    pub notes: Vec<Note>,
}

impl From<Loaded> for Inputs {
    fn from(loaded: Loaded) -> Self {
        let variants = loaded.variants.into_iter().map(VariantWorld::from).collect();
        let errors = loaded.errors.into_iter().map(without_user_info).collect();
        Self { variants, errors, file_count: loaded.read, notes: loaded.notes }
    }
}

/// An address may be given as a path, with a password in it.
fn without_user_info(error: InputError) -> InputError {
    if !error.file.contains(":/") {
        return error;
    }
    InputError { file: masked(&error.file).into_owned(), ..error }
}

/// Says how many images of pods were not looked into.
#[must_use]
pub fn uninspected_images(variants: &[VariantWorld], images: &Images) -> Option<Note> {
    let workloads = variants.iter().flat_map(|variant| variant.world.workloads());
    let named: BTreeSet<&str> = workloads
        .flat_map(|workload| workload.pod().containers())
        .filter_map(|container| container.image())
        .filter(|image| {
            Reference::parse(image).is_ok_and(|reference| images.get(&reference).is_none())
        })
        .collect();
    let count = named.len();
    let message = match count {
        0 => return None,
        1 => "1 image is not inspected; `--images require` pulls it".to_owned(),
        _ => format!("{count} images are not inspected; `--images require` pulls them"),
    };
    Some(Note { message, count })
}

/// How much was read and checked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Files.
    pub files: usize,
    /// Documents in them.
    pub documents: usize,
    /// Workloads in these.
    pub workloads: usize,
}

/// What was checked, and with what result.
#[derive(Debug)]
pub struct Judged<'a> {
    /// The sources that findings point into.
    pub sources: BTreeMap<SourceId, &'a Source>,
    /// The findings and notes.
    pub report: Report,
    /// What could not be handled.
    pub errors: Vec<InputError>,
    /// The rules that ran.
    pub rules: Vec<RuleRef>,
    /// How much was checked.
    pub counts: Counts,
    /// What the findings say about the controls of a compliance framework.
    pub compliance: Option<Compliance>,
    /// With a baseline, how many findings it has already.
    pub known: Option<usize>,
}

impl Engine {
    /// The configuration file as a source, which findings about suppressions point into.
    #[must_use]
    pub fn configuration(&self) -> Option<Source> {
        let file = self.config().file.as_ref()?;
        Some(Source::text(&file.name, Arc::clone(&file.text), SourceKind::Text))
    }

    /// Judges what was read. A finding on a way of an attacker says which one, and comes first.
    #[must_use]
    pub fn judge<'a>(
        &self,
        inputs: &'a Inputs,
        configuration: Option<&'a Source>,
        images: &Images,
        today: Option<Date>,
    ) -> Judged<'a> {
        let variants = &inputs.variants;
        let mut report = self.scan_variants(variants, images, today);
        self.mark_ways(variants, images, &mut report.findings);
        let compliance = self.compliance(variants, images, &report.findings);
        report.notes.extend(inputs.notes.iter().cloned());
        let worlds = || variants.iter().map(|variant| &variant.world);
        let counts = Counts {
            files: inputs.file_count,
            documents: worlds().map(World::document_count).sum(),
            workloads: worlds().map(|world| world.workloads().count()).sum(),
        };
        let sources =
            worlds().flat_map(|world| world.sources().map(|(id, source)| (id, &**source)));
        let mut sources: BTreeMap<SourceId, &Source> = sources.collect();
        sources.extend(configuration.map(|source| (coaming_rules::CONFIGURATION, source)));
        let (errors, rules) = (inputs.errors.clone(), self.rules());
        Judged { sources, report, errors, rules, counts, compliance, known: None }
    }
}

impl<'a> Judged<'a> {
    /// What the search for secrets in texts found; `sources` are the texts.
    #[must_use]
    pub fn of_texts(
        report: TextReport,
        sources: &'a BTreeMap<SourceId, Source>,
        notes: Vec<Note>,
        rules: Vec<RuleRef>,
    ) -> Self {
        let TextReport { findings, mut errors, files, documents, workloads, .. } = report;
        errors.sort_by(|a, b| (&a.file, &a.message).cmp(&(&b.file, &b.message)));
        Self {
            sources: sources.iter().map(|(&id, source)| (id, source)).collect(),
            report: Report { findings, notes },
            errors,
            rules,
            counts: Counts { files, documents, workloads },
            compliance: None,
            known: None,
        }
    }

    /// Whether there are findings that count.
    #[must_use]
    pub fn has_findings(&self) -> bool {
        self.report.findings.iter().any(|finding| finding.suppressed.is_none())
    }

    /// A baseline of the findings that count, which are known from now on.
    pub fn take_baseline(&mut self) -> Baseline {
        self.mask_messages();
        let active = self.report.findings.iter().filter(|finding| finding.suppressed.is_none());
        let baseline = Baseline::of(active, |finding| file_name(&self.sources, finding));
        let count = self.report.findings.len();
        self.report.findings.retain(|finding| finding.suppressed.is_some());
        self.known = Some(count - self.report.findings.len());
        baseline
    }

    /// Leaves out the findings that a baseline has.
    pub fn apply_baseline(&mut self, baseline: &Baseline) {
        self.mask_messages();
        let findings = &mut self.report.findings;
        let (mut active, suppressed): (Vec<Finding>, Vec<Finding>) =
            std::mem::take(findings).into_iter().partition(|one| one.suppressed.is_none());
        let sources = &self.sources;
        self.known = Some(baseline.retain_new(&mut active, |finding| file_name(sources, finding)));
        active.extend(suppressed);
        *findings = active;
        coaming_rules::put_in_order(findings);
    }

    /// A baseline names what messages name.
    fn mask_messages(&mut self) {
        for finding in &mut self.report.findings {
            finding.message = masked(&finding.message).into_owned();
        }
    }
}

/// The file that a finding is in.
fn file_name(sources: &BTreeMap<SourceId, &Source>, finding: &Finding) -> String {
    let source = finding.locations.first().and_then(|location| location.source);
    let source = source.and_then(|id| sources.get(&id));
    source.map_or_else(String::new, |source| source.name.clone())
}
