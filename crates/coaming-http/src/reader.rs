//! From chunks that arrive asynchronously to a reader.

use std::io::{self, Read};

use bytes::{Buf as _, Bytes};

use crate::Runtime;

/// A stream of bytes that arrives chunk by chunk.
pub trait ChunkSource {
    /// The next chunk; `None` at the end, which is checked where there is something to check.
    fn next_chunk(&mut self) -> impl Future<Output = io::Result<Option<Bytes>>> + Send;
}

/// Reads a stream on threads that are not asynchronous.
#[derive(Debug)]
pub struct BlockingReader<S> {
    runtime: Runtime,
    source: S,
    /// What has arrived and was not read yet.
    chunk: Bytes,
}

impl<S: ChunkSource> BlockingReader<S> {
    /// Reads `source`, whose connection belongs to `runtime`.
    pub fn new(runtime: Runtime, source: S) -> Self {
        Self { runtime, source, chunk: Bytes::new() }
    }
}

impl<S: ChunkSource> Read for BlockingReader<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while self.chunk.is_empty() {
            match self.runtime.block_on(self.source.next_chunk())? {
                Some(chunk) => self.chunk = chunk,
                None => return Ok(0),
            }
        }
        let count = self.chunk.len().min(buffer.len());
        self.chunk.copy_to_slice(buffer.get_mut(..count).unwrap_or_default());
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Chunks(Vec<io::Result<Option<Bytes>>>);

    impl ChunkSource for Chunks {
        async fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
            if self.0.is_empty() { Ok(None) } else { self.0.remove(0) }
        }
    }

    #[test]
    fn chunks_are_read_in_order_and_errors_pass() {
        let chunk = |text: &'static str| Ok(Some(Bytes::from_static(text.as_bytes())));
        let chunks = vec![chunk("ab"), chunk(""), chunk("cde"), Err(io::ErrorKind::Other.into())];
        let mut reader = BlockingReader::new(Runtime::shared().unwrap(), Chunks(chunks));
        let mut bytes = Vec::new();
        assert!(reader.read_to_end(&mut bytes).is_err());
        assert_eq!(bytes, b"abcde");
        assert_eq!(reader.read(&mut [0; 4]).unwrap(), 0, "the end stays the end");
    }
}
