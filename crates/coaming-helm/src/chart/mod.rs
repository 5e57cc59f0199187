//! Charts: their files, metadata, values and dependencies.

mod archive;
mod dependencies;
mod ignore;
mod load;
mod merge;
mod metadata;
mod pattern;
mod schema;
mod set;
mod shape;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

pub(crate) use archive::unpack;
pub(crate) use dependencies::process;
pub(crate) use load::{load, made_yaml, values};
pub(crate) use merge::{coalesce_values, merge_maps};
pub(crate) use metadata::Metadata;
pub(crate) use schema::validate;
pub(crate) use set::{Typing, apply as apply_set, apply_text};

use crate::InputFile;
use crate::failure::Failure;
use crate::value::Value;

/// A chart with its subcharts.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    pub(crate) metadata: Metadata,
    /// Templates by their path in the chart, with the number of the file.
    pub(crate) templates: Vec<Template>,
    pub(crate) values: Value,
    pub(crate) schema: Option<Rc<[u8]>>,
    /// All other files, for `.Files`.
    pub(crate) files: Rc<BTreeMap<String, Rc<[u8]>>>,
    /// The files of `crds/`.
    pub(crate) crds: Vec<Template>,
    pub(crate) dependencies: Vec<Chart>,
    /// Its path in the names of templates: `chart/charts/subchart`.
    pub(crate) path: String,
}

/// A template's text.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    pub(crate) path: String,
    pub(crate) file: u16,
    pub(crate) text: Arc<str>,
}

/// The files that a rendering reads, by number; origins refer to them.
#[derive(Debug, Default)]
pub(crate) struct Files {
    pub(crate) all: Vec<InputFile>,
    /// The chart's other files, which templates can quote.
    pub(crate) others: Vec<(String, Rc<[u8]>)>,
}

impl Files {
    /// Adds a file. Its number is one more than its index.
    pub(crate) fn add(&mut self, name: String, text: Arc<str>) -> Result<u16, Failure> {
        self.all.push(InputFile { name, text, given: false });
        u16::try_from(self.all.len())
            .map_err(|_| Failure::Chart("the chart has too many files".to_owned()))
    }
}

impl Chart {
    /// Its name, or its alias.
    pub(crate) fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Names a subchart's templates as those of this chart.
    pub(crate) fn adopt(&self, sub: &mut Self) {
        sub.path = format!("{}/charts/{}", self.path, sub.name());
    }
}
