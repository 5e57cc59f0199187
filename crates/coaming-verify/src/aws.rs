//! AWS's question "who am I": `GetCallerIdentity` of STS, which every key may ask.

use std::collections::BTreeMap;
use std::io;

use coaming_http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use coaming_http::sigv4::{Signed, Signer};
use coaming_http::{Body, Request};
use time::OffsetDateTime;

const QUESTION: &str = "Action=GetCallerIdentity&Version=2011-06-15";
const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
const TIME: HeaderName = HeaderName::from_static("x-amz-date");

/// Makes the body, which contains no secret.
fn body() -> io::Result<Body> {
    Ok(Body::from(QUESTION))
}

/// Adds the question and its signature to a request; `None` if the value is not an ID, a colon, and
/// a secret.
pub(crate) fn sign(
    mut request: Request<'static>,
    value: &str,
    region: &str,
    now: OffsetDateTime,
) -> Option<Request<'static>> {
    let (key_id, secret) = value.split_once(':')?;
    let host = request.url.host_str()?;
    let host = request.url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"));
    let (year, month, day) = (now.year(), u8::from(now.month()), now.day());
    let (hour, minute, second) = (now.hour(), now.minute(), now.second());
    let time = format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z");
    let headers: [(&str, &[u8]); 3] = [
        ("content-type", FORM.as_bytes()),
        ("host", host.as_bytes()),
        ("x-amz-date", time.as_bytes()),
    ];
    let signer = Signer { key_id, secret: secret.as_bytes(), region, service: "sts", time: &time };
    let authorization = signer.authorization(&Signed {
        method: "POST",
        path: request.url.path(),
        query: "",
        headers: BTreeMap::from(headers),
        body: QUESTION.as_bytes(),
    });
    let mut authorization = HeaderValue::from_str(&authorization).ok()?;
    authorization.set_sensitive(true);
    request.headers.insert(AUTHORIZATION, authorization);
    request.headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
    request.headers.insert(TIME, HeaderValue::from_str(&time).ok()?);
    request.body = Some(&body);
    Some(request)
}
