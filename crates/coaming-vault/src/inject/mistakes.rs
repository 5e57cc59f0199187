//! What cannot be meant in a grant, whatever pod asks for it.

use coaming_oci::{Digest, Reference};

use super::launcher;
use crate::grant::{GrantImage, SecretGrant};

/// The first mistake.
pub(super) fn find(grant: &SecretGrant) -> Option<String> {
    let spec = &grant.spec;
    account(&spec.service_account)
        .or_else(|| image(&spec.image))
        .or_else(|| directory(&spec.directory))
        .or_else(|| contents(grant))
        .or_else(|| launcher::problem(grant))
}

fn account(name: &str) -> Option<String> {
    let is_plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    let is_name = !name.is_empty() && name.bytes().all(is_plain);
    (!is_name).then(|| {
        format!("`{name}` in `serviceAccount`: write the name of the service account alone")
    })
}

/// A tag or digest of `repository` would be ignored, and every image of the repository be granted.
fn image(image: &GrantImage) -> Option<String> {
    let repository = &image.repository;
    let Ok(reference) = Reference::parse(repository) else {
        return Some(format!("`{repository}` is not a valid repository of images"));
    };
    if reference.tag().is_some() || reference.digest().is_some() {
        return Some(format!(
            "`{repository}` has a tag or a digest: name the digest in `image.digest`, and leave out a tag, \
             which can be moved"
        ));
    }
    let digest = image.digest.as_ref().filter(|digest| digest.parse::<Digest>().is_err())?;
    Some(format!("`{digest}` is not a valid digest: write `sha256:` and 64 hexadecimal digits"))
}

/// A directory into which files can be mounted without hiding what the container needs.
fn directory(path: &str) -> Option<String> {
    let mut parts = path.strip_prefix('/').unwrap_or_default().split('/');
    let plain = |part: &str| {
        !part.is_empty() && !matches!(part, "." | "..") && !part.contains([':', '\0', '\n'])
    };
    let is_own = parts.clone().count() > 1 && parts.all(plain);
    (!is_own).then(|| {
        format!(
            "`{path}` in `directory`: write an absolute path of at least two directories, as \
             /run/secrets/db, without `.`, `..`, `:` and a `/` at its end"
        )
    })
}

/// One of two contents would be ignored.
fn contents(grant: &SecretGrant) -> Option<String> {
    let both =
        grant.spec.files.iter().find(|file| file.key.is_some() && file.template.is_some())?;
    Some(format!("file `{}` has a `key` and `template`: leave one of them out", both.name))
}
