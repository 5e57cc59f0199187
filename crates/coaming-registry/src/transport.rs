//! Requests to a registry: the scheme, the credentials, and the error of each status.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use coaming_http::header::{AUTHORIZATION, HeaderValue};
use coaming_http::{
    Client, Error as HttpError, Request, Response, StatusCode, Url, clean, is_loopback, retry_after,
};

use crate::auth;
use crate::error::{MalformedAnswer, RegistryError};
use crate::options::Options;

/// The largest error message that is read.
const MAX_MESSAGE_BYTES: u64 = 64 << 10;

/// A repository at a registry, and the access that is needed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    /// The registry as people name it: `docker.io`.
    pub(crate) host: String,
    /// `library/nginx`; empty for the registry's catalog.
    pub(crate) repository: String,
    /// Whether something is written.
    pub(crate) push: bool,
}

impl Target {
    /// What a token must allow.
    pub(crate) fn scope(&self) -> String {
        if self.repository.is_empty() {
            return "registry:catalog:*".to_owned();
        }
        let actions = if self.push { "pull,push" } else { "pull" };
        format!("repository:{}:{actions}", self.repository)
    }

    pub(crate) fn unauthorized(&self, reason: &str) -> RegistryError {
        RegistryError::Unauthorized {
            host: self.host.clone(),
            repository: self.repository.clone(),
            reason: reason.to_owned(),
        }
    }

    pub(crate) fn malformed(&self, reason: impl Into<MalformedAnswer>) -> RegistryError {
        RegistryError::Malformed {
            host: self.host.clone(),
            what: self.repository.clone(),
            source: reason.into(),
        }
    }

    pub(crate) fn failed(&self, error: HttpError) -> RegistryError {
        RegistryError::of_request(&self.host, error)
    }
}

/// Which credentials go with a request.
pub(crate) enum Authorization {
    /// Those that the registry asks for, in the way in which it asks.
    Negotiated,
    /// This header, or none.
    Fixed(Option<HeaderValue>),
}

impl Authorization {
    /// This one if it has a header, else the other.
    pub(crate) fn or(self, other: Self) -> Self {
        if matches!(self, Self::Fixed(None)) { other } else { self }
    }
}

/// What all requests share.
pub(crate) struct Transport {
    pub(crate) http: Client,
    pub(crate) options: Options,
    bases: Mutex<HashMap<String, Url>>,
    authorizations: Mutex<HashMap<Target, HeaderValue>>,
}

impl Transport {
    pub(crate) fn new(options: Options) -> Result<Self, RegistryError> {
        let http = Client::new(options.http.clone())?;
        Ok(Self { http, options, bases: Mutex::default(), authorizations: Mutex::default() })
    }

    /// The address of something in a target's repository: `manifests/latest`.
    pub(crate) async fn url(&self, target: &Target, rest: &str) -> Result<Url, RegistryError> {
        let base = self.base(&target.host).await?;
        let path = format!("v2/{}/{rest}", target.repository);
        base.join(&path).map_err(|_| target.malformed("its name is not valid in a URL"))
    }

    /// The root of a registry's addresses. A registry on this machine may have no TLS: it is asked
    /// once.
    pub(crate) async fn base(&self, host: &str) -> Result<Url, RegistryError> {
        if let Some(base) = lock(&self.bases).get(host) {
            return Ok(base.clone());
        }
        let server = if host == "docker.io" { "registry-1.docker.io" } else { host };
        let address = |scheme: &str| {
            Url::parse(&format!("{scheme}://{server}/"))
                .map_err(|_| RegistryError::Host(host.to_owned()))
        };
        let base = if self.options.http.wants_plain_http(host) {
            address("http")?
        } else if is_loopback(host) {
            self.probe(host, address("https")?, address("http")?).await?
        } else {
            address("https")?
        };
        lock(&self.bases).insert(host.to_owned(), base.clone());
        Ok(base)
    }

