//! Applies fixes to what charts and overlays rendered, by changing the files that they are made of.
//!
//! Invariants:
//!
//! * A fix is made only if the rendering shows it: each chart and overlay that uses a changed file is rendered
//!   again, and every field that differs has the value that an allowed fix wants there. Otherwise the
//!   edit is taken back and reported.
//! * A fix is made as a whole or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coaming_finding::{DocumentEdits, Finding, Fix, Position, SourceId};
use coaming_kube::{SourceKind, World};
use coaming_source::Recipe;
use coaming_yaml::edit::{Edit, Value};
use coaming_yaml::{Document, Node, Path};
use serde_json::Value as Json;

use crate::manual::{nearest, orders};
use crate::origin::{Proposal, Scene};
use crate::plan::{Change, Made, Skipped};
use crate::round::Round;

/// Why a fix of a chart is not made.
const NOT_ALONE: &str = "no edit of the files that it is rendered from makes this change and no other; \
                         change them manually";

/// Why a fix of an overlay is not made whose base is elsewhere.
const OUTSIDE: &str = "the file is outside of the paths to fix: run `coaming fix` on a directory that \
                       contains it, too";

/// A fix of what the chart of a variant rendered to.
type OfChart<'f> = (usize, &'f Finding, &'f Fix);

/// The charts among the variants, and the texts of their files so far.
#[derive(Debug)]
pub(crate) struct Charts {
    /// The names of the variants.
    names: Vec<Option<Arc<str>>>,
    recipes: Vec<Option<Box<Recipe>>>,
    /// The new texts by file.
    texts: BTreeMap<String, Arc<str>>,
    /// The variants that the new text of a file changes.
    changed: BTreeMap<String, BTreeSet<usize>>,
}

/// What some edits lead to: new texts, and the worlds of the variants that they change.
#[derive(Clone, Default)]
struct Trial {
    texts: BTreeMap<String, Arc<str>>,
    worlds: BTreeMap<usize, World>,
    changed: BTreeMap<String, BTreeSet<usize>>,
}

impl Charts {
    /// The charts of variants: their names, and how to render them again, in the same order.
    pub(crate) fn new(names: Vec<Option<Arc<str>>>, recipes: Vec<Option<Box<Recipe>>>) -> Self {
        Self { names, recipes, texts: BTreeMap::new(), changed: BTreeMap::new() }
    }

    /// The variant with the chart that rendered everything that a fix edits, if there is one.
    pub(crate) fn variant_of(&self, worlds: &[World], fix: &Fix) -> Option<usize> {
        let first = fix.edits.first()?;
        let is_in = |world: &World, edits: &DocumentEdits| {
            world.source(edits.source).is_some_and(|source| source.rendering.is_some())
        };
        let variant = worlds.iter().position(|world| is_in(world, first))?;
        let world = worlds.get(variant)?;
        let is_whole =
            fix.file_edits.is_empty() && fix.edits.iter().all(|edits| is_in(world, edits));
        (is_whole && self.recipe(variant).is_some()).then_some(variant)
    }

    fn recipe(&self, variant: usize) -> Option<&Recipe> {
        self.recipes.get(variant)?.as_deref()
    }

