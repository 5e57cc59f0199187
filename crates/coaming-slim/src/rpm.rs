//! The rpm database, reduced to the packages that remain.
//!
//! ndb and Berkeley DB are edited in place. An `SQLite` file comes from a stranger and is never opened
//! with `SQLite`: our own reader extracts the headers of the packages, and they go into a new database.
//! Of the indexes of rpm, the new one fills only the names; the others are empty, so that rpm opens it.

use coaming_image::{ReducedRpm, reduced_rpm};
use rusqlite::Connection;

/// The indexes that rpm requires, and whether it also searches them by package.
const INDEXES: &[(&str, bool)] = &[
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

/// The database with only the packages that `remains` accepts; `None` if it is damaged.
pub(crate) fn reduced(bytes: Vec<u8>, remains: &dyn Fn(&str) -> bool) -> Option<Vec<u8>> {
    match reduced_rpm(bytes, remains)? {
        ReducedRpm::InPlace(bytes) => Some(bytes),
        ReducedRpm::Headers(headers) => database(&headers).ok(),
    }
}

/// A new database with these packages.
fn database(headers: &[(String, Vec<u8>)]) -> rusqlite::Result<Vec<u8>> {
    let mut connection = Connection::open_in_memory()?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(
        "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL);",
    )?;
    for (index, by_package) in [("Name", false)].iter().chain(INDEXES) {
        transaction.execute_batch(&format!(
            "CREATE TABLE '{index}' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL, \
             FOREIGN KEY (hnum) REFERENCES 'Packages'(hnum)); \
             CREATE INDEX '{index}_key_idx' ON '{index}'(key ASC);"
        ))?;
        if *by_package {
            transaction.execute_batch(&format!(
                "CREATE INDEX '{index}_hnum_idx' ON '{index}'(hnum ASC);"
            ))?;
        }
    }
    for (name, header) in headers {
        transaction.execute("INSERT INTO Packages (blob) VALUES (?1)", [header])?;
        let number = transaction.last_insert_rowid();
        transaction.execute("INSERT INTO Name VALUES (?1, ?2, 0)", (name, number))?;
    }
    transaction.commit()?;
    Ok(connection.serialize("main")?.to_vec())
}
