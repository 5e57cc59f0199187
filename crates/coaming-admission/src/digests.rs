//! The step that replaces tags of images by digests, as `coaming pin` does.
//!
//! Invariants:
//!
//! * It never refuses, and never waits: an image whose digest is not known keeps its tag, with a
//!   warning.
//! * The tag stays beside the digest, and the name as it is written.
//! * An update that names the tag of before keeps the digest of before, wherever the tag has been moved to:
//!   the same manifest, applied again, replaces no pod.

use std::collections::BTreeMap;

use coaming_kube::{Fields as _, PodSpec, Source, World};
use coaming_oci::Reference;
use coaming_scan::Engine;
use coaming_yaml::Node;
use coaming_yaml::edit::{Edit, Value as EditValue, to_json_patch};
use serde_json::Value;

use crate::judge::Scope;
use crate::{Changes, Operation, Policies, Refusal, Request, Step, message, subject};

/// What is known of the digests of images.
pub trait Digests: Send + Sync {
    /// The digest that a tag points to now. It never waits.
    ///
    /// # Errors
    ///
    /// Why it is not known (yet).
    fn digest(&self, image: &Reference) -> Result<String, Unresolved>;
}

/// Why a digest is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// A registry is being asked.
    #[error("its registry has not answered yet; apply it again")]
    Asked,
    /// A registry has failed.
    #[error("{0}")]
    Failed(String),
}

/// Replaces tags by digests in what a request brings, where a policy says so.
#[derive(Clone, Copy)]
pub struct PinnedImages<'a> {
    /// The policies.
    pub policies: &'a Policies,
    /// What is known of the cluster.
    pub world: &'a World,
    /// What is known of images.
    pub digests: &'a dyn Digests,
}

/// What becomes of an image.
enum Answer {
    /// It stays as it is.
    Same,
    /// It is written like this.
    Pinned(String),
    /// It keeps its tag for this reason.
    Kept(Unresolved),
}

impl Step for PinnedImages<'_> {
    fn name(&self) -> &'static str {
        "digests"
    }

    fn run(&self, request: &Request, object: &Value) -> Result<Changes, Refusal> {
        // What is not understood is refused by the verdict, with the reason.
        let Ok(Some(scope)) = Scope::of(request, self.world, self.policies) else {
            return Ok(Changes::default());
        };
        if !scope.layer.digests || scope.is_compared(request) {
            return Ok(Changes::default());
        }
        let source = subject::from_value(request, object);
        Ok(self.pin(&source, &images_before(request)))
    }
}

impl PinnedImages<'_> {
    fn pin(&self, source: &Source, before: &BTreeMap<String, String>) -> Changes {
        let (mut edits, mut changes) = (Vec::new(), Changes::default());
        for object in source.objects(Engine::SUBJECT) {
            for workload in source.workloads_of(object) {
                for Named { holder, field, image } in named(workload.pod()) {
                    match self.answer(image, before) {
                        Answer::Same => {}
                        Answer::Pinned(text) => {
                            let (path, value) = (field.path(), EditValue::Str(text));
                            edits.push(Edit::Set { path, value });
                        }
                        Answer::Kept(reason) => {
                            changes.is_pending |= reason == Unresolved::Asked;
                            let warning = message::keeps_tag(&holder, image, &reason.to_string());
                            changes.warnings.push(warning);
                        }
                    }
                }
            }
        }
        let root = source.documents().first().map(coaming_yaml::Document::root);
        let patch = root.and_then(|root| to_json_patch(root, &edits).ok()).unwrap_or_default();
        changes.operations = serde_json::from_value(patch).unwrap_or_default();
        changes
    }

    fn answer(&self, image: &str, before: &BTreeMap<String, String>) -> Answer {
        // What is not a valid image is for the verdict.
        let Ok(reference) = Reference::parse(image) else { return Answer::Same };
        if reference.digest().is_some() {
            return Answer::Same;
        }
        match before.get(image) {
            Some(known) if known == image => return Answer::Same,
            Some(known) => return Answer::Pinned(known.clone()),
            None => {}
        }
        let tag = if reference.tag().is_none() { ":latest" } else { "" };
        match self.digests.digest(&reference.or_latest()) {
            Ok(digest) => Answer::Pinned(format!("{image}{tag}@{digest}")),
            Err(reason) => Answer::Kept(reason),
        }
    }
}

/// An image that a pod names.
struct Named<'a> {
    /// What names it: a container, or a volume.
    holder: String,
    /// The field with the name.
    field: Node<'a>,
    image: &'a str,
}

/// The images of a pod's containers, and of its volumes that are images.
fn named(pod: PodSpec<'_>) -> Vec<Named<'_>> {
    let of_containers = pod.containers().filter_map(|container| {
        let holder = format!("container `{}`", container.name());
        let field = container.node().field("image")?;
        Some(Named { holder, field, image: field.as_str()? })
    });
    let of_volumes = pod.volumes().filter_map(|volume| {
        let holder = format!("volume `{}`", volume.name().unwrap_or_default());
        let field = volume.source("image")?.field("reference")?;
        Some(Named { holder, field, image: field.as_str()? })
    });
    of_containers.chain(of_volumes).collect()
}

/// The images of the object before the request, by their names and tags: those without a digest stay
/// without, as everything else that an update does not change.
fn images_before(request: &Request) -> BTreeMap<String, String> {
    let mut images = BTreeMap::new();
    if request.operation != Operation::Update {
        return images;
    }
    let Ok(Some(old)) = subject::old_object(request, true) else { return images };
    for object in old.objects(Engine::SUBJECT) {
        for workload in old.workloads_of(object) {
            for Named { image, .. } in named(workload.pod()) {
                let name = image.split_once('@').map_or(image, |(name, _)| name);
                let has_tag = Reference::parse(name).is_ok_and(|name| name.tag().is_some());
                if name != image && !has_tag {
                    continue;
                }
                images.entry(name.to_owned()).or_insert_with(|| image.to_owned());
                // Without a tag, `latest` was added.
                if let Some(bare) = name.strip_suffix(":latest").filter(|_| name != image) {
                    images.entry(bare.to_owned()).or_insert_with(|| image.to_owned());
                }
            }
        }
    }
    images
}
