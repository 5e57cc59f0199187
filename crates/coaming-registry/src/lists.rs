//! Lists that registries give in pages: the tags of a repository, the repositories of a registry.
//!
//! Invariant: a list that has no end is refused, and so is a page at another server.

use coaming_http::header::LINK;
use coaming_http::{Request, Response, Url};
use coaming_oci::Reference;

use crate::RegistryClient;
use crate::error::RegistryError;
use crate::transport::{Target, of_status, read_bounded};

/// The largest page of a list.
const MAX_PAGE_BYTES: u64 = 4 << 20;
/// The most names of one list that are read.
const MAX_NAMES: usize = 100_000;
/// The most pages of a list.
const MAX_PAGES: usize = 1_000;

/// A page of either list.
#[derive(serde::Deserialize)]
struct Page {
    #[serde(alias = "repositories")]
    tags: Option<Vec<String>>,
}

impl RegistryClient {
    /// The repository's tags, sorted alphabetically.
    ///
    /// # Errors
    ///
    /// See [`RegistryError`]; an endless list is refused.
    pub async fn tags(&self, reference: &Reference) -> Result<Vec<String>, RegistryError> {
        self.ask(reference, |target| async move {
            let first = self.transport.url(&target, "tags/list?n=1000").await?;
            self.names(&target, first, &target.repository).await
        })
        .await
    }

    /// The repositories of a registry that this user may see, sorted alphabetically: its catalog.
    ///
    /// # Errors
    ///
    /// See [`RegistryError`]; an endless list is refused. Public registries have no catalog.
    pub async fn repositories(&self, host: &str) -> Result<Vec<String>, RegistryError> {
        let target = Target { host: host.to_owned(), repository: String::new(), push: false };
        let base = self.transport.base(host).await?;
        let first = base
            .join("v2/_catalog?n=1000")
            .map_err(|_| target.malformed("its name is not valid in a URL"))?;
        self.names(&target, first, "_catalog").await
    }

    async fn names(
        &self,
        target: &Target,
        first: Url,
        what: &str,
    ) -> Result<Vec<String>, RegistryError> {
        let mut next = Some(first);
        let mut names = Vec::new();
        for _ in 0..MAX_PAGES {
            let Some(url) = next else {
                names.sort();
                names.dedup();
                return Ok(names);
            };
            let response = self.transport.send(target, Request::get(url.clone())).await?;
            if !response.status().is_success() {
                return Err(of_status(response, target, what).await);
            }
            next = next_page(&url, &response);
            let bytes = read_bounded(response, target, what, MAX_PAGE_BYTES).await?;
            let page: Page = serde_json::from_slice(&bytes)
                .map_err(|error| target.malformed(format!("the list of names: {error}")))?;
            names.extend(page.tags.unwrap_or_default());
            if names.len() > MAX_NAMES {
                break;
            }
        }
        Err(target.malformed(format!("the list of names has no end after {}", names.len())))
    }
}

/// The next page of a list, which must be at the same server.
fn next_page(url: &Url, response: &Response) -> Option<Url> {
    let link = response.header(LINK.as_str())?;
    let (address, rest) = link.trim_start().strip_prefix('<')?.split_once('>')?;
    let next = url.join(address).ok()?;
    let is_next = rest.contains("rel=\"next\"") || rest.contains("rel=next");
    (is_next && next.origin() == url.origin() && next != *url).then_some(next)
}
