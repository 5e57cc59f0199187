//! The values of a Secret's manifest.

use base64::Engine as _;
use coaming_kube::{Fields as _, Object};

use crate::{Fields, Value};

/// The values, as the API server would keep them. All must be text: a store has nothing else.
pub(super) fn fields(secret: Object<'_>) -> Result<Fields, String> {
    let mut fields = Fields::new();
    for entry in secret.node().pairs("data") {
        let key = entry.name();
        let encoded = entry.value.as_str().ok_or_else(|| format!("`{key}` is not text"))?;
        let engine = &base64::engine::general_purpose::STANDARD;
        let compact: String = encoded.split_whitespace().collect();
        let value = engine.decode(compact).map_err(|_| format!("`{key}` is not base64"))?;
        fields.insert(key.to_owned(), Value::new(value));
    }
    for entry in secret.node().pairs("stringData") {
        let key = entry.name();
        let text = entry.value.as_str().ok_or_else(|| format!("`{key}` is not text"))?;
        fields.insert(key.to_owned(), Value::new(text.as_bytes().to_vec()));
    }
    if fields.is_empty() {
        return Err("it has no values".to_owned());
    }
    match fields.iter().find(|(_, value)| value.expose_text().is_none()) {
        Some((key, _)) => Err(format!("the value of `{key}` is not text")),
        None => Ok(fields),
    }
}
