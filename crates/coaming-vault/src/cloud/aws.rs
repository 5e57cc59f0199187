//! AWS Secrets Manager. The login is by web identity (a service account's token, which STS exchanges)
//! or by EKS Pod Identity (which an agent on the node exchanges).

use std::collections::BTreeMap;
use std::time::Duration;

use coaming_http::Url;
use coaming_http::header::HeaderValue;
use coaming_http::sigv4::{Signed, Signer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Call, Http, Provider, Reply, address, base64, form, missing, required, split, text};
use crate::config::{AwsAuth, AwsConfig};
use crate::value::Value;
use crate::wire::{read_credential, sensitive};
use crate::{Secret, StoreError, json};

/// How long a login by web identity is valid: what every role allows.
const SECONDS: &str = "3600";
const SERVICE: &str = "secretsmanager";
const TARGET: &str = "secretsmanager.GetSecretValue";
const JSON: &str = "application/x-amz-json-1.1";

/// The store.
pub(crate) struct Aws {
    region: String,
    auth: AwsAuth,
    endpoint: Url,
    sts: Url,
}

/// Keys for a while.
pub(crate) struct Keys {
    id: String,
    secret: Value,
    token: Value,
}

impl Aws {
    pub(crate) fn new(config: &AwsConfig) -> Result<Self, StoreError> {
        let region = &config.region;
        let is_region = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if region.is_empty() || !is_region(region) {
            return Err(StoreError::Setting(format!("`{region}` is not a region")));
        }
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let usual = |service: &str| format!("https://{service}.{region}.{domain}/");
        Ok(Self {
            endpoint: address(config.endpoint.as_deref(), &usual(SERVICE))?,
            sts: address(config.sts_endpoint.as_deref(), &usual("sts"))?,
            region: region.clone(),
            auth: config.auth.clone(),
        })
    }

    fn web_identity(
        &self,
        http: &Http,
        role: &str,
        token: &Value,
    ) -> Result<(Keys, Duration), StoreError> {
        let body = form(&[
            ("Action", b"AssumeRoleWithWebIdentity"),
            ("Version", b"2011-06-15"),
            ("RoleArn", role.as_bytes()),
            ("RoleSessionName", b"coaming-agent"),
            ("DurationSeconds", SECONDS.as_bytes()),
            ("WebIdentityToken", token.expose()),
        ]);
        let kind = "application/x-www-form-urlencoded";
        let reply = http.send(Call::post(self.sts.clone(), kind, body))?;
        let answer = std::str::from_utf8(reply.bytes()).unwrap_or_default();
        if !reply.status.is_success() {
            return Err(not_accepted(&reply, element(answer, "Code").unwrap_or_default()));
        }
        let part = |name: &str| element(answer, name).ok_or_else(|| missing(name));
        let value = |name: &str| part(name).map(|text| Value::new(text.as_bytes().to_vec()));
        let keys = Keys {
            id: part("AccessKeyId")?.to_owned(),
            secret: value("SecretAccessKey")?,
            token: value("SessionToken")?,
        };
        Ok((keys, until(part("Expiration")?)?))
    }

    fn pod_identity(
        http: &Http,
        agent: Option<&str>,
        token: Value,
    ) -> Result<(Keys, Duration), StoreError> {
        // An address of the link: the agent runs on this node.
        let url = address(agent, "http://169.254.170.23/v1/credentials")?;
        let call = Call::get(url).on_the_link().header("authorization", sensitive(token)?);
        let reply = http.send(call)?;
        if !reply.status.is_success() {
            return Err(not_accepted(&reply, ""));
        }
        let fields = reply.fields()?;
        let value = |name: &str| required(&fields, name).map(json::value);
        let part = |name: &str| text(&fields, name).ok_or_else(|| missing(name));
        let keys = Keys {
            id: part("AccessKeyId")?,
            secret: value("SecretAccessKey")?,
            token: value("Token")?,
        };
        Ok((keys, until(&part("Expiration")?)?))
    }

