//! How to reach registries: for every command that talks to them.

use std::path::PathBuf;

use clap::Args;
use coaming_config::Config;
use coaming_registry::Options;

/// How to reach registries. `registries:` in `coaming.yaml` has the same settings.
#[derive(Clone, Debug, Default, Args)]
pub struct RegistryArguments {
    /// Trust the CA certificates in this file (PEM), in addition to the system's.
    #[arg(long, value_name = "FILE", help_heading = "Registries")]
    pub ca: Vec<PathBuf>,

    /// Use plain HTTP for this registry (`HOST:PORT`). Always allowed for localhost.
    #[arg(long, value_name = "HOST", help_heading = "Registries")]
    pub plain_http: Vec<String>,

    /// Ask this mirror before the registry: `docker.io=mirror.example.com/hub`.
    #[arg(long, value_name = "REGISTRY=MIRROR", value_parser = mirror, help_heading = "Registries")]
    pub mirror: Vec<(String, String)>,
}

fn mirror(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((registry, mirror)) if !registry.is_empty() && !mirror.is_empty() => {
            Ok((registry.to_owned(), mirror.to_owned()))
        }
        _ => Err("expected `REGISTRY=MIRROR`, such as `docker.io=mirror.example.com`".to_owned()),
    }
}

impl RegistryArguments {
    /// The settings of the arguments and the configuration together.
    #[must_use]
    pub fn options(&self, config: &Config) -> Options {
        let access = &config.registry_access;
        let http = coaming_http::Options {
            ca: access.ca.iter().map(PathBuf::from).chain(self.ca.iter().cloned()).collect(),
            plain_http: access.plain_http.iter().chain(&self.plain_http).cloned().collect(),
            ..coaming_http::Options::default()
        };
        let mut options = Options { http, ..Options::default() };
        for (registry, mirror) in &self.mirror {
            options.mirrors.entry(registry.clone()).or_default().push(mirror.clone());
        }
        for (registry, mirrors) in &access.mirrors {
            options.mirrors.entry(registry.clone()).or_default().extend(mirrors.iter().cloned());
        }
        options
    }
}
