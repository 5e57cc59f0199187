//! Stores of cloud providers, and of the cluster itself, by their HTTP interfaces.
//!
//! A [`Provider`] says how to log in and how to read; [`CloudStore`] does the rest. Invariants, as for
//! Vault: no redirect is followed, an answer is bounded in bytes and time, and no credential or value is
//! in an error. A login is repeated at two thirds of its time, and once where it is not accepted anymore.

mod aws;
mod azure;
mod cluster;
mod google;

use std::io;
use std::time::{Duration, Instant};

use coaming_http::header::{HeaderMap, HeaderName, HeaderValue};
use coaming_http::{Body, Bytes, Method, Request, Runtime, StatusCode, Url};
use serde_json::value::RawValue;

use crate::json::{self, RawFields};
use crate::value::{Buffer, Value};
use crate::wire::{self, Owned, unavailable};
use crate::{Fields, Lease, Secret, Store, StoreError, pause};

use crate::config::StoreConfig;
use aws::Aws;
use azure::Azure;
use cluster::Cluster;
use google::Google;

/// Opens a store of a cloud. Nothing is sent yet.
///
/// # Errors
///
/// [`StoreError::Setting`] if the configuration cannot be used.
pub fn open(config: &StoreConfig) -> Result<Box<dyn Store>, StoreError> {
    Ok(match config {
        StoreConfig::Aws(config) => {
            Box::new(CloudStore::new(Aws::new(config)?, config.ca_bundle.clone())?)
        }
        StoreConfig::Google(config) => {
            Box::new(CloudStore::new(Google::new(config)?, config.ca_bundle.clone())?)
        }
        StoreConfig::Azure(config) => {
            Box::new(CloudStore::new(Azure::new(config)?, config.ca_bundle.clone())?)
        }
        StoreConfig::Kubernetes(config) => {
            Box::new(CloudStore::new(Cluster::new(config)?, config.ca_bundle.clone())?)
        }
        StoreConfig::Vault(_) | StoreConfig::Age { .. } => {
            return Err(StoreError::Unsupported("be opened as that of a cloud"));
        }
    })
}

/// How long a connection and an answer may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a token is valid if the answer does not say so, in seconds.
const SECONDS: u64 = 3600;

/// A cloud's way to log in, and to read.
pub(crate) trait Provider: Send {
    /// What a login gives.
    type Credential: Send;

    /// Logs in; also says how long that is valid.
    fn log_in(&self, http: &Http) -> Result<(Self::Credential, Duration), StoreError>;

    /// Reads a secret. [`StoreError::Login`] says that the credential is not accepted anymore.
    fn read(
        &self,
        http: &Http,
        credential: &Self::Credential,
        path: &str,
    ) -> Result<Secret, StoreError>;

    /// The version that a read would return, where it is known without reading the value.
    fn version(&self, _: &Http, _: &Self::Credential, _: &str) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }
}

/// A cloud as a store.
pub(crate) struct CloudStore<P: Provider> {
    provider: P,
    http: Http,
    current: Option<Current<P::Credential>>,
    logins: u64,
}

struct Current<C> {
    credential: C,
    due: Instant,
    ends: Instant,
}

impl<P: Provider> CloudStore<P> {
    /// A store that has not logged in yet. Nothing is sent.
    pub(crate) fn new(provider: P, authorities: Option<String>) -> Result<Self, StoreError> {
        let http = Http::new(authorities)?;
        Ok(Self { provider, http, current: None, logins: 0 })
    }

    fn log_in(&mut self, now: Instant) -> Result<(), StoreError> {
        let (credential, duration) = self.provider.log_in(&self.http)?;
        self.logins += 1;
        let due = now + pause::two_thirds(duration);
        self.current = Some(Current { credential, due, ends: now + duration });
        Ok(())
    }

    /// Asks something, and once more after a new login if the credential is not accepted anymore.
    fn ask<T>(
        &mut self,
        question: impl Fn(&P, &Http, &P::Credential) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.keep_alive(Instant::now())?;
        let no_login = || StoreError::Login("there is none".to_owned());
        let current = self.current.as_ref().ok_or_else(no_login)?;
        match question(&self.provider, &self.http, &current.credential) {
            Err(StoreError::Login(_)) => {
                self.current = None;
                self.log_in(Instant::now())?;
                let current = self.current.as_ref().ok_or_else(no_login)?;
                question(&self.provider, &self.http, &current.credential)
            }
            outcome => outcome,
        }
    }
}

