//! The asynchronous client: what can be asked of a registry.

use std::sync::Arc;

use coaming_http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use coaming_http::{Method, Request, Response, StatusCode};
use coaming_oci::{
    AnyManifest, Descriptor, Digest, Index, Manifest, Platform, Reference, media_type,
};

use crate::error::RegistryError;
use crate::manifest::{Image, RawManifest};
use crate::transport::{Target, Transport, of_status, read_bounded};
use crate::{BlobStream, Options};

/// The largest manifest that is read: the limit of registries themselves.
const MAX_MANIFEST_BYTES: u64 = 4 << 20;

/// A client for all registries. It remembers which credentials each of them requires.
///
/// Clones share this and the connections.
#[derive(Clone)]
pub struct RegistryClient {
    pub(crate) transport: Arc<Transport>,
}

impl std::fmt::Debug for RegistryClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RegistryClient")
    }
}

impl RegistryClient {
    /// Makes a client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// Where a file of certificates cannot be read.
    pub fn new(options: Options) -> Result<Self, RegistryError> {
        Ok(Self { transport: Arc::new(Transport::new(options)?) })
    }

    /// The digest that a reference resolves to: of the index, where there are several platforms.
    /// A reference with a digest is requested too: it must exist.
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub async fn resolve(&self, reference: &Reference) -> Result<Digest, RegistryError> {
        self.ask(reference, |target| async move { self.resolve_at(&target, reference).await }).await
    }

    /// The manifest or index that a reference resolves to.
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub async fn manifest(&self, reference: &Reference) -> Result<RawManifest, RegistryError> {
        let name = &name_of(reference);
        self.ask(reference, |target| async move { self.manifest_at(&target, name).await }).await
    }

    /// The image that a reference resolves to, for a platform. Where there is no index, the only
    /// image is the answer.
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub async fn image(
        &self,
        reference: &Reference,
        platform: Option<&Platform>,
    ) -> Result<Image, RegistryError> {
        self.ask(
            reference,
            |target| async move { self.image_at(&target, reference, platform).await },
        )
        .await
    }

    /// The type of an artifact, and the descriptors of its contents.
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub async fn artifact(
        &self,
        reference: &Reference,
    ) -> Result<(Option<String>, Vec<Descriptor>), RegistryError> {
        let name = &name_of(reference);
        self.ask(reference, |target| async move {
            let manifest = self.manifest_at(&target, name).await?;
            match read(&target, &manifest)? {
                AnyManifest::Manifest(Manifest { config, layers, artifact_type }) => {
                    Ok((artifact_type.or_else(|| config.map(|config| config.media_type)), layers))
                }
                AnyManifest::Index(_) => Err(target.malformed("it is an index, not an artifact")),
            }
        })
        .await
    }

    /// The contents of a blob, as a stream that checks their size and digest.
    ///
    /// # Errors
    ///
    /// See [`RegistryError`]. Later errors are those of the stream.
    pub async fn blob(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
    ) -> Result<BlobStream, RegistryError> {
        self.ask(reference, |target| async move {
            BlobStream::open(self.clone(), target, descriptor.clone()).await
        })
        .await
    }

