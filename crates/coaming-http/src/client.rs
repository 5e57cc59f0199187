//! The client.

use std::sync::Arc;

use reqwest::redirect::Policy;

use crate::tls::{authorities, identity, install_tls_provider};
use crate::{Error, Options, Request, Response, Retries};

/// The longest chain of redirects.
const MAX_REDIRECTS: usize = 5;

/// Sends requests. Clones share connections.
#[derive(Clone, Debug)]
pub struct Client {
    inner: reqwest::Client,
    options: Arc<Options>,
}

impl Client {
    /// Makes a client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// Where certificates or the client's key cannot be used.
    pub fn new(options: Options) -> Result<Self, Error> {
        install_tls_provider();
        let builder = reqwest::Client::builder()
            .user_agent(concat!("coaming/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(options.connect_timeout)
            .read_timeout(options.timeout)
            .referer(false);
        let builder = match &options.unix_socket {
            // There is no TLS: the system's authorities need not be read.
            #[cfg(unix)]
            Some(socket) => builder
                .unix_socket(socket.as_path())
                .no_proxy()
                .redirect(Policy::none())
                .tls_certs_only([]),
            #[cfg(not(unix))]
            Some(_) => return Err(Error::NoUnixSockets),
            None => {
                let policy = if options.redirects { redirects() } else { Policy::none() };
                builder.redirect(policy).tls_certs_merge(authorities(&options)?)
            }
        };
        let builder = match &options.identity {
            Some(path) => builder.identity(identity(path)?),
            None => builder,
        };
        let inner = builder.build().map_err(Error::Setup)?;
        Ok(Self { inner, options: Arc::new(options) })
    }

    /// How this client reaches servers.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// All retries that one request may have.
    #[must_use]
    pub fn retries(&self) -> Retries {
        Retries::new(&self.options)
    }

    /// Sends a request, and waits where the server is busy. Any answer is an answer, also one that
    /// reports an error: a server that stays busy answers with its last refusal.
    ///
    /// # Errors
    ///
    /// If there is no answer: see [`Error`].
    pub async fn send(&self, request: &Request<'_>) -> Result<Response, Error> {
        self.send_within(request, &mut self.retries()).await
    }

    /// The same, with what is left of the retries: for requests that belong together.
    ///
    /// # Errors
    ///
    /// As for [`Client::send`].
    pub async fn send_within(
        &self,
        request: &Request<'_>,
        retries: &mut Retries,
    ) -> Result<Response, Error> {
        loop {
            let outcome = self.send_once(request).await;
            let Some(pause) = retries.pause(&outcome) else { return outcome };
            drop(outcome);
            tokio::time::sleep(pause).await;
        }
    }

    /// The same, without retries.
    ///
    /// # Errors
    ///
    /// As for [`Client::send`].
    pub async fn send_once(&self, request: &Request<'_>) -> Result<Response, Error> {
        if !request.plain_http && !self.options.allows(&request.url) {
            let host = request.url.host_str().unwrap_or_default().to_owned();
            return Err(Error::PlainHttp { host });
        }
        let mut builder = self
            .inner
            .request(request.method.clone(), request.url.clone())
            .headers(request.headers.clone());
        if !request.streamed {
            builder = builder.timeout(self.options.timeout);
        }
        if let Some(body) = request.body {
            builder = builder.body(body().map_err(Error::Upload)?);
        }
        builder.send().await.map(Response).map_err(Error::of_request)
    }
}

/// Follows redirects as far as they are harmless. `reqwest` drops credentials on the way to another
/// host.
fn redirects() -> Policy {
    Policy::custom(|attempt| {
        let from_tls = attempt.previous().iter().any(|url| url.scheme() == "https");
        if attempt.previous().len() > MAX_REDIRECTS {
            attempt.error(format!("there are more than {MAX_REDIRECTS} redirects"))
        } else if from_tls && attempt.url().scheme() != "https" {
            attempt.error("from TLS to plain HTTP")
        } else {
            attempt.follow()
        }
    })
}
