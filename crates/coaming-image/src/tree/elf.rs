//! What programs and libraries need: the linker's tables, read as the dynamic linker reads them.
//!
//! Segments decide, not sections, because the linker uses only segments; sections only add details
//! (which functions are imported, which files are named). Invariants: a malformed file has no
//! needs; the tables, names and bytes that are read are bounded.

use object::read::elf::{Dyn as _, FileHeader, ProgramHeader, SectionHeader as _, Sym as _};
use object::{Endianness, FileKind, ReadCache, ReadRef as _, elf};

use super::dependencies;
use crate::content::Content;
use crate::sparse::{ReadAt, SkippedRange};

/// The most segments and sections of a file. Real ones have dozens.
const SEGMENTS: usize = 1000;
const SECTIONS: usize = 10_000;
/// The largest table of names that is read.
const NAMES_LIMIT: u64 = 32 << 20;
/// The largest part of the constants that is searched for names of files.
const CONSTANTS_LIMIT: u64 = 32 << 20;
/// The most libraries and directories that one file may name. Real ones need fewer than a hundred.
const NEEDED: usize = 1000;
/// The most symbols that are read.
const SYMBOLS: usize = 1_000_000;

/// What a program or a library needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elf {
    /// Whether it is for 64 bits, not 32.
    pub wide: bool,
    /// The processor, by its number in the format.
    pub machine: u16,
    /// The program that loads it: `/lib64/ld-linux-x86-64.so.2`; `None` for libraries and programs
    /// that are linked statically.
    pub interpreter: Option<String>,
    /// The libraries that it is linked with, by their names.
    pub needed: Vec<String>,
    /// Where its libraries are searched, before `LD_LIBRARY_PATH`; also those of the libraries it
    /// loads.
    pub rpath: Vec<String>,
    /// Where its own libraries are searched, after `LD_LIBRARY_PATH`.
    pub runpath: Vec<String>,
    /// It opens libraries by names that it builds at run time.
    pub opens_libraries: bool,
    /// It converts between character sets that are chosen at run time.
    pub converts: bool,
    /// The functions by which it runs other programs.
    pub runs: Vec<&'static str>,
    /// The files named in its constants: absolute paths, and libraries by any name.
    pub named: Vec<String>,
}

/// The functions that run other programs.
const RUNS: &[&str] = &[
    "execl",
    "execle",
    "execlp",
    "execv",
    "execve",
    "execveat",
    "execvp",
    "execvpe",
    "fexecve",
    "popen",
    "posix_spawn",
    "posix_spawnp",
    "system",
    "wordexp",
];

/// Reads a file that starts like ELF; `None` if it is neither a program nor a library.
pub(super) fn read(content: &Content) -> Option<Elf> {
    let length = content.length();
    let cache = ReadCache::new(content.clone());
    let file = ReadAt::new(content, &cache);
    match FileKind::parse(file).ok()? {
        FileKind::Elf32 => parse::<elf::FileHeader32<Endianness>>(file, length),
        FileKind::Elf64 => parse::<elf::FileHeader64<Endianness>>(file, length),
        _ => None,
    }
}

fn parse<H: FileHeader<Endian = Endianness>>(file: ReadAt<'_>, length: u64) -> Option<Elf> {
    let header = H::parse(file).ok()?;
    let endian = header.endian().ok()?;
    if !matches!(header.e_type(endian), elf::ET_EXEC | elf::ET_DYN)
        || header.phnum(endian, file).ok()? as usize > SEGMENTS
    {
        return None;
    }
    let segments = header.program_headers(endian, file).ok()?;
    let machine = header.e_machine(endian).0;
    let mut needs = Elf { wide: header.is_type_64(), machine, ..Elf::default() };
    for segment in segments {
        if segment.p_type(endian) == elf::PT_INTERP && segment.p_filesz(endian).into() <= 4096 {
            let path = segment.interpreter(endian, file).ok().flatten();
            needs.interpreter = path.and_then(text);
        }
    }
    linked::<H>(file, endian, segments, &mut needs);
    sections::<H>(file, header, endian, length, &mut needs);
    Some(needs)
}

