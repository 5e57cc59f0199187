//! How slowly a server may send a stream.

use std::time::Duration;

use tokio::time::Instant;

use crate::Error;

/// The slowest that a server may send, in bytes per second, once [`GRACE`] is over.
const MIN_SPEED: u64 = 16 << 10;
/// The time that every stream may take, however small.
const GRACE: Duration = Duration::from_secs(120);

/// Measures the time spent waiting for a stream, without the time between the calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    waited: Duration,
}

impl Pace {
    /// Runs a future, and counts the time that it takes.
    pub async fn wait<T>(&mut self, future: impl Future<Output = T>) -> T {
        let start = Instant::now();
        let output = future.await;
        self.waited += start.elapsed();
        output
    }

    /// Checks that `received` bytes in that time are not too slow.
    ///
    /// # Errors
    ///
    /// [`Error::TooSlow`].
    pub fn check(&self, received: u64) -> Result<(), Error> {
        let allowed = GRACE + Duration::from_secs(received / MIN_SPEED);
        if self.waited <= allowed { Ok(()) } else { Err(Error::TooSlow) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stream_may_be_as_slow_as_a_slow_line() {
        let mut pace = Pace::default();
        pace.wait(tokio::time::sleep(GRACE)).await;
        assert!(pace.check(0).is_ok());
        tokio::time::sleep(GRACE).await;
        assert!(pace.check(0).is_ok(), "this is not waiting");
        pace.wait(tokio::time::sleep(Duration::from_secs(2))).await;
        assert!(matches!(pace.check(MIN_SPEED), Err(Error::TooSlow)));
        assert!(pace.check(3 * MIN_SPEED).is_ok());
    }
}
