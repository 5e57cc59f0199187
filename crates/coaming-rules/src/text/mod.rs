//! What rules read in free text: shell scripts, and what they do.

pub(crate) mod commands;
mod downloads;
mod file_users;
mod install_tools;
mod nested;
pub(crate) mod packages;
pub(crate) mod root_commands;
pub(crate) mod root_for_all;
mod shell;
pub(crate) mod unverified;
mod wrapper;
pub(crate) mod writes;