/// The machine code of a program or library of this size that starts with these bytes. No reader of
/// programs needs it. Empty if it is not one range apart from everything else, as current linkers
/// write it, or if these bytes do not show that.
pub(crate) fn machine_code(start: &[u8], size: u64) -> SkippedRange {
    let code = match FileKind::parse(start) {
        Ok(FileKind::Elf32) => code_segment::<elf::FileHeader32<Endianness>>(start),
        Ok(FileKind::Elf64) => code_segment::<elf::FileHeader64<Endianness>>(start),
        _ => None,
    };
    code.filter(|code| code.end <= size).unwrap_or_default()
}

fn code_segment<H: FileHeader<Endian = Endianness>>(start: &[u8]) -> Option<SkippedRange> {
    let header = H::parse(start).ok()?;
    let endian = header.endian().ok()?;
    let segments = header.program_headers(endian, start).ok()?;
    // The first segment has the tables; older linkers put the code into it, too.
    let code = segments.iter().find(|segment| {
        segment.p_type(endian) == elf::PT_LOAD
            && segment.p_flags(endian).contains(elf::PF_X)
            && segment.p_offset(endian).into() >= start.len() as u64
    })?;
    let (start, size): (u64, u64) = (code.p_offset(endian).into(), code.p_filesz(endian).into());
    Some(SkippedRange { start, end: start.checked_add(size)? })
}

/// Reads the dynamic linker's table.
fn linked<H: FileHeader<Endian = Endianness>>(
    file: ReadAt<'_>,
    endian: Endianness,
    segments: &[H::ProgramHeader],
    needs: &mut Elf,
) -> Option<()> {
    let table = segments.iter().find_map(|segment| segment.dynamic(endian, file).ok().flatten())?;
    let (mut address, mut size, mut names) = (0, 0, Vec::new());
    for entry in table {
        let tag = entry.d_tag(endian);
        let value: u64 = entry.d_val(endian).into();
        match tag {
            elf::DT_NULL => break,
            elf::DT_STRTAB => address = value,
            elf::DT_STRSZ => size = value,
            elf::DT_NEEDED | elf::DT_RPATH | elf::DT_RUNPATH if names.len() < NEEDED => {
                names.push((tag, value));
            }
            _ => {}
        }
    }
    let strings = at::<H>(file, endian, segments, address, size.min(NAMES_LIMIT))?;
    for (tag, place) in names {
        let Some(name) = string(strings, place) else { continue };
        match tag {
            elf::DT_NEEDED => needs.needed.push(name),
            elf::DT_RPATH => needs.rpath.extend(directories(&name)),
            _ => needs.runpath.extend(directories(&name)),
        }
    }
    Some(())
}

/// Bytes of the file by their address in memory.
fn at<'a, H: FileHeader<Endian = Endianness>>(
    file: ReadAt<'a>,
    endian: Endianness,
    segments: &[H::ProgramHeader],
    address: u64,
    size: u64,
) -> Option<&'a [u8]> {
    segments.iter().filter(|segment| segment.p_type(endian) == elf::PT_LOAD).find_map(|segment| {
        let start = address.checked_sub(segment.p_vaddr(endian).into())?;
        let filled: u64 = segment.p_filesz(endian).into();
        (start.checked_add(size)? <= filled).then_some(())?;
        let offset: u64 = segment.p_offset(endian).into();
        file.read_bytes_at(offset.checked_add(start)?, size).ok()
    })
}

