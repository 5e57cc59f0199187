//! What the page calls. Each argument and result is a copy: the page and the engine share nothing.

use wasm_bindgen::prelude::wasm_bindgen;

use crate::Playground;

thread_local! {
    /// Made once: a page has one thread.
    static PLAYGROUND: Option<Playground> = Playground::new().ok();
}

/// As [`Playground::scan`]; empty if the engine cannot be built.
#[wasm_bindgen]
#[must_use]
pub fn scan(name: &str, text: &str) -> String {
    PLAYGROUND.with(|it| it.as_ref().map(|it| it.scan(name, text)).unwrap_or_default())
}

/// As [`Playground::fix`].
#[wasm_bindgen]
#[must_use]
pub fn fix(name: &str, text: &str, allow_unsafe: bool) -> Option<String> {
    PLAYGROUND.with(|it| it.as_ref()?.fix(name, text, allow_unsafe))
}
