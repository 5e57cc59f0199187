//! What the vulnerability database was built from, and what it says about itself.

use std::io;
use std::path::Path;

use coaming_advisory::{Built, Info};
use serde_json::json;

/// What a database was built from, and what was left out.
///
/// # Errors
///
/// If writing fails.
pub fn built_text(built: &Built, file: &Path, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(
        out,
        "{}: {} advisories about {} packages, from {} records; {} KiB",
        file.display(),
        built.advisories,
        built.packages,
        built.records,
        built.size / 1024
    )?;
    for (skip, count) in &built.skipped {
        writeln!(out, "left out: {count} {}", skip.reason())?;
    }
    Ok(())
}

/// A database's description of itself. `checksum` is its SHA-256 in hexadecimal digits.
///
/// # Errors
///
/// If writing fails.
pub fn info_text(
    info: &Info,
    file: &Path,
    checksum: &str,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    writeln!(out, "database    {}", file.display())?;
    writeln!(out, "built       {}", info.built)?;
    writeln!(out, "newest      {}", info.newest)?;
    writeln!(out, "advisories  {}", info.advisories)?;
    writeln!(out, "packages    {}", info.packages)?;
    writeln!(out, "size        {} KiB", info.size / 1024)?;
    writeln!(out, "sha256      {checksum}")?;
    writeln!(out, "\n{:>10}  ecosystem", "packages")?;
    for (name, packages) in &info.ecosystems {
        writeln!(out, "{packages:>10}  {name}")?;
    }
    Ok(())
}

/// The same for programs: a contract.
///
/// # Errors
///
/// If writing fails.
pub fn info_json(
    info: &Info,
    file: &Path,
    checksum: &str,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let ecosystems: Vec<_> = info
        .ecosystems
        .iter()
        .map(|(name, packages)| json!({"name": name, "packages": packages}))
        .collect();
    let value = json!({
        "version": 1,
        "file": file.display().to_string(),
        "built": info.built,
        "newest": info.newest,
        "advisories": info.advisories,
        "packages": info.packages,
        "size": info.size,
        "sha256": checksum,
        "ecosystems": ecosystems,
    });
    serde_json::to_writer_pretty(&mut *out, &value)?;
    writeln!(out)
}
