//! Paths and addresses, as text.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use super::{Outcome, Row, any, text};
use crate::bytes;
use crate::print;
use crate::template::Exec;
use crate::value::{Map, Value};

pub(super) const TABLE: &[Row] = &[
    ("base", "s", |_, v| made(v, base(text(v, 0)))),
    ("osBase", "s", |_, v| made(v, base(text(v, 0)))),
    ("dir", "s", |_, v| made(v, dir(text(v, 0)))),
    ("osDir", "s", |_, v| made(v, dir(text(v, 0)))),
    ("clean", "s", |_, v| made(v, clean(text(v, 0)))),
    ("osClean", "s", |_, v| made(v, clean(text(v, 0)))),
    ("ext", "s", |_, v| made(v, extension(text(v, 0)))),
    ("osExt", "s", |_, v| made(v, extension(text(v, 0)))),
    ("isAbs", "s", |_, v| Ok(Value::from(text(v, 0).starts_with('/')))),
    ("osIsAbs", "s", |_, v| Ok(Value::from(text(v, 0).starts_with('/')))),
    // Nothing is looked up, as in Helm without `--enable-dns`.
    ("getHostByName", "s", |_, _| Ok(Value::from(""))),
    ("urlParse", "s", |_, v| url_parse(text(v, 0))),
    ("urlJoin", "m", url_join),
];

fn made(v: &[Value], text: String) -> Outcome {
    Ok(Value::from(text).at(any(v, 0).first_origin()))
}

pub(crate) fn base(path: &str) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() {
        return "/".to_owned();
    }
    trimmed.rsplit('/').next().unwrap_or_default().to_owned()
}

fn dir(path: &str) -> String {
    let end = path.rfind('/').map_or(0, |at| at + 1);
    clean(path.get(..end).unwrap_or_default())
}

/// Go's `path.Clean`.
pub(crate) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&"..") | None if !rooted => parts.push(".."),
                Some(_) => {
                    parts.pop();
                }
                None => {}
            },
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

fn extension(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.rfind('.').map_or_else(String::new, |at| name.get(at..).unwrap_or_default().to_owned())
}

/// What Go leaves as it is in every part of an address.
const UNRESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Go's `url.QueryEscape`.
pub(super) fn query_escape(text: &str) -> String {
    const SET: &AsciiSet = &UNRESERVED.remove(b' ');
    escaped(text, SET).replace(' ', "+")
}

fn escaped(text: &str, set: &'static AsciiSet) -> String {
    percent_encode(&bytes::of_text(text), set).to_string()
}

fn url_parse(url: &str) -> Outcome {
    if url.chars().any(|c| c.is_control()) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    let (rest, fragment) = url.split_once('#').unwrap_or((url, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    };
    let failed = |what: String| format!("unable to parse url: parse {url:?}: {what}");
    let (scheme, rest) = match rest.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_lowercase(), rest),
        Some(("", _)) => return Err(failed("missing protocol scheme".to_owned())),
        Some((first, _)) if !first.contains('/') => {
            return Err(failed("first path segment in URL cannot contain colon".to_owned()));
        }
        _ => (String::new(), rest),
    };
    let (authority, path, opaque) = if let Some(rest) = rest.strip_prefix("//") {
        let slash = rest.find('/').unwrap_or(rest.len());
        (rest.get(..slash).unwrap_or_default(), rest.get(slash..).unwrap_or_default(), "")
    } else if !scheme.is_empty() && !rest.starts_with('/') {
        ("", "", rest)
    } else {
        ("", rest, "")
    };
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (user, host),
        None => ("", authority),
    };
    check_host(host).map_err(failed)?;
    for part in [path, fragment, user] {
        check_escapes(part).map_err(failed)?;
    }
    let hostname = match host.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let decoded =
        |part| bytes::to_text(&percent_encoding::percent_decode_str(part).collect::<Vec<u8>>());
    let (unescaped, fragment) = (decoded(path), decoded(fragment));
    let fields = [
        ("scheme", scheme.as_str()),
        ("host", host),
        ("hostname", hostname),
        ("path", unescaped.as_str()),
        ("query", query),
        ("opaque", opaque),
        ("fragment", fragment.as_str()),
        ("userinfo", user),
    ];
    let map: Map =
        fields.into_iter().map(|(name, value)| (name.into(), Value::from(value))).collect();
    Ok(Value::from(map))
}

