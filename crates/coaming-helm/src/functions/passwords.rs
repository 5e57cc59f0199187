//! `derivePassword`: a password from a master password, as the first version of Master Password (now
//! Spectre) derives it.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::{Outcome, Row, any, text, to_int};
use crate::origin::Origin;
use crate::template::Exec;
use crate::value::Value;

pub(super) const TABLE: &[Row] = &[("derivePassword", "assss", |exec, v| {
    let counter = u32::try_from(to_int(any(v, 0)) & 0xffff_ffff).unwrap_or(0);
    derived(exec, counter, text(v, 1), text(v, 2), text(v, 3), text(v, 4))
})];

const SEED: &[u8] = b"com.lyndir.masterpassword";

/// What one derivation counts: it takes a tenth of a second.
const COST: usize = 1 << 24;

/// The forms of each kind of password; each letter is a class of characters.
const FORMS: &[(&str, &[&str])] = &[
    ("maximum", &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"]),
    (
        "long",
        &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
    ),
    ("medium", &["CvcnoCvc", "CvcCvcno"]),
    ("short", &["Cvcn"]),
    ("basic", &["aaanaaan", "aannaaan", "aaannaaa"]),
    ("pin", &["nnnn"]),
];

/// The characters of a class.
fn class(letter: char) -> &'static [u8] {
    match letter {
        'V' => b"AEIOU",
        'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        'v' => b"aeiou",
        'c' => b"bcdfghjklmnpqrstvwxyz",
        'A' => b"AEIOUBCDFGHJKLMNPQRSTVWXYZ",
        'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        'n' => b"0123456789",
        'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

fn derived(
    exec: &Exec,
    counter: u32,
    kind: &str,
    password: &str,
    user: &str,
    site: &str,
) -> Outcome {
    let Some((_, forms)) = FORMS.iter().find(|(name, _)| *name == kind) else {
        return Ok(Value::from(format!("cannot find password template {kind}")));
    };
    exec.budget.bytes(COST)?;
    let failed = |error: &dyn std::fmt::Display| format!("failed to derive password: {error}");
    let parameters = scrypt::Params::new(15, 8, 2, 64).map_err(|error| failed(&error))?;
    let mut key = [0; 64];
    scrypt::scrypt(password.as_bytes(), &named(user), &parameters, &mut key)
        .map_err(|error| failed(&error))?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|error| failed(&error))?;
    mac.update(&named(site));
    mac.update(&counter.to_be_bytes());
    let seed = mac.finalize().into_bytes();
    let mut numbers = seed.iter().map(|byte| usize::from(*byte));
    let mut pick = |length: usize| numbers.next().unwrap_or(0) % length.max(1);
    let form = forms.get(pick(forms.len())).copied().unwrap_or_default();
    let letter = |letter: char| {
        let class = class(letter);
        class.get(pick(class.len())).copied().map(char::from)
    };
    let made: String = form.chars().filter_map(letter).collect();
    Ok(Value::from(made).at(Origin::random()))
}

/// The seed with a name and its length.
fn named(name: &str) -> Vec<u8> {
    let length = u32::try_from(name.len()).unwrap_or(u32::MAX);
    [SEED, &length.to_be_bytes(), name.as_bytes()].concat()
}
