//! Java archives that do not say which Maven artifact they are, named by an index of artifacts.
//!
//! Invariant: nothing is downloaded here; without an index the archives stay as they are.

use std::path::PathBuf;

use coaming_advisory::{JavaIndex, JavaIndexError};
use coaming_config::Config;
use coaming_image::ImageFacts;

use crate::{ScanError, own_database};

/// What names Java archives.
#[derive(Debug, Default)]
pub struct JavaNames {
    index: Option<JavaIndex>,
}

impl JavaNames {
    /// The index that the configuration names, else the user's own, if there is one.
    ///
    /// # Errors
    ///
    /// If the index cannot be used.
    pub fn new(config: &Config) -> Result<Self, ScanError> {
        let named = config.vulnerabilities.java_index.as_ref().map(PathBuf::from);
        let own = || own_java_index().ok().filter(|path| path.exists());
        let index = named.or_else(own).map(|path| JavaIndex::open(&path)).transpose()?;
        Ok(Self { index })
    }

    /// Names the archives of an image.
    ///
    /// # Errors
    ///
    /// If the index is damaged.
    pub fn complete(&self, facts: &mut ImageFacts) -> Result<(), JavaIndexError> {
        let look_up = |sha1: &str| match &self.index {
            Some(index) => index.look_up(sha1),
            None => Ok(None),
        };
        facts.name_archives(look_up)
    }
}

/// Where the user's own index is.
///
/// # Errors
///
/// If the environment names no cache directory.
pub fn own_java_index() -> Result<PathBuf, ScanError> {
    Ok(own_database()?.with_file_name("java-index.db"))
}
