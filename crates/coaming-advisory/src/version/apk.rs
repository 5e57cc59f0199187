//! Apk's versions: `digits{.digits}[letter]{_suffix[digits]}[~hash][-rdigits]`.
//!
//! A version that `apk version --check` refuses is not valid.

use std::cmp::Ordering;

use super::{compare_digits, take_while};

/// A part of a version. If two versions differ in the kind of a part, the one whose kind comes
/// first here is newer, unless its part announces a release.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// The first number.
    Initial(Vec<u8>),
    /// A number after a dot.
    Number(Vec<u8>),
    Letter(u8),
    Suffix(Suffix),
    SuffixNumber(Vec<u8>),
    Hash(Vec<u8>),
    Revision(Vec<u8>),
}

/// The suffixes, from the oldest; those up to `Rc` come before the release, the others after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Suffix {
    Alpha,
    Beta,
    Pre,
    Rc,
    Cvs,
    Svn,
    Git,
    Hg,
    P,
}

impl Suffix {
    fn parse(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"alpha" => Self::Alpha,
            b"beta" => Self::Beta,
            b"pre" => Self::Pre,
            b"rc" => Self::Rc,
            b"cvs" => Self::Cvs,
            b"svn" => Self::Svn,
            b"git" => Self::Git,
            b"hg" => Self::Hg,
            b"p" => Self::P,
            _ => return None,
        })
    }
}

impl Part {
    fn rank(&self) -> u8 {
        match self {
            Self::Initial(_) => 0,
            Self::Number(_) => 1,
            Self::Letter(_) => 2,
            Self::Suffix(_) => 3,
            Self::SuffixNumber(_) => 4,
            Self::Hash(_) => 5,
            Self::Revision(_) => 6,
        }
    }

    fn before_release(&self) -> bool {
        matches!(self, Self::Suffix(suffix) if *suffix <= Suffix::Rc)
    }
}

/// The rank of the end: after all parts.
const END: u8 = 7;

#[derive(Clone, Debug)]
pub(super) struct Version(Vec<Part>);

impl Version {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (first, mut rest) = digits(text.as_bytes())?;
        let mut parts = vec![Part::Initial(first)];
        let mut rank = 0;
        while let Some((kind, after)) = rest.split_first() {
            let (part, left) = match kind {
                b'.' if rank <= 1 => {
                    let (number, left) = digits(after)?;
                    (Part::Number(number), left)
                }
                b'a'..=b'z' if rank <= 1 => (Part::Letter(*kind), after),
                b'0'..=b'9' if rank == 3 => {
                    let (number, left) = digits(rest)?;
                    (Part::SuffixNumber(number), left)
                }
                b'_' if rank <= 4 => {
                    let (name, left) = take_while(after, |byte| byte.is_ascii_lowercase());
                    (Part::Suffix(Suffix::parse(name)?), left)
                }
                b'~' if rank < 5 => {
                    let (hash, left) =
                        take_while(after, |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
                    ((!hash.is_empty()).then(|| Part::Hash(hash.to_vec()))?, left)
                }
                b'-' if rank < 6 => {
                    let (number, left) = digits(after.strip_prefix(b"r")?)?;
                    (Part::Revision(number), left)
                }
                _ => return None,
            };
            rank = part.rank();
            parts.push(part);
            rest = left;
        }
        Some(Self(parts))
    }
}

/// A required number.
fn digits(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (number, rest) = take_while(text, |byte| byte.is_ascii_digit());
    (!number.is_empty()).then(|| (number.to_vec(), rest))
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let mut index = 0;
        loop {
            let (left, right) = (self.0.get(index), other.0.get(index));
            let rank = |part: Option<&Part>| part.map_or(END, Part::rank);
            if rank(left) != rank(right) {
                return if left.is_some_and(Part::before_release) {
                    Ordering::Less
                } else if right.is_some_and(Part::before_release) {
                    Ordering::Greater
                } else {
                    rank(right).cmp(&rank(left))
                };
            }
            let (Some(left), Some(right)) = (left, right) else { return Ordering::Equal };
            let order = compare_parts(left, right);
            if order != Ordering::Equal {
                return order;
            }
            index += 1;
        }
    }
}

/// Compares two parts of one kind.
fn compare_parts(left: &Part, right: &Part) -> Ordering {
    match (left, right) {
        // As after a decimal point, digits with a leading zero are compared as text.
        (Part::Number(left), Part::Number(right))
            if left.starts_with(b"0") || right.starts_with(b"0") =>
        {
            left.cmp(right)
        }
        (Part::Initial(left), Part::Initial(right))
        | (Part::Number(left), Part::Number(right))
        | (Part::SuffixNumber(left), Part::SuffixNumber(right))
        | (Part::Revision(left), Part::Revision(right)) => compare_digits(left, right),
        (Part::Letter(left), Part::Letter(right)) => left.cmp(right),
        (Part::Suffix(left), Part::Suffix(right)) => left.cmp(right),
        (Part::Hash(left), Part::Hash(right)) => left.cmp(right),
        (left, right) => right.rank().cmp(&left.rank()),
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}
