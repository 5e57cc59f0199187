//! Passphrases: words that are joined, also with digits and signs for letters.
//!
//! A value of many characters can be guessed if they form words: an attacker tries combinations of
//! words and the usual replacements, not all combinations of characters. Pairs of letters show
//! whether a text could be words: in English and related languages a few pairs are frequent, in
//! random text all are equally so.

/// How surprising a letter is after another, in tenths of a bit above `!`: one row per first
/// letter. Counted in 360,000 words of documentation.
const SURPRISAL: [&[u8; 26]; 26] = [
    b"{NGMzhUsP}^>P@~O}@H;]]lm\\r",
    b"Av[k>qutA]t9fjEm~IM`>ty~Wv",
    b"@~Yw@pwAM~KOsy6m|L\\@Qy}~d~",
    b"HmtP0o^n8n~UlhEs|VJfMfnz\\~",
    b"LiI?ZX^of{vMQ?mWd9>Mp[eQjz",
    b"D}ip@Fg~6}~Fes;u~M^UG~wwW|",
    b"Kko~3gTH@~~PcJJq~BIeG~u~jm",
    b"7oou5t~~=}zeZf?q~P`FP~s~Z~",
    b"TVGRPWT~~~hLM4BYxWICyT~`~V",
    b"=d]n3~jjJ~ftlT<]neBi?t~~~~",
    b"Jbo_/Y`r:ssWfTQiwc@[Noh~a~",
    b"ArjR8er|:~q@smAe~wSTTfv|C~",
    b"8Rmm7wj}?~{XQrF<~|SlOs{~m~",
    b"IwHCD\\9sJz^co\\Oi~qA;Z_t~ex",
    b"b\\NOjc[w^p\\NE6UN~<PPISNjsy",
    b">ync;onUM~nAotBI~;PIP~{zc~",
    b"~~~dt~~~~~~D~\\mhhkb~$~d~~\\",
    b"?kYU4c[y@~\\]UXCe~UHNPdn~T~",
    b"RsOt9nvL@~c]bgMMmlF6Hmk~Y|",
    b"Dz^i7iyE8~}ZixH_~CJRSykzSz",
    b"PKM[M`WyN~~EH>eL~@?Bt}~l~h",
    b";{j~)oa~;~~xpzNx~~jnpx~ypk",
    b";}~p=wl@:~~Y}I?}~GMeqxW~e~",
    b"FsHz;jz\\>~~~Z~]6~u]8bsqq`z",
    b"OY\\cJibfI~pQKBB:|V?FcdYt~c",
    b"@j~s,qgp<vqb[~N~^~^~XsksYK",
];

/// How many adjacent pairs of letters are judged together: a word or two.
const PAIRS: usize = 9;

/// The average surprisal, in tenths of a bit, below which letters are taken for words. Of 3,000
/// passphrases of four words, half of their letters replaced, 99.8 % are below it; of 3,000 random
/// texts of 32 letters and digits, 10 % are.
const LIMIT: usize = 45;

/// Whether a part of the text could be words, after the usual replacements are reverted.
pub(crate) fn has_words(text: &[u8]) -> bool {
    let mut surprisals: Vec<usize> = Vec::with_capacity(text.len());
    let mut last: Option<u8> = None;
    for &byte in text {
        let letter = letter(byte);
        match (last, letter) {
            (Some(last), Some(letter)) => surprisals.push(surprisal(last, letter)),
            // Words may be separated: only the letters beside a sign do not follow each other.
            (Some(_), None) if byte.is_ascii_digit() => surprisals.push(99),
            _ => {}
        }
        last = letter;
    }
    surprisals.windows(PAIRS).any(|pairs| pairs.iter().sum::<usize>() < LIMIT * PAIRS)
}

/// The letter that a character is or usually replaces.
fn letter(byte: u8) -> Option<u8> {
    Some(match byte {
        b'0' => b'o',
        b'1' | b'!' | b'|' => b'i',
        b'3' => b'e',
        b'4' | b'@' => b'a',
        b'5' | b'$' => b's',
        b'7' => b't',
        b'8' => b'b',
        letter if letter.is_ascii_alphabetic() => letter.to_ascii_lowercase(),
        _ => return None,
    })
}

fn surprisal(first: u8, second: u8) -> usize {
    let index = |letter: u8| usize::from(letter.wrapping_sub(b'a'));
    let row = SURPRISAL.get(index(first));
    row.and_then(|row| row.get(index(second))).map_or(99, |&value| usize::from(value - b'!'))
}

#[cfg(test)]
mod tests {
    use super::has_words;

    #[test]
    fn passphrases_and_random_texts() {
        for phrase in [
            "Pr3st1g1t4r1usW1nt3rM0rn1ng",
            "C0rr3ctH0rs3B4tt3ryStapl3!",
            "correct-horse-battery-staple",
            "Tr0mb0n3.F4lc0n.W1nd0w.42",
            "b4n4n4sP1t4y4sM4ng03s",
        ] {
            assert!(has_words(phrase.as_bytes()), "{phrase}");
        }
        for random in ["x9Kq2LmZ8vTn4RwY6bHc1JdF3gSa5PeU", "wJb7rXUtnFEMIK7MDENGbPxRfiCYzq8aLmQ0kT"]
        {
            assert!(!has_words(random.as_bytes()), "{random}");
        }
    }
}
