//! The metrics as OTLP's JSON, made of the text that Prometheus reads: there is one registry, and both
//! say the same.
//!
//! Counters and histograms are cumulative since the start of the process. Numbers of 64 bits are texts in
//! this JSON, and enumerations are numbers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u8 = 2;

type Labels = BTreeMap<String, String>;

/// When something was measured, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) start: i128,
    pub(super) now: i128,
}

/// A family of metrics of the text.
#[derive(Debug, Default)]
struct Family {
    name: String,
    help: String,
    kind: String,
    samples: Vec<Sample>,
}

#[derive(Debug)]
struct Sample {
    /// The name without that of the family: `_total`, `_bucket`.
    suffix: String,
    labels: Labels,
    value: f64,
}

/// The body of a request to `/v1/metrics`.
pub(super) fn payload(text: &str, resource: &[(&str, &str)], times: Times) -> Value {
    let metrics: Vec<Value> =
        families(text).iter().filter_map(|family| metric(family, times)).collect();
    let resource = resource.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    json!({"resourceMetrics": [{
        "resource": {"attributes": attributes(&resource.collect())},
        "scopeMetrics": [{
            "scope": {"name": "coaming", "version": env!("CARGO_PKG_VERSION")},
            "metrics": metrics,
        }],
    }]})
}

fn metric(family: &Family, times: Times) -> Option<Value> {
    let (name, description) = (&family.name, &family.help);
    let points = |suffix: &str| -> Vec<Value> {
        let samples = family.samples.iter().filter(|sample| sample.suffix == suffix);
        samples.map(|sample| number(sample, times)).collect()
    };
    let (field, data) = match family.kind.as_str() {
        "counter" => {
            let points = points("_total");
            let sum = json!({"aggregationTemporality": CUMULATIVE, "isMonotonic": true, "dataPoints": points});
            ("sum", sum)
        }
        "gauge" => ("gauge", json!({"dataPoints": points("")})),
        "histogram" => {
            let points = histograms(family, times);
            ("histogram", json!({"aggregationTemporality": CUMULATIVE, "dataPoints": points}))
        }
        _ => return None,
    };
    let is_empty = data["dataPoints"].as_array().is_none_or(Vec::is_empty);
    (!is_empty).then(|| json!({"name": name, "description": description, field: data}))
}

fn number(sample: &Sample, times: Times) -> Value {
    json!({
        "attributes": attributes(&sample.labels),
        "startTimeUnixNano": times.start.to_string(),
        "timeUnixNano": times.now.to_string(),
        "asDouble": sample.value,
    })
}

/// One point for each combination of labels. Prometheus' buckets hold what is below their bound, OTLP's
/// what is between two bounds.
fn histograms(family: &Family, times: Times) -> Vec<Value> {
    #[derive(Default)]
    struct Parts {
        buckets: Vec<(Option<f64>, f64)>,
        sum: f64,
        count: f64,
    }
    let mut all: BTreeMap<Labels, Parts> = BTreeMap::new();
    for sample in &family.samples {
        let mut labels = sample.labels.clone();
        let bound = labels.remove("le");
        let parts = all.entry(labels).or_default();
        match sample.suffix.as_str() {
            "_bucket" => {
                let bound = bound.and_then(|bound| bound.parse::<f64>().ok());
                parts.buckets.push((bound.filter(|bound| bound.is_finite()), sample.value));
            }
            "_sum" => parts.sum = sample.value,
            "_count" => parts.count = sample.value,
            _ => {}
        }
    }
    let point = |(labels, parts): (Labels, Parts)| {
        let mut below = 0.0;
        let counts: Vec<String> = parts
            .buckets
            .iter()
            .map(|(_, count)| format!("{:.0}", count - std::mem::replace(&mut below, *count)))
            .collect();
        let bounds: Vec<f64> = parts.buckets.iter().filter_map(|(bound, _)| *bound).collect();
        json!({
            "attributes": attributes(&labels),
            "startTimeUnixNano": times.start.to_string(),
            "timeUnixNano": times.now.to_string(),
            "count": format!("{:.0}", parts.count),
            "sum": parts.sum,
            "bucketCounts": counts,
            "explicitBounds": bounds,
        })
    };
    all.into_iter().map(point).collect()
}

