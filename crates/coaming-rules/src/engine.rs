//! Run rules over an inventory, in parallel, to one order of findings.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use coaming_config::Config;
use coaming_finding::{FileId, Finding};
use coaming_kube::{FileKind, Inventory, Object, Workload};
use rayon::prelude::*;

use crate::rule::ObjectShared;
use crate::{Check, ContainerScope, Context, DockerfileScope, Images, ObjectScope, Rule, Settings};

/// The rules of a run.
#[derive(Clone, Debug)]
pub struct RuleSet {
    rules: Vec<&'static Rule>,
}

impl RuleSet {
    /// The rules that run somewhere by this configuration.
    #[must_use]
    pub fn configured(config: &Config) -> Self {
        Self::matching(|rule| config.runs(rule.meta))
    }

    /// The rules that a predicate picks.
    #[must_use]
    pub fn matching(picks: impl Fn(&Rule) -> bool) -> Self {
        Self { rules: crate::all().iter().filter(|rule| picks(rule)).collect() }
    }

    /// The rules, in the order of the registry.
    #[must_use]
    pub fn rules(&self) -> &[&'static Rule] {
        &self.rules
    }
}

/// Objects are small: a thread takes several at once.
const GRAIN: usize = 64;
/// Findings are large: lists of them are kept short enough to grow in memory that was used before.
const MOST: usize = 512;

