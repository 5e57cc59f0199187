//! What `bench/scan/run` holds a whole scan against: `alone events FOLDER` runs the parser's bare events over the
//! manifests of a folder, `alone tree FOLDER` builds their trees as `coaming` does. The texts are in memory before
//! the clock starts; prints the seconds of the best of some runs, on one thread.

use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use granit_parser::Parser;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 7;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, folder] = arguments.as_slice() else {
        return Err("alone events|tree FOLDER".into());
    };
    let read: fn(&Arc<str>) -> usize = match what.as_str() {
        "events" => events,
        "tree" => tree,
        _ => return Err("alone events|tree FOLDER".into()),
    };
    let mut texts = Vec::new();
    collect(Path::new(folder), &mut texts)?;
    let seconds = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(texts.iter().map(read).sum::<usize>());
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min);
    writeln!(std::io::stdout(), "{seconds}")?;
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
