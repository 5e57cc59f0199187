//! `postgres://USER@HOST/DATABASE`, without a password.

use std::str::FromStr;

use coaming_http::{Options, is_loopback};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// The address of a queue.
#[derive(Clone, Debug)]
pub struct QueueUrl {
    config: Config,
    /// The user asks for TLS or its absence: `sslmode`.
    tls: Option<bool>,
}

/// Why a text is not the address of a queue. No message has the text: there may be a password in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is for something else than PostgreSQL.
    #[error("the URL of a queue begins with postgres://")]
    Scheme,
    /// It is not well-formed.
    #[error("the URL of the queue is not valid: {0}")]
    Malformed(String),
    /// There is a password in it.
    #[error(
        "the URL of the queue has a password in it, which all users of this machine can see: set PGPASSWORD, \
         or put it into the file that PGPASSFILE names"
    )]
    Password,
    /// It asks for another mode of TLS.
    #[error("sslmode={0} is not supported: certificates are always verified; leave it out")]
    Mode(String),
    /// TLS is off, and the server is elsewhere.
    #[error("{0} is not this machine: the queue needs TLS, or --plain-http {0}")]
    Plain(String),
}

impl FromStr for QueueUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            return Err(UrlError::Scheme);
        }
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let mut tls = None;
        let mut rest = Vec::new();
        for parameter in query.split('&').filter(|it| !it.is_empty()) {
            match parameter.split_once('=') {
                // The library knows fewer modes than PostgreSQL.
                Some(("sslmode", mode)) => tls = mode_of(mode)?,
                _ => rest.push(parameter),
            }
        }
        let url = format!("{base}?{}", rest.join("&"));
        let config = Config::from_str(&url).map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            // The cause names parameters, not their values.
            UrlError::Malformed(coaming_http::clean(&cause.unwrap_or_default()))
        })?;
        if config.get_password().is_some() {
            return Err(UrlError::Password);
        }
        Ok(Self { config, tls })
    }
}

fn mode_of(mode: &str) -> Result<Option<bool>, UrlError> {
    match mode {
        "disable" => Ok(Some(false)),
        "allow" | "prefer" => Ok(None),
        "require" | "verify-ca" | "verify-full" => Ok(Some(true)),
        other => Err(UrlError::Mode(coaming_http::clean(other))),
    }
}

impl QueueUrl {
    /// How to connect, without a password.
    pub(crate) fn config(&self, options: &Options) -> Result<Config, UrlError> {
        let mut config = self.config.clone();
        let outside = self.outside(options);
        let tls = match (self.tls, outside) {
            (Some(false), Some(host)) => return Err(UrlError::Plain(host)),
            (None, outside) => outside.is_some(),
            (Some(tls), _) => tls,
        };
        config.ssl_mode(if tls { SslMode::Require } else { SslMode::Disable });
        config.connect_timeout(options.connect_timeout);
        if config.get_application_name().is_none() {
            config.application_name("coaming");
        }
        Ok(config)
    }

    /// The first host that needs TLS.
    fn outside(&self, options: &Options) -> Option<String> {
        let ports = self.config.get_ports();
        let named = self.config.get_hosts().iter().enumerate().find_map(|(index, host)| {
            #[cfg(unix)]
            let Host::Tcp(host) = host else { return None };
            #[cfg(not(unix))]
            let Host::Tcp(host) = host;
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            let allowed = is_loopback(host)
                || options.wants_plain_http(host)
                || options.wants_plain_http(&format!("{host}:{port}"));
            (!allowed).then(|| host.clone())
        });
        // An address beside the name decides where the connection goes.
        let addresses = self.config.get_hostaddrs().iter();
        named.or_else(|| addresses.filter(|it| !it.is_loopback()).map(ToString::to_string).next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str, plain: &[&str]) -> Result<SslMode, UrlError> {
        let options = Options {
            plain_http: plain.iter().map(|host| (*host).to_owned()).collect(),
            ..Options::default()
        };
        Ok(url.parse::<QueueUrl>()?.config(&options)?.get_ssl_mode())
    }

    #[test]
    fn tls_is_left_out_only_where_the_user_allows_it() {
        for (url, plain, expected) in [
            ("postgres://localhost/a", &[][..], SslMode::Disable),
            ("postgres://u@127.0.0.1:5433/a?sslmode=verify-full", &[], SslMode::Require),
            ("postgres:///a?host=/run/postgresql", &[], SslMode::Disable),
            ("postgresql://u@db.example/a", &[], SslMode::Require),
            ("postgres://u@db.example/a?sslmode=prefer", &[], SslMode::Require),
            ("postgres://u@db.example/a", &["db.example"], SslMode::Disable),
            ("postgres://u@db.example:99/a", &["db.example:99"], SslMode::Disable),
            ("postgres://u@db.example/a?sslmode=require", &["*"], SslMode::Require),
            ("postgres://localhost/a?hostaddr=10.0.0.1", &[], SslMode::Require),
            ("postgres://localhost,db.example/a", &[], SslMode::Require),
        ] {
            assert_eq!(mode(url, plain), Ok(expected), "{url}");
        }
        let plain = UrlError::Plain("db.example".to_owned());
        assert_eq!(mode("postgres://db.example/a?sslmode=disable", &[]), Err(plain));
    }

    #[test]
    fn a_password_is_refused_and_never_shown() {
        for url in ["postgres://u:hunter2@localhost/a", "postgres://u@localhost/a?password=hunter2"]
        {
            assert_eq!(mode(url, &[]), Err(UrlError::Password), "{url}");
        }
        for url in [
            "mysql://u:hunter2@localhost/a",
            "postgres://u:hunter2@localhost:port/a",
            "postgres://u:hunter2@localhost/a?nonsense=hunter2",
            "postgres://u:hunter2@localhost/a?connect_timeout=hunter2",
        ] {
            let error = mode(url, &[]).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
