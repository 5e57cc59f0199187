//! What can be asked of a registry.

use std::sync::Arc;

use coaming_oci::{
    AnyManifest, Descriptor, Digest, Index, Manifest, Platform, Reference, media_type,
};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue, LINK};
use reqwest::{Method, Response, StatusCode, Url};

use crate::error::RegistryError;
use crate::manifest::{Image, RawManifest};
use crate::transport::{Call, Target, Transport, of_status, read_bounded};
use crate::{BlobReader, Options};

/// The largest manifest that is read: as large as registries themselves take.
const MAX_MANIFEST_BYTES: u64 = 4 << 20;
/// The largest page of a list of tags.
const MAX_PAGE_BYTES: u64 = 4 << 20;
/// The most tags that are read of one repository.
const MAX_TAGS: usize = 100_000;
/// The most pages of a list.
const MAX_PAGES: usize = 1_000;

/// A client for all registries, with what it has learnt of them: who needs which credentials.
///
/// To be cloned and used from several threads at once, but not from asynchronous code.
#[derive(Clone)]
pub struct Registry {
    pub(crate) transport: Arc<Transport>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Registry")
    }
}

impl Registry {
    /// Makes a client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// Where a file of certificates can't be read.
    pub fn new(options: Options) -> Result<Self, RegistryError> {
        Ok(Self { transport: Arc::new(Transport::new(options)?) })
    }

    /// The digest that a reference stands for: of the index, where there are several platforms.
    /// A reference with a digest is asked for too: it must be there.
    ///
    /// # Errors
    ///
    /// As [`RegistryError`] says.
    pub fn resolve(&self, reference: &Reference) -> Result<Digest, RegistryError> {
        self.ask(reference, async |target| self.resolve_at(&target, reference).await)
    }

    /// The manifest or index that a reference stands for.
    ///
    /// # Errors
    ///
    /// As [`RegistryError`] says.
    pub fn manifest(&self, reference: &Reference) -> Result<RawManifest, RegistryError> {
        let name = name_of(reference);
        self.ask(reference, async |target| self.manifest_at(&target, &name).await)
    }

    /// The image that a reference resolves to, for a platform: see [`Index::choose`]. Where there is
    /// no index, the image is taken as it is.
    ///
    /// # Errors
    ///
    /// As [`RegistryError`] says.
    pub fn image(
        &self,
        reference: &Reference,
        platform: Option<&Platform>,
    ) -> Result<Image, RegistryError> {
        let name = name_of(reference);
        self.ask(reference, async |target| {
            let first = self.manifest_at(&target, &name).await?;
            let manifest = match read(&target, &first)? {
                AnyManifest::Manifest(_) => first.clone(),
                AnyManifest::Index(index) => {
                    let chosen = index.choose(platform).map_err(|missing| {
                        RegistryError::NoSuchPlatform {
                            what: reference.to_string(),
                            platform: missing.wanted,
                            available: missing.available,
                        }
                    })?;
                    let name = Name::Digest(&chosen.digest);
                    self.manifest_at(&target, &name).await?
                }
            };
            match read(&target, &manifest)? {
                AnyManifest::Manifest(Manifest { config: Some(config), layers, .. }) => Ok(Image {
                    digest: first.digest,
                    manifest_digest: manifest.digest,
                    manifest: manifest.bytes,
                    config,
                    layers,
                }),
                _ => Err(target.malformed("the manifest is of no image")),
            }
        })
    }

    /// The descriptors of an artifact's contents: its layers, with its type.
    ///
    /// # Errors
    ///
    /// As [`RegistryError`] says.
    pub fn artifact(
        &self,
        reference: &Reference,
    ) -> Result<(Option<String>, Vec<Descriptor>), RegistryError> {
        let name = name_of(reference);
        self.ask(reference, async |target| {
            let manifest = self.manifest_at(&target, &name).await?;
            match read(&target, &manifest)? {
                AnyManifest::Manifest(Manifest { config, layers, artifact_type }) => {
                    Ok((artifact_type.or_else(|| config.map(|config| config.media_type)), layers))
                }
                AnyManifest::Index(_) => Err(target.malformed("it is an index, and no artifact")),
            }
        })
    }

    /// The repository's tags, sorted as texts.
    ///
    /// # Errors
    ///
    /// As [`RegistryError`] says; a list without end is refused.
    pub fn tags(&self, reference: &Reference) -> Result<Vec<String>, RegistryError> {
        self.ask(reference, async |target| self.tags_at(&target).await)
    }

    /// The contents of a blob, as a stream that checks their length and digest.
    ///
    /// # Errors
    ///
    /// As [`RegistryError`] says. What goes wrong later, reading says.
    pub fn blob(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
    ) -> Result<BlobReader, RegistryError> {
        self.ask(reference, async |target| {
            BlobReader::open(self.clone(), target, descriptor.clone()).await
        })
    }

    /// A blob of at most `limit` bytes as a whole.
    ///
    /// # Errors
    ///
    /// As [`RegistryError`] says.
    pub fn small_blob(
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
        self.blob(reference, descriptor)?.read_whole()
    }

