//! Notes about objects that no rule evaluates, so that their absence from a report is not mistaken
//! for safety.

use coaming_finding::Note;
use coaming_kube::{Object, Source, World};
use coaming_network::UnevaluatedKind;
use coaming_network::model::Influence;

use crate::live_notes;

/// Kinds that install a chart or a directory from elsewhere, by API group.
const DELIVERY_KINDS: &[(&str, &[&str])] = &[
    ("helm.toolkit.fluxcd.io", &["HelmRelease"]),
    ("kustomize.toolkit.fluxcd.io", &["Kustomization"]),
    ("argoproj.io", &["Application", "ApplicationSet"]),
    ("helm.cattle.io", &["HelmChart", "HelmChartConfig"]),
    ("fleet.cattle.io", &["Bundle", "GitRepo"]),
    ("helm.crossplane.io", &["Release"]),
    ("source.werf.io", &["Bundle"]),
];

/// The notes about a world, sorted.
pub(crate) fn of(world: &World) -> Vec<Note> {
    let of_network = coaming_network::unevaluated_kinds(world);
    let mut notes: Vec<Note> = of_network.iter().map(not_evaluated).collect();
    notes.extend(delivered_from_elsewhere(world));
    notes.extend(unread_manifests(world));
    notes.extend(templates(world));
    notes.extend(unread_values(world));
    notes.extend(misnamed_kustomizations(world));
    notes.extend(live_notes::of(world));
    notes.sort();
    notes
}

/// One note for each kind whose objects install what is not in the input.
fn delivered_from_elsewhere(world: &World) -> impl Iterator<Item = Note> {
    let kinds = DELIVERY_KINDS
        .iter()
        .flat_map(|(group, kinds)| kinds.iter().map(move |kind| (*group, *kind)));
    kinds.filter_map(|(group, kind)| {
        let is_elsewhere =
            |object: &Object<'_>| object.group() == group && !world.is_installed(*object);
        let count = world.of_kind(kind).filter(is_elsewhere).count();
        let elsewhere = "is elsewhere: render it, and scan the result";
        let message = match count {
            0 => return None,
            1 => format!("1 {kind} is not evaluated: what it installs {elsewhere}"),
            _ => format!(
                "{count} objects of kind {kind} are not evaluated: what they install {elsewhere}"
            ),
        };
        Some(Note { message, count })
    })
}

/// The note about rules of definitions that are not understood.
pub(crate) fn unknown_rules(count: usize) -> Option<Note> {
    let message = match count {
        0 => return None,
        1 => "1 rule of a CustomResourceDefinition (`x-kubernetes-validations`) is not evaluated: it does not compile".to_owned(),
        _ => format!("{count} rules of CustomResourceDefinitions (`x-kubernetes-validations`) are not evaluated: they do not compile"),
    };
    Some(Note { message, count })
}

/// The note about manifests that objects keep as text, and that cannot be read.
fn unread_manifests(world: &World) -> Option<Note> {
    let (count, example) = counted(world, Source::unread_manifests)?;
    let message = match count {
        1 => format!(
            "1 manifest in a text of another object (in `{example}`) is not evaluated: save it as a \
             file, and scan that"
        ),
        _ => format!(
            "{count} manifests in texts of other objects (such as in `{example}`) are not \
             evaluated: save them as files, and scan those"
        ),
    };
    Some(Note { message, count })
}

/// The note about manifests that objects keep as text, and that are templates.
fn templates(world: &World) -> Option<Note> {
    let (count, example) = counted(world, Source::templates)?;
    let message = match count {
        1 => format!(
            "1 manifest in a text of another object (in `{example}`) is a template: only what it \
             says without a condition is evaluated"
        ),
        _ => format!(
            "{count} manifests in texts of other objects (such as in `{example}`) are templates: \
             only what they say without a condition is evaluated"
        ),
    };
    Some(Note { message, count })
}

/// How many there are of something in all sources, and the first file that has it.
fn counted(world: &World, of: impl Fn(&Source) -> usize) -> Option<(usize, &str)> {
    let mut having = world.sources().filter(|(_, source)| of(source) > 0).peekable();
    let (_, first) = having.peek()?;
    let example = first.name.as_str();
    Some((having.map(|(_, source)| of(source)).sum(), example))
}

/// The note about kustomizations in files that Kustomize does not read.
fn misnamed_kustomizations(world: &World) -> Option<Note> {
    let kinds = ["Kustomization", "Component"].into_iter().flat_map(|kind| world.of_kind(kind));
    let found: Vec<Object<'_>> =
        kinds.filter(|object| object.group() == "kustomize.config.k8s.io").collect();
    let first = world.source(found.first()?.source())?;
    let names = "Kustomize reads `kustomization.yaml`, `kustomization.yml`, and `Kustomization`";
    let count = found.len();
    let message = match count {
        1 => format!(
            "`{}` is a kustomization under another name, and is not built: {names}",
            first.name
        ),
        _ => format!(
            "{count} kustomizations have other names (such as `{}`), and are not built: {names}",
            first.name
        ),
    };
    Some(Note { message, count })
}

/// The note about values of charts that objects keep as text that cannot be read: a template, text
/// that is not YAML, a parameter with a name that Helm does not take.
fn unread_values(world: &World) -> Option<Note> {
    let count: usize = world.sources().map(|(_, source)| source.unread_values()).sum();
    let message = match count {
        0 => return None,
        1 => "1 value of a chart in an object is not evaluated: it cannot be read".to_owned(),
        _ => format!("{count} values of charts in objects are not evaluated: they cannot be read"),
    };
    Some(Note { message, count })
}

fn not_evaluated(kind: &UnevaluatedKind) -> Note {
    let UnevaluatedKind { kind: name, field, count, .. } = kind;
    let effect = match kind.influence {
        Influence::Policy => "pods may reach less or more than reported",
        Influence::Mesh => "the mesh may refuse requests on connections that are possible",
        Influence::Proxy => {
            "whether its pods have a proxy of the mesh is not known, which may refuse requests"
        }
        Influence::Outbound => {
            "proxies of the mesh refuse connections to what it does not list (`REGISTRY_ONLY`)"
        }
        Influence::Entrance => "more may be reachable from outside than reported",
        Influence::Network => "pods may be on other networks, with other rules",
    };
    // Others have kinds of the same names.
    const AMBIGUOUS: [&str; 4] = ["Gateway", "Ingress", "NetworkPolicy", "Service"];
    let group = match kind.group.as_str() {
        group if AMBIGUOUS.contains(&name.as_str()) && !group.is_empty() => format!(" of {group}"),
        _ => String::new(),
    };
    let objects = match count {
        1 => format!("1 {name}{group}"),
        _ => format!("{count} objects of kind {name}{group}"),
    };
    let message = match (field, count) {
        (Some(field), _) => format!("`{field}` of {objects} is not evaluated: {effect}"),
        (None, 1) => format!("{objects} is not evaluated: {effect}"),
        (None, _) => format!("{objects} are not evaluated: {effect}"),
    };
    Note { message, count: *count }
}
