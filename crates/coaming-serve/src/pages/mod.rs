//! The pages that people read: what `coaming scan` and `coaming breach` say of the cluster that the
//! background follows.
//!
//! Invariants:
//!
//! * A page is made of the objects that its reader may list, and of nothing else: the token of a request
//!   is reviewed by the API server, and so is the right to list each kind. Nothing of that is remembered.
//! * A page says what is not on it.
//! * Pages are made one at a time, and within the memory that is left to the process
//!   ([`memory::Budget`]): reviews of admission go on.
//! * Nothing can be changed by them, and a page runs no script but its own.

mod caller;
mod make;
mod memory;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use coaming_scan::Engine;
use coaming_watch::View;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY, RETRY_AFTER,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use kube::Client;
use tokio::sync::Semaphore;

use crate::log;
use crate::shared::today;

use caller::Rights;
use memory::{Budget, TooLarge};

/// How long a request waits for another one's page.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many requests ask the API server about their rights at once.
const ASKING_AT_ONCE: usize = 4;

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// The findings.
    Report,
    /// What an attacker can reach, the worst entries first.
    Breach,
}

impl Page {
    /// The page at a path.
    pub(crate) fn at(path: &str) -> Option<Self> {
        match path {
            "/report" => Some(Self::Report),
            "/breach" => Some(Self::Breach),
            _ => None,
        }
    }

    /// What a browser may load for it. The page about attacks names its script and style itself.
    fn policy(self) -> &'static str {
        match self {
            Self::Report => {
                "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                 frame-ancestors 'none'"
            }
            Self::Breach => "frame-ancestors 'none'",
        }
    }
}

/// Which part of the cluster a page is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    All,
    Namespace(String),
}