    async fn probe(&self, host: &str, secure: Url, plain: Url) -> Result<Url, RegistryError> {
        match self.http.send_once(&Request::get(secure.clone())).await {
            Ok(_) => Ok(secure),
            Err(error) if error.may_be_plain_http() => {
                match self.http.send_once(&Request::get(plain.clone())).await {
                    // A TLS server answers plain HTTP with this status.
                    Ok(response) if response.status() != StatusCode::BAD_REQUEST => Ok(plain),
                    _ => Err(RegistryError::of_request(host, error)),
                }
            }
            Err(error) => Err(RegistryError::of_request(host, error)),
        }
    }

    /// Sends a request with the credentials that the registry asks for.
    pub(crate) async fn send(
        &self,
        target: &Target,
        request: Request<'_>,
    ) -> Result<Response, RegistryError> {
        self.send_as(target, request, Authorization::Negotiated).await
    }

    /// Sends a request. Any answer but a rate limit is an answer, also one that reports an error.
    pub(crate) async fn send_as(
        &self,
        target: &Target,
        mut request: Request<'_>,
        authorization: Authorization,
    ) -> Result<Response, RegistryError> {
        if request.url.scheme() == "http" {
            request.plain_http = self.base(&target.host).await?.scheme() == "http";
        }
        let mut retries = self.http.retries();
        let mut challenged = false;
        loop {
            let header = match &authorization {
                Authorization::Fixed(header) => header.clone(),
                Authorization::Negotiated if self.may_authorize(target, &request.url).await? => {
                    lock(&self.authorizations).get(target).cloned()
                }
                Authorization::Negotiated => None,
            };
            if let Some(header) = header {
                request.headers.insert(AUTHORIZATION, header);
            }
            let sent = self.http.send_within(&request, &mut retries).await;
            let response = sent.map_err(|error| target.failed(error))?;
            let negotiable = matches!(authorization, Authorization::Negotiated) && !challenged;
            match response.status() {
                StatusCode::UNAUTHORIZED if negotiable => {
                    challenged = true;
                    let header = auth::answer(self, target, response.headers()).await?;
                    lock(&self.authorizations).insert(target.clone(), header);
                }
                StatusCode::TOO_MANY_REQUESTS => return Err(rate_limited(target, &response)),
                _ => return Ok(response),
            }
        }
    }

    /// Credentials go to the registry itself and nowhere else, whatever upload address it gives.
    async fn may_authorize(&self, target: &Target, url: &Url) -> Result<bool, RegistryError> {
        Ok(self.base(&target.host).await?.origin() == url.origin())
    }
}

/// Nothing that panics is done while a lock is held.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The error of a server whose rate limit is reached.
pub(crate) fn rate_limited(target: &Target, response: &Response) -> RegistryError {
    let wait = retry_after(response.headers());
    RegistryError::RateLimited { host: target.host.clone(), wait }
}

/// Reads a whole answer, if it is no longer than `limit`.
pub(crate) async fn read_bounded(
    response: Response,
    target: &Target,
    what: &str,
    limit: u64,
) -> Result<Vec<u8>, RegistryError> {
    response.bytes(limit).await.map_err(|error| match error {
        HttpError::TooLarge { limit } => {
            RegistryError::TooLarge { host: target.host.clone(), what: what.to_owned(), limit }
        }
        error => target.failed(error),
    })
}

/// The error that an answer's status means.
pub(crate) async fn of_status(response: Response, target: &Target, what: &str) -> RegistryError {
    let host = target.host.clone();
    let status = response.status();
    match status {
        StatusCode::NOT_FOUND => RegistryError::NotFound { host, what: what.to_owned() },
        StatusCode::UNAUTHORIZED => target.unauthorized("it rejects the credentials"),
        StatusCode::FORBIDDEN => target.unauthorized("forbidden"),
        _ => {
            let body = read_bounded(response, target, what, MAX_MESSAGE_BYTES).await;
            let message = body.map_or_else(|_| String::new(), |body| message_in(&body));
            RegistryError::Status { host, what: what.to_owned(), status: status.as_u16(), message }
        }
    }
}

/// The first error's message, in the form of the specification; nothing of any other answer.
fn message_in(body: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    value
        .pointer("/errors/0/message")
        .and_then(serde_json::Value::as_str)
        .map_or_else(String::new, clean)
}
