//! Whether the images that pods run are signed by somebody whom the configuration names.
//!
//! Invariants: without names nothing is read; a signature counts only for the digest of the image
//! that was found, or of the index that lists it.

use std::path::Path;

use coaming_config::Signatures;
use coaming_http::clean;
use coaming_image::{ImageError, Layout};
use coaming_oci::{AnyManifest, Descriptor, Digest};
use coaming_signature::{Annotations, Signed, Trust, Unverified};

use crate::image_locator::FoundSignatures;

/// The most manifests of a layout that are read, and signatures of one image.
const MANIFESTS: usize = 1_000;
const SIGNATURES: usize = 100;

/// Whom the configuration trusts; `None` if it names nobody.
///
/// # Errors
///
/// If a file that it names cannot be used.
pub(crate) fn trust(signatures: &Signatures) -> Result<Option<Trust>, String> {
    if signatures.is_empty() {
        return Ok(None);
    }
    let read = |path: &String| std::fs::read(path).map_err(|error| format!("{path}: {error}"));
    let mut trust = Trust::default();
    for path in &signatures.keys {
        let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
        trust.add_key(&name, &read(path)?).map_err(|error| error.to_string())?;
    }
    for signer in &signatures.identities {
        let added = trust.add_identity(&signer.identity, &signer.issuer);
        added.map_err(|error| error.to_string())?;
    }
    if let Some(path) = &signatures.trusted_root {
        trust.set_root(path, &read(path)?).map_err(|error| error.to_string())?;
    }
    Ok(Some(trust))
}

/// Why no signature of an image counts; `None` if one does.
pub(crate) fn problem(found: &FoundSignatures, trust: &Trust) -> Option<String> {
    let mut reason = Unverified::NotSigned;
    for signed in found.signed.iter().take(SIGNATURES) {
        match signed.verify(trust, &found.digests) {
            Ok(_) => return None,
            Err(error) => reason = error,
        }
    }
    Some(clean(&reason.to_string()))
}

/// The signatures in an OCI layout for the image with this digest; `None` for an archive that cannot
/// contain any.
///
/// # Errors
///
/// If it cannot be read.
pub(crate) fn of_layout(path: &Path, image: &str) -> Result<Option<FoundSignatures>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    // A root filesystem is not an image with a digest.
    if path.is_dir() && !path.join("index.json").is_file() {
        return Ok(None);
    }
    let layout = Layout::open(path).map_err(|error| failed(&error))?;
    let Some(index) = layout.index() else { return Ok(None) };
    let mut found = FoundSignatures { digests: vec![image.to_owned()], ..Default::default() };
    for descriptor in index.manifests.iter().take(MANIFESTS) {
        // What the layout only names is not a part of it.
        let Ok(bytes) = layout.manifest(&descriptor.digest) else { continue };
        match AnyManifest::parse(&bytes) {
            Ok(AnyManifest::Index(nested)) => {
                let lists = |digest: &Digest| digest.to_string() == image;
                if nested.manifests.iter().any(|each| lists(&each.digest)) {
                    found.digests.push(descriptor.digest.to_string());
                }
            }
            Ok(AnyManifest::Manifest(manifest)) => {
                for layer in manifest.layers.iter().take(SIGNATURES) {
                    let signed = signature(&layout, layer).map_err(|error| failed(&error))?;
                    found.signed.extend(signed);
                }
            }
            Err(_) => {}
        }
    }
    Ok(Some(found))
}

/// The signature that a layer of cosign is; `None` for one of an image.
fn signature(layout: &Layout, layer: &Descriptor) -> Result<Option<Signed>, ImageError> {
    let annotations = Annotations::of(&layer.annotations);
    if layer.media_type.contains("sigstore.bundle") {
        let bundle = layout.small_blob(&layer.digest)?;
        return Ok(Signed::read(&bundle).filter(Signed::is_of_image_alone));
    }
    if annotations.signature.is_none() {
        return Ok(None);
    }
    let payload = layout.small_blob(&layer.digest)?;
    Ok(Some(Signed::of_image(&payload, &annotations)))
}
