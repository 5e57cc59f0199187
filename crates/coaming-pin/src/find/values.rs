//! Values of Helm charts, in the shapes that charts commonly use.
//!
//! * `image: "name:tag"`, also under a key that ends in `Image`;
//! * `image: name` with `tag:` or `imageTag:` beside it;
//! * `repository:` with `tag:` and optionally `registry:` and `digest:`. Without a field for the
//!   digest, it follows the tag, which works in charts that join name and tag with a colon.

use coaming_kube::Fields;
use coaming_oci::Reference;
use coaming_yaml::Node;

use super::{Finder, tag_text};
use crate::mention::Form;

/// The depth to which values are searched.
const MAX_DEPTH: usize = 32;

/// Finds images in `node`, a part of the values `root`.
pub(super) fn find(root: Node<'_>, node: Node<'_>, document: usize, finder: &mut Finder<'_>) {
    let mut stack = vec![(node, 0)];
    while let Some((node, depth)) = stack.pop() {
        if depth == MAX_DEPTH {
            continue;
        }
        if node.is_mapping() {
            look_at(root, node, document, finder);
        }
        let below: Vec<Node<'_>> =
            node.entries().map(|entry| entry.value).chain(node.items()).collect();
        stack.extend(below.into_iter().rev().map(|child| (child, depth + 1)));
    }
}

fn look_at(root: Node<'_>, node: Node<'_>, document: usize, finder: &mut Finder<'_>) {
    if let Some(repository) = node.string("repository").filter(|name| !name.is_empty()) {
        let registry = node.string("registry").filter(|registry| !registry.is_empty());
        // In charts with a `registry` field, a global one conventionally overrides it.
        let global = root.mapping("global").string("imageRegistry");
        let registry = registry.map(|own| global.filter(|name| !name.is_empty()).unwrap_or(own));
        let name = registry
            .map_or_else(|| repository.to_owned(), |registry| format!("{registry}/{repository}"));
        if node.get("tag").is_some() {
            split(node, "tag", &name, document, finder);
        }
    }
    for entry in node.entries() {
        let key = entry.name();
        let Some(text) = entry.value.as_str().filter(|text| !text.is_empty()) else { continue };
        let Ok(image) = Reference::parse(text) else { continue };
        if key != "image" && !key.ends_with("Image") {
            continue;
        }
        let beside = ["tag", "imageTag"].into_iter().find(|field| node.get(field).is_some());
        match beside {
            _ if image.tag().is_some() => {
                finder.scalar(entry.value.path().to_string(), entry.value, document);
            }
            Some(field) if key == "image" && image.digest().is_none() => {
                split(node, field, text, document, finder);
            }
            _ => {}
        }
    }
}

/// Adds an image whose tag has its own field.
fn split(node: Node<'_>, field: &str, name: &str, document: usize, finder: &mut Finder<'_>) {
    let subject = node.path().to_string();
    let tag = match node.get(field).map(tag_text) {
        Some(Ok(tag)) => tag,
        Some(Err(reason)) => return finder.skip(subject, name, reason),
        None => return,
    };
    if tag.is_empty() {
        let reason = "its tag is empty, so the chart uses its own version: write the tag here";
        return finder.skip(subject, name, reason.to_owned());
    }
    let digest = node.get("digest");
    let known = digest.and_then(Node::as_str).filter(|digest| !digest.is_empty());
    let at = known.map_or_else(String::new, |digest| format!("@{digest}"));
    let text = format!("{name}:{tag}{at}");
    match Reference::parse(&text) {
        Ok(image) => {
            let path = node.path();
            let digest = digest.filter(|_| !tag.contains('@')).map(|_| path.join("digest"));
            finder.add(subject, image, Form::Fields { document, tag: path.join(field), digest });
        }
        Err(error) => finder.skip(subject, &text, format!("it is not a valid image name: {error}")),
    }
}