impl<P: Provider> Store for CloudStore<P> {
    fn read(&mut self, path: &str) -> Result<Secret, StoreError> {
        self.ask(|provider, http, credential| provider.read(http, credential, path))
    }

    fn version(&mut self, path: &str) -> Result<Option<u64>, StoreError> {
        match self.ask(|provider, http, credential| provider.version(http, credential, path)) {
            Err(StoreError::Denied(_)) => Ok(None),
            outcome => outcome,
        }
    }

    fn write(&mut self, _: &str, _: &Fields) -> Result<(), StoreError> {
        Err(StoreError::Unsupported("be written to from here"))
    }

    fn renew(&mut self, _: &Lease) -> Result<Lease, StoreError> {
        Err(StoreError::Unsupported("renew leases: it gives none"))
    }

    fn keep_alive(&mut self, now: Instant) -> Result<Option<Instant>, StoreError> {
        match &self.current {
            None => self.log_in(now)?,
            Some(current) if now < current.due => {}
            Some(current) => {
                let ends = current.ends;
                match self.log_in(now) {
                    // While the last one is valid, that is not a failure.
                    Err(error) if error.is_temporary() && now < ends => {
                        if let Some(current) = &mut self.current {
                            current.due = now + pause::jittered(Duration::from_secs(5));
                        }
                    }
                    outcome => outcome?,
                }
            }
        }
        Ok(self.current.as_ref().map(|current| current.due))
    }

    fn session(&self) -> u64 {
        self.logins
    }

    fn close(&mut self) -> Result<(), StoreError> {
        // These credentials end by themselves, soon.
        self.current = None;
        Ok(())
    }
}

/// Sends requests.
pub(crate) struct Http {
    runtime: Runtime,
    client: coaming_http::Client,
}

/// A request.
pub(crate) struct Call {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Value>,
    plain_http: bool,
}

impl Call {
    pub(crate) fn get(url: Url) -> Self {
        let headers = HeaderMap::new();
        Self { method: Method::GET, url, headers, body: None, plain_http: false }
    }

    /// With a body of this type.
    pub(crate) fn post(url: Url, kind: &'static str, body: Value) -> Self {
        let call = Self { method: Method::POST, body: Some(body), ..Self::get(url) };
        call.header("content-type", HeaderValue::from_static(kind))
    }

    pub(crate) fn header(mut self, name: &'static str, value: HeaderValue) -> Self {
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    /// Without TLS: on the link alone.
    pub(crate) fn on_the_link(mut self) -> Self {
        self.plain_http = true;
        self
    }
}

/// An answer, whatever its status.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    body: Buffer,
}

impl Reply {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.body.as_bytes()
    }

    /// The answer, if it gives what was asked for.
    pub(crate) fn accepted(self, path: &str) -> Result<Self, StoreError> {
        if self.status.is_success() { Ok(self) } else { Err(self.refusal(path, "")) }
    }

    /// The fields of a JSON object.
    pub(crate) fn fields(&self) -> Result<RawFields<'_>, StoreError> {
        // The parser's message may quote the answer.
        serde_json::from_slice(self.bytes())
            .map_err(|_| StoreError::Answer("it is not the JSON that was expected".to_owned()))
    }

    /// The error for a status that the interface gives the usual meaning; `code` is the server's word.
    pub(crate) fn refusal(&self, path: &str, code: &str) -> StoreError {
        let text = match code {
            "" => format!("status {}", self.status.as_u16()),
            code => format!("status {}, {}", self.status.as_u16(), coaming_http::clean(code)),
        };
        match self.status.as_u16() {
            401 => StoreError::Login(text),
            403 => StoreError::Denied(path.to_owned()),
            404 => StoreError::NotFound(path.to_owned()),
            300..=399 => StoreError::Answer("it is a redirect".to_owned()),
            408 | 425 | 429 | 500..=599 => StoreError::Unavailable(text),
            _ => StoreError::Rejected(text),
        }
    }
}

/// A text field that is not secret.
pub(crate) fn text(fields: &RawFields<'_>, name: &str) -> Option<String> {
    fields.get(name).and_then(|raw| serde_json::from_str(raw.get()).ok())
}

/// A field that is there.
pub(crate) fn required<'f>(fields: &RawFields<'f>, name: &str) -> Result<&'f RawValue, StoreError> {
    let field = fields.get(name).copied().filter(|raw| raw.get() != "null");
    field.ok_or_else(|| missing(name))
}