    /// A whole blob of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub async fn small_blob(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
        limit: u64,
    ) -> Result<Vec<u8>, RegistryError> {
        if descriptor.size > limit {
            return Err(RegistryError::TooLarge {
                host: reference.registry().to_owned(),
                what: format!("{}@{}", reference.repository(), descriptor.digest),
                limit,
            });
        }
        self.blob(reference, descriptor).await?.read_whole().await
    }

    /// What refers to the manifest with the reference's digest: signatures, SBOMs, VEX. Optionally
    /// only one type. Registries without the referrers API are asked for the referrers tag.
    ///
    /// # Errors
    ///
    /// See [`RegistryError`]; [`RegistryError::NoDigest`] if the reference has no digest.
    pub async fn referrers(
        &self,
        reference: &Reference,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>, RegistryError> {
        let Some(digest) = reference.digest() else {
            return Err(RegistryError::NoDigest(reference.to_string()));
        };
        let mut all = self
            .ask(reference, |target| async move { self.referrers_at(&target, digest).await })
            .await?;
        if let Some(wanted) = artifact_type {
            all.retain(|descriptor| descriptor.artifact_type.as_deref() == Some(wanted));
        }
        Ok(all)
    }

    /// Asks the mirrors of the reference's registry, then the registry itself, whose answer is
    /// final.
    pub(crate) async fn ask<T, F: Future<Output = Result<T, RegistryError>>>(
        &self,
        reference: &Reference,
        question: impl Fn(Target) -> F,
    ) -> Result<T, RegistryError> {
        for mirror in self.mirrors(reference) {
            if let Ok(answer) = question(mirror).await {
                return Ok(answer);
            }
        }
        question(target(reference, false)).await
    }

    fn mirrors(&self, reference: &Reference) -> Vec<Target> {
        let mirrors = self.transport.options.mirrors.get(reference.registry());
        let target = |mirror: &String| {
            let (host, path) = mirror.split_once('/').unwrap_or((mirror, ""));
            let repository = match path.trim_matches('/') {
                "" => reference.repository().to_owned(),
                path => format!("{path}/{}", reference.repository()),
            };
            Target { host: host.to_owned(), repository, push: false }
        };
        mirrors.into_iter().flatten().map(target).collect()
    }

    async fn image_at(
        &self,
        target: &Target,
        reference: &Reference,
        platform: Option<&Platform>,
    ) -> Result<Image, RegistryError> {
        let first = self.manifest_at(target, &name_of(reference)).await?;
        let manifest = match read(target, &first)? {
            AnyManifest::Manifest(_) => first.clone(),
            AnyManifest::Index(index) => {
                let chosen =
                    index.choose(platform).map_err(|missing| RegistryError::NoSuchPlatform {
                        what: reference.to_string(),
                        platform: missing.wanted,
                        available: missing.available,
                    })?;
                self.manifest_at(target, &Name::Digest(&chosen.digest)).await?
            }
        };
        match read(target, &manifest)? {
            AnyManifest::Manifest(Manifest { config: Some(config), layers, .. }) => Ok(Image {
                digest: first.digest,
                manifest_digest: manifest.digest,
                manifest: manifest.bytes,
                config,
                layers,
            }),
            _ => Err(target.malformed("the manifest does not describe an image")),
        }
    }

    async fn resolve_at(
        &self,
        target: &Target,
        reference: &Reference,
    ) -> Result<Digest, RegistryError> {
        let name = name_of(reference);
        let response = self.request_manifest(target, Method::HEAD, &name).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Err(of_status(response, target, &called(target, &name)).await);
        }
        if response.status().is_success()
            && let Some(digest) = content_digest(&response)
        {
            return match reference.digest() {
                Some(wanted) if *wanted != digest => Err(corrupt(target, &name)),
                _ => Ok(digest),
            };
        }
        // Other registries are asked for the manifest itself.
        self.manifest_at(target, &name).await.map(|manifest| manifest.digest)
    }

    async fn request_manifest(
        &self,
        target: &Target,
        method: Method,
        name: &Name<'_>,
    ) -> Result<Response, RegistryError> {
        let url = self.transport.url(target, &format!("manifests/{name}")).await?;
        let mut request = Request::new(method, url);
        request.headers.insert(ACCEPT, HeaderValue::from_static(media_type::ACCEPT));
        self.transport.send(target, request).await
    }

    pub(crate) async fn manifest_at(
        &self,
        target: &Target,
        name: &Name<'_>,
    ) -> Result<RawManifest, RegistryError> {
        let what = called(target, name);
        let response = self.request_manifest(target, Method::GET, name).await?;
        if !response.status().is_success() {
            return Err(of_status(response, target, &what).await);
        }
        let media_type = response.header(CONTENT_TYPE.as_str()).unwrap_or_default().to_owned();
        let promised = content_digest(&response);
        let bytes = read_bounded(response, target, &what, MAX_MANIFEST_BYTES).await?;
        let wanted = match name {
            Name::Digest(digest) => Some(**digest),
            Name::Tag(_) => promised,
        };
        let digest = match wanted {
            Some(digest) if digest.matches(&bytes) => digest,
            Some(_) => return Err(corrupt(target, name)),
            None => Digest::sha256(&bytes),
        };
        Ok(RawManifest { digest, media_type, bytes })
    }

    async fn referrers_at(
        &self,
        target: &Target,
        digest: &Digest,
    ) -> Result<Vec<Descriptor>, RegistryError> {
        let url = self.transport.url(target, &format!("referrers/{digest}")).await?;
        let response = self.transport.send(target, Request::get(url)).await?;
        let what = called(target, &Name::Digest(digest));
        let bytes = if response.status().is_success() {
            read_bounded(response, target, &what, MAX_MANIFEST_BYTES).await?
        } else {
            // The specification's fallback for registries without the referrers API.
            let tag = referrers_tag(digest);
            match self.manifest_at(target, &Name::Tag(&tag)).await {
                Ok(manifest) => manifest.bytes,
                Err(RegistryError::NotFound { .. }) => return Ok(Vec::new()),
                Err(error) => return Err(error),
            }
        };
        let referrers = Index::parse(&bytes).map_err(|error| {
            target.malformed(format!("the list of referrers is not an index: {error}"))
        })?;
        Ok(referrers.manifests)
    }
}

