//! The part of a text that a report needs: the lines that findings point at.
//!
//! A long text with a few findings does not have to stay in memory. The line and column of every
//! span stay the same.

use coaming_yaml::Span;

/// How many lines are kept before and after each span, to show it among them.
const AROUND: usize = 3;

/// The text with every line that is not near a span emptied, and the spans as they are in the new
/// text: on the same lines and columns, in the order in which they were given.
#[must_use]
pub fn excerpt(text: &str, spans: &[Span]) -> (String, Vec<Span>) {
    let mut kept: Vec<(usize, usize)> = spans.iter().map(|span| around(text, *span)).collect();
    kept.sort_unstable();
    let mut short = String::new();
    // Where each kept piece starts in the old text, and in the new one.
    let mut pieces: Vec<(usize, usize)> = Vec::new();
    let mut done = 0;
    for (start, end) in kept {
        if end <= done && !pieces.is_empty() {
            continue;
        }
        let start = start.max(done);
        let gap = text.get(done..start).unwrap_or_default();
        let breaks = gap.bytes().filter(|&byte| byte == b'\n').count();
        short.extend(std::iter::repeat_n('\n', breaks));
        pieces.push((start, short.len()));
        short.push_str(text.get(start..end).unwrap_or_default());
        done = end;
    }
    let moved = |offset: u32| {
        let offset = offset as usize;
        let piece = pieces.partition_point(|(start, _)| *start <= offset).saturating_sub(1);
        let (from, to) = pieces.get(piece).copied().unwrap_or_default();
        u32::try_from(offset - from.min(offset) + to).unwrap_or(u32::MAX)
    };
    let spans = spans.iter().map(|span| Span::new(moved(span.start), moved(span.end))).collect();
    (short, spans)
}

/// The bytes from a few lines before a span to a few lines after it.
fn around(text: &str, span: Span) -> (usize, usize) {
    let (start, end) = (span.start as usize, span.end as usize);
    let before = text.get(..start).unwrap_or(text);
    let mut breaks = before.match_indices('\n').map(|(at, _)| at + 1).rev();
    let start = breaks.nth(AROUND).unwrap_or(0);
    let after = text.get(end..).unwrap_or_default();
    let end = after.match_indices('\n').nth(AROUND).map_or(text.len(), |(at, _)| end + at + 1);
    (start, end)
}

#[cfg(test)]
mod tests {
    use coaming_yaml::LineIndex;

    use super::*;

    #[test]
    fn distant_lines_become_empty() {
        let text = "line\n".repeat(1000) + "secret\n" + &"line\n".repeat(1000);
        let (short, spans) = excerpt(&text, &[Span::new(5000, 5006)]);
        assert_eq!(short.trim_matches('\n'), "line\nline\nline\nsecret\nline\nline\nline");
        assert_eq!(short.get(spans[0].start as usize..spans[0].end as usize), Some("secret"));
    }

    #[test]
    fn spans_keep_their_line_and_column() {
        // A small deterministic generator: every run tests the same texts.
        let mut state = 7_u64;
        let mut below = |bound: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(state >> 33).unwrap_or(0) % bound
        };
        for _ in 0..2000 {
            let text: String = (0..below(200)).map(|_| ['a', 'é', '\n', 'z'][below(4)]).collect();
            let at = |mut offset: usize| {
                offset = offset.min(text.len());
                while !text.is_char_boundary(offset) {
                    offset -= 1;
                }
                u32::try_from(offset).unwrap_or(0)
            };
            let spans: Vec<Span> = (0..below(6))
                .map(|_| (below(200), below(40)))
                .map(|(start, length)| Span::new(at(start), at(start + length)))
                .collect();
            let (short, moved) = excerpt(&text, &spans);
            let (before, after) = (LineIndex::new(&text), LineIndex::new(&short));
            for (span, moved) in spans.iter().zip(moved) {
                let part = |text: &str, span: &Span| {
                    text.get(span.start as usize..span.end as usize).map(str::to_owned)
                };
                assert_eq!(part(&text, span), part(&short, &moved));
                for (old, new) in [(span.start, moved.start), (span.end, moved.end)] {
                    assert_eq!(before.position(&text, old), after.position(&short, new));
                }
            }
        }
    }
}
