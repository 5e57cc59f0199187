//! What a provider's answer says about a credential.

use std::fmt;

use coaming_http::Response;
use coaming_http::header::HeaderMap;
use serde_json::Value;

use crate::providers::{Provider, Rights};

/// The longest answer that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;
/// The longest text that is taken from an answer, in characters.
const MAX_TEXT: usize = 200;

/// Whether a credential is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The provider accepts it.
    Live,
    /// The provider says that it is not valid.
    Dead,
    /// The provider did not say.
    Unknown,
}

impl Status {
    /// `live`, `dead` or `unknown`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Dead => "dead",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known about a credential after the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The provider's name.
    pub provider: &'static str,
    /// Whether it is valid.
    pub status: Status,
    /// Whose it is, as the provider names it.
    pub account: Option<String>,
    /// What it may do, as the provider names it.
    pub rights: Option<String>,
    /// Why the status is unknown.
    pub reason: Option<String>,
}

impl Answer {
    pub(crate) fn unknown(provider: &Provider, reason: String) -> Self {
        Self {
            provider: provider.name,
            status: Status::Unknown,
            account: None,
            rights: None,
            reason: Some(reason),
        }
    }

    /// Reads a refusal that names its reason.
    async fn refused(provider: &'static Provider, response: Response) -> Self {
        let body = response.bytes(MAX_BYTES).await.unwrap_or_default();
        let json: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let field = |at: &str| json.pointer(at).and_then(Value::as_str).unwrap_or_default();
        // A signature is also refused if this machine's clock is wrong.
        let is_late = ["expired", "not yet current"]
            .iter()
            .any(|part| field("/Error/Message").contains(part));
        if is_late {
            return Self::unknown(provider, "the clock of this machine is wrong".to_owned());
        }
        if provider.dead_errors.contains(&field("/Error/Code")) {
            let unknown = Self::unknown(provider, String::new());
            return Self { status: Status::Dead, reason: None, ..unknown };
        }
        Self::unknown(provider, "the server answered with status 403".to_owned())
    }

    /// Reads the answer to the question about `value`.
    pub(crate) async fn read(provider: &'static Provider, value: &str, response: Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        if provider.dead.contains(&status) {
            return Self {
                status: Status::Dead,
                reason: None,
                ..Self::unknown(provider, String::new())
            };
        }
        if status == 403 && !provider.dead_errors.is_empty() {
            return Self::refused(provider, response).await;
        }
        if !(200..300).contains(&status) {
            return Self::unknown(provider, format!("the server answered with status {status}"));
        }
        let json = match response.bytes(MAX_BYTES).await {
            Ok(body) => serde_json::from_slice(&body).unwrap_or(Value::Null),
            Err(_) => return Self::unknown(provider, "the answer could not be read".to_owned()),
        };
        if provider.ok.is_some_and(|ok| json.pointer(ok) == Some(&Value::Bool(false))) {
            return Self {
                status: Status::Dead,
                reason: None,
                ..Self::unknown(provider, String::new())
            };
        }
        if provider.ok.is_some_and(|ok| json.pointer(ok) != Some(&Value::Bool(true))) {
            return Self::unknown(provider, "the server did not answer the question".to_owned());
        }
        let safe =
            |text: String| Some(text).filter(|text| !text.is_empty() && !text.contains(value));
        let account = provider.account.and_then(|at| json.pointer(at)).map(text);
        Self {
            provider: provider.name,
            status: Status::Live,
            account: account.and_then(safe),
            rights: rights(provider, &headers, &json).and_then(safe),
            reason: None,
        }
    }
}

fn rights(provider: &Provider, headers: &HeaderMap, json: &Value) -> Option<String> {
    match provider.rights {
        Rights::Unknown => None,
        Rights::Header(name) => headers.get(name)?.to_str().ok().map(short),
        Rights::Json(at) => json.pointer(at).map(text),
    }
}

/// A text or a list of texts, in one line.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => short(text),
        Value::Array(items) => {
            let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            short(&texts.join(", "))
        }
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

fn short(text: &str) -> String {
    let mut short: String = text.chars().take(MAX_TEXT).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
