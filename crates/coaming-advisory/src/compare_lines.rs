//! Pairs of versions, compared line by line.

use std::cmp::Ordering;
use std::io::{self, BufRead, Read as _, Write};

use crate::Order;

/// The longest line with two versions, in bytes.
const MAX_LINE: u64 = 64 << 10;

/// Reads lines with two versions, separated by a tab, and writes `<`, `=` or `>` for each line, or `?` if
/// one of the versions is not valid.
///
/// # Errors
///
/// If reading or writing fails.
pub fn compare_lines(order: Order, mut input: impl BufRead, out: &mut dyn Write) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        let order = text.split_once('\t').and_then(|(left, right)| order.compare(left, right));
        let sign = match order {
            Some(Ordering::Less) => '<',
            Some(Ordering::Equal) => '=',
            Some(Ordering::Greater) => '>',
            None => '?',
        };
        writeln!(out, "{sign}")?;
    }
}
