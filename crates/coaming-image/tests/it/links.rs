//! Package databases and release files that are reached by links.

use crate::hostile::entry;
use crate::read;

const INSTALLED: &[u8] = b"P:acme\nV:1.0-r0\nA:x86_64\n\n";
const DATABASE: &str = "lib/apk/db/installed";

fn file(path: &str, bytes: &[u8]) -> Vec<u8> {
    entry(path, b'0', "", bytes.len() as u64, bytes)
}

fn hard_link(path: &str, target: &str) -> Vec<u8> {
    entry(path, b'1', target, 0, b"")
}

fn symlink(path: &str, target: &str) -> Vec<u8> {
    entry(path, b'2', target, 0, b"")
}

#[test]
fn hard_links_lead_to_links_and_to_lower_layers() {
    let data = || file("data/x", INSTALLED);
    for (layers, expected) in [
        (vec![vec![data(), hard_link(DATABASE, "data/x")]], 1),
        (vec![vec![hard_link(DATABASE, "data/x"), data()]], 1),
        (vec![vec![data(), hard_link("y", "data/x"), hard_link(DATABASE, "y")]], 1),
        (vec![vec![data()], vec![hard_link(DATABASE, "data/x")]], 1),
        (vec![vec![data()], vec![hard_link("y", "data/x"), hard_link(DATABASE, "y")]], 1),
        // A hard link to a symbolic one is that link, in another directory.
        (vec![vec![data(), symlink("data/y", "x"), hard_link(DATABASE, "data/y")]], 0),
        (vec![vec![hard_link(DATABASE, "nowhere")]], 0),
        (vec![vec![hard_link("y", DATABASE), hard_link(DATABASE, "y")]], 0),
    ] {
        let layers: Vec<Vec<u8>> = layers.into_iter().map(|entries| entries.concat()).collect();
        assert_eq!(read("", &layers).packages.len(), expected);
    }
}

#[test]
fn a_removed_or_replaced_directory_has_no_packages() {
    let before = || file(DATABASE, INSTALLED);
    for (above, expected) in [
        (file("lib/apk/db/.wh.installed", b""), 0),
        (file("lib/.wh.apk", b""), 0),
        (file("lib/apk/.wh..wh..opq", b""), 0),
        (file("lib/apk", b"x"), 0),
        ([file(DATABASE, INSTALLED), file("lib/apk/db/.wh..wh..opq", b"")].concat(), 1),
        ([file("lib/apk/db/.wh.installed", b""), before()].concat(), 1),
    ] {
        assert_eq!(read("", &[before(), above]).packages.len(), expected);
    }
}
