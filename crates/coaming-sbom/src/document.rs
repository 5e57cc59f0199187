//! A document of any supported format: recognized and parsed once, then asked for what it holds.

use std::io::{BufRead, BufReader, Read};

use serde::Deserialize;

use crate::lenient::{self, Lenient};
use crate::{
    Sbom, csaf, cyclonedx, envelope, openvex, snapshot, spdx, spdx_text, spdx3, syft, utf16, vex,
};

/// The largest document that is read, in bytes.
pub const MAX_SBOM: usize = 512 << 20;

/// How much of a stream is read at once.
const STREAM_BUFFER: usize = 64 << 10;

/// Why a document cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It has more bytes than any genuine document of its kind.
    #[error("is larger than {} MiB", limit >> 20)]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// It has more packages or statements than any genuine document.
    #[error("has more than {limit} {what}")]
    TooMany {
        /// What there are too many of: `packages`, `statements`.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// It is not JSON, or a field has the wrong type.
    #[error("is not a well-formed document in JSON: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It starts like CycloneDX in XML and is not well-formed.
    #[error("is not a well-formed document in XML: {0}")]
    MalformedXml(String),
    /// An envelope around the document cannot be opened.
    #[error("is an envelope whose content cannot be read: {0}")]
    Envelope(&'static str),
    /// It has several documents of which none is the one that is meant.
    #[error("holds several documents: split it, and give the one that is meant")]
    Several,
    /// It was read as an SBOM, and is JSON of another kind.
    #[error("is not an SBOM: expected CycloneDX, SPDX, syft's JSON or a snapshot for GitHub")]
    NotAnSbom,
    /// It was read as VEX, and is JSON of another kind.
    #[error(
        "is not a VEX document: expected OpenVEX (`@context` and `statements`), CycloneDX \
         (`bomFormat`) or CSAF (`document`)"
    )]
    NotVex,
    /// It is of none of the supported formats.
    #[error(
        "has an unknown format: expected CycloneDX (`bomFormat`), SPDX (`spdxVersion`), syft's \
         JSON (`artifacts`), OpenVEX (`statements`) or CSAF (`document`)"
    )]
    UnknownFormat,
}

/// The supported formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// CycloneDX: packages, vulnerabilities, VEX statements.
    CycloneDx,
    /// SPDX: packages.
    Spdx,
    /// syft's own JSON: packages.
    Syft,
    /// A snapshot of dependencies for GitHub: packages.
    Snapshot,
    /// OpenVEX: statements.
    OpenVex,
    /// CSAF: statements.
    Csaf,
}

/// A parsed document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document(Content);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    CycloneDx(Box<cyclonedx::Document>),
    Spdx(Vec<spdx::Package>),
    Syft(Box<syft::Document>),
    Snapshot(Vec<snapshot::Manifest>),
    OpenVex(openvex::Document),
    Csaf(Box<csaf::Document>),
}

