//! Events of Inspektor Gadget, as JSON: `advise network-policy monitor`, `trace network`, `trace tcp`,
//! and the gadgets `advise_networkpolicy` and `trace_tcp`.

use serde_json::Value;

use super::{Line, Party, Seen, number, protocol, text};
use crate::ports::Protocol;

/// Reads one event.
pub(super) fn line(value: Value) -> Result<Line, String> {
    if matches!(text(&value, "type").as_str(), "debug" | "info" | "warn" | "error" | "ready")
        && value.get("pktType").is_none()
    {
        return Ok(Line::Other);
    }
    let seen = if value.get("pktType").is_some() {
        by_packets(&value)
    } else if value.get("endpoint").is_some() {
        by_endpoint(&value)
    } else {
        by_sides(&value)
    };
    Ok(seen.map_or(Line::Other, |seen| Line::Seen(Box::new(seen))))
}

fn seen(source: Party, target: Party, port: (Protocol, u16)) -> Seen {
    Seen { source, target, port, by: "Inspektor Gadget" }
}

/// A packet that a pod sent or got first.
fn by_packets(value: &Value) -> Option<Seen> {
    let port = (protocol(&text(value, "proto"))?, number(value.get("port"))?);
    let own = own(value);
    let peer = match value.get("dst") {
        Some(dst) => party(dst),
        None => remote(value),
    };
    match text(value, "pktType").as_str() {
        "OUTGOING" => Some(seen(own, peer, port)),
        "HOST" => Some(seen(peer, own, port)),
        _ => None,
    }
}

/// A connection of a pod with an endpoint.
fn by_endpoint(value: &Value) -> Option<Seen> {
    let endpoint = value.get("endpoint")?;
    let name = match text(endpoint, "proto") {
        name if name.is_empty() => text(value, "proto"),
        name => name,
    };
    let port = number(endpoint.get("port")).or_else(|| number(value.get("port")))?;
    let port = (protocol(&name)?, port);
    let egress = match value.get("egress") {
        Some(Value::Bool(egress)) => *egress,
        Some(other) => other.as_u64() == Some(1) || other.as_str() == Some("true"),
        None => return None,
    };
    let (own, peer) = (own(value), party(endpoint));
    Some(if egress { seen(own, peer, port) } else { seen(peer, own, port) })
}

/// A connection with both of its sides.
fn by_sides(value: &Value) -> Option<Seen> {
    let (src, dst) = (value.get("src")?, value.get("dst")?);
    let kind = match text(value, "type") {
        kind if kind.is_empty() => text(value, "operation"),
        kind => kind,
    };
    let failed = value.get("error").is_some_and(|it| !matches!(it.as_str(), None | Some("")))
        || value.get("error_raw").and_then(Value::as_i64).is_some_and(|it| it != 0);
    if failed || kind == "close" {
        return None;
    }
    let name = match text(dst, "proto") {
        name if name.is_empty() => "TCP".to_owned(),
        name => name,
    };
    let own = own(value);
    // The pod that accepts is the source of the event, and its own port the lower of both.
    if kind == "accept" {
        let port = (protocol(&name)?, number(src.get("port"))?);
        return Some(seen(party(dst), own, port));
    }
    Some(seen(own, party(dst), (protocol(&name)?, number(dst.get("port"))?)))
}

/// The pod that the event is about.
fn own(value: &Value) -> Party {
    let k8s = value.get("k8s").unwrap_or(&Value::Null);
    let first = |names: [(&Value, &str); 3]| {
        names.into_iter().map(|(of, name)| text(of, name)).find(|it| !it.is_empty())
    };
    let pod = first([(k8s, "podName"), (value, "pod"), (value, "podName")]);
    let namespace = first([(k8s, "namespace"), (value, "namespace"), (value, "k8s.namespace")]);
    let owner = k8s.get("owner").map(|owner| text(owner, "name")).filter(|it| !it.is_empty());
    Party {
        namespace: namespace.unwrap_or_default(),
        pod: pod.unwrap_or_default(),
        workloads: owner.into_iter().collect(),
        labels: labels(value.get("podLabels").or_else(|| k8s.get("podLabels"))),
        address: text(value, "podIP").parse().ok(),
        ..Party::default()
    }
}

/// The other side, in fields with the prefix `remote`.
fn remote(value: &Value) -> Party {
    let first = |names: [&str; 2]| {
        names.into_iter().map(|name| text(value, name)).find(|it| !it.is_empty())
    };
    let is_service = text(value, "remoteKind") == "svc";
    let name = first(["remoteName", "remoteServiceName"]).unwrap_or_default();
    let address = ["remoteAddr", "addr", "ip"].into_iter().map(|name| text(value, name));
    Party {
        namespace: first(["remoteNamespace", "remoteServiceNamespace"]).unwrap_or_default(),
        pod: if is_service { String::new() } else { name.clone() },
        service: if is_service { name } else { String::new() },
        // The labels of a Service are not those of its pods.
        labels: if is_service { Vec::new() } else { labels(value.get("remoteLabels")) },
        address: address.filter_map(|text| text.parse().ok()).next(),
        ..Party::default()
    }
}

/// An address with what Kubernetes knows about it, in `k8s` or beside.
fn party(value: &Value) -> Party {
    let k8s = value.get("k8s").unwrap_or(value);
    let is_service = text(k8s, "kind") == "svc";
    let name = text(k8s, "name");
    let known = ["labels", "podlabels", "podLabels"].into_iter().find_map(|name| k8s.get(name));
    Party {
        namespace: text(k8s, "namespace"),
        pod: if is_service { String::new() } else { name.clone() },
        service: if is_service { name } else { String::new() },
        labels: if is_service { Vec::new() } else { labels(known) },
        address: text(value, "addr").parse().ok(),
        ..Party::default()
    }
}

/// Labels, as an object or as `key=value` with commas.
fn labels(value: Option<&Value>) -> Vec<(String, String)> {
    match value {
        Some(Value::Object(fields)) => fields
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect(),
        Some(Value::String(text)) => text
            .split(',')
            .filter_map(|pair| pair.trim().split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
        _ => Vec::new(),
    }
}
