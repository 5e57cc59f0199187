//! Layers as they are stored in files or sent by a registry: plain, gzip or zstd.
//!
//! Invariant: the decompressed size of a layer is bounded, in total and in ratio; a decompression
//! bomb ends with an error and not with a full disk or a lost hour.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use coaming_oci::{Digest, Digester};

use crate::content::Content;
use crate::input::Input;
use crate::zstd_frames::{ZstdFrames, is_zstd};

/// The largest decompressed size of a layer in bytes.
const SIZE_LIMIT: u64 = 64 << 30;
/// From this size on the ratio counts: smaller layers may have any ratio.
const RATIO_FROM: u64 = 2 << 30;
/// A layer of real files is compressed to a third, an empty database file to a thousandth.
const RATIO_LIMIT: u64 = 500;
const BUFFER: usize = 64 << 10;

/// Where the blobs of an image come from, such as a registry or a directory.
pub trait BlobSource: Send + Sync {
    /// Opens a blob by its digest, from its start. The source verifies the digest: a blob with
    /// another digest must end with an error, not with its last byte.
    ///
    /// # Errors
    ///
    /// If there is no such blob or it cannot be read.
    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Read + Send>>;
}

/// A blob's bytes, as they are stored.
#[derive(Clone)]
pub(crate) enum Blob {
    /// A part of a file.
    File { file: Arc<File>, offset: u64, length: u64 },
    /// A blob that a source fetches.
    Remote { source: Arc<dyn BlobSource>, digest: Digest },
}

impl Blob {
    /// The bytes as they are stored, from the start.
    pub(crate) fn stored(&self) -> io::Result<Box<dyn Read + Send>> {
        match self {
            Self::File { file, offset, length } => {
                Ok(Box::new(Content::file(Arc::clone(file), *offset, *length).unbounded()))
            }
            Self::Remote { source, digest } => source.open(digest),
        }
    }

    /// All bytes, if there are at most `limit`.
    pub(crate) fn whole(&self, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.stored()?.take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(io::Error::other(format!("it is larger than {limit} bytes")));
        }
        Ok(bytes)
    }

    /// The archive in it, decompressed, once its bytes are known to have the digest.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or has another digest.
    pub(crate) fn verified_archive(&self, digest: Option<&Digest>) -> io::Result<Input> {
        if let Some(digest) = digest {
            let mut digester = Digester::new(digest.algorithm());
            io::copy(&mut self.stored()?, &mut digester)?;
            if digester.finish() != *digest {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("its bytes have another digest than {digest}"),
                ));
            }
        }
        self.archive()
    }

    /// The archive in it, decompressed.
    pub(crate) fn archive(&self) -> io::Result<Input> {
        let mut stored = BufReader::with_capacity(BUFFER, self.stored()?);
        let magic = io::BufRead::fill_buf(&mut stored)?;
        match compression(magic) {
            Compression::Plain => Ok(match self {
                Self::File { file, offset, length } => {
                    Input::file(Arc::clone(file), *offset, *length)
                }
                Self::Remote { .. } => {
                    Input::stream(Box::new(Guarded::new(stored, Arc::default())))
                }
            }),
            compression => Ok(Input::stream(decompress(compression, stored)?)),
        }
    }
}

/// How bytes are compressed, by their first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    Plain,
    Gzip,
    Zstd,
    Other(&'static str),
}

pub(crate) fn compression(magic: &[u8]) -> Compression {
    if magic.starts_with(&[0x1f, 0x8b]) {
        Compression::Gzip
    } else if is_zstd(magic) {
        Compression::Zstd
    } else if magic.starts_with(&[0xfd, b'7', b'z', b'X', b'Z', 0]) {
        Compression::Other("xz")
    } else if magic.starts_with(b"BZh") {
        Compression::Other("bzip2")
    } else {
        Compression::Plain
    }
}