    /// A signed request.
    fn signed(&self, keys: &Keys, body: Value, now: OffsetDateTime) -> Result<Call, StoreError> {
        let host = match (self.endpoint.host_str(), self.endpoint.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => return Err(StoreError::Setting("the endpoint has no host".to_owned())),
        };
        let time = format!(
            "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
            now.year(),
            u8::from(now.month()),
            now.day(),
            now.hour(),
            now.minute(),
            now.second()
        );
        let headers: [(&str, &[u8]); 5] = [
            ("content-type", JSON.as_bytes()),
            ("host", host.as_bytes()),
            ("x-amz-date", time.as_bytes()),
            ("x-amz-security-token", keys.token.expose()),
            ("x-amz-target", TARGET.as_bytes()),
        ];
        let signer = Signer {
            key_id: &keys.id,
            secret: keys.secret.expose(),
            region: &self.region,
            service: SERVICE,
            time: &time,
        };
        let authorization = signer.authorization(&Signed {
            method: "POST",
            path: self.endpoint.path(),
            query: "",
            headers: BTreeMap::from(headers),
            body: body.expose(),
        });
        let header = |text: &str| sensitive(Value::new(text.as_bytes().to_vec()));
        Ok(Call::post(self.endpoint.clone(), JSON, body)
            .header("authorization", header(&authorization)?)
            .header("x-amz-date", header(&time)?)
            .header("x-amz-security-token", sensitive(keys.token.clone())?)
            .header("x-amz-target", HeaderValue::from_static(TARGET)))
    }
}

impl Provider for Aws {
    type Credential = Keys;

    fn log_in(&self, http: &Http) -> Result<(Keys, Duration), StoreError> {
        match &self.auth {
            AwsAuth::WebIdentity { role_arn, token_file } => {
                self.web_identity(http, role_arn, &read_credential(token_file)?)
            }
            AwsAuth::PodIdentity { agent, token_file } => {
                Self::pod_identity(http, agent.as_deref(), read_credential(token_file)?)
            }
        }
    }

    fn read(&self, http: &Http, keys: &Keys, path: &str) -> Result<Secret, StoreError> {
        let body = serde_json::json!({"SecretId": path}).to_string();
        let body = Value::new(body.into_bytes());
        let reply = http.send(self.signed(keys, body, OffsetDateTime::now_utc())?)?;
        let fields = reply.fields();
        if !reply.status.is_success() {
            let kind = fields.ok().and_then(|fields| text(&fields, "__type")).unwrap_or_default();
            return Err(refused(&reply, kind.rsplit('#').next().unwrap_or_default(), path));
        }
        let fields = fields?;
        let value = match required(&fields, "SecretString") {
            Ok(raw) => json::value(raw),
            Err(_) => base64(required(&fields, "SecretBinary")?)?,
        };
        Ok(Secret { fields: split(value), version: None, lease: None })
    }
}

/// The text of an element without markup in it.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.trim()).filter(|text| !text.is_empty() && !text.contains(['<', '&']))
}

/// How long it is until this time.
fn until(time: &str) -> Result<Duration, StoreError> {
    let end = OffsetDateTime::parse(time, &Rfc3339)
        .map_err(|_| StoreError::Answer("its time is not valid".to_owned()))?;
    let left = end - OffsetDateTime::now_utc();
    Duration::try_from(left).map_err(|_| StoreError::Login("it is over already".to_owned()))
}

/// A login that was not accepted.
fn not_accepted(reply: &Reply, code: &str) -> StoreError {
    match reply.refusal("the login", code) {
        StoreError::Denied(_) | StoreError::NotFound(_) | StoreError::Rejected(_) => {
            let code = if code.is_empty() { reply.status.as_str() } else { code };
            StoreError::Login(coaming_http::clean(code))
        }
        other => other,
    }
}

/// What Secrets Manager's types of errors mean.
fn refused(reply: &Reply, kind: &str, path: &str) -> StoreError {
    match kind {
        "ResourceNotFoundException" => StoreError::NotFound(path.to_owned()),
        "AccessDeniedException" => StoreError::Denied(path.to_owned()),
        "ExpiredTokenException"
        | "InvalidSignatureException"
        | "MissingAuthenticationTokenException"
        | "UnrecognizedClientException" => StoreError::Login(kind.to_owned()),
        "ThrottlingException" | "RequestLimitExceeded" | "InternalServiceError" => {
            StoreError::Unavailable(kind.to_owned())
        }
        kind => reply.refusal(path, kind),
    }
}
