//! The `images:` of a kustomization, which replace the names in its resources.

use coaming_kube::Fields;
use coaming_oci::Reference;
use coaming_yaml::Node;

use super::{Finder, tag_text, values};
use crate::mention::Form;

pub(super) fn find(root: Node<'_>, document: usize, finder: &mut Finder<'_>) {
    for entry in root.list("images").filter(|entry| entry.is_mapping()) {
        image(entry, document, finder);
    }
    for chart in root.list("helmCharts") {
        if let Some(inline) = chart.mapping("valuesInline") {
            values::find(inline, inline, document, finder);
        }
    }
}

fn image(entry: Node<'_>, document: usize, finder: &mut Finder<'_>) {
    let Some(name) = entry.string("newName").or_else(|| entry.string("name")) else { return };
    let subject = format!("{} {name}", entry.path());
    let digest = entry.string("digest").filter(|digest| !digest.is_empty());
    let tag = match entry.field("newTag").map(tag_text).transpose() {
        Ok(tag) => tag.filter(|tag| !tag.is_empty()),
        Err(reason) => return finder.skip(subject, name, reason),
    };
    // Without a tag here, the tag in the resources applies and is pinned there.
    let Some(tag) = tag else { return };
    let at = digest.map_or_else(String::new, |digest| format!("@{digest}"));
    let text = format!("{name}:{tag}{at}");
    match Reference::parse(&text) {
        Ok(image) => {
            let path = entry.path();
            // `newTag: 1.0@sha256:…` is valid too: then both are in one field.
            let digest_path = (!tag.contains('@')).then(|| path.join("digest"));
            let form = Form::Fields { document, tag: path.join("newTag"), digest: digest_path };
            finder.add(subject, image, form);
        }
        Err(error) => finder.skip(subject, &text, format!("it is not a valid image name: {error}")),
    }
}
