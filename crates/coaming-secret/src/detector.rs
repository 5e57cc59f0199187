//! The detector: one pass for literals, then a check of the text around each hit.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

use base64::Engine as _;
use coaming_finding::Confidence;

use crate::calls::{self, CALLS, Call};
use crate::candidate::{Candidate, resolve_overlaps};
use crate::classify::ValueClassifier;
use crate::frameworks::LARAVEL;
use crate::gitleaks::RuleFile;
use crate::kinds::{self, Form, Kind};
use crate::literals::{Case, Literals};
use crate::names::{Expected, NameHint};
use crate::phrases::PHRASES;
use crate::structured::SIGNS;
use crate::{
    Detection, FingerprintKey, TextKind, assignment, check, classify, code, decode, frameworks,
    http_auth, joined, names, page_fields, password_files, pem, template, tokens, url,
};

/// A kind's literal is searched in base64 too, if it encodes to at least this many characters.
const MIN_ENCODED: usize = 5;

/// Shorter texts contain neither a token nor a name with a value.
const MIN_LENGTH: usize = 6;

/// What is checked where a literal is found.
#[derive(Clone, Copy)]
enum Trigger {
    Token(&'static Kind, &'static str),
    /// Base64 of something that would be found.
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
    Phrase(usize),
    Call(&'static Call),
    Characters,
    /// A program that takes a password may be on the line.
    Sign,
}

impl Trigger {
    /// The case in which its literal is found: that of tokens is fixed.
    fn case(self) -> Case {
        match self {
            Self::Token(..) | Self::Encoded => Case::Exact,
            _ => Case::Any,
        }
    }
}

/// Finds credentials in texts. Built once, used by many threads.
pub struct Detector {
    literals: Literals,
    triggers: Vec<(Trigger, String)>,
    classifier: ValueClassifier,
    key: FingerprintKey,
    rules: Option<RuleFile>,
}

impl std::fmt::Debug for Detector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Detector").field("literals", &self.triggers.len()).finish_non_exhaustive()
    }
}

/// The detector with the built-in kinds and the public fingerprint key.
pub fn detector() -> &'static Detector {
    static DETECTOR: OnceLock<Detector> = OnceLock::new();
    DETECTOR.get_or_init(|| Detector::new(FingerprintKey::default()))
}

/// All literals, and what each triggers.
fn triggers() -> Vec<(Trigger, String)> {
    let mut triggers = vec![
        (Trigger::PrivateKey, "-----BEGIN ".to_owned()),
        (Trigger::Encoded, in_base64("-----BEGIN ")),
        (Trigger::Url, "://".to_owned()),
        (Trigger::Percent, "%3A".to_owned()),
        (Trigger::Percent, "%2F".to_owned()),
        (Trigger::DataSource, "@tcp(".to_owned()),
        (Trigger::DataSource, "@unix(".to_owned()),
        (Trigger::Putty, pem::PUTTY.to_owned()),
        (Trigger::WebKey, pem::JWK.to_owned()),
        (Trigger::Oracle, url::ORACLE.to_owned()),
        (Trigger::Characters, calls::CHARACTERS.to_owned()),
        (Trigger::Scheme(http_auth::BASIC), http_auth::BASIC.to_owned()),
        (Trigger::Scheme(http_auth::BEARER), http_auth::BEARER.to_owned()),
    ];
    for kind in kinds::all() {
        let of_kind: &[&str] = match &kind.form {
            Form::Prefixed(prefixes) => prefixes,
            Form::Around(literal) => std::slice::from_ref(literal),
            Form::Named(_) => &[],
        };
        let tokens = of_kind.iter().map(|&own| (Trigger::Token(kind, own), own.to_owned()));
        triggers.extend(tokens);
        if matches!(kind.form, Form::Prefixed(_)) {
            let encoded = of_kind.iter().map(|own| in_base64(own));
            triggers.extend(
                encoded.filter(|own| own.len() >= MIN_ENCODED).map(|own| (Trigger::Encoded, own)),
            );
        }
    }
    triggers.extend(CALLS.iter().map(|call| (Trigger::Call(call), call.callee.to_owned())));
    let phrases = PHRASES.iter().enumerate();
    triggers
        .extend(phrases.map(|(index, (phrase, _))| (Trigger::Phrase(index), (*phrase).to_owned())));
    triggers.extend(SIGNS.iter().map(|&sign| (Trigger::Sign, sign.to_owned())));
    triggers.extend(names::NAME_WORDS.iter().map(|&word| (Trigger::Name, word.to_owned())));
    triggers
}

