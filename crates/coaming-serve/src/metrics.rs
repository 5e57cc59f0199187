//! What is counted and measured, in Prometheus' text format.
//!
//! Names of rules and namespaces are labels, so their number is bounded: what is beyond is counted
//! under `other`.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use coaming_admission::Verdict;
use coaming_watch::StatusSnapshot;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::shared::now;

/// The label of what is beyond [`MAX_SERIES`].
const OTHER: &str = "other";

type Labels = Vec<(&'static str, String)>;

/// How many combinations of rule, mode and namespace are distinguished.
const MAX_SERIES: usize = 5000;
/// The upper bounds of durations, in seconds.
const BUCKETS: [f64; 12] =
    [0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0];

/// The counters and gauges.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    reviews: Family<Labels, Counter>,
    findings: Family<Labels, Counter>,
    durations: Family<Labels, Histogram, fn() -> Histogram>,
    policy: Family<Labels, Gauge>,
    policy_errors: Gauge,
    certificate_expiry: Gauge,
    certificate_days: Gauge,
    leader: Gauge,
    self_test: Gauge,
    series: Mutex<BTreeSet<Labels>>,
    background: Background,
    scrape: Mutex<()>,
}

/// What the background has done; zero where it is off.
#[derive(Debug, Default)]
struct Background {
    objects: Gauge,
    workloads: Gauge,
    findings: Family<Labels, Gauge>,
    look_age: Gauge,
    failures: Gauge,
    writes: Gauge,
    kinds_not_read: Gauge,
}

impl Background {
    fn register(&self, registry: &mut Registry) {
        let mut gauge = |name: &str, help: &str, gauge: &Gauge| {
            registry.register(format!("background_{name}"), help, gauge.clone());
        };
        gauge("objects", "Objects that the background keeps", &self.objects);
        gauge("workloads", "Workloads that the background judges", &self.workloads);
        let help = "Seconds since everything that had changed was judged; -1 before the first time";
        gauge("look_age_seconds", help, &self.look_age);
        gauge("failures", "Requests of the background that failed", &self.failures);
        gauge("writes", "Requests of the background that wrote", &self.writes);
        let help = "Kinds that the background may not list";
        gauge("kinds_not_read", help, &self.kinds_not_read);
        let help = "Findings in workloads, by category, rule and namespace";
        registry.register("background_findings", help, self.findings.clone());
    }

    fn show(&self, status: &StatusSnapshot) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.objects.set(number(status.objects));
        self.workloads.set(number(status.workloads));
        self.look_age.set(status.seconds_since_look.map_or(-1, number));
        self.failures.set(number(status.failures));
        self.writes.set(number(status.writes));
        self.kinds_not_read.set(number(status.not_read.len() as u64));
        self.findings.clear();
        for (index, (key, count)) in status.findings.iter().enumerate() {
            let labels = match index < MAX_SERIES {
                true => vec![
                    ("category", key.category.to_owned()),
                    ("rule", key.rule.clone()),
                    ("namespace", key.namespace.clone()),
                ],
                false => ["category", "rule", "namespace"].map(|it| (it, OTHER.to_owned())).into(),
            };
            self.findings.get_or_create(&labels).inc_by(number(*count));
        }
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("coaming");
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let metrics = Self {
            reviews: Family::default(),
            findings: Family::default(),
            durations: Family::new_with_constructor(histogram),
            policy: Family::default(),
            policy_errors: Gauge::default(),
            certificate_expiry: Gauge::default(),
            certificate_days: Gauge::default(),
            leader: Gauge::default(),
            self_test: Gauge::default(),
            background: Background::default(),
            scrape: Mutex::default(),
            series: Mutex::default(),
            registry: Registry::default(),
        };
        let reviews = metrics.reviews.clone();
        registry.register("admission_reviews", "Answered admission reviews", reviews);
        let findings = metrics.findings.clone();
        registry.register("admission_findings", "Findings, dry runs left out", findings);
        let help = "From the first byte of a request to the last of its answer";
        registry.register("admission_duration_seconds", help, metrics.durations.clone());
        let help = "The content of all policies, by its hash";
        registry.register("policy_info", help, metrics.policy.clone());
        let help = "Policies that cannot be used";
        registry.register("policy_errors", help, metrics.policy_errors.clone());
        let help = "When the certificate expires, in seconds since 1970";
        registry.register("certificate_expiry_seconds", help, metrics.certificate_expiry.clone());
        let help = "Days for which the certificate is still valid; 0 without one";
        registry.register("certificate_days", help, metrics.certificate_days.clone());
        let help = "Whether this replica writes certificates and status";
        registry.register("leader", help, metrics.leader.clone());
        let help = "Whether API servers reach this server: 1 yes, 0 no, -1 not known";
        metrics.self_test(None);
        registry.register("self_test", help, metrics.self_test.clone());
        metrics.background.register(&mut registry);
        Self { registry, ..metrics }
    }

    /// Counts an answer: `allowed`, `refused`, `mutated`, or the status of an HTTP error.
    pub(crate) fn answered(&self, path: &str, outcome: &str, since: Instant) {
        let labels = vec![("path", path.to_owned()), ("outcome", outcome.to_owned())];
        self.reviews.get_or_create(&labels).inc();
        let labels = vec![("path", path.to_owned())];
        let seconds = Duration::as_secs_f64(&since.elapsed());
        self.durations.get_or_create(&labels).observe(seconds);
    }

    /// Counts the findings of a verdict.
    pub(crate) fn found(&self, namespace: &str, verdict: &Verdict) {
        for judged in &verdict.findings {
            let labels = vec![
                ("category", judged.finding.rule.category.as_str().to_owned()),
                ("rule", judged.finding.rule.id.to_string()),
                ("mode", judged.mode.to_string()),
                ("namespace", namespace.to_owned()),
            ];
            self.findings.get_or_create(&self.bounded(labels)).inc();
        }
    }

    fn bounded(&self, labels: Labels) -> Labels {
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        if series.contains(&labels) {
            return labels;
        }
        if series.len() < MAX_SERIES {
            series.insert(labels.clone());
            return labels;
        }
        ["category", "rule", "mode", "namespace"].map(|name| (name, OTHER.to_owned())).into()
    }

    /// Says which policies count, and how many cannot be used.
    pub(crate) fn policies(&self, hash: &str, errors: usize) {
        self.policy.clear();
        self.policy.get_or_create(&vec![("hash", hash.to_owned())]).set(1);
        self.policy_errors.set(i64::try_from(errors).unwrap_or(i64::MAX));
    }

    /// Says when the certificate expires, in seconds since 1970.
    pub(crate) fn certificate(&self, expiry: i64) {
        self.certificate_expiry.set(expiry);
    }

    /// Says whether this replica is the leader.
    pub(crate) fn leader(&self, is_leader: bool) {
        self.leader.set(i64::from(is_leader));
    }

    /// Says whether API servers reach this server, if that is known.
    pub(crate) fn self_test(&self, is_reached: Option<bool>) {
        self.self_test.set(is_reached.map_or(-1, i64::from));
    }

    /// Everything in the text format, with what the background has done.
    pub(crate) fn text(&self, background: &StatusSnapshot) -> String {
        // Two scrapes at once would add the same findings twice.
        let _one = self.scrape.lock().unwrap_or_else(PoisonError::into_inner);
        self.background.show(background);
        let left = self.certificate_expiry.get() - now().unix_timestamp();
        self.certificate_days.set((left / (24 * 60 * 60)).max(0));
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
