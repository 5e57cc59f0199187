//! A blob as a stream: checked, and taken up again where the connection broke.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use coaming_oci::{Descriptor, Digester};
use reqwest::header::{CONTENT_RANGE, HeaderValue, RANGE};
use reqwest::{Response, StatusCode};

use crate::Registry;
use crate::error::RegistryError;
use crate::transport::{Call, Target, of_status};

/// How often in a row a broken connection is taken up again without a byte in between.
const MAX_RESUMES: u32 = 4;
/// The slowest that a server may be, in bytes a second, once [`GRACE`] is over.
const MIN_SPEED: u64 = 16 << 10;
/// The time that every blob may take, however small.
const GRACE: Duration = Duration::from_secs(120);

/// Reads a blob, at least as fast as a slow connection. The last read fails unless all bytes together are what the descriptor says; so
/// whoever acts on the contents before the end must be able to take that back.
pub struct BlobReader {
    registry: Registry,
    target: Target,
    descriptor: Descriptor,
    response: Option<Response>,
    /// What has arrived and was not given out yet.
    chunk: Vec<u8>,
    given: usize,
    /// How many bytes have arrived.
    offset: u64,
    /// How many bytes of the answer are known already: the server began anew.
    skip: u64,
    digester: Option<Digester>,
    resumes: u32,
    waited: Duration,
}

impl std::fmt::Debug for BlobReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlobReader")
            .field("digest", &self.descriptor.digest)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

impl BlobReader {
    pub(crate) async fn open(
        registry: Registry,
        target: Target,
        descriptor: Descriptor,
    ) -> Result<Self, RegistryError> {
        let digester = Digester::new(descriptor.digest.algorithm());
        let mut reader = Self {
            registry,
            target,
            descriptor,
            response: None,
            chunk: Vec::new(),
            given: 0,
            offset: 0,
            skip: 0,
            digester: Some(digester),
            resumes: 0,
            waited: Duration::ZERO,
        };
        reader.response = Some(reader.request().await?);
        Ok(reader)
    }

    /// Reads all of it into memory. Whoever calls this has looked at the descriptor's size.
    pub(crate) fn read_whole(mut self) -> Result<Vec<u8>, RegistryError> {
        let mut bytes = Vec::new();
        while self.fill()? {
            bytes.extend_from_slice(&self.chunk);
        }
        Ok(bytes)
    }

    /// Asks for the blob from `offset` on.
    async fn request(&mut self) -> Result<Response, RegistryError> {
        let transport = &self.registry.transport;
        let path = format!("blobs/{}", self.descriptor.digest);
        let url = transport.url(&self.target, &path).await?;
        let mut call = Call { short: false, ..Call::get(url) };
        if self.offset > 0 {
            let range = HeaderValue::from_str(&format!("bytes={}-", self.offset));
            call.headers.extend(range.ok().map(|range| (RANGE, range)));
        }
        let response = transport.send(&self.target, &call).await?;
        match response.status() {
            StatusCode::OK => self.skip = self.offset,
            StatusCode::PARTIAL_CONTENT if self.continues(&response) => self.skip = 0,
            _ => return Err(of_status(response, &self.target, &self.name()).await),
        }
        Ok(response)
    }

    fn continues(&self, response: &Response) -> bool {
        let start = format!("bytes {}-", self.offset);
        let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
        range.is_some_and(|range| range.starts_with(&start))
    }

    /// Gets the next bytes into `chunk`; `false` at the end, which is checked.
    fn fill(&mut self) -> Result<bool, RegistryError> {
        let registry = self.registry.clone();
        loop {
            let start = Instant::now();
            let next = registry.transport.block_on(self.next());
            self.waited += start.elapsed();
            self.check_speed()?;
            match next? {
                Some(chunk) if self.take(&chunk)? => return Ok(true),
                Some(_) => {}
                None => return self.finish().map(|()| false),
            }
        }
    }

    /// The answer's next bytes. A broken or too early ended answer is asked for again.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, RegistryError> {
        loop {
            let Some(response) = &mut self.response else { return Ok(None) };
            let trouble = match response.chunk().await {
                Ok(Some(chunk)) => return Ok(Some(chunk.into())),
                Ok(None) if self.offset >= self.descriptor.size => return Ok(None),
                Ok(None) => None,
                Err(error) => Some(self.target.failed(&error)),
            };
            self.resumes += 1;
            if self.resumes > MAX_RESUMES {
                self.response = None;
                return Err(trouble.unwrap_or_else(|| self.corrupt()));
            }
            self.response = Some(self.request().await?);
        }
    }

    /// Takes bytes in; `false` if none of them is new.
    fn take(&mut self, bytes: &[u8]) -> Result<bool, RegistryError> {
        let known = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
        self.skip -= known as u64;
        let new = bytes.get(known..).unwrap_or_default();
        if new.is_empty() {
            return Ok(false);
        }
        self.offset += new.len() as u64;
        if self.offset > self.descriptor.size {
            self.response = None;
            return Err(self.corrupt());
        }
        if let Some(digester) = &mut self.digester {
            digester.update(new);
        }
        self.resumes = 0;
        self.chunk.clear();
        self.chunk.extend_from_slice(new);
        self.given = 0;
        Ok(true)
    }

    /// Whether the whole is what it should be. Asked again, the answer is the same.
    fn finish(&mut self) -> Result<(), RegistryError> {
        self.response = None;
        self.chunk.clear();
        self.given = 0;
        match self.digester.take() {
            None => Ok(()),
            Some(digester) if digester.clone().finish() == self.descriptor.digest => Ok(()),
            Some(digester) => {
                self.digester = Some(digester);
                Err(self.corrupt())
            }
        }
    }

    fn check_speed(&mut self) -> Result<(), RegistryError> {
        let allowed = GRACE + Duration::from_secs(self.offset / MIN_SPEED);
        if self.waited <= allowed {
            return Ok(());
        }
        self.response = None;
        Err(RegistryError::Timeout {
            host: self.target.host.clone(),
            what: "it sends slower than 16 KiB a second",
        })
    }

    fn corrupt(&self) -> RegistryError {
        RegistryError::Corrupt { host: self.target.host.clone(), what: self.name() }
    }

    fn name(&self) -> String {
        format!("{}@{}", self.target.repository, self.descriptor.digest)
    }
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.given >= self.chunk.len() && !self.fill().map_err(io::Error::other)? {
            return Ok(0);
        }
        let rest = self.chunk.get(self.given..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.given += count;
        Ok(count)
    }
}