/// The start of the base64 of every text that begins with `start`, as far as it is certain.
fn in_base64(start: &str) -> String {
    const MAX_LENGTH: usize = 8;
    let mut encoded = check::STANDARD.encode(start);
    encoded.truncate((start.len() * 8 / 6).min(MAX_LENGTH));
    encoded
}

impl Detector {
    /// A detector with the built-in kinds.
    #[must_use]
    pub fn new(key: FingerprintKey) -> Self {
        let triggers = triggers();
        let literals = triggers.iter().map(|(trigger, literal)| (literal.as_str(), trigger.case()));
        let literals = Literals::new(literals);
        Self { literals, triggers, classifier: ValueClassifier::new(), key, rules: None }
    }

    /// The same detector, with the user's rules in addition to the built-in kinds.
    #[must_use]
    pub fn with_rules(self, rules: RuleFile) -> Self {
        Self { rules: Some(rules), ..self }
    }

    /// The credentials in a text, in its order; they do not overlap.
    #[must_use]
    pub fn scan(&self, text: impl AsRef<[u8]>, kind: TextKind<'_>) -> Vec<Detection> {
        self.scan_with_signs(text.as_ref(), kind).0
    }

    /// The same, and where a program that takes a password may be, in the order of the text.
    pub(crate) fn scan_with_signs(
        &self,
        text: &[u8],
        kind: TextKind<'_>,
    ) -> (Vec<Detection>, Vec<usize>) {
        let (mut found, mut signs) = (Vec::new(), Vec::new());
        if let TextKind::Value(name) = kind
            && let Ok(value) = std::str::from_utf8(text)
        {
            self.named(names::read(name), name, value, 0, &mut found);
        }
        if let TextKind::File(name) | TextKind::Value(name) = kind {
            password_files::in_file(name, text, &mut found);
        }
        let is_program = matches!(kind, TextKind::File(path) if code::is_program(path));
        self.literals_in(text, is_program, &mut found, &mut signs);
        if matches!(kind, TextKind::File(path) if code::is_document(path)) {
            found.retain(|found| {
                found.kind != "url-password" || !url::is_documentation(text, &found.range)
            });
        }
        let mut detections: Vec<Detection> =
            resolve_overlaps(found).into_iter().map(|found| self.detection(text, found)).collect();
        if let Some(rules) = &self.rules {
            self.add_by_rules(rules, text, kind, &mut detections);
        }
        for detection in &mut detections {
            detection.range = whole_characters(text, detection.range.clone());
        }
        (detections, signs)
    }

