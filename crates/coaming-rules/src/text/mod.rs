//! What rules read in free text: shell scripts, and what they do.

pub(crate) mod commands;
mod install_tools;
pub(crate) mod packages;
pub(crate) mod root_commands;
mod shell;
pub(crate) mod unverified;
mod wrapper;
pub(crate) mod writes;