/// The decompressed bytes of a stream, bounded.
pub(crate) fn decompress(
    compression: Compression,
    stored: impl Read + Send + 'static,
) -> io::Result<Box<dyn Read + Send>> {
    let count = Arc::new(AtomicU64::new(0));
    let counted = Counted { stored, count: Arc::clone(&count) };
    match compression {
        Compression::Plain => Ok(Box::new(Guarded::new(counted, Arc::default()))),
        Compression::Gzip => {
            let counted = BufReader::with_capacity(BUFFER, counted);
            Ok(Box::new(Guarded::new(flate2::bufread::MultiGzDecoder::new(counted), count)))
        }
        Compression::Zstd => Ok(Box::new(Guarded::new(ZstdFrames::new(counted)?, count))),
        Compression::Other(name) => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!("it is compressed with {name}; only plain, gzip and zstd are supported"),
        )),
    }
}

/// Counts the bytes that are read.
struct Counted<R> {
    stored: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stored.read(buffer)?;
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Bounds the size of a decompressed stream.
struct Guarded<R> {
    stream: R,
    /// How many bytes were yielded.
    yielded: u64,
    /// How many compressed bytes these came from; 0 for a stream that was not compressed.
    compressed: Arc<AtomicU64>,
    limit: u64,
    ratio_from: u64,
}

impl<R> Guarded<R> {
    fn new(stream: R, compressed: Arc<AtomicU64>) -> Self {
        Self { stream, yielded: 0, compressed, limit: SIZE_LIMIT, ratio_from: RATIO_FROM }
    }
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.yielded += count as u64;
        let compressed = self.compressed.load(Ordering::Relaxed);
        if self.yielded > self.limit {
            return Err(io::Error::other(format!(
                "it decompresses to more than {} GiB",
                self.limit >> 30
            )));
        }
        if self.yielded > self.ratio_from
            && compressed > 0
            && self.yielded / compressed > RATIO_LIMIT
        {
            return Err(io::Error::other(format!(
                "it decompresses to more than {RATIO_LIMIT} times its size: a decompression bomb"
            )));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn blob(bytes: &[u8]) -> Blob {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Blob::File { file: Arc::new(file), offset: 0, length: bytes.len() as u64 }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn decompresses_by_the_first_bytes() {
        let text = b"some text, some text, some text";
        // Several gzip members are one stream, as pigz and estargz write them.
        let members = [gzip(&text[..10]), gzip(&text[10..])].concat();
        for stored in [text.to_vec(), gzip(text), members, zstd::encode_all(&text[..], 3).unwrap()]
        {
            let mut read = Vec::new();
            blob(&stored).archive().unwrap().read_to_end(&mut read).unwrap();
            assert_eq!(read, text);
        }
    }

    #[test]
    fn names_an_unsupported_compression() {
        let error = blob(b"\xfd7zXZ\0rest").archive().err().unwrap();
        assert!(error.to_string().contains("xz"), "{error}");
    }

    #[test]
    fn stops_a_bomb() {
        // Ten thousand bytes from one, which zstd reaches for zeros and gzip does not.
        let bomb = zstd::encode_all(io::repeat(0).take(32 << 20), 1).unwrap();
        let compressed = Arc::new(AtomicU64::new(bomb.len() as u64));
        let decoder = zstd::stream::read::Decoder::new(&bomb[..]).unwrap();
        let mut guarded = Guarded::new(decoder, compressed);
        guarded.ratio_from = 16 << 20;
        let error = io::copy(&mut guarded, &mut io::sink()).unwrap_err();
        assert!(error.to_string().contains("bomb"), "{error}");
        assert!(guarded.yielded < 20 << 20);
    }

    #[test]
    fn stops_a_stream_that_is_too_large() {
        let mut guarded = Guarded::new(io::repeat(7), Arc::default());
        guarded.limit = 1 << 20;
        assert!(io::copy(&mut guarded, &mut io::sink()).is_err());
    }
}
