//! The readers of the ecosystems' formats, one file each: pure functions from a file's bytes to the
//! packages that it names.
//!
//! A reader names its files by `wants(path)` and reads them by `read(path, bytes)`; see
//! [`Analyser`](crate::analyse::Analyser). Bytes are hostile: a reader bounds what it takes and
//! never panics.

use crate::analyse::Analyser;

/// All readers. The order decides nothing.
pub(crate) const ANALYSERS: &[Analyser] = &[];
