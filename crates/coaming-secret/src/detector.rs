//! The detector: one pass for literals, then a look around each hit.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};
use coaming_finding::Confidence;

use crate::check::Verdict;
use crate::gitleaks::RuleFile;
use crate::judge::{Judge, Judgement};
use crate::kinds::{self, Form, Kind};
use crate::{Detection, FingerprintKey, Origin, assign, decode, judge, noise, pem, url};

/// The longest token that is read from its first byte; session tokens and macaroons are the longest.
const MAX_TOKEN: usize = 8 << 10;
/// How far before its inner literal a token may start.
const MAX_BEFORE: usize = 160;
/// How far behind its inner literal a token may reach.
const MAX_AFTER: usize = 512;
/// How far around an AWS key ID its secret is looked for.
const PAIR_DISTANCE: usize = 256;

/// Words that are in every name that promises a secret (see [`crate::names`]).
const NAME_WORDS: &[&str] = &[
    "passw",
    "passphrase",
    "passcode",
    "pwd",
    "_pass",
    "-pass",
    ".pass",
    "pgpass",
    "dbpass",
    "userpass",
    "pass:",
    "pass=",
    "pass\"",
    "motdepasse",
    "secret",
    "token",
    "key",
    "credential",
    "creds",
    "auth",
    "_pat",
    "salt",
    "pepper",
    "cookie",
    "psk",
    "_pw",
    "bearer",
];

/// What a literal leads to.
#[derive(Clone, Copy)]
enum Lead {
    Token(&'static Kind, &'static str),
    PrivateKey,
    Url,
    Name,
}

/// Finds credentials in texts. Made once, used by many threads.
pub struct Detector {
    literals: Option<AhoCorasick>,
    leads: Vec<Lead>,
    judge: Judge,
    key: FingerprintKey,
    own: Option<RuleFile>,
}

impl std::fmt::Debug for Detector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Detector").field("literals", &self.leads.len()).finish_non_exhaustive()
    }
}

/// The detector with the built-in kinds and the public fingerprint key.
pub fn detector() -> &'static Detector {
    static DETECTOR: OnceLock<Detector> = OnceLock::new();
    DETECTOR.get_or_init(|| Detector::new(FingerprintKey::default()))
}

/// A detection on its way: before overlaps are settled.
struct Candidate {
    kind: &'static str,
    title: &'static str,
    range: Range<usize>,
    confidence: Confidence,
    made: bool,
    /// Of two that overlap, the lower one stays.
    rank: u8,
}

impl Detector {
    /// A detector with the built-in kinds.
    #[must_use]
    pub fn new(key: FingerprintKey) -> Self {
        let mut literals: Vec<&str> = vec!["-----BEGIN ", "://"];
        let mut leads = vec![Lead::PrivateKey, Lead::Url];
        for kind in kinds::all() {
            let of_kind: &[&str] = match &kind.form {
                Form::Prefixed(prefixes) => prefixes,
                Form::Around(literal) => std::slice::from_ref(literal),
                Form::Named(_) => &[],
            };
            literals.extend_from_slice(of_kind);
            leads.extend(of_kind.iter().map(|literal| Lead::Token(kind, literal)));
        }
        literals.extend_from_slice(NAME_WORDS);
        leads.extend(NAME_WORDS.iter().map(|_| Lead::Name));
        let literals = AhoCorasickBuilder::new()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(literals)
            .ok();
        Self { literals, leads, judge: Judge::new(), key, own: None }
    }

    /// The same, with rules of the user's own beside the built-in kinds.
    #[must_use]
    pub fn with_rules(self, rules: RuleFile) -> Self {
        Self { own: Some(rules), ..self }
    }

    /// The credentials in a text, in its order; they don't overlap.
    #[must_use]
    pub fn scan(&self, text: impl AsRef<[u8]>, origin: Origin<'_>) -> Vec<Detection> {
        let text = text.as_ref();
        let mut found = Vec::new();
        if let Origin::Value(name) = origin
            && let Ok(value) = std::str::from_utf8(text)
        {
            self.named(name, value, 0, &mut found);
        }
        self.literals_in(text, &mut found);
        let mut detections = self.settle(text, found);
        if let Some(own) = &self.own {
            self.add_own(own, text, origin, &mut detections);
        }
        for detection in &mut detections {
            detection.range = whole_characters(text, detection.range.clone());
        }
        detections
    }

