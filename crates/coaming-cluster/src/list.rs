//! List one resource after the other, page by page.

use std::sync::Arc;

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
/// How large an answer to one request may be. An object has at most 1.5 MiB in etcd, but few are
/// larger than some KiB.
const MAX_PAGE_BYTES: u64 = 1 << 30;
/// How many objects of one kind are read: a cluster of the largest supported size has 150,000 pods.
const MAX_OF_KIND: usize = 500_000;

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

    /// Reads all objects of a resource.
    pub(crate) async fn read(&mut self, resource: &Resource, objects: &mut ClusterObjects) {
        let namespace = self.namespace.filter(|_| resource.namespaced);
        let url = DynamicObject::url_path(&resource.api, namespace);
        let mut parameters = ListParams::default().limit(PAGE);
        let mut count = 0;
        loop {
            let page = match self.page(resource, namespace, &url, &parameters).await {
                Ok(page) => page,
                // A user of one namespace often has no rights outside of it, and did not ask for
                // anything there.
                Err(ReadError::Forbidden { .. })
                    if !resource.namespaced && self.namespace.is_some() =>
                {
                    return;
                }
                Err(error) => return objects.errors.push(error),
            };
            count += page.documents.len();
            let name = &objects.name;
            let sources = page.documents.into_iter().map(|document| source(name, document));
            objects.sources.extend(sources);
            match page.continue_token {
                Some(token) if count < MAX_OF_KIND => {
                    parameters = parameters.continue_token(&token);
                }
                Some(_) => {
                    let resource = resource.full_name();
                    return objects.errors.push(ReadError::TooMany { resource, count });
                }
                None => return,
            }
        }
    }

    async fn page(
        &mut self,
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
        let request = Request::new(url)
            .list(parameters)
            .map_err(|error| failed(kube::Error::BuildRequest(error)))?;
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

/// The source of one object. It has no text: lines and columns would mean nothing to the user.
fn source(cluster: &str, document: Document) -> Source {
    let root = document.root();
    let metadata = root.mapping("metadata");
    let field = |name| metadata.string(name).unwrap_or_default();
    let kind = root.string("kind").unwrap_or_default();
    let parts = [cluster, field("namespace"), kind, field("name")];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let name = parts.join("/");
    Source::new(&name, Arc::from(""), vec![document]).with_origin(Origin::Cluster)
}
