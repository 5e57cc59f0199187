//! Secrets are out of plain text, and only where they are needed.

pub(crate) mod long_lived_token;
