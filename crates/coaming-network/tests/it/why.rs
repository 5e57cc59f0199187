//! What `why` says, in one line.

use coaming_network::model::Limit;
use coaming_network::{AskedPort, Explanation, Protocol, Reach, explain, find_endpoint};

pub(crate) fn explain_tcp(reach: &Reach, from: &str, to: &str, port: u16) -> Explanation {
    let (from, to) = (find_endpoint(reach, from).unwrap(), find_endpoint(reach, to).unwrap());
    let asked = AskedPort::from((Protocol::Tcp, port));
    explain(reach, &from, &to, Some(&asked)).unwrap()
}

/// `allowed`, `denied`, with `?` where it is not certain, and with what else must hold.
pub(crate) fn why(reach: &Reach, from: &str, to: &str, port: u16) -> String {
    let found = explain_tcp(reach, from, to, port);
    let limits: Vec<&Limit> = found.limits.iter().flatten().collect();
    let shown: Vec<String> = limits.iter().map(ToString::to_string).collect();
    let verdict = if found.is_allowed() { "allowed" } else { "denied" };
    let certain = if found.is_certain() { "" } else { "?" };
    format!("{verdict}{certain} {}", shown.join("|")).trim().to_owned()
}
