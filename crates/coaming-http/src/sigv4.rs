//! AWS's signature, version 4, for requests whose path and query are canonical already.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Who signs, and for what.
pub struct Signer<'s> {
    /// The ID of the access key.
    pub key_id: &'s str,
    /// The secret of the access key.
    pub secret: &'s [u8],
    /// The region, as `us-east-1`.
    pub region: &'s str,
    /// The service, as `sts`.
    pub service: &'s str,
    /// The time: `20150830T123600Z`.
    pub time: &'s str,
}

impl std::fmt::Debug for Signer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("service", &self.service).finish_non_exhaustive()
    }
}

/// What is signed.
pub struct Signed<'s> {
    /// The method.
    pub method: &'s str,
    /// The path, as it is sent.
    pub path: &'s str,
    /// The query, as it is sent, without the question mark.
    pub query: &'s str,
    /// By their names in lower case; `host` and `x-amz-date` are among them.
    pub headers: BTreeMap<&'s str, &'s [u8]>,
    /// The body.
    pub body: &'s [u8],
}

impl std::fmt::Debug for Signed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signed").field("method", &self.method).finish_non_exhaustive()
    }
}

impl Signer<'_> {
    /// The value of the `Authorization` header.
    #[must_use]
    pub fn authorization(&self, signed: &Signed<'_>) -> String {
        let date = self.time.get(..8).unwrap_or_default();
        let scope = format!("{date}/{}/{}/aws4_request", self.region, self.service);
        let names: Vec<&str> = signed.headers.keys().copied().collect();
        let names = names.join(";");
        // A text that does not grow leaves no copy of a session's token in memory.
        let length: usize =
            signed.headers.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        let fixed = signed.method.len() + signed.path.len() + signed.query.len() + names.len();
        let mut canonical = Zeroizing::new(Vec::with_capacity(length + fixed + 128));
        for part in [signed.method, "\n", signed.path, "\n", signed.query, "\n"] {
            canonical.extend_from_slice(part.as_bytes());
        }
        for (name, value) in &signed.headers {
            for part in [name.as_bytes(), b":", value.trim_ascii(), b"\n"] {
                canonical.extend_from_slice(part);
            }
        }
        for part in ["\n", &names, "\n", &hex(&Sha256::digest(signed.body))] {
            canonical.extend_from_slice(part.as_bytes());
        }
        let request = hex(&Sha256::digest(&*canonical));
        let text = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{request}", self.time);
        let key = self.key(date);
        let signature = hex(&*mac(&*key, text.as_bytes()));
        let key_id = self.key_id;
        format!(
            "AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
        )
    }

    fn key(&self, date: &str) -> Zeroizing<[u8; 32]> {
        let mut secret = Zeroizing::new(Vec::with_capacity(self.secret.len() + 4));
        secret.extend_from_slice(b"AWS4");
        secret.extend_from_slice(self.secret);
        let parts = [self.region, self.service, "aws4_request"];
        let first = mac(&secret, date.as_bytes());
        parts.iter().fold(first, |key, part| mac(&*key, part.as_bytes()))
    }
}

fn mac(key: &[u8], text: &[u8]) -> Zeroizing<[u8; 32]> {
    // A key of any length is accepted.
    let mac = Hmac::<Sha256>::new_from_slice(key).map(|mac| mac.chain_update(text));
    Zeroizing::new(mac.map(|mac| mac.finalize().into_bytes().into()).unwrap_or_default())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(service: &str, signed: Signed<'_>) -> String {
        let signer = Signer {
            key_id: "AKIDEXAMPLE",
            secret: b"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            region: "us-east-1",
            service,
            time: "20150830T123600Z",
        };
        let text = signer.authorization(&signed);
        text.rsplit_once('=').unwrap().1.to_owned()
    }

    fn headers<'h>(more: &[(&'h str, &'h [u8])]) -> BTreeMap<&'h str, &'h [u8]> {
        let own: [(&str, &[u8]); 2] =
            [("host", b"example.amazonaws.com"), ("x-amz-date", b"20150830T123600Z")];
        own.into_iter().chain(more.iter().copied()).collect()
    }

    /// From AWS's test suite for signatures, and from its documentation.
    #[test]
    fn published_signatures_are_the_same() {
        let vanilla =
            |method| Signed { method, path: "/", query: "", headers: headers(&[]), body: b"" };
        assert_eq!(
            signature("service", vanilla("GET")),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
        assert_eq!(
            signature("service", vanilla("POST")),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
        );
        let form = headers(&[("content-type", b"application/x-www-form-urlencoded")]);
        let posted = Signed { headers: form, body: b"Param1=value1", ..vanilla("POST") };
        assert_eq!(
            signature("service", posted),
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
        );
        let form = b"application/x-www-form-urlencoded; charset=utf-8";
        let listed = Signed {
            query: "Action=ListUsers&Version=2010-05-08",
            headers: headers(&[("content-type", form), ("host", b"iam.amazonaws.com")]),
            ..vanilla("GET")
        };
        assert_eq!(
            signature("iam", listed),
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
    }
}