    /// Adds what the user's own rules find where nothing was found yet.
    fn add_own(
        &self,
        own: &RuleFile,
        text: &[u8],
        origin: Origin<'_>,
        detections: &mut Vec<Detection>,
    ) {
        for hit in own.scan(text, origin) {
            let range = hit.range;
            let overlaps =
                |other: &Detection| other.range.start < range.end && other.range.end > range.start;
            if !range.is_empty() && !detections.iter().any(overlaps) {
                detections.push(Detection {
                    kind: Cow::Owned(hit.id.to_owned()),
                    title: Cow::Owned(hit.title.to_owned()),
                    fingerprint: self.fingerprint(text.get(range.clone()).unwrap_or_default()),
                    range,
                    confidence: Confidence::Medium,
                });
            }
        }
        detections.sort_by_key(|detection| detection.range.start);
    }

    /// The fingerprint of a value that was found by other means.
    pub(crate) fn fingerprint(&self, value: &[u8]) -> crate::Fingerprint {
        self.key.of(value, false)
    }

    fn literals_in(&self, text: &[u8], found: &mut Vec<Candidate>) {
        let Some(literals) = &self.literals else { return };
        let mut names_until = 0;
        for hit in literals.find_overlapping_iter(text) {
            match self.leads.get(hit.pattern().as_usize()) {
                Some(&Lead::Token(kind, literal)) => token(text, hit.start(), kind, literal, found),
                Some(Lead::PrivateKey) => private_key(text, hit.start(), found),
                Some(Lead::Url) => url_password(text, hit.start(), found),
                Some(Lead::Name) if hit.start() >= names_until => {
                    names_until = self.assignment(text, hit.start(), found);
                }
                _ => {}
            }
        }
    }

    /// Judges the assignment whose name is at `hit`, and says where that name ends.
    fn assignment(&self, text: &[u8], hit: usize, found: &mut Vec<Candidate>) -> usize {
        let Some(name) = assign::name_around(text, hit) else { return hit + 1 };
        let end = name.end;
        let Some(found_name) = text.get(name).and_then(|name| std::str::from_utf8(name).ok())
        else {
            return end;
        };
        if !judge::may_be_secret(found_name) {
            return end;
        }
        let Some(assignment) = assign::around(text, hit) else { return end };
        let value = text.get(assignment.value.clone()).unwrap_or_default();
        let Ok(value) = std::str::from_utf8(value) else { return end };
        if !assignment.quoted && judge::is_bare_word(value)
            || assignment.followed && !judge::stands_out(value)
        {
            return end;
        }
        self.named(found_name, value, assignment.value.start, found);
        end
    }

    /// Judges a value by its name, and by what it says in base64.
    fn named(&self, name: &str, value: &str, offset: usize, found: &mut Vec<Candidate>) {
        let decoded = decode::readable(value);
        if let Some(decoded) = &decoded {
            if decode::is_public(decoded) {
                return;
            }
            let mut within = Vec::new();
            self.literals_in(decoded.as_bytes(), &mut within);
            if let Some(best) = within.into_iter().min_by_key(|candidate| candidate.rank) {
                let range = offset..offset + value.len();
                found.push(Candidate { range, rank: best.rank.min(3), ..best });
                return;
            }
        }
        let plain = decoded.as_deref().filter(|decoded| noise::is_noise(decoded));
        if plain.is_none()
            && let Some(judgement) = self.judge.judge(name, value)
        {
            found.push(Candidate::named(judgement, offset));
        }
    }

    /// Orders candidates, keeps one of those that overlap, and takes fingerprints.
    fn settle(&self, text: &[u8], mut found: Vec<Candidate>) -> Vec<Detection> {
        found.sort_by(|a, b| {
            (a.rank, a.range.start, std::cmp::Reverse(a.range.end)).cmp(&(
                b.rank,
                b.range.start,
                std::cmp::Reverse(b.range.end),
            ))
        });
        let mut kept: Vec<Candidate> = Vec::new();
        let mut taken = std::collections::BTreeMap::new();
        for candidate in found {
            let range = candidate.range.clone();
            let overlaps = taken
                .range(..range.end)
                .next_back()
                .is_some_and(|(_, &end): (&usize, &usize)| end > range.start);
            if !overlaps && !range.is_empty() {
                taken.insert(range.start, range.end);
                kept.push(candidate);
            }
        }
        kept.sort_by_key(|candidate| candidate.range.start);
        kept.into_iter()
            .map(|candidate| {
                let value = text.get(candidate.range.clone()).unwrap_or_default();
                Detection {
                    kind: Cow::Borrowed(candidate.kind),
                    title: Cow::Borrowed(candidate.title),
                    fingerprint: self.key.of(value, candidate.made),
                    range: candidate.range,
                    confidence: candidate.confidence,
                }
            })
            .collect()
    }
}

