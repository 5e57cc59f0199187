//! Secrets that tests put into inputs, to search for them in all that is said about these inputs.

/// Passwords of letters alone, which nothing but their names betrays, also a short one, a number, and
/// a token.
const SECRETS: &[(&str, &str)] = &[
    ("<word>", "walnutkestrel"),
    ("<other>", "siskinmango"),
    ("<number>", "83454107"),
    ("<short>", "vo'k&z"),
    ("<token>", "q7Zt2WmX9cVb4NsK1pLd"),
];

/// A text with the secrets in the place of their names (`<word>`,
/// `<other>`, `<short>`, `<number>`, `<token>`).
#[must_use]
pub fn filled(text: &str) -> String {
    SECRETS.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
}

/// The first form of a secret in a text, or of a part of it; `None` if there is none.
#[must_use]
pub fn shown(said: &str) -> Option<&'static str> {
    const FORMS: &[&str] = &[
        "walnutkestrel",
        "walnutke",
        "walnutk",
        "kestrel",
        "lertsektunlaw",
        "siskinmango",
        "83454107",
        "8.345410",
        "q7zt2wmx9cvb4nsk1pld",
        "vo'k&z",
        "vo''k&z",
        "vo'\\''k&z",
        "z&k'ov",
        "vo%27k",
        "vo&#39;k",
        "vo\\u0027k",
        "vo'k\\u0026z",
        "766f276b267a",
        "76 6f 27 6b",
        // In base64.
        "d2fsbnv0a2vzdhjlb",
        "c2lza2lubwfuz2",
        "n1p0mldtwdlj",
        "dm8nayz6",
        "zg04bmf5wjy",
        // In base32.
        "o5qwy3tvorvwk",
        "ozxso2zgpi",
    ];
    let said = said.to_lowercase();
    FORMS.iter().copied().find(|form| said.contains(form))
}
