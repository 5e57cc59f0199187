//! URLs, parsed as Go's `url.ParseRequestURI` does.

use crate::lang::declarations::Library;
use crate::lang::eval::{EvalError, Machine, NO_OVERLOAD};
use crate::lang::value::Value;

use super::opaque::Opaque;

/// A parsed URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) text: String,
    scheme: String,
    host: String,
    path: String,
    query: String,
}

impl Url {
    /// Parses an absolute URL or an absolute path.
    pub(crate) fn parse(text: &str) -> Result<Self, EvalError> {
        let failed = |why: &str| {
            EvalError::new(format!(
                "URL parse error during conversion from string: parse \"{text}\": {why}"
            ))
        };
        if text.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
            return Err(failed("net/url: invalid control character in URL"));
        }
        if text.is_empty() {
            return Err(failed("empty url"));
        }
        let mut url = Self { text: text.to_owned(), ..Self::default() };
        if text == "*" {
            url.path = text.to_owned();
            return Ok(url);
        }
        let (scheme, rest) = scheme_of(text).map_err(failed)?;
        url.scheme = scheme.to_ascii_lowercase();
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        url.query = query.to_owned();
        if !rest.starts_with('/') {
            if scheme.is_empty() {
                return Err(failed("invalid URI for request"));
            }
            return Ok(url);
        }
        let mut path = rest;
        if !url.scheme.is_empty()
            && let Some(after) = rest.strip_prefix("//")
        {
            let end = after.find('/').unwrap_or(after.len());
            let (authority, tail) = after.split_at(end);
            url.host = host_of(authority).map_err(|why| failed(&why))?;
            path = tail;
        }
        if !has_valid_escapes(path) {
            return Err(failed("invalid URL escape"));
        }
        url.path = path.to_owned();
        Ok(url)
    }

    fn hostname(&self) -> &str {
        match self.host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((inner, _)) => inner,
            None => self.host.split_once(':').map_or(&self.host, |(name, _)| name),
        }
    }

    fn port(&self) -> &str {
        let after = self.host.rsplit_once(']').map_or(&*self.host, |(_, after)| after);
        after.rsplit_once(':').map_or("", |(_, port)| port)
    }

    fn escaped_path(&self) -> String {
        let mut out = String::new();
        for byte in self.path.bytes() {
            let is_plain = byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@!'()*[]%".contains(&byte);
            if is_plain {
                out.push(char::from(byte));
            } else {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
        out
    }

    fn query(&self) -> Value {
        let mut pairs: Vec<(String, Vec<Value>)> = Vec::new();
        for part in self.query.split('&').filter(|part| !part.is_empty() && !part.contains(';')) {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let (Some(key), Some(value)) = (unescaped(key), unescaped(value)) else { continue };
            let value = Value::string(&value);
            match pairs.iter_mut().find(|(own, _)| *own == key) {
                Some((_, values)) => values.push(value),
                None => pairs.push((key, vec![value])),
            }
        }
        let entries =
            pairs.into_iter().map(|(key, values)| (Value::string(&key), Value::list(values)));
        Value::map(entries.collect())
    }
}

fn scheme_of(text: &str) -> Result<(&str, &str), &'static str> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme"),
            b':' => return Ok((&text[..at], &text[at + 1..])),
            _ => break,
        }
    }
    // A colon in the first segment of a path without scheme is refused later, as a request URI.
    Ok(("", text))
}

fn host_of(authority: &str) -> Result<String, String> {
    let host = match authority.rsplit_once('@') {
        Some((user, host)) => {
            let plain =
                |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
            if !user.bytes().all(plain) {
                return Err("net/url: invalid userinfo".to_owned());
            }
            host
        }
        None => authority,
    };
    let port = if host.starts_with('[') {
        let Some((_, after)) = host.rsplit_once(']') else {
            return Err("missing ']' in host".to_owned());
        };
        after
    } else {
        host.rfind(':').map_or("", |at| &host[at..])
    };
    let is_port = port.is_empty()
        || port.strip_prefix(':').is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    if !is_port {
        return Err(format!("invalid port \"{port}\" after host"));
    }
    let allowed = |byte: u8| {
        byte >= 0x80 || byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"%".contains(&byte)
    };
    if let Some(odd) = host.bytes().find(|byte| !allowed(*byte)) {
        return Err(format!("invalid character \"{}\" in host name", char::from(odd)));
    }
    if host.contains('%') {
        return Err("invalid URL escape in host".to_owned());
    }
    Ok(host.to_owned())
}

fn has_valid_escapes(text: &str) -> bool {
    let is_hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let bytes = text.as_bytes();
    let mut escapes = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%');
    escapes.all(|(at, _)| is_hex(bytes.get(at + 1)) && is_hex(bytes.get(at + 2)))
}

fn unescaped(text: &str) -> Option<String> {
    if !has_valid_escapes(text) {
        return None;
    }
    let mut out = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

fn get(arguments: &[Value], field: fn(&Url) -> Value) -> Result<Value, EvalError> {
    match arguments {
        [Value::Opaque(opaque)] => match &**opaque {
            Opaque::Url(url) => Ok(field(url)),
            _ => NO_OVERLOAD,
        },
        _ => NO_OVERLOAD,
    }
}

pub(crate) const LIBRARY: Library = Library {
    signatures: "
        url(string) kubernetes.URL
        isURL(string) bool
        @kubernetes.URL getScheme() string
        @kubernetes.URL getHost() string
        @kubernetes.URL getHostname() string
        @kubernetes.URL getPort() string
        @kubernetes.URL getEscapedPath() string
        @kubernetes.URL getQuery() map(string, list(string))
    ",
    natives: &[
        ("url", |_: &mut Machine<'_>, arguments| match arguments {
            [Value::String(text)] => Url::parse(text).map(Opaque::Url).map(Value::opaque),
            _ => NO_OVERLOAD,
        }),
        ("isURL", |_, arguments| match arguments {
            [Value::String(text)] => Ok(Value::Bool(Url::parse(text).is_ok())),
            _ => NO_OVERLOAD,
        }),
        ("getScheme", |_, arguments| get(arguments, |url| Value::string(&url.scheme))),
        ("getHost", |_, arguments| get(arguments, |url| Value::string(&url.host))),
        ("getHostname", |_, arguments| get(arguments, |url| Value::string(url.hostname()))),
        ("getPort", |_, arguments| get(arguments, |url| Value::string(url.port()))),
        ("getEscapedPath", |_, arguments| get(arguments, |url| Value::string(&url.escaped_path()))),
        ("getQuery", |_, arguments| get(arguments, Url::query)),
    ],
};
