//! The detector: one pass for literals, then a look around each hit.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

use base64::Engine as _;
use coaming_finding::Confidence;

use crate::candidate::{Candidate, settle};
use crate::gitleaks::RuleFile;
use crate::judge::Judge;
use crate::kinds::{self, Form, Kind};
use crate::literals::Literals;
use crate::names::Says;
use crate::{
    Detection, FingerprintKey, Origin, assign, check, decode, header, judge, lines, names, pem,
    tokens, url,
};

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
    "-pw",
    "rootpw",
    "adminpw",
    "userpw",
    "totp",
    "otp_",
    "otp-",
    "mfa_",
    "two_factor",
    "\"encrypt\"",
    "encrypt =",
    "bearer",
    "requirepass",
];

/// A literal of a kind is looked for in base64 too, if so much of it is there.
const MIN_ENCODED: usize = 5;

/// No text that is shorter has a name and a value, or a token.
const SHORTEST: usize = 6;

/// What a literal leads to.
#[derive(Clone, Copy)]
enum Lead {
    Token(&'static Kind, &'static str),
    /// The same in base64.
    Encoded,
    PrivateKey,
    Url,
    DataSource,
    Scheme(&'static str),
    Percent,
    Name,
    Putty,
    WebKey,
    Oracle,
    IdentifiedBy,
}

/// Finds credentials in texts. Made once, used by many threads.
pub struct Detector {
    literals: Literals,
    leads: Vec<(Lead, String)>,
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

/// All literals, and what each leads to.
fn leads() -> Vec<(Lead, String)> {
    let mut leads = vec![
        (Lead::PrivateKey, "-----BEGIN ".to_owned()),
        (Lead::Encoded, in_base64("-----BEGIN ")),
        (Lead::Url, "://".to_owned()),
        (Lead::Percent, "%3A".to_owned()),
        (Lead::Percent, "%2F".to_owned()),
        (Lead::DataSource, "@tcp(".to_owned()),
        (Lead::DataSource, "@unix(".to_owned()),
        (Lead::Putty, pem::PUTTY.to_owned()),
        (Lead::WebKey, pem::JWK.to_owned()),
        (Lead::Oracle, url::ORACLE.to_owned()),
        (Lead::IdentifiedBy, url::IDENTIFIED_BY.to_owned()),
        (Lead::Scheme(header::BASIC), header::BASIC.to_owned()),
        (Lead::Scheme(header::BEARER), header::BEARER.to_owned()),
    ];
    for kind in kinds::all() {
        let of_kind: &[&str] = match &kind.form {
            Form::Prefixed(prefixes) => prefixes,
            Form::Around(literal) => std::slice::from_ref(literal),
            Form::Named(_) => &[],
        };
        leads.extend(of_kind.iter().map(|&own| (Lead::Token(kind, own), own.to_owned())));
        if matches!(kind.form, Form::Prefixed(_)) {
            let encoded = of_kind.iter().map(|own| in_base64(own));
            leads.extend(
                encoded.filter(|own| own.len() >= MIN_ENCODED).map(|own| (Lead::Encoded, own)),
            );
        }
    }
    leads.extend(NAME_WORDS.iter().map(|&word| (Lead::Name, word.to_owned())));
    leads
}

/// How base64 of any text starts that starts so, as far as that is certain.
fn in_base64(start: &str) -> String {
    const ENOUGH: usize = 8;
    let mut encoded = check::STANDARD.encode(start);
    encoded.truncate((start.len() * 8 / 6).min(ENOUGH));
    encoded
}

impl Detector {
    /// A detector with the built-in kinds.
    #[must_use]
    pub fn new(key: FingerprintKey) -> Self {
        let leads = leads();
        let literals = Literals::new(leads.iter().map(|(_, literal)| literal.as_str()));
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
            self.named(names::read(name), name, value, 0, &mut found);
        }
        if let Origin::File(name) | Origin::Value(name) = origin {
            lines::in_file(name, text, &mut found);
        }
        self.literals_in(text, &mut found);
        let mut detections: Vec<Detection> =
            settle(found).into_iter().map(|found| self.detection(text, found)).collect();
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
        if text.len() < SHORTEST {
            return;
        }
        // What was read around one hit is not read again for the next: time is linear.
        let (mut names_until, mut percent_until, mut encoded_until) = (0, 0, 0);
        for (start, place) in self.literals.find(text) {
            let Some((lead, literal)) = self.leads.get(place) else { continue };
            match *lead {
                Lead::Token(kind, literal) => tokens::token(text, start, kind, literal, found),
                Lead::Encoded if start >= encoded_until => {
                    encoded_until = self.encoded(text, start, literal, found);
                }
                Lead::PrivateKey => tokens::private_key(text, start, found),
                Lead::Putty => tokens::other_key(pem::putty_key(text, start), found),
                Lead::WebKey => tokens::other_key(pem::web_key(text, start), found),
                Lead::Oracle => tokens::oracle(text, start, found),
                Lead::IdentifiedBy => tokens::identified_by(text, start, found),
                Lead::Url => tokens::url_password(text, start, found),
                Lead::DataSource => tokens::data_source(text, start, found),
                Lead::Scheme(scheme) => found.extend(
                    header::in_text(text, start, scheme)
                        .map(|judgement| Candidate { rank: 2, ..Candidate::named(judgement, 0) }),
                ),
                Lead::Percent if start >= percent_until => {
                    percent_until = self.percent_encoded(text, start, found);
                }
                Lead::Name if start >= names_until => {
                    names_until = self.assignment(text, start, found);
                }
                Lead::Name | Lead::Percent | Lead::Encoded => {}
            }
        }
    }

