//! Azure Key Vault. The login is by workload identity: a service account's token is the assertion of an
//! application that trusts its issuer.

use std::time::Duration;

use coaming_http::Url;

use super::{
    Call, Http, Provider, address, below, form, is_segment, login_refused, required, seconds,
    split, text,
};
use crate::config::AzureConfig;
use crate::json;
use crate::value::Value;
use crate::wire::{bearer, read_credential};
use crate::{Secret, StoreError};

const VERSION: &str = "7.4";

/// The store.
pub(crate) struct Azure {
    config: AzureConfig,
    vault: Url,
    login: Url,
}

impl Azure {
    pub(crate) fn new(config: &AzureConfig) -> Result<Self, StoreError> {
        let vault = address(Some(&config.vault), "")?;
        let usual = "https://login.microsoftonline.com/";
        let login = address(config.login_endpoint.as_deref(), usual)?;
        Ok(Self { config: config.clone(), vault, login })
    }

    /// What tokens are for: the domain of the vault without its name.
    fn scope(&self) -> String {
        let host = self.vault.host_str().unwrap_or_default();
        let is_name = host.ends_with(".net") || host.ends_with(".cn");
        match host.split_once('.').filter(|_| is_name) {
            Some((_, domain)) => format!("https://{domain}/.default"),
            None => "https://vault.azure.net/.default".to_owned(),
        }
    }
}

impl Provider for Azure {
    type Credential = Value;

    fn log_in(&self, http: &Http) -> Result<(Value, Duration), StoreError> {
        let assertion = read_credential(&self.config.token_file)?;
        let body = form(&[
            ("grant_type", b"client_credentials"),
            ("client_id", self.config.client_id.as_bytes()),
            ("scope", self.scope().as_bytes()),
            ("client_assertion_type", b"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion.expose()),
        ]);
        let url = below(&self.login, &[&self.config.tenant, "oauth2", "v2.0", "token"]);
        let reply = http.send(Call::post(url, "application/x-www-form-urlencoded", body))?;
        if !reply.status.is_success() {
            let code = reply.fields().ok().and_then(|fields| text(&fields, "error"));
            return Err(login_refused(reply.refusal("the login", &code.unwrap_or_default())));
        }
        let fields = reply.fields()?;
        Ok((json::value(required(&fields, "access_token")?), seconds(&fields)))
    }

    fn read(&self, http: &Http, token: &Value, path: &str) -> Result<Secret, StoreError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if !is_segment(path) || !path.bytes().all(is_plain) {
            let reason = format!("`{path}` is not the name of a secret: letters, digits and `-`");
            return Err(StoreError::Setting(reason));
        }
        let mut url = below(&self.vault, &["secrets", path]);
        url.query_pairs_mut().append_pair("api-version", VERSION);
        let call = Call::get(url).header("authorization", bearer(token)?);
        let reply = http.send(call)?.accepted(path)?;
        let value = json::value(required(&reply.fields()?, "value")?);
        Ok(Secret { fields: split(value), version: None, lease: None })
    }
}
