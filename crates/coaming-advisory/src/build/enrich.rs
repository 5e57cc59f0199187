//! Exploitation: EPSS's probabilities and CISA's list of exploited vulnerabilities.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde::Deserialize;

use crate::advisory::Exploit;

/// The most bytes of one file that are read.
const MAX_BYTES: u64 = 512 << 20;

/// What is known about exploitation, by CVE.
pub(super) type Exploits = HashMap<String, Exploit>;

/// CISA's list.
#[derive(Deserialize)]
struct Catalog {
    vulnerabilities: Vec<Listed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    #[serde(rename = "cveID")]
    cve: String,
    #[serde(default)]
    date_added: String,
}

/// Reads all files of both kinds. If two name the same CVE, the later one by name counts. Calls
/// `failed` for those that cannot be read.
pub(super) fn read(
    scores: &[PathBuf],
    exploited: &[PathBuf],
    mut failed: impl FnMut(&Path, &io::Error),
) -> Exploits {
    let mut exploits = Exploits::new();
    for path in scores {
        read_scores(path, &mut exploits).unwrap_or_else(|error| failed(path, &error));
    }
    for path in exploited {
        read_catalog(path, &mut exploits).unwrap_or_else(|error| failed(path, &error));
    }
    exploits
}

/// Lines of `cve,epss,percentile`, with a comment and a heading before them.
fn read_scores(path: &Path, exploits: &mut Exploits) -> io::Result<()> {
    let file = File::open(path)?;
    let packed = path.extension().is_some_and(|extension| extension == "gz");
    let reader: Box<dyn Read> =
        if packed { Box::new(GzDecoder::new(file)) } else { Box::new(file) };
    let mut found = false;
    for line in BufReader::new(reader.take(MAX_BYTES)).lines() {
        let line = line?;
        let mut fields = line.split(',');
        let (Some(cve), Some(probability)) = (fields.next(), fields.next()) else { continue };
        let Some(probability) = basis_points(probability) else { continue };
        if is_cve(cve) {
            entry(exploits, cve).probability = Some(probability);
            found = true;
        }
    }
    if found {
        Ok(())
    } else {
        Err(io::Error::other("contains no EPSS scores (`cve,epss,percentile`)"))
    }
}

fn read_catalog(path: &Path, exploits: &mut Exploits) -> io::Result<()> {
    let mut text = Vec::new();
    File::open(path)?.take(MAX_BYTES).read_to_end(&mut text)?;
    let catalog: Catalog = serde_json::from_slice(&text)?;
    for listed in catalog.vulnerabilities {
        let date = listed.date_added;
        if is_cve(&listed.cve) && date.len() <= 10 && date.is_ascii() {
            entry(exploits, &listed.cve).exploited = Some(date);
        }
    }
    Ok(())
}

fn entry<'a>(exploits: &'a mut Exploits, cve: &str) -> &'a mut Exploit {
    exploits.entry(cve.to_owned()).or_insert_with(|| Exploit {
        cve: cve.to_owned(),
        probability: None,
        exploited: None,
    })
}

fn is_cve(text: &str) -> bool {
    text.len() <= 32
        && text
            .strip_prefix("CVE-")
            .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'))
}

/// A probability from 0 to 1 in hundredths of a percent.
fn basis_points(text: &str) -> Option<u16> {
    let probability: f64 = text.trim().parse().ok()?;
    if !(0.0..=1.0).contains(&probability) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 0 to 10,000, as checked above"
    )]
    let points = (probability * 10_000.0).round() as u16;
    Some(points)
}
