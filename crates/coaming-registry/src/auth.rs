//! Answers to `401 Unauthorized`: basic authentication and bearer tokens.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use coaming_http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use coaming_http::{Body, Method, Request, StatusCode, Url, is_loopback};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::Options;
use crate::credentials::{self, Credentials};
use crate::error::RegistryError;
use crate::transport::{Authorization, Target, Transport, rate_limited, read_bounded};

/// The largest answer of a token service.
const MAX_TOKEN_BYTES: u64 = 1 << 20;

/// How a registry asks for credentials.
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

/// The `Authorization` header that a registry asks for in its answer's headers.
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
                || transport.options.http.wants_plain_http(host)
                || realm.host_str().is_some_and(is_loopback) && is_loopback(host);
            if !may {
                return Err(target.unauthorized("its token service has no TLS"));
            }
            let scope = scope.unwrap_or_else(|| target.scope());
            let token =
                fetch_token(transport, target, realm, service, &scope, credentials.as_ref())
                    .await?;
            secret_header("Bearer", &token, target)
        }
        None => Err(target.unauthorized("it asks for an unsupported kind of authentication")),
    }
}

/// The user's name and password for a registry, for the API of its scanner.
pub(crate) fn basic_authorization(
    host: &str,
    options: &Options,
) -> Result<Authorization, RegistryError> {
    Ok(match credentials::find(host, options)? {
        Some(Credentials::Password(user, password)) => {
            Authorization::Fixed(secret("Basic", &basic(&user, &password)))
        }
        _ => Authorization::Fixed(None),
    })
}

/// The token that some registries accept as the password of a user with this name.
pub(crate) fn token_authorization(
    host: &str,
    options: &Options,
    name: &str,
) -> Result<Authorization, RegistryError> {
    Ok(match credentials::find(host, options)? {
        Some(Credentials::Password(user, token)) if user == name => {
            Authorization::Fixed(secret("Bearer", &token))
        }
        _ => Authorization::Fixed(None),
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

/// Asks a token service for a token.
async fn fetch_token(
    transport: &Transport,
    target: &Target,
    mut realm: Url,
    service: Option<String>,
    scope: &str,
    credentials: Option<&Credentials>,
) -> Result<Zeroizing<String>, RegistryError> {
    let mut fields: Vec<(&str, &str)> = vec![("scope", scope)];
    fields.extend(service.as_deref().map(|service| ("service", service)));
    let mut form = Zeroizing::new(String::new());
    let mut headers = HeaderMap::new();
    match credentials {
        Some(Credentials::Token(token)) => {
            fields.extend([
                ("grant_type", "refresh_token"),
                ("client_id", "coaming"),
                ("refresh_token", token.as_str()),
            ]);
            form = form_of(&fields);
            headers.insert(
                CONTENT_TYPE,
                HeaderValue::from_static("application/x-www-form-urlencoded"),
            );
        }
        Some(Credentials::Password(user, password)) => {
            realm.query_pairs_mut().extend_pairs(fields);
            headers.extend(
                secret("Basic", &basic(user, password)).map(|value| (AUTHORIZATION, value)),
            );
        }
        None => {
            realm.query_pairs_mut().extend_pairs(fields);
        }
    }
    let body = || Ok(Body::from(form.to_string()));
    let mut request = Request { headers, plain_http: true, ..Request::get(realm) };
    if !form.is_empty() {
        request.method = Method::POST;
        request.body = Some(&body);
    }
    let sent = transport.http.send(&request).await;
    let response = sent.map_err(|error| target.failed(error))?;
    let status = response.status();
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Err(rate_limited(target, &response));
    }
    if !status.is_success() {
        let tried = if credentials.is_some() {
            "its token service rejects your credentials"
        } else {
            "there are no credentials for it"
        };
        return Err(target.unauthorized(&format!("{tried}; status {}", status.as_u16())));
    }
    let bytes = Zeroizing::new(read_bounded(response, target, "a token", MAX_TOKEN_BYTES).await?);
    let answer: TokenAnswer = serde_json::from_slice(&bytes)
        .map_err(|_| target.malformed("its token service's answer is not a JSON object"))?;
    answer
        .token
        .or(answer.access_token)
        .ok_or_else(|| target.malformed("its token service gives no token"))
}

/// The fields as `application/x-www-form-urlencoded`.
fn form_of(fields: &[(&str, &str)]) -> Zeroizing<String> {
    let Ok(mut form) = Url::parse("form:") else { return Zeroizing::default() };
    form.query_pairs_mut().extend_pairs(fields);
    Zeroizing::new(form.query().unwrap_or_default().to_owned())
}

fn basic(user: &str, password: &str) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(Zeroizing::new(format!("{user}:{password}"))))
}

fn secret_header(scheme: &str, text: &str, target: &Target) -> Result<HeaderValue, RegistryError> {
    secret(scheme, text).ok_or_else(|| target.malformed("its token is not valid in a header"))
}

/// A header that is never shown; `None` if the text is not valid in one.
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
