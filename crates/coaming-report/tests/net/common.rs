//! From text to a model.

use std::sync::Arc;

use coaming_kube::{Source, World};
use coaming_network::{Model, Reach, from_world};

/// The world of one file.
pub(crate) fn world(text: &str) -> World {
    let stream = coaming_yaml::parse(Arc::from(text));
    assert_eq!(stream.errors, [], "the test's own input has a syntax error");
    World::new(vec![Source::new("input.yaml", stream.source, stream.documents)])
}

pub(crate) fn model(text: &str) -> Model {
    from_world(&world(text))
}

pub(crate) fn reach(text: &str) -> Reach {
    Reach::new(model(text))
}

/// What a renderer writes.
pub(crate) fn written(
    render: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>,
) -> String {
    let mut out = Vec::new();
    render(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}
