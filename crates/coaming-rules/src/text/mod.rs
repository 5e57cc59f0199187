//! What rules read in free text: shell scripts, and what they do.

pub(crate) mod commands;
mod install_tools;
pub(crate) mod packages;
mod shell;
mod wrapper;
pub(crate) mod writes;
