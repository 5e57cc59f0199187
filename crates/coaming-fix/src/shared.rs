//! Fixes that several places need because they share a text: an anchor, whose text can be edited only
//! for all its users at once.

use std::collections::{BTreeMap, BTreeSet};

use coaming_finding::{DocumentEdits, Finding, Fix, SourceId};
use coaming_kube::Source;
use coaming_yaml::Span;

use crate::plan::source;
use crate::round::Round;

/// What the fixes of a group have in common: a document and a rule, and perhaps a text.
type Key = (SourceId, u32, String, Option<Span>);

impl Round<'_> {
    /// Adds together what can be made for all users of an anchor, and takes it off the list.
    pub(crate) fn add_shared(
        &mut self,
        fixable: &mut Vec<(&Finding, &Fix)>,
        refuse: &impl Fn(&Source) -> Option<String>,
    ) {
        let with_aliases = self.documents_with_aliases(fixable);
        // All fixes of a rule in the document, else those of one text.
        for by_text in [false, true] {
            let mut groups: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
            for (index, (finding, fix)) in fixable.iter().enumerate() {
                let Some(edits) = single(fix) else { continue };
                if !with_aliases.contains(&(edits.source, edits.document)) {
                    continue;
                }
                let span = finding.locations.first().and_then(|location| location.span);
                let key = (
                    edits.source,
                    edits.document,
                    finding.rule.id.to_string(),
                    span.filter(|_| by_text),
                );
                groups.entry(key).or_default().push(index);
            }
            let mut added = BTreeSet::new();
            for group in groups.into_values().filter(|group| group.len() > 1) {
                let members: Vec<_> = group.iter().map(|index| fixable[*index]).collect();
                if self.add_together(&members, refuse) {
                    added.extend(group);
                }
            }
            let mut index = 0..;
            fixable.retain(|_| !index.next().is_some_and(|index| added.contains(&index)));
        }
    }

    /// The documents of these fixes in which something is written once and used again.
    fn documents_with_aliases(&self, fixable: &[(&Finding, &Fix)]) -> BTreeSet<(SourceId, u32)> {
        let all: BTreeSet<(SourceId, u32)> = fixable
            .iter()
            .filter_map(|(_, fix)| single(fix))
            .map(|edits| (edits.source, edits.document))
            .collect();
        let has_alias = |&(file, document): &(SourceId, u32)| {
            source(self.worlds, file)
                .and_then(|file| file.documents().get(document as usize))
                .is_some_and(|document| {
                    document.root().descendants().any(|node| node.alias().is_some())
                })
        };
        all.into_iter().filter(has_alias).collect()
    }
}

/// The edits of a fix that changes one document.
fn single(fix: &Fix) -> Option<&DocumentEdits> {
    match (fix.edits.as_slice(), fix.file_edits.as_slice()) {
        ([edits], []) => Some(edits),
        _ => None,
    }
}
