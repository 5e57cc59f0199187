//! An index of Maven's artifacts by the SHA-1 of their archives, in the form in which Trivy
//! publishes it: a SQLite file with the tables `artifacts` and `indices`.
//!
//! The file may be hostile: see [`crate::Database`]. What it names is checked by those who use it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::database;

/// Group, artifact and version of the archive with this SHA-1.
const LOOK_UP: &str = "SELECT a.group_id, a.artifact_id, i.version
    FROM indices i JOIN artifacts a ON a.id = i.artifact_id WHERE i.sha1 = ?1";

/// Why an index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JavaIndexError {
    /// There is none at this path.
    #[error("there is no index of Java archives at {path}: run `coaming db java-index`")]
    Missing {
        /// Where it was looked for.
        path: String,
    },
    /// It is not an index, or is damaged.
    #[error(
        "{path} is not an index of Java archives, or is damaged ({reason}): get a new one with \
         `coaming db java-index`"
    )]
    Damaged {
        /// Where it is.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

/// An index, shared between threads.
#[derive(Debug)]
pub struct JavaIndex {
    connection: Mutex<Connection>,
    path: PathBuf,
}

impl JavaIndex {
    /// Opens an index.
    ///
    /// # Errors
    ///
    /// If there is none, or it cannot be used; the error says what to do.
    pub fn open(path: &Path) -> Result<Self, JavaIndexError> {
        if !path.is_file() {
            return Err(JavaIndexError::Missing { path: path.display().to_string() });
        }
        let connection = database::connect(path).map_err(|error| damaged(path, &error))?;
        // The columns are checked before the first archive is looked up.
        connection.prepare_cached(LOOK_UP).map_err(|error| damaged(path, &error))?;
        Ok(Self { connection: Mutex::new(connection), path: path.to_path_buf() })
    }

    /// Group, artifact and version of the archive with this SHA-1, in hexadecimal digits; `None` if
    /// the index does not know it.
    ///
    /// # Errors
    ///
    /// If the index is damaged.
    pub fn look_up(&self, sha1: &str) -> Result<Option<[String; 3]>, JavaIndexError> {
        let Ok(bytes) = base16ct::mixed::decode_vec(sha1) else { return Ok(None) };
        // Queries only read: a panic in one leaves nothing half done.
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        connection
            .prepare_cached(LOOK_UP)
            .and_then(|mut query| {
                let named = query
                    .query_row(params![bytes], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]));
                named.optional()
            })
            .map_err(|error| damaged(&self.path, &error))
    }
}

fn damaged(path: &Path, reason: &impl ToString) -> JavaIndexError {
    JavaIndexError::Damaged { path: path.display().to_string(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA1: &str = "0123456789abcdef0123456789abcdef01234567";

    /// The tables as `trivy-java-db` creates them.
    fn write(path: &Path, columns: &str) {
        let connection = Connection::open(path).unwrap();
        connection
            .execute_batch(&format!(
                "CREATE TABLE artifacts(id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT);
                 CREATE TABLE indices(artifact_id INTEGER, version TEXT, {columns},
                     archive_type TEXT, foreign key (artifact_id) references artifacts(id));
                 CREATE UNIQUE INDEX artifacts_idx ON artifacts(artifact_id, group_id);
                 INSERT INTO artifacts VALUES (1, 'com.alibaba', 'fastjson');
                 INSERT INTO indices VALUES (1, '1.2.24', x'{SHA1}', 'jar');"
            ))
            .unwrap();
    }

    #[test]
    fn knows_artifacts_by_their_sha1() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("index.db");
        assert!(matches!(JavaIndex::open(&path), Err(JavaIndexError::Missing { .. })));
        write(&path, "sha1 BLOB");
        let index = JavaIndex::open(&path).unwrap();
        let named = ["com.alibaba", "fastjson", "1.2.24"].map(str::to_owned);
        assert_eq!(index.look_up(SHA1).unwrap(), Some(named));
        assert_eq!(index.look_up(&SHA1.replace('0', "f")).unwrap(), None);
        assert_eq!(index.look_up("no digits").unwrap(), None);
    }

    #[test]
    fn refuses_other_files() {
        let directory = tempfile::tempdir().unwrap();
        let other = directory.path().join("other.db");
        write(&other, "checksum BLOB");
        let text = directory.path().join("text.db");
        std::fs::write(&text, "no database").unwrap();
        for path in [other, text] {
            let error = JavaIndex::open(&path).unwrap_err().to_string();
            assert!(error.contains("is not an index of Java archives"), "{error}");
        }
    }
}
