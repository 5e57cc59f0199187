//! What is signed, and by whom: read from envelopes, bundles and annotations, and verified.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::key::PublicKey;
use crate::log::{About, Entry};
use crate::trust::Trust;
use crate::{base64, certificate};

/// The largest payload, in bytes.
const MAX_PAYLOAD: usize = 64 << 20;
/// The most signatures of one document, and log entries of one signature.
const MAX_SIGNATURES: usize = 16;

/// Why a signature does not count. Text in it may be from strangers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// The user names no keys and no identities.
    #[error("no key or identity was given to verify it with")]
    NoTrust,
    /// There is no signature.
    #[error("it is not signed")]
    NotSigned,
    /// No key fits, and there is no certificate.
    #[error("it is signed by none of the given keys")]
    OtherKey,
    /// The certificate names somebody else.
    #[error("it is signed by {names} ({issuer})")]
    OtherIdentity {
        /// Who it names.
        names: String,
        /// Who vouches for them.
        issuer: String,
    },
    /// The certificate does not count.
    #[error("its certificate {0}")]
    Certificate(&'static str),
    /// No log of the trusted root proves when it was signed.
    #[error("no log of the trusted root proves when it was signed")]
    NoTime,
    /// What proves when it was signed has a form that is not supported.
    #[error("when it was signed is proven by {0}, which is not supported")]
    UnsupportedTime(&'static str),
    /// It is valid, and about something else.
    #[error("it is about another image")]
    OtherSubject,
}

/// What is next to a signature in the annotations of a layer, as cosign writes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotations<'a> {
    /// `dev.cosignproject.cosign/signature`: in base64.
    pub signature: Option<&'a str>,
    /// `dev.sigstore.cosign/certificate`: in PEM.
    pub certificate: Option<&'a str>,
    /// `dev.sigstore.cosign/chain`: in PEM.
    pub chain: Option<&'a str>,
    /// `dev.sigstore.cosign/bundle`: the log's entry.
    pub bundle: Option<&'a str>,
}

impl<'a> Annotations<'a> {
    /// Those of cosign among the annotations of a layer.
    #[must_use]
    pub fn of(annotations: &'a BTreeMap<String, String>) -> Self {
        let text = |key: &str| annotations.get(key).map(String::as_str);
        Self {
            signature: text("dev.cosignproject.cosign/signature"),
            certificate: text("dev.sigstore.cosign/certificate"),
            chain: text("dev.sigstore.cosign/chain"),
            bundle: text("dev.sigstore.cosign/bundle"),
        }
    }
}

/// What cosign states when it signs an image in a bundle.
const IMAGE_SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";

/// A signature with what verifies it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Signature {
    bytes: Vec<u8>,
    certificate: Option<Vec<u8>>,
    chain: Vec<Vec<u8>>,
    entries: Vec<Entry>,
    /// What else says when it was signed, but cannot be verified.
    unsupported: Option<&'static str>,
}

/// A document with its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// What is signed: for an envelope, more than the payload.
    message: Vec<u8>,
    /// Where the payload starts in it.
    payload_start: usize,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    #[serde(default)]
    payload_type: String,
    #[serde(default)]
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Deserialize)]
struct EnvelopeSignature {
    #[serde(default)]
    sig: String,
}

/// An envelope, or a bundle with one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    dsse_envelope: Option<Envelope>,
    #[serde(default)]
    verification_material: Material,
    payload: Option<String>,
    #[serde(default)]
    payload_type: String,
    #[serde(default)]
    signatures: Vec<EnvelopeSignature>,
}

