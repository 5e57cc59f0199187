//! The kernel's table of connections, as `conntrack -L` and `/proc/net/nf_conntrack` print it.
//!
//! A line has two directions: what the client sent, and what is expected back. After the address of a
//! Service was replaced, the second names the pod that answered.

use std::net::IpAddr;

use super::{Line, Party, Seen, protocol};

/// Reads one line.
pub(super) fn line(text: &str) -> Result<Line, String> {
    // `conntrack v1.4.7 (conntrack-tools): 42 flow entries have been shown.`
    if text.starts_with("conntrack v") && text.contains("flow entries") {
        return Ok(Line::Other);
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let values = |name: &'static str| {
        words.iter().filter_map(move |word| word.strip_prefix(name)?.strip_prefix('='))
    };
    let addresses = |name| values(name).map(|text| text.parse::<IpAddr>().ok());
    let (Some(Some(client)), Some(Some(server))) =
        (addresses("src").next(), addresses("src").nth(1))
    else {
        return Err("it is neither JSON nor a line of `conntrack -L`".to_owned());
    };
    let known = words.iter().take(4).find_map(|word| match *word {
        "tcp" | "udp" | "sctp" => protocol(word),
        _ => None,
    });
    // Nobody answered a TCP client; a datagram needs no answer.
    let is_lost = words.contains(&"[UNREPLIED]") && words.contains(&"tcp");
    let port = values("sport").nth(1).and_then(|text| text.parse::<u16>().ok());
    let (Some(protocol), Some(port), false) = (known, port.filter(|&port| port > 0), is_lost)
    else {
        return Ok(Line::Other);
    };
    let party = |address| Party { address: Some(address), ..Party::default() };
    Ok(Line::Seen(Box::new(Seen {
        source: party(client),
        target: party(server),
        port: (protocol, port),
        by: "conntrack",
    })))
}
