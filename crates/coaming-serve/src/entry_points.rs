//! The entry points of images, for pods whose programs a launcher starts and that name no command.
//!
//! Only images that a SecretGrant names are asked for.

use std::time::Duration;

use coaming_oci::{Platform, Reference};
use coaming_registry::{RegistryClient, RegistryError};
use coaming_vault::{EntryPoint, EntryPoints};
use serde::Deserialize;

use crate::registries::{Fact, Facts, Missing};

/// The largest configuration of an image.
const MAX_CONFIG: u64 = 1 << 20;

impl Fact for EntryPoint {
    const FRESH: Duration = Duration::from_secs(300);

    async fn read(registry: &RegistryClient, image: &Reference) -> Result<Self, String> {
        let shown = |error: RegistryError| error.to_string();
        let manifest = registry.image(image, Some(&Platform::host())).await.map_err(shown)?;
        let config = registry.small_blob(image, &manifest.config, MAX_CONFIG).await;
        parse(&config.map_err(shown)?)
    }
}

impl EntryPoints for Facts<EntryPoint> {
    fn entry_point(&self, image: &str) -> Result<EntryPoint, String> {
        let reference =
            Reference::parse(image).map_err(|error| format!("{error}; name the `command`"))?;
        self.get(&reference.or_latest()).map_err(|missing| match missing {
            Missing::Asked => WAIT.to_owned(),
            Missing::Failed(reason) => format!("{reason}; name the `command`"),
        })
    }
}

/// Why an entry point is not known that is being asked for.
const WAIT: &str = "its registry is being asked; try again, or name the `command`";

/// The entry point in the configuration of an image.
fn parse(config: &[u8]) -> Result<EntryPoint, String> {
    #[derive(Default, Deserialize)]
    struct Document {
        config: Option<Settings>,
    }
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Settings {
        entrypoint: Option<Vec<String>>,
        cmd: Option<Vec<String>>,
    }
    let document: Document = serde_json::from_slice(config)
        .map_err(|error| format!("its configuration is not valid: {error}"))?;
    let settings = document.config.unwrap_or_default();
    Ok(EntryPoint {
        command: settings.entrypoint.unwrap_or_default(),
        arguments: settings.cmd.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_are_read() {
        let read = |text: &str| parse(text.as_bytes());
        assert_eq!(read("{}"), Ok(EntryPoint::default()));
        assert_eq!(read(r#"{"config": null}"#), Ok(EntryPoint::default()));
        let both =
            read(r#"{"config": {"Entrypoint": ["/a"], "Cmd": ["b"], "User": "1"}}"#).unwrap();
        assert_eq!((both.command, both.arguments), (vec!["/a".into()], vec!["b".into()]));
        assert!(read(r#"{"config": {"Cmd": 7}}"#).unwrap_err().contains("not valid"));
    }
}