    /// Makes these fixes as far as that is possible, and returns the new worlds of the variants that
    /// changed.
    pub(crate) fn repair(
        &mut self,
        worlds: &[World],
        fixes: &[OfChart<'_>],
        made: &mut BTreeMap<String, Vec<Made>>,
        skipped: &mut Vec<Skipped>,
    ) -> BTreeMap<usize, World> {
        let intended = Intended::of(worlds, fixes);
        let (texts, changed) = (self.texts.clone(), self.changed.clone());
        let mut done = Trial { texts, worlds: BTreeMap::new(), changed };
        // One edit of shared values or of a helper may make several fixes.
        let mut places: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        for &(variant, finding, fix) in fixes {
            let what = Made::new(finding, fix);
            let Some(trial) = self.try_fix(worlds, variant, fix, &done, &intended) else {
                skipped.push(self.skip(worlds, variant, finding, fix, what));
                continue;
            };
            let changed: BTreeSet<String> = trial
                .texts
                .iter()
                .filter(|(name, text)| done.texts.get(*name) != Some(*text))
                .map(|(name, _)| name.clone())
                .collect();
            let known = places.entry((what.rule.to_string(), what.title.clone())).or_default();
            known.extend(changed.iter().cloned());
            for file in if changed.is_empty() { &*known } else { &changed } {
                let of_file = made.entry(file.clone()).or_default();
                if !of_file.contains(&what) {
                    of_file.push(what.clone());
                }
            }
            done = trial;
        }
        self.texts = done.texts;
        self.changed = done.changed;
        done.worlds
    }

    /// What is said of a fix that is not made.
    fn skip(
        &self,
        worlds: &[World],
        variant: usize,
        finding: &Finding,
        fix: &Fix,
        made: Made,
    ) -> Skipped {
        let source = fix.edits.first().map(|edits| edits.source);
        let file = source.and_then(|id| crate::plan::source(worlds, id));
        let file = file.map_or_else(String::new, |file| file.name.clone());
        let is_outside = self.recipe(variant).is_some_and(|recipe| recipe.is_outside(&file));
        let reason = if is_outside { OUTSIDE } else { NOT_ALONE }.to_owned();
        let mut orders = orders(fix);
        for order in &mut orders {
            order.place = fix.edits.first().and_then(|edits| place(worlds, edits, &order.path));
        }
        Skipped { file, made, reason, object: finding.object.clone(), orders }
    }

    /// What comes of a fix after `done`, if all its edits can be made.
    fn try_fix(
        &self,
        worlds: &[World],
        variant: usize,
        fix: &Fix,
        done: &Trial,
        intended: &Intended,
    ) -> Option<Trial> {
        let mut trial = done.clone();
        for edits in &fix.edits {
            for edit in in_order(&edits.edits) {
                trial = self.try_edit(worlds, variant, edits, edit, trial, intended)?;
            }
        }
        Some(trial)
    }

    fn try_edit(
        &self,
        worlds: &[World],
        variant: usize,
        edits: &DocumentEdits,
        edit: &Edit,
        done: Trial,
        intended: &Intended,
    ) -> Option<Trial> {
        let world = done.worlds.get(&variant).or_else(|| worlds.get(variant))?;
        if is_made(root(world, edits)?, edit) {
            return Some(done);
        }
        let scene = Scene { world, recipe: self.recipe(variant)?, texts: &done.texts };
        let proposals = scene.proposals(edits.source, edits.document, edit);
        proposals.into_iter().find_map(|proposal| {
            let trial = self.render(worlds, &done, proposal, intended)?;
            let after = root(trial.worlds.get(&variant)?, edits)?;
            is_made(after, edit).then_some(trial)
        })
    }

    /// Renders all charts that use the file of a proposal; `None` if anything but the intended
    /// fields differs.
    fn render(
        &self,
        worlds: &[World],
        done: &Trial,
        proposal: Proposal,
        intended: &Intended,
    ) -> Option<Trial> {
        let mut trial = done.clone();
        let Proposal { file, text } = proposal;
        for (variant, recipe) in self.recipes.iter().enumerate() {
            let Some(recipe) = recipe.as_deref().filter(|it| it.text(&file).is_some()) else {
                continue;
            };
            trial.texts.insert(file.clone(), Arc::from(text.as_str()));
            let before = done.worlds.get(&variant).or_else(|| worlds.get(variant))?;
            let after = World::numbered(recipe.render(&trial.texts).ok()?);
            if !intended.allows(before, &after) {
                return None;
            }
            if differ(before, &after) {
                trial.changed.entry(file.clone()).or_default().insert(variant);
            }
            trial.worlds.insert(variant, after);
        }
        Some(trial)
    }

    /// The files that changed.
    pub(crate) fn changes(&self, made: &mut BTreeMap<String, Vec<Made>>) -> Vec<Change> {
        let on_disk =
            |name: &str| self.recipes.iter().flatten().find_map(|recipe| recipe.text(name));
        let changes = self.texts.iter().filter_map(|(file, after)| {
            let before = on_disk(file).filter(|before| before != after)?;
            let made = made.remove(file).unwrap_or_default();
            let variants = self.changed.get(file).into_iter().flatten();
            let variants = variants.filter_map(|variant| self.names.get(*variant)?.clone());
            let variants = variants.collect();
            let after = Arc::clone(after);
            Some(Change { file: file.clone(), before, after, made, variants })
        });
        changes.collect()
    }
}

/// Whether two renderings of a variant differ.
fn differ(before: &World, after: &World) -> bool {
    before
        .sources_of_kind(SourceKind::Manifest)
        .any(|(id, source)| after.source(id).is_none_or(|after| after.text != source.text))
}

/// Removals come last, later items first: the paths of all edits are those before the fix.
fn in_order(edits: &[Edit]) -> Vec<&Edit> {
    let is_removal = |edit: &&Edit| matches!(edit, Edit::Remove { .. });
    let (removals, others): (Vec<&Edit>, Vec<&Edit>) = edits.iter().partition(is_removal);
    others.into_iter().chain(removals.into_iter().rev()).collect()
}

/// The file and the line that made a field of a rendered object, or what is around it.
fn place(worlds: &[World], edits: &DocumentEdits, path: &Path) -> Option<(String, u32)> {
    let world = worlds.iter().find(|world| world.source(edits.source).is_some())?;
    let map = world.source(edits.source)?.rendering.as_deref()?;
    let (file, offset) = map.template(nearest(root(world, edits)?, path).span()?.start)?;
    let file = world.source(file)?;
    Some((file.name.clone(), Position::of(&file.text, offset).line))
}

fn root<'w>(world: &'w World, edits: &DocumentEdits) -> Option<Node<'w>> {
    let source = world.source(edits.source)?;
    source.documents().get(edits.document as usize).map(Document::root)
}

