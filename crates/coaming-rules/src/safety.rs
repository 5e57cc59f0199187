//! Where a safe fix is not safe, whatever the rule: a check of every fix before it is offered.
//!
//! A rule judges its fix by the pod. Whether the object is a pod of Kubernetes at all, and one that
//! runs, is judged here. Invariant: a fix only ever becomes less applicable.

use coaming_finding::{Applicability, DocumentEdits, Finding, Fix, Location, SourceId};
use coaming_kube::{Object, World, group_of_node};
use coaming_yaml::edit::Edit;
use coaming_yaml::{Document, Node};

/// The API groups whose objects Kubernetes itself understands: of others we have no schema.
const GROUPS: &[&str] = &[
    "",
    "admissionregistration.k8s.io",
    "apps",
    "autoscaling",
    "batch",
    "extensions",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
];

/// Takes back what a fix of this finding cannot promise.
pub(crate) fn limit(world: &World, finding: &mut Finding) {
    let Some(fix) = &mut finding.fix else { return };
    if fix.applicability == Applicability::Manual {
        return;
    }
    let edited: Vec<Node<'_>> = fix.edits.iter().flat_map(|edits| around(world, edits)).collect();
    // Without edits, a fix is judged by the finding's own object and places.
    let own = finding.object.as_ref().map(|object| group_of(&object.api_version));
    let groups: Vec<&str> =
        edited.iter().filter_map(|&node| group_of_node(node)).chain(own).collect();
    if groups.iter().copied().any(is_policy) {
        // A pattern that gets one more field refuses other pods.
        *fix = Fix::manual(std::mem::take(&mut fix.title), "");
        return;
    }
    let is_sealed = fix.edits.iter().any(|edits| {
        document_of(world, edits)
            .is_some_and(|it| edits.edits.iter().any(|edit| it.is_sealed_at(edit.path())))
    });
    // Without edits, by where the finding is.
    if is_sealed || finding.locations.first().is_some_and(|it| is_in_sealed(world, it)) {
        // It is escaped in the file, or a part of a script.
        *fix = Fix::manual(std::mem::take(&mut fix.title), std::mem::take(&mut fix.snippet));
        return;
    }
    // Something else reads a manifest that is a text, and may add to it.
    let is_template = edited.iter().any(|node| node.is_embedded());
    let is_foreign = is_template || groups.iter().any(|group| !GROUPS.contains(group));
    let mut sources = fix
        .edits
        .iter()
        .map(|edits| edits.source)
        .chain(fix.file_edits.iter().map(|edits| edits.source))
        .chain(finding.locations.iter().filter_map(|location| location.source));
    if fix.applicability == Applicability::Safe
        && (is_foreign || sources.any(|source| is_fixture(world, source)))
    {
        fix.applicability = Applicability::Unsafe;
    }
}

fn document_of<'w>(world: &'w World, edits: &DocumentEdits) -> Option<&'w Document> {
    world.source(edits.source)?.documents().get(edits.document as usize)
}

/// The nodes that contain what is edited: of a list with thousands of items only those around the
/// edits, so that neither the answer nor its cost depends on the others.
fn around<'w>(world: &'w World, edits: &DocumentEdits) -> impl Iterator<Item = Node<'w>> {
    let root = document_of(world, edits).map(Document::root);
    let paths = edits.edits.iter().map(Edit::path);
    root.into_iter().flat_map(move |root| paths.clone().flat_map(move |path| root.along(path)))
}

/// Whether a location is in a text of its document that cannot be edited.
fn is_in_sealed(world: &World, location: &Location) -> bool {
    let (Some(source), Some(span)) = (location.source, location.span) else { return false };
    let documents = world.source(source).map_or(&[][..], |source| source.documents());
    let after = documents.partition_point(|document| document.span().start <= span.start);
    let document = after.checked_sub(1).and_then(|place| documents.get(place));
    document.is_some_and(|document| document.is_sealed_at(&location.path))
}

/// Whether the object may have more elsewhere: a chart with other values, or an overlay that is not
/// part of the input, may add containers that use what these do not. A fix that rests on what is
/// absent is not safe there.
pub(crate) fn may_be_completed(world: &World, object: Object<'_>) -> bool {
    let Some(source) = world.source(object.source()) else { return false };
    source.rendering.as_deref().map_or_else(|| is_base(&source.name), |map| !map.is_shared)
}

/// Whether the object may be a part of one: something that is applied to it, compared with it, or
/// completed by an overlay. What is absent in it says nothing.
#[must_use]
pub fn is_partial(world: &World, object: Object<'_>) -> bool {
    let Some(source) = world.source(object.source()) else { return false };
    let file = source.name.rsplit('/').next().unwrap_or_default();
    is_base(&source.name)
        || is_fixture(world, object.source())
        || ["assert", "error", "patch", "overlay"].into_iter().any(|part| file.contains(part))
        || source.name.split('/').any(|it| matches!(it, "patches" | "overlays"))
}

/// Whether a file is a part that overlays are built on, by the usual names of directories.
fn is_base(path: &str) -> bool {
    let directories = path.rsplit_once('/').map_or("", |(directories, _)| directories);
    directories.split('/').any(|it| matches!(it, "base" | "bases" | "components"))
}

fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// Whether objects of a group are policies, whose patterns look like pods.
fn is_policy(group: &str) -> bool {
    ["kyverno.io", "gatekeeper.sh", "kubewarden.io"].into_iter().any(|policies| {
        group.strip_suffix(policies).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// Whether a file is input of a test: what it contains is wrong on purpose, or compared.
fn is_fixture(world: &World, source: SourceId) -> bool {
    let Some(source) = world.source(source) else { return false };
    let path = source.name.as_str();
    let (directories, file) = path.rsplit_once('/').unwrap_or(("", path));
    // A path from the root says where the project is, too.
    let is_relative = !path.starts_with(['/', '.']);
    let names_tests = |directory: &str| match directory {
        "testdata" | "test-data" | "test_data" | "fixtures" | "fixture" | "__fixtures__"
        | "__snapshots__" | "golden" => true,
        "test" | "tests" | "__tests__" | "e2e" => is_relative,
        _ => false,
    };
    let stem = file.split('.').next().unwrap_or_default();
    directories.split('/').any(names_tests)
        || stem.ends_with("_test")
        || file.contains(".golden.")
        || matches!(stem, "kyverno-test" | "chainsaw-test")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use coaming_kube::Source;

    use super::*;

    #[test]
    fn overlays_add_to_bases() {
        for (path, expected) in
            [("app/base/web.yaml", true), ("database/web.yaml", false), ("base.yaml", false)]
        {
            let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n";
            let stream = coaming_yaml::parse(Arc::from(text));
            let world = World::new(vec![Source::new(path, stream.source, stream.documents)]);
            let object = world.of_kind("Pod").next().unwrap();
            assert_eq!(may_be_completed(&world, object), expected, "{path}");
        }
    }

    #[test]
    fn files_of_tests() {
        for (path, expected) in [
            ("deploy/web.yaml", false),
            ("testing.yaml", false),
            ("pkg/testdata/web.yaml", true),
            ("tests/web.yaml", true),
            ("/home/x/tests/app/web.yaml", false),
            ("/home/x/app/testdata/web.yaml", true),
            ("a/kyverno-test.yaml", true),
            ("a/web_test.yaml", true),
        ] {
            let stream = coaming_yaml::parse(Arc::from("apiVersion: v1\nkind: Pod\n"));
            let world = World::new(vec![Source::new(path, stream.source, stream.documents)]);
            assert_eq!(is_fixture(&world, SourceId::new(0)), expected, "{path}");
        }
    }
}
