//! Run rules: over a whole world in parallel, or over one object at once.

use std::cell::OnceCell;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use coaming_config::Config;
use coaming_finding::{Finding, RuleId};
use coaming_kube::{Object, Source, SourceId, SourceKind, Workload, World};
use coaming_yaml::Path;
use rayon::prelude::*;
use time::Date;

use crate::Knowledge;
use crate::rule::ObjectShared;
use crate::{Check, ContainerScope, Context, DockerfileScope, Images, ObjectScope, Rule, Settings};

/// The rules of a run, sorted by what they look at. Made once, and used for every run.
#[derive(Clone, Debug)]
pub struct RuleSet {
    rules: Vec<&'static Rule>,
    checks: Checks,
    /// The ids of these rules, and of users' own rules that run beside them.
    enabled: BTreeSet<RuleId>,
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
        let rules: Vec<&'static Rule> = crate::all().iter().filter(|rule| picks(rule)).collect();
        let enabled = rules.iter().map(|rule| rule.meta.id.clone()).collect();
        Self { checks: Checks::new(&rules), rules, enabled }
    }

    /// The same, with users' own rules beside them: a suppression of one of these is not unknown.
    #[must_use]
    pub fn with_custom(mut self, custom: impl IntoIterator<Item = RuleId>) -> Self {
        self.enabled.extend(custom);
        self
    }

    /// The rules, in the order of the registry.
    #[must_use]
    pub fn rules(&self) -> &[&'static Rule] {
        &self.rules
    }
}

/// What a run is about.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The objects.
    pub world: &'a World,
    /// What is known of the images that they run.
    pub images: &'a Images,
    /// What the user decided.
    pub settings: &'a Settings,
    /// Today, to know what has expired; nothing expires without.
    pub today: Option<Date>,
    /// What the engines know about the world; without, the run works it out for itself.
    pub known: Option<&'a Knowledge>,
}

impl<'a> Input<'a> {
    /// Judges by these; nothing expires.
    #[must_use]
    pub fn new(world: &'a World, images: &'a Images, settings: &'a Settings) -> Self {
        Self { world, images, settings, today: None, known: None }
    }
}

/// Objects are small: a thread takes several at once.
const GRAIN: usize = 64;
/// Findings are large: lists of them are kept short enough to grow in memory that was used before.
const MOST: usize = 512;

/// Runs `rules` over a world, in parallel, and takes in what users' own rules found: it can be
/// suppressed like everything else. The findings come ranked: what an attacker can use first.
#[must_use]
pub fn run(input: Input<'_>, rules: &RuleSet, custom: Vec<Finding>) -> Vec<Finding> {
    let context = Context::new(input, &rules.enabled);
    let checks = &rules.checks;
    let (of_objects, of_all) = rayon::join(|| checks.objects(&context), || checks.world(&context));
    let mut findings = gathered([of_objects, of_all, checks.dockerfiles(&context), vec![custom]]);
    finish(&context, rules, &mut findings);
    put_in_order(&mut findings);
    findings
}

/// Runs `rules` over one source of a small world, without other threads: the source, and what its
/// rules need to know. Rules that need the whole world are left out. The findings are those in this
/// source, ranked.
#[must_use]
pub fn review(
    input: Input<'_>,
    rules: &RuleSet,
    subject: SourceId,
    mut findings: Vec<Finding>,
) -> Vec<Finding> {
    let context = Context::new(input, &rules.enabled);
    let checks = &rules.checks;
    for object in input.world.objects_in(subject) {
        checks.object(&context, object, &mut findings);
        for workload in input.world.workloads_of(object) {
            checks.workload(&context, workload, &mut findings);
        }
        checks.fragments(&context, object, &mut findings);
    }
    for (check, reviews) in &checks.world {
        if *reviews {
            check(&context, &mut findings);
        }
    }
    let is_here =
        |finding: &Finding| finding.locations.first().is_some_and(|at| at.source == Some(subject));
    findings.retain(is_here);
    finish(&context, rules, &mut findings);
    findings.retain(is_here);
    findings.sort_by(|a, b| a.rank().cmp(&b.rank()));
    findings.dedup_by(|a, b| a.is_same(b));
    findings
}