impl Candidate {
    fn named(judgement: Judgement, offset: usize) -> Self {
        let range = judgement.range.start + offset..judgement.range.end + offset;
        let rank = if judgement.made { 2 } else { 4 };
        let Judgement { kind, title, confidence, made, .. } = judgement;
        Self { kind, title, range, confidence, made, rank }
    }
}

/// Looks for a kind's token at a literal of it.
fn token(text: &[u8], hit: usize, kind: &'static Kind, literal: &str, found: &mut Vec<Candidate>) {
    // Literals are found in any case; tokens are written in one.
    if text.get(hit..hit + literal.len()) != Some(literal.as_bytes()) {
        return;
    }
    let range = match kind.form {
        Form::Prefixed(_) => prefixed_token(text, hit, kind, literal),
        _ => inner_token(text, hit, kind, literal),
    };
    let Some(range) = range else { return };
    let value = text.get(range.clone()).unwrap_or_default();
    let random = if matches!(kind.form, Form::Prefixed(_)) {
        value.get(literal.len()..)
    } else {
        Some(value)
    };
    if is_made_up(random.unwrap_or_default()) {
        return;
    }
    let confidence = match kind.check(value) {
        Verdict::Real => Confidence::High,
        Verdict::Doubtful => Confidence::Medium,
        Verdict::Other => return,
    };
    if kind.name == "aws-access-key-id" {
        aws_secret(text, &range, found);
    }
    found.push(Candidate {
        kind: kind.name,
        title: kind.title,
        range,
        confidence,
        made: true,
        rank: 1,
    });
}

fn prefixed_token(text: &[u8], hit: usize, kind: &Kind, literal: &str) -> Option<Range<usize>> {
    if !starts_word(text, hit) {
        return None;
    }
    let rest = text.get(hit + literal.len()..text.len().min(hit + MAX_TOKEN))?;
    let end = hit + literal.len() + kind.regex()?.find(rest)?.end();
    ends_word(text, end).then_some(hit..end)
}

fn inner_token(text: &[u8], hit: usize, kind: &Kind, literal: &str) -> Option<Range<usize>> {
    let start = hit.saturating_sub(MAX_BEFORE);
    let window = text.get(start..text.len().min(hit + literal.len() + MAX_AFTER))?;
    let literal_end = hit + literal.len() - start;
    for captures in kind.regex()?.captures_iter(window) {
        let Some(whole) = captures.get(0) else { continue };
        if whole.start() < literal_end && whole.end() > hit - start {
            let secret = captures.get(1).unwrap_or(whole);
            let range = start + secret.start()..start + secret.end();
            return (starts_word(text, range.start) && ends_word(text, range.end)).then_some(range);
        }
    }
    None
}

/// The random part of a token is no random text.
fn is_made_up(random: &[u8]) -> bool {
    let lower = random.to_ascii_lowercase();
    let has = |word: &[u8]| pem::find(&lower, word).is_some();
    noise::is_filler(random)
        || has(b"example")
        || has(b"xxxxx")
        || has(b"placeholder")
        || has(b"your-")
        || has(b"your_")
        || has(b"redacted")
        || random.len() >= 16 && crate::measure::makeup(random).distinct < 7
}

/// Widens a range so that it cuts no UTF-8 character in two.
fn whole_characters(text: &[u8], range: Range<usize>) -> Range<usize> {
    let continues = |place: usize| text.get(place).is_some_and(|byte| (0x80..0xC0).contains(byte));
    let (mut start, mut end) = (range.start, range.end);
    while start > 0 && continues(start) {
        start -= 1;
    }
    while continues(end) {
        end += 1;
    }
    start..end
}

/// Whether a token can start here: nothing before it belongs to it.
fn starts_word(text: &[u8], start: usize) -> bool {
    let byte = |back: usize| start.checked_sub(back).and_then(|place| text.get(place)).copied();
    match byte(1) {
        None => true,
        Some(before) if !before.is_ascii_alphanumeric() && before != b'_' => true,
        // An escaped line break, `%3D`, `\u003d`: they end in a letter and are none.
        Some(b'n' | b'r' | b't') if byte(2) == Some(b'\\') => true,
        Some(before) if before.is_ascii_hexdigit() => {
            byte(3) == Some(b'%') && byte(2).is_some_and(|byte| byte.is_ascii_hexdigit())
                || byte(6) == Some(b'\\') && byte(5) == Some(b'u')
        }
        Some(_) => false,
    }
}

