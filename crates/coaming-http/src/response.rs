//! An answer whose body is read within limits.

use std::io;

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::{ChunkSource, Error};

/// An answer whose body was not read yet.
#[derive(Debug)]
pub struct Response(pub(crate) reqwest::Response);

impl Response {
    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    /// A header's value, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.headers().get(name)?.to_str().ok()
    }

    /// The size of the body, if the server states it.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        self.0.content_length()
    }

    /// The body's next bytes; `None` at its end.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] if the server is silent, [`Error::Connection`] if the body ends early.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        self.0.chunk().await.map_err(Error::of_request)
    }

    /// The whole body, if it has no more than `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] as soon as it is known, or as for [`Response::chunk`].
    pub async fn bytes(mut self, limit: u64) -> Result<Vec<u8>, Error> {
        if self.content_length().is_some_and(|length| length > limit) {
            return Err(Error::TooLarge { limit });
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if (bytes.len() + chunk.len()) as u64 > limit {
                return Err(Error::TooLarge { limit });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

impl ChunkSource for Response {
    async fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        self.chunk().await.map_err(io::Error::other)
    }
}
