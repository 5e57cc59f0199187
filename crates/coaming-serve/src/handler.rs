//! Requests and their answers.
//!
//! An answer is a verdict, or an HTTP error: then the webhook's `failurePolicy` decides, as if the
//! server did not answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
#[cfg(feature = "registry")]
use coaming_admission::PinnedImages;
use coaming_admission::{
    MAX_BODY_BYTES, Mutation, Request as Question, ReviewError, SafeFixes, Step, StepError, Verdict,
};
use http::header::{CONNECTION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::pages::{Page, Pages};
use crate::shared::{Shared, today};
use crate::{access, log, self_test};

/// Larger bodies are judged on a thread of their own, a few at a time.
const LARGE_BODY: usize = 128 << 10;
/// How much of a body is read before the connection is broken off.
const MAX_DRAINED: usize = 2 * MAX_BODY_BYTES;
/// How many large bodies are judged at once.
const LARGE_AT_ONCE: usize = 4;
/// How many KiB of large bodies are kept at once. A body counts as it arrives, so that slow ones leave room
/// to others.
const KEPT_KIB: usize = 64 << 10;

type Answer = Response<Full<Bytes>>;

/// Answers requests.
pub(crate) struct Handler {
    shared: Arc<Shared>,
    /// How long an answer may take.
    deadline: Duration,
    pages: Option<Pages>,
    large: Semaphore,
    kept: Semaphore,
}

/// Why a request gets no verdict.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Review(#[from] ReviewError),
    #[error(transparent)]
    Step(#[from] StepError),
    #[error("the body cannot be read")]
    Body,
    #[error("the body does not arrive in time")]
    Slow,
    #[error("cannot ask the API server whether the user has the right: {0}")]
    Right(String),
    #[cfg(all(feature = "vault", unix))]
    #[error("cannot ask the API server whether the pod has secrets: {0}")]
    Pod(String),
    #[error("judging failed")]
    Task,
    #[error("not answered in time")]
    Deadline,
}

impl Failure {
    fn status(&self) -> StatusCode {
        match self {
            Self::Review(ReviewError::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Review(_) | Self::Step(StepError::Review(_)) | Self::Body => {
                StatusCode::BAD_REQUEST
            }
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Step(_) | Self::Task | Self::Right(_) => StatusCode::INTERNAL_SERVER_ERROR,
            #[cfg(all(feature = "vault", unix))]
            Self::Pod(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Deadline => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// What was decided, as a word and as a body.
struct Decision {
    outcome: &'static str,
    body: Vec<u8>,
}

impl Handler {
    pub(crate) fn new(shared: Arc<Shared>, deadline: Duration, pages: Option<Pages>) -> Self {
        Self {
            shared,
            deadline,
            pages,
            large: Semaphore::new(LARGE_AT_ONCE),
            kept: Semaphore::new(KEPT_KIB),
        }
    }

    /// Answers a request.
    ///
    /// While the server stops, each answer is the last one on its connection, and says so. API servers
    /// speak HTTP/1.1 to webhooks and do not repeat a request on a connection that ends without notice.
    pub(crate) async fn handle(&self, request: Request<Incoming>) -> Result<Answer, Infallible> {
        let is_notice_needed = request.version() <= Version::HTTP_11;
        let mut answer = self.answer(request).await;
        if is_notice_needed && self.shared.ready.is_stopping() {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(answer)
    }

    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let path = request.uri().path().to_owned();
        match (request.method(), path.as_str()) {
            (&Method::POST, "/validate" | "/mutate") => self.review(&path, request).await,
            (&Method::GET, "/healthz") => text(StatusCode::OK, "ok\n"),
            (&Method::GET, "/readyz") => self.readiness(),
            (&Method::GET, "/metrics") => self.metrics(),
            (&Method::GET, "/report" | "/breach") => self.page(&path, request).await,
            (
                _,
                "/validate" | "/mutate" | "/healthz" | "/readyz" | "/metrics" | "/report"
                | "/breach",
            ) => text(StatusCode::METHOD_NOT_ALLOWED, "this method is not allowed here\n"),
            _ => text(StatusCode::NOT_FOUND, "not found; reviews go to /validate and /mutate\n"),
        }
    }

    async fn page(&self, path: &str, request: Request<Incoming>) -> Answer {
        let (Some(pages), Some(page)) = (&self.pages, Page::at(path)) else {
            let text = "this server shows no pages; start it with --pages (pages.enabled)\n";
            return self::text(StatusCode::NOT_FOUND, text);
        };
        let engine = self.shared.policies.load().cluster_engine();
        let (parts, _) = request.into_parts();
        pages.answer(page, parts.uri.query(), &parts.headers, engine).await
    }

    async fn review(&self, path: &str, request: Request<Incoming>) -> Answer {
        let start = Instant::now();
        let decided = tokio::time::timeout(self.deadline, self.decide(path, request)).await;
        match decided.unwrap_or(Err(Failure::Deadline)) {
            Ok(Decision { outcome, body }) => {
                self.shared.metrics.answered(path, outcome, start);
                answer(StatusCode::OK, "application/json", body)
            }
            Err(failure) => {
                let status = failure.status();
                self.shared.metrics.answered(path, status.as_str(), start);
                if status.is_server_error() {
                    log::say(format_args!("{path}: {failure}"));
                }
                text(status, &format!("{}\n", coaming_text::Printable(&failure.to_string())))
            }
        }
    }

    async fn decide(&self, path: &str, request: Request<Incoming>) -> Result<Decision, Failure> {
        let half = self.deadline / 2;
        let read = tokio::time::timeout(half, self.read(request.into_body())).await;
        // Both are held until the verdict is there: they bound the memory of all requests together.
        let (body, _kept) = read.map_err(|_| Failure::Slow)??;
        let is_large = body.len() > LARGE_BODY;
        let _permit = match is_large {
            true => Some(self.large.acquire().await.map_err(|_| Failure::Task)?),
            false => None,
        };
        if path == "/mutate" {
            return self.mutated(is_large, body.into()).await;
        }
        let shared = Arc::clone(&self.shared);
        let (question, verdict) = compute(is_large, move || validate(&shared, &body)).await?;
        self.finish(&question, verdict).await
    }

    async fn mutated(&self, is_large: bool, body: Arc<[u8]>) -> Result<Decision, Failure> {
        let once = || {
            let (shared, body) = (Arc::clone(&self.shared), Arc::clone(&body));
            compute(is_large, move || mutate(&shared, &body))
        };
        let (question, mutation) = once().await?;
        #[cfg(feature = "registry")]
        let (question, mutation) = {
            // What was not known about its images may be there in time.
            let (end, mut latest) = (Instant::now() + self.deadline / 2, (question, mutation));
            let mut is_missing = latest.1.is_pending || latest.1.refusal.is_some();
            while is_missing {
                let patience = end.saturating_duration_since(Instant::now());
                if patience.is_zero() || !self.shared.registries.settle(patience).await {
                    break;
                }
                latest = once().await?;
                is_missing = latest.1.is_pending;
            }
            latest
        };
        #[cfg(all(feature = "vault", unix))]
        if let (Some(reason), Some(entry), false) =
            (&mutation.refusal, &self.shared.entry, question.dry_run)
        {
            entry.refused(&question, reason);
        }
        let outcome = match (&mutation.refusal, mutation.patch.is_empty()) {
            (Some(_), _) => "refused",
            (None, true) => "allowed",
            (None, false) => "mutated",
        };
        let body = coaming_admission::mutation_response(&question.uid, &mutation);
        Ok(Decision { outcome, body })
    }

    /// The verdict on who enters a pod with secrets; another verdict stays as it is.
    #[cfg(all(feature = "vault", unix))]
    async fn entered(&self, question: &Question, verdict: Verdict) -> Result<Verdict, Failure> {
        let Some(entry) = self.shared.entry.as_ref().filter(|_| verdict.refusal.is_none()) else {
            return Ok(verdict);
        };
        let judged = entry.judge(question).await;
        let judged = judged.map_err(|error| Failure::Pod(log::chain(&error)))?;
        Ok(judged.unwrap_or(verdict))
    }

    /// The verdict, once it is known whether the user has the right that it needs.
    async fn finish(&self, question: &Question, verdict: Verdict) -> Result<Decision, Failure> {
        #[cfg(all(feature = "vault", unix))]
        let verdict = self.entered(question, verdict).await?;
        let verdict = match &verdict.needs {
            None => verdict,
            Some(right) => {
                // A server that runs alone cannot ask.
                let is_allowed = match &self.shared.client {
                    None => false,
                    Some(client) => access::may_change_policies(client, &question.user, right)
                        .await
                        .map_err(|error| Failure::Right(log::chain(&error)))?,
                };
                if is_allowed { verdict } else { verdict.without_right() }
            }
        };
        if !question.dry_run {
            self.shared.metrics.found(&question.namespace, &verdict);
        }
        let outcome = if verdict.refusal.is_some() { "refused" } else { "allowed" };
        let body = coaming_admission::verdict_response(&question.uid, &verdict);
        Ok(Decision { outcome, body })
    }

    /// Reads a body. What is too much is read and dropped, within reason: a client that still sends
    /// would not see the answer.
    async fn read(
        &self,
        mut body: Incoming,
    ) -> Result<(Vec<u8>, Option<SemaphorePermit<'_>>), Failure> {
        let (mut bytes, mut length) = (Vec::new(), 0_usize);
        let mut kept: Option<SemaphorePermit<'_>> = None;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Failure::Body)?;
            let Some(data) = frame.data_ref() else { continue };
            length += data.len();
            if length > MAX_DRAINED {
                break;
            }
            if length > MAX_BODY_BYTES {
                (bytes, kept) = (Vec::new(), None);
                continue;
            }
            let needed = length.saturating_sub(LARGE_BODY).div_ceil(1024);
            let held = kept.as_ref().map_or(0, SemaphorePermit::num_permits);
            if let Ok(more @ 1..) = u32::try_from(needed.saturating_sub(held)) {
                let more = self.kept.acquire_many(more).await.map_err(|_| Failure::Task)?;
                match &mut kept {
                    Some(kept) => kept.merge(more),
                    None => kept = Some(more),
                }
            }
            bytes.extend_from_slice(data);
        }
        if length > MAX_BODY_BYTES { Err(ReviewError::TooLarge.into()) } else { Ok((bytes, kept)) }
    }

    fn readiness(&self) -> Answer {
        let missing = self.shared.ready.missing();
        if missing.is_empty() {
            return text(StatusCode::OK, "ok\n");
        }
        let lines: Vec<String> = missing.iter().map(|what| format!("not yet: {what}\n")).collect();
        text(StatusCode::SERVICE_UNAVAILABLE, &lines.concat())
    }

    fn metrics(&self) -> Answer {
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        let text = self.shared.metrics.text(&self.shared.background.snapshot());
        answer(StatusCode::OK, kind, text.into_bytes())
    }
}

/// Runs what takes long on a thread where it holds up nobody.
async fn compute<T: Send + 'static>(
    is_large: bool,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    if !is_large {
        return work();
    }
    tokio::task::spawn_blocking(work).await.map_err(|_| Failure::Task)?
}

fn validate(shared: &Shared, body: &[u8]) -> Result<(Question, Verdict), Failure> {
    let question = coaming_admission::read(body)?;
    if let Some(verdict) = self_test::verdict(&question) {
        return Ok((question, verdict));
    }
    let (policies, world) = (shared.policies.load(), shared.world.load());
    let verdict = coaming_admission::validate(&question, &world, &policies, today())?;
    Ok((question, verdict))
}

fn mutate(shared: &Shared, body: &[u8]) -> Result<(Question, Mutation), Failure> {
    let question = coaming_admission::read(body)?;
    let (policies, world) = (shared.policies.load(), shared.world.load());
    let fixes = SafeFixes { policies: &policies, world: &world, today: today() };
    let mut steps: Vec<&dyn Step> = vec![&fixes];
    #[cfg(feature = "registry")]
    let images = PinnedImages { policies: &policies, world: &world, digests: &shared.digests };
    #[cfg(feature = "registry")]
    steps.push(&images);
    steps.extend(shared.steps.iter().map(|step| &**step));
    let mutation = coaming_admission::mutate(&question, &steps)?;
    Ok((question, mutation))
}

fn text(status: StatusCode, text: &str) -> Answer {
    answer(status, "text/plain; charset=utf-8", text.as_bytes().to_vec())
}

fn answer(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}
