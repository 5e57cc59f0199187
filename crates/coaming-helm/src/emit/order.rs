//! The order in which go-yaml writes the keys of a mapping.

use std::cmp::Ordering;

/// Sorts keys as go-yaml does: numbers in them by their value. With `digits` as its version 3, where
/// a letter after a digit comes before another digit.
///
/// The order is not total (`a10`, `a1b`, `a01`), and Rust's own sort may panic on such.
pub(super) fn sort<T>(mut entries: Vec<T>, digits: bool, key: &impl Fn(&T) -> &str) -> Vec<T> {
    if entries.len() < 2 {
        return entries;
    }
    let right = entries.split_off(entries.len() / 2);
    let mut merged = Vec::with_capacity(entries.len() + right.len());
    let mut left = sort(entries, digits, key).into_iter().peekable();
    let mut right = sort(right, digits, key).into_iter().peekable();
    while let (Some(one), Some(other)) = (left.peek(), right.peek()) {
        let is_right = compare(key(one), key(other), digits) == Ordering::Greater;
        merged.extend(if is_right { right.next() } else { left.next() });
    }
    merged.extend(left);
    merged.extend(right);
    merged
}

fn compare(a: &str, b: &str, digits: bool) -> Ordering {
    // Most keys differ in a letter.
    if let Some((one, other)) = a.bytes().zip(b.bytes()).find(|(one, other)| one != other)
        && one.is_ascii_alphabetic()
        && other.is_ascii_alphabetic()
    {
        return one.cmp(&other);
    }
    let (left, right): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut is_number = false;
    for at in 0..left.len().min(right.len()) {
        let (one, other) = (left[at], right[at]);
        if one == other {
            is_number = digits && one.is_numeric();
            continue;
        }
        match (one.is_alphabetic(), other.is_alphabetic()) {
            (true, true) => return one.cmp(&other),
            (true, false) => return if is_number { Ordering::Less } else { Ordering::Greater },
            (false, true) => return if is_number { Ordering::Greater } else { Ordering::Less },
            (false, false) => {}
        }
        let follows_number = (one == '0' || other == '0')
            && left[..at].iter().rev().take_while(|c| c.is_ascii_digit()).any(|c| *c != '0');
        let start = u64::from(follows_number);
        let value = |chars: &[char]| {
            let run = chars[at..].iter().take_while(|c| c.is_ascii_digit());
            run.fold((start, 0_usize), |(value, count), c| {
                let digit = u64::from(c.to_digit(10).unwrap_or(0));
                (value.wrapping_mul(10).wrapping_add(digit), count + 1)
            })
        };
        let ((value_a, count_a), (value_b, count_b)) = (value(&left), value(&right));
        return value_a.cmp(&value_b).then(count_a.cmp(&count_b)).then(one.cmp(&other));
    }
    left.len().cmp(&right.len())
}
