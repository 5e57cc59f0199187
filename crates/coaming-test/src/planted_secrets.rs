//! Secrets that tests put into inputs, to search for them in all that is said about these inputs.

/// Passwords of letters alone, which nothing but their names betrays, a number, and a token.
const SECRETS: &[(&str, &str)] = &[
    ("<word>", "walnutkestrel"),
    ("<other>", "siskinmango"),
    ("<number>", "83454107"),
    ("<token>", "q7Zt2WmX9cVb4NsK1pLd"),
];

/// A text with the secrets in the place of their names (`<word>`, `<other>`, `<number>`, `<token>`).
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
        "siskinmango",
        "83454107",
        "8.345410",
        "q7zt2wmx9cvb4nsk1pld",
        // In base64.
        "d2fsbnv0a2vzdhjlb",
        "c2lza2lubwfuz2",
        "n1p0mldtwdlj",
    ];
    let said = said.to_lowercase();
    FORMS.iter().copied().find(|form| said.contains(form))
}
