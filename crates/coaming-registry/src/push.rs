//! Uploads of blobs and manifests.

use std::io::{self, Read};

use coaming_http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION};
use coaming_http::{Body, Method, Request, StatusCode, Url};
use coaming_oci::{Descriptor, Digest, Reference};
use futures_util::stream;

use crate::RegistryClient;
use crate::client::target;
use crate::error::RegistryError;
use crate::transport::{Target, of_status};

/// How much of a blob is read and sent at once, in bytes.
const PIECE: usize = 256 << 10;

impl RegistryClient {
    /// Sends a blob, unless the repository has it already. `open` opens its contents, once for each
    /// attempt.
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub async fn push_blob<R: Read + Send + Sync + 'static>(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
        open: impl Fn() -> io::Result<R> + Sync,
    ) -> Result<(), RegistryError> {
        let target = target(reference, true);
        let existing = format!("blobs/{}", descriptor.digest);
        let url = self.transport.url(&target, &existing).await?;
        let request = Request::new(Method::HEAD, url);
        if self.transport.send(&target, request).await?.status().is_success() {
            return Ok(());
        }
        let location = self.begin_upload(&target).await?;
        let body = || Ok(Body::wrap_stream(stream::iter(Pieces(Some(open()?)))));
        self.upload(&target, location, descriptor, &body).await
    }

    /// Sends a manifest under the reference's tag, or under its digest alone if it has no tag.
    /// Returns the digest.
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub async fn push_manifest(
        &self,
        reference: &Reference,
        media_type: &str,
        manifest: &[u8],
    ) -> Result<Digest, RegistryError> {
        let (digest, _) = self.put_manifest(reference, media_type, manifest).await?;
        Ok(digest)
    }

    /// Sends a manifest, and tells whether the registry noted that it refers to another one.
    pub(crate) async fn put_manifest(
        &self,
        reference: &Reference,
        media_type: &str,
        manifest: &[u8],
    ) -> Result<(Digest, bool), RegistryError> {
        let target = target(reference, true);
        let digest = Digest::sha256(manifest);
        let name = reference.tag().map_or_else(|| digest.to_string(), str::to_owned);
        let url = self.transport.url(&target, &format!("manifests/{name}")).await?;
        let body = || Ok(Body::from(manifest.to_vec()));
        let mut request = Request { body: Some(&body), ..Request::new(Method::PUT, url) };
        let content_type = HeaderValue::from_str(media_type)
            .map_err(|_| target.malformed("its media type is not valid in a header"))?;
        request.headers.insert(CONTENT_TYPE, content_type);
        let response = self.transport.send(&target, request).await?;
        if !response.status().is_success() {
            return Err(of_status(response, &target, &target.repository).await);
        }
        Ok((digest, response.header("oci-subject").is_some()))
    }

    /// Asks for an address to upload to.
    async fn begin_upload(&self, target: &Target) -> Result<Url, RegistryError> {
        let url = self.transport.url(target, "blobs/uploads/").await?;
        let mut request = Request::new(Method::POST, url.clone());
        request.headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        let response = self.transport.send(target, request).await?;
        if response.status() != StatusCode::ACCEPTED {
            return Err(of_status(response, target, &target.repository).await);
        }
        response
            .header(LOCATION.as_str())
            .and_then(|location| url.join(location).ok())
            .filter(|location| location.scheme() == "https" || location.scheme() == url.scheme())
            .ok_or_else(|| target.malformed("it gives no valid address to upload to"))
    }

    async fn upload(
        &self,
        target: &Target,
        mut location: Url,
        descriptor: &Descriptor,
        body: &(dyn Fn() -> io::Result<Body> + Sync),
    ) -> Result<(), RegistryError> {
        location.query_pairs_mut().append_pair("digest", &descriptor.digest.to_string());
        let mut request = Request::new(Method::PUT, location);
        request.body = Some(body);
        request.streamed = true;
        request.headers.insert(CONTENT_LENGTH, HeaderValue::from(descriptor.size));
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        let response = self.transport.send(target, request).await?;
        if response.status().is_success() {
            return Ok(());
        }
        Err(of_status(response, target, &target.repository).await)
    }
}

/// A reader's contents, piece by piece, until its end or an error.
struct Pieces<R>(Option<R>);

impl<R: Read> Iterator for Pieces<R> {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = self.0.as_mut()?;
        let mut piece = Vec::with_capacity(PIECE);
        match reader.take(PIECE as u64).read_to_end(&mut piece) {
            Ok(0) => {
                self.0 = None;
                None
            }
            Ok(_) => Some(Ok(piece)),
            Err(error) => {
                self.0 = None;
                Some(Err(error))
            }
        }
    }
}
