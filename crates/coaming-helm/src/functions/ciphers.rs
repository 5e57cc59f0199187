//! `encryptAES` and `decryptAES`: AES-256 in CBC mode; the initialization vector, which is random in
//! Helm, comes before the encrypted text, and all of it is base64.

use aes::Aes256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::{NoPadding, Pkcs7};
use cbc::cipher::{BlockDecryptMut as _, BlockEncryptMut as _, KeyIvInit as _};

use super::{Row, any, text};
use crate::bytes;
use crate::origin::Origin;
use crate::value::Value;

pub(super) const TABLE: &[Row] = &[
    ("encryptAES", "ss", |exec, v| {
        if text(v, 1).is_empty() {
            return Ok(Value::from(""));
        }
        exec.budget.bytes(text(v, 1).len())?;
        let start: [u8; BLOCK] = super::random::stream(exec, BLOCK)
            .try_into()
            .map_err(|_| "no initialization vector".to_owned())?;
        let cipher = cbc::Encryptor::<Aes256>::new(&key(text(v, 0)).into(), &start.into());
        let mut encrypted = start.to_vec();
        encrypted.extend(cipher.encrypt_padded_vec_mut::<Pkcs7>(&bytes::of_text(text(v, 1))));
        Ok(Value::from(STANDARD.encode(encrypted)).at(Origin::random()))
    }),
    ("decryptAES", "ss", |_, v| {
        if text(v, 1).is_empty() {
            return Ok(Value::from(""));
        }
        let plain = decrypted(&key(text(v, 0)), &super::encoding::from_base64(text(v, 1))?)?;
        Ok(super::content(&plain).at(any(v, 1).first_origin()))
    }),
];

const BLOCK: usize = 16;

/// The bytes of a password, cut or filled up with zeros.
fn key(password: &str) -> [u8; 32] {
    let mut key = [0; 32];
    for (byte, of_password) in key.iter_mut().zip(password.bytes()) {
        *byte = of_password;
    }
    key
}

/// The last byte says how much is padding, and is believed, as Helm does. Its panics are errors here.
fn decrypted(key: &[u8; 32], bytes: &[u8]) -> Result<Vec<u8>, String> {
    let (start, encrypted) = bytes.split_first_chunk::<BLOCK>().ok_or_else(|| {
        format!("runtime error: slice bounds out of range [:{BLOCK}] with capacity {}", bytes.len())
    })?;
    let cipher = cbc::Decryptor::<Aes256>::new(key.into(), start.into());
    let mut plain = cipher
        .decrypt_padded_vec_mut::<NoPadding>(encrypted)
        .map_err(|_| "crypto/cipher: input not full blocks".to_owned())?;
    let padding = plain.last().copied().map(usize::from);
    let padding = padding.ok_or("runtime error: index out of range [-1]")?;
    let length = plain.len().checked_sub(padding).ok_or_else(|| {
        format!("runtime error: slice bounds out of range [:-{}]", padding.abs_diff(plain.len()))
    })?;
    plain.truncate(length);
    Ok(plain)
}
