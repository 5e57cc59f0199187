//! List one resource after the other, page by page.

use std::sync::Arc;

use coaming_finding::Note;
use coaming_kube::{Fields as _, Origin, Source};
use coaming_yaml::Document;
use futures_util::io::AsyncReadExt as _;
use kube::Client;
use kube::api::{DynamicObject, ListParams, Request};
use kube::core::Resource as _;

use crate::discover::Resource;
use crate::page::{self, Page};
use crate::{ClusterObjects, ReadError};

/// How many objects one request asks for: as many as kubectl does.
const PAGE: u32 = 500;
/// How large an answer to one request may be. Few objects are larger than some KiB, but one may have
/// 1.5 MiB in etcd: where a page would be larger, smaller pages are asked for.
const MAX_PAGE_BYTES: u64 = 8 << 20;
/// How much smaller the pages are that are asked for after one that is too large.
const SMALLER: u32 = 8;
/// How many objects of one kind are read: a cluster of the largest supported size has 150,000 pods.
const MAX_OF_KIND: usize = 500_000;

/// How much of each object is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    /// Names, labels, annotations and owners.
    Metadata,
}

/// Reads resources; one buffer serves all answers.
pub(crate) struct Reader<'o> {
    client: Client,
    namespace: Option<&'o str>,
    buffer: Vec<u8>,
}

impl<'o> Reader<'o> {
    pub(crate) fn new(client: Client, namespace: Option<&'o str>) -> Self {
        Self { client, namespace, buffer: Vec::new() }
    }

    /// Reads all objects of a resource, and returns the version of the list: a watch goes on from
    /// there.
    pub(crate) async fn read(
        &mut self,
        resource: &Resource,
        objects: &mut ClusterObjects,
    ) -> String {
        self.read_part(Part::Whole, resource, objects).await
    }

    /// The same, of each object nothing but its metadata.
    pub(crate) async fn read_metadata(
        &mut self,
        resource: &Resource,
        objects: &mut ClusterObjects,
    ) -> String {
        self.read_part(Part::Metadata, resource, objects).await
    }

    /// Reads one object; `None` if there is no such object. The right to list is enough for it.
    pub(crate) async fn read_one(
        &mut self,
        resource: &Resource,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Source>, ReadError> {
        let namespace = Some(namespace).filter(|_| resource.namespaced);
        let url = DynamicObject::url_path(&resource.api, namespace);
        let parameters = ListParams::default().fields(&format!("metadata.name={name}"));
        let page = self.page(Part::Whole, resource, namespace, &url, &parameters).await?;
        Ok(page.documents.into_iter().next().map(|document| source("cluster", document)))
    }

    async fn read_part(
        &mut self,
        part: Part,
        resource: &Resource,
        objects: &mut ClusterObjects,
    ) -> String {
        let namespace = self.namespace.filter(|_| resource.namespaced);
        let url = DynamicObject::url_path(&resource.api, namespace);
        let mut limit = PAGE;
        let mut parameters = ListParams::default().limit(limit);
        if let Some(selector) = resource.label_selector() {
            parameters = parameters.labels(selector);
        }
        let (mut count, mut version) = (0, String::new());
        loop {
            let page = match self.page(part, resource, namespace, &url, &parameters).await {
                Ok(page) => page,
                Err(ReadError::TooLarge { .. }) if limit > 1 => {
                    limit = (limit / SMALLER).max(1);
                    parameters = parameters.limit(limit);
                    continue;
                }
                // A user of one namespace often has no rights outside of it, and did not ask for
                // anything there.
                Err(ReadError::Forbidden { resource: name, reason, .. })
                    if !resource.namespaced && self.namespace.is_some() =>
                {
                    let message =
                        format!("{name}, which are in no namespace, are not read: {reason}");
                    objects.notes.push(Note { message, count: 1 });
                    return version;
                }
                Err(error) => {
                    objects.errors.push(error);
                    return version;
                }
            };
            count += page.documents.len();
            version = page.version;
            let name = &objects.name;
            let sources = page.documents.into_iter().map(|document| source(name, document));
            objects.sources.extend(sources);
            match page.continue_token {
                Some(token) if count < MAX_OF_KIND => {
                    parameters = parameters.continue_token(&token);
                }
                Some(_) => {
                    let resource = resource.full_name();
                    objects.errors.push(ReadError::TooMany { resource, count });
                    return version;
                }
                None => return version,
            }
        }
    }

    async fn page(
        &mut self,
        part: Part,
        resource: &Resource,
        namespace: Option<&str>,
        url: &str,
        parameters: &ListParams,
    ) -> Result<Page, ReadError> {
        let name = || resource.full_name();
        let failed = |error: kube::Error| match error {
            kube::Error::Api(status) if status.code == 403 => ReadError::Forbidden {
                resource: name(),
                namespace: namespace.map(str::to_owned),
                reason: status.message,
            },
            error => ReadError::Request { resource: name(), source: error.into() },
        };
        let request = match part {
            Part::Whole => Request::new(url).list(parameters),
            Part::Metadata => Request::new(url).list_metadata(parameters),
        };
        let request = request.map_err(|error| failed(kube::Error::BuildRequest(error)))?;
        let answer = self.client.request_stream(request).await.map_err(failed)?;
        self.buffer.clear();
        answer
            .take(MAX_PAGE_BYTES + 1)
            .read_to_end(&mut self.buffer)
            .await
            .map_err(|source| ReadError::Broken { resource: name(), source })?;
        if self.buffer.len() as u64 > MAX_PAGE_BYTES {
            return Err(ReadError::TooLarge { resource: name(), limit: MAX_PAGE_BYTES });
        }
        page::decode(&self.buffer, &resource.api.api_version, &resource.api.kind)
            .map_err(|source| ReadError::Malformed { resource: name(), source })
    }
}

/// Reads an answer of at most `limit` bytes to the end.
pub(crate) async fn read_bounded(
    client: &Client,
    request: http::Request<Vec<u8>>,
    limit: u64,
) -> Result<Vec<u8>, kube::Error> {
    let answer = client.request_stream(request).await?;
    let mut bytes = Vec::new();
    answer.take(limit).read_to_end(&mut bytes).await.map_err(kube::Error::ReadEvents)?;
    Ok(bytes)
}

/// The source of one object. It has no text: lines and columns would mean nothing to the user.
pub(crate) fn source(cluster: &str, document: Document) -> Source {
    let root = document.root();
    let metadata = root.mapping("metadata");
    let field = |name| metadata.string(name).unwrap_or_default();
    let kind = root.string("kind").unwrap_or_default();
    let parts = [cluster, field("namespace"), kind, field("name")];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    named_source(&parts.join("/"), document)
}

pub(crate) fn named_source(name: &str, document: Document) -> Source {
    Source::new(name, Arc::from(""), vec![document]).with_origin(Origin::Cluster)
}