/// The fields of all formats. One pass reads them; a second one, only to recognize the format,
/// would cost as much as the first on a large document.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Root {
    bom_format: Option<String>,
    spdx_version: Option<String>,
    #[serde(default)]
    metadata: Option<cyclonedx::Metadata>,
    #[serde(default, deserialize_with = "lenient::counted")]
    components: Vec<cyclonedx::Component>,
    /// Of CycloneDX and of CSAF, which share no other field of them.
    #[serde(default, deserialize_with = "lenient::counted_option")]
    vulnerabilities: Option<Vec<Lenient<AnyVulnerability>>>,
    #[serde(default, deserialize_with = "lenient::counted")]
    packages: Vec<spdx::Package>,
    #[serde(default, deserialize_with = "lenient::counted_option")]
    statements: Option<Vec<Lenient<openvex::Statement>>>,
    #[serde(default, deserialize_with = "lenient::text")]
    author: String,
    #[serde(default, deserialize_with = "lenient::text")]
    timestamp: String,
    #[serde(default, deserialize_with = "lenient::counted_option")]
    artifacts: Option<Vec<Lenient<syft::Artifact>>>,
    distro: Option<Lenient<syft::Distro>>,
    /// Of a snapshot, which has a `detector` beside them.
    #[serde(default, deserialize_with = "lenient::counted_values_option")]
    manifests: Option<Vec<snapshot::Manifest>>,
    detector: Option<serde::de::IgnoredAny>,
    #[serde(rename = "@graph", default, deserialize_with = "lenient::counted_option")]
    graph: Option<Vec<Lenient<spdx3::Element>>>,
    document: Option<Lenient<csaf::Header>>,
    #[serde(rename = "product_tree")]
    product_tree: Option<Lenient<csaf::ProductTree>>,
    /// GitHub wraps what it exports.
    sbom: Option<Box<Root>>,
    /// Docker's `buildx imagetools inspect` wraps what it shows.
    #[serde(rename = "SPDX")]
    spdx: Option<Box<Root>>,
    /// GitHub's `gh attestation verify` wraps bundles.
    attestation: Option<Box<Root>>,
    bundle: Option<Box<Root>>,
    #[serde(default, deserialize_with = "lenient::text")]
    predicate_type: String,
    predicate: Option<Predicate>,
    /// Older versions of cosign put the document of a predicate into this field.
    #[serde(rename = "Data")]
    data: Option<Predicate>,
    payload: Option<String>,
    payload_type: Option<String>,
    /// In a Sigstore bundle.
    dsse_envelope: Option<envelope::Dsse>,
}

/// What a statement of in-toto says: a document, or its text.
enum Predicate {
    Document(Box<Root>),
    Text(String),
}

