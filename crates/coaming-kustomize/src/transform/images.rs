//! `images`: other names, tags and digests.

use regex::Regex;

use crate::config::{Create, FieldSpec};
use crate::resource::Resources;
use crate::selector::compiled;
use crate::value::{Kind, Value, whole};

/// How deep lists of containers are looked for.
const MAX_DEPTH: usize = 512;

/// Changes the images of an entry's name, in containers wherever they are.
pub(crate) fn set(
    resources: &mut Resources,
    entry: &Value,
    specs: &[FieldSpec],
) -> Result<(), String> {
    let name = entry.str_at(&["name"]);
    let pattern = format!("^{name}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$");
    let change = Change { pattern: compiled(&pattern)?, entry };
    for resource in &mut resources.list {
        if resource.root.str_at(&["kind"]) == "CustomResourceDefinition" {
            continue;
        }
        change.in_containers(&mut resource.root, 0);
        let source = resource.source();
        for spec in specs {
            spec.apply(&mut resource.root, Create::Nothing, source, &mut |node| {
                if node.is_map() || node.is_list() {
                    return Err("an image is not text".to_owned());
                }
                change.apply(node);
                Ok(())
            })?;
        }
    }
    Ok(())
}

struct Change<'e> {
    pattern: Regex,
    entry: &'e Value,
}

impl Change<'_> {
    fn in_containers(&self, value: &mut Value, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        match &mut value.kind {
            Kind::Scalar(_) => {}
            Kind::List(items) => {
                items.iter_mut().for_each(|item| self.in_containers(item, depth + 1));
            }
            Kind::Map(entries) => {
                for entry in entries {
                    self.in_containers(&mut entry.value, depth + 1);
                    let is_list = matches!(&*entry.key, "containers" | "initContainers");
                    let Kind::List(items) = &mut entry.value.kind else { continue };
                    if is_list {
                        let images = items.iter_mut().filter_map(|item| item.get_mut("image"));
                        images.for_each(|image| self.apply(image));
                    }
                }
            }
        }
    }

    /// Changes an image, if it has the name.
    fn apply(&self, image: &mut Value) {
        let Some(old) = image.as_text().filter(|old| self.pattern.is_match(old)) else { return };
        let field = |name: &str| self.entry.get(name).filter(|value| !value.str().is_empty());
        let (name, tag, digest) = split(old);
        let (mut name, mut tag, mut digest) = (name.to_owned(), tag.to_owned(), digest.to_owned());
        let mut source = whole(image.source);
        if let Some(new) = field("newName") {
            new.str().clone_into(&mut name);
            source = whole(new.source);
        }
        match (field("newTag"), field("digest"), field("tagSuffix")) {
            (Some(new), Some(of_content), _) => {
                new.str().clone_into(&mut tag);
                of_content.str().clone_into(&mut digest);
                source = whole(of_content.source);
            }
            (Some(new), None, _) => {
                new.str().clone_into(&mut tag);
                digest.clear();
                source = whole(new.source);
            }
            (None, Some(of_content), _) => {
                tag.clear();
                of_content.str().clone_into(&mut digest);
                source = whole(of_content.source);
            }
            (None, None, Some(suffix)) => {
                tag.push_str(suffix.str());
                digest.clear();
                source = whole(suffix.source);
            }
            (None, None, None) => {}
        }
        if !tag.is_empty() {
            name.push(':');
            name.push_str(&tag);
        }
        if !digest.is_empty() {
            name.push('@');
            name.push_str(&digest);
        }
        if image.as_text() != Some(name.as_str()) {
            image.set_text(&name, source);
        }
    }
}

/// The name, the tag and the digest of an image.
fn split(image: &str) -> (&str, &str, &str) {
    let part = |range: std::ops::Range<usize>| image.get(range).unwrap_or_default();
    // A colon before the first slash is that of a port.
    let slash = image.find('/').unwrap_or(0);
    let rest = image.get(slash..).unwrap_or_default();
    let digest = rest.find('@').map(|at| at + slash);
    let tag = rest.find(':').map(|at| at + slash);
    match (tag, digest) {
        (None, None) => (image, "", ""),
        (Some(tag), Some(digest)) if tag < digest => {
            (part(0..tag), part(tag + 1..digest), part(digest + 1..image.len()))
        }
        (_, Some(digest)) => (part(0..digest), "", part(digest + 1..image.len())),
        (Some(tag), None) => (part(0..tag), part(tag + 1..image.len()), ""),
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn images_have_parts() {
        assert_eq!(split("nginx"), ("nginx", "", ""));
        assert_eq!(split("a:5000/b"), ("a:5000/b", "", ""));
        assert_eq!(split("a:5000/b:1@sha256:c"), ("a:5000/b", "1", "sha256:c"));
        assert_eq!(split("a/b@sha256:c"), ("a/b", "", "sha256:c"));
    }
}
