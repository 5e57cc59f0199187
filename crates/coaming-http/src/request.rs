//! A request that can be sent more than once.

use std::io;

use reqwest::header::HeaderMap;
use reqwest::{Body, Method, Url};

/// A request that can be sent again: after a pause, or after authentication.
pub struct Request<'r> {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Headers in addition to the client's own.
    pub headers: HeaderMap,
    /// Makes the body, from scratch for each attempt.
    pub body: Option<&'r (dyn Fn() -> io::Result<Body> + Sync)>,
    /// Whether the time limit is for each part of the answer, not for the whole answer.
    pub streamed: bool,
    /// Whether plain HTTP is allowed for this request: its sender knows why.
    pub plain_http: bool,
}

impl Request<'_> {
    /// A request of this method, without a body, whose answer is short.
    #[must_use]
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: None,
            streamed: false,
            plain_http: false,
        }
    }

    /// A `GET`.
    #[must_use]
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }
}
