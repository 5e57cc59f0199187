//! How deep and how large JSON may be, found before anything is built from it.
//!
//! One pass over the bytes, without memory: a body that is refused costs its reading and no more.

use crate::ReviewError;

/// How deep collections may be nested. Objects of Kubernetes have about 20 levels.
const MAX_DEPTH: usize = 128;
/// How many values a body may hold: an object of 3 MiB in etcd has far fewer. A tree of this many
/// takes less than 64 MiB.
const MAX_VALUES: usize = 500_000;

/// Fails if `json` is nested too deeply or has too many values. Whether it is JSON at all is not
/// checked here.
pub(crate) fn check(json: &[u8]) -> Result<(), ReviewError> {
    let (mut depth, mut values, mut in_text, mut escaped) = (0_usize, 0_usize, false, false);
    for &byte in json {
        if in_text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'{' | b'[' => {
                depth += 1;
                values += 1;
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(ReviewError::TooDeep { limit: MAX_DEPTH });
        }
        if values > MAX_VALUES {
            return Err(ReviewError::TooManyValues { limit: MAX_VALUES });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_text_do_not_count() {
        let text = format!("{{\"a\": \"{}\\\"{}\"}}", "[".repeat(1000), "{".repeat(1000));
        assert!(check(text.as_bytes()).is_ok());
    }

    #[test]
    fn depth_and_values_are_limited() {
        let deep = |count| "[".repeat(count);
        assert!(check(deep(MAX_DEPTH).as_bytes()).is_ok());
        assert!(matches!(
            check(deep(MAX_DEPTH + 1).as_bytes()),
            Err(ReviewError::TooDeep { limit: MAX_DEPTH })
        ));
        let many = format!("[{}0]", "0,".repeat(MAX_VALUES));
        assert!(matches!(check(many.as_bytes()), Err(ReviewError::TooManyValues { .. })));
    }
}
