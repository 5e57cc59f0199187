//! Google Secret Manager. The login is by workload identity federation: a service account's token is
//! exchanged for one of Google's, and that for one of a service account there, if one is named.

use std::time::Duration;

use coaming_http::Url;
use serde::Serialize;

use super::{
    Call, Http, Provider, Reply, SECONDS, address, base64, below, is_segment, login_refused,
    required, seconds, split, text,
};
use crate::config::GoogleConfig;
use crate::json::{self, RawFields};
use crate::value::{Buffer, Exposed, Value};
use crate::wire::{bearer, read_credential};
use crate::{Secret, StoreError};

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// The store.
pub(crate) struct Google {
    config: GoogleConfig,
    endpoint: Url,
    sts: Url,
    iam: Url,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Exchange<'e> {
    audience: &'e str,
    grant_type: &'static str,
    requested_token_type: &'static str,
    scope: &'static str,
    subject_token_type: &'static str,
    subject_token: Exposed<'e>,
}

impl Google {
    pub(crate) fn new(config: &GoogleConfig) -> Result<Self, StoreError> {
        let usual = |service: &str| format!("https://{service}.googleapis.com/");
        Ok(Self {
            endpoint: address(config.endpoint.as_deref(), &usual("secretmanager"))?,
            sts: address(config.sts_endpoint.as_deref(), &usual("sts"))?,
            iam: address(config.iam_endpoint.as_deref(), &usual("iamcredentials"))?,
            config: config.clone(),
        })
    }

    /// The segments of a secret's path: a name of the project, or the whole resource name.
    fn segments<'p>(&'p self, path: &'p str) -> Result<Vec<&'p str>, StoreError> {
        let is_plain = |part: &str| {
            is_segment(part)
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
        };
        let parts: Vec<&str> = path.split('/').collect();
        match parts.as_slice() {
            [name] if is_plain(name) => {
                Ok(vec!["v1", "projects", &self.config.project, "secrets", name, "versions"])
            }
            ["projects", project, "secrets", name] if is_plain(project) && is_plain(name) => {
                Ok(vec!["v1", "projects", project, "secrets", name, "versions"])
            }
            _ => Err(StoreError::Setting(format!(
                "`{path}` is not the name of a secret, nor projects/PROJECT/secrets/NAME"
            ))),
        }
    }

    fn get(
        &self,
        http: &Http,
        token: &Value,
        path: &str,
        version: &str,
    ) -> Result<Reply, StoreError> {
        let mut segments = self.segments(path)?;
        segments.push(version);
        let call = Call::get(below(&self.endpoint, &segments));
        http.send(call.header("authorization", bearer(token)?))?.accepted(path)
    }

    /// A token of the service account that the federation's token may act as.
    fn impersonate(&self, http: &Http, account: &str, token: &Value) -> Result<Value, StoreError> {
        let account = format!("{account}:generateAccessToken");
        let url = below(&self.iam, &["v1", "projects", "-", "serviceAccounts", &account]);
        let body = serde_json::json!({"scope": [SCOPE], "lifetime": format!("{SECONDS}s")});
        let body = Value::new(body.to_string().into_bytes());
        let call = Call::post(url, "application/json", body);
        let reply = http.send(call.header("authorization", bearer(token)?))?;
        if !reply.status.is_success() {
            return Err(login_refused(reply.refusal("the service account", "")));
        }
        required(&reply.fields()?, "accessToken").map(json::value)
    }
}

impl Provider for Google {
    type Credential = Value;

    fn log_in(&self, http: &Http) -> Result<(Value, Duration), StoreError> {
        let subject = read_credential(&self.config.token_file)?;
        let body = Buffer::json(&Exchange {
            audience: &self.config.provider,
            grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
            requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
            scope: SCOPE,
            subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
            subject_token: Exposed(&subject),
        });
        let body = body.map_err(|_| StoreError::Login("the token is not text".to_owned()))?;
        let url = below(&self.sts, &["v1", "token"]);
        let reply = http.send(Call::post(url, "application/json", body.into_value()))?;
        if !reply.status.is_success() {
            let code = reply.fields().ok().and_then(|fields| text(&fields, "error"));
            return Err(login_refused(reply.refusal("the login", &code.unwrap_or_default())));
        }
        let fields = reply.fields()?;
        let token = json::value(required(&fields, "access_token")?);
        let seconds = seconds(&fields);
        match &self.config.service_account {
            None => Ok((token, seconds)),
            Some(account) => {
                let token = self.impersonate(http, account, &token)?;
                Ok((token, seconds.min(Duration::from_secs(SECONDS))))
            }
        }
    }

    fn read(&self, http: &Http, token: &Value, path: &str) -> Result<Secret, StoreError> {
        let reply = self.get(http, token, path, "latest:access")?;
        let fields = reply.fields()?;
        let payload = required(&fields, "payload")?;
        let payload: RawFields<'_> = serde_json::from_str(payload.get())
            .map_err(|_| StoreError::Answer("its payload is not an object".to_owned()))?;
        let value = base64(required(&payload, "data")?)?;
        let checksum: Option<u32> = text(&payload, "dataCrc32c").and_then(|text| text.parse().ok());
        if checksum != Some(crc32c(value.expose())) {
            return Err(StoreError::Answer("its checksum is not that of its data".to_owned()));
        }
        Ok(Secret { fields: split(value), version: version(&fields), lease: None })
    }

    fn version(&self, http: &Http, token: &Value, path: &str) -> Result<Option<u64>, StoreError> {
        Ok(version(&self.get(http, token, path, "latest")?.fields()?))
    }
}

/// The number at the end of a version's name.
fn version(fields: &RawFields<'_>) -> Option<u64> {
    text(fields, "name")?.rsplit('/').next()?.parse().ok()
}

/// The checksum CRC-32C (Castagnoli).
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |sum: u32| if sum & 1 == 1 { sum >> 1 ^ 0x82f6_3b78 } else { sum >> 1 };
    !bytes.iter().fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn checksums_are_those_of_the_standard() {
        // RFC 3720, appendix B.4, and the usual check value.
        assert_eq!(super::crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(super::crc32c(&[0; 32]), 0x8a91_36aa);
    }
}