impl<'de> Deserialize<'de> for Predicate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> serde::de::Visitor<'de> for Either {
            type Value = Predicate;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a document or its text")
            }

            fn visit_str<E>(self, text: &str) -> Result<Predicate, E> {
                Ok(Predicate::Text(text.to_owned()))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                map: A,
            ) -> Result<Predicate, A::Error> {
                let fields = serde::de::value::MapAccessDeserializer::new(map);
                Root::deserialize(fields).map(|root| Predicate::Document(Box::new(root)))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// A vulnerability of either format.
#[derive(Clone, Debug, Default, Deserialize)]
struct AnyVulnerability {
    #[serde(flatten)]
    cyclonedx: cyclonedx::Vulnerability,
    #[serde(flatten)]
    csaf: csaf::Vulnerability,
}

impl Document {
    /// Reads a document, also one in the envelope of an attestation: in-toto, DSSE, a Sigstore
    /// bundle. Signatures are not verified here.
    ///
    /// # Errors
    ///
    /// If it is larger than [`MAX_SBOM`], is not well-formed, or has none of the supported formats.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        Self::read_nested(bytes, 0)
    }

    /// Reads a document from a stream: a large one takes less memory than as a whole.
    ///
    /// # Errors
    ///
    /// Those of [`Self::read`], and if the stream fails.
    pub fn read_stream(stream: impl Read) -> Result<Self, ReadError> {
        let bounded = stream.take(MAX_SBOM as u64);
        Self::read_buffered(BufReader::with_capacity(STREAM_BUFFER, bounded), 0)
    }

    fn read_buffered(mut reader: impl BufRead, depth: usize) -> Result<Self, ReadError> {
        let start = reader.fill_buf().map_err(serde_json::Error::io)?;
        if start.starts_with(b"\xef\xbb\xbf") {
            reader.consume(3);
        }
        let start = reader.fill_buf().map_err(serde_json::Error::io)?.trim_ascii_start();
        if utf16::is_start(start) {
            return Self::read_nested(&utf16::read(reader)?, depth);
        }
        if start.starts_with(b"<") {
            return Ok(Self(Content::CycloneDx(Box::new(cyclonedx::xml::read(reader)?))));
        }
        if spdx_text::is_start(start) {
            return Ok(Self(Content::Spdx(spdx_text::read(reader)?)));
        }
        lenient::start_count();
        if start.starts_with(b"[") {
            let documents: Vec<Root> = serde_json::from_reader(reader)?;
            return Self::of_values(documents.into_iter().map(Ok), depth);
        }
        Self::of_values(serde_json::Deserializer::from_reader(reader).into_iter(), depth)
    }

    /// The document among several: in lines, as `cosign download attestation` and `gh attestation
    /// download` write them, or in a list, as `gh attestation verify` does.
    fn of_values(
        values: impl Iterator<Item = serde_json::Result<Root>>,
        depth: usize,
    ) -> Result<Self, ReadError> {
        let (mut found, mut is_empty) = (None, true);
        for value in values {
            is_empty = false;
            match Self::of(value?, depth) {
                Ok(_) if found.is_some() => return Err(ReadError::Several),
                Ok(document) => found = Some(document),
                // An attestation about how the image was built, for example.
                Err(ReadError::UnknownFormat) => {}
                Err(error) => return Err(error),
            }
        }
        if is_empty {
            return Err(serde_json::Error::io(std::io::ErrorKind::UnexpectedEof.into()).into());
        }
        found.ok_or(ReadError::UnknownFormat)
    }

    fn read_nested(bytes: &[u8], depth: usize) -> Result<Self, ReadError> {
        if bytes.len() > MAX_SBOM {
            return Err(ReadError::TooLarge { limit: MAX_SBOM });
        }
        if bytes.trim_ascii_start().starts_with(b"{") {
            // The parser is faster on a whole text.
            lenient::start_count();
            let values = serde_json::Deserializer::from_slice(bytes).into_iter();
            return Self::of_values(values, depth);
        }
        Self::read_buffered(bytes, depth)
    }

    fn of(mut root: Root, depth: usize) -> Result<Self, ReadError> {
        if root.bom_format.as_deref() == Some("CycloneDX") {
            let vulnerabilities = root.vulnerabilities.unwrap_or_default().into_iter();
            return Ok(Self(Content::CycloneDx(Box::new(cyclonedx::Document {
                metadata: root.metadata.unwrap_or_default(),
                components: root.components,
                vulnerabilities: vulnerabilities
                    .map(|each| Lenient(each.0.map(|each| each.cyclonedx)))
                    .collect(),
            }))));
        }
        if root.spdx_version.is_some_and(|version| version.starts_with("SPDX-2")) {
            return Ok(Self(Content::Spdx(root.packages)));
        }
        if let Some(elements) = root.graph {
            return Ok(Self(Content::Spdx(spdx3::packages(elements))));
        }
        if let Some(artifacts) = root.artifacts {
            let distro = root.distro.and_then(|distro| distro.0).unwrap_or_default();
            return Ok(Self(Content::Syft(Box::new(syft::Document { artifacts, distro }))));
        }
        if let Some(manifests) = root.manifests.filter(|_| root.detector.is_some()) {
            return Ok(Self(Content::Snapshot(manifests)));
        }
        if let Some(statements) = root.statements {
            let (author, timestamp) = (root.author, root.timestamp);
            return Ok(Self(Content::OpenVex(openvex::Document { author, timestamp, statements })));
        }
        if let Some(Lenient(Some(header))) = root.document.take().filter(csaf::is_header) {
            let vulnerabilities = root.vulnerabilities.unwrap_or_default().into_iter();
            return Ok(Self(Content::Csaf(Box::new(csaf::Document {
                header,
                product_tree: root.product_tree.and_then(|tree| tree.0).unwrap_or_default(),
                vulnerabilities: vulnerabilities
                    .map(|each| Lenient(each.0.map(|each| each.csaf)))
                    .collect(),
            }))));
        }
        if depth >= envelope::DEPTH {
            return Err(ReadError::UnknownFormat);
        }
        if let Some(inner) = root.sbom.or(root.spdx).or(root.attestation).or(root.bundle) {
            return Self::of(*inner, depth + 1);
        }
        let (payload, payload_type) = (root.payload, root.payload_type);
        let bare = payload.zip(payload_type).map(|(payload, _)| envelope::Dsse { payload });
        if let Some(envelope) = root.dsse_envelope.or(bare) {
            return Self::read_nested(&envelope.open()?, depth + 1);
        }
        let is_statement = !root.predicate_type.is_empty();
        match root.predicate.filter(|_| is_statement).or(root.data) {
            Some(predicate) => match predicate {
                Predicate::Text(text) => Self::read_nested(text.as_bytes(), depth + 1),
                Predicate::Document(inner) => Self::of(*inner, depth + 1),
            },
            None => Err(ReadError::UnknownFormat),
        }
    }

    /// Its format.
    #[must_use]
    pub fn format(&self) -> Format {
        match self.0 {
            Content::CycloneDx(_) => Format::CycloneDx,
            Content::Spdx(_) => Format::Spdx,
            Content::Syft(_) => Format::Syft,
            Content::Snapshot(_) => Format::Snapshot,
            Content::OpenVex(_) => Format::OpenVex,
            Content::Csaf(_) => Format::Csaf,
        }
    }

    /// The packages that it lists.
    ///
    /// # Errors
    ///
    /// If it is a VEX document that lists none, or lists more than
    /// [`MAX_PACKAGES`](crate::MAX_PACKAGES).
    pub fn into_sbom(self) -> Result<Sbom<'static>, ReadError> {
        match self.0 {
            Content::CycloneDx(document) => document.into_sbom(),
            Content::Spdx(packages) => spdx::into_sbom(packages),
            Content::Syft(document) => document.into_sbom(),
            Content::Snapshot(manifests) => snapshot::into_sbom(manifests),
            Content::OpenVex(_) | Content::Csaf(_) => Err(ReadError::NotAnSbom),
        }
    }

    /// Its statements on vulnerabilities: of a CycloneDX document, those of its vulnerabilities
    /// that have an analysis.
    ///
    /// # Errors
    ///
    /// If it is a document that has none, or has more than
    /// [`MAX_STATEMENTS`](crate::MAX_STATEMENTS).
    pub fn to_vex(&self) -> Result<vex::Document, ReadError> {
        match &self.0 {
            Content::CycloneDx(document) => document.to_vex(),
            Content::OpenVex(document) => document.to_vex(),
            Content::Csaf(document) => document.to_vex(),
            Content::Spdx(_) | Content::Syft(_) | Content::Snapshot(_) => Err(ReadError::NotVex),
        }
    }

    /// The vulnerabilities that a CycloneDX document lists and does not itself dismiss as not
    /// affected or fixed; none of other documents.
    #[must_use]
    pub fn listed_vulnerabilities(&self) -> Vec<cyclonedx::ListedVulnerability<'_>> {
        match &self.0 {
            Content::CycloneDx(document) => document.listed_vulnerabilities(),
            Content::Spdx(_)
            | Content::Syft(_)
            | Content::Snapshot(_)
            | Content::OpenVex(_)
            | Content::Csaf(_) => Vec::new(),
        }
    }
}

/// Whether a file that starts like this is an SBOM, as far as its start can tell: the order of the
/// keys in JSON means nothing, so every file in JSON may be one.
#[must_use]
pub fn is_sbom(start: &[u8]) -> bool {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    // The name of an archive's first member may start like JSON, and is padded with zeros.
    let is_text = || !start.iter().take(512).any(|&byte| byte == 0);
    let is_list = || {
        let first = start.strip_prefix(b"[").map(<[u8]>::trim_ascii_start);
        first.is_some_and(|first| first.starts_with(b"{"))
    };
    if utf16::is_start(start) {
        return is_sbom(&utf16::start(start));
    }
    ((start.starts_with(b"{") || is_list()) && is_text())
        || cyclonedx::xml::is_start(start)
        || spdx_text::is_start(start)
}
