//! How long it takes to open a database and to match packages: `measure DATABASE < package-urls`.
//! Prints, as JSON, the best of some runs in milliseconds, and how much was found. `bench/advisory/run`
//! uses it, as a process that answers once would measure its own start.

use std::error::Error;
use std::io::Read as _;
use std::path::PathBuf;
use std::time::Instant;

use coaming_advisory::{Database, Surroundings, parse_purl};

const RUNS: usize = 9;

fn main() -> Result<(), Box<dyn Error>> {
    let path = PathBuf::from(std::env::args_os().nth(1).ok_or("which database?")?);
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let named: Vec<_> = text.lines().filter_map(parse_purl).collect();
    let distribution = named.iter().find_map(|named| named.distribution.clone());
    let packages: Vec<_> = named.into_iter().map(|named| named.package).collect();
    let (mut open, mut matching, mut found) = (f64::MAX, f64::MAX, 0);
    for _ in 0..RUNS {
        let started = Instant::now();
        let database = Database::open(&path)?;
        open = open.min(started.elapsed().as_secs_f64() * 1000.0);
        let started = Instant::now();
        let matches =
            database.matches(&packages, distribution.as_ref(), Surroundings::default())?;
        matching = matching.min(started.elapsed().as_secs_f64() * 1000.0);
        found = matches.vulnerabilities.len();
    }
    let value = serde_json::json!({
        "open": open, "match": matching, "packages": packages.len(), "found": found,
    });
    println!("{value}");
    Ok(())
}
