//! Walks the trees of a bbolt file, level by level, each level in the order of the file.
//!
//! Whatever the file contains, the walk ends: each page is read at most once (a second reference to
//! it, as in a cycle, is reported as a problem), the elements of a page may not be larger together
//! than the page, and a page may not be larger than [`MAX_RUN_BYTES`]. Damage costs only its own
//! part of the tree. Memory is one bit per page, and the page numbers of a level.

use std::io::{self, Read, Seek};
use std::ops::Range;

use super::bolt::{self, Element, HEADER_BYTES, Header, Meta, PageKind};
use super::problem::Problems;
use super::reader::Reader;

/// The largest page with its overflow: requests to etcd are at most 1.5 MiB by default.
const MAX_RUN_BYTES: u64 = 64 << 20;
/// Larger files are refused: etcd itself warns from 8 GiB.
pub(super) const MAX_FILE_BYTES: u64 = 64 << 30;

/// The buckets that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Bucket {
    /// The bucket of buckets.
    Root,
    /// All revisions of all keys.
    Key,
    /// What etcd stores about itself.
    Meta,
    /// Leases, users, members and others.
    Other,
}

impl Bucket {
    fn named(self, name: &[u8]) -> Self {
        match (self, name) {
            (Self::Root, b"key") => Self::Key,
            (Self::Root, b"meta") => Self::Meta,
            _ => Self::Other,
        }
    }
}

/// A value that the walk visits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit<'p> {
    pub(super) bucket: Bucket,
    pub(super) page: u64,
    pub(super) key: &'p [u8],
    pub(super) value: &'p [u8],
}

/// A set of pages.
struct Pages {
    bits: Vec<u64>,
    count: u64,
}

impl Pages {
    fn new(count: u64) -> Self {
        let words = usize::try_from(count.div_ceil(64)).unwrap_or(usize::MAX);
        Self { bits: vec![0; words], count }
    }

    fn slot(page: u64) -> (usize, u64) {
        (usize::try_from(page / 64).unwrap_or(usize::MAX), 1 << (page % 64))
    }

    /// Adds a page. Returns whether it is in the file and was not in the set.
    fn add(&mut self, page: u64) -> bool {
        let (word, bit) = Self::slot(page);
        let Some(word) = self.bits.get_mut(word).filter(|_| page < self.count) else {
            return false;
        };
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    fn contains(&self, page: u64) -> bool {
        let (word, bit) = Self::slot(page);
        self.bits.get(word).is_some_and(|word| word & bit != 0)
    }
}

/// A bbolt file, opened at its newest state.
pub(super) struct Store<R> {
    reader: Reader<R>,
    meta: Meta,
    /// Pages that belong to the newest state.
    used: Pages,
}

impl<R: Read + Seek> Store<R> {
    /// Finds the newest valid meta page; `None` if there is none.
    ///
    /// # Errors
    ///
    /// If reading the file fails.
    pub(super) fn open(mut reader: Reader<R>) -> io::Result<Option<Self>> {
        let mut newest: Option<Meta> = None;
        // The first one is at the start, the second one a page later, whatever the page size is.
        let seconds = (0..7).map(|power| bolt::MIN_PAGE_BYTES << power);
        for start in std::iter::once(0).chain(seconds) {
            let meta = Meta::parse(reader.bytes(start..start + bolt::MIN_PAGE_BYTES)?);
            let fits = |meta: &Meta| start == 0 || start == u64::from(meta.page_bytes);
            if let Some(meta) = meta.filter(fits)
                && newest.is_none_or(|newest| newest.transaction < meta.transaction)
            {
                newest = Some(meta);
            }
        }
        Ok(newest.map(|meta| {
            let count = reader.length().div_ceil(u64::from(meta.page_bytes));
            let mut used = Pages::new(count);
            used.add(0);
            used.add(1);
            Self { reader, meta, used }
        }))
    }

    /// Bytes per page.
    pub(super) fn page_bytes(&self) -> u64 {
        u64::from(self.meta.page_bytes)
    }

    /// How many pages the file has.
    pub(super) fn page_count(&self) -> u64 {
        self.used.count
    }

    /// The reader, for the pages that are not in the tree.
    pub(super) fn reader(&mut self) -> &mut Reader<R> {
        &mut self.reader
    }