/// Runs `rules` over `inventory` with what is known of its images, and takes in what users' own rules found (`own`, with the names of
/// those that ran in `own_names`): it can be excused like all else. The findings come ranked: what an attacker can use first.
#[must_use]
pub fn run_with(
    inventory: &Inventory,
    images: &Images,
    settings: &Settings,
    rules: &RuleSet,
    own: Vec<Finding>,
    own_names: &[&'static str],
) -> Vec<Finding> {
    let enabled: BTreeSet<&'static str> =
        rules.rules.iter().map(|rule| rule.meta.name).chain(own_names.iter().copied()).collect();
    let context = Context::new(inventory, images, settings, enabled.clone());
    let checks = Checks::new(rules);
    let (of_objects, of_all) =
        rayon::join(|| checks.objects(&context), || checks.inventory(&context));
    let mut findings = gathered([of_objects, of_all, checks.dockerfiles(&context), vec![own]]);
    decide(inventory, settings, &mut findings);
    crate::suppress::apply(inventory, settings, &enabled, &mut findings);
    put_in_order(&mut findings);
    findings
}

/// Runs `rules` over `inventory`, of whose images nothing is known. The findings come ranked: what an attacker can use first.
#[must_use]
pub fn run(inventory: &Inventory, settings: &Settings, rules: &RuleSet) -> Vec<Finding> {
    run_with(inventory, &Images::default(), settings, rules, Vec::new(), &[])
}

/// All findings in one place: they are large, and each is moved once.
fn gathered(parts: [Vec<Vec<Finding>>; 4]) -> Vec<Finding> {
    let mut findings = Vec::with_capacity(parts.iter().flatten().map(Vec::len).sum());
    parts.into_iter().flatten().for_each(|mut part| findings.append(&mut part));
    findings
}

/// Drops findings where the user switched their rule off, and gives them the user's severities.
fn decide(inventory: &Inventory, settings: &Settings, findings: &mut Vec<Finding>) {
    findings.retain_mut(|finding| {
        let file = finding.locations.first().and_then(|location| location.file);
        let file = file.and_then(|file| inventory.files().get(file.0 as usize));
        let name = file.map_or("", |file| file.name.as_str());
        let namespace = finding.object.as_ref().map_or("", |object| object.namespace.as_str());
        match settings.config.decide(finding.rule, finding.severity, name, namespace) {
            Some(severity) => finding.severity = severity,
            None => return false,
        }
        true
    });
}

/// Ranks findings, and drops those that were made twice: two overlays on the same base say the
/// same of the base's file.
pub fn put_in_order(findings: &mut Vec<Finding>) {
    // Findings are large: their places are sorted, and each is moved once.
    let mut order: Vec<usize> = (0..findings.len()).collect();
    order
        .par_sort_unstable_by(|&a, &b| findings[a].rank().cmp(&findings[b].rank()).then(a.cmp(&b)));
    put_in_places(findings, &mut order);
    findings.dedup_by(|a, b| {
        a.rule.name == b.rule.name
            && a.object == b.object
            && a.container == b.container
            && a.locations == b.locations
            && a.message == b.message
    });
}

/// Puts in each place what stands at `order[place]`: all places, each once. Room for a second copy of
/// all would cost more than the moves.
fn put_in_places<T>(items: &mut [T], order: &mut [usize]) {
    for first in 0..order.len() {
        // What stands at the first place goes along, and arrives where it is asked for.
        let mut place = first;
        while order[place] != first {
            let next = std::mem::replace(&mut order[place], place);
            items.swap(place, next);
            place = next;
        }
        order[place] = place;
    }
}

/// The rules' checks by scope.
#[derive(Default)]
struct Checks {
    container: Vec<fn(&Context<'_>, ContainerScope<'_>, &mut Vec<Finding>)>,
    pod: Vec<fn(&Context<'_>, Workload<'_>, &mut Vec<Finding>)>,
    object: Vec<fn(&Context<'_>, ObjectScope<'_>, &mut Vec<Finding>)>,
    dockerfile: Vec<fn(&Context<'_>, DockerfileScope<'_>, &mut Vec<Finding>)>,
    inventory: Vec<fn(&Context<'_>, &mut Vec<Finding>)>,
}

impl Checks {
    fn new(rules: &RuleSet) -> Self {
        let mut checks = Self::default();
        for rule in &rules.rules {
            match rule.check {
                Check::Container(check) => checks.container.push(check),
                Check::Pod(check) => checks.pod.push(check),
                Check::Object(check) => checks.object.push(check),
                Check::Dockerfile(check) => checks.dockerfile.push(check),
                Check::Inventory(check) => checks.inventory.push(check),
            }
        }
        checks
    }

    /// What the rules say about each object and the workloads in it. An object's text and tree are
    /// at hand then: to come back for the workloads when all objects are done would cost more than to look.
    fn objects(&self, context: &Context<'_>) -> Vec<Vec<Finding>> {
        let objects: Vec<_> = context.inventory.objects().collect();
        let workloads = context.inventory.workloads();
        objects
            .par_chunks(GRAIN)
            .with_max_len(MOST / GRAIN)
            .fold(Vec::new, |mut findings, objects| {
                for object in objects {
                    self.object(context, *object, &mut findings);
                }
                for workload in workloads.of(objects) {
                    self.workload(context, workload, &mut findings);
                }
                findings
            })
            .collect()
    }

    fn object(&self, context: &Context<'_>, object: Object<'_>, findings: &mut Vec<Finding>) {
        let shared = ObjectShared::default();
        let scope = ObjectScope::new(context.inventory, object, &shared);
        for check in &self.object {
            check(context, scope, findings);
        }
    }

    fn workload(&self, context: &Context<'_>, workload: Workload<'_>, findings: &mut Vec<Finding>) {
        for check in &self.pod {
            check(context, workload, findings);
        }
        for container in workload.pod().containers() {
            let image = OnceCell::new();
            let scope = ContainerScope::new(workload, container, &image);
            for check in &self.container {
                check(context, scope, findings);
            }
        }
    }

    fn dockerfiles(&self, context: &Context<'_>) -> Vec<Vec<Finding>> {
        if self.dockerfile.is_empty() {
            return Vec::new();
        }
        let files: Vec<_> = context.inventory.files_of_kind(FileKind::Dockerfile).collect();
        files
            .into_par_iter()
            .map(|(place, file)| {
                let dockerfile = coaming_dockerfile::parse(&file.source);
                let scope = DockerfileScope {
                    file: FileId(place),
                    source: &file.source,
                    dockerfile: &dockerfile,
                };
                let mut findings = Vec::new();
                for check in &self.dockerfile {
                    check(context, scope, &mut findings);
                }
                findings
            })
            .collect()
    }

    fn inventory(&self, context: &Context<'_>) -> Vec<Vec<Finding>> {
        self.inventory
            .par_iter()
            .fold(Vec::new, |mut findings, check| {
                check(context, &mut findings);
                findings
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_goes_to_the_place_that_asks_for_it() {
        // Every order of six, one for each way to draw the next of those that are left.
        for mut draw in 0..720 {
            let mut left: Vec<usize> = (0..6).collect();
            let order: Vec<usize> = (1..=6)
                .rev()
                .map(|count| {
                    let place = draw % count;
                    draw /= count;
                    left.remove(place)
                })
                .collect();
            let mut items = [10, 11, 12, 13, 14, 15];
            put_in_places(&mut items, &mut order.clone());
            assert_eq!(items.to_vec(), order.iter().map(|place| place + 10).collect::<Vec<_>>());
        }
    }
}
