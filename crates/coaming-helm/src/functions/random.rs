//! Functions whose result differs with each installation: passwords, keys, certificates, identifiers.
//!
//! Here, they are deterministic, and their results are marked as generated, so that nobody takes a
//! generated password for a leaked one. Their results have the shape of real ones, not the content:
//! a certificate is not a valid certificate.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::Digest as _;

use super::{Outcome, Row, any, number, text, to_int};
use crate::origin::Origin;
use crate::template::Exec;
use crate::value::{Object, Value};

pub(super) const TABLE: &[Row] = &[
    ("randAlphaNum", "i", |exec, v| letters(exec, number(v, 0), ALPHANUMERIC)),
    ("randAlpha", "i", |exec, v| letters(exec, number(v, 0), ALPHA)),
    ("randNumeric", "i", |exec, v| letters(exec, number(v, 0), NUMERIC)),
    ("randAscii", "i", |exec, v| letters(exec, number(v, 0), ALPHANUMERIC)),
    ("randBytes", "i", |exec, v| {
        let count = usize::try_from(number(v, 0)).unwrap_or(0);
        exec.budget.bytes(count)?;
        Ok(Value::from(STANDARD.encode(stream(exec, count))).at(Origin::random()))
    }),
    ("randInt", "aa", |exec, v| {
        let (low, high) = (to_int(any(v, 0)), to_int(any(v, 1)));
        let span = high.saturating_sub(low).max(1);
        let first = stream(exec, 1).first().copied().unwrap_or(0);
        Ok(Value::int(low.saturating_add(i64::from(first) % span)).at(Origin::random()))
    }),
    ("shuffle", "s", |_, v| Ok(Value::from(text(v, 0)).at(Origin::random()))),
    ("uuidv4", "", |exec, _| {
        let hex = super::encoding::hex(&stream(exec, 16));
        let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
        let uuid = format!(
            "{}-{}-4{}-8{}-{}",
            part(0..8),
            part(8..12),
            part(13..16),
            part(17..20),
            part(20..32)
        );
        Ok(Value::from(uuid).at(Origin::random()))
    }),
    ("bcrypt", "s", |exec, _| bcrypt(exec)),
    ("htpasswd", "ss*", |exec, v| {
        if text(v, 0).contains(':') {
            return Ok(Value::from(format!("invalid username: {}", text(v, 0))));
        }
        let hash = bcrypt(exec)?;
        let line = format!("{}:{}", text(v, 0), hash.as_str().unwrap_or_default());
        Ok(Value::from(line).at(Origin::random()))
    }),
    ("genPrivateKey", "s", |exec, v| match text(v, 0) {
        "" | "rsa" => pem(exec, "RSA PRIVATE KEY"),
        "dsa" => pem(exec, "DSA PRIVATE KEY"),
        "ecdsa" => pem(exec, "EC PRIVATE KEY"),
        "ed25519" => pem(exec, "PRIVATE KEY"),
        kind => Ok(Value::from(format!("Unknown type {kind}"))),
    }),
    ("genCA", "si", |exec, _| certificate(exec)),
    ("genCAWithKey", "sis", |exec, _| certificate(exec)),
    ("genSelfSignedCert", "slli", |exec, _| certificate(exec)),
    ("genSelfSignedCertWithKey", "sllis", |exec, _| certificate(exec)),
    ("genSignedCert", "sllia", |exec, _| certificate(exec)),
    ("genSignedCertWithKey", "sllias", |exec, _| certificate(exec)),
    ("buildCustomCert", "ss", |_, v| {
        let decode = |index: usize, what: &str| {
            let decoded = STANDARD.decode(text(v, index));
            let decoded = decoded.map_err(|_| format!("unable to decode base64 {what}"))?;
            Ok::<_, String>(super::content(&decoded).at(any(v, index).first_origin()))
        };
        let certificate = decode(0, "certificate")?;
        if pem_label(&certificate).is_none() {
            return Err("unable to decode certificate".to_owned());
        }
        let key = decode(1, "private key")?;
        match pem_label(&key) {
            None => Err("error parsing private key: no PEM data in input".to_owned()),
            Some(label) if !label.ends_with("PRIVATE KEY") => Err(format!(
                "error parsing private key: no private key data in PEM block of type {label}"
            )),
            Some(_) => Ok(pair(certificate, key)),
        }
    }),
];

/// What the first PEM block of a text says to be.
fn pem_label(value: &Value) -> Option<&str> {
    let (_, block) = value.as_str()?.split_once("-----BEGIN ")?;
    let (label, body) = block.split_once("-----\n")?;
    body.contains(&format!("-----END {label}-----")).then_some(label)
}

const NUMERIC: &[u8] = b"0123456789";
const ALPHA: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const ALPHANUMERIC: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// The next deterministic bytes.
pub(super) fn stream(exec: &Exec, count: usize) -> Vec<u8> {
    let number = exec.generated.get();
    exec.generated.set(number + 1);
    let mut bytes = Vec::with_capacity(count + 32);
    let mut block = 0_u64;
    while bytes.len() < count {
        let digest = sha2::Sha256::digest(format!("generated {number} {block}"));
        bytes.extend_from_slice(&digest);
        block += 1;
    }
    bytes.truncate(count);
    bytes
}

fn letters(exec: &Exec, count: i64, alphabet: &[u8]) -> Outcome {
    let count = usize::try_from(count).unwrap_or(0);
    exec.budget.bytes(count)?;
    let letter =
        |byte: u8| alphabet.get(usize::from(byte) % alphabet.len()).copied().unwrap_or(b'0');
    let text: String =
        stream(exec, count).into_iter().map(|byte| char::from(letter(byte))).collect();
    Ok(Value::from(text).at(Origin::random()))
}

fn bcrypt(exec: &Exec) -> Outcome {
    let hash = letters(exec, 53, ALPHANUMERIC)?;
    Ok(Value::from(format!("$2a$10${}", hash.as_str().unwrap_or_default())).at(Origin::random()))
}

fn pem(exec: &Exec, kind: &str) -> Outcome {
    let encoded = STANDARD.encode(stream(exec, 768));
    let lines: Vec<String> = encoded
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    let text = format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", lines.join("\n"));
    Ok(Value::from(text).at(Origin::random()))
}

fn certificate(exec: &Exec) -> Outcome {
    Ok(pair(pem(exec, "CERTIFICATE")?, pem(exec, "RSA PRIVATE KEY")?))
}

fn pair(certificate: Value, key: Value) -> Value {
    let fields = vec![("Cert", certificate), ("Key", key)];
    Object::Struct("sprig.certificate", fields).into()
}