    /// Reads a token in base64 by a literal of it, and says up to where nothing else is to be read.
    fn encoded(&self, text: &[u8], hit: usize, literal: &str, found: &mut Vec<Candidate>) -> usize {
        let Some((range, decoded)) = tokens::encoded(text, hit, literal) else { return hit };
        let (end, half) = (range.end, range.start + range.len() / 2);
        // A path may look like one text and be several.
        let Some(decoded) = decoded else { return half };
        let mut within = Vec::new();
        self.literals_in(&decoded, &mut within);
        let best = within.into_iter().min_by_key(|candidate| candidate.rank);
        found.extend(best.map(|best| Candidate { range, rank: best.rank.min(3), ..best }));
        end
    }

    /// Reads what is percent-encoded around a place, and says where that ends.
    fn percent_encoded(&self, text: &[u8], hit: usize, found: &mut Vec<Candidate>) -> usize {
        let (range, decoded) = decode::percent(text, hit);
        let end = range.end;
        let mut within = Vec::new();
        // An encoded percent sign decodes to another: once is enough.
        if !decoded.contains(&b'%') {
            self.literals_in(&decoded, &mut within);
        }
        let best = within.into_iter().min_by_key(|candidate| candidate.rank);
        found.extend(best.map(|best| Candidate { range, ..best }));
        end
    }

    /// Judges the assignment whose name is at `hit`, and says where that name ends.
    fn assignment(&self, text: &[u8], hit: usize, found: &mut Vec<Candidate>) -> usize {
        let Some(name) = assign::name_around(text, hit) else { return hit + 1 };
        let end = name.end;
        // Most such words are assigned nothing: that is seen at once.
        let Some(assignment) = assign::of_name(text, name) else { return end };
        let part = |range| text.get(range).and_then(|part| std::str::from_utf8(part).ok());
        let start = assignment.name.start;
        let (Some(name), Some(value)) = (part(assignment.name), part(assignment.value.clone()))
        else {
            return end;
        };
        let Some(mut says) = names::read(name) else { return end };
        // A parameter of a URL is called `key`, and nothing more, by those who check it.
        let before = start.checked_sub(1).and_then(|place| text.get(place));
        if name == "key" && matches!(before, Some(b'?' | b'&')) {
            says.promise = Some(names::Promise::Perhaps);
        }
        if !assignment.quoted && !assignment.setting && judge::is_bare_word(value)
            || assignment.followed && !judge::stands_out(value)
        {
            return end;
        }
        self.named(Some(says), name, value, assignment.value.start, found);
        end
    }

