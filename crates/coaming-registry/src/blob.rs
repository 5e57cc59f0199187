//! A blob as a stream: checked, and resumed where the connection broke.

use std::io::{self, Read};

use coaming_http::header::{CONTENT_RANGE, HeaderValue, RANGE};
use coaming_http::{
    BlockingReader, Bytes, ChunkSource, Error as HttpError, Pace, Request, Response, StatusCode,
};
use coaming_oci::{Descriptor, Digester};

use crate::RegistryClient;
use crate::error::RegistryError;
use crate::transport::{Target, of_status};

/// How often in a row a broken connection is resumed without a byte in between.
const MAX_RESUMES: u32 = 4;

/// A blob, chunk by chunk, at least as fast as a slow connection. The end is an error unless all
/// bytes together match the descriptor, so a caller that acts on the contents before the end must be
/// able to undo that.
pub struct BlobStream {
    client: RegistryClient,
    target: Target,
    descriptor: Descriptor,
    /// `None` at the end.
    response: Option<Response>,
    /// How many bytes have arrived.
    offset: u64,
    /// How many bytes of the answer are known already: the server started from the beginning.
    skip: u64,
    /// `None` once the digest was found right.
    digester: Option<Digester>,
    resumes: u32,
    pace: Pace,
}

impl std::fmt::Debug for BlobStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlobStream")
            .field("digest", &self.descriptor.digest)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

impl BlobStream {
    pub(crate) async fn open(
        client: RegistryClient,
        target: Target,
        descriptor: Descriptor,
    ) -> Result<Self, RegistryError> {
        let digester = Digester::new(descriptor.digest.algorithm());
        let mut stream = Self {
            client,
            target,
            descriptor,
            response: None,
            offset: 0,
            skip: 0,
            digester: Some(digester),
            resumes: 0,
            pace: Pace::default(),
        };
        stream.response = Some(stream.request().await?);
        Ok(stream)
    }

    /// The next bytes; `None` at the end, which is checked. After an error the stream stays at the
    /// error.
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub async fn next(&mut self) -> Result<Option<Bytes>, RegistryError> {
        loop {
            let mut pace = self.pace;
            let received = pace.wait(self.receive()).await;
            self.pace = pace;
            self.pace.check(self.offset).map_err(|error| self.give_up(error))?;
            match received? {
                Some(chunk) => {
                    if let Some(new) = self.take(chunk)? {
                        return Ok(Some(new));
                    }
                }
                None => return self.finish().map(|()| None),
            }
        }
    }

    /// Reads all of it into memory. The caller has checked the descriptor's size.
    pub(crate) async fn read_whole(mut self) -> Result<Vec<u8>, RegistryError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.next().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// Requests the blob from `offset` on.
    async fn request(&mut self) -> Result<Response, RegistryError> {
        let transport = &self.client.transport;
        let path = format!("blobs/{}", self.descriptor.digest);
        let url = transport.url(&self.target, &path).await?;
        let mut request = Request { streamed: true, ..Request::get(url) };
        if self.offset > 0 {
            let range = HeaderValue::from_str(&format!("bytes={}-", self.offset));
            request.headers.extend(range.ok().map(|range| (RANGE, range)));
        }
        let response = transport.send(&self.target, request).await?;
        match response.status() {
            StatusCode::OK => self.skip = self.offset,
            StatusCode::PARTIAL_CONTENT if self.continues(&response) => self.skip = 0,
            _ => return Err(of_status(response, &self.target, &self.name()).await),
        }
        Ok(response)
    }

    fn continues(&self, response: &Response) -> bool {
        let start = format!("bytes {}-", self.offset);
        response.header(CONTENT_RANGE.as_str()).is_some_and(|range| range.starts_with(&start))
    }

    /// The answer's next bytes. An answer that broke or ended too early is requested again.
    async fn receive(&mut self) -> Result<Option<Bytes>, RegistryError> {
        loop {
            let Some(response) = &mut self.response else { return Ok(None) };
            let trouble = match response.chunk().await {
                Ok(Some(chunk)) => return Ok(Some(chunk)),
                Ok(None) if self.offset >= self.descriptor.size => return Ok(None),
                Ok(None) => None,
                Err(error) => Some(self.target.failed(error)),
            };
            self.resumes += 1;
            if self.resumes > MAX_RESUMES {
                self.response = None;
                return Err(trouble.unwrap_or_else(|| self.corrupt()));
            }
            self.response = Some(self.request().await?);
        }
    }

    /// Takes bytes in, and returns those that are new, if any.
    fn take(&mut self, mut bytes: Bytes) -> Result<Option<Bytes>, RegistryError> {
        let known = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
        self.skip -= known as u64;
        let new = bytes.split_off(known);
        if new.is_empty() {
            return Ok(None);
        }
        self.offset += new.len() as u64;
        if self.offset > self.descriptor.size {
            self.response = None;
            return Err(self.corrupt());
        }
        if let Some(digester) = &mut self.digester {
            digester.update(&new);
        }
        self.resumes = 0;
        Ok(Some(new))
    }

    /// Checks the whole. Called again, the result is the same.
    fn finish(&mut self) -> Result<(), RegistryError> {
        self.response = None;
        match self.digester.take() {
            None => Ok(()),
            Some(digester) if digester.clone().finish() == self.descriptor.digest => Ok(()),
            Some(digester) => {
                self.digester = Some(digester);
                Err(self.corrupt())
            }
        }
    }

    fn give_up(&mut self, error: HttpError) -> RegistryError {
        self.response = None;
        self.target.failed(error)
    }

    fn corrupt(&self) -> RegistryError {
        RegistryError::Corrupt { host: self.target.host.clone(), what: self.name() }
    }

    fn name(&self) -> String {
        format!("{}@{}", self.target.repository, self.descriptor.digest)
    }
}

impl ChunkSource for BlobStream {
    async fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        self.next().await.map_err(io::Error::other)
    }
}

/// Reads a blob on threads that are not asynchronous. The last read fails unless all bytes together
/// match the descriptor.
#[derive(Debug)]
pub struct BlobReader(pub(crate) BlockingReader<BlobStream>);

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}
