//! A spinner on a terminal, once a run has taken a second, and a line that shows how far it is.

use std::cell::RefCell;
use std::io::IsTerminal as _;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::ProgressBar;

/// Shows a spinner from the first second on until it is dropped.
#[derive(Debug)]
pub struct Progress(Option<(Sender<()>, JoinHandle<()>)>);

impl Progress {
    /// Starts waiting. Does nothing if standard error is not a terminal.
    #[must_use]
    pub fn start(what: &'static str) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let (stop, stopped) = channel::<()>();
        let thread = std::thread::spawn(move || {
            if stopped.recv_timeout(Duration::from_secs(1)) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let spinner = ProgressBar::new_spinner().with_message(what);
            while stopped.recv_timeout(Duration::from_millis(100)) == Err(RecvTimeoutError::Timeout)
            {
                spinner.tick();
            }
            spinner.finish_and_clear();
        });
        Self(Some((stop, thread)))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.0.take() {
            drop(stop);
            // The thread only draws, so its result does not matter.
            drop(thread.join());
        }
    }
}

/// A line on a terminal that shows how far something is.
#[derive(Debug)]
pub struct Bar(Option<ProgressBar>, RefCell<String>);

impl Bar {
    /// Without a text yet. Nothing is ever shown if standard error is not a terminal.
    #[must_use]
    pub fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(ProgressBar::new_spinner);
        Self(bar, RefCell::default())
    }

    /// Shows this text.
    pub fn show(&self, message: String) {
        let Some(bar) = &self.0 else { return };
        if *self.1.borrow() != message {
            bar.set_message(message.clone());
            bar.tick();
            *self.1.borrow_mut() = message;
        }
    }
}

impl Default for Bar {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