/// The error for an answer that lacks a field.
pub(crate) fn missing(name: &str) -> StoreError {
    StoreError::Answer(format!("there is no `{name}` in it"))
}

/// How long a token is valid, by an answer of OAuth 2.
pub(crate) fn seconds(fields: &RawFields<'_>) -> Duration {
    let raw = fields.get("expires_in").and_then(|raw| serde_json::from_str(raw.get()).ok());
    Duration::from_secs(raw.unwrap_or(SECONDS).min(24 * SECONDS))
}

/// A login that was not accepted.
pub(crate) fn login_refused(error: StoreError) -> StoreError {
    match error {
        StoreError::Denied(what) => StoreError::Login(format!("{what} is not allowed")),
        StoreError::NotFound(what) => StoreError::Login(format!("{what} is not there")),
        StoreError::Rejected(reason) => StoreError::Login(reason),
        other => other,
    }
}

/// The bytes of a field in base64.
pub(crate) fn base64(raw: &RawValue) -> Result<Value, StoreError> {
    use base64::Engine as _;
    let text = json::value(raw);
    let decoded = base64::engine::general_purpose::STANDARD.decode(text.expose());
    decoded.map(Value::new).map_err(|_| StoreError::Answer("its base64 is not valid".to_owned()))
}

/// The fields of a secret that is one text: those of a JSON object, or else `value`.
pub(crate) fn split(value: Value) -> Fields {
    let object = value.expose_text().filter(|text| text.trim_start().starts_with('{'));
    let fields = object
        .and_then(|text| serde_json::from_str::<&RawValue>(text.trim()).ok())
        .and_then(json::fields);
    fields.unwrap_or_else(|| Fields::from([("value".to_owned(), value)]))
}

/// The body of a form.
pub(crate) fn form(fields: &[(&str, &[u8])]) -> Value {
    let mut buffer = Buffer::with_capacity(4096);
    for (index, (name, value)) in fields.iter().enumerate() {
        buffer.push(if index == 0 { b"" } else { b"&" });
        buffer.push(name.as_bytes());
        buffer.push(b"=");
        for part in percent_encoding::percent_encode(value, percent_encoding::NON_ALPHANUMERIC) {
            buffer.push(part.as_bytes());
        }
    }
    buffer.into_value()
}

/// An address of a provider: that of the configuration, or the usual one.
pub(crate) fn address(configured: Option<&str>, usual: &str) -> Result<Url, StoreError> {
    let text = configured.unwrap_or(usual);
    let url =
        Url::parse(text).map_err(|error| StoreError::Setting(format!("`{text}`: {error}")))?;
    if url.cannot_be_a_base() || !matches!(url.scheme(), "http" | "https") {
        return Err(StoreError::Setting(format!("`{text}` is not an HTTP address")));
    }
    Ok(url)
}

/// Whether a text is one segment of a path. [`below`] drops `.` and `..`, and an empty one would name
/// the list of all secrets.
pub(crate) fn is_segment(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && !text.contains('/')
}

/// An address with these segments after its path.
pub(crate) fn below(address: &Url, segments: &[&str]) -> Url {
    let mut url = address.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

impl Http {
    fn new(authorities: Option<String>) -> Result<Self, StoreError> {
        let setting = |error: coaming_http::Error| StoreError::Setting(error.to_string());
        let runtime = Runtime::shared().map_err(setting)?;
        let options = coaming_http::Options {
            authorities: authorities.into_iter().collect(),
            redirects: false,
            connect_timeout: CONNECT_TIMEOUT,
            timeout: TIMEOUT,
            // The caller decides when to try again: it has the last good answer.
            patience: Duration::ZERO,
            ..coaming_http::Options::default()
        };
        let client = coaming_http::Client::new(options).map_err(setting)?;
        Ok(Self { runtime, client })
    }

    /// Sends a request, once.
    pub(crate) fn send(&self, call: Call) -> Result<Reply, StoreError> {
        let mut request = Request::new(call.method, call.url);
        request.headers = call.headers;
        request.plain_http = call.plain_http;
        let body = || {
            let body = call.body.clone().unwrap_or_default();
            io::Result::Ok(Body::from(Bytes::from_owner(Owned(body))))
        };
        if call.body.is_some() {
            request.body = Some(&body);
        }
        self.runtime.block_on(async {
            let response = self.client.send_once(&request).await.map_err(unavailable)?;
            let status = response.status();
            Ok(Reply { status, body: wire::read(response).await? })
        })
    }
}