/// Reads what sections add: imported functions, and the names among the constants.
fn sections<H: FileHeader<Endian = Endianness>>(
    file: ReadAt<'_>,
    header: &H,
    endian: Endianness,
    length: u64,
    needs: &mut Elf,
) -> Option<()> {
    if header.shnum(endian, file).ok()? as usize > SECTIONS {
        return None;
    }
    let sections = header.sections(endian, file).ok()?;
    let small = sections.iter().all(|section| {
        !matches!(section.sh_type(endian), elf::SHT_DYNSYM | elf::SHT_STRTAB)
            || section.sh_size(endian).into() <= NAMES_LIMIT.min(length)
    });
    if small && let Ok(symbols) = sections.symbols(endian, file, elf::SHT_DYNSYM) {
        for symbol in symbols.iter().take(SYMBOLS).filter(|symbol| symbol.is_undefined(endian)) {
            let Ok(name) = symbol.name(endian, symbols.strings()) else { continue };
            match name {
                b"dlopen" | b"dlmopen" => needs.opens_libraries = true,
                b"iconv_open" => needs.converts = true,
                name => needs.runs.extend(RUNS.iter().find(|run| run.as_bytes() == name)),
            }
        }
    }
    needs.runs.sort_unstable();
    needs.runs.dedup();
    let (_, constants) = sections.section_by_name(endian, b".rodata")?;
    let (offset, size) = constants.file_range(endian)?;
    let bytes = file.read_bytes_at(offset, size.min(CONSTANTS_LIMIT)).ok()?;
    needs.named = dependencies::names(bytes);
    Some(())
}

/// A string of a table, up to its zero byte.
fn string(strings: &[u8], place: u64) -> Option<String> {
    let rest = strings.get(usize::try_from(place).ok()?..)?;
    let end = rest.iter().take(4096).position(|&byte| byte == 0)?;
    text(rest.get(..end)?)
}

fn text(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    (!text.is_empty() && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

fn directories(list: &str) -> Vec<String> {
    list.split(':')
        .filter(|directory| !directory.is_empty())
        .take(NEEDED)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn reads_the_needs_of_this_program() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let needs = read(&Content::memory(program)).unwrap();
        assert!(needs.wide);
        assert!(needs.needed.iter().any(|name| name.starts_with("libc.so")), "{needs:?}");
        assert!(needs.interpreter.unwrap().contains("/ld-"));
    }

    #[test]
    fn reads_the_same_without_the_machine_code() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let skipped = machine_code(program.get(..4096).unwrap(), program.len() as u64);
        assert!(
            skipped.length() > 1 << 20 && skipped.length() < program.len() as u64,
            "{skipped:?}"
        );
        let [start, end] =
            [skipped.start, skipped.end].map(|offset| usize::try_from(offset).unwrap());
        let rest = [program.get(..start).unwrap(), program.get(end..).unwrap()].concat();
        let kept = rest.len();
        let sparse = Content::lent(Arc::new(rest), 0, kept).with_skipped(skipped);
        let needs = read(&sparse);
        assert!(needs.is_some());
        assert_eq!(needs, read(&Content::memory(program)));
        // Reading everything is an error.
        assert!(sparse.in_memory().is_none());
        assert!(sparse.whole().unwrap_err().to_string().contains("machine code"));
    }

    #[test]
    fn a_truncated_program_needs_nothing() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        for length in [0, 4, 16, 63, 64, 100, 1000] {
            let cut = program.get(..length).unwrap().to_vec();
            let needs = read(&Content::memory(cut));
            assert!(needs.is_none_or(|needs| needs.needed.is_empty()));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_damage_is_survived(
            damage in proptest::collection::vec((0_usize..4096, proptest::num::u8::ANY), 1..12),
        ) {
            let mut program = std::fs::read("/bin/true").unwrap_or_default();
            for (offset, byte) in damage {
                if let Some(at) = program.get_mut(offset) {
                    *at = byte;
                }
            }
            let size = program.len() as u64;
            assert!(machine_code(&program, size).end <= size);
            let _ = read(&Content::memory(program));
        }
    }
}