/// Where registries without the referrers API keep the list of what refers to a manifest. With a suffix,
/// it is where cosign keeps what it attaches.
pub(crate) fn referrers_tag(digest: &Digest) -> String {
    digest.to_string().replacen(':', "-", 1)
}

/// The reference's own registry and repository.
pub(crate) fn target(reference: &Reference, push: bool) -> Target {
    Target {
        host: reference.registry().to_owned(),
        repository: reference.repository().to_owned(),
        push,
    }
}

/// What a manifest is requested by.
pub(crate) enum Name<'r> {
    /// A tag.
    Tag(&'r str),
    /// A digest.
    Digest(&'r Digest),
}

impl std::fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tag(tag) => f.write_str(tag),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

/// What the manifest of a reference is requested by: the digest, which is exact, or else the tag.
fn name_of(reference: &Reference) -> Name<'_> {
    reference.digest().map_or_else(|| Name::Tag(reference.tag().unwrap_or("latest")), Name::Digest)
}

/// `library/nginx:1.27`, `library/nginx@sha256:…`.
fn called(target: &Target, name: &Name<'_>) -> String {
    let separator = if matches!(name, Name::Digest(_)) { '@' } else { ':' };
    format!("{}{separator}{name}", target.repository)
}

fn corrupt(target: &Target, name: &Name<'_>) -> RegistryError {
    RegistryError::Corrupt { host: target.host.clone(), what: called(target, name) }
}

fn read(target: &Target, manifest: &RawManifest) -> Result<AnyManifest, RegistryError> {
    AnyManifest::parse(&manifest.bytes).map_err(|error| target.malformed(error.to_string()))
}

fn content_digest(response: &Response) -> Option<Digest> {
    response.header("docker-content-digest")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Servers run these futures on the threads of their own runtime.
    #[test]
    fn futures_can_move_between_threads() {
        fn is_send(_: impl Send) {}
        let client = RegistryClient::new(Options::default()).unwrap();
        let reference = Reference::parse("registry.example/a:1").unwrap();
        let descriptor = Descriptor::of("x", b"");
        is_send(client.resolve(&reference));
        is_send(client.image(&reference, None));
        is_send(client.tags(&reference));
        is_send(client.repositories("registry.example"));
        is_send(client.small_blob(&reference, &descriptor, 1));
        is_send(client.referrers(&reference, None));
        is_send(client.attachments(&reference));
        is_send(client.push_manifest(&reference, "x", b"{}"));
        is_send(client.push_blob(&reference, &descriptor, || Ok(std::io::empty())));
    }
}