/// What a payload says about its subject. What it states, such as a whole SBOM, is not kept.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Payload {
    predicate_type: Value,
    subject: Value,
    critical: Value,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Material {
    certificate: Option<RawBytes>,
    x509_certificate_chain: Option<Certificates>,
    tlog_entries: Vec<BundleEntry>,
    timestamp_verification_data: Timestamps,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Timestamps {
    rfc3161_timestamps: Vec<Value>,
}

impl Material {
    /// What proves the time of a signature in a form that is not supported.
    fn unsupported(&self) -> Option<&'static str> {
        if !self.timestamp_verification_data.rfc3161_timestamps.is_empty() {
            return Some("a timestamp by RFC 3161");
        }
        let is_promised =
            |entry: &BundleEntry| entry.inclusion_promise.get("signedEntryTimestamp").is_some();
        let is_new = !self.tlog_entries.is_empty() && !self.tlog_entries.iter().any(is_promised);
        is_new.then_some("a log that signs only checkpoints (Rekor 2)")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawBytes {
    raw_bytes: String,
}

#[derive(Deserialize)]
struct Certificates {
    certificates: Vec<RawBytes>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct BundleEntry {
    log_index: Value,
    log_id: Value,
    integrated_time: Value,
    inclusion_promise: Value,
    canonicalized_body: String,
}

impl Signed {
    /// Reads an envelope of DSSE or a Sigstore bundle; `None` if it is neither.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let document: Document = serde_json::from_slice(bytes).ok()?;
        let material = document.verification_material;
        let (payload_type, signatures) = (document.payload_type, document.signatures);
        let bare = document.payload.map(|payload| Envelope { payload, payload_type, signatures });
        let envelope = document.dsse_envelope.or(bare)?;
        let unsupported = material.unsupported();
        let payload = base64(&envelope.payload).filter(|it| it.len() <= MAX_PAYLOAD)?;
        let chain: Vec<Vec<u8>> = material
            .x509_certificate_chain
            .into_iter()
            .flat_map(|chain| chain.certificates)
            .chain(material.certificate)
            .filter_map(|it| base64(&it.raw_bytes))
            .take(MAX_SIGNATURES)
            .collect();
        let entries: Vec<Entry> =
            material.tlog_entries.iter().take(MAX_SIGNATURES).filter_map(entry).collect();
        let signatures = envelope.signatures.iter().take(MAX_SIGNATURES).map(|it| Signature {
            bytes: base64(&it.sig).unwrap_or_default(),
            certificate: chain.first().cloned(),
            chain: chain.get(1..).unwrap_or_default().to_vec(),
            entries: entries.clone(),
            unsupported,
        });
        let head = pre_authentication(&envelope.payload_type, &payload);
        Some(Self {
            message: [head.as_bytes(), &payload].concat(),
            payload_start: head.len(),
            signatures: signatures.collect(),
        })
    }

    /// Adds what cosign writes into the annotations of an attestation's layer.
    #[must_use]
    pub fn with_annotations(mut self, annotations: &Annotations<'_>) -> Self {
        let certificate = annotations.certificate.and_then(certificates).and_then(first);
        for signature in &mut self.signatures {
            if signature.certificate.is_none() {
                signature.certificate.clone_from(&certificate);
                signature.chain = annotations.chain.and_then(certificates).unwrap_or_default();
                signature.entries.extend(annotations.bundle.and_then(cosign_entry));
            }
        }
        self
    }

    /// The signature of an image as cosign attaches it: `payload` is a layer, which names the image.
    #[must_use]
    pub fn of_image(payload: &[u8], annotations: &Annotations<'_>) -> Self {
        let signature = annotations.signature.and_then(base64).map(|bytes| Signature {
            bytes,
            certificate: annotations.certificate.and_then(certificates).and_then(first),
            chain: annotations.chain.and_then(certificates).unwrap_or_default(),
            entries: annotations.bundle.and_then(cosign_entry).into_iter().collect(),
            unsupported: None,
        });
        Self {
            message: payload.to_vec(),
            payload_start: 0,
            signatures: signature.into_iter().collect(),
        }
    }

    /// Who signed it, if it is somebody that the user trusts, and it is about one of these digests
    /// (`sha256:…`).
    ///
    /// # Errors
    ///
    /// Why it does not count.
    pub fn verify(&self, trust: &Trust, digests: &[String]) -> Result<String, Unverified> {
        let mut reason = Unverified::NotSigned;
        if trust.is_empty() {
            return Err(Unverified::NoTrust);
        }
        for signature in &self.signatures {
            match self.signer(signature, trust) {
                Ok(signer) => {
                    let is_about = self.subjects().iter().any(|it| digests.contains(it));
                    return if is_about { Ok(signer) } else { Err(Unverified::OtherSubject) };
                }
                Err(error) => reason = error,
            }
        }
        Err(reason)
    }

    fn payload(&self) -> &[u8] {
        self.message.get(self.payload_start..).unwrap_or_default()
    }

    fn signer(&self, signature: &Signature, trust: &Trust) -> Result<String, Unverified> {
        let fits = |key: &PublicKey| key.verifies(&self.message, &signature.bytes);
        if let Some((name, _)) = trust.keys.iter().find(|(_, key)| fits(key)) {
            return Ok(format!("the key {name}"));
        }
        let der = signature.certificate.as_deref().ok_or(Unverified::OtherKey)?;
        let leaf = certificate::parse(der).ok_or(Unverified::Certificate("is malformed"))?;
        if !PublicKey::of_info(leaf.public_key()).is_ok_and(|key| fits(&key)) {
            return Err(Unverified::Certificate("is not that of the signature"));
        }
        if trust.identities.is_empty() {
            return Err(Unverified::OtherKey);
        }
        let signer = certificate::identity(&leaf, &trust.identities)?;
        let about = About { contents: self.payload(), signature: &signature.bytes };
        let entry = signature.entries.iter().find(|entry| entry.proves(&trust.logs, &about));
        let no_time =
            || signature.unsupported.map_or(Unverified::NoTime, Unverified::UnsupportedTime);
        let seconds = entry.ok_or_else(no_time)?.seconds;
        certificate::check_chain(&leaf, &signature.chain, &trust.authorities, seconds)?;
        Ok(signer)
    }

    /// Whether its payload is a statement that signs an image, and says nothing else.
    #[must_use]
    pub fn is_of_image_alone(&self) -> bool {
        let payload: Payload = serde_json::from_slice(self.payload()).unwrap_or_default();
        payload.predicate_type.as_str() == Some(IMAGE_SIGNATURE)
    }

    /// The digests that the payload is about: the subjects of a statement of in-toto, or the image of
    /// cosign's signature.
    fn subjects(&self) -> Vec<String> {
        let payload: Payload = serde_json::from_slice(self.payload()).unwrap_or_default();
        let image = payload.critical.pointer("/image/docker-manifest-digest");
        let subjects = payload.subject.as_array().into_iter().flatten();
        subjects
            .filter_map(|subject| subject.pointer("/digest/sha256")?.as_str())
            .map(|hex| format!("sha256:{hex}"))
            .chain(image.and_then(Value::as_str).map(str::to_owned))
            .collect()
    }
}

/// What a signature of DSSE is about before the payload: the type, and the length of each.
fn pre_authentication(kind: &str, payload: &[u8]) -> String {
    format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len())
}

/// Numbers of 64 bits are texts in the JSON of protocol buffers.
fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn entry(entry: &BundleEntry) -> Option<Entry> {
    let text = |value: &Value, key: &str| value.get(key)?.as_str().and_then(base64);
    Some(Entry {
        body: entry.canonicalized_body.clone(),
        seconds: number(&entry.integrated_time)?,
        log: base16ct::lower::encode_string(&text(&entry.log_id, "keyId")?),
        index: number(&entry.log_index)?,
        signature: text(&entry.inclusion_promise, "signedEntryTimestamp")?,
    })
}

/// The log's entry in an annotation.
fn cosign_entry(text: &str) -> Option<Entry> {
    let value: Value = serde_json::from_str(text).ok()?;
    let payload = value.get("Payload")?;
    Some(Entry {
        body: payload.get("body")?.as_str()?.to_owned(),
        seconds: number(payload.get("integratedTime")?)?,
        log: payload.get("logID")?.as_str()?.to_owned(),
        index: number(payload.get("logIndex")?)?,
        signature: base64(value.get("SignedEntryTimestamp")?.as_str()?)?,
    })
}

/// The certificates in PEM.
fn certificates(text: &str) -> Option<Vec<Vec<u8>>> {
    x509_parser::pem::Pem::iter_from_buffer(text.as_bytes())
        .take(MAX_SIGNATURES)
        .map(|pem| pem.ok().filter(|pem| pem.label == "CERTIFICATE").map(|pem| pem.contents))
        .collect()
}

fn first(certificates: Vec<Vec<u8>>) -> Option<Vec<u8>> {
    certificates.into_iter().next()
}
