//! How to reach registries: for every command that talks to them.

use clap::Args;
use coaming_config::Config;
use coaming_scan::RemoteImages;

// How to reach registries. `registries:` in `coaming.yaml` has the same settings.
#[derive(Clone, Debug, Default, Args)]
pub struct RegistryArguments {
    /// Trust the CA certificates in this file (PEM), in addition to the system's.
    #[cfg(feature = "registry")]
    #[arg(long, value_name = "FILE", help_heading = "Registries")]
    pub ca: Vec<std::path::PathBuf>,

    /// Use plain HTTP for this registry (`HOST:PORT`). Always allowed for localhost.
    #[cfg(feature = "registry")]
    #[arg(long, value_name = "HOST", help_heading = "Registries")]
    pub plain_http: Vec<String>,

    /// Ask this mirror before the registry: `docker.io=mirror.example.com/hub`.
    #[cfg(feature = "registry")]
    #[arg(long, value_name = "REGISTRY=MIRROR", value_parser = mirror, help_heading = "Registries")]
    pub mirror: Vec<(String, String)>,
}

#[cfg(feature = "registry")]
fn mirror(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((registry, mirror)) if !registry.is_empty() && !mirror.is_empty() => {
            Ok((registry.to_owned(), mirror.to_owned()))
        }
        _ => Err("expected `REGISTRY=MIRROR`, such as `docker.io=mirror.example.com`".to_owned()),
    }
}

#[cfg(feature = "registry")]
impl RegistryArguments {
    /// The settings of the arguments and the configuration together.
    #[must_use]
    pub fn options(&self, config: &Config) -> coaming_registry::Options {
        let access = &config.registry_access;
        let ca = access.ca.iter().map(std::path::PathBuf::from);
        let http = coaming_http::Options {
            ca: ca.chain(self.ca.iter().cloned()).collect(),
            plain_http: access.plain_http.iter().chain(&self.plain_http).cloned().collect(),
            ..coaming_http::Options::default()
        };
        let mut options = coaming_registry::Options { http, ..Default::default() };
        for (registry, mirror) in &self.mirror {
            options.mirrors.entry(registry.clone()).or_default().push(mirror.clone());
        }
        for (registry, mirrors) in &access.mirrors {
            options.mirrors.entry(registry.clone()).or_default().extend(mirrors.iter().cloned());
        }
        options
    }

    /// The images in registries.
    pub fn images(&self, config: &Config) -> Option<Box<dyn RemoteImages>> {
        Some(Box::new(coaming_scan::RegistryImages { options: self.options(config) }))
    }
}

#[cfg(not(feature = "registry"))]
impl RegistryArguments {
    /// Without the feature, only images on this machine are read.
    pub fn images(&self, _: &Config) -> Option<Box<dyn RemoteImages>> {
        None
    }
}
