//! Answers to `401 Unauthorized`: basic authentication and bearer tokens.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::Options;
use crate::credentials::{self, Credentials};
use crate::error::RegistryError;
use crate::failure;
use crate::options::is_loopback;
use crate::transport::{Identity, Target, Transport, read_bounded};

/// The largest answer of a token service.
const MAX_TOKEN_BYTES: u64 = 1 << 20;

/// How a registry wants to be told who asks.
enum Challenge {
    Basic,
    Bearer { realm: Url, service: Option<String>, scope: Option<String> },
}

/// A token service's answer. Has no `Debug`: it must never be shown.
#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<Zeroizing<String>>,
    access_token: Option<Zeroizing<String>>,
}

/// The `Authorization` header that a registry asks for by its answer's headers.
pub(crate) async fn answer(
    transport: &Transport,
    target: &Target,
    headers: &HeaderMap,
) -> Result<HeaderValue, RegistryError> {
    let host = &target.host;
    let credentials = credentials::find(host, &transport.options)?;
    match choose(headers) {
        Some(Challenge::Basic) => match credentials {
            Some(Credentials::Password(user, password)) => {
                secret_header("Basic", &basic(&user, &password), target)
            }
            _ => Err(target.unauthorized("there are no credentials for it")),
        },
        Some(Challenge::Bearer { realm, service, scope }) => {
            let may = realm.scheme() == "https"
                || transport.options.wants_plain_http(host)
                || realm.host_str().is_some_and(is_loopback) && is_loopback(host);
            if !may {
                return Err(target.unauthorized("its token service has no TLS"));
            }
            let scope = scope.unwrap_or_else(|| target.scope());
            let request = token_request(transport, realm, service, &scope, credentials.as_ref());
            let token = fetch_token(transport, target, request, credentials.is_some()).await?;
            secret_header("Bearer", &token, target)
        }
        None => Err(target.unauthorized("it asks for a kind of authentication that we don't have")),
    }
}

/// The user's name and password for a registry, as an interface of its own takes them.
pub(crate) fn basic_identity(host: &str, options: &Options) -> Result<Identity, RegistryError> {
    Ok(match credentials::find(host, options)? {
        Some(Credentials::Password(user, password)) => {
            Identity::Given(secret("Basic", &basic(&user, &password)))
        }
        _ => Identity::Given(None),
    })
}

/// The token that some registries take as the password of a user of this name.
pub(crate) fn token_identity(
    host: &str,
    options: &Options,
    name: &str,
) -> Result<Identity, RegistryError> {
    Ok(match credentials::find(host, options)? {
        Some(Credentials::Password(user, token)) if user == name => {
            Identity::Given(secret("Bearer", &token))
        }
        _ => Identity::Given(None),
    })
}

/// Bearer before basic: it is what registries that offer both prefer.
fn choose(headers: &HeaderMap) -> Option<Challenge> {
    let mut basic = None;
    for header in headers.get_all(WWW_AUTHENTICATE) {
        let Ok(challenges) = header.to_str().map(http_auth::parse_challenges) else { continue };
        for challenge in challenges.unwrap_or_default() {
            if challenge.scheme.eq_ignore_ascii_case("basic") {
                basic = Some(Challenge::Basic);
            } else if challenge.scheme.eq_ignore_ascii_case("bearer") {
                let parameter = |name: &str| {
                    let found =
                        challenge.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
                    found.map(|(_, value)| value.to_unescaped())
                };
                if let Some(realm) = parameter("realm").and_then(|realm| Url::parse(&realm).ok()) {
                    let (service, scope) = (parameter("service"), parameter("scope"));
                    return Some(Challenge::Bearer { realm, service, scope });
                }
            }
        }
    }
    basic
}

fn token_request(
    transport: &Transport,
    mut realm: Url,
    service: Option<String>,
    scope: &str,
    credentials: Option<&Credentials>,
) -> reqwest::RequestBuilder {
    let mut fields: Vec<(&str, &str)> = vec![("scope", scope)];
    fields.extend(service.as_deref().map(|service| ("service", service)));
    if let Some(Credentials::Token(token)) = credentials {
        fields.extend([
            ("grant_type", "refresh_token"),
            ("client_id", "coaming"),
            ("refresh_token", token.as_str()),
        ]);
        let mut body = Url::parse("form:").ok();
        if let Some(form) = &mut body {
            form.query_pairs_mut().extend_pairs(fields);
        }
        let body = body.as_ref().and_then(Url::query).unwrap_or_default().to_owned();
        return transport
            .client
            .post(realm)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
    }
    realm.query_pairs_mut().extend_pairs(fields);
    let request = transport.client.get(realm);
    match credentials {
        Some(Credentials::Password(user, password)) => {
            let mut value = HeaderValue::from_str(&format!("Basic {}", *basic(user, password)))
                .unwrap_or_else(|_| HeaderValue::from_static(""));
            value.set_sensitive(true);
            request.header("authorization", value)
        }
        _ => request,
    }
}

async fn fetch_token(
    transport: &Transport,
    target: &Target,
    request: reqwest::RequestBuilder,
    with_credentials: bool,
) -> Result<Zeroizing<String>, RegistryError> {
    let response = request
        .timeout(transport.options.timeout)
        .send()
        .await
        .map_err(|error| failure::of_request(&target.host, &error))?;
    let status = response.status();
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Err(RegistryError::RateLimited { host: target.host.clone(), wait: None });
    }
    if !status.is_success() {
        let tried = if with_credentials {
            "its token service refuses the credentials that you have for it"
        } else {
            "there are no credentials for it"
        };
        return Err(target.unauthorized(&format!("{tried}; status {}", status.as_u16())));
    }
    let bytes = Zeroizing::new(read_bounded(response, target, "a token", MAX_TOKEN_BYTES).await?);
    let answer: TokenAnswer = serde_json::from_slice(&bytes)
        .map_err(|_| target.malformed("its token service's answer is no JSON object"))?;
    answer
        .token
        .or(answer.access_token)
        .ok_or_else(|| target.malformed("its token service gives no token"))
}

fn basic(user: &str, password: &str) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(Zeroizing::new(format!("{user}:{password}"))))
}

fn secret_header(scheme: &str, text: &str, target: &Target) -> Result<HeaderValue, RegistryError> {
    secret(scheme, text).ok_or_else(|| target.malformed("its token can't stand in a header"))
}

/// A header that is never shown; `None` where the text can't stand in one.
fn secret(scheme: &str, text: &str) -> Option<HeaderValue> {
    let text = Zeroizing::new(format!("{scheme} {text}"));
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(headers: &[&'static str]) -> Option<Challenge> {
        let mut map = HeaderMap::new();
        for header in headers {
            map.append(WWW_AUTHENTICATE, HeaderValue::from_static(header));
        }
        choose(&map)
    }

    #[test]
    fn bearer_comes_before_basic() {
        let bearer = r#"Bearer realm="https://auth.example/token",service="a b",scope="repository:x:pull,push""#;
        let Some(Challenge::Bearer { realm, service, scope }) = chosen(&["Basic realm=x", bearer])
        else {
            panic!("no bearer");
        };
        assert_eq!(realm.as_str(), "https://auth.example/token");
        assert_eq!(service.as_deref(), Some("a b"));
        assert_eq!(scope.as_deref(), Some("repository:x:pull,push"));
        assert!(matches!(chosen(&["Basic realm=\"x\""]), Some(Challenge::Basic)));
        for none in ["", "Bearer", "Bearer realm=\"not a url\"", "Digest a=b", "\"\"\""] {
            assert!(chosen(&[none]).is_none(), "{none}");
        }
    }
}
