//! Where the output of a command goes, and how a run on a terminal behaves.
//!
//! Invariants:
//!
//! * A file is replaced as a whole or not at all; a device or a pipe is written to as it is.
//! * What is written to standard error shows no secret and no control characters.
//! * A spinner is drawn only on a terminal; Ctrl-C ends a run between two files, never within one.

mod interrupt;
mod output;
mod progress;
mod watch;

pub use interrupt::{EXIT_CODE, Interrupt};
pub use output::{
    OutputError, append_lines, complain, complain_of, full_options, note, refuse_device, warn,
    write, write_masked,
};
pub use progress::{Bar, Progress};
pub use watch::{FileWatch, WatchError, clear_terminal};
