//! Entries of a transparency log (Rekor 1): when which signature was recorded, signed by the log.

use serde_json::{Value, json};

use crate::trust::Log;
use crate::{base64, sha256};

/// An entry, with the log's signature.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    /// In base64, as it was signed.
    pub(crate) body: String,
    pub(crate) seconds: i64,
    /// The log's name in hexadecimal digits.
    pub(crate) log: String,
    pub(crate) index: i64,
    pub(crate) signature: Vec<u8>,
}

/// What an entry must be about.
pub(crate) struct About<'a> {
    /// The bytes that are signed: of an envelope, its payload.
    pub(crate) contents: &'a [u8],
    pub(crate) signature: &'a [u8],
}

impl Entry {
    /// Whether the log signed it, and it is about this signature.
    pub(crate) fn proves(&self, logs: &[Log], about: &About<'_>) -> bool {
        // As RFC 8785 asks for: sorted keys, no white space.
        let Self { seconds, index, .. } = self;
        let (body, log) = (json!(self.body), json!(self.log));
        let message = format!(
            r#"{{"body":{body},"integratedTime":{seconds},"logID":{log},"logIndex":{index}}}"#
        );
        logs.iter()
            .any(|log| log.id == self.log && log.key.verifies(message.as_bytes(), &self.signature))
            && self.is_about(about)
    }

    fn is_about(&self, about: &About<'_>) -> bool {
        let Some(body) = base64(&self.body) else { return false };
        let Ok(body) = serde_json::from_slice::<Value>(&body) else { return false };
        let text = |path: &str| body.pointer(path).and_then(Value::as_str);
        let is_signature = |encoded: Option<&str>| {
            encoded.and_then(base64).is_some_and(|it| it == about.signature)
        };
        let hash = sha256(about.contents);
        let is_hash = |path: &str| text(path).is_some_and(|it| it.eq_ignore_ascii_case(&hash));
        let any = |path: &str, key: &str, is: &dyn Fn(&str) -> bool| {
            let signatures = body.pointer(path).and_then(Value::as_array);
            signatures
                .into_iter()
                .flatten()
                .any(|each| each.get(key).and_then(Value::as_str).is_some_and(is))
        };
        match text("/kind") {
            Some("hashedrekord") => {
                is_hash("/spec/data/hash/value") && is_signature(text("/spec/signature/content"))
            }
            Some("dsse") => {
                is_hash("/spec/payloadHash/value")
                    && any("/spec/signatures", "signature", &|it| is_signature(Some(it)))
            }
            // Signatures in it are encoded twice.
            Some("intoto") => {
                is_hash("/spec/content/payloadHash/value")
                    && any("/spec/content/envelope/signatures", "sig", &|it| {
                        let inner = base64(it).and_then(|bytes| String::from_utf8(bytes).ok());
                        is_signature(inner.as_deref())
                    })
            }
            _ => false,
        }
    }
}
