//! Ctrl-C while files are written: the current file is finished, and no other is begun.
//!
//! Invariant: a second Ctrl-C ends the program at once, as without this.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The exit code of a program that Ctrl-C ended, as shells report it.
pub(crate) const EXIT_CODE: u8 = 130;

/// Whether Ctrl-C was pressed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Watches for Ctrl-C from now on. Where that is not possible, Ctrl-C ends the program.
    pub(crate) fn watch() -> Self {
        use signal_hook::consts::SIGINT;
        let this = Self::default();
        let second = signal_hook::flag::register_conditional_shutdown(
            SIGINT,
            i32::from(EXIT_CODE),
            Arc::clone(&this.0),
        );
        if second.is_ok() {
            // The order matters: the first Ctrl-C must not find the flag set.
            drop(signal_hook::flag::register(SIGINT, Arc::clone(&this.0)));
        }
        this
    }

    /// Whether it was pressed.
    pub(crate) fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
