//! The data of the page: every text once, and everything else as numbers of texts.
//!
//! The field names are those that the script reads; it belongs to this module alone and is no
//! contract.

use std::collections::{BTreeMap, HashMap};

use coaming_breach::{Evidence, Foothold, Kind, Map, MapStep, WorkloadName};
use coaming_finding::{Category, Finding, Severity};
use coaming_secret::gate::masked_names;
use serde_json::{Value, json};

use super::super::View;
use crate::text::{object, plain};
use crate::{Places, Report, rule_url};

/// Longer lines are not shown: they are machines' output.
const LONGEST_LINE: usize = 240;
/// The most places of a finding that are shown.
const PLACES: usize = 3;
/// How many lines are shown before and after the one that a finding is at.
const CONTEXT: u32 = 2;

/// Texts, each once.
#[derive(Default)]
struct Texts {
    numbers: HashMap<String, usize>,
    texts: Vec<String>,
}

impl Texts {
    /// The number of a text, which is made printable.
    fn number(&mut self, text: &str) -> usize {
        let text = plain(&masked_names(text));
        if let Some(&number) = self.numbers.get(&text) {
            return number;
        }
        self.texts.push(text.clone());
        self.numbers.insert(text, self.texts.len() - 1);
        self.texts.len() - 1
    }

    fn numbers(&mut self, texts: &[String]) -> Vec<usize> {
        texts.iter().map(|text| self.number(text)).collect()
    }
}

/// The data of a page.
pub(super) fn page(view: &View<'_>, map: &Map, report: &Report<'_>, places: &Places<'_>) -> Value {
    let mut texts = Texts::default();
    let findings = Findings::new(report, places, &mut texts);
    let (infos, steps) = all_steps(view, map, &findings, &mut texts);
    let workloads: BTreeMap<&WorkloadName, usize> =
        map.workloads.iter().enumerate().map(|(at, own)| (&own.name, at)).collect();
    let mut page = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "categories": list(Category::ALL.iter(), |own| json!([own.as_str(), own.goal()])),
        "severities": (Severity::ALL.map(Severity::as_str)),
        "infos": infos,
        "footholds": list(map.footholds.iter(), |own| one_foothold(own, &workloads, &mut texts)),
        "steps": steps,
        "starts": list(map.starts.iter(), |start| {
            let via = texts.numbers(&start.via);
            let name = texts.number(&start.name.to_string());
            json!([name, (start.holds), via, at_workload(&start.name, &workloads)])
        }),
        "entryCount": (map.entry_count),
        "entries": list(view.answer.entries.iter(), |entry| {
            let prizes: Vec<String> =
                entry.ends().map(|end| coaming_breach::target_name(end.foothold)).collect();
            json!({"risk": (entry.risk), "prizes": (texts.numbers(&prizes))})
        }),
        "targets": list(map.targets.iter(), |target| {
            json!([(target.foothold), texts.number(&target.name), u8::from(target.is_counted)])
        }),
        "workloads": list(map.workloads.iter(), |own| {
            let WorkloadName { namespace, kind, name } = &own.name;
            let [namespace, kind, name] = [namespace, kind, name].map(|text| texts.number(text));
            json!([namespace, kind, name, (own.group)])
        }),
        "reach": (map.reach),
        "maxHops": (map.max_hops),
        "cuts": list(view.answer.cuts.iter(), |cut| {
            let numbers = findings.numbers(&cut.findings);
            json!({"findings": numbers, "closed": (cut.closed), "of": (cut.of), "gap": (cut.gap)})
        }),
        "unknown": list(view.answer.unknown.iter(), |note| {
            json!([texts.number(&note.message), (note.count)])
        }),
    });
    page["rules"] = findings.rules.into();
    page["findings"] = findings.findings.into();
    page["texts"] = texts.texts.into();
    page
}

fn list<T>(items: impl Iterator<Item = T>, one: impl FnMut(T) -> Value) -> Value {
    items.map(one).collect()
}

/// The findings that are shown, and their rules, each once.
struct Findings {
    rules: Vec<Value>,
    findings: Vec<Value>,
    /// The place in `findings` of each finding of the report.
    shown: HashMap<usize, usize>,
}

impl Findings {
    fn new(report: &Report<'_>, places: &Places<'_>, texts: &mut Texts) -> Findings {
        let mut own = Findings { rules: Vec::new(), findings: Vec::new(), shown: HashMap::new() };
        let mut rules: BTreeMap<&str, usize> = BTreeMap::new();
        for (number, finding) in report.findings.iter().enumerate() {
            if finding.suppressed.is_some() {
                continue;
            }
            let rule = *rules.entry(finding.rule.id.as_str()).or_insert_with(|| {
                let rule = &finding.rule;
                let (id, url) = (texts.number(rule.id.as_str()), texts.number(&rule_url(rule)));
                let summary = texts.number(&rule.summary);
                own.rules.push(json!([id, summary, rule.category.as_str(), url]));
                own.rules.len() - 1
            });
            own.shown.insert(number, own.findings.len());
            own.findings.push(one_finding(finding, rule, places, texts));
        }
        own
    }

