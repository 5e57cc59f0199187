//! Parse YAML and JSON into an arena tree with byte spans and comments; resolve scalars as Kubernetes does; turn semantic edits into text edits.
