//! The baseline that `bench/scan/run` compares a whole scan with, on one thread.
//! `alone events DIRECTORY TIMES` runs only the parser over the manifests of a directory, and
//! `alone tree DIRECTORY TIMES` builds their trees as `coaming` does. Both read the files once, so
//! that the difference between many and few repetitions is parsing time only.
//! `alone files DIRECTORY TIMES` reads each file again before each parser run.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use granit_parser::Parser;

const USAGE: &str = "alone events|tree|files DIRECTORY TIMES";

/// The same allocator as in `coaming`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, directory, times] = arguments.as_slice() else {
        return Err(USAGE.into());
    };
    let mut paths = Vec::new();
    collect(Path::new(directory), &mut paths)?;
    let read = || paths.iter().filter_map(|path| std::fs::read_to_string(path).ok());
    let texts: Vec<Arc<str>> = read().map(Arc::from).collect();
    for _ in 0..times.parse()? {
        let count: usize = match what.as_str() {
            "events" => texts.iter().map(|text| events(text)).sum(),
            "tree" => texts.iter().map(tree).sum(),
            "files" => read().map(|text| events(&text)).sum(),
            _ => return Err(USAGE.into()),
        };
        std::hint::black_box(count);
    }
    Ok(())
}

fn events(text: &str) -> usize {
    Parser::new_from_str(text).take_while(Result::is_ok).count()
}

fn tree(text: &Arc<str>) -> usize {
    coaming_yaml::parse(Arc::clone(text)).documents.len()
}

/// The files below `directory` that may be manifests.
fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    paths.sort();
    for path in paths {
        let is_manifest =
            path.extension().is_some_and(|end| end == "yaml" || end == "yml" || end == "json");
        if path.is_dir() {
            collect(&path, files)?;
        } else if is_manifest {
            files.push(path);
        }
    }
    Ok(())
}
