//! Images that the configuration names are looked into, and joined with the pods that run them.

use std::fs;

use super::{coaming_at_home, directory, json, stderr, stdout};

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n    - name: web\n      image: shop/web:1.0\n";

const CONFIG: &str = "images:\n  archives:\n    shop/web:1.0: images/web\n";

/// A pod, and a root filesystem with a credential that everybody may read and a program to do so.
fn files() -> tempfile::TempDir {
    directory(&[
        ("pod.yaml", POD),
        ("coaming.yaml", CONFIG),
        ("images/web/etc/passwd", "root:x:0:0::/root:/bin/sh\n"),
        ("images/web/etc/os-release", "ID=debian\nVERSION_ID=12\n"),
        ("images/web/app/.netrc", "machine a.example login b password vS8kq-2pLx7w\n"),
        ("images/web/bin/cat", "\u{7f}ELF"),
    ])
}

fn scan(files: &tempfile::TempDir, arguments: &[&str]) -> std::process::Output {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let cat = files.path().join("images/web/bin/cat");
        if cat.exists() {
            fs::set_permissions(cat, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    let all: Vec<&str> = ["scan", "--select", "secrets,non-root", "pod.yaml"]
        .iter()
        .chain(arguments)
        .copied()
        .collect();
    coaming_at_home(files.path(), &all).output().unwrap()
}

#[test]
fn a_named_image_is_joined_with_its_pod() {
    let files = files();
    let output = scan(&files, &["--format", "json"]);
    let findings = json(&output)["findings"].clone();
    let readable = findings
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["rule"] == "readable-credential")
        .unwrap_or_else(|| panic!("{findings:#}{}", stderr(&output)));
    let message = readable["message"].as_str().unwrap();
    assert!(message.contains("`/app/.netrc`") && message.contains("`/bin/cat`"), "{message}");
    assert!(!message.contains("vS8kq"), "{message}");
    assert_eq!(readable["locations"][0]["line"], 7);
}

#[test]
fn never_means_never() {
    let files = files();
    let shown = stdout(&scan(&files, &["--images", "never", "--format", "concise"]));
    assert!(!shown.contains("readable-credential"), "{shown}");
}

#[test]
fn a_named_image_that_is_missing_is_an_error() {
    let files = files();
    fs::remove_dir_all(files.path().join("images")).unwrap();
    let output = scan(&files, &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("docker.io/shop/web:1.0: "), "{}", stderr(&output));
}
