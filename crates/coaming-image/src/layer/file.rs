//! The bytes of one file of a layer, and the readers that get them.

use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use crate::analyse::{Analyser, AnalyserError, ParsedFile, Reader};
use crate::archive::Walk;
use crate::content::Content;
use crate::deferred::{FileBuffer, Portion};
use crate::source::open_regular;

/// Why a file of a layer, or a part of what is in it, could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// Its bytes cannot be read, or end too early.
    #[error("The file cannot be read: {0}.")]
    Unreadable(#[source] io::Error),
    /// An analyser could not read it.
    #[error("The file cannot be read as {format}: {source}.")]
    Analyser {
        /// What the analyser calls its format.
        format: &'static str,
        /// What is wrong with the file.
        source: AnalyserError,
    },
}

/// Where the file is that the walk has reached.
pub(super) enum FileSource<'a> {
    /// At the current position of an archive.
    Archive(&'a mut Walk, &'a mut FileBuffer),
    /// In a directory.
    Directory(&'a Path),
    /// Already read.
    Content(Content),
}

impl FileSource<'_> {
    /// The first bytes of the file; zeros if it is shorter or cannot be read.
    pub(super) fn start(&mut self) -> [u8; 4] {
        let mut start = [0_u8; 4];
        let read = match self {
            Self::Archive(walk, _) => walk.input.peek(4).map(|bytes| {
                if let Some(bytes) = bytes.first_chunk() {
                    start = *bytes;
                }
            }),
            Self::Directory(path) => {
                open_regular(path).and_then(|mut file| file.read_exact(&mut start))
            }
            Self::Content(content) => content.clone().read_exact(&mut start),
        };
        if read.is_ok() { start } else { [0; 4] }
    }

    /// The bytes of the file. In a stream they are consumed and kept in memory or on disk; a stream
    /// that ends too early yields fewer.
    pub(super) fn content(self, size: u64, portion: Portion) -> io::Result<Content> {
        let (walk, buffer) = match self {
            Self::Content(content) => return Ok(content),
            Self::Archive(walk, buffer) => (walk, buffer),
            Self::Directory(path) => {
                let file = open_regular(path)?;
                let length = file.metadata()?.len();
                return Ok(Content::file(Arc::new(file), 0, length));
            }
        };
        if let Some((file, offset)) = walk.input.file_offset() {
            return Ok(Content::file(Arc::clone(file), offset, size).retainable());
        }
        buffer.take(&mut walk.input, size, portion)
    }
}

/// Lets an analyser read a file. An error costs only what this analyser would have found.
pub(super) fn analyse(
    analyser: &Analyser,
    path: &str,
    mut content: Content,
) -> Result<ParsedFile, FileError> {
    let parsed = match &analyser.reader {
        Reader::Whole { limit, .. } if content.length() > *limit => {
            Err(AnalyserError::TooLarge(format!("more than {} MiB", limit >> 20)))
        }
        Reader::Whole { read, .. } => {
            content.whole().map_err(AnalyserError::Io).and_then(|bytes| read(path, &bytes))
        }
        Reader::Seek { read, .. } | Reader::Executable { read } => read(path, &mut content),
    };
    parsed.map_err(|source| FileError::Analyser { format: analyser.name, source })
}
