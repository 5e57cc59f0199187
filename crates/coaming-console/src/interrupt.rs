//! Ctrl-C while files are written: the current file is finished, and no other is begun.
//!
//! Invariant: a second Ctrl-C ends the program at once, as without this; except while something
//! must be cleaned up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The exit code of a program that Ctrl-C ended, as shells report it.
pub const EXIT_CODE: u8 = 130;

/// Whether Ctrl-C was pressed.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Watches for Ctrl-C from now on. Where that is not possible, Ctrl-C ends the program.
    #[must_use]
    pub fn watch() -> Self {
        let this = Self::default();
        this.register(signal_hook::consts::SIGINT, true);
        this
    }

    /// The same, also for signals with which a service manager or a closed terminal ends the
    /// program, and without the end at the second one: something must be cleaned up first.
    #[must_use]
    pub fn watch_to_clean_up() -> Self {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let this = Self::default();
        for signal in [SIGINT, SIGTERM] {
            this.register(signal, false);
        }
        #[cfg(unix)]
        this.register(signal_hook::consts::SIGHUP, false);
        this
    }

    fn register(&self, signal: i32, ends_at_second: bool) {
        let code = i32::from(EXIT_CODE);
        let flag = || Arc::clone(&self.0);
        let second = || signal_hook::flag::register_conditional_shutdown(signal, code, flag());
        // The order matters: the first Ctrl-C must not find the flag set.
        if !ends_at_second || second().is_ok() {
            drop(signal_hook::flag::register(signal, flag()));
        }
    }

    /// The flag itself, for other crates.
    #[must_use]
    pub fn flag(self) -> Arc<AtomicBool> {
        self.0
    }

    /// Whether it was pressed.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
