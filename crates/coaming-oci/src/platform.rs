//! Platforms: which machines an image is built for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use crate::quote::quote;

/// Which machines an image is built for: `linux/arm64`, `linux/arm/v7`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Platform {
    /// `linux`.
    #[serde(default)]
    pub os: String,
    /// `amd64`.
    #[serde(default)]
    pub architecture: String,
    /// `v7`; `None` where there is only one, or any will do.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "not_empty")]
    pub variant: Option<String>,
}

/// A text is not a platform.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a valid platform: write OS/ARCHITECTURE[/VARIANT], such as linux/arm64")]
pub struct PlatformError(String);

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|variant| !variant.is_empty()))
}

impl Platform {
    /// Linux on this machine's processor.
    #[must_use]
    pub fn host() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "powerpc64" => "ppc64le",
            other => other,
        };
        Self { os: "linux".into(), architecture: architecture.into(), variant: None }
    }

    /// Whether an image for `offered` runs where this platform is asked for.
    #[must_use]
    pub fn accepts(&self, offered: &Self) -> bool {
        self.os == offered.os
            && self.architecture == offered.architecture
            && (self.variant.is_none() || self.variant == offered.variant)
    }

    /// Whether it marks an attestation, which is listed beside the image that it is about.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.os == "unknown"
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    /// Reads `os/architecture` or `os/architecture/variant`.
    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let mut parts = text.split('/').map(str::to_owned);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(os), Some(architecture), variant, None)
                if !os.is_empty() && !architecture.is_empty() =>
            {
                let variant = variant.filter(|variant| !variant.is_empty());
                Ok(Self { os, architecture, variant })
            }
            _ => Err(PlatformError(quote(text))),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms() {
        let arm: Platform = "linux/arm64/v8".parse().unwrap();
        assert_eq!(arm.to_string(), "linux/arm64/v8");
        assert!("linux/arm64".parse::<Platform>().unwrap().accepts(&arm));
        assert!(!arm.accepts(&"linux/arm64".parse().unwrap()));
        for bad in ["", "linux", "/", "a/b/c/d", "/amd64"] {
            assert!(bad.parse::<Platform>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_empty_variant_is_none() {
        for json in [
            r#"{"os":"linux","architecture":"arm","variant":""}"#,
            r#"{"os":"linux","architecture":"arm","variant":null}"#,
            r#"{"os":"linux","architecture":"arm","os.version":"1"}"#,
        ] {
            let platform: Platform = serde_json::from_str(json).unwrap();
            assert_eq!(platform, "linux/arm/".parse().unwrap(), "{json}");
        }
    }
}
