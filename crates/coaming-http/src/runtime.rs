//! The command line's way into asynchronous code.

use std::sync::{Arc, Mutex, PoisonError};

use crate::Error;

/// A runtime for synchronous programs. Clones share it, on any number of threads.
///
/// One thread of its own drives connections and timers, so they go on while callers work on what
/// they have received. Programs that are asynchronous themselves call the asynchronous functions
/// and never need this.
#[derive(Clone)]
pub struct Runtime(Arc<tokio::runtime::Runtime>);

/// The process's runtime, once it is needed.
static SHARED: Mutex<Option<Runtime>> = Mutex::new(None);

impl Runtime {
    /// The runtime of this process. The first call starts it: a run without a network has none.
    ///
    /// # Errors
    ///
    /// [`Error::Runtime`] if the system refuses the thread or the event queue.
    pub fn shared() -> Result<Self, Error> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = &*shared {
            return Ok(runtime.clone());
        }
        let started = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("network")
            .enable_all()
            .build()
            .map_err(Error::Runtime)?;
        Ok(shared.insert(Self(Arc::new(started))).clone())
    }

    /// Runs a future beside what else goes on; the handle can end it.
    pub fn spawn<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        self.0.spawn(future)
    }

    /// Runs a future to its end on the calling thread, which must not be one of a runtime.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.0.block_on(future)
    }
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Runtime")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_threads_wait_on_one_runtime() {
        let runtime = Runtime::shared().unwrap();
        assert!(Arc::ptr_eq(&runtime.0, &Runtime::shared().unwrap().0));
        let (sender, receiver) = tokio::sync::oneshot::channel();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| runtime.block_on(receiver).unwrap());
            scope.spawn(|| runtime.block_on(async { sender.send(7).unwrap() }));
            assert_eq!(waiting.join().unwrap(), 7);
        });
    }
}