fn attributes(labels: &Labels) -> Vec<Value> {
    let attribute = |(key, value)| json!({"key": key, "value": {"stringValue": value}});
    labels.iter().map(attribute).collect()
}

/// The families of a text. Lines that are not understood are left out.
fn families(text: &str) -> Vec<Family> {
    let mut families: Vec<Family> = Vec::new();
    for line in text.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some(what @ ("HELP" | "TYPE")), Some(name), Some(rest)) => {
                if families.last().is_none_or(|family| family.name != name) {
                    families.push(Family { name: name.to_owned(), ..Family::default() });
                }
                let Some(family) = families.last_mut() else { continue };
                match what {
                    "HELP" => rest.clone_into(&mut family.help),
                    _ => rest.clone_into(&mut family.kind),
                }
            }
            _ => {
                let Some(family) = families.last_mut() else { continue };
                family.samples.extend(sample(line, &family.name));
            }
        }
    }
    families
}

/// A sample of a family: `NAME{label="value"} 1.5`.
fn sample(line: &str, family: &str) -> Option<Sample> {
    let rest = line.strip_prefix(family)?;
    let (suffix, rest) = rest.split_at(rest.find(['{', ' '])?);
    let (labels, value) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Labels::new(), rest),
    };
    let value = value.split_whitespace().next()?.parse().ok()?;
    Some(Sample { suffix: suffix.to_owned(), labels, value })
}

/// Labels up to their closing brace, and what comes after it.
fn labels(mut rest: &str) -> Option<(Labels, &str)> {
    let mut labels = Labels::new();
    loop {
        rest = rest.trim_start_matches(',');
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (name, quoted) = rest.split_once("=\"")?;
        let (mut value, mut escaped, mut end) = (String::new(), false, None);
        for (at, character) in quoted.char_indices() {
            match character {
                'n' if escaped => value.push('\n'),
                other if escaped => value.push(other),
                '\\' => {}
                '"' => {
                    end = Some(at + 1);
                    break;
                }
                other => value.push(other),
            }
            escaped = character == '\\' && !escaped;
        }
        labels.insert(name.to_owned(), value);
        rest = quoted.get(end?..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_metric_becomes_its_own() {
        let text = "# HELP a_reviews Reviews.\n# TYPE a_reviews counter\n\
                    a_reviews_total{path=\"/v\",odd=\"a\\\"b\\\\c\\nd,e}\"} 3\n\
                    # HELP a_seconds Time.\n# TYPE a_seconds histogram\n\
                    a_seconds_sum{path=\"/v\"} 0.5\na_seconds_count{path=\"/v\"} 4\n\
                    a_seconds_bucket{le=\"0.1\",path=\"/v\"} 1\na_seconds_bucket{le=\"1.0\",path=\"/v\"} 3\n\
                    a_seconds_bucket{le=\"+Inf\",path=\"/v\"} 4\n\
                    # HELP a_test Test.\n# TYPE a_test gauge\na_test -1\n\
                    # HELP a_none None.\n# TYPE a_none gauge\n# EOF\n";
        let times = Times { start: 1, now: 2 };
        let body = payload(text, &[("service.name", "coaming")], times);
        let metrics = &body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"];
        let time = json!({"startTimeUnixNano": "1", "timeUnixNano": "2"});
        let with = |more: Value| {
            let mut all = time.clone();
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all
        };
        let path = json!({"key": "path", "value": {"stringValue": "/v"}});
        let odd = json!({"key": "odd", "value": {"stringValue": "a\"b\\c\nd,e}"}});
        let expected = json!([
            {"name": "a_reviews", "description": "Reviews.", "sum": {
                "aggregationTemporality": 2, "isMonotonic": true,
                "dataPoints": [with(json!({"attributes": [odd, path], "asDouble": 3.0}))],
            }},
            {"name": "a_seconds", "description": "Time.", "histogram": {
                "aggregationTemporality": 2,
                "dataPoints": [with(json!({
                    "attributes": [path], "count": "4", "sum": 0.5,
                    "bucketCounts": ["1", "2", "1"], "explicitBounds": [0.1, 1.0],
                }))],
            }},
            {"name": "a_test", "description": "Test.", "gauge": {
                "dataPoints": [with(json!({"attributes": [], "asDouble": -1.0}))],
            }},
        ]);
        assert_eq!(metrics, &expected, "{metrics:#}");
    }
}
