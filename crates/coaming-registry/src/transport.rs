//! Requests to a registry: which scheme, who asks, how patiently, and how much is read.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode, Url};
use tokio::runtime::Runtime;

use crate::auth;
use crate::error::{RegistryError, clean};
use crate::failure;
use crate::options::{Options, is_loopback};

/// The longest chain of redirections.
const MAX_REDIRECTS: usize = 5;
/// How often a request is repeated after a broken connection.
const MAX_REPEATS: u32 = 2;
/// The largest error message that is read.
const MAX_MESSAGE_BYTES: u64 = 64 << 10;

/// A repository at a registry, and what is to be done there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    /// As people name the registry: `docker.io`.
    pub(crate) host: String,
    /// `library/nginx`.
    pub(crate) repository: String,
    /// Whether it is to be written.
    pub(crate) push: bool,
}

impl Target {
    /// What a token must allow.
    pub(crate) fn scope(&self) -> String {
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

    pub(crate) fn malformed(&self, reason: &str) -> RegistryError {
        RegistryError::Malformed {
            host: self.host.clone(),
            what: self.repository.clone(),
            reason: reason.to_owned(),
        }
    }

    pub(crate) fn failed(&self, error: &reqwest::Error) -> RegistryError {
        failure::of_request(&self.host, error)
    }
}

/// A request that can be made again: after authentication, or after a pause.
pub(crate) struct Call<'c> {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    /// Makes the body, afresh for each attempt.
    pub(crate) body: Option<&'c dyn Fn() -> std::io::Result<reqwest::Body>>,
    /// Whether the time limit is for the whole answer, or only for each part of it.
    pub(crate) short: bool,
    /// Who asks.
    pub(crate) identity: Identity,
}

/// Who asks.
pub(crate) enum Identity {
    /// Whoever the registry wants to know of, in the way in which it asks for it.
    Asked,
    /// The bearer of this header, or nobody.
    Given(Option<HeaderValue>),
}

impl Identity {
    /// This one, if it is somebody, else the other.
    pub(crate) fn or(self, other: Self) -> Self {
        if matches!(self, Self::Given(None)) { other } else { self }
    }
}

impl Call<'_> {
    pub(crate) fn get(url: Url) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: None,
            short: true,
            identity: Identity::Asked,
        }
    }
}

/// What all requests share.
pub(crate) struct Transport {
    pub(crate) client: reqwest::Client,
    pub(crate) options: Options,
    runtime: Runtime,
    bases: Mutex<HashMap<String, Url>>,
    authorizations: Mutex<HashMap<Target, HeaderValue>>,
}

