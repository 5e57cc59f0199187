//! What an attacker could do in a world, from the findings of the same engine: which findings are on
//! a way, and which fixes close the ways.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

use coaming_breach::{CutOptions, Query, Scene, Weights};
use coaming_finding::{Finding, ObjectRef};
use coaming_kube::World;
use coaming_rules::{Images, Knowledge};
use time::Date;

use crate::{Engine, VariantWorld};

impl Engine {
    /// What the attack graph of a world is made from.
    #[must_use]
    pub fn scene<'a>(
        &'a self,
        world: &'a World,
        images: &'a Images,
        known: &Knowledge,
    ) -> Scene<'a> {
        let minor = self.config().kubernetes_version.unwrap_or_default().minor();
        Scene::new(world, images, minor, known)
            .allowing_registries(&self.config().allowed_registries)
    }

    /// Says of each finding on which way of an attacker it is; those that are on one come first.
    pub(crate) fn mark_ways(
        &self,
        variants: &[VariantWorld],
        images: &Images,
        findings: &mut Vec<Finding>,
    ) {
        let minor = self.config().kubernetes_version.unwrap_or_default().minor();
        for variant in variants {
            let VariantWorld { world, known, .. } = variant;
            coaming_breach::mark_ways(world, images, minor, known, findings, |finding| {
                let is_here = |name: &Arc<str>| finding.variants.contains(name);
                finding.variants.is_empty() || variant.name.as_ref().is_some_and(is_here)
            });
        }
        if findings.iter().any(|finding| finding.way.is_some()) {
            coaming_rules::put_in_order(findings);
        }
    }
}

/// What makes a finding the same one before and after other fixes.
type CutKey = (String, Option<ObjectRef>, Option<String>, String);

fn cut_key(finding: &Finding) -> CutKey {
    let path = finding.locations.first().map(|location| location.path.to_string());
    let rule = finding.rule.id.to_string();
    (rule, finding.object.clone(), finding.container.clone(), path.unwrap_or_default())
}

/// The findings whose fixes close what an attacker reaches: the only ones that are fixed.
#[derive(Debug)]
pub struct CutFindings {
    keys: BTreeSet<CutKey>,
    /// Whether what is left to a person is done as well, where it is clear.
    with_remedies: bool,
    /// How many worlds are judged for the first time.
    first: Cell<usize>,
}

impl CutFindings {
    /// The findings of the cuts of all variants. `with_remedies` also does what is left to a person,
    /// where it is clear.
    #[must_use]
    pub fn new(
        engine: &Engine,
        variants: &[VariantWorld],
        images: &Images,
        today: Option<Date>,
        weights: Weights,
        with_remedies: bool,
    ) -> Self {
        let mut keys = BTreeSet::new();
        for VariantWorld { world, known, .. } in variants {
            let findings = engine.scan_knowing(world, images, today, known).findings;
            let scene = engine.scene(world, images, known);
            let options = CutOptions { enabled: true, weights };
            // Only a query that names a workload can fail.
            let answer = coaming_breach::answer(&scene, &Query::default(), &findings, &options);
            let cuts = answer.map(|answer| answer.cuts).unwrap_or_default();
            let chosen = cuts.iter().flat_map(|cut| &cut.findings);
            keys.extend(chosen.filter_map(|&number| findings.get(number)).map(cut_key));
        }
        Self { keys, with_remedies, first: Cell::new(variants.len()) }
    }

    /// Of the findings in a world, those to fix. The worlds of the variants come first, each once.
    #[must_use]
    pub fn of(&self, world: &World, findings: Vec<Finding>) -> Vec<Finding> {
        let is_first = self.first.get() > 0;
        self.first.set(self.first.get().saturating_sub(1));
        let own = findings.into_iter().filter(|finding| self.keys.contains(&cut_key(finding)));
        if !self.with_remedies {
            return own.collect();
        }
        // What is removed shows another finding of the same kind at the same place.
        let is_same = |finding: &Finding| is_first || !coaming_breach::has_remedy(finding);
        let own = own.filter(is_same);
        own.map(|finding| coaming_breach::with_remedy(world, &finding)).collect()
    }
}

impl From<VariantWorld> for coaming_fix::Variant {
    fn from(variant: VariantWorld) -> Self {
        let VariantWorld { name, world, recipe, .. } = variant;
        Self { name, world, recipe }
    }
}
