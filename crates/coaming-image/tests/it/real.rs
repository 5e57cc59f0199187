//! Real images, from the directory that `COAMING_DATA` names.

use std::path::PathBuf;

use coaming_image::{Image, ImageFacts, UtilityKind, Verdict};

use crate::skip;

fn facts(test: &str, name: &str) -> Option<ImageFacts> {
    let Some(data) = std::env::var_os("COAMING_DATA") else {
        skip(test, "COAMING_DATA does not name the directory with the images");
        return None;
    };
    let path = PathBuf::from(data).join("images").join(name);
    if !path.exists() {
        skip(test, "the image is not there");
        return None;
    }
    Some(Image::open(&path, None).unwrap().read())
}

#[test]
fn alpine() {
    let Some(facts) = facts("alpine", "alpine") else { return };
    assert_eq!(facts.problems, []);
    assert_eq!(facts.packages.len(), 14);
    let musl = facts.packages.iter().find(|package| package.name == "musl").unwrap();
    assert_eq!(musl.version, "1.1.24-r2");
    assert_eq!(musl.layer, Some(0));
    assert_eq!(facts.distribution.as_ref().unwrap().id, "alpine");
    assert_eq!(facts.user.is_root(), Some(true));
    assert_eq!(facts.verdict, Verdict::Minimal);
    let wget = facts.utilities.iter().find(|utility| utility.name == "wget").unwrap();
    assert_eq!(wget.kind, UtilityKind::Network);
    assert_eq!(wget.place.path, "/usr/bin/wget");
    assert_eq!(wget.target.as_deref(), Some("/bin/busybox"));
    // Alpine's users have no passwords, and keys in it are the distribution's own.
    assert_eq!(facts.credentials, []);
}
