//! How to log in.

use std::collections::BTreeMap;

use super::answer::Token;
use super::client::{Client, Query};
use crate::StoreError;
use crate::config::Auth;
use crate::value::{Exposed, Value};
use crate::wire::read_credential as read;

/// Logs in, with the credentials as they are now.
pub(super) async fn login(client: &Client, auth: &Auth) -> Result<Token, StoreError> {
    let (method, mount, fields) = match auth {
        Auth::Token { file } => return own_token(client, read(file)?).await,
        Auth::Kubernetes { mount, role, token_file } => {
            ("kubernetes", mount, vec![("role", text(role)), ("jwt", read(token_file)?)])
        }
        Auth::Jwt { mount, role, token_file } => {
            ("jwt", mount, vec![("role", text(role)), ("jwt", read(token_file)?)])
        }
        Auth::AppRole { mount, role_id, secret_id_file } => {
            let secret_id = read(secret_id_file)?;
            ("approle", mount, vec![("role_id", text(role_id)), ("secret_id", secret_id)])
        }
        Auth::Certificate { mount, role, .. } => {
            ("cert", mount, role.iter().map(|role| ("name", text(role))).collect())
        }
    };
    let body: BTreeMap<&str, Exposed<'_>> =
        fields.iter().map(|(name, value)| (*name, Exposed(value))).collect();
    let mount = mount.as_deref().unwrap_or(method);
    let segments = ["auth", mount, "login"];
    let query = Query::post(&segments).body(&body)?;
    let answer = match client.send(&query, None).await {
        Ok(answer) => answer,
        Err(error) => return Err(refused(error, &fields)),
    };
    answer.token()
}

/// A token that is there already: how long it is valid is asked.
async fn own_token(client: &Client, token: Value) -> Result<Token, StoreError> {
    let query = Query::get(&["auth/token/lookup-self"]);
    let answer = client.send(&query, Some(&token)).await.map_err(|error| refused(error, &[]))?;
    let data = answer.data()?;
    let number = |name: &str| data.get(name).and_then(|raw| super::answer::from_raw(raw));
    let renewable = data.get("renewable").and_then(|raw| super::answer::from_raw(raw));
    Ok(Token {
        duration: std::time::Duration::from_secs(number("ttl").unwrap_or(0)),
        renewable: renewable.unwrap_or(false),
        value: token,
    })
}

/// An error of a login, in whose text no credential occurs.
fn refused(error: StoreError, fields: &[(&str, Value)]) -> StoreError {
    let reason = match error {
        StoreError::Denied(_) => "permission denied".to_owned(),
        StoreError::NotFound(_) => "there is no such login method".to_owned(),
        StoreError::Rejected(reason) => reason,
        other => return other,
    };
    let secret = |(name, value): &(&str, Value)| {
        !matches!(*name, "role" | "name" | "role_id")
            && value.expose_text().is_some_and(|text| reason.contains(text))
    };
    let repeats = fields.iter().any(secret);
    StoreError::Login(if repeats { "the request is not accepted".to_owned() } else { reason })
}

fn text(text: &str) -> Value {
    Value::new(text.as_bytes().to_vec())
}
