//! Makes a page of what its reader may see.

use std::collections::BTreeSet;
use std::sync::Arc;

use coaming_breach::{CutOptions, Query, Scene};
use coaming_finding::{Finding, Note};
use coaming_kube::{Source, World};
use coaming_report::{File, Format, FullOptions, InputText, Report, breach};
use coaming_rules::{Images, Knowledge};
use coaming_scan::Engine;
use time::Date;

use super::caller::Rights;
use super::memory::{Budget, TooLarge};
use super::{Page, Scope};

/// What makes a finding the same in two worlds: its rule, its object, its container.
type Mark = (String, String, String, String, String);

/// Makes a page.
pub(super) fn page(
    page: Page,
    rights: &Rights,
    scope: &Scope,
    engine: &Engine,
    today: Option<Date>,
    budget: &Budget,
) -> Result<Vec<u8>, TooLarge> {
    let whole = &rights.snapshot.world;
    let world = seen(whole, rights, scope);
    let (all, own) = (whole.document_count(), world.document_count());
    // What is hidden from the reader is judged too, to know what it changes.
    budget.fits(if own < all { all } else { own })?;
    let images = Images::default();
    let truth = (own < all).then(|| marks(&engine.scan(whole, &images, today).findings));
    budget.check()?;
    let known = Knowledge::default();
    let mut report = engine.scan_knowing(&world, &images, today, &known);
    if let Some(truth) = truth {
        report.findings.retain(|finding| truth.contains(&mark(finding)));
    }
    budget.check()?;
    report.notes.extend(hidden(rights, scope));
    let minor = engine.config().kubernetes_version.unwrap_or_default().minor();
    let judged = Judged { world: &world, images, known, minor, engine };
    match page {
        Page::Report => judged.report(report, budget),
        Page::Breach => judged.breach(report, budget),
    }
}

/// The part of a world that the reader may see.
fn seen(world: &World, rights: &Rights, scope: &Scope) -> World {
    let is_seen = |id| {
        let mut objects = world.objects_in(id);
        objects.next().is_some_and(|first| {
            rights.may_see(first, scope) && objects.all(|object| rights.may_see(object, scope))
        })
    };
    let sources = world.sources().filter(|(id, _)| is_seen(*id));
    World::numbered(sources.map(|(id, source)| (id, Arc::clone(source))))
}

/// What is not on the page.
fn hidden(rights: &Rights, scope: &Scope) -> Vec<Note> {
    let mut notes = Vec::new();
    if let Scope::Namespace(name) = scope {
        let message = format!("other namespaces than `{name}` are not shown");
        notes.push(Note { message, count: 1 });
    }
    let hidden = rights.hidden();
    if !hidden.is_empty() {
        let message = format!("you may not list, and are not shown: {}", hidden.join(", "));
        notes.push(Note { message, count: hidden.len() });
    }
    let message = "images are not inspected".to_owned();
    notes.push(Note { message, count: 1 });
    notes
}

fn marks(findings: &[Finding]) -> BTreeSet<Mark> {
    findings.iter().map(mark).collect()
}

fn mark(finding: &Finding) -> Mark {
    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
    let object = finding.object.as_ref();
    (
        finding.rule.id.to_string(),
        text(object.map(|object| &object.kind)),
        text(object.map(|object| &object.namespace)),
        text(object.map(|object| &object.name)),
        text(finding.container.as_ref()),
    )
}

/// A world that was judged.
struct Judged<'w> {
    world: &'w World,
    images: Images,
    known: Knowledge,
    minor: u32,
    engine: &'w Engine,
}

impl Judged<'_> {
    fn report(
        &self,
        mut report: coaming_scan::Report,
        budget: &Budget,
    ) -> Result<Vec<u8>, TooLarge> {
        let (world, images, known) = (self.world, &self.images, &self.known);
        let findings = &mut report.findings;
        coaming_breach::mark_ways(world, images, self.minor, known, findings, |_| true);
        coaming_rules::put_in_order(findings);
        budget.check()?;
        self.write(&report, budget, |report, out| {
            coaming_report::render(report, Format::Html, FullOptions::default(), out)
        })
    }

    fn breach(&self, report: coaming_scan::Report, budget: &Budget) -> Result<Vec<u8>, TooLarge> {
        let registries = &self.engine.config().allowed_registries;
        let scene = Scene::new(self.world, &self.images, self.minor, &self.known);
        let scene = scene.allowing_registries(registries);
        let query = Query::default();
        // Cuts are proven by making them, over and over: that is too much for a server.
        let cuts = CutOptions { enabled: false, ..CutOptions::default() };
        let answer = coaming_breach::answer(&scene, &query, &report.findings, &cuts);
        budget.check()?;
        let answer = answer.and_then(|answer| {
            let map = coaming_breach::map(&scene, &query, &answer, &report.findings)?;
            Ok((answer, map))
        });
        // A query that names nothing cannot name what does not exist.
        let Ok((mut answer, map)) = answer else { return budget.write(|_| Ok(())) };
        answer.unknown.extend(report.notes.iter().cloned());
        budget.check()?;
        let view = breach::View::new(&answer, self.world, &report.findings);
        self.write(&report, budget, |shown, out| breach::html(&view, &map, shown, out))
    }

    fn write(
        &self,
        report: &coaming_scan::Report,
        budget: &Budget,
        render: impl FnOnce(&Report<'_>, &mut dyn std::io::Write) -> std::io::Result<()>,
    ) -> Result<Vec<u8>, TooLarge> {
        let files = self.world.sources().map(|(id, source)| (id, file(source))).collect();
        let rules = self.engine.rules();
        let shown = Report {
            findings: &report.findings,
            errors: &[],
            notes: &report.notes,
            files: &files,
            file_count: 0,
            document_count: self.world.document_count(),
            workload_count: self.world.workloads().count(),
            rules: &rules,
            known: None,
            compliance: None,
        };
        budget.write(|out| render(&shown, out))
    }
}

/// A source as reports need it: objects of a cluster have no text.
fn file(source: &Source) -> File<'_> {
    File { name: &source.name, source: InputText::new(&source.text), documents: &[] }
}
