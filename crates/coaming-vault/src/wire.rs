//! What goes over the wire and comes back, for all stores: no copy of a secret stays behind, and no
//! answer is longer than [`MAX_ANSWER`].

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use coaming_http::header::HeaderValue;
use coaming_http::{Bytes, Response};

use crate::StoreError;
use crate::value::{Buffer, Value};

/// The most bytes of an answer.
pub const MAX_ANSWER: usize = 1 << 20;
/// The largest file of a credential.
const MAX_CREDENTIAL: u64 = 64 << 10;

/// A value as the owner of a request's bytes: it is zeroed when they have been sent.
pub(crate) struct Owned(pub(crate) Value);

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        self.0.expose()
    }
}

/// The value of an `Authorization` header.
pub(crate) fn bearer(token: &Value) -> Result<HeaderValue, StoreError> {
    let mut buffer = Buffer::with_capacity(token.len() + 7);
    buffer.push(b"Bearer ");
    buffer.push(token.expose());
    sensitive(buffer.into_value())
}

/// A header's value that is never shown.
pub(crate) fn sensitive(value: Value) -> Result<HeaderValue, StoreError> {
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(Owned(value)))
        .map_err(|_| StoreError::Login("the token has characters that no token has".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
pub(crate) fn unavailable(error: coaming_http::Error) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

/// The body, within bounds, in a buffer that is zeroed.
pub(crate) async fn read(mut response: Response) -> Result<Buffer, StoreError> {
    let too_large = || StoreError::Answer(format!("it has more than {MAX_ANSWER} bytes"));
    let length = response.content_length().unwrap_or(4096);
    let length = usize::try_from(length).ok().filter(|length| *length <= MAX_ANSWER);
    let mut buffer = Buffer::with_capacity(length.ok_or_else(too_large)?);
    while let Some(chunk) = response.chunk().await.map_err(unavailable)? {
        if buffer.as_bytes().len() + chunk.len() > MAX_ANSWER {
            return Err(too_large());
        }
        buffer.push(&chunk);
    }
    Ok(buffer)
}

/// A credential in a file.
pub(crate) fn read_credential(path: &Path) -> Result<Value, StoreError> {
    let failed = |error: std::io::Error| StoreError::file(path, &error);
    let mut file = File::open(path).map_err(failed)?.take(MAX_CREDENTIAL);
    let mut buffer = Buffer::with_capacity(4096);
    let mut part = zeroize::Zeroizing::new([0; 4096]);
    loop {
        match file.read(part.as_mut_slice()).map_err(failed)? {
            0 => break,
            count => buffer.push(part.get(..count).unwrap_or_default()),
        }
    }
    let value = buffer.into_value().trimmed();
    if value.is_empty() {
        return Err(StoreError::file(path, &"it is empty"));
    }
    Ok(value)
}
