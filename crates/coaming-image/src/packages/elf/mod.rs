//! What programs contain about their build: Go's build information, and the dependencies that
//! `cargo auditable` adds to Rust programs.
//!
//! Only the tables of the ELF file and the sections that matter are read. Other formats of
//! executables do not run in Linux containers; they are skipped without an error.

mod go;
mod rust;

use object::read::elf::{FileHeader, ProgramHeader as _, SectionHeader as _};
use object::{Endianness, FileKind, ReadCache, ReadRef as _, elf};

use crate::analyse::{AnalyserError, ParsedFile};
use crate::content::Content;
use crate::sparse::ReadAt;

/// The most sections and segments of a program that is read. Real ones have dozens.
const SECTIONS: usize = 10_000;
const SEGMENTS: usize = 1_000;

/// The most bytes of a section that are read.
const SECTION_LIMIT: u64 = 8 << 20;

pub(super) fn read(path: &str, content: &mut Content) -> Result<ParsedFile, AnalyserError> {
    let cache = ReadCache::new(content.clone());
    let file = ReadAt::new(content, &cache);
    // A file that only starts like a program (truncated, or test data) has no dependencies.
    let program = match FileKind::parse(file) {
        Ok(FileKind::Elf32) => Program::parse::<elf::FileHeader32<Endianness>>(file),
        Ok(FileKind::Elf64) => Program::parse::<elf::FileHeader64<Endianness>>(file),
        _ => None,
    };
    let mut found = ParsedFile::default();
    if let Some(program) = program {
        if let Some((offset, size)) = program.rust {
            let bytes = program.read(offset, size.min(SECTION_LIMIT));
            let bytes =
                bytes.ok_or_else(|| malformed("the section .dep-v0 is outside the file"))?;
            rust::read(path, bytes, &mut found)?;
        }
        if let Some(build) = go::build(&program) {
            go::packages(path, &build, &mut found)?;
        }
    }
    Ok(found)
}

/// A part of the file: offset and size.
type Range = (u64, u64);

/// What matters in a program: which parts of the file are loaded into memory, and two sections.
struct Program<'a> {
    file: ReadAt<'a>,
    segments: Vec<Segment>,
    has_sections: bool,
    /// `.dep-v0`.
    rust: Option<Range>,
    /// `.go.buildinfo`.
    go: Option<Range>,
}

/// A part of memory that comes from the file.
struct Segment {
    address: u64,
    range: Range,
    writable: bool,
}

impl<'a> Program<'a> {
    /// Reads the tables; `None` if they are malformed.
    fn parse<H: FileHeader<Endian = Endianness>>(file: ReadAt<'a>) -> Option<Self> {
        let header = H::parse(file).ok()?;
        let endian = header.endian().ok()?;
        let count = header.shnum(endian, file).ok()? as usize;
        if count > SECTIONS || header.phnum(endian, file).ok()? as usize > SEGMENTS {
            return None;
        }
        let segments = header.program_headers(endian, file).ok()?.iter();
        let segments = segments
            .filter(|segment| segment.p_type(endian) == elf::PT_LOAD)
            .map(|segment| Segment {
                address: segment.p_vaddr(endian).into(),
                range: (segment.p_offset(endian).into(), segment.p_filesz(endian).into()),
                writable: segment.p_flags(endian).contains(elf::PF_W),
            })
            .collect();
        let sections = header.section_headers(endian, file).ok()?;
        let mut program =
            Self { file, segments, has_sections: !sections.is_empty(), rust: None, go: None };
        let Some(names) = header
            .shstrndx(endian, file)
            .ok()
            .and_then(|index| sections.get(index as usize))
            .and_then(|section| section.file_range(endian))
            .filter(|&(_, size)| size <= SECTION_LIMIT)
            .and_then(|(offset, size)| program.read(offset, size))
        else {
            return Some(program);
        };
        for section in sections {
            let name = names.get(section.sh_name(endian) as usize..).unwrap_or_default();
            let range = section.file_range(endian);
            if name.starts_with(b".dep-v0\0") {
                program.rust = range;
            } else if name.starts_with(b".go.buildinfo\0") {
                program.go = range;
            }
        }
        Some(program)
    }

    /// Bytes of the file.
    fn read(&self, offset: u64, size: u64) -> Option<&'a [u8]> {
        self.file.read_bytes_at(offset, size).ok()
    }

    /// Bytes of the file by their address in memory.
    fn at(&self, address: u64, size: u64) -> Option<&'a [u8]> {
        let segment = self.segments.iter().find(|segment| {
            let end =
                address.checked_sub(segment.address).and_then(|start| start.checked_add(size));
            end.is_some_and(|end| end <= segment.range.1)
        })?;
        self.read(segment.range.0.checked_add(address - segment.address)?, size)
    }
}

fn malformed(message: impl Into<String>) -> AnalyserError {
    AnalyserError::Malformed(message.into())
}

#[cfg(test)]
mod tests;
