//! Finding the names of hosts in text: `cart:7070`, `http://api.shop/x`, `db.shop.svc`.
//!
//! Nothing of the text but host and port ever leaves this module: the rest may be a secret.

/// A host that a text names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mention {
    /// The host's name.
    pub(crate) host: String,
    /// The port, said or implied by the scheme.
    pub(crate) port: Option<u16>,
    /// Whether the text leaves no doubt that a host is meant: it has a scheme or a port.
    pub(crate) certain: bool,
}

/// The hosts that a text names, in its order. A bare name counts only if it is the whole text.
pub(crate) fn mentions(text: &str) -> Vec<Mention> {
    const LONGEST: usize = 64 * 1024;
    let text = text.get(..LONGEST).unwrap_or(text);
    let separates = |c: char| !(c.is_ascii_alphanumeric() || "._-:/@".contains(c));
    let mut found: Vec<Mention> = text.split(separates).filter_map(token).collect();
    if found.is_empty() && is_host(text.trim()) {
        found.push(Mention { host: text.trim().to_ascii_lowercase(), port: None, certain: false });
    }
    found
}

fn token(token: &str) -> Option<Mention> {
    // Two colons: a scheme may itself have one, as in jdbc:postgresql://.
    let (scheme, rest) = match token.split_once("://") {
        Some((scheme, rest)) => (Some(scheme.rsplit(':').next().unwrap_or(scheme)), rest),
        None => (None, token),
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port.trim_end_matches(['.', ':']).parse::<u16>().ok()?)),
        None => (authority.trim_end_matches('.'), None),
    };
    if !is_host(host) || port == Some(0) || port.is_none() && scheme.is_none() {
        return None;
    }
    let port = port.or_else(|| scheme.and_then(default_port));
    Some(Mention { host: host.to_ascii_lowercase(), port, certain: true })
}

/// A DNS name with a letter in it, so that no address and no number is taken for one.
fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
        && text.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

fn default_port(scheme: &str) -> Option<u16> {
    Some(match scheme {
        "http" | "ws" => 80,
        "https" | "wss" => 443,
        "redis" => 6379,
        "postgres" | "postgresql" => 5432,
        "mysql" | "mariadb" => 3306,
        "mongodb" => 27017,
        "amqp" => 5672,
        "nats" => 4222,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let found = mentions(text).into_iter();
        found.map(|m| format!("{} {:?} {}", m.host, m.port, m.certain)).collect()
    }

    #[test]
    fn finds_hosts_and_nothing_else() {
        assert_eq!(shown("cart:7070"), ["cart Some(7070) true"]);
        assert_eq!(shown("--db=postgres://u:p%40x@db.shop.svc/x"), ["db.shop.svc Some(5432) true"]);
        assert_eq!(shown("jdbc:mysql://db:3307/x?y=z"), ["db Some(3307) true"]);
        assert_eq!(shown("redis-cart"), ["redis-cart None false"]);
        assert_eq!(shown("a:1,b:2"), ["a Some(1) true", "b Some(2) true"]);
        assert_eq!(shown("http://api/v1"), ["api Some(80) true"]);
        for nothing in ["nginx:1.25", "10.0.0.1:80", "two words", "12:30:45", "", "x:0", "/etc/x"] {
            assert!(shown(nothing).is_empty(), "{nothing}: {:?}", shown(nothing));
        }
    }
}
