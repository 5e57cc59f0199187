//! The playground of the documentation site, in a browser: a person types a manifest, sees the findings, and
//! applies the fixes. `cargo xtask site target/pages` builds the site.

use std::path::{Path, PathBuf};

use coaming_test::http_server::{Server, reply};
use serde_json::json;

use super::browser::Page;
use super::root;

/// Serves the site on a port of its own.
fn serve(site: PathBuf) -> Server {
    Server::start(move |_, request, stream| {
        let path = request.path.split(['?', '#']).next().unwrap_or_default();
        let path = site.join(path.trim_start_matches('/'));
        let path = if path.is_dir() { path.join("index.html") } else { path };
        let kind = match path.extension().and_then(|it| it.to_str()) {
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript",
            Some("css") => "text/css",
            Some("wasm") => "application/wasm",
            Some("svg") => "image/svg+xml",
            _ => "application/octet-stream",
        };
        match std::fs::read(&path) {
            Ok(bytes) => reply(stream, 200, &[("content-type", kind)], &bytes),
            Err(_) => reply(stream, 404, &[], b""),
        }
    })
}

/// The site, if it is built.
fn site(test: &str) -> Option<PathBuf> {
    let site = root().join("target/pages");
    let engine = site.join("playground/engine/coaming_playground_bg.wasm");
    if engine.is_file() {
        return Some(site);
    }
    if std::env::var_os("COAMING_WITHOUT_PLAYGROUND").is_some() {
        return None;
    }
    coaming_test::skip!("{test}: the site is not built (`cargo xtask site target/pages`)");
    None
}

/// The text of the page's summary of findings.
const SUMMARY: &str = "document.getElementById('playground-summary').textContent";

/// Replaces the text as a person does: all is selected, and the new text is typed over it.
fn type_text(page: &mut Page, text: &str) {
    page.eval("document.getElementById('playground-text').select()");
    page.call("Input.insertText", json!({"text": text}));
}

fn image(page: &mut Page) -> Vec<u8> {
    let shot = page.call("Page.captureScreenshot", json!({"captureBeyondViewport": true}));
    base64_decoded(shot["data"].as_str().unwrap())
}

fn base64_decoded(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

#[test]
fn a_manifest_is_typed_judged_and_fixed() {
    let test = "the playground";
    let Some(site) = site(test) else { return };
    let Some(mut page) = Page::open(test, 1200, 1400) else { return };
    let server = serve(site);
    page.call("Page.navigate", json!({"url": format!("http://{}/playground.html", server.host)}));
    page.wait_for(&format!("document.readyState === 'complete' && {SUMMARY}.includes('findings')"));
    save(&mut page, "desktop");

    // What is typed is judged, and shown as text.
    type_text(
        &mut page,
        "apiVersion: v1\nkind: Pod\nmetadata: {name: '<img src=x onerror=alert(1)>'}\nspec:\n  containers:\n    - name: c\n      image: registry.example/a:1.0.0\n      securityContext: {privileged: true}\n",
    );
    // The findings of the example before it are gone.
    page.wait_for(
        "!document.getElementById('playground-findings').innerText.includes('docker.sock')",
    );
    page.wait_for("document.querySelector('#playground-findings li.critical') !== null");
    let shown = page.eval("document.getElementById('playground-findings').innerText");
    assert!(shown.as_str().unwrap().contains("is privileged"), "{shown}");
    assert_eq!(page.eval("document.querySelectorAll('#playground-findings img').length"), 0);
    // Its place leads to the line.
    page.eval(
        "document.querySelector('#playground-findings li.critical .playground-place').click()",
    );
    let selected = "(() => { const t = document.getElementById('playground-text'); return t.value.slice(t.selectionStart, t.selectionEnd); })()";
    assert!(page.eval(selected).as_str().unwrap().contains("privileged: true"));

    // The fixes that are allowed are applied, and their findings go.
    page.eval("document.getElementById('playground-unsafe').click()");
    page.eval("document.getElementById('playground-fix').click()");
    page.wait_for("!document.getElementById('playground-text').value.includes('privileged: true')");
    page.wait_for("document.querySelector('#playground-findings li.critical') === null");

    // A broken text is an error with its line, and the page goes on.
    type_text(&mut page, "kind: Pod\nmetadata: {\n");
    page.wait_for("document.querySelector('#playground-findings li.error') !== null");
    type_text(&mut page, "");
    page.wait_for(&format!("{SUMMARY} === 'Nothing was found in this text.'"));
    assert!(page.complaints.is_empty(), "{:?}", page.complaints);
}

#[test]
fn a_phone_and_the_dark_theme_show_it_too() {
    let test = "the playground on a phone";
    let Some(site) = site(test) else { return };
    let Some(mut page) = Page::open(test, 390, 844) else { return };
    let server = serve(site);
    let dark = json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]});
    page.call("Emulation.setEmulatedMedia", dark);
    page.call("Page.navigate", json!({"url": format!("http://{}/playground.html", server.host)}));
    page.wait_for(&format!("document.readyState === 'complete' && {SUMMARY}.includes('findings')"));
    save(&mut page, "phone");
    let overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(page.eval(overflow), 0);
    let colors = "getComputedStyle(document.getElementById('playground-text')).color !== getComputedStyle(document.getElementById('playground-text')).backgroundColor";
    assert_eq!(page.eval(colors), true);
    assert!(page.complaints.is_empty(), "{:?}", page.complaints);
}

/// Keeps a picture, for a person to look at.
fn save(page: &mut Page, name: &str) {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("playground");
    std::fs::create_dir_all(&directory).unwrap();
    let bytes = image(page);
    std::fs::write(directory.join(format!("{name}.png")), bytes).unwrap();
}
