//! What programs carry of their own making: Go's build information, and the dependencies that
//! `cargo auditable` leaves in Rust's.
//!
//! Only the tables of the ELF file and the sections that matter are fetched. Other executables' formats
//! do not run in Linux containers and are no error.

mod go;
mod rust;

use object::read::elf::{FileHeader, ProgramHeader as _, SectionHeader as _};
use object::{Endianness, FileKind, ReadCache, ReadRef as _, elf};

use crate::analyse::{AnalyserError, Found};
use crate::content::{Content, Places};

/// The most sections and segments of a program that is looked at. Real ones have dozens.
const SECTIONS: usize = 10_000;
const SEGMENTS: usize = 1_000;

/// The most bytes of a section that is looked at.
const SECTION_LIMIT: u64 = 8 << 20;

pub(super) fn read(path: &str, content: &mut Content) -> Result<Found, AnalyserError> {
    let cache = ReadCache::new(content.clone());
    let places = Places::new(content, &cache);
    // What begins as a program and is none (a truncated one, data for a test) has no dependencies.
    let program = match FileKind::parse(places) {
        Ok(FileKind::Elf32) => Program::parse::<elf::FileHeader32<Endianness>>(places),
        Ok(FileKind::Elf64) => Program::parse::<elf::FileHeader64<Endianness>>(places),
        _ => None,
    };
    let mut found = Found::default();
    if let Some(program) = program {
        if let Some((offset, size)) = program.rust {
            let bytes = program.read(offset, size.min(SECTION_LIMIT));
            let bytes = bytes.ok_or_else(|| malformed("the section .dep-v0 lies outside it"))?;
            rust::read(path, bytes, &mut found)?;
        }
        if let Some(build) = go::build(&program) {
            go::packages(path, &build, &mut found)?;
        }
    }
    Ok(found)
}

/// A place in the file: offset and size.
type Range = (u64, u64);

/// What matters of a program: where its file fills its memory, and two sections.
struct Program<'a> {
    places: Places<'a>,
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
    /// Reads the tables; `None` where they are no program's.
    fn parse<H: FileHeader<Endian = Endianness>>(places: Places<'a>) -> Option<Self> {
        let header = H::parse(places).ok()?;
        let endian = header.endian().ok()?;
        let count = header.shnum(endian, places).ok()? as usize;
        if count > SECTIONS || header.phnum(endian, places).ok()? as usize > SEGMENTS {
            return None;
        }
        let segments = header.program_headers(endian, places).ok()?.iter();
        let segments = segments
            .filter(|segment| segment.p_type(endian) == elf::PT_LOAD)
            .map(|segment| Segment {
                address: segment.p_vaddr(endian).into(),
                range: (segment.p_offset(endian).into(), segment.p_filesz(endian).into()),
                writable: segment.p_flags(endian).contains(elf::PF_W),
            })
            .collect();
        let sections = header.section_headers(endian, places).ok()?;
        let mut program =
            Self { places, segments, has_sections: !sections.is_empty(), rust: None, go: None };
        let Some(names) = header
            .shstrndx(endian, places)
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
        self.places.read_bytes_at(offset, size).ok()
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
