//! Flow logs of Calico, as JSON: those of Goldmane and Whisker, and those of Calico Enterprise and
//! Calico Cloud.

use serde_json::Value;

use super::{Line, Party, Seen, number, protocol, text};

/// Reads one entry.
pub(super) fn line(value: Value) -> Result<Line, String> {
    let allowed = value.get("action").and_then(Value::as_str);
    // 1 is what the API of Goldmane writes for `Allow`.
    let allowed = allowed.is_none_or(|action| action.eq_ignore_ascii_case("allow"))
        && value.get("action").and_then(Value::as_u64).is_none_or(|action| action == 1);
    let name = match text(&value, "proto") {
        proto if proto.is_empty() => text(&value, "protocol"),
        proto => proto,
    };
    let (Some(protocol), Some(port), true) =
        (protocol(&name), number(value.get("dest_port")), allowed)
    else {
        return Ok(Line::Other);
    };
    let source = party(&value, "source");
    let target = party(&value, "dest");
    let seen = Seen { source, target, port: (protocol, port), by: "Calico" };
    Ok(Line::Seen(Box::new(seen)))
}

fn party(value: &Value, side: &str) -> Party {
    let of = |name: &str| match text(value, &format!("{side}_{name}")) {
        // What is not known is written as `-`.
        dash if dash == "-" => String::new(),
        known => known,
    };
    let exact = of("name");
    let name = if exact.is_empty() { of("name_aggr") } else { exact };
    let kind = of("type").to_ascii_lowercase();
    let is_pod = matches!(kind.as_str(), "wep" | "workloadendpoint") || kind.is_empty();
    let is_host = matches!(kind.as_str(), "hep" | "hostendpoint");
    let domains = value.get(format!("{side}_domains")).and_then(Value::as_array);
    let domains = domains.into_iter().flatten().filter_map(Value::as_str);
    let service = if is_pod { String::new() } else { of("service_name") };
    Party {
        namespace: if is_pod { of("namespace") } else { of("service_namespace") },
        pod: if is_pod && !matches!(name.as_str(), "pub" | "pvt") { name } else { String::new() },
        labels: labels(value.get(format!("{side}_labels"))),
        address: of("ip").parse().ok(),
        names: domains.map(str::to_owned).collect(),
        service,
        entities: if is_host { vec!["host".to_owned()] } else { Vec::new() },
        workloads: Vec::new(),
    }
}

/// Labels: a list, a list under `labels`, or one text with bars.
fn labels(value: Option<&Value>) -> Vec<(String, String)> {
    let pair = |text: &str| {
        let (key, value) = text.trim().split_once('=')?;
        Some((key.to_owned(), value.to_owned()))
    };
    match value {
        Some(Value::String(text)) => text.split(['|', ',']).filter_map(pair).collect(),
        Some(Value::Array(items)) => {
            items.iter().filter_map(Value::as_str).filter_map(pair).collect()
        }
        Some(Value::Object(fields)) => labels(fields.get("labels")),
        _ => Vec::new(),
    }
}
