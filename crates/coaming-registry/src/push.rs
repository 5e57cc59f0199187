//! Blobs and manifests on their way into a registry.

use std::io::{self, Read};

use coaming_oci::{Descriptor, Digest, Reference};
use futures_util::stream;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::{Body, Method, StatusCode, Url};

use crate::Registry;
use crate::client::target;
use crate::error::RegistryError;
use crate::transport::{Call, Target, of_status};

/// How much of a blob is read and sent at once, in bytes.
const PIECE: usize = 256 << 10;

impl Registry {
    /// Sends a blob, unless the repository has it already. `open` opens its contents: again where
    /// an attempt failed.
    ///
    /// # Errors
    ///
    /// As [`RegistryError`] says.
    pub fn push_blob<R: Read + Send + Sync + 'static>(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
        open: impl Fn() -> io::Result<R>,
    ) -> Result<(), RegistryError> {
        let target = target(reference, true);
        self.transport.block_on(async {
            let here = format!("blobs/{}", descriptor.digest);
            let url = self.transport.url(&target, &here).await?;
            let call = Call { method: Method::HEAD, ..Call::get(url) };
            if self.transport.send(&target, &call).await?.status().is_success() {
                return Ok(());
            }
            let upload = self.begin_upload(&target).await?;
            let body = || Ok(Body::wrap_stream(stream::iter(Pieces(Some(open()?)))));
            self.upload(&target, upload, descriptor, &body).await
        })
    }

    /// Sends a manifest under the reference's tag, or under its digest alone where it has no tag.
    /// Gives the digest.
    ///
    /// # Errors
    ///
    /// As [`RegistryError`] says.
    pub fn push_manifest(
        &self,
        reference: &Reference,
        media_type: &str,
        manifest: &[u8],
    ) -> Result<Digest, RegistryError> {
        let target = target(reference, true);
        let digest = Digest::sha256(manifest);
        self.transport.block_on(async {
            let name = reference.tag().map_or_else(|| digest.to_string(), str::to_owned);
            let url = self.transport.url(&target, &format!("manifests/{name}")).await?;
            let body = || Ok(Body::from(manifest.to_vec()));
            let mut call = Call { method: Method::PUT, body: Some(&body), ..Call::get(url) };
            let content_type = HeaderValue::from_str(media_type)
                .map_err(|_| target.malformed("its media type can't stand in a header"))?;
            call.headers.insert(CONTENT_TYPE, content_type);
            let response = self.transport.send(&target, &call).await?;
            if !response.status().is_success() {
                return Err(of_status(response, &target, &target.repository).await);
            }
            Ok(digest)
        })
    }

    /// Asks for a place to upload to.
    async fn begin_upload(&self, target: &Target) -> Result<Url, RegistryError> {
        let url = self.transport.url(target, "blobs/uploads/").await?;
        let mut call = Call { method: Method::POST, ..Call::get(url.clone()) };
        call.headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        let response = self.transport.send(target, &call).await?;
        if response.status() != StatusCode::ACCEPTED {
            return Err(of_status(response, target, &target.repository).await);
        }
        let place = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        place
            .and_then(|place| url.join(place).ok())
            .filter(|place| place.scheme() == "https" || place.scheme() == url.scheme())
            .ok_or_else(|| target.malformed("it gives no place to upload to"))
    }

    async fn upload(
        &self,
        target: &Target,
        mut place: Url,
        descriptor: &Descriptor,
        body: &dyn Fn() -> io::Result<Body>,
    ) -> Result<(), RegistryError> {
        place.query_pairs_mut().append_pair("digest", &descriptor.digest.to_string());
        let mut call =
            Call { method: Method::PUT, body: Some(body), short: false, ..Call::get(place) };
        call.headers.insert(CONTENT_LENGTH, HeaderValue::from(descriptor.size));
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        let response = self.transport.send(target, &call).await?;
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
