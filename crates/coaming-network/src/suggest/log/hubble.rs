//! Flows of Cilium's Hubble, from `hubble observe -o json` and `-o jsonpb`.

use serde::Deserialize;
use serde_json::Value;

use super::{Line, Party, Seen};
use crate::ports::Protocol;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Record {
    verdict: Option<String>,
    source: Option<Endpoint>,
    destination: Option<Endpoint>,
    source_names: Vec<String>,
    destination_names: Vec<String>,
    #[serde(rename = "IP")]
    ip: Option<Addresses>,
    l4: Option<Layer4>,
    l7: Option<Layer7>,
    is_reply: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Endpoint {
    namespace: String,
    pod_name: String,
    labels: Vec<String>,
    workloads: Vec<Named>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Addresses {
    source: String,
    destination: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Layer7 {
    r#type: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "UPPERCASE")]
struct Layer4 {
    tcp: Option<Ports>,
    udp: Option<Ports>,
    sctp: Option<Ports>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Ports {
    destination_port: u16,
    flags: Flags,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "UPPERCASE")]
struct Flags {
    syn: bool,
    ack: bool,
}

/// Reads one event.
pub(super) fn line(mut value: Value) -> Result<Line, String> {
    if let Some(lost) = value.get("lost_events") {
        let count = lost.get("num_events_lost");
        let number = count.and_then(|it| it.as_u64().or_else(|| it.as_str()?.parse().ok()));
        return Ok(Line::Lost(number.unwrap_or(1)));
    }
    if value.get("node_status").is_some() {
        return Ok(Line::Other);
    }
    let is_bare = value.get("verdict").is_some() || value.get("l4").is_some();
    let record = match value.get_mut("flow") {
        Some(flow) => flow.take(),
        None if is_bare => value,
        None => {
            return Err(
                "it has none of the fields of a flow of Hubble, Inspektor Gadget or Calico"
                    .to_owned(),
            );
        }
    };
    let record: Record = serde_json::from_value(record).map_err(|error| error.to_string())?;
    Ok(seen(record).map_or(Line::Other, |seen| Line::Seen(Box::new(seen))))
}

fn seen(record: Record) -> Option<Seen> {
    // AUDIT: the policies would refuse it, and do not yet. REDIRECTED: to a proxy.
    let came_about = match record.verdict.as_deref() {
        None => true,
        Some(verdict) => matches!(verdict, "FORWARDED" | "REDIRECTED" | "AUDIT" | "TRACED"),
    };
    let is_answer = record.l7.is_some_and(|l7| l7.r#type == "RESPONSE");
    if !came_about || is_answer || record.is_reply == Some(true) {
        return None;
    }
    let l4 = record.l4?;
    let ports = [(Protocol::Tcp, l4.tcp), (Protocol::Udp, l4.udp), (Protocol::Sctp, l4.sctp)];
    let (protocol, ports) = ports.into_iter().find_map(|(it, ports)| Some((it, ports?)))?;
    // The second packet of a handshake is a reply, wherever it was recorded.
    if ports.destination_port == 0 || ports.flags.syn && ports.flags.ack {
        return None;
    }
    let ip = record.ip.unwrap_or_default();
    Some(Seen {
        source: party(record.source?, &ip.source, record.source_names),
        target: party(record.destination?, &ip.destination, record.destination_names),
        port: (protocol, ports.destination_port),
        by: "Hubble",
    })
}

fn party(endpoint: Endpoint, address: &str, names: Vec<String>) -> Party {
    let label = |text: &str| {
        let text = text.strip_prefix("k8s:").unwrap_or(text);
        let (key, value) = text.split_once('=')?;
        Some((key.to_owned(), value.to_owned()))
    };
    let entity = |text: &String| text.strip_prefix("reserved:").map(str::to_owned);
    Party {
        namespace: endpoint.namespace,
        pod: endpoint.pod_name,
        workloads: endpoint.workloads.into_iter().map(|it| it.name).collect(),
        labels: endpoint.labels.iter().filter_map(|text| label(text)).collect(),
        entities: endpoint.labels.iter().filter_map(entity).collect(),
        address: address.parse().ok(),
        names,
        service: String::new(),
    }
}
