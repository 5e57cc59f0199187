//! The new image's configuration: the old one with one layer and one line of history.

use coaming_image::{Image, ImageFacts, Package, PackageKind, Tree};
use coaming_oci::{Digest, Platform};
use serde_json::{Value, json};

use crate::SlimError;
use crate::select::Selection;

/// The fields of the old configuration that stay, besides its settings.
const KEPT: [&str; 6] = ["architecture", "os", "os.version", "os.features", "variant", "author"];

/// The configuration as JSON. The history of the old layers is removed with them: it often reveals
/// more than its authors intended.
pub(crate) fn slimmed(image: &Image, diff_id: &Digest) -> Result<Vec<u8>, SlimError> {
    let old = old(image)?;
    let mut new = serde_json::Map::new();
    for key in KEPT {
        if let Some(value) = old.get(key) {
            new.insert(key.to_owned(), value.clone());
        }
    }
    let platform = Platform::host();
    new.entry("os").or_insert_with(|| platform.os.into());
    new.entry("architecture").or_insert_with(|| platform.architecture.into());
    new.insert("config".to_owned(), old.get("config").cloned().unwrap_or_else(|| json!({})));
    new.insert("rootfs".to_owned(), json!({"type": "layers", "diff_ids": [diff_id]}));
    let mut line = json!({
        "created_by": "coaming image slim",
        "comment": "what the entry point needs; the layers it was taken from are gone",
    });
    if let Some(created) = old.get("created") {
        new.insert("created".to_owned(), created.clone());
        line["created"] = created.clone();
    }
    new.insert("history".to_owned(), json!([line]));
    serde_json::to_vec(&new).map_err(SlimError::Configuration)
}

fn old(image: &Image) -> Result<Value, SlimError> {
    if image.configuration().is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(image.configuration()).map_err(SlimError::Configuration)
}

/// Notes about the new image that its files do not show.
pub(crate) fn notes(
    image: &Image,
    tree: &Tree,
    selection: &Selection,
    after: &ImageFacts,
) -> Vec<String> {
    let mut notes = vec![
        "Only ENTRYPOINT and CMD count: programs that a pod sets as its `command`, or that probes \
         and hooks run with `exec`, need --keep."
            .to_owned(),
    ];
    let settings = old(image).ok().and_then(|mut old| old.get_mut("config").map(Value::take));
    if settings.is_some_and(|settings| settings["Healthcheck"]["Test"].is_array()) {
        notes.push(
            "The HEALTHCHECK is unchanged, but the programs that it runs are not kept: Kubernetes \
             ignores it; for Docker, name its programs with --keep."
                .to_owned(),
        );
    }
    let is_gone =
        |it: &&Package| it.kind == PackageKind::Rpm && !selection.packages.contains(&it.name);
    let gone = after.packages.iter().filter(is_gone).count();
    if gone > 0 {
        notes.push(format!(
            "The rpm database could not be rewritten because it is damaged or very large: scanners \
             still find {gone} packages in it whose files were removed."
        ));
    }
    let unnamed = tree.iter().filter(|(path, _)| path.contains('\u{fffd}')).count();
    if unnamed > 0 {
        notes.push(format!("{unnamed} files whose names are not valid UTF-8 were left out."));
    }
    notes
}
