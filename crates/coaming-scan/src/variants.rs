//! Several possible clusters in one input: judged apart, reported together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coaming_finding::{Finding, Location};
use coaming_kube::{ObjectKey, SourceKind, World};
use coaming_rules::{CONFIGURATION, Images, Knowledge};
use coaming_source::{Recipe, Variant};
use time::Date;

use crate::{Engine, Report};

/// A variant with its world.
#[derive(Debug)]
pub struct VariantWorld {
    /// The directory of the chart or overlay; `None` for the plain files.
    pub name: Option<Arc<str>>,
    /// Its objects.
    pub world: World,
    /// How to render it again, if it is a chart and the caller asked for that.
    pub recipe: Option<Box<Recipe>>,
    /// What the engines know about the world.
    pub known: Knowledge,
}

impl From<Variant> for VariantWorld {
    fn from(variant: Variant) -> Self {
        let Variant { name, sources, recipe } = variant;
        Self { name, world: World::numbered(sources), recipe, known: Knowledge::default() }
    }
}

impl Engine {
    /// Judges each variant by itself. What several of them have at the same place is one finding,
    /// which names them.
    #[must_use]
    pub fn scan_variants(
        &self,
        variants: &[VariantWorld],
        images: &Images,
        today: Option<Date>,
    ) -> Report {
        if let [only] = variants {
            return self.scan_knowing(&only.world, images, today, &only.known);
        }
        let mut merged = Merged::default();
        let mut notes = BTreeSet::new();
        for variant in variants {
            let report = self.scan_knowing(&variant.world, images, today, &variant.known);
            notes.extend(report.notes);
            merged.add(report.findings, variant);
        }
        let mut findings = merged.unused_everywhere(variants.len());
        coaming_rules::put_in_order(&mut findings);
        Report { findings, notes: notes.into_iter().collect() }
    }
}

/// Findings of several variants, each place once.
#[derive(Default)]
struct Merged {
    findings: Vec<Finding>,
    by_place: BTreeMap<(Key, usize), usize>,
    /// In how many variants each finding about the configuration is.
    of_configuration: BTreeMap<usize, usize>,
}

/// What makes findings of two variants the same: one change repairs both. The object's name and
/// namespace may differ, as overlays change them.
type Key = (String, String, Option<String>, Vec<(String, String)>, bool);

impl Merged {
    fn add(&mut self, findings: Vec<Finding>, variant: &VariantWorld) {
        // Objects of one file may have the same finding at the same path: the first of one variant
        // is the first of another.
        let mut occurrences: BTreeMap<Key, usize> = BTreeMap::new();
        for mut finding in findings {
            let key = key(&finding, &variant.world);
            let occurrence = occurrences.entry(key.clone()).or_default();
            let key = (key, *occurrence);
            *occurrence += 1;
            let known = self.by_place.get(&key).copied();
            if is_about_configuration(&finding) {
                *self.of_configuration.entry(known.unwrap_or(self.findings.len())).or_default() +=
                    1;
            }
            match known.and_then(|place| self.findings.get_mut(place)) {
                Some(known) => known.variants.extend(variant.name.clone()),
                None => {
                    finding.variants = variant.name.iter().cloned().collect();
                    self.by_place.insert(key, self.findings.len());
                    self.findings.push(finding);
                }
            }
        }
    }

    /// The findings, without those about entries of the configuration that one of the variants
    /// uses: each variant knows only its own findings.
    fn unused_everywhere(self, variants: usize) -> Vec<Finding> {
        let is_used =
            |place: usize| self.of_configuration.get(&place).is_some_and(|&count| count < variants);
        let findings = self.findings.into_iter().enumerate();
        let about = findings.filter(|(place, _)| !is_used(*place)).map(|(_, finding)| finding);
        let about = about.map(|mut finding| {
            if is_about_configuration(&finding) {
                finding.variants.clear();
            }
            finding
        });
        about.collect()
    }
}

fn is_about_configuration(finding: &Finding) -> bool {
    finding.locations.iter().any(|at| at.source == Some(CONFIGURATION))
}

fn key(finding: &Finding, world: &World) -> Key {
    let place = |location: &Location| {
        if location.source == Some(CONFIGURATION) {
            return (String::new(), format!("{:?}", location.span));
        }
        let source = location.source.and_then(|id| world.source(id));
        let name = source.map_or_else(String::new, |source| source.name.clone());
        (name, location.path.to_string())
    };
    // Two releases of a chart may have the same from different values: that is two things to do.
    let is_in_chart = |location: &&Location| {
        let source = location.source.and_then(|id| world.source(id));
        source.is_some_and(|source| source.kind == SourceKind::ChartFile)
    };
    let (first, rest) = finding.locations.split_at(finding.locations.len().min(1));
    (
        finding.rule.id.to_string(),
        finding.message.clone(),
        finding.container.clone(),
        first.iter().chain(rest.iter().filter(is_in_chart)).map(place).collect(),
        finding.suppressed.is_some(),
    )
}

/// Why these variants are several clusters and not one: two of them hold an object of the same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The object.
    pub object: ObjectKey,
    /// The directories of the two variants; empty for the plain files.
    pub variants: [String; 2],
}

impl std::error::Error for Contradiction {}

impl std::fmt::Display for Contradiction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = |name: &String| match name.as_str() {
            "" => "the plain files".to_owned(),
            name => format!("`{name}`"),
        };
        let [one, other] = &self.variants;
        write!(
            f,
            "{} and {} both contain {}: they are different clusters; select one of them",
            name(one),
            name(other),
            self.object
        )
    }
}

/// The first contradiction between variants, if there is any: then each is a cluster of its own,
/// and a question about connections or rights must be about one of them.
#[must_use]
pub fn contradiction(variants: &[Variant]) -> Option<Contradiction> {
    let name = |variant: &Variant| variant.name.as_deref().unwrap_or_default().to_owned();
    let mut known: BTreeMap<ObjectKey, &Variant> = BTreeMap::new();
    for variant in variants {
        let objects = variant.sources.iter().flat_map(|(id, source)| source.objects(*id));
        for object in objects {
            let key = object.key();
            match known.get(&key) {
                Some(other) if !std::ptr::eq(*other, variant) => {
                    let variants = [name(other), name(variant)];
                    return Some(Contradiction { object: key, variants });
                }
                Some(_) => {}
                None => {
                    known.insert(key, variant);
                }
            }
        }
    }
    None
}
