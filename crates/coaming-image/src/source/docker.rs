//! Docker archives: `manifest.json` next to the configurations and layers that it names.

use serde::Deserialize;

use super::{DOCUMENT_LIMIT, Image, ImageError, LAYER_LIMIT, LayerSource, digest_of};
use crate::blob::Blob;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    #[serde(default)]
    layers: Vec<String>,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
}

/// The first image that a `manifest.json` names; `find` returns the member with a name.
pub(super) fn image(
    manifest: &[u8],
    find: &dyn Fn(&str) -> Option<Blob>,
) -> Result<Image, ImageError> {
    let saved: Vec<Saved> = serde_json::from_slice(manifest)
        .map_err(|error| ImageError::malformed("manifest.json", error))?;
    let Some(first) = saved.first() else {
        return Err(ImageError::malformed("manifest.json", "it does not name an image"));
    };
    if first.layers.len() > LAYER_LIMIT {
        return Err(ImageError::malformed(
            "manifest.json",
            format!("it has more than {LAYER_LIMIT} layers"),
        ));
    }
    let member = |name: &str| {
        find(name).ok_or_else(|| ImageError::malformed(name, "the archive has no such file"))
    };
    let config = member(&first.config)?
        .whole(DOCUMENT_LIMIT)
        .map_err(|source| ImageError::io(&first.config, source))?;
    let layers = first
        .layers
        .iter()
        .map(|layer| Ok(LayerSource::Archive(member(layer)?, None)))
        .collect::<Result<_, ImageError>>()?;
    let mut notes = Vec::new();
    if saved.len() > 1 {
        let name = first.repo_tags.iter().flatten().next().map_or("the first", String::as_str);
        notes.push(format!(
            "The archive has {} images, and only {name} was read: save each of the others to \
             its own archive.",
            saved.len()
        ));
    }
    Ok(Image { digest: digest_of(&config), config, layers, identity: None, notes })
}
