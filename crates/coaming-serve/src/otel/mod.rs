//! Send the metrics to a collector of OpenTelemetry, by OTLP over HTTP in JSON.
//!
//! Nothing is sent unless the variables of OpenTelemetry name an address. What is sent is what `/metrics`
//! shows, and the names of the program and of its pod: no value of any object.

mod payload;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use coaming_http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use coaming_http::{Body, Client, Method, Options, Request, Url};

use crate::log;
use crate::shared::{Shared, now};
use payload::Times;

/// The whole address; before it, the address of a collector without the path.
const METRICS_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// `NAME=VALUE,…`, such as for a token.
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
/// In milliseconds.
const INTERVAL: &str = "OTEL_METRIC_EXPORT_INTERVAL";
const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where metrics are sent.
#[derive(Clone)]
struct Destination {
    url: Url,
    headers: HeaderMap,
    interval: Duration,
}

/// Without the headers, which may hold a token.
impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination").field("interval", &self.interval).finish_non_exhaustive()
    }
}

impl Destination {
    /// What variables say; `None` if they name no address.
    fn of(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, String> {
        let set = |name: &str| variable(name).filter(|text| !text.trim().is_empty());
        let (name, address) = match (set(METRICS_ENDPOINT), set(ENDPOINT)) {
            (Some(address), _) => (METRICS_ENDPOINT, address),
            (None, Some(base)) => (ENDPOINT, format!("{}/v1/metrics", base.trim_end_matches('/'))),
            (None, None) => return Ok(None),
        };
        // An address may hold a password: it is not repeated.
        let is_web = |url: &Url| matches!(url.scheme(), "http" | "https");
        let url = Url::parse(address.trim()).ok().filter(is_web);
        let url = url.ok_or_else(|| format!("{name} is not the address of a collector"))?;
        let mut headers = HeaderMap::new();
        for pair in set(HEADERS).unwrap_or_default().split(',').filter(|it| !it.trim().is_empty()) {
            let header = pair.split_once('=').and_then(|(name, value)| {
                let mut value = HeaderValue::from_str(value.trim()).ok()?;
                value.set_sensitive(true);
                Some((HeaderName::from_bytes(name.trim().as_bytes()).ok()?, value))
            });
            let (name, value) = header.ok_or_else(|| format!("{HEADERS} is not NAME=VALUE,…"))?;
            headers.insert(name, value);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let interval = match set(INTERVAL).map(|text| text.trim().parse()) {
            None => DEFAULT_INTERVAL,
            Some(Ok(milliseconds)) => Duration::from_millis(milliseconds).max(SHORTEST_INTERVAL),
            Some(Err(_)) => return Err(format!("{INTERVAL} is not a number of milliseconds")),
        };
        Ok(Some(Self { url, headers, interval }))
    }
}

/// Sends the metrics for ever, if the variables name an address.
pub(crate) async fn run(shared: Arc<Shared>) {
    let start = now().unix_timestamp_nanos();
    let destination = match Destination::of(|name| std::env::var(name).ok()) {
        Ok(Some(destination)) => destination,
        Ok(None) => return,
        Err(reason) => return log::say(format_args!("no metrics are sent: {reason}")),
    };
    let options = Options {
        redirects: false,
        timeout: TIMEOUT,
        patience: destination.interval / 2,
        ..Options::default()
    };
    let client = match Client::new(options) {
        Ok(client) => client,
        Err(error) => return log::say(format_args!("no metrics are sent: {error}")),
    };
    let host = destination.url.host_str().unwrap_or_default().to_owned();
    log::say(format_args!("sending metrics to {host}"));
    let mut failing = false;
    loop {
        tokio::time::sleep(destination.interval).await;
        let text = shared.metrics.text(&shared.background.snapshot());
        let times = Times { start, now: now().unix_timestamp_nanos() };
        match send(&client, &destination, &text, times).await {
            Ok(()) => failing = false,
            // What lasts is said once.
            Err(reason) if !std::mem::replace(&mut failing, true) => {
                log::say(format_args!("cannot send metrics to {host}: {reason}"));
            }
            Err(_) => {}
        }
    }
}

async fn send(
    client: &Client,
    destination: &Destination,
    text: &str,
    times: Times,
) -> Result<(), String> {
    let instance = std::env::var("HOSTNAME").unwrap_or_default();
    let mut resource = vec![
        ("service.name", "coaming"),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("service.instance.id", instance.as_str()),
    ];
    resource.retain(|(_, value)| !value.is_empty());
    let json = payload::payload(text, &resource, times).to_string();
    let body = || Ok(Body::from(json.clone()));
    let mut request = Request::new(Method::POST, destination.url.clone());
    request.headers = destination.headers.clone();
    request.body = Some(&body);
    // Collectors in a cluster are asked in plain HTTP, and the user named this one.
    request.plain_http = true;
    let answer = client.send(&request).await.map_err(|error| error.to_string())?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        status => Err(format!("the collector answers {}", status.as_u16())),
    }
}

#[cfg(test)]
mod tests {
    use coaming_test::http_server::{Server, reply};
    use serde_json::Value;

