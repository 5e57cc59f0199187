//! When a request is sent again, and after which pause.

use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::{Error, Options, Response};

/// How often a request is sent again after a broken connection.
const MAX_RECONNECTS: u32 = 2;
/// How often a request is sent in all.
const MAX_ATTEMPTS: u32 = 10;
/// How often the pause doubles.
const MAX_DOUBLINGS: u32 = 6;

/// What is left of the attempts and the patience for one request.
#[derive(Clone, Debug)]
pub struct Retries {
    patience: Duration,
    backoff: Duration,
    attempts: u32,
    waited: Duration,
}

impl Retries {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            patience: options.patience,
            backoff: options.backoff,
            attempts: 0,
            waited: Duration::ZERO,
        }
    }

    /// How long all pauses took so far.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// The pause before the next attempt; `None` if the outcome is final.
    pub(crate) fn pause(&mut self, outcome: &Result<Response, Error>) -> Option<Duration> {
        match outcome {
            Ok(response) if is_busy(response.status()) => {
                self.after_busy(retry_after(response.headers()))
            }
            Err(Error::Connection { .. }) => self.after_break(),
            _ => None,
        }
    }

    fn after_busy(&mut self, asked: Option<Duration>) -> Option<Duration> {
        self.attempts += 1;
        let pause = asked.unwrap_or_else(|| self.growing());
        (self.attempts < MAX_ATTEMPTS).then(|| self.spend(pause))?
    }

    fn after_break(&mut self) -> Option<Duration> {
        self.attempts += 1;
        let pause = self.growing();
        (self.attempts <= MAX_RECONNECTS).then(|| self.spend(pause))?
    }

    fn spend(&mut self, pause: Duration) -> Option<Duration> {
        let waited = self.waited.checked_add(pause).filter(|waited| *waited <= self.patience)?;
        self.waited = waited;
        Some(pause)
    }

    fn growing(&self) -> Duration {
        self.backoff.saturating_mul(1 << self.attempts.saturating_sub(1).min(MAX_DOUBLINGS))
    }
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

/// The pause that `Retry-After` asks for, in seconds or as a date.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(server_time(headers)).unwrap_or_default())
}

/// The time by the server's clock, which times in its answers are by: ours may be wrong. Ours, where the
/// answer has no `Date`.
#[must_use]
pub fn server_time(headers: &HeaderMap) -> SystemTime {
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    date.and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or_else(SystemTime::now)
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn retries(patience: u64) -> Retries {
        Retries::new(&Options { patience: Duration::from_secs(patience), ..Options::default() })
    }

    #[test]
    fn retry_after_has_two_forms() {
        let with = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(text));
            retry_after(&headers)
        };
        assert_eq!(with("7"), Some(Duration::from_secs(7)));
        assert_eq!(with("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert_eq!(with("soon"), None);
        assert_eq!(with("-1"), None);
        // By the server's own clock, which is years behind ours.
        let mut headers = HeaderMap::new();
        let (sent, until) = ("Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:05 GMT");
        headers.insert(DATE, HeaderValue::from_static(sent));
        headers.insert(RETRY_AFTER, HeaderValue::from_static(until));
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(5)));
    }

    #[test]
    fn a_server_is_waited_for_as_it_asks_and_no_longer_than_patience_lasts() {
        let mut retries = retries(10);
        assert_eq!(retries.after_busy(Some(Duration::from_secs(7))), Some(Duration::from_secs(7)));
        assert_eq!(retries.after_busy(Some(Duration::from_secs(4))), None);
        assert_eq!(retries.waited(), Duration::from_secs(7));
        assert_eq!(retries.after_busy(Some(Duration::MAX)), None);
    }

    #[test]
    fn pauses_grow_and_end() {
        let mut busy = retries(60);
        let pauses: Vec<u128> =
            std::iter::from_fn(|| busy.after_busy(None)).map(|pause| pause.as_millis()).collect();
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 16000]);
        let mut at_once = retries(60);
        let count = std::iter::from_fn(|| at_once.after_busy(Some(Duration::ZERO))).count();
        assert_eq!(count, 9);
        let mut broken = retries(60);
        assert_eq!(std::iter::from_fn(|| broken.after_break()).count(), 2);
    }
}