/// All findings in one place: they are large, and each is moved once.
fn gathered(parts: [Vec<Vec<Finding>>; 4]) -> Vec<Finding> {
    let mut findings = Vec::with_capacity(parts.iter().flatten().map(Vec::len).sum());
    parts.into_iter().flatten().for_each(|mut part| findings.append(&mut part));
    findings
}

/// Applies what the user decided: where rules run, severities, suppressions.
fn finish(context: &Context<'_>, rules: &RuleSet, findings: &mut Vec<Finding>) {
    decide(context.world, context.settings, findings);
    findings.iter_mut().for_each(|finding| crate::safety::limit(context.world, finding));
    crate::suppress::apply(context, &rules.enabled, findings);
}

/// Drops findings where the user switched their rule off, and gives them the user's severities.
fn decide(world: &World, settings: &Settings, findings: &mut Vec<Finding>) {
    findings.retain_mut(|finding| {
        let source = finding.locations.first().and_then(|location| location.source);
        let source = source.and_then(|source| world.source(source));
        let name = source.map_or("", |source| source.name.as_str());
        let namespace = finding.object.as_ref().map_or("", |object| object.namespace.as_str());
        match settings.config.decide(&finding.rule, finding.severity, name, namespace) {
            Some(severity) => finding.severity = severity,
            None => return false,
        }
        true
    });
}

/// Ranks findings, and drops those that were made twice.
pub fn put_in_order(findings: &mut Vec<Finding>) {
    // Findings are large: their places are sorted, and each is moved once.
    let mut order: Vec<usize> = (0..findings.len()).collect();
    order
        .par_sort_unstable_by(|&a, &b| findings[a].rank().cmp(&findings[b].rank()).then(a.cmp(&b)));
    put_in_places(findings, &mut order);
    findings.dedup_by(|a, b| a.is_same(b));
}

/// Moves the item at `order[index]` to each `index`; `order` is a permutation. A second copy of all
/// items would cost more than the moves.
fn put_in_places<T>(items: &mut [T], order: &mut [usize]) {
    for first in 0..order.len() {
        // Follows one cycle: the first item moves along until it reaches its index.
        let mut place = first;
        while order[place] != first {
            let next = std::mem::replace(&mut order[place], place);
            items.swap(place, next);
            place = next;
        }
        order[place] = place;
    }
}

