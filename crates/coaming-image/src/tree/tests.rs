use super::*;
use crate::archive::Entry;

/// An entry of `path`, `path/` for directories, `path -> target` for links, `path = target` for
/// hard links; `path!` may be executed.
pub(crate) fn entry(line: &str) -> Entry {
    let (path, link, kind) = if let Some((path, link)) = line.split_once(" -> ") {
        (path, link, EntryKind::Symlink)
    } else if let Some((path, link)) = line.split_once(" = ") {
        (path, link, EntryKind::HardLink)
    } else if let Some(path) = line.strip_suffix('/') {
        (path, "", EntryKind::Directory)
    } else {
        (line, "", EntryKind::File)
    };
    let executable = path.ends_with('!') || kind == EntryKind::Directory;
    Entry {
        path: path.trim_end_matches('!').to_owned(),
        kind,
        mode: if executable { 0o755 } else { 0o644 },
        uid: 0,
        gid: 0,
        size: 1,
        link: link.to_owned(),
        modified: 0,
        capability: Vec::new(),
        attributes: Vec::new(),
    }
}

/// A layer of such lines, `-path` for whiteouts, `!path` for opaque directories.
pub(crate) fn put(builder: &mut TreeBuilder, lines: &[&str]) {
    let of = |sign: char| -> Vec<String> {
        lines.iter().filter_map(|line| line.strip_prefix(sign)).map(str::to_owned).collect()
    };
    let leaves = lines
        .iter()
        .filter(|line| line.starts_with('/'))
        .map(|line| Leaf::new(&entry(line)))
        .collect();
    builder.add_layer(leaves, &of('-'), &of('!')).unwrap();
}

fn tree(layers: &[&[&str]]) -> Tree {
    let mut builder = TreeBuilder::default();
    for lines in layers {
        put(&mut builder, lines);
    }
    builder.finish()
}

fn paths(layers: &[&[&str]]) -> Vec<String> {
    tree(layers).iter().map(|(path, node)| format!("{}{path}", node.source.layer)).collect()
}

#[test]
fn layers_add_replace_and_remove() {
    assert_eq!(paths(&[&["/a/", "/a/b"], &["/a/b", "/a/c"]]), ["0/a", "1/a/b", "1/a/c"]);
    assert_eq!(paths(&[&["/a/", "/a/b", "/a-b", "/a0"], &["-/a"]]), ["0/a-b", "0/a0"]);
    assert_eq!(paths(&[&["/a/", "/a/b"], &["-/a", "/a/", "/a/c"]]), ["1/a", "1/a/c"]);
    assert_eq!(paths(&[&["/a/", "/a/b"], &["!/a", "/a/c"]]), ["0/a", "1/a/c"]);
    assert_eq!(paths(&[&["/a/", "/a/b"], &["/a"]]), ["1/a"]);
    assert_eq!(paths(&[&["/a"], &["/a/b"]]), ["1/a", "1/a/b"]);
}

#[test]
fn entries_below_a_link_are_put_where_it_leads() {
    let layers: &[&[&str]] = &[&["/usr/", "/usr/lib/", "/lib -> usr/lib"], &["/lib/x", "/lib/y"]];
    assert_eq!(paths(layers), ["0/lib", "0/usr", "0/usr/lib", "1/usr/lib/x", "1/usr/lib/y"]);
    assert_eq!(&*tree(layers).get("/usr/lib/x").unwrap().source.path, "/lib/x");
    let out: &[&[&str]] = &[&["/out -> ../../../.."], &["/out/etc/x"]];
    assert_eq!(paths(out), ["1/etc", "1/etc/x", "0/out"]);
    let circle: &[&[&str]] = &[&["/x -> y", "/y -> x"], &["/x/z"]];
    // A circular link is replaced by a directory.
    assert_eq!(tree(circle).find("/x/z").unwrap().0, "/x/z");
}

#[test]
fn names_of_one_file_have_one_source() {
    let layers: &[&[&str]] = &[&["/a!", "/b = /a", "/c = /none"], &["/a"]];
    let tree = tree(layers);
    let source = |path: &str| tree.get(path).unwrap().source.layer;
    assert_eq!((source("/a"), source("/b")), (1, 0));
    assert!(tree.get("/b").unwrap().is_executable());
    assert_eq!(tree.get("/c"), None);
}

#[test]
fn resolves_paths_and_returns_their_links() {
    let tree = tree(&[&[
        "/bin -> usr/bin",
        "/usr/",
        "/usr/bin/",
        "/usr/bin/python3 -> python3.11",
        "/usr/bin/python3.11!",
    ]]);
    let resolved = tree.resolve("/bin/../bin/python3").unwrap();
    assert_eq!(resolved.path, "/usr/bin/python3.11");
    assert_eq!(resolved.links, ["/bin", "/usr/bin/python3"]);
    assert_eq!(tree.find("/bin/none"), None);
    assert_eq!(tree.below("/usr").count(), 3);
    assert_eq!(tree.below("/").count(), tree.len());
}