    /// What refers to the manifest that the reference's digest names: signatures, SBOMs, VEX. Of
    /// one type, if given. Registries without that list are asked for the tag that stands for it.
    ///
    /// # Errors
    ///
    /// As [`RegistryError`] says; [`RegistryError::Setting`] where the reference has no digest.
    pub fn referrers(
        &self,
        reference: &Reference,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>, RegistryError> {
        let Some(digest) = reference.digest() else {
            return Err(RegistryError::Setting(format!("`{reference}` has no digest")));
        };
        let mut all =
            self.ask(reference, async |target| self.referrers_at(&target, digest).await)?;
        if let Some(wanted) = artifact_type {
            all.retain(|descriptor| descriptor.artifact_type.as_deref() == Some(wanted));
        }
        Ok(all)
    }

    /// Asks the mirrors of the reference's registry, then the registry itself, whose word is final.
    fn ask<T>(
        &self,
        reference: &Reference,
        question: impl AsyncFn(Target) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        let mirrors = self.transport.options.mirrors.get(reference.registry());
        self.transport.block_on(async {
            for mirror in mirrors.into_iter().flatten() {
                let (host, directory) = mirror.split_once('/').unwrap_or((mirror, ""));
                let directory = directory.trim_matches('/');
                let repository = match directory {
                    "" => reference.repository().to_owned(),
                    directory => format!("{directory}/{}", reference.repository()),
                };
                let target = Target { host: host.to_owned(), repository, push: false };
                if let Ok(answer) = question(target).await {
                    return Ok(answer);
                }
            }
            question(target(reference, false)).await
        })
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
        // Registries that do not answer so are asked for the manifest itself.
        self.manifest_at(target, &name).await.map(|manifest| manifest.digest)
    }

    async fn request_manifest(
        &self,
        target: &Target,
        method: Method,
        name: &Name<'_>,
    ) -> Result<Response, RegistryError> {
        let url = self.transport.url(target, &format!("manifests/{name}")).await?;
        let mut call = Call { method, ..Call::get(url) };
        call.headers.insert(ACCEPT, HeaderValue::from_static(media_type::ACCEPT));
        self.transport.send(target, &call).await
    }

    async fn manifest_at(
        &self,
        target: &Target,
        name: &Name<'_>,
    ) -> Result<RawManifest, RegistryError> {
        let what = called(target, name);
        let response = self.request_manifest(target, Method::GET, name).await?;
        if !response.status().is_success() {
            return Err(of_status(response, target, &what).await);
        }
        let header = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = header.unwrap_or_default().to_owned();
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

    async fn tags_at(&self, target: &Target) -> Result<Vec<String>, RegistryError> {
        #[derive(serde::Deserialize)]
        struct Page {
            tags: Option<Vec<String>>,
        }
        let mut next = Some(self.transport.url(target, "tags/list?n=1000").await?);
        let mut tags = Vec::new();
        for _ in 0..MAX_PAGES {
            let Some(url) = next else {
                tags.sort();
                tags.dedup();
                return Ok(tags);
            };
            let response = self.transport.send(target, &Call::get(url.clone())).await?;
            let what = target.repository.as_str();
            if !response.status().is_success() {
                return Err(of_status(response, target, what).await);
            }
            next = next_page(&url, &response);
            let bytes = read_bounded(response, target, what, MAX_PAGE_BYTES).await?;
            let page: Page = serde_json::from_slice(&bytes)
                .map_err(|error| target.malformed(&format!("the list of tags: {error}")))?;
            tags.extend(page.tags.unwrap_or_default());
            if tags.len() > MAX_TAGS {
                break;
            }
        }
        Err(target.malformed(&format!("the list of tags has no end after {}", tags.len())))
    }

    async fn referrers_at(
        &self,
        target: &Target,
        digest: &Digest,
    ) -> Result<Vec<Descriptor>, RegistryError> {
        let url = self.transport.url(target, &format!("referrers/{digest}")).await?;
        let response = self.transport.send(target, &Call::get(url)).await?;
        let what = called(target, &Name::Digest(digest));
        let bytes = if response.status().is_success() {
            read_bounded(response, target, &what, MAX_MANIFEST_BYTES).await?
        } else {
            // What the specification has for registries that don't know the list.
            let tag = digest.to_string().replacen(':', "-", 1);
            match self.manifest_at(target, &Name::Tag(&tag)).await {
                Ok(manifest) => manifest.bytes,
                Err(RegistryError::NotFound { .. }) => return Ok(Vec::new()),
                Err(error) => return Err(error),
            }
        };
        let referrers = Index::parse(&bytes).map_err(|error| {
            target.malformed(&format!("the list of referrers is not an index: {error}"))
        })?;
        Ok(referrers.manifests)
    }
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
enum Name<'r> {
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
    AnyManifest::parse(&manifest.bytes).map_err(|error| target.malformed(&error.to_string()))
}

fn content_digest(response: &Response) -> Option<Digest> {
    response.headers().get("docker-content-digest")?.to_str().ok()?.parse().ok()
}

/// The next page of a list, which must be at the same server.
fn next_page(url: &Url, response: &Response) -> Option<Url> {
    let link = response.headers().get(LINK)?.to_str().ok()?;
    let (address, rest) = link.trim_start().strip_prefix('<')?.split_once('>')?;
    let next = url.join(address).ok()?;
    let is_next = rest.contains("rel=\"next\"") || rest.contains("rel=next");
    (is_next && next.origin() == url.origin() && next != *url).then_some(next)
}
