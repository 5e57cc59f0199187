//! What others put around a document: statements of in-toto, envelopes of DSSE, Sigstore's bundles.
//! Only the document in them is read; signatures are verified elsewhere.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

use crate::ReadError;

/// How deep envelopes may nest: a statement in an envelope in a bundle, and one more.
pub(crate) const DEPTH: usize = 4;

/// The largest payload: it is in memory three times, in base64, as bytes and as a document.
const MAX_PAYLOAD: usize = 64 << 20;

/// Some tools leave out the padding.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const BASE64_URL_SAFE: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// An envelope of DSSE.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Dsse {
    pub(crate) payload: String,
}

impl Dsse {
    /// What it holds. The text is dropped, so that both are not in memory with the document.
    pub(crate) fn open(self) -> Result<Vec<u8>, ReadError> {
        let payload = &self.payload;
        if payload.len() > MAX_PAYLOAD {
            return Err(ReadError::TooLarge { limit: MAX_PAYLOAD });
        }
        let bytes = BASE64.decode(payload).or_else(|_| BASE64_URL_SAFE.decode(payload));
        bytes.map_err(|_| ReadError::Envelope("its payload is not in base64"))
    }
}