    /// Judges a value by its name, and by what it says in base64.
    fn named(
        &self,
        says: Option<Says>,
        name: &str,
        value: &str,
        offset: usize,
        found: &mut Vec<Candidate>,
    ) {
        let decoded = decode::readable(value).or_else(|| decode::named_base64(name, value));
        let Some(decoded) = decoded else {
            let judgement = says.and_then(|says| self.judge.judge(says, name, value));
            found.extend(judgement.map(|judgement| Candidate::named(judgement, offset)));
            return;
        };
        if decode::is_public(&decoded) {
            return;
        }
        // What it says counts, and all of it is the value.
        let range = offset..offset + value.len();
        let mut within = Vec::new();
        self.literals_in(decoded.as_bytes(), &mut within);
        if let Some(best) = within.into_iter().min_by_key(|candidate| candidate.rank) {
            found.push(Candidate { range, rank: best.rank.min(3), ..best });
        } else if says.is_some() && header::is_basic(name, &decoded) {
            found.push(Candidate::chosen(header::BASIC_KIND, header::BASIC_TITLE, range, 4));
        } else if let Some(judgement) = says.and_then(|says| self.judge.judge(says, name, &decoded))
        {
            found.push(Candidate { range, ..Candidate::named(judgement, 0) });
        }
    }

    fn detection(&self, text: &[u8], candidate: Candidate) -> Detection {
        let value = text.get(candidate.range.clone()).unwrap_or_default();
        Detection {
            kind: Cow::Borrowed(candidate.kind),
            title: Cow::Borrowed(candidate.title),
            fingerprint: self.key.of(value, candidate.made),
            range: candidate.range,
            confidence: candidate.confidence,
        }
    }
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
    fn what_is_encoded_is_read() {
        let once = check::STANDARD.encode(token());
        for text in [
            format!("anything: {once}"),
            format!("password: {}", check::STANDARD.encode("hunter2hunter")),
        ] {
            assert_eq!(kinds(&text, Origin::Text).len(), 1, "{text}");
        }
        let twice = check::STANDARD.encode(&once);
        assert_eq!(kinds(&twice, Origin::Value("x")), ["github-personal-access-token"]);
        let hex: String = token().bytes().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(kinds(&hex, Origin::Value("x")), ["github-personal-access-token"]);
        let prose = check::STANDARD.encode("Hello, this is an ordinary text.");
        assert!(kinds(&prose, Origin::Value("apiToken")).is_empty());
    }

    #[test]
    fn urls_in_urls() {
        let text = "https://x/?to=postgres%3A%2F%2Fapp%3Ahunter2%40db%2Fshop&y=1";
        let found = detector().scan(text, Origin::Text);
        assert_eq!(found.len(), 1);
        assert_eq!(&text[found[0].range.clone()], "postgres%3A%2F%2Fapp%3Ahunter2%40db%2Fshop");
        assert!(kinds("https://x/?to=https%3A%2F%2Fexample.org%2F", Origin::Text).is_empty());
    }

    #[test]
    fn accounts_of_sql() {
        let statement = "CREATE USER 'app'@'%' IDENTIFIED BY 'hunter2';";
        assert_eq!(kinds(statement, Origin::Text), ["password"]);
        assert!(kinds("the columns identified by \"colUsed\"", Origin::Text).is_empty());
    }

    #[test]
    fn data_source_names() {
        assert_eq!(kinds("app:hunter2@tcp(db:3306)/x", Origin::Value("DSN")), ["url-password"]);
        assert!(kinds("app:${PASSWORD}@tcp(db:3306)/x", Origin::Value("DSN")).is_empty());
    }

    #[test]
    fn a_pair_of_aws_keys() {
        let id = ["AKIA", "Y3TQZJ5WNVKD7RXP"].concat();
        let text = format!("{id}, wJb7rXUtnFEMI/K7MDENG+bPxRfiCYzq8aLmQ0kT");
        assert_eq!(kinds(&text, Origin::Text), ["aws-access-key-id", "aws-secret-access-key"]);
    }
}