    use super::*;
    use crate::metrics::Metrics;

    fn of(set: &[(&str, &str)]) -> Result<Option<Destination>, String> {
        let find = |name: &str| set.iter().find(|(key, _)| *key == name);
        Destination::of(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn nothing_is_sent_without_an_address() {
        assert!(of(&[]).unwrap().is_none());
        assert!(of(&[(ENDPOINT, " "), (HEADERS, "a=b")]).unwrap().is_none());
    }

    #[test]
    fn variables_name_the_destination() {
        let base = of(&[(ENDPOINT, "http://collector:4318/")]).unwrap().unwrap();
        assert_eq!(base.url.as_str(), "http://collector:4318/v1/metrics");
        assert_eq!(base.interval, DEFAULT_INTERVAL);
        let all = [
            (ENDPOINT, "http://collector:4318"),
            (METRICS_ENDPOINT, "https://metrics.example.com/otlp"),
            (HEADERS, "authorization=Bearer t0ken, x-scope=shop"),
            (INTERVAL, "5000"),
        ];
        let all = of(&all).unwrap().unwrap();
        assert_eq!(all.url.as_str(), "https://metrics.example.com/otlp");
        assert_eq!(all.headers.get("x-scope").unwrap(), "shop");
        assert_eq!(all.interval, Duration::from_secs(5));
        assert!(!format!("{all:?}").contains("t0ken"));
        for wrong in [
            [(ENDPOINT, "collector:4318"), (HEADERS, "")],
            [(ENDPOINT, "http://c"), (HEADERS, "t0ken")],
            [(ENDPOINT, "http://c"), (INTERVAL, "1m")],
        ] {
            let reason = of(&wrong).unwrap_err();
            assert!(!reason.contains("t0ken"), "{reason}");
        }
    }

    #[test]
    fn a_collector_receives_what_was_counted() {
        let server = Server::start(|number, _, stream| {
            // A collector that is busy is asked again.
            let status = if number == 0 { 503 } else { 200 };
            reply(stream, status, &[("Content-Type", "application/json")], b"{}");
        });
        let destination = of(&[
            (ENDPOINT, &format!("http://{}", server.host)),
            (HEADERS, "authorization=Bearer t0ken"),
        ]);
        let destination = destination.unwrap().unwrap();
        let metrics = Metrics::new();
        metrics.answered("/validate", "allowed", std::time::Instant::now());
        metrics.leader(true);
        let text = metrics.text(&coaming_watch::Status::default().snapshot());
        let options = Options { backoff: Duration::from_millis(1), ..Options::default() };
        let client = Client::new(options).unwrap();
        let times = Times { start: 1_000, now: 2_000 };
        let runtime = coaming_http::Runtime::shared().unwrap();
        runtime.block_on(send(&client, &destination, &text, times)).unwrap();

        let requests = server.requests();
        assert_eq!(requests.len(), 2);
        let request = &requests[1];
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/metrics"));
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert_eq!(request.header("authorization"), Some("Bearer t0ken"));
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert!(!body.to_string().contains("t0ken"));
        let scope = &body["resourceMetrics"][0]["scopeMetrics"][0];
        let metric = |name: &str| {
            let all = scope["metrics"].as_array().unwrap();
            all.iter().find(|metric| metric["name"] == name).unwrap().clone()
        };
        let reviews = &metric("coaming_admission_reviews")["sum"]["dataPoints"][0];
        assert_eq!((&reviews["asDouble"], &reviews["timeUnixNano"]), (&1.0.into(), &"2000".into()));
        assert_eq!(metric("coaming_leader")["gauge"]["dataPoints"][0]["asDouble"], 1.0);
        let times = &metric("coaming_admission_duration_seconds")["histogram"]["dataPoints"][0];
        let (counts, bounds) = (&times["bucketCounts"], &times["explicitBounds"]);
        assert_eq!(counts.as_array().unwrap().len(), bounds.as_array().unwrap().len() + 1);
        assert_eq!(times["count"], "1");
    }
}