impl Scope {
    /// The scope that the query of a request names.
    fn parse(query: Option<&str>) -> Result<Self, Refusal> {
        let query = query.unwrap_or_default();
        if query.is_empty() {
            return Ok(Self::All);
        }
        let is_name = |name: &&str| {
            let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
            !name.is_empty() && name.len() <= 63 && name.bytes().all(is_plain)
        };
        match query.strip_prefix("namespace=").filter(is_name) {
            Some(name) => Ok(Self::Namespace(name.to_owned())),
            None => Err(Refusal::Query),
        }
    }
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the query is not understood; `?namespace=NAME` asks for one namespace")]
    Query,
    #[error(
        "a token of Kubernetes is needed: send it as a bearer token, or in a browser as the password \
         of any user (`kubectl create token NAME` makes one)"
    )]
    NoToken,
    #[error("the API server does not accept this token")]
    BadToken,
    #[error("this page needs the right to list {what} {place}{hint}")]
    Right { what: String, place: String, hint: &'static str },
    #[error("cannot ask the API server who asks, and what they may read")]
    Unanswered,
    #[error("the cluster is not read yet; try again soon")]
    NotRead,
    #[error("another page is being made; try again soon")]
    Busy,
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    #[error("the page could not be made")]
    Failed,
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Query => StatusCode::BAD_REQUEST,
            Self::NoToken | Self::BadToken => StatusCode::UNAUTHORIZED,
            Self::Right { .. } => StatusCode::FORBIDDEN,
            Self::Unanswered | Self::NotRead | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLarge(_) => StatusCode::INSUFFICIENT_STORAGE,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// Makes pages.
pub(crate) struct Pages {
    client: Client,
    view: Arc<View>,
    /// How much memory a page may take; `None` for what the process has left.
    memory: Option<u64>,
    making: Arc<Semaphore>,
    asking: Semaphore,
}

impl Pages {
    pub(crate) fn new(client: Client, view: Arc<View>, memory: Option<u64>) -> Self {
        let (making, asking) = (Arc::new(Semaphore::new(1)), Semaphore::new(ASKING_AT_ONCE));
        Self { client, view, memory, making, asking }
    }

    /// Answers a request for a page.
    pub(crate) async fn answer(
        &self,
        page: Page,
        query: Option<&str>,
        headers: &HeaderMap,
        engine: Arc<Engine>,
    ) -> Response<Full<Bytes>> {
        let made = self.page(page, query, headers, engine).await;
        let mut answer = match made {
            Ok(body) => {
                let mut answer = Response::new(Full::new(Bytes::from(body)));
                set(&mut answer, CONTENT_TYPE, "text/html; charset=utf-8");
                set(&mut answer, CONTENT_SECURITY_POLICY, page.policy());
                answer
            }
            Err(refusal) => refused(&refusal),
        };
        set(&mut answer, CACHE_CONTROL, "no-store");
        set(&mut answer, REFERRER_POLICY, "no-referrer");
        set(&mut answer, X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(&mut answer, X_FRAME_OPTIONS, "DENY");
        answer
    }

    async fn page(
        &self,
        page: Page,
        query: Option<&str>,
        headers: &HeaderMap,
        engine: Arc<Engine>,
    ) -> Result<Vec<u8>, Refusal> {
        let scope = Scope::parse(query)?;
        let token = caller::token(headers).ok_or(Refusal::NoToken)?;
        let rights = self.rights(&token, &scope).await?;
        let waited = tokio::time::timeout(PATIENCE, Arc::clone(&self.making).acquire_owned());
        let turn = waited.await.map_err(|_| Refusal::Busy)?.map_err(|_| Refusal::Failed)?;
        let budget = Budget::new(self.memory);
        let made = tokio::task::spawn_blocking(move || {
            // The client may be gone by now: the next page waits all the same.
            let _turn = turn;
            make::page(page, &rights, &scope, &engine, today(), &budget)
        });
        Ok(made.await.map_err(|_| Refusal::Failed)??)
    }

    /// What the owner of a token may read of the latest snapshot.
    async fn rights(&self, token: &str, scope: &Scope) -> Result<Rights, Refusal> {
        let _turn = self.asking.acquire().await.map_err(|_| Refusal::Failed)?;
        let unanswered = |error: kube::Error| {
            log::say(format_args!("a page is refused: {}", log::chain(&error)));
            Refusal::Unanswered
        };
        let user = caller::user(&self.client, token).await.map_err(unanswered)?;
        let user = user.ok_or(Refusal::BadToken)?;
        let snapshot = self.view.latest().ok_or(Refusal::NotRead)?;
        let rights = caller::rights(&self.client, &user, snapshot, scope);
        let rights = rights.await.map_err(unanswered)?;
        if rights.may_list("", "Pod") {
            return Ok(rights);
        }
        let (place, hint) = match scope {
            Scope::All => {
                ("in all namespaces".to_owned(), "; `?namespace=NAME` asks for one namespace")
            }
            Scope::Namespace(name) => (format!("in the namespace {name}"), ""),
        };
        Err(Refusal::Right { what: "pods".to_owned(), place, hint })
    }
}

fn refused(refusal: &Refusal) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::from(format!("{refusal}\n"))));
    *answer.status_mut() = refusal.status();
    set(&mut answer, CONTENT_TYPE, "text/plain; charset=utf-8");
    match refusal.status() {
        StatusCode::UNAUTHORIZED => {
            set(
                &mut answer,
                WWW_AUTHENTICATE,
                "Basic realm=\"Coaming: any user, token as password\"",
            );
            let bearer = HeaderValue::from_static("Bearer");
            answer.headers_mut().append(WWW_AUTHENTICATE, bearer);
        }
        StatusCode::SERVICE_UNAVAILABLE => set(&mut answer, RETRY_AFTER, "5"),
        _ => {}
    }
    answer
}

fn set(answer: &mut Response<Full<Bytes>>, name: HeaderName, value: &'static str) {
    answer.headers_mut().insert(name, HeaderValue::from_static(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_name_one_namespace_at_most() {
        assert_eq!(Scope::parse(None).unwrap(), Scope::All);
        assert_eq!(Scope::parse(Some("")).unwrap(), Scope::All);
        let shop = Scope::parse(Some("namespace=shop-1")).unwrap();
        assert_eq!(shop, Scope::Namespace("shop-1".to_owned()));
        for query in ["namespace=", "namespace=a/b", "namespace=a&x=1", "all", "namespace=%41"] {
            assert_eq!(Scope::parse(Some(query)).unwrap_err().status(), 400, "{query}");
        }
    }

    #[test]
    fn who_sends_no_token_is_asked_for_one() {
        let answer = refused(&Refusal::NoToken);
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.headers().get_all(WWW_AUTHENTICATE).iter().count(), 2);
    }
}
