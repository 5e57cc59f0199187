//! rpm's database, reduced to the packages that are left.
//!
//! ndb and Berkeley DB are edited in place. An `SQLite` file is a stranger's, and is never opened by
//! `SQLite`: what our own reader takes out of it, the packages' headers, becomes a new one. Of rpm's
//! indices the new one has that of names; the others are there and empty, so that rpm opens it.

use coaming_image::{ReducedRpm, reduced_rpm};
use rusqlite::Connection;

/// The indices that rpm wants to be there, and whether it looks in them also by package.
const INDICES: &[(&str, bool)] = &[
    ("Basenames", true),
    ("Group", false),
    ("Requirename", true),
    ("Providename", true),
    ("Conflictname", true),
    ("Obsoletename", true),
    ("Triggername", true),
    ("Dirnames", true),
    ("Installtid", false),
    ("Sigmd5", false),
    ("Sha1header", false),
    ("Filetriggername", true),
    ("Transfiletriggername", true),
    ("Recommendname", true),
    ("Suggestname", true),
    ("Supplementname", true),
    ("Enhancename", true),
];

/// The database without the packages that `stays` says no to; `None` where it does not keep to its
/// format, and stays whole.
pub(crate) fn reduced(bytes: Vec<u8>, stays: &dyn Fn(&str) -> bool) -> Option<Vec<u8>> {
    match reduced_rpm(bytes, stays)? {
        ReducedRpm::InPlace(bytes) => Some(bytes),
        ReducedRpm::Headers(headers) => database(&headers).ok(),
    }
}

/// A new database of these packages.
fn database(headers: &[(String, Vec<u8>)]) -> rusqlite::Result<Vec<u8>> {
    let mut connection = Connection::open_in_memory()?;
    let made = connection.transaction()?;
    made.execute_batch(
        "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL);",
    )?;
    for (index, by_package) in [("Name", false)].iter().chain(INDICES) {
        made.execute_batch(&format!(
            "CREATE TABLE '{index}' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL, \
             FOREIGN KEY (hnum) REFERENCES 'Packages'(hnum)); \
             CREATE INDEX '{index}_key_idx' ON '{index}'(key ASC);"
        ))?;
        if *by_package {
            made.execute_batch(&format!(
                "CREATE INDEX '{index}_hnum_idx' ON '{index}'(hnum ASC);"
            ))?;
        }
    }
    for (name, header) in headers {
        made.execute("INSERT INTO Packages (blob) VALUES (?1)", [header])?;
        let number = made.last_insert_rowid();
        made.execute("INSERT INTO Name VALUES (?1, ?2, 0)", (name, number))?;
    }
    made.commit()?;
    Ok(connection.serialize("main")?.to_vec())
}
