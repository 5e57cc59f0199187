//! Requests and answers.

use std::io;
use std::time::Duration;

use coaming_http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use coaming_http::{Body, Bytes, Method, Request, StatusCode, Url, clean, server_time};
use serde::Serialize;

use crate::config::{Auth, VaultConfig};
use crate::value::{Buffer, Value};
use crate::wire::{Owned, bearer, read, unavailable};
use crate::{StoreError, config};

pub(crate) use super::answer::{Answer, Mount};

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A server of Vault or OpenBao.
#[derive(Clone, Debug)]
pub struct Client {
    http: coaming_http::Client,
    address: Url,
    namespace: Option<HeaderValue>,
}

/// A request, without a token.
pub(crate) struct Query<'q> {
    method: Method,
    segments: &'q [&'q str],
    body: Option<Value>,
    about: &'q str,
}

impl<'q> Query<'q> {
    /// Asks for what is at this path, in parts that may have several segments each.
    pub(crate) fn get(segments: &'q [&'q str]) -> Self {
        Self { method: Method::GET, segments, body: None, about: "" }
    }

    /// Sends something there.
    pub(crate) fn post(segments: &'q [&'q str]) -> Self {
        Self { method: Method::POST, ..Self::get(segments) }
    }

    /// What the request is about, for errors.
    pub(crate) fn about(mut self, about: &'q str) -> Self {
        self.about = about;
        self
    }

    /// With this body.
    pub(crate) fn body(mut self, body: &impl Serialize) -> Result<Self, StoreError> {
        let json = Buffer::json(body)
            .map_err(|_| StoreError::Setting("only text can be sent to this store".to_owned()))?;
        self.body = Some(json.into_value());
        Ok(self)
    }
}

impl Client {
    /// A client of this server. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`StoreError::Setting`] if the address or the certificates cannot be used.
    pub fn new(config: VaultConfig) -> Result<Self, StoreError> {
        let setting = |reason: &dyn std::fmt::Display| StoreError::Setting(reason.to_string());
        let address = Url::parse(&config.address)
            .map_err(|error| setting(&format_args!("`{}`: {error}", config.address)))?;
        if address.cannot_be_a_base() || !matches!(address.scheme(), "http" | "https") {
            return Err(setting(&format_args!("`{}` is not an HTTP address", config.address)));
        }
        let namespace = config.namespace.as_deref().map(HeaderValue::from_str).transpose();
        let namespace = namespace.map_err(|_| setting(&"the namespace is not a header value"))?;
        let identity = match config.auth {
            Auth::Certificate { identity_file, .. } => Some(identity_file),
            _ => None,
        };
        let timeout = Duration::from_millis(config.timeout_milliseconds);
        let options = coaming_http::Options {
            authorities: config.ca_bundle.into_iter().collect(),
            identity,
            redirects: false,
            connect_timeout: CONNECT_TIMEOUT.min(timeout),
            timeout,
            // The caller decides when to try again: it has the last good answer.
            patience: Duration::ZERO,
            ..coaming_http::Options::default()
        };
        let http = coaming_http::Client::new(options).map_err(|error| setting(&error))?;
        Ok(Self { http, address, namespace })
    }

    /// Whether the server accepts a token: without the right to do something, a valid one gets the same
    /// answer.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    pub async fn accepts(&self, token: &Value) -> Result<bool, StoreError> {
        let query = Query::get(&["auth/token/lookup-self"]).about("the token");
        match self.send(&query, Some(token)).await {
            Ok(_) => Ok(true),
            Err(StoreError::Denied(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Sends a request, once.
    pub(crate) async fn send(
        &self,
        query: &Query<'_>,
        token: Option<&Value>,
    ) -> Result<Answer, StoreError> {
        let mut request = Request::new(query.method.clone(), self.url(query.segments)?);
        let header = HeaderName::from_static("x-vault-request");
        request.headers.insert(header, HeaderValue::from_static("true"));
        if let Some(namespace) = &self.namespace {
            let header = HeaderName::from_static("x-vault-namespace");
            request.headers.insert(header, namespace.clone());
        }
        if let Some(token) = token {
            request.headers.insert(AUTHORIZATION, bearer(token)?);
        }
        let body = || {
            let body = query.body.clone().unwrap_or_default();
            io::Result::Ok(Body::from(Bytes::from_owner(Owned(body))))
        };
        if query.body.is_some() {
            request.body = Some(&body);
        }
        let response = self.http.send_once(&request).await.map_err(unavailable)?;
        let status = response.status();
        let sent = server_time(response.headers());
        let answer = Answer::new(read(response).await?, sent);
        if status.is_success() {
            return Ok(answer);
        }
        let secrets: Vec<&Value> = token.into_iter().chain(&query.body).collect();
        Err(refusal(status, &answer, &secrets, query.about))
    }

    fn url(&self, parts: &[&str]) -> Result<Url, StoreError> {
        let mut url = self.address.clone();
        let mut path =
            url.path_segments_mut().map_err(|()| StoreError::Setting("not a URL".to_owned()))?;
        path.pop_if_empty().push("v1");
        for part in parts {
            if !config::is_path(part) {
                return Err(StoreError::Setting(format!("`{part}` is not a path")));
            }
            path.extend(part.split('/'));
        }
        drop(path);
        Ok(url)
    }
}

/// What a status other than success means.
fn refusal(status: StatusCode, answer: &Answer, secrets: &[&Value], about: &str) -> StoreError {
    let reason = answer.errors().join("; ");
    let repeats = |secret: &&Value| {
        secret.expose_text().is_some_and(|text| !text.is_empty() && reason.contains(text))
    };
    let reason = match reason.as_str() {
        "" => format!("status {}", status.as_u16()),
        _ if secrets.iter().any(repeats) => format!("status {}", status.as_u16()),
        reason => clean(reason),
    };
    match status.as_u16() {
        403 => StoreError::Denied(about.to_owned()),
        404 => StoreError::NotFound(about.to_owned()),
        503 if reason.contains("sealed") => StoreError::Sealed,
        300..=399 => StoreError::Answer("it is a redirect: name the active server".to_owned()),
        // 412: the server has not yet replicated what this client wrote; 429, 472, 473: standby.
        408 | 412 | 425 | 429 | 472 | 473 | 500..=599 => StoreError::Unavailable(reason),
        _ => StoreError::Rejected(reason),
    }
}
