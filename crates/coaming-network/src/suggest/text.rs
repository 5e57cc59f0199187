//! Finding the names of hosts in text: `cart:7070`, `http://api.shop/x`, `db.shop.svc`.
//!
//! Nothing of the text but host and port ever leaves this module: the rest may be a secret.

/// A host that a text names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mention {
    /// The host's name.
    pub(crate) host: String,
    /// The port, given or implied by the scheme.
    pub(crate) port: Option<u16>,
    /// In which form it is written.
    pub(crate) form: Form,
}

/// The form in which a host is written: how certain it is that it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// In a URL.
    Url,
    /// As `host:port`.
    Pair,
    /// As the whole text.
    Bare,
}

/// The hosts that a text names, in its order. A bare name counts only if it is the whole text.
pub(crate) fn mentions(text: &str) -> Vec<Mention> {
    const LONGEST: usize = 64 * 1024;
    let text = text.get(..LONGEST).unwrap_or(text);
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let outside = before.trim_end_matches(is_scheme);
        pairs(outside, &mut found);
        let scheme = before.get(outside.len()..).unwrap_or_default();
        // What ends a URL in env values, command lines and configuration files.
        let end = after.find(|c: char| c.is_whitespace() || "\"'<>`|".contains(c));
        let (url, behind) = after.split_at(end.unwrap_or(after.len()));
        url_hosts(scheme, url, &mut found);
        rest = behind;
    }
    pairs(rest, &mut found);
    if found.is_empty() && is_name(text.trim()) {
        let host = text.trim().to_ascii_lowercase();
        found.push(Mention { host, port: None, form: Form::Bare });
    }
    found
}

/// The host that options name, with the port that another names: `-h db -p 5432`, `host=db port=5432`.
/// A bare name is one only if it is a Service, which the caller knows.
pub(crate) fn options(text: &str) -> Vec<Mention> {
    const LONGEST: usize = 64 * 1024;
    let text = text.get(..LONGEST).unwrap_or(text);
    let separates = |c: char| c.is_whitespace() || "\"'=".contains(c);
    let words: Vec<&str> = text.split(separates).filter(|word| !word.is_empty()).collect();
    let mut found: Vec<Mention> = Vec::new();
    let mut port = None;
    for pair in words.windows(2) {
        let &[name, value] = pair else { continue };
        match name.trim_start_matches('-') {
            "h" | "host" | "hostname" if is_host(value) => {
                found.push(Mention {
                    host: value.to_ascii_lowercase(),
                    port: None,
                    form: Form::Bare,
                });
            }
            "p" | "P" | "port" => port = port.or_else(|| value.parse().ok()),
            _ => {}
        }
    }
    // Without a port it is no more than a name.
    found.retain_mut(|mention| {
        mention.port = port;
        port.is_some()
    });
    found
}

/// The hosts in what follows `scheme://`: several where a comma parts them.
fn url_hosts(scheme: &str, url: &str, found: &mut Vec<Mention>) {
    // The address of a resolver may be left out: `dns:///db:5432`.
    let url = url.trim_start_matches('/');
    // Everything before the last `@` is a user name and a password, whatever it contains.
    let authority = match url.rfind('@') {
        Some(at) => url.get(at + 1..).unwrap_or_default(),
        None => url,
    };
    let authority = authority.split(['/', '?', '#', ';', ')', ']', '}']).next().unwrap_or_default();
    for part in authority.split(',') {
        let (host, port) = match part.split_once(':') {
            Some((host, port)) => (host, port.parse::<u16>().ok()),
            None => (part, default_port(scheme)),
        };
        if is_host(host) && port != Some(0) {
            let host = host.to_ascii_lowercase();
            found.push(Mention { host, port, form: Form::Url });
        }
    }
}

/// The `host:port` pairs in a text without URLs. None in a text with an `@`, where such a pair may
/// be a user name and a password.
fn pairs(text: &str, found: &mut Vec<Mention>) {
    let text = match text.rsplit_once("@tcp(") {
        Some((_, host)) => host.split(')').next().unwrap_or_default(),
        None if text.contains('@') => return,
        None => text,
    };
    let separates = |c: char| !(c.is_ascii_alphanumeric() || "._-:".contains(c));
    for token in text.split(separates) {
        let Some((host, port)) = token.split_once(':') else { continue };
        let port = port.trim_end_matches(['.', ':']).parse::<u16>().ok().filter(|&port| port > 0);
        if let (true, Some(port)) = (is_host(host), port) {
            let host = host.to_ascii_lowercase();
            found.push(Mention { host, port: Some(port), form: Form::Pair });
        }
    }
}

/// A DNS name with a letter in it, so that no number is taken for one, or an IPv4 address.
fn is_host(text: &str) -> bool {
    text.parse::<std::net::Ipv4Addr>().is_ok() || is_name(text)
}

fn is_name(text: &str) -> bool {
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
        found.map(|m| format!("{} {:?} {:?}", m.host, m.port, m.form)).collect()
    }

    #[test]
    fn finds_hosts_and_nothing_else() {
        assert_eq!(shown("cart:7070"), ["cart Some(7070) Pair"]);
        assert_eq!(shown("--db=postgres://u:p%40x@db.shop.svc/x"), ["db.shop.svc Some(5432) Url"]);
        assert_eq!(shown("jdbc:mysql://db:3307/x?y=z"), ["db Some(3307) Url"]);
        assert_eq!(shown("redis-cart"), ["redis-cart None Bare"]);
        assert_eq!(shown("10.0.0.1:80"), ["10.0.0.1 Some(80) Pair"]);
        assert_eq!(shown("a:1,b:2"), ["a Some(1) Pair", "b Some(2) Pair"]);
        assert_eq!(shown("mongodb://a:1,b:2/x"), ["a Some(1) Url", "b Some(2) Url"]);
        assert_eq!(shown("see \"http://api/v1\" x:9"), ["api Some(80) Url", "x Some(9) Pair"]);
        for nothing in
            ["nginx:1.25", "1.2.3:80", "10.0.0.1", "two words", "12:30:45", "", "x:0", "/etc/x"]
        {
            assert!(shown(nothing).is_empty(), "{nothing}: {:?}", shown(nothing));
        }
    }

    #[test]
    fn options_name_hosts_and_ports() {
        let shown = |text: &str| {
            let found = options(text).into_iter();
            found.map(|m| format!("{} {:?}", m.host, m.port)).collect::<Vec<_>>()
        };
        assert_eq!(shown("pg_dump -h db -p 5432 x"), ["db Some(5432)"]);
        assert_eq!(shown("host=db.shop port=5432 dbname=x"), ["db.shop Some(5432)"]);
        assert_eq!(shown("--host=db --port 3306"), ["db Some(3306)"]);
        for nothing in ["df -h", "df -h / -p 1", "-p 5432", "-h db"] {
            assert!(shown(nothing).is_empty(), "{nothing}");
        }
    }

    #[test]
    fn takes_no_password_for_a_host() {
        assert_eq!(shown("http://bob:8080!x@host:81/"), ["host Some(81) Url"]);
        assert_eq!(shown("amqp://bob:12@34@mq"), ["mq Some(5672) Url"]);
        assert_eq!(shown("bob:1234!x@tcp(db:3306)/shop"), ["db Some(3306) Pair"]);
    }
}
