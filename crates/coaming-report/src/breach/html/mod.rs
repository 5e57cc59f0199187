//! `coaming breach --format html`: one page to look around in, complete in itself.
//!
//! The page is three files beside this one: a style, the model (which finds ways as the engine does)
//! and the view. What they show is data in a block that is not executed. Invariants:
//!
//! * Nothing is fetched, and nothing is executed but the script that is part of this program: the
//!   page's policy names script and style by their digests, and allows nothing else.
//! * Untrusted text is data. It enters the page as JSON in which `<`, `>` and `&` are escaped, and
//!   the document as text nodes.
//! * No source line is shown that the gate for secrets does not let through.

mod data;

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use coaming_breach::Map;
use sha2::{Digest as _, Sha256};

use super::View;
use crate::gated::Gated;
use crate::{Places, Report};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str =
    concat!("'use strict';\n", include_str!("model.js"), "\n", include_str!("page.js"));

/// Writes an answer, its map and all findings as one page. The findings of `report` are those of
/// `view`.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn html(
    view: &View<'_>,
    map: &Map,
    report: &Report<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let gated = Gated::new(report);
    let report = &gated.report();
    let places = Places::new(report);
    let data = serde_json::to_string(&data::page(view, map, report, &places))?;
    let (script, style) = (digest(SCRIPT), digest(STYLE));
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         script-src '{script}'; style-src '{style}'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>Coaming: what an attacker can reach</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <noscript>This page needs its script. `coaming breach` without `--format html` prints the \
         same as text.</noscript>\n<script type=\"application/json\" id=\"data\">"
    )?;
    out.write_all(inert(&data).as_bytes())?;
    writeln!(out, "</script>\n<script>{SCRIPT}</script>\n</body>\n</html>")
}

/// What a policy calls a script or a style.
fn digest(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

/// JSON without a character that HTML gives a meaning to, or that ends a line of a script.
fn inert(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_cannot_end_its_block() {
        let text = inert(&serde_json::to_string("</script><!--&\u{2028}").unwrap());
        assert!(!text.contains(['<', '>', '&', '\u{2028}']), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), "</script><!--&\u{2028}");
    }

    #[test]
    fn the_script_writes_no_markup_and_fetches_nothing() {
        for part in ["innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval("] {
            assert!(!SCRIPT.contains(part), "{part}");
        }
        for part in ["http:", "https:", "fetch(", "XMLHttp", "import(", "</"] {
            let shown = SCRIPT.replace("http://www.w3.org/2000/svg", "");
            assert!(!shown.contains(part), "{part}");
        }
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import") && !STYLE.contains("</"));
    }
}
