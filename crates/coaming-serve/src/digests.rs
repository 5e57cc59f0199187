//! The digests that tags point to, for policies that replace tags by digests.

use std::time::Duration;

use coaming_admission::{Digests, Unresolved};
use coaming_oci::{Digest, Reference};
use coaming_registry::RegistryClient;

use crate::registries::{Fact, Facts, Missing};

impl Fact for Digest {
    /// Long enough for the pods of one workload. Who pushes an image and applies it means the new one.
    const FRESH: Duration = Duration::from_secs(10);

    async fn read(registry: &RegistryClient, image: &Reference) -> Result<Self, String> {
        registry.resolve(image).await.map_err(|error| error.to_string())
    }
}

impl Digests for Facts<Digest> {
    fn digest(&self, image: &Reference) -> Result<String, Unresolved> {
        self.get(image).map(|digest| digest.to_string()).map_err(|missing| match missing {
            Missing::Asked => Unresolved::Asked,
            Missing::Failed(reason) => Unresolved::Failed(reason),
        })
    }
}
