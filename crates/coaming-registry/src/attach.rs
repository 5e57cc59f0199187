//! Documents that are attached to a manifest: artifacts that refer to it.
//!
//! A registry without the referrers API gets the list of them under a tag, as the specification
//! says, so that every client finds them.

use coaming_oci::{Descriptor, Index, Reference, media_type};
use serde_json::{Value, json};

use crate::RegistryClient;
use crate::client::{Name, referrers_tag, target};
use crate::error::RegistryError;
use crate::manifest::RawManifest;

/// A document to attach.
#[derive(Clone, Debug)]
pub struct Referrer {
    /// Its type, such as `application/vnd.cyclonedx+json`: of the artifact and of its only blob.
    pub artifact_type: String,
    /// Its bytes.
    pub contents: Vec<u8>,
    /// What its manifest says about it.
    pub annotations: Vec<(String, String)>,
}

/// The annotation that says which documents replace each other: those of one author and type.
pub const REPLACES: &str = "dev.coaming.document";

impl RegistryClient {
    /// Attaches a document to a manifest in the reference's repository. A document of the same type
    /// with the annotation [`REPLACES`] takes the place of the one before, where the registry keeps
    /// the list under a tag.
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub async fn attach(
        &self,
        reference: &Reference,
        subject: &RawManifest,
        document: &Referrer,
    ) -> Result<(), RegistryError> {
        let repository = reference.without_tag();
        let config = Descriptor::of(media_type::EMPTY, b"{}");
        let layer = Descriptor::of(&document.artifact_type, &document.contents);
        self.push_blob(&repository, &config, || Ok(&b"{}"[..])).await?;
        let contents = || Ok(std::io::Cursor::new(document.contents.clone()));
        self.push_blob(&repository, &layer, contents).await?;
        let annotations: serde_json::Map<String, Value> =
            document.annotations.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_MANIFEST,
            "artifactType": document.artifact_type,
            "config": config,
            "layers": [layer],
            "subject": {
                "mediaType": subject.media_type,
                "digest": subject.digest,
                "size": subject.bytes.len(),
            },
            "annotations": annotations,
        });
        let bytes = manifest.to_string().into_bytes();
        let (digest, noted) =
            self.put_manifest(&repository, media_type::OCI_MANIFEST, &bytes).await?;
        if noted {
            return Ok(());
        }
        let entry = json!({
            "mediaType": media_type::OCI_MANIFEST,
            "digest": digest,
            "size": bytes.len(),
            "artifactType": document.artifact_type,
            "annotations": annotations,
        });
        self.note(&repository, subject, entry).await
    }

    /// Adds an entry to the list that is kept under a tag.
    async fn note(
        &self,
        repository: &Reference,
        subject: &RawManifest,
        entry: Value,
    ) -> Result<(), RegistryError> {
        let tag = referrers_tag(&subject.digest);
        let target = target(repository, false);
        let invalid = |error: String| target.malformed(format!("the list of referrers: {error}"));
        let mut entries = match self.manifest_at(&target, &Name::Tag(&tag)).await {
            Ok(list) => {
                // It is parsed for its bounds, and kept as it is for what we do not know.
                Index::parse(&list.bytes).map_err(|error| invalid(error.to_string()))?;
                let list: Value = serde_json::from_slice(&list.bytes)
                    .map_err(|error| invalid(error.to_string()))?;
                list.get("manifests").and_then(Value::as_array).cloned().unwrap_or_default()
            }
            Err(RegistryError::NotFound { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        let mark =
            |entry: &Value| entry.get("annotations").and_then(|it| it.get(REPLACES)).cloned();
        let is_replaced = |old: &Value| {
            old.get("digest") == entry.get("digest")
                || old.get("artifactType") == entry.get("artifactType")
                    && mark(old).is_some()
                    && mark(old) == mark(&entry)
        };
        entries.retain(|old| !is_replaced(old));
        entries.push(entry);
        let index = json!({
            "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": entries,
        });
        let list = repository.with_tag(&tag).map_err(|error| invalid(error.to_string()))?;
        self.put_manifest(&list, media_type::OCI_INDEX, index.to_string().as_bytes()).await?;
        Ok(())
    }
}
