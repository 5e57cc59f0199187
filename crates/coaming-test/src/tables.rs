//! Tables in `docs/images.md` that tests make of what they hold.

use std::path::Path;

/// Checks that the block of this name has this text; with `UPDATE_TABLES` set, writes it.
///
/// # Panics
///
/// If the block is missing, or another text is in it.
pub fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/images.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (start, end) =
        (format!("<!-- table: {name} -->\n\n"), format!("\n<!-- end of table: {name} -->"));
    let (before, rest) = page.split_once(&start).expect("the block starts in docs/images.md");
    let (old, after) = rest.split_once(&end).expect("the block ends in docs/images.md");
    if old == text {
        return;
    }
    assert!(
        std::env::var_os("UPDATE_TABLES").is_some(),
        "docs/images.md: the table `{name}` is out of date; set UPDATE_TABLES=1 to write it:\n{text}"
    );
    std::fs::write(&path, format!("{before}{start}{text}{end}{after}")).unwrap();
}