    /// Adds what the user's rules find where nothing was found yet.
    fn add_by_rules(
        &self,
        rules: &RuleFile,
        text: &[u8],
        kind: TextKind<'_>,
        detections: &mut Vec<Detection>,
    ) {
        for hit in rules.scan(text, kind) {
            let range = hit.range;
            if !range.is_empty() && !detections.iter().any(|other| other.overlaps(&range)) {
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

    fn literals_in(
        &self,
        text: &[u8],
        is_program: bool,
        found: &mut Vec<Candidate>,
        signs: &mut Vec<usize>,
    ) {
        if text.len() < MIN_LENGTH {
            return;
        }
        // What was read around one hit is not read again around the next, so time is linear.
        let (mut names_until, mut percent_until, mut encoded_until) = (0, 0, 0);
        for (start, index) in self.literals.find(text) {
            let Some((trigger, _)) = self.triggers.get(index) else { continue };
            match *trigger {
                Trigger::Token(kind, literal) => tokens::token(text, start, kind, literal, found),
                Trigger::Encoded if start >= encoded_until => {
                    encoded_until = self.encoded(text, start, found);
                }
                Trigger::PrivateKey => tokens::private_key(text, start, found),
                Trigger::Putty => tokens::other_key(pem::putty_key(text, start), found),
                Trigger::WebKey => tokens::other_key(pem::web_key(text, start), found),
                Trigger::Oracle => tokens::oracle(text, start, found),
                Trigger::Sign => signs.push(start),
                Trigger::Phrase(index) => tokens::after_phrase(text, start, index, found),
                Trigger::Call(call) => {
                    self.call(text, call.secret(text, start), call.expected, found);
                }
                Trigger::Characters => {
                    let range = calls::characters(text, start);
                    self.call(text, range, Expected::Password, found);
                }
                Trigger::Url => tokens::url_password(text, start, is_program, found),
                Trigger::DataSource => tokens::data_source(text, start, found),
                Trigger::Scheme(scheme) => {
                    found.extend(http_auth::in_text(text, start, scheme).map(|classification| {
                        Candidate { rank: 2, ..Candidate::named(classification, 0) }
                    }))
                }
                Trigger::Percent if start >= percent_until => {
                    percent_until = self.percent_encoded(text, start, found);
                }
                Trigger::Name if start >= names_until => {
                    names_until = self.assignment(text, start, is_program, found);
                }
                Trigger::Name | Trigger::Percent | Trigger::Encoded => {}
            }
        }
    }

    /// Reads a token in base64 at its literal, and returns the position where reading continues.
    fn encoded(&self, text: &[u8], hit: usize, found: &mut Vec<Candidate>) -> usize {
        let Some((range, decoded)) = tokens::encoded(text, hit) else { return hit };
        let (end, half) = (range.end, range.start + range.len() / 2);
        // What looks like one encoded text may be a path of several.
        let Some(decoded) = decoded else { return half };
        let mut within = Vec::new();
        self.literals_in(&decoded, false, &mut within, &mut Vec::new());
        let best = within.into_iter().min_by_key(|candidate| candidate.rank);
        found.extend(best.map(|best| Candidate { range, rank: best.rank.min(3), ..best }));
        end
    }

    /// Reads the percent-encoded text around a position, and returns where it ends.
    fn percent_encoded(&self, text: &[u8], hit: usize, found: &mut Vec<Candidate>) -> usize {
        let (range, decoded) = decode::percent(text, hit);
        let end = range.end;
        let mut within = Vec::new();
        // Decoded once only: an encoded percent sign would otherwise be decoded again.
        if !decoded.contains(&b'%') {
            self.literals_in(&decoded, false, &mut within, &mut Vec::new());
        }
        let best = within.into_iter().min_by_key(|candidate| candidate.rank);
        found.extend(best.map(|best| Candidate { range, ..best }));
        end
    }

    /// Classifies the value that is assigned to the name at `hit`, and returns where the name ends.
    fn assignment(
        &self,
        text: &[u8],
        hit: usize,
        is_program: bool,
        found: &mut Vec<Candidate>,
    ) -> usize {
        let Some(name) = assignment::name_around(text, hit) else { return hit + 1 };
        let end = name.end;
        self.literal(text, &name, found);
        // Most such words are not assigned anything, which this tells quickly.
        let Some(assignment) = assignment::of_name(text, name) else { return end };
        let start = assignment.name.start;
        let (Some(name), Some(value)) =
            (part(text, assignment.name.clone()), part(text, assignment.value.clone()))
        else {
            return end;
        };
        let before = text.get(..start).unwrap_or_default();
        let hint = names::by_context(name, before).or_else(|| names::read(name));
        if frameworks::key(name, value).is_some() {
            self.named(hint, name, value, assignment.value.start, found);
            return end;
        }
        let Some(hint) = hint else { return end };
        if name == "token" && url::is_of_badge(text, start) {
            return end;
        }
        if hint.expected == Some(Expected::Authorization)
            && let Some(header) = http_auth::after_name(text, assignment.value.start)
        {
            found.push(Candidate { rank: 2, ..Candidate::named(header, 0) });
            return end;
        }
        if assignment.quoted
            && let Some((range, whole)) = joined::literals(text, &assignment.value, is_program)
        {
            self.joined(hint, name, &whole, range, found);
            return end;
        }
        if !assignment.quoted && !assignment.setting && classify::is_bare_word(value)
            || assignment.followed && !classify::differs_from_prose(value)
        {
            return end;
        }
        if is_program {
            let is_text = if assignment.quoted {
                !code::is_closing_quote(text, &assignment.name, assignment.value.start)
            } else {
                let is_text = code::open_quote(text, assignment.value.start).is_some()
                    || assignment.setting && assignment::is_exported(text, start);
                let is_object = value.starts_with(['{', '(', '[']);
                is_text && !is_object && classify::differs_from_prose(value)
            };
            if !is_text || !code::is_credential(hint.expected, name, value) {
                return end;
            }
        }
        self.named(Some(hint), name, value, assignment.value.start, found);
        end
    }

    /// Classifies the text of several literals, which are at `range`.
    fn joined(
        &self,
        hint: NameHint,
        name: &str,
        whole: &str,
        range: Range<usize>,
        found: &mut Vec<Candidate>,
    ) {
        let mut within = Vec::new();
        self.literals_in(whole.as_bytes(), false, &mut within, &mut Vec::new());
        if within.is_empty() && code::is_credential(hint.expected, name, whole) {
            self.named(Some(hint), name, whole, 0, &mut within);
        }
        let best = within.into_iter().min_by_key(|candidate| candidate.rank);
        found.extend(best.map(|best| Candidate { range, ..best }));
    }

    /// Classifies the literal that a name is compared with, or that is passed to a function of this
    /// name.
    fn literal(&self, text: &[u8], name: &Range<usize>, found: &mut Vec<Candidate>) {
        let compared = code::compared(text, name);
        let other = || code::argument(text, name).or_else(|| page_fields::filled(text, name));
        let Some(range) = compared.clone().or_else(other) else { return };
        let Some(name) = part(text, name.clone()) else { return };
        let expected =
            if compared.is_some() { code::expected(name) } else { Some(Expected::Password) };
        self.passed(text, range, expected, name, found);
    }

    /// Classifies a literal that may be a secret because of the name that it is passed to.
    fn passed(
        &self,
        text: &[u8],
        range: Range<usize>,
        expected: Option<Expected>,
        name: &str,
        found: &mut Vec<Candidate>,
    ) {
        if expected.is_some()
            && let Some(value) = part(text, range.clone())
            && classify::differs_from_prose(value)
            && code::is_credential(expected, name, value)
        {
            self.named(Some(NameHint { expected }), name, value, range.start, found);
        }
    }

    /// Classifies the literal that is passed to a function that takes a secret.
    fn call(
        &self,
        text: &[u8],
        range: Option<Range<usize>>,
        expected: Expected,
        found: &mut Vec<Candidate>,
    ) {
        let name = if expected == Expected::Password { "password" } else { "secret" };
        if let Some(range) = range {
            self.passed(text, range, Some(expected), name, found);
        }
    }

    /// Classifies a value by its name, and by what it decodes to.
    fn named(
        &self,
        hint: Option<NameHint>,
        name: &str,
        value: &str,
        offset: usize,
        found: &mut Vec<Candidate>,
    ) {
        if let Some(key) = frameworks::key(name, value) {
            let range = key.start + offset..key.end + offset;
            found.push(Candidate::generated("secret-key", "secret, key or token", range, 2));
            return;
        }
        if let Some(default) = template::default_value(value) {
            let inner = value.get(default.clone()).unwrap_or_default();
            return self.named(hint, name, inner, offset + default.start, found);
        }
        if let Some(inner) = value.strip_prefix(LARAVEL) {
            return self.named(hint, name, inner, offset + LARAVEL.len(), found);
        }
        let decoded = decode::readable(value).or_else(|| decode::named_base64(name, value));
        let Some(decoded) = decoded else {
            let classification = hint.and_then(|hint| self.classifier.classify(hint, name, value));
            found.extend(
                classification.map(|classification| Candidate::named(classification, offset)),
            );
            return;
        };
        if decode::is_public(&decoded) {
            return;
        }
        // The decoded text is classified, and the whole encoded text is the secret.
        let range = offset..offset + value.len();
        let mut within = Vec::new();
        self.literals_in(decoded.as_bytes(), false, &mut within, &mut Vec::new());
        if let Some(best) = within.into_iter().min_by_key(|candidate| candidate.rank) {
            found.push(Candidate { range, rank: best.rank.min(3), ..best });
        } else if hint.is_some() && http_auth::is_basic(name, &decoded) {
            found.push(Candidate::human(http_auth::BASIC_KIND, http_auth::BASIC_TITLE, range, 4));
        } else if let Some(classification) =
            hint.and_then(|hint| self.classifier.classify(hint, name, &decoded))
        {
            found.push(Candidate { range, ..Candidate::named(classification, 0) });
        }
    }

    fn detection(&self, text: &[u8], candidate: Candidate) -> Detection {
        let value = text.get(candidate.range.clone()).unwrap_or_default();
        Detection {
            kind: Cow::Borrowed(candidate.kind),
            title: Cow::Borrowed(candidate.title),
            fingerprint: self.key.of(value, candidate.generated),
            range: candidate.range,
            confidence: candidate.confidence,
        }
    }
}

/// A part of a text, if it is UTF-8.
fn part(text: &[u8], range: Range<usize>) -> Option<&str> {
    text.get(range).and_then(|part| std::str::from_utf8(part).ok())
}

/// Widens a range to whole UTF-8 characters.
fn whole_characters(text: &[u8], range: Range<usize>) -> Range<usize> {
    let continues = |at: usize| text.get(at).is_some_and(|byte| (0x80..0xC0).contains(byte));
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

    fn kinds(text: &str, kind: TextKind<'_>) -> Vec<String> {
        detector().scan(text, kind).into_iter().map(|found| found.kind.into_owned()).collect()
    }

    fn token() -> String {
        ["ghp", "_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17"].concat()
    }

    #[test]
    fn reports_the_range_of_a_token() {
        let text = format!("é {} é", token());
        let found = detector().scan(&text, TextKind::Fragment);
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
        assert_eq!(kinds(&text, TextKind::Fragment), ["github-personal-access-token", "password"]);
        assert_eq!(kinds("hunter2", TextKind::Value("DB_PASSWORD")), ["password"]);
        assert!(kinds("hunter2", TextKind::Value("DB_USER")).is_empty());
    }

    #[test]
    fn tokens_end_where_words_end() {
        assert!(kinds(&format!("x{}", token()), TextKind::Fragment).is_empty());
        assert!(kinds(&format!("{}x", token()), TextKind::Fragment).is_empty());
        assert_eq!(kinds(&format!("a%3D{}", token()), TextKind::Fragment).len(), 1);
        assert_eq!(kinds(&format!(r"a\n{}\n", token()), TextKind::Fragment).len(), 1);
    }

    #[test]
    fn encoded_text_is_decoded() {
        let once = check::STANDARD.encode(token());
        for text in [
            format!("anything: {once}"),
            format!("password: {}", check::STANDARD.encode("hunter2hunter")),
        ] {
            assert_eq!(kinds(&text, TextKind::Fragment).len(), 1, "{text}");
        }
        let twice = check::STANDARD.encode(&once);
        assert_eq!(kinds(&twice, TextKind::Value("x")), ["github-personal-access-token"]);
        let hex: String = token().bytes().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(kinds(&hex, TextKind::Value("x")), ["github-personal-access-token"]);
        let prose = check::STANDARD.encode("Hello, this is an ordinary text.");
        assert!(kinds(&prose, TextKind::Value("apiToken")).is_empty());
    }

    #[test]
    fn urls_in_urls() {
        let text = "https://x/?to=postgres%3A%2F%2Fapp%3Ahunter2%40db%2Fshop&y=1";
        let found = detector().scan(text, TextKind::Fragment);
        assert_eq!(found.len(), 1);
        assert_eq!(&text[found[0].range.clone()], "postgres%3A%2F%2Fapp%3Ahunter2%40db%2Fshop");
        assert!(kinds("https://x/?to=https%3A%2F%2Fexample.org%2F", TextKind::Fragment).is_empty());
    }

    #[test]
    fn passwords_of_sql_accounts() {
        let statement = "CREATE USER 'app'@'%' IDENTIFIED BY 'hunter2';";
        assert_eq!(kinds(statement, TextKind::Fragment), ["password"]);
        assert!(kinds("the columns identified by \"colUsed\"", TextKind::Fragment).is_empty());
    }

    #[test]
    fn data_source_names() {
        assert_eq!(kinds("app:hunter2@tcp(db:3306)/x", TextKind::Value("DSN")), ["url-password"]);
        assert!(kinds("app:${PASSWORD}@tcp(db:3306)/x", TextKind::Value("DSN")).is_empty());
    }

    #[test]
    fn a_pair_of_aws_keys() {
        let id = ["AKIA", "Y3TQZJ5WNVKD7RXP"].concat();
        let text = format!("{id}, wJb7rXUtnFEMI/K7MDENG+bPxRfiCYzq8aLmQ0kT");
        assert_eq!(
            kinds(&text, TextKind::Fragment),
            ["aws-access-key-id", "aws-secret-access-key"]
        );
    }
}
