//! What `bench/advisory/run` measures: `measure build DIRECTORY DATABASE` builds a database as
//! `coaming db build` does; `measure match DATABASE < package-urls` prints how long it takes to
//! open it, to match packages, and to match them on every processor at once, all with one shared
//! database. Times are the best of several runs in milliseconds: a process that answers once would
//! measure its own start.

use std::error::Error;
use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::Instant;

use coaming_advisory::{Database, DeploymentContext, parse_purl};
use serde_json::{Value, json};

/// The one that the program uses.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 9;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let value = match arguments.as_slice() {
        [what, directory, database] if what == "build" => {
            build(directory.as_ref(), database.as_ref())?
        }
        [what, database] if what == "match" => matching(database.as_ref())?,
        _ => return Err("measure build DIRECTORY DATABASE | measure match DATABASE".into()),
    };
    writeln!(std::io::stdout(), "{value}")?;
    Ok(())
}

fn build(directory: &Path, database: &Path) -> Result<Value, Box<dyn Error>> {
    let built = coaming_advisory::build(directory, database, "2026-01-01T00:00:00Z", &|_| {})?;
    Ok(json!({
        "records": built.records, "advisories": built.advisories, "size": built.size,
        "problems": built.problems,
    }))
}

fn matching(path: &Path) -> Result<Value, Box<dyn Error>> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let named: Vec<_> = text.lines().filter_map(parse_purl).collect();
    let distribution = named.iter().find_map(|named| named.distribution.clone());
    let packages: Vec<_> = named.into_iter().map(|named| named.package).collect();
    let (mut open, mut matching, mut parallel, mut found) = (f64::MAX, f64::MAX, f64::MAX, 0);
    let threads = std::thread::available_parallelism()?.get();
    for _ in 0..RUNS {
        let started = Instant::now();
        let database = Database::open(path)?;
        open = open.min(started.elapsed().as_secs_f64() * 1000.0);
        let started = Instant::now();
        let matches =
            database.matches(&packages, distribution.as_ref(), DeploymentContext::default())?;
        matching = matching.min(started.elapsed().as_secs_f64() * 1000.0);
        found = matches.vulnerabilities.len();
        let database = Database::open(path)?;
        let matches =
            || database.matches(&packages, distribution.as_ref(), DeploymentContext::default());
        let started = Instant::now();
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..threads).map(|_| scope.spawn(matches)).collect();
            all.into_iter().all(|thread| thread.join().is_ok_and(|found| found.is_ok()))
        })
        .then_some(())
        .ok_or("a thread failed")?;
        parallel = parallel.min(started.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(json!({
        "open": open, "match": matching, "threads": threads, "parallel": parallel,
        "packages": packages.len(), "found": found,
    }))
}
