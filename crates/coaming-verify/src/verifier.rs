//! Asks the providers.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use coaming_http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use coaming_http::{Client, Method, Options, Request, Url};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::answer::Answer;
use crate::aws;
use crate::providers::{PROVIDERS, Provider, Sent, provider};

/// How many questions a provider gets in a second.
pub const REQUESTS_PER_SECOND: u32 = 2;

/// Why a server cannot be asked in the place of a provider's own.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// There is no provider of this name.
    #[error("`{0}` is not a provider that can be asked")]
    UnknownProvider(String),
    /// The address is not an `https://` URL, or an `http://` URL of this machine.
    #[error("`{0}` is not a valid address of a server: an `https://` URL is expected")]
    InvalidAddress(String),
    /// The client cannot be set up.
    #[error(transparent)]
    Client(#[from] coaming_http::Error),
}

/// Asks providers about credentials, and remembers the answers.
pub struct Verifier {
    client: Client,
    servers: HashMap<&'static str, Url>,
    /// By provider and digest of the credential.
    answers: HashMap<(&'static str, [u8; 32]), Answer>,
    /// When each provider may be asked again.
    next: HashMap<&'static str, Instant>,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("answers", &self.answers.len()).finish_non_exhaustive()
    }
}

impl Verifier {
    /// A verifier that has asked nobody yet. `servers` are asked in the place of the providers' own:
    /// names of providers with URLs, as for a GitLab of one's own.
    ///
    /// # Errors
    ///
    /// A server cannot be asked, or the client cannot be set up.
    pub fn new<'s>(
        options: Options,
        servers: impl IntoIterator<Item = (&'s str, &'s str)>,
    ) -> Result<Self, ServerError> {
        let mut known = HashMap::new();
        for (name, address) in servers {
            let provider = PROVIDERS.iter().find(|provider| provider.name == name);
            let provider = provider.ok_or_else(|| ServerError::UnknownProvider(name.to_owned()))?;
            let invalid = || ServerError::InvalidAddress(coaming_http::clean(address));
            let url = Url::parse(address).map_err(|_| invalid())?;
            let is_own = url.host_str().is_some_and(coaming_http::is_loopback);
            if url.scheme() != "https" && !is_own || url.host_str().is_none() {
                return Err(invalid());
            }
            known.insert(provider.name, url);
        }
        Ok(Self {
            client: Client::new(options)?,
            servers: known,
            answers: HashMap::new(),
            next: HashMap::new(),
        })
    }

    /// Asks the provider of a kind about a credential; `None` if no provider can be asked about that
    /// kind. The same credential is asked about once.
    pub async fn verify(&mut self, kind: &str, value: &str) -> Option<Answer> {
        let provider = provider(kind)?;
        let key = (provider.name, Sha256::digest(value).into());
        if let Some(answer) = self.answers.get(&key) {
            return Some(answer.clone());
        }
        self.wait(provider).await;
        let answer = match self.request(provider, value) {
            Some(request) => match self.client.send_once(&request).await {
                Ok(response) => Answer::read(provider, value, response).await,
                Err(_) => Answer::unknown(provider, "the server could not be reached".to_owned()),
            },
            None => Answer::unknown(provider, "the value cannot be sent".to_owned()),
        };
        self.answers.insert(key, answer.clone());
        Some(answer)
    }

    /// Waits until the provider may be asked.
    async fn wait(&mut self, provider: &Provider) {
        let now = Instant::now();
        let at = self.next.get(provider.name).copied().unwrap_or(now).max(now);
        self.next.insert(provider.name, at + Duration::from_secs(1) / REQUESTS_PER_SECOND);
        tokio::time::sleep_until(at).await;
    }

    /// The question; `None` if the value does not fit into a header.
    fn request(&self, provider: &'static Provider, value: &str) -> Option<Request<'static>> {
        let path = provider.path.replace("{}", value);
        let url = match self.servers.get(provider.name) {
            Some(server) => Url::parse(&format!("{}{path}", server.as_str().trim_end_matches('/'))),
            None => Url::parse(&format!("{}{path}", provider.server)),
        };
        let method = if provider.post { Method::POST } else { Method::GET };
        let mut request = Request::new(method, url.ok()?);
        for (name, value) in provider.headers {
            request.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let (name, text) = match provider.sent {
            Sent::Scheme(scheme) => (AUTHORIZATION, Zeroizing::new(format!("{scheme} {value}"))),
            Sent::Header(name) => {
                let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
                (name, Zeroizing::new(value.to_owned()))
            }
            Sent::User => (AUTHORIZATION, basic(value, "")),
            Sent::Password(user) => (AUTHORIZATION, basic(user, value)),
            Sent::Path => return Some(request),
            Sent::Signature(region) => {
                return aws::sign(request, value, region, OffsetDateTime::now_utc());
            }
        };
        let mut header = HeaderValue::from_str(&text).ok()?;
        header.set_sensitive(true);
        request.headers.insert(name, header);
        Some(request)
    }
}

fn basic(user: &str, password: &str) -> Zeroizing<String> {
    let pair = Zeroizing::new(format!("{user}:{password}"));
    Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())))
}
