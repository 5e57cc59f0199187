//! Parts of texts.

/// The lines of a text, as the bytes at which each starts and ends.
#[must_use]
pub fn lines(text: &str) -> Vec<(usize, usize)> {
    let mut start = 0;
    text.split('\n')
        .map(|line| {
            let range = (start, start + line.len());
            start += line.len() + 1;
            range
        })
        .collect()
}
