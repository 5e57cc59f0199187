//! An rpm header: a count of entries, a count of bytes, the entries (tag, type, offset, count), and
//! the bytes that they point into. All numbers are big-endian.
//!
//! Invariant: fields are slices of the blob; nothing is copied, and each entry is checked against
//! the end of the blob before it is used.

use std::collections::HashMap;

use super::array;
use crate::analyse::AnalyserError;

/// The tags that are read, by rpm's own numbers.
mod tag {
    pub(super) const NAME: u32 = 1000;
    pub(super) const VERSION: u32 = 1001;
    pub(super) const RELEASE: u32 = 1002;
    pub(super) const EPOCH: u32 = 1003;
    pub(super) const LICENCE: u32 = 1014;
    pub(super) const OLD_FILE_NAMES: u32 = 1027;
    pub(super) const ARCHITECTURE: u32 = 1022;
    pub(super) const SOURCE_RPM: u32 = 1044;
    pub(super) const FILE_DIGESTS: u32 = 1035;
    pub(super) const DIRECTORY_INDICES: u32 = 1116;
    pub(super) const BASE_NAMES: u32 = 1117;
    pub(super) const DIRECTORY_NAMES: u32 = 1118;
    pub(super) const MODULARITY_LABEL: u32 = 5096;
}

/// The most entries of a header; rpm itself accepts no more than 65 535.
const ENTRIES: usize = 0xffff;

/// The most files of one package.
const FILES: usize = 1_000_000;

/// The fields of a header that are read.
#[derive(Debug, Default)]
pub(super) struct Header<'a> {
    pub(super) name: &'a [u8],
    pub(super) version: &'a [u8],
    pub(super) release: &'a [u8],
    pub(super) epoch: Option<u32>,
    pub(super) licence: &'a [u8],
    pub(super) architecture: &'a [u8],
    /// The file name of the source package.
    pub(super) source: &'a [u8],
    pub(super) modularity: &'a [u8],
    old_file_names: Array<'a>,
    base_names: Array<'a>,
    directory_names: Array<'a>,
    directory_indices: Array<'a>,
    file_digests: Array<'a>,
}

/// An array in the blob: the number of values, and the bytes from the first one on.
#[derive(Clone, Copy, Debug, Default)]
struct Array<'a> {
    count: usize,
    bytes: &'a [u8],
}

impl<'a> Array<'a> {
    /// The values as strings that end with a zero byte.
    fn strings(self) -> impl Iterator<Item = &'a [u8]> {
        self.bytes.split(|&byte| byte == 0).take(self.count)
    }

    /// The values as 32-bit numbers.
    fn numbers(self) -> impl Iterator<Item = u32> {
        let (chunks, _) = self.bytes.as_chunks::<4>();
        chunks.iter().take(self.count).map(|chunk| u32::from_be_bytes(*chunk))
    }

    fn string(self) -> &'a [u8] {
        self.strings().next().unwrap_or_default()
    }
}

impl<'a> Header<'a> {
    /// Finds the fields.
    ///
    /// # Errors
    ///
    /// If the header is malformed; the text says how.
    pub(super) fn parse(blob: &'a [u8]) -> Result<Self, &'static str> {
        let number = |offset| array(blob, offset).map(u32::from_be_bytes).map(|n| n as usize);
        let (Some(entries), Some(length)) = (number(0), number(4)) else {
            return Err("it is shorter than its own start");
        };
        if entries == 0 || entries > ENTRIES {
            return Err("it has an impossible number of entries");
        }
        let start = 8 + entries * 16;
        let end = start.checked_add(length).ok_or("it is longer than memory")?;
        let data = blob.get(start..end).ok_or("it is longer than its record")?;
        let mut header = Header::default();
        let (records, _) = blob.get(8..start).unwrap_or_default().as_chunks::<16>();
        for record in records {
            let [tag, _, offset, count] = record.as_chunks::<4>().0 else { continue };
            let [tag, offset, count] = [tag, offset, count].map(|field| u32::from_be_bytes(*field));
            let bytes = data.get(offset as usize..);
            header.set(tag, bytes.map(|bytes| Array { count: count as usize, bytes }))?;
        }
        if header.name.is_empty() {
            return Err("it has no name");
        }
        Ok(header)
    }

    /// Sets a field that is read.
    fn set(&mut self, tag: u32, value: Option<Array<'a>>) -> Result<(), &'static str> {
        let string = match tag {
            tag::NAME => &mut self.name,
            tag::VERSION => &mut self.version,
            tag::RELEASE => &mut self.release,
            tag::LICENCE => &mut self.licence,
            tag::ARCHITECTURE => &mut self.architecture,
            tag::SOURCE_RPM => &mut self.source,
            tag::MODULARITY_LABEL => &mut self.modularity,
            _ => return self.set_array(tag, value),
        };
        *string = value.ok_or("an entry points outside it")?.string();
        Ok(())
    }

    fn set_array(&mut self, tag: u32, value: Option<Array<'a>>) -> Result<(), &'static str> {
        let array = match tag {
            tag::EPOCH => {
                let value = value.ok_or("an entry points outside it")?;
                self.epoch = value.numbers().next();
                return Ok(());
            }
            tag::OLD_FILE_NAMES => &mut self.old_file_names,
            tag::BASE_NAMES => &mut self.base_names,
            tag::DIRECTORY_NAMES => &mut self.directory_names,
            tag::DIRECTORY_INDICES => &mut self.directory_indices,
            // Everything else is usable without them.
            tag::FILE_DIGESTS => {
                self.file_digests = value.unwrap_or_default();
                return Ok(());
            }
            // Errors in other fields do not matter.
            _ => return Ok(()),
        };
        *array = value.ok_or("an entry points outside it")?;
        Ok(())
    }

    /// Yields the absolute paths of the package's files, each with its checksum in hexadecimal
    /// digits, which is empty for links and for files that programs create at run time.
    ///
    /// # Errors
    ///
    /// [`AnalyserError::TooLarge`] for too many files; and what `yield_path` returns.
    pub(super) fn owned_paths(
        &self,
        mut yield_path: impl FnMut(String, &[u8]) -> Result<(), AnalyserError>,
    ) -> Result<(), AnalyserError> {
        if self.base_names.count.max(self.old_file_names.count) > FILES {
            return Err(AnalyserError::TooLarge(format!("more than {FILES} files of a package")));
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let digests = || self.file_digests.strings().chain(std::iter::repeat(&b""[..]));
        for (path, digest) in self.old_file_names.strings().zip(digests()) {
            yield_path(text(path), digest)?;
        }
        let directories: HashMap<u32, &[u8]> = (0..).zip(self.directory_names.strings()).collect();
        let files = self.directory_indices.numbers().zip(self.base_names.strings());
        for ((index, name), digest) in files.zip(digests()) {
            if let Some(directory) = directories.get(&index) {
                yield_path(text(&[*directory, name].concat()), digest)?;
            }
        }
        Ok(())
    }
}