type ContainerCheck = fn(&Context<'_>, ContainerScope<'_>, &mut Vec<Finding>);
type PodCheck = fn(&Context<'_>, Workload<'_>, &mut Vec<Finding>);
type WorldCheck = fn(&Context<'_>, &mut Vec<Finding>);

/// The rules' checks by scope.
#[derive(Clone, Debug, Default)]
struct Checks {
    container: Vec<ContainerCheck>,
    pod: Vec<PodCheck>,
    /// Those that judge parts of pods too.
    of_fragments: (Vec<PodCheck>, Vec<ContainerCheck>),
    object: Vec<fn(&Context<'_>, ObjectScope<'_>, &mut Vec<Finding>)>,
    dockerfile: Vec<fn(&Context<'_>, DockerfileScope<'_>, &mut Vec<Finding>)>,
    /// Each with whether it reviews a single object too.
    world: Vec<(WorldCheck, bool)>,
}

impl Checks {
    fn new(rules: &[&'static Rule]) -> Self {
        let mut checks = Self::default();
        for rule in rules {
            match rule.check {
                Check::Container(check) => {
                    checks.container.push(check);
                    checks.of_fragments.1.extend(rule.fragments.then_some(check));
                }
                Check::Pod(check) => {
                    checks.pod.push(check);
                    checks.of_fragments.0.extend(rule.fragments.then_some(check));
                }
                Check::PodAndObject(pod, object) => {
                    checks.pod.push(pod);
                    checks.of_fragments.0.extend(rule.fragments.then_some(pod));
                    checks.object.push(object);
                }
                Check::Object(check) => checks.object.push(check),
                Check::Dockerfile(check) => checks.dockerfile.push(check),
                Check::World { check, reviews } => checks.world.push((check, reviews)),
            }
        }
        checks
    }

    /// The findings for each object and its workloads, in one pass while the object's text and tree
    /// are in the cache: a second pass for the workloads would cost more.
    fn objects(&self, context: &Context<'_>) -> Vec<Vec<Finding>> {
        let objects: Vec<_> = context.world.objects().collect();
        objects
            .par_chunks(GRAIN)
            .with_max_len(MOST / GRAIN)
            .fold(Vec::new, |mut findings, objects| {
                for object in objects {
                    if !context.world.is_copy(*object) {
                        self.object(context, *object, &mut findings);
                    }
                }
                for workload in
                    objects.iter().flat_map(|object| context.world.own_workloads_of(*object))
                {
                    self.workload(context, workload, &mut findings);
                }
                for object in objects {
                    self.fragments(context, *object, &mut findings);
                }
                findings
            })
            .collect()
    }

    fn object(&self, context: &Context<'_>, object: Object<'_>, findings: &mut Vec<Finding>) {
        let shared = ObjectShared::default();
        let scope = ObjectScope::new(context, object, &shared);
        for check in &self.object {
            check(context, scope, findings);
        }
    }

    fn workload(&self, context: &Context<'_>, workload: Workload<'_>, findings: &mut Vec<Finding>) {
        judge(context, workload, (&self.pod, &self.container), findings);
    }

    /// Judges the parts of pods in an object by the rules that need no whole pod.
    fn fragments(&self, context: &Context<'_>, object: Object<'_>, findings: &mut Vec<Finding>) {
        let (pod, container) = &self.of_fragments;
        let first = findings.len();
        for fragment in context.world.fragments_of(object) {
            judge(context, fragment, (pod, container), findings);
        }
        keep_one_for_each_place(findings, first);
    }

    fn dockerfiles(&self, context: &Context<'_>) -> Vec<Vec<Finding>> {
        if self.dockerfile.is_empty() {
            return Vec::new();
        }
        let files: Vec<_> = context.world.sources_of_kind(SourceKind::Dockerfile).collect();
        files.into_par_iter().map(|(id, file)| self.dockerfile(context, id, file)).collect()
    }

    fn dockerfile(&self, context: &Context<'_>, id: SourceId, file: &Source) -> Vec<Finding> {
        let dockerfile = coaming_dockerfile::parse(&file.text);
        let scope = DockerfileScope { id, source: &file.text, dockerfile: &dockerfile };
        let mut findings = Vec::new();
        for check in &self.dockerfile {
            check(context, scope, &mut findings);
        }
        findings
    }

    fn world(&self, context: &Context<'_>) -> Vec<Vec<Finding>> {
        self.world
            .par_iter()
            .fold(Vec::new, |mut findings, (check, _)| {
                check(context, &mut findings);
                findings
            })
            .collect()
    }
}

/// Judges a pod, and then each of its containers.
/// Of the findings from an index on, keeps one of those that a rule has for one place: parts of
/// pods inherit from each other, and one edit repairs all. The one that names its container stays.
fn keep_one_for_each_place(findings: &mut Vec<Finding>, first: usize) {
    let mut places: HashMap<(RuleId, Option<Path>), usize> = HashMap::new();
    for finding in findings.split_off(first) {
        let path = finding.locations.first().map(|location| location.path.clone());
        let names = |finding: &Finding| finding.container.as_ref().is_some_and(|it| !it.is_empty());
        match places.entry((finding.rule.id.clone(), path)) {
            Entry::Vacant(place) => {
                place.insert(findings.len());
                findings.push(finding);
            }
            Entry::Occupied(place) => {
                let known = findings.get_mut(*place.get());
                if let Some(known) = known.filter(|known| names(&finding) && !names(known)) {
                    *known = finding;
                }
            }
        }
    }
}

fn judge(
    context: &Context<'_>,
    workload: Workload<'_>,
    (of_pods, of_containers): (&[PodCheck], &[ContainerCheck]),
    findings: &mut Vec<Finding>,
) {
    for check in of_pods {
        check(context, workload, findings);
    }
    for container in workload.pod().containers() {
        let image = OnceCell::new();
        let scope = ContainerScope::new(workload, container, &image);
        for check in of_containers {
            check(context, scope, findings);
        }
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
