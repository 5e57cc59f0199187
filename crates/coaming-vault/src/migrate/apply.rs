//! Puts the values of a migration into the store.

use crate::{Store, StoreError};

use super::Migration;

/// Why values are not in the store. No manifest may be changed then.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The store has other values at a path, which are never overwritten.
    #[error("{0}: the store has other values there; no file was changed")]
    Occupied(String),
    /// The store cannot be read or written.
    #[error("{path}: {source}; no file was changed")]
    Store {
        /// The path.
        path: String,
        /// Why.
        source: StoreError,
    },
    /// What was written cannot be read back.
    #[error("{0}: the store returns other values than were written; no file was changed")]
    Different(String),
}

impl Migration {
    /// Writes the values, and reads all of them back.
    ///
    /// # Errors
    ///
    /// See [`MoveError`].
    pub fn move_values(&self, store: &mut impl Store) -> Result<(), MoveError> {
        let failed = |path: &String| {
            let path = path.clone();
            move |source| MoveError::Store { path, source }
        };
        let mut missing = Vec::new();
        for (path, fields) in &self.secrets {
            match store.read(path) {
                Ok(secret) if secret.fields == *fields => {}
                Ok(_) => return Err(MoveError::Occupied(path.clone())),
                Err(StoreError::NotFound(_)) => missing.push((path, fields)),
                Err(error) => return Err(failed(path)(error)),
            }
        }
        for (path, fields) in missing {
            store.write(path, fields).map_err(failed(path))?;
        }
        for (path, fields) in &self.secrets {
            if store.read(path).map_err(failed(path))?.fields != *fields {
                return Err(MoveError::Different(path.clone()));
            }
        }
        Ok(())
    }
}
