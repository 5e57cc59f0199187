//! The configuration file coaming.yaml and its JSON schema.
