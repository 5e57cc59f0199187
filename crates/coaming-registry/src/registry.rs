//! The same client for programs that are not asynchronous.

use std::io::{self, Read};

use coaming_http::{BlockingReader, Runtime};
use coaming_oci::{Descriptor, Digest, Platform, Reference};

use crate::error::RegistryError;
use crate::manifest::{Image, RawManifest};
use crate::results::{Attachments, ScanReport, Scanner};
use crate::{BlobReader, Options, Referrer, RegistryClient};

/// [`RegistryClient`] on the runtime of the command line: each method waits for its answer.
///
/// Can be cloned and used from several threads at once, but not from asynchronous code.
#[derive(Clone, Debug)]
pub struct Registry {
    client: RegistryClient,
    runtime: Runtime,
}

impl Registry {
    /// Makes a client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// Where a file of certificates cannot be read.
    pub fn new(options: Options, runtime: Runtime) -> Result<Self, RegistryError> {
        Ok(Self { client: RegistryClient::new(options)?, runtime })
    }

    /// See [`RegistryClient::resolve`].
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub fn resolve(&self, reference: &Reference) -> Result<Digest, RegistryError> {
        self.runtime.block_on(self.client.resolve(reference))
    }

    /// See [`RegistryClient::manifest`].
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub fn manifest(&self, reference: &Reference) -> Result<RawManifest, RegistryError> {
        self.runtime.block_on(self.client.manifest(reference))
    }

    /// See [`RegistryClient::image`].
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub fn image(
        &self,
        reference: &Reference,
        platform: Option<&Platform>,
    ) -> Result<Image, RegistryError> {
        self.runtime.block_on(self.client.image(reference, platform))
    }

    /// See [`RegistryClient::artifact`].
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub fn artifact(
        &self,
        reference: &Reference,
    ) -> Result<(Option<String>, Vec<Descriptor>), RegistryError> {
        self.runtime.block_on(self.client.artifact(reference))
    }

    /// See [`RegistryClient::tags`].
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub fn tags(&self, reference: &Reference) -> Result<Vec<String>, RegistryError> {
        self.runtime.block_on(self.client.tags(reference))
    }

    /// See [`RegistryClient::repositories`].
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub fn repositories(&self, host: &str) -> Result<Vec<String>, RegistryError> {
        self.runtime.block_on(self.client.repositories(host))
    }

    /// See [`RegistryClient::attach`].
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub fn attach(
        &self,
        reference: &Reference,
        subject: &RawManifest,
        document: &Referrer,
    ) -> Result<(), RegistryError> {
        self.runtime.block_on(self.client.attach(reference, subject, document))
    }

    /// See [`RegistryClient::blob`].
    ///
    /// # Errors
    ///
    /// See [`RegistryError`]. Later errors are those of the reader.
    pub fn blob(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
    ) -> Result<BlobReader, RegistryError> {
        let stream = self.runtime.block_on(self.client.blob(reference, descriptor))?;
        Ok(BlobReader(BlockingReader::new(self.runtime.clone(), stream)))
    }

    /// See [`RegistryClient::small_blob`].
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub fn small_blob(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
        limit: u64,
    ) -> Result<Vec<u8>, RegistryError> {
        self.runtime.block_on(self.client.small_blob(reference, descriptor, limit))
    }

    /// See [`RegistryClient::referrers`].
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub fn referrers(
        &self,
        reference: &Reference,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>, RegistryError> {
        self.runtime.block_on(self.client.referrers(reference, artifact_type))
    }

    /// See [`RegistryClient::push_blob`].
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub fn push_blob<R: Read + Send + Sync + 'static>(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
        open: impl Fn() -> io::Result<R> + Sync,
    ) -> Result<(), RegistryError> {
        self.runtime.block_on(self.client.push_blob(reference, descriptor, open))
    }

    /// See [`RegistryClient::push_manifest`].
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub fn push_manifest(
        &self,
        reference: &Reference,
        media_type: &str,
        manifest: &[u8],
    ) -> Result<Digest, RegistryError> {
        self.runtime.block_on(self.client.push_manifest(reference, media_type, manifest))
    }

    /// See [`RegistryClient::scanner`].
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub fn scanner(&self, reference: &Reference) -> Result<Option<Scanner>, RegistryError> {
        self.runtime.block_on(self.client.scanner(reference))
    }

    /// See [`RegistryClient::scan_report`].
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub fn scan_report(
        &self,
        scanner: Scanner,
        reference: &Reference,
        image: &Image,
        base: Option<&str>,
    ) -> Result<ScanReport, RegistryError> {
        self.runtime.block_on(self.client.scan_report(scanner, reference, image, base))
    }

    /// See [`RegistryClient::attachments`].
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub fn attachments(&self, reference: &Reference) -> Result<Attachments, RegistryError> {
        self.runtime.block_on(self.client.attachments(reference))
    }
}
