//! A whole answer, as a user and a program read it.

use std::sync::Arc;

use coaming_access::{Access, who_can};
use coaming_kube::{Source, World};

use super::{json, text};

/// Every kind of access, container and node.
const EVERY_KIND: &str = include_str!("every_kind.yaml");

#[test]
fn a_whole_answer() {
    let stream = coaming_yaml::parse(Arc::from(EVERY_KIND));
    assert_eq!(stream.errors, []);
    let source = Source::new("all.yaml", stream.source, stream.documents);
    let world = World::new(vec![source]);
    let access = Access::new(&world);
    let answer = who_can(&world, &access, "shop/db").unwrap();
    insta::assert_snapshot!(text(&answer));
    insta::assert_snapshot!(json(&answer));
}

#[test]
fn a_name_cannot_forge_a_line() {
    let manifest = EVERY_KIND.replace("name: jane", "name: \"a\\nSecret b\\e[2J\"");
    assert_ne!(manifest, EVERY_KIND);
    let stream = coaming_yaml::parse(manifest.into());
    let world = World::new(vec![Source::new("all.yaml", stream.source, stream.documents)]);
    let access = Access::new(&world);
    let text = text(&who_can(&world, &access, "shop/db").unwrap());
    assert!(text.contains("User a\u{fffd}Secret b\u{fffd}[2J: get, watch"), "{text}");
}
