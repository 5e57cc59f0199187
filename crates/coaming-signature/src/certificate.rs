//! Certificates that bind a key to an identity for a few minutes, as Fulcio issues them.

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;

use crate::key::PublicKey;
use crate::signed::Unverified;
use crate::trust::{Authority, Identity};

/// The issuer of the identity, as text in DER, and in the form of older certificates.
const ISSUER: &str = "1.3.6.1.4.1.57264.1.8";
const OLD_ISSUER: &str = "1.3.6.1.4.1.57264.1.1";

/// How long a chain may be, without the root.
const DEPTH: usize = 4;

/// Parses a certificate, of which nothing must be left.
pub(crate) fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Some(certificate),
        _ => None,
    }
}

/// The identity of the user's that a certificate is about: `NAME (ISSUER)`.
pub(crate) fn identity(
    certificate: &X509Certificate<'_>,
    identities: &[Identity],
) -> Result<String, Unverified> {
    let issuer = issuer(certificate).ok_or(Unverified::Certificate("names no issuer"))?;
    let names = names(certificate);
    let known = identities.iter().find(|it| it.issuer == issuer && names.contains(&it.name));
    match known {
        Some(Identity { name, issuer }) => Ok(format!("{name} ({issuer})")),
        None => Err(Unverified::OtherIdentity { names: names.join(", "), issuer }),
    }
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    let names = extension.value.general_names.iter();
    names
        .filter_map(|name| match name {
            GeneralName::RFC822Name(text) | GeneralName::URI(text) => Some((*text).to_owned()),
            _ => None,
        })
        .take(100)
        .collect()
}

fn issuer(certificate: &X509Certificate<'_>) -> Option<String> {
    let value = |oid: &str| {
        let extensions = certificate.extensions().iter();
        extensions.clone().find(|it| it.oid.to_id_string() == oid).map(|it| it.value)
    };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    match value(ISSUER) {
        Some(der) => text(utf8_string(der)?),
        None => text(value(OLD_ISSUER)?),
    }
}

/// The bytes of a UTF8String in DER.
fn utf8_string(der: &[u8]) -> Option<&[u8]> {
    let (&[0x0c, length], rest) = der.split_first_chunk::<2>()? else { return None };
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        _ => return None,
    };
    (rest.len() == length).then_some(rest)
}

/// Checks that a certificate for signing code leads to an authority, and was valid at a time.
pub(crate) fn check_chain(
    leaf: &X509Certificate<'_>,
    chain: &[Vec<u8>],
    authorities: &[Authority],
    seconds: i64,
) -> Result<(), Unverified> {
    let signs_code =
        leaf.extended_key_usage().ok().flatten().is_some_and(|usage| usage.value.code_signing);
    if !signs_code || leaf.is_ca() {
        return Err(Unverified::Certificate("is not one for signing code"));
    }
    let time = ASN1Time::from_timestamp(seconds)
        .map_err(|_| Unverified::Certificate("was logged at an impossible time"))?;
    if !leaf.validity().is_valid_at(time) {
        return Err(Unverified::Certificate("was not valid when the signature was logged"));
    }
    let trusted: Vec<X509Certificate<'_>> =
        authorities.iter().filter_map(|it| parse(&it.certificate)).collect();
    let between: Vec<X509Certificate<'_>> =
        chain.iter().take(DEPTH).filter_map(|der| parse(der)).collect();
    if leads_to(leaf, &between, &trusted, time, 0) {
        return Ok(());
    }
    Err(Unverified::Certificate("does not lead to an authority of the trusted root"))
}

fn leads_to(
    certificate: &X509Certificate<'_>,
    between: &[X509Certificate<'_>],
    trusted: &[X509Certificate<'_>],
    time: ASN1Time,
    depth: usize,
) -> bool {
    let issues = |parent: &X509Certificate<'_>| is_issued_by(certificate, parent, time);
    trusted.iter().any(issues)
        || depth < DEPTH
            && between
                .iter()
                .any(|parent| issues(parent) && leads_to(parent, between, trusted, time, depth + 1))
}

fn is_issued_by(
    certificate: &X509Certificate<'_>,
    parent: &X509Certificate<'_>,
    time: ASN1Time,
) -> bool {
    certificate.issuer().as_raw() == parent.subject().as_raw()
        && parent.is_ca()
        && parent.validity().is_valid_at(time)
        && PublicKey::of_info(parent.public_key()).is_ok_and(|key| {
            key.verifies_certificate(
                &certificate.signature_algorithm.algorithm.to_id_string(),
                certificate.tbs_certificate.as_ref(),
                &certificate.signature_value.data,
            )
        })
}
