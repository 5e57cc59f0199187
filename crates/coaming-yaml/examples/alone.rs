//! What `bench/scan/run` holds a whole scan against: `alone events FOLDER TIMES` runs the parser's bare events over
//! the manifests of a folder, `alone tree FOLDER TIMES` builds their trees as `coaming` does, on one thread. The texts
//! are read once, so that the difference between many times and few is the parser's alone.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use granit_parser::Parser;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, folder, times] = arguments.as_slice() else {
        return Err("alone events|tree FOLDER TIMES".into());
    };
    let read: fn(&Arc<str>) -> usize = match what.as_str() {
        "events" => events,
        "tree" => tree,
        _ => return Err("alone events|tree FOLDER TIMES".into()),
    };
    let mut texts = Vec::new();
    collect(Path::new(folder), &mut texts)?;
    for _ in 0..times.parse()? {
        std::hint::black_box(texts.iter().map(read).sum::<usize>());
    }
    Ok(())
}

fn events(text: &Arc<str>) -> usize {
    Parser::new_from_str(text).take_while(Result::is_ok).count()
}

fn tree(text: &Arc<str>) -> usize {
    coaming_yaml::parse(Arc::clone(text)).documents.len()
}

/// The texts of the files below `folder` that may be manifests.
fn collect(folder: &Path, texts: &mut Vec<Arc<str>>) -> Result<(), Box<dyn Error>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    paths.sort();
    for path in paths {
        let is_manifest =
            path.extension().is_some_and(|end| end == "yaml" || end == "yml" || end == "json");
        if path.is_dir() {
            collect(&path, texts)?;
        } else if is_manifest && let Ok(text) = std::fs::read_to_string(&path) {
            texts.push(text.into());
        }
    }
    Ok(())
}
