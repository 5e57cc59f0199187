//! Times with jitter: many agents that start together do not ask together.

use std::time::Duration;

/// The longest pause between two attempts.
const LONGEST: Duration = Duration::from_secs(60);
/// The first pause.
const FIRST: Duration = Duration::from_secs(1);

/// About this long: 10 % more or less.
pub(crate) fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.9 + 0.2 * fastrand::f64())
}

/// When something of this length is renewed: at two thirds, at most 10 % of them earlier.
pub(crate) fn two_thirds(duration: Duration) -> Duration {
    (duration * 2 / 3).mul_f64(1.0 - 0.1 * fastrand::f64())
}

/// The pause after this many failures in a row: it doubles, and half of it is random.
pub(crate) fn backoff(failures: u32) -> Duration {
    let longest = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST);
    longest.mul_f64(0.5 + 0.5 * fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_differ() {
        for failures in 0..100 {
            let pause = backoff(failures);
            assert!(pause >= FIRST / 2 && pause <= LONGEST, "{pause:?}");
        }
        let pauses: std::collections::BTreeSet<Duration> = (0..50).map(|_| backoff(20)).collect();
        assert!(pauses.len() > 40, "{pauses:?}");
        let renewal = two_thirds(Duration::from_secs(300));
        assert!((180..=200).contains(&renewal.as_secs()), "{renewal:?}");
    }
}