/// Whether an object is as an edit wants it.
fn is_made(root: Node<'_>, edit: &Edit) -> bool {
    let at = |path: &Path| root.at(path).map(json);
    match edit {
        Edit::Set { path, value } => at(path).is_some_and(|it| has(&it, &Json::from(value))),
        Edit::Append { path, value } => {
            let value = Json::from(value);
            at(path).is_some_and(|it| it.as_array().is_some_and(|items| items.contains(&value)))
        }
        Edit::Remove { path } => root.at(path).is_none_or(|node| node.as_bool() == Some(false)),
        Edit::Rename { path, key } => {
            root.at(path).is_none()
                && path.parent().is_some_and(|parent| root.at(&parent.join(key.as_str())).is_some())
        }
    }
}

/// Whether a value has everything that another has: a later fix may have added to a mapping.
fn has(value: &Json, part: &Json) -> bool {
    match (value, part) {
        (Json::Object(value), Json::Object(part)) => {
            part.iter().all(|(key, part)| value.get(key).is_some_and(|value| has(value, part)))
        }
        _ => value == part,
    }
}

fn json(node: Node<'_>) -> Json {
    Json::from(&Value::from(node))
}

/// What all allowed fixes of a round want the rendered documents to be.
struct Intended {
    documents: BTreeMap<SourceId, Vec<Json>>,
}

impl Intended {
    fn of(worlds: &[World], fixes: &[OfChart<'_>]) -> Self {
        let mut round = Round::new(worlds);
        let fixes: Vec<_> = fixes.iter().map(|&(_, finding, fix)| (finding, fix)).collect();
        round.add_all(&fixes, &|_: &_| None, &mut Vec::new());
        let texts = round.texts(&mut BTreeMap::new());
        let parsed = texts.into_iter().map(|(id, text)| {
            let stream = coaming_yaml::parse(Arc::from(text));
            let documents =
                stream.documents.into_iter().filter(coaming_kube::looks_like_kubernetes);
            (id, documents.map(|document| json(document.root())).collect())
        });
        Self { documents: parsed.collect() }
    }

    /// Whether all that differs between two renderings is what fixes want.
    fn allows(&self, before: &World, after: &World) -> bool {
        let names = |world: &World| -> BTreeSet<SourceId> {
            world.sources_of_kind(SourceKind::Manifest).map(|(id, _)| id).collect()
        };
        let ids = names(before);
        ids == names(after) && ids.into_iter().all(|id| self.allows_source(id, before, after))
    }

    fn allows_source(&self, id: SourceId, before: &World, after: &World) -> bool {
        let (Some(before), Some(after)) = (before.source(id), after.source(id)) else {
            return false;
        };
        if before.text == after.text {
            return true;
        }
        let (old, new) = (before.documents(), after.documents());
        let targets = self.documents.get(&id);
        old.len() == new.len()
            && old.iter().zip(new).enumerate().all(|(number, (old, new))| {
                let (old, new) = (json(old.root()), json(new.root()));
                let target = targets.and_then(|documents| documents.get(number)).unwrap_or(&old);
                is_between(Some(&old), Some(&new), Some(target))
            })
    }
}

/// Whether each part of a value is as it was, or as it is intended to be.
fn is_between(before: Option<&Json>, now: Option<&Json>, target: Option<&Json>) -> bool {
    // A switch that is to be removed may be `false` instead. One that is new may not: that it is
    // absent may mean `true`, as of `automountServiceAccountToken`.
    let is_off = before.is_some() && target.is_none() && now == Some(&Json::Bool(false));
    if now == before || now == target || is_off {
        return true;
    }
    match (before, now, target) {
        (before, Some(Json::Object(now)), Some(Json::Object(target))) => {
            // A mapping that is new is made of what is intended.
            let none = serde_json::Map::new();
            let before = match before {
                None | Some(Json::Null) => &none,
                Some(Json::Object(before)) => before,
                Some(_) => return false,
            };
            let keys: BTreeSet<&String> =
                before.keys().chain(now.keys()).chain(target.keys()).collect();
            keys.into_iter().all(|key| is_between(before.get(key), now.get(key), target.get(key)))
        }
        (Some(Json::Array(before)), Some(Json::Array(now)), Some(Json::Array(target)))
            if before.len() == now.len() && now.len() == target.len() =>
        {
            let mut items = before.iter().zip(now).zip(target);
            items.all(|((before, now), target)| is_between(Some(before), Some(now), Some(target)))
        }
        (before, Some(Json::Array(now)), Some(Json::Array(target))) => {
            let none = Vec::new();
            let before = before.and_then(Json::as_array).unwrap_or(&none);
            let is_growing = is_part(before, now) && is_part(now, target);
            is_growing || (is_part(now, before) && is_part(target, now))
        }
        _ => false,
    }
}

/// Whether a list is another one without some of its items.
fn is_part(part: &[Json], whole: &[Json]) -> bool {
    let mut rest = whole.iter();
    part.iter().all(|item| rest.any(|other| other == item))
}
