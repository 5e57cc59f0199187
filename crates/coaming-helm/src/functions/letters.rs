//! Letters in other cases, as Go's package `unicode` has them: one character for one character, also
//! where Rust follows the special cases of the standard and makes several.

/// `unicode.ToUpper`.
pub(super) fn upper(c: char) -> char {
    only(c.to_uppercase()).unwrap_or_else(|| upper_of_special(c))
}

/// `unicode.ToLower`.
pub(super) fn lower(c: char) -> char {
    // `İ` is the only one with several lower letters.
    only(c.to_lowercase()).unwrap_or('i')
}

/// `unicode.ToTitle`.
pub(super) fn title(c: char) -> char {
    match c {
        'Ǆ'..='ǆ' => 'ǅ',
        'Ǉ'..='ǉ' => 'ǈ',
        'Ǌ'..='ǌ' => 'ǋ',
        'Ǳ'..='ǳ' => 'ǲ',
        // Georgian has no title case.
        '\u{10d0}'..='\u{10ff}' => c,
        _ => upper(c),
    }
}

/// `unicode.IsTitle`.
pub(super) fn is_title(c: char) -> bool {
    matches!(c, 'ǅ' | 'ǈ' | 'ǋ' | 'ǲ' | '\u{1f88}'..='\u{1f8f}' | '\u{1f98}'..='\u{1f9f}')
        || matches!(c, '\u{1fa8}'..='\u{1faf}' | '\u{1fbc}' | '\u{1fcc}' | '\u{1ffc}')
}

/// The simple mapping of a letter that the special cases map to several: Greek letters with an iota.
fn upper_of_special(c: char) -> char {
    let distance = match u32::from(c) {
        0x1f80..=0x1f87 | 0x1f90..=0x1f97 | 0x1fa0..=0x1fa7 => 8,
        0x1fb3 | 0x1fc3 | 0x1ff3 => 9,
        _ => 0,
    };
    char::from_u32(u32::from(c) + distance).unwrap_or(c)
}

/// The only character.
fn only(mut mapped: impl Iterator<Item = char>) -> Option<char> {
    mapped.next().filter(|_| mapped.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::{lower, title, upper};

    #[test]
    fn a_letter_becomes_one_letter() {
        assert_eq!(['a', 'ß', 'ﬀ', 'ǆ', 'ᾳ', 'ᾀ'].map(upper), ['A', 'ß', 'ﬀ', 'Ǆ', 'ᾼ', 'ᾈ']);
        assert_eq!(['A', 'İ', 'Σ', 'ß'].map(lower), ['a', 'i', 'σ', 'ß']);
        assert_eq!(['a', 'ǆ', 'ა', '1'].map(title), ['A', 'ǅ', 'ა', '1']);
    }
}