/// Whether a token can end here.
fn ends_word(text: &[u8], end: usize) -> bool {
    text.get(end).is_none_or(|after| !after.is_ascii_alphanumeric() && *after != b'_')
}

fn private_key(text: &[u8], hit: usize, found: &mut Vec<Candidate>) {
    let Some(key) = pem::private_key(text, hit) else { return };
    let (kind, title, range) = (key.kind, key.title, key.range);
    found.push(Candidate { kind, title, range, confidence: Confidence::High, made: true, rank: 0 });
}

fn url_password(text: &[u8], hit: usize, found: &mut Vec<Candidate>) {
    let Some(range) = url::password(text, hit) else { return };
    let (kind, title) = ("url-password", "password in a URL");
    found.push(Candidate {
        kind,
        title,
        range,
        confidence: Confidence::High,
        made: false,
        rank: 3,
    });
}

/// The secret that belongs to an AWS key ID: forty random characters near it.
fn aws_secret(text: &[u8], id: &Range<usize>, found: &mut Vec<Candidate>) {
    let start = id.start.saturating_sub(PAIR_DISTANCE);
    let end = text.len().min(id.end + PAIR_DISTANCE);
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"/+".contains(&byte);
    let mut at = start;
    while at < end {
        let length = text
            .get(at..)
            .unwrap_or_default()
            .iter()
            .take(64)
            .take_while(|&&byte| is_part(byte))
            .count();
        let value = text.get(at..at + length).unwrap_or_default();
        let makeup = crate::measure::makeup(value);
        let whole = at == 0 || text.get(at - 1).is_some_and(|&byte| !is_part(byte));
        if length == 40
            && whole
            && makeup.digits > 0
            && makeup.upper > 0
            && makeup.lower > 0
            && crate::measure::entropy(value) > 4.0
            && !is_made_up(value)
        {
            found.push(Candidate {
                kind: "aws-secret-access-key",
                title: "AWS secret access key",
                range: at..at + length,
                confidence: Confidence::High,
                made: true,
                rank: 1,
            });
        }
        at += length + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str, origin: Origin<'_>) -> Vec<String> {
        detector().scan(text, origin).into_iter().map(|found| found.kind.into_owned()).collect()
    }

    fn token() -> String {
        ["ghp", "_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17"].concat()
    }

    #[test]
    fn finds_where_it_is() {
        let text = format!("é {} é", token());
        let found = detector().scan(&text, Origin::Text);
        assert_eq!(found.len(), 1);
        assert_eq!(text.get(found[0].range.clone()), Some(token().as_str()));
        assert_eq!(found[0].kind, "github-personal-access-token");
        assert_eq!(found[0].confidence, Confidence::High);
        assert!(found[0].fingerprint.is_some());
        assert!(!format!("{found:?}").contains("zQWBu"));
    }

    #[test]
    fn a_known_token_beats_its_name() {
        let text = format!("GITHUB_TOKEN={}\npassword: hunter2\n", token());
        assert_eq!(kinds(&text, Origin::Text), ["github-personal-access-token", "password"]);
        assert_eq!(kinds("hunter2", Origin::Value("DB_PASSWORD")), ["password"]);
        assert!(kinds("hunter2", Origin::Value("DB_USER")).is_empty());
    }

    #[test]
    fn tokens_end_where_words_end() {
        assert!(kinds(&format!("x{}", token()), Origin::Text).is_empty());
        assert!(kinds(&format!("{}x", token()), Origin::Text).is_empty());
        assert_eq!(kinds(&format!("a%3D{}", token()), Origin::Text).len(), 1);
        assert_eq!(kinds(&format!(r"a\n{}\n", token()), Origin::Text).len(), 1);
    }

    #[test]
    fn a_pair_of_aws_keys() {
        let id = ["AKIA", "Y3TQZJ5WNVKD7RXP"].concat();
        let text = format!("{id}, wJb7rXUtnFEMI/K7MDENG+bPxRfiCYzq8aLmQ0kT");
        assert_eq!(kinds(&text, Origin::Text), ["aws-access-key-id", "aws-secret-access-key"]);
    }
}