impl Transport {
    pub(crate) fn new(options: Options) -> Result<Self, RegistryError> {
        // Who came first has installed a provider already, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let setting = |error: &dyn std::fmt::Display| RegistryError::Setting(error.to_string());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| setting(&error))?;
        let client = reqwest::Client::builder()
            .user_agent(concat!("coaming/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(options.connect_timeout)
            .read_timeout(options.timeout)
            .redirect(redirections())
            .referer(false)
            .tls_certs_merge(certificates(&options)?)
            .build()
            .map_err(|error| setting(&failure::of_request("TLS", &error)))?;
        Ok(Self {
            client,
            options,
            runtime,
            bases: Mutex::default(),
            authorizations: Mutex::default(),
        })
    }

    /// Runs a future to its end. Must not be called from asynchronous code.
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// The address of something in a target's repository: `manifests/latest`.
    pub(crate) async fn url(&self, target: &Target, rest: &str) -> Result<Url, RegistryError> {
        let base = self.base(&target.host).await?;
        let path = format!("v2/{}/{rest}", target.repository);
        base.join(&path).map_err(|_| target.malformed("its name can't stand in an address"))
    }

    /// The root of a registry's addresses. This machine's registries may do without TLS: those
    /// are asked once.
    pub(crate) async fn base(&self, host: &str) -> Result<Url, RegistryError> {
        if let Some(base) = lock(&self.bases).get(host) {
            return Ok(base.clone());
        }
        let server = if host == "docker.io" { "registry-1.docker.io" } else { host };
        let address = |scheme: &str| {
            Url::parse(&format!("{scheme}://{server}/"))
                .map_err(|_| RegistryError::Setting(format!("`{host}` is no host's name")))
        };
        let base = if self.options.wants_plain_http(host) {
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
        let get = |url: Url| self.client.get(url).timeout(self.options.timeout).send();
        match get(secure.clone()).await {
            Ok(_) => Ok(secure),
            Err(error) if failure::may_be_plain(&error) => match get(plain.clone()).await {
                // Servers that want TLS answer so to plain HTTP.
                Ok(answer) if answer.status() != StatusCode::BAD_REQUEST => Ok(plain),
                _ => Err(failure::of_request(host, &error)),
            },
            Err(error) => Err(failure::of_request(host, &error)),
        }
    }

    /// Makes a request, with authentication where it is asked for, and with patience where the
    /// server is busy. Gives any other answer, errors too.
    pub(crate) async fn send(
        &self,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<Response, RegistryError> {
        let mut waited = Duration::ZERO;
        let mut attempts = 0;
        let mut answered = false;
        loop {
            attempts += 1;
            let response = match self.once(target, call).await {
                Ok(response) => response,
                Err(Trouble::Final(error)) => return Err(error),
                Err(Trouble::Broken(error)) if attempts > MAX_REPEATS => {
                    return Err(target.failed(&error));
                }
                Err(Trouble::Broken(error)) => {
                    let pause = backoff(attempts);
                    waited += pause;
                    if waited > self.options.patience {
                        return Err(target.failed(&error));
                    }
                    tokio::time::sleep(pause).await;
                    continue;
                }
            };
            let status = response.status();
            if status == StatusCode::UNAUTHORIZED
                && !answered
                && matches!(call.identity, Identity::Asked)
            {
                answered = true;
                let header = auth::answer(self, target, response.headers()).await?;
                lock(&self.authorizations).insert(target.clone(), header);
            } else if is_busy(status) {
                match self.pause(&response, attempts, waited) {
                    Pause::For(pause) => {
                        waited += pause;
                        tokio::time::sleep(pause).await;
                    }
                    Pause::TooLong(wait) if status == StatusCode::TOO_MANY_REQUESTS => {
                        return Err(RegistryError::RateLimited { host: target.host.clone(), wait });
                    }
                    Pause::TooLong(_) => return Ok(response),
                }
            } else {
                return Ok(response);
            }
        }
    }

    async fn once(&self, target: &Target, call: &Call<'_>) -> Result<Response, Trouble> {
        let mut request = self
            .client
            .request(call.method.clone(), call.url.clone())
            .headers(call.headers.clone());
        if call.short {
            request = request.timeout(self.options.timeout);
        }
        let authorization = match &call.identity {
            Identity::Given(header) => header.clone(),
            Identity::Asked if self.may_authorize(target, &call.url).await? => {
                lock(&self.authorizations).get(target).cloned()
            }
            Identity::Asked => None,
        };
        if let Some(header) = authorization {
            request = request.header(AUTHORIZATION, header);
        }
        if let Some(body) = call.body {
            let body = body().map_err(|source| {
                Trouble::Final(RegistryError::Source { host: target.host.clone(), source })
            })?;
            request = request.body(body);
        }
        request.send().await.map_err(|error| {
            let final_ = error.is_timeout() || error.is_redirect() || error.is_builder();
            let trusted =
                !matches!(target.failed(&error), RegistryError::Certificate { .. }) && !final_;
            if trusted { Trouble::Broken(error) } else { Trouble::Final(target.failed(&error)) }
        })
    }

    /// Credentials go to the registry itself and nowhere else, wherever it says to upload to.
    async fn may_authorize(&self, target: &Target, url: &Url) -> Result<bool, RegistryError> {
        Ok(self.base(&target.host).await?.origin() == url.origin())
    }

    fn pause(&self, response: &Response, attempts: u32, waited: Duration) -> Pause {
        let asked = retry_after(response.headers());
        let pause = asked.unwrap_or_else(|| backoff(attempts));
        if waited + pause <= self.options.patience && attempts < 10 {
            Pause::For(pause)
        } else {
            Pause::TooLong(asked)
        }
    }
}

/// What to do about a busy server.
enum Pause {
    For(Duration),
    TooLong(Option<Duration>),
}

/// Why a request has no answer.
enum Trouble {
    /// It would have none the next time.
    Final(RegistryError),
    /// The connection broke.
    Broken(reqwest::Error),
}

impl From<RegistryError> for Trouble {
    fn from(error: RegistryError) -> Self {
        Self::Final(error)
    }
}

/// Nothing that panics is done while a lock is held.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_busy(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

fn backoff(attempts: u32) -> Duration {
    Duration::from_millis(250 << attempts.min(7))
}

/// Seconds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(std::time::SystemTime::now()).unwrap_or_default())
}

fn redirections() -> reqwest::redirect::Policy {
    reqwest::redirect::Policy::custom(|attempt| {
        let from_tls = attempt.previous().iter().any(|url| url.scheme() == "https");
        if attempt.previous().len() > MAX_REDIRECTS {
            attempt.error(format!("there are more than {MAX_REDIRECTS} redirections"))
        } else if from_tls && attempt.url().scheme() != "https" {
            attempt.error("from TLS to plain HTTP")
        } else {
            attempt.follow()
        }
    })
}

/// The largest file of certificates that is read.
const MAX_CERTIFICATE_BYTES: u64 = 8 << 20;

fn certificates(options: &Options) -> Result<Vec<reqwest::Certificate>, RegistryError> {
    let mut all = Vec::new();
    for path in &options.ca {
        let fail = |reason: &dyn std::fmt::Display| {
            RegistryError::Setting(format!("{}: {reason}", path.display()))
        };
        let file = std::fs::File::open(path).map_err(|error| fail(&error))?;
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(
            &mut std::io::Read::take(file, MAX_CERTIFICATE_BYTES),
            &mut bytes,
        )
        .map_err(|error| fail(&error))?;
        let found = reqwest::Certificate::from_pem_bundle(&bytes)
            .map_err(|_| fail(&"holds no certificates in PEM format"))?;
        if found.is_empty() {
            return Err(fail(&"holds no certificates in PEM format"));
        }
        all.extend(found);
    }
    Ok(all)
}

/// Reads a whole answer, if it is no longer than `limit`.
pub(crate) async fn read_bounded(
    mut response: Response,
    target: &Target,
    what: &str,
    limit: u64,
) -> Result<Vec<u8>, RegistryError> {
    let too_large =
        || RegistryError::TooLarge { host: target.host.clone(), what: what.to_owned(), limit };
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| target.failed(&error))? {
        if (bytes.len() + chunk.len()) as u64 > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The error that an answer's status stands for.
pub(crate) async fn of_status(response: Response, target: &Target, what: &str) -> RegistryError {
    let host = target.host.clone();
    let status = response.status();
    match status {
        StatusCode::NOT_FOUND => RegistryError::NotFound { host, what: what.to_owned() },
        StatusCode::UNAUTHORIZED => target.unauthorized("it refuses the credentials for it"),
        StatusCode::FORBIDDEN => target.unauthorized("forbidden"),
        _ => {
            let body = read_bounded(response, target, what, MAX_MESSAGE_BYTES).await;
            let message = body.map_or_else(|_| String::new(), |body| message_in(&body));
            RegistryError::Status { host, what: what.to_owned(), status: status.as_u16(), message }
        }
    }
}

/// The first error's message, as the specification has it; nothing of another answer.
fn message_in(body: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    value
        .pointer("/errors/0/message")
        .and_then(serde_json::Value::as_str)
        .map_or_else(String::new, clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_read_in_both_forms() {
        let with = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(text));
            retry_after(&headers)
        };
        assert_eq!(with("7"), Some(Duration::from_secs(7)));
        assert_eq!(with("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert_eq!(with("soon"), None);
        assert_eq!(with("-1"), None);
    }
}
