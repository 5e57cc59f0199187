//! The patterns of `.helmignore`: those of Go's `filepath.Match`, which differ from a shell's. Braces
//! and `!` in a class stand for themselves, and nothing but a `/` of the pattern fits a `/` of the path.

/// A part of a pattern that fits one character, or any number of them.
#[derive(Debug, PartialEq)]
enum Part {
    /// Any characters but `/`.
    Many,
    /// One character but `/`.
    One,
    Character(char),
    /// Ranges, and whether it fits what is in none of them.
    Class(Vec<(char, char)>, bool),
}

/// A pattern that was read.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Part>);

impl Pattern {
    /// Reads a pattern; `None` if Go's `filepath.Match` refuses it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.chars();
        let mut parts = Vec::new();
        while let Some(next) = rest.next() {
            parts.push(match next {
                '*' => Part::Many,
                '?' => Part::One,
                '\\' => Part::Character(rest.next()?),
                '[' => class(&mut rest)?,
                other => Part::Character(other),
            });
        }
        Some(Self(parts))
    }

    /// Whether the whole of a path fits. Takes time in proportion to the lengths of both, multiplied.
    pub(super) fn fits(&self, path: &str) -> bool {
        let character = |at: usize| path.get(at..).and_then(|rest| rest.chars().next());
        let (mut part, mut at) = (0, 0);
        // The last `*`, and how far it reaches so far.
        let mut last_many: Option<(usize, usize)> = None;
        loop {
            match (self.0.get(part), character(at)) {
                (None, None) => return true,
                (Some(Part::Many), _) => {
                    last_many = Some((part, at));
                    part += 1;
                    continue;
                }
                (Some(own), Some(next)) if own.fits(next) => {
                    part += 1;
                    at += next.len_utf8();
                    continue;
                }
                _ => {}
            }
            let Some((many, reached)) = last_many else { return false };
            match character(reached) {
                Some(skipped) if skipped != '/' => {
                    at = reached + skipped.len_utf8();
                    last_many = Some((many, at));
                    part = many + 1;
                }
                _ => return false,
            }
        }
    }
}

impl Part {
    fn fits(&self, character: char) -> bool {
        match self {
            Self::Many => false,
            Self::One => character != '/',
            Self::Character(own) => *own == character,
            Self::Class(ranges, negated) => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&character)) != *negated
            }
        }
    }
}

/// The rest of a class, behind its `[`.
fn class(rest: &mut std::str::Chars<'_>) -> Option<Part> {
    let negated = rest.as_str().starts_with('^');
    if negated {
        rest.next();
    }
    let mut ranges = Vec::new();
    loop {
        if rest.as_str().starts_with(']') && !ranges.is_empty() {
            rest.next();
            return Some(Part::Class(ranges, negated));
        }
        let low = class_character(rest)?;
        let high = match rest.as_str().strip_prefix('-') {
            Some(_) => {
                rest.next();
                class_character(rest)?
            }
            None => low,
        };
        ranges.push((low, high));
    }
}

fn class_character(rest: &mut std::str::Chars<'_>) -> Option<char> {
    match rest.next()? {
        '-' | ']' => None,
        '\\' => rest.next(),
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of Go's own tests of `filepath.Match`.
    #[test]
    fn fits_what_go_fits() {
        let cases = [
            ("abc", "abc", true),
            ("*", "abc", true),
            ("*c", "abc", true),
            ("a*", "a", true),
            ("a*", "abc", true),
            ("a*", "ab/c", false),
            ("a*/b", "abc/b", true),
            ("a*/b", "a/c/b", false),
            ("a*b*c*d*e*/f", "axbxcxdxe/f", true),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/f", true),
            ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f", false),
            ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("a*b?c*x", "abxbbxdbxebxczzy", false),
            ("ab[c]", "abc", true),
            ("ab[b-d]", "abc", true),
            ("ab[e-g]", "abc", false),
            ("ab[^c]", "abc", false),
            ("ab[^e-g]", "abc", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "ab", false),
            ("a?b", "a☺b", true),
            ("a[^a]b", "a☺b", true),
            ("a???b", "a☺b", false),
            ("[a-ζ]*", "α", true),
            ("a?b", "a/b", false),
            ("a*b", "a/b", false),
            ("[\\]a]", "]", true),
            ("[\\-x]", "-", true),
            ("[x\\-]", "z", false),
            ("*x", "xxx", true),
            // What shells and gitignore read otherwise.
            ("*.{bak,tmp}", "a.bak", false),
            ("*.{bak,tmp}", "a.{bak,tmp}", true),
            ("[!a]", "b", false),
            ("[!a]", "!", true),
        ];
        for (pattern, path, expected) in cases {
            let read = Pattern::parse(pattern).unwrap_or_else(|| panic!("{pattern} is refused"));
            assert_eq!(read.fits(path), expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn refuses_what_go_refuses() {
        for pattern in ["[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[", "[^", "[^bc", "a[", "\\"] {
            assert!(Pattern::parse(pattern).is_none(), "{pattern}");
        }
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let pattern = Pattern::parse(&"*a".repeat(2_000)).unwrap();
        assert!(!pattern.fits(&"a".repeat(1_999)));
    }
}