    /// Visits all values of all buckets, in no particular order.
    ///
    /// # Errors
    ///
    /// If reading the file fails. What does not make sense is added to `problems`.
    pub(super) fn walk(
        &mut self,
        problems: &mut Problems,
        visit: &mut dyn FnMut(Visit<'_>),
    ) -> io::Result<()> {
        if self.meta.end > self.page_count() {
            problems.add("the file ends before its last page: it is truncated");
        }
        if let Some(freelist) = self.meta.freelist {
            self.skip_freelist(freelist)?;
        }
        let mut next = Level { pages: Vec::new() };
        next.push(&mut self.used, problems, self.meta.root, Bucket::Root);
        while !next.pages.is_empty() {
            let mut level = std::mem::take(&mut next.pages);
            level.sort_unstable();
            for (page, bucket) in level {
                if let Some(header) = self.load(page, problems)? {
                    let range = self.range(page, header.overflow);
                    let bytes = self.reader.bytes(range)?;
                    let source = Source { page, bucket };
                    visit_page(source, header, bytes, &mut self.used, &mut next, problems, visit);
                }
            }
        }
        Ok(())
    }

    /// Runs of pages that do not belong to the newest state.
    pub(super) fn unused(&self) -> Vec<Range<u64>> {
        let mut runs: Vec<Range<u64>> = Vec::new();
        for page in (0..self.page_count()).filter(|page| !self.used.contains(*page)) {
            match runs.last_mut() {
                Some(run) if run.end == page => run.end += 1,
                _ => runs.push(page..page + 1),
            }
        }
        runs
    }

    fn range(&self, page: u64, overflow: u32) -> Range<u64> {
        let start = page.saturating_mul(self.page_bytes());
        start..start.saturating_add((u64::from(overflow) + 1) * self.page_bytes())
    }

    /// Marks the pages that list free pages as used: they contain no values.
    fn skip_freelist(&mut self, page: u64) -> io::Result<()> {
        let header = Header::parse(self.reader.bytes(self.range(page, 0))?);
        if let Some(header) = header.filter(|header| header.kind == PageKind::Freelist) {
            let last = page.saturating_add(u64::from(header.overflow)).min(self.page_count());
            for page in page..=last {
                self.used.add(page);
            }
        }
        Ok(())
    }

    /// Reads a page's header, and marks the pages that belong to it as used.
    fn load(&mut self, page: u64, problems: &mut Problems) -> io::Result<Option<Header>> {
        let header = Header::parse(self.reader.bytes(self.range(page, 0))?);
        let Some(header) = header.filter(|header| header.id == page) else {
            problems.add(format!("page {page} is not a page of the tree"));
            return Ok(None);
        };
        let range = self.range(page, header.overflow);
        if range.end > self.reader.length() || range.end - range.start > MAX_RUN_BYTES {
            problems.add(format!("page {page} is larger than the file or than any page can be"));
            return Ok(None);
        }
        for overflow in page + 1..=page + u64::from(header.overflow) {
            if !self.used.add(overflow) {
                problems.add(format!("page {overflow} belongs to two others"));
            }
        }
        Ok(Some(header))
    }
}

/// The pages of the next level.
struct Level {
    pages: Vec<(u64, Bucket)>,
}

impl Level {
    fn push(&mut self, used: &mut Pages, problems: &mut Problems, page: u64, bucket: Bucket) {
        if used.add(page) {
            self.pages.push((page, bucket));
        } else {
            problems.add(format!("page {page} is outside the file, or is referenced twice"));
        }
    }
}

/// The page and bucket that elements come from.
#[derive(Clone, Copy)]
struct Source {
    page: u64,
    bucket: Bucket,
}

/// Visits a page's values, and adds the pages below it to the next level.
fn visit_page(
    source: Source,
    header: Header,
    bytes: &[u8],
    used: &mut Pages,
    next: &mut Level,
    problems: &mut Problems,
    visit: &mut dyn FnMut(Visit<'_>),
) {
    match header.kind {
        PageKind::Branch => {
            for index in 0..header.count {
                match bolt::child(bytes, index) {
                    Some(child) => next.push(used, problems, child, source.bucket),
                    None => return problems.add(format!("page {} is cut off", source.page)),
                }
            }
        }
        PageKind::Leaf => {
            leaf(source, header.count, bytes, problems, &mut |element, problems| match element {
                Element::Value { key, value } => {
                    visit(Visit { bucket: source.bucket, page: source.page, key, value });
                }
                Element::Bucket { name, root } => {
                    next.push(used, problems, root, source.bucket.named(name));
                }
                Element::Inline { name, page } => {
                    let source = Source { bucket: source.bucket.named(name), ..source };
                    inline(source, page, problems, visit);
                }
            })
        }
        PageKind::Meta | PageKind::Freelist => {
            problems.add(format!("page {} is not a page of the tree", source.page));
        }
    }
}

/// Visits the values of a bucket that is inside an element; it cannot contain other buckets.
fn inline(source: Source, bytes: &[u8], problems: &mut Problems, visit: &mut dyn FnMut(Visit<'_>)) {
    let header = Header::parse(bytes).filter(|header| header.kind == PageKind::Leaf);
    let Some(header) = header else {
        return problems.add(format!("page {} contains an invalid bucket", source.page));
    };
    leaf(source, header.count, bytes, problems, &mut |element, problems| match element {
        Element::Value { key, value } => {
            visit(Visit { bucket: source.bucket, page: source.page, key, value });
        }
        Element::Bucket { .. } | Element::Inline { .. } => {
            problems.add(format!("page {} contains a bucket inside an inline bucket", source.page));
        }
    });
}

/// Passes a leaf's elements to `take`. Together they may not be larger than the page: elements that
/// claim the same bytes could otherwise cause unbounded work.
fn leaf<'p>(
    source: Source,
    count: u16,
    bytes: &'p [u8],
    problems: &mut Problems,
    take: &mut dyn FnMut(Element<'p>, &mut Problems),
) {
    let mut left = bytes.len();
    for index in 0..count {
        let element = bolt::element(bytes, index);
        let size = match element {
            Some(Element::Value { key, value }) => key.len() + value.len(),
            Some(Element::Bucket { name, .. }) => name.len(),
            Some(Element::Inline { name, page }) => name.len() + page.len(),
            None => usize::MAX,
        };
        let rest = left.checked_sub(size.saturating_add(HEADER_BYTES));
        let (Some(element), Some(rest)) = (element, rest) else {
            return problems
                .add(format!("page {} contains elements that do not fit in it", source.page));
        };
        left = rest;
        take(element, problems);
    }
}