/// Whether each `%` starts an escape.
fn check_escapes(part: &str) -> Result<(), String> {
    let broken = part.match_indices('%').find(|(at, _)| {
        let digits = part.as_bytes().get(at + 1..at + 3);
        !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    match broken {
        Some((at, _)) => {
            let escape: String = part.get(at..).unwrap_or_default().chars().take(3).collect();
            Err(format!("invalid URL escape {escape:?}"))
        }
        None => Ok(()),
    }
}

/// Whether an authority's host and port are valid.
fn check_host(host: &str) -> Result<(), String> {
    let port = match host.strip_prefix('[') {
        Some(address) => match address.split_once(']') {
            Some((_, port)) => port,
            None => return Err("missing ']' in host".to_owned()),
        },
        None => host.find(':').and_then(|at| host.get(at..)).unwrap_or_default(),
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    if !port.is_empty()
        && (digits.len() == port.len() || !digits.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err(format!("invalid port {port:?} after host"));
    }
    let is_valid = |c: char| {
        !c.is_ascii() || c.is_ascii_alphanumeric() || "-_.~!$&'()*+,;=:[]<>\"%".contains(c)
    };
    match host.chars().find(|c| !is_valid(*c)) {
        Some(c) => Err(format!("invalid character {:?} in host name", c.to_string())),
        None => Ok(()),
    }
}

const COMMON: AsciiSet = UNRESERVED
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b',')
    .remove(b':')
    .remove(b';')
    .remove(b'=');
const PATH: &AsciiSet = &COMMON.remove(b'/').remove(b'@');
const HOST: &AsciiSet = &COMMON
    .remove(b'!')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'[')
    .remove(b']')
    .remove(b'<')
    .remove(b'>')
    .remove(b'"');
const FRAGMENT: &AsciiSet = &COMMON
    .remove(b'!')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'/')
    .remove(b'?')
    .remove(b'@');

fn url_join(exec: &Exec, v: &[Value]) -> Outcome {
    let field = |name: &str| -> Result<String, String> {
        match any(v, 0).get(name) {
            Some(value) if !value.is_nil() => print::plain(&value, &exec.budget),
            _ => Ok(String::new()),
        }
    };
    let (scheme, host, path) = (field("scheme")?, field("host")?, field("path")?);
    let (query, opaque) = (field("query")?, field("opaque")?);
    let (fragment, user) = (field("fragment")?, field("userinfo")?);
    let mut out = String::new();
    if !scheme.is_empty() {
        out = format!("{scheme}:");
    }
    if opaque.is_empty() {
        if !scheme.is_empty() || !host.is_empty() || !user.is_empty() {
            out.push_str("//");
            if !user.is_empty() {
                out = format!("{out}{user}@");
            }
            out.push_str(&escaped(&host, HOST));
        }
        if !path.is_empty() && !path.starts_with('/') && !host.is_empty() {
            out.push('/');
        }
        let first = path.split('/').next().unwrap_or_default();
        if out.is_empty() && first.contains(':') {
            // Else the first part would read as a scheme.
            out.push_str("./");
        }
        out.push_str(&if path == "*" { path } else { escaped(&path, PATH) });
    } else {
        out.push_str(&opaque);
    }
    if !query.is_empty() {
        out = format!("{out}?{query}");
    }
    if !fragment.is_empty() {
        out = format!("{out}#{}", escaped(&fragment, FRAGMENT));
    }
    Ok(Value::from(out))
}
