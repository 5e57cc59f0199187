//! Which lines, annotations and entries suppress what.

use super::*;

fn target(source: &str, kind: SourceKind) -> Vec<u32> {
    let lines = Lines::of(&Source::text("f", source.into(), kind));
    (1..).take(source.split('\n').count()).map(|line| lines.target(line)).collect()
}

#[test]
fn comments_apply_to_the_next_line() {
    assert_eq!(target("# a\n# b\nc: d\n\n  # e\nf", SourceKind::Text), [3, 3, 4, 6, 6, 6]);
    // The last one applies to nothing.
    assert_eq!(target("# a\n# b", SourceKind::Text), [1, 2]);
    assert_eq!(target("# a\n# b\n", SourceKind::Dockerfile), [3, 3, 3]);
    let continued = "FROM a\nRUN b \\\n  # c\n  d \\\n  e\n# f\nRUN g";
    assert_eq!(target(continued, SourceKind::Dockerfile), [2, 4, 2, 2, 2, 7, 7]);
}

#[test]
fn comments_in_what_a_renderer_wrote_count() {
    let text: std::sync::Arc<str> = "---\n# Source: chart/templates/pod.yaml\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  # coaming: ignore[host-namespaces] it measures the node\n  hostPID: true\n  containers: [{name: c, image: x}]\n".into();
    let documents = coaming_yaml::parse(std::sync::Arc::clone(&text)).documents;
    let source = Source::new("chart/templates/pod.yaml", text, documents);
    let world = World::new(vec![source.with_origin(coaming_kube::Origin::Rendered)]);
    let (images, settings) = (crate::Images::default(), Settings::default());
    let rules = crate::RuleSet::matching(|rule| {
        ["host-namespaces", "suppression"].contains(&rule.meta.id.as_str())
    });
    let input = crate::Input::new(&world, &images, &settings);
    let findings = crate::run(input, &rules, Vec::new());
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].suppressed.is_some(), "{findings:?}");
}

#[test]
fn comments_in_the_base_of_an_overlay_count() {
    let parsed = |text: &str| {
        let stream = coaming_yaml::parse(text.into());
        Source::new("base/pod.yaml", stream.source, stream.documents)
    };
    let written = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  hostPID: true # coaming: ignore[host-namespaces] it measures\n  containers: [{name: c, image: x}]\n";
    let built = "apiVersion: v1\nkind: Pod\nmetadata: {name: prod-p}\nspec:\n  containers: [{name: c, image: x}]\n  hostPID: true\n";
    let source = parsed(built).with_origin(coaming_kube::Origin::Rendered);
    let source = source.written_as(Some(std::sync::Arc::new(parsed(written))));
    let world = World::new(vec![source]);
    let (images, settings) = (crate::Images::default(), Settings::default());
    let rules = crate::RuleSet::matching(|rule| rule.meta.id.as_str() == "host-namespaces");
    let findings = crate::run(crate::Input::new(&world, &images, &settings), &rules, Vec::new());
    assert_eq!(findings.len(), 1);
    assert!(findings[0].suppressed.is_some(), "{findings:?}");
}

#[test]
fn reads_comments() {
    let one = |rule: &str, reason: &str| (rule.to_owned(), reason.to_owned());
    assert_eq!(parse_comment("# coaming: ignore[a] it must"), [one("a", "it must")]);
    assert_eq!(
        parse_comment("# see #1, coaming: ignore[a, b]: why"),
        [one("a", "why"), one("b", "why")]
    );
    assert_eq!(parse_comment("# coaming: ignore[a]"), [one("a", "")]);
    assert_eq!(parse_comment("#coaming:ignore[a] it must"), [one("a", "it must")]);
    assert_eq!(parse_comment("# coaming: ignore everything"), [one("", "everything")]);
    assert_eq!(parse_comment("# coaming: ignored[a] it"), []);
}