    /// Where findings of the report are on the page: not those that are suppressed.
    fn numbers(&self, of_report: &[usize]) -> Vec<usize> {
        of_report.iter().filter_map(|number| self.shown.get(number).copied()).collect()
    }
}

/// What is said of kinds of steps, each once, and all steps.
fn all_steps(
    view: &View<'_>,
    map: &Map,
    findings: &Findings,
    texts: &mut Texts,
) -> (Vec<Value>, Vec<Value>) {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut infos: Vec<Value> = Vec::new();
    let steps = map.steps.iter().map(|step| {
        let info = step.info.map(|info| {
            *numbers.entry(info.id).or_insert_with(|| {
                infos.push(json!([(info.id), (info.technique), (info.summary)]));
                infos.len() - 1
            })
        });
        one_step(step, info, &findings.numbers(&step.undone_by), view, texts)
    });
    let steps = steps.collect();
    (infos, steps)
}

/// `[rule, severity, message, object, namespace, container, why, help, places, fix]`
fn one_finding(finding: &Finding, rule: usize, places: &Places<'_>, texts: &mut Texts) -> Value {
    let severity = Severity::ALL.iter().position(|it| *it == finding.severity);
    let namespace = finding.object.as_ref().map_or("", |object| match object.kind.as_str() {
        "Namespace" => object.name.as_str(),
        _ if object.namespace.is_empty() => "default",
        _ => object.namespace.as_str(),
    });
    let shown: Vec<Value> = finding
        .locations
        .iter()
        .take(PLACES)
        .map(|location| {
            let lines = match finding.rule.category {
                // A line that may hold a secret is never shown.
                Category::Secrets => Vec::new(),
                _ => places.around(location, CONTEXT, LONGEST_LINE),
            };
            let lines: Vec<Value> = lines
                .into_iter()
                .map(|(line, text)| json!([line, text.map(|text| texts.number(text))]))
                .collect();
            let line = places.place(location).map(|place| place.line);
            let (name, path) = (places.shown(location), location.path.to_string());
            json!([
                texts.number(&name),
                texts.number(&path),
                line,
                texts.number(&location.label),
                lines
            ])
        })
        .collect();
    let fix = finding.fix.as_ref();
    let fix = fix.map(|fix| json!([fix.applicability.as_str(), texts.number(&fix.title)]));
    json!([
        rule,
        severity,
        texts.number(&finding.message),
        texts.number(&object(finding)),
        texts.number(namespace),
        texts.number(finding.container.as_deref().unwrap_or_default()),
        texts.number(&finding.why),
        texts.number(&finding.help),
        shown,
        fix,
        finding.locations.len().saturating_sub(PLACES),
    ])
}

/// `[premises, to, step, kind, weight, reason, places, findings]`
fn one_step(
    step: &MapStep,
    info: Option<usize>,
    findings: &[usize],
    view: &View<'_>,
    texts: &mut Texts,
) -> Value {
    let kind = match step.kind {
        Kind::Certain => 0,
        Kind::Unknown => 1,
        Kind::NeedsFlaw => 2,
    };
    let place = |evidence: &Evidence| Some(view.place(evidence)?.to_string());
    let places: Vec<String> = step.evidence.iter().filter_map(place).collect();
    let places: Vec<usize> = places.iter().map(|place| texts.number(place)).collect();
    json!([
        (step.premises),
        (step.to),
        info,
        kind,
        (step.weight),
        texts.number(&step.reason),
        places,
        findings
    ])
}

/// `[type, label, workload]`
fn one_foothold(
    foothold: &Foothold,
    workloads: &BTreeMap<&WorkloadName, usize>,
    texts: &mut Texts,
) -> Value {
    let label = if foothold.is_shown() { foothold.to_string() } else { String::new() };
    json!([foothold.type_name(), texts.number(&label), at_workload(foothold, workloads)])
}

/// The workload that a foothold is in.
fn at_workload(foothold: &Foothold, workloads: &BTreeMap<&WorkloadName, usize>) -> Option<usize> {
    match foothold {
        Foothold::Container(own) | Foothold::ContainerRoot(own) => {
            workloads.get(&own.workload).copied()
        }
        Foothold::Port { workload, .. } | Foothold::DataStore(workload) => {
            workloads.get(workload).copied()
        }
        _ => None,
    }
}
