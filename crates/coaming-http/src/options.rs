//! How to reach servers.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;

/// How to reach servers.
#[derive(Clone, Debug)]
pub struct Options {
    /// Files of CA certificates (PEM) to trust in addition to the system's.
    pub ca: Vec<PathBuf>,
    /// More CA certificates, as texts in PEM format.
    pub authorities: Vec<String>,
    /// A file with the client's certificates and private key (PEM), for servers that ask for them.
    pub identity: Option<PathBuf>,
    /// Whether redirects are followed. A credential in a request's body goes where they lead to.
    pub redirects: bool,
    /// Hosts (`HOST:PORT`) to reach over plain HTTP; `*` means all. Loopback is always allowed.
    pub plain_http: BTreeSet<String>,
    /// Send every request over this Unix socket, whatever the host of its URL.
    pub unix_socket: Option<PathBuf>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long a short answer may take as a whole, and how long a server may be silent in a
    /// stream.
    pub timeout: Duration,
    /// How long all pauses between the attempts of one request may take together.
    pub patience: Duration,
    /// The pause before the first retry where the server asks for none. It doubles each time.
    pub backoff: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ca: Vec::new(),
            authorities: Vec::new(),
            identity: None,
            redirects: true,
            plain_http: BTreeSet::new(),
            unix_socket: None,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(60),
            patience: Duration::from_secs(60),
            backoff: Duration::from_millis(500),
        }
    }
}

impl Options {
    /// Whether the user asks for plain HTTP to this host (`HOST` or `HOST:PORT`).
    #[must_use]
    pub fn wants_plain_http(&self, host: &str) -> bool {
        self.plain_http.contains(host) || self.plain_http.contains("*")
    }

    /// Whether a URL may be requested as it is: with TLS, or where plain HTTP is allowed.
    pub(crate) fn allows(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let with_port = url.port_or_known_default().map(|port| format!("{host}:{port}"));
        url.scheme() == "https"
            || self.unix_socket.is_some()
            || is_loopback(host)
            || self.wants_plain_http(host)
            || with_port.is_some_and(|host| self.wants_plain_http(&host))
    }
}

/// Whether a host, with or without a port, is this machine.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost"
        || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_recognized() {
        for yes in ["localhost", "localhost:5000", "127.0.0.1:5000", "127.9.9.9", "[::1]:5000"] {
            assert!(is_loopback(yes), "{yes}");
        }
        for no in ["localhost.evil.com", "127.0.0.1.evil.com", "10.0.0.1:5000", "[::2]", "::2"] {
            assert!(!is_loopback(no), "{no}");
        }
    }

    #[test]
    fn plain_http_only_where_it_is_allowed() {
        let options = Options {
            plain_http: ["a.example".to_owned(), "b.example:80".to_owned()].into(),
            ..Options::default()
        };
        let allows = |url: &str| options.allows(&Url::parse(url).unwrap());
        for yes in [
            "https://c.example/",
            "http://a.example/",
            "http://b.example/",
            "http://localhost:5000/",
            "http://[::1]:5000/",
        ] {
            assert!(allows(yes), "{yes}");
        }
        for no in ["http://c.example/", "http://b.example:81/", "http://localhost.evil.com/"] {
            assert!(!allows(no), "{no}");
        }
        let all = Options { plain_http: ["*".to_owned()].into(), ..Options::default() };
        assert!(all.allows(&Url::parse("http://c.example/").unwrap()));
    }
}
