//! The agent's configuration: stores, and the files that come from them.
//!
//! It contains no secret: a container's environment may hold it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::Parameters;

/// What an agent delivers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// The stores, by the names that [`GrantConfig::store`] uses.
    pub stores: BTreeMap<String, StoreConfig>,
    /// The grants.
    pub grants: Vec<GrantConfig>,
    /// The launcher of programs that read only their environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launcher: Option<LauncherConfig>,
    /// Where readiness, metrics and reload are served: an address of this machine alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// How long the first start waits for the stores, in seconds.
    #[serde(default = "default_deadline")]
    pub deadline_seconds: u64,
    /// How long the files stay after SIGTERM, in seconds.
    #[serde(default)]
    pub grace_seconds: u64,
}

fn default_deadline() -> u64 {
    120
}

/// Where the launcher is, and where other containers find it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LauncherConfig {
    /// The program.
    pub program: PathBuf,
    /// The directory to which it is copied before all else.
    pub directory: PathBuf,
}

/// A store, by its kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum StoreConfig {
    /// Vault or OpenBao.
    Vault(VaultConfig),
    /// A file that is encrypted with `age`.
    Age {
        /// The encrypted file.
        file: PathBuf,
        /// The file of the private key.
        identity: PathBuf,
    },
    /// AWS Secrets Manager.
    Aws(AwsConfig),
    /// Google Secret Manager.
    Google(GoogleConfig),
    /// Azure Key Vault.
    Azure(AzureConfig),
    /// Secrets of a namespace of a cluster.
    Kubernetes(ClusterConfig),
}

/// AWS Secrets Manager. Paths are names or ARNs of secrets; of a secret that is a JSON object, each
/// member is a field, and any other has the one field `value`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AwsConfig {
    /// The region: `eu-central-1`.
    pub region: String,
    /// How to log in.
    pub auth: AwsAuth,
    /// The service's address (default: the region's).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The address of STS (default: the region's).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sts_endpoint: Option<String>,
    /// CA certificates (PEM) to trust in addition to the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<String>,
}

/// A way to log in to AWS.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum AwsAuth {
    /// By a service account's token, whose issuer is an identity provider of the account.
    WebIdentity {
        /// The role.
        role_arn: String,
        /// The file of the token.
        token_file: PathBuf,
    },
    /// By EKS Pod Identity.
    PodIdentity {
        /// The address of the agent on the node (default: that of EKS).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<String>,
        /// The file of the token.
        token_file: PathBuf,
    },
}

/// Google Secret Manager. Paths are names of secrets of the project, or `projects/PROJECT/secrets/NAME`;
/// fields are as for AWS.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GoogleConfig {
    /// The project.
    pub project: String,
    /// The provider of the workload identity pool: `//iam.googleapis.com/projects/…/providers/…`.
    pub provider: String,
    /// The file of the service account's token.
    pub token_file: PathBuf,
    /// The service account of Google to act as (default: the pool's identity itself).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<String>,
    /// The service's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The address of the Security Token Service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sts_endpoint: Option<String>,
    /// The address of the service for credentials of service accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iam_endpoint: Option<String>,
    /// CA certificates (PEM) to trust in addition to the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<String>,
}

/// Azure Key Vault. Paths are names of secrets; fields are as for AWS.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AzureConfig {
    /// The vault's address: `https://shop.vault.azure.net`.
    pub vault: String,
    /// The tenant.
    pub tenant: String,
    /// The application.
    pub client_id: String,
    /// The file of the service account's token.
    pub token_file: PathBuf,
    /// The address of the login (default: that of the public cloud).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_endpoint: Option<String>,
    /// CA certificates (PEM) to trust in addition to the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<String>,
}

/// Secrets of a namespace of a cluster. Paths are their names.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterConfig {
    /// The namespace.
    pub namespace: String,
    /// The file of the service account's token.
    pub token_file: PathBuf,
    /// The API server's address (default: that of the pod's environment).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// CA certificates (PEM) of the API server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<String>,
}

/// A server of Vault or OpenBao.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VaultConfig {
    /// Its address: `https://vault.example:8200`. Plain HTTP only on this machine.
    pub address: String,
    /// The namespace in which paths and login are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// CA certificates (PEM) to trust in addition to the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<String>,
    /// How to log in.
    pub auth: Auth,
    /// How long an answer may take, in milliseconds.
    #[serde(default = "default_timeout")]
    pub timeout_milliseconds: u64,
}

fn default_timeout() -> u64 {
    10_000
}

/// A way to log in. Credentials are in files, and read at each login: they may be replaced.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Auth {
    /// By a service account's token, which the server checks with Kubernetes.
    Kubernetes {
        /// Where the method is mounted (default: `kubernetes`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mount: Option<String>,
        /// The role.
        role: String,
        /// The file of the token.
        token_file: PathBuf,
    },
    /// By a signed token, which the server checks with its issuer's keys. A JWT-SVID is one.
    Jwt {
        /// Where the method is mounted (default: `jwt`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mount: Option<String>,
        /// The role.
        role: String,
        /// The file of the token.
        token_file: PathBuf,
    },
    /// By the two parts of an application's role.
    AppRole {
        /// Where the method is mounted (default: `approle`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mount: Option<String>,
        /// The role's identifier.
        role_id: String,
        /// The file of the role's secret identifier.
        secret_id_file: PathBuf,
    },
    /// By a client certificate.
    Certificate {
        /// Where the method is mounted (default: `cert`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mount: Option<String>,
        /// The role (default: the server chooses).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<String>,
        /// The file of the certificate and its private key (PEM).
        identity_file: PathBuf,
    },
    /// By a token that was made for this program.
    Token {
        /// The file of the token.
        file: PathBuf,
    },
}

/// A grant as the agent serves it: one directory of files.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GrantConfig {
    /// Its name, in messages and metrics.
    pub name: String,
    /// The store.
    pub store: String,
    /// The directory of the files, on a file system in memory.
    pub directory: PathBuf,
    /// The files.
    pub files: Vec<FileConfig>,
    /// How often the store is asked whether a secret has changed, in seconds.
    #[serde(default = "default_refresh")]
    pub refresh_seconds: u64,
    /// The most bytes that all files have together.
    #[serde(default = "default_max_bytes")]
    pub max_bytes: u64,
    /// The files' owner (default: the agent's user).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// The files' group (default: the directory's rule, or the agent's group).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gid: Option<u32>,
}

pub(crate) fn default_refresh() -> u64 {
    60
}

pub(crate) fn default_max_bytes() -> u64 {
    1 << 20
}

/// A file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileConfig {
    /// Its name in the directory.
    pub name: String,
    /// The secret's path in the store.
    pub path: String,
    /// What is said about a secret that the store makes for this grant, such as a certificate:
    /// `common_name: web.shop`. Files with the same path and parameters are of one secret.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub parameters: Parameters,
    /// The field whose value is the file's content. Without this and a template, the file has all
    /// fields as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// A template, in which `secret` has the fields: `user={{ secret.user }}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Its mode, octal (default: `0400`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It does not have the form.
    #[error("{0}")]
    Form(#[from] serde_json::Error),
    /// A grant names a store that does not exist.
    #[error("grant `{grant}`: there is no store `{store}`")]
    NoStore {
        /// The grant.
        grant: String,
        /// The name.
        store: String,
    },
    /// A file's name is not one plain name.
    #[error("grant `{grant}`: `{name}` is not a file name: use letters, digits, `.`, `_`, `-`")]
    FileName {
        /// The grant.
        grant: String,
        /// The name.
        name: String,
    },
    /// A mode is not octal, or gives rights to everyone.
    #[error(
        "grant `{grant}`: `{mode}` is not a mode such as `0400` or `0440`: others get no rights"
    )]
    Mode {
        /// The grant.
        grant: String,
        /// The mode.
        mode: String,
    },
    /// A path cannot be that of a secret.
    #[error("grant `{grant}`: `{path}` is not a path of a secret")]
    Path {
        /// The grant.
        grant: String,
        /// The path.
        path: String,
    },
    /// A template cannot be used.
    #[error("grant `{grant}`: the template of `{name}`: {reason}")]
    Template {
        /// The grant.
        grant: String,
        /// The file.
        name: String,
        /// Why.
        reason: String,
    },
    /// Two grants have the same directory, or two files of a grant the same name.
    #[error("grant `{grant}`: `{what}` occurs twice")]
    Twice {
        /// The grant.
        grant: String,
        /// The name.
        what: String,
    },
    /// Readiness and metrics would be served to other machines.
    #[error("`listen` must be an address of this machine, such as 127.0.0.1:8205")]
    Listen,
}

impl Config {
    /// Reads and checks a configuration.
    ///
    /// # Errors
    ///
    /// See [`ConfigError`].
    pub fn parse(value: serde_json::Value) -> Result<Self, ConfigError> {
        let config: Self = serde_json::from_value(value)?;
        config.check()?;
        Ok(config)
    }

    /// Checks what the form does not say.
    ///
    /// # Errors
    ///
    /// See [`ConfigError`].
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.listen.is_some_and(|address| !address.ip().is_loopback()) {
            return Err(ConfigError::Listen);
        }
        let mut directories = std::collections::BTreeSet::new();
        for grant in &self.grants {
            let name = || grant.name.clone();
            if !self.stores.contains_key(&grant.store) {
                return Err(ConfigError::NoStore { grant: name(), store: grant.store.clone() });
            }
            if !directories.insert(&grant.directory) {
                let what = grant.directory.display().to_string();
                return Err(ConfigError::Twice { grant: name(), what });
            }
            check_files(&grant.name, &grant.files)?;
        }
        Ok(())
    }
}

/// Checks the files of one grant.
pub(crate) fn check_files(grant: &str, files: &[FileConfig]) -> Result<(), ConfigError> {
    let mut names = std::collections::BTreeSet::new();
    for file in files {
        let (grant, name) = (grant.to_owned(), file.name.clone());
        if !is_file_name(&name) {
            return Err(ConfigError::FileName { grant, name });
        }
        if !names.insert(&file.name) {
            return Err(ConfigError::Twice { grant, what: name });
        }
        if file.mode().is_none() {
            return Err(ConfigError::Mode { grant, mode: file.mode.clone().unwrap_or_default() });
        }
        if !is_path(&file.path) {
            return Err(ConfigError::Path { grant, path: file.path.clone() });
        }
        if let Some(template) = &file.template {
            crate::template::check(template).map_err(|reason| ConfigError::Template {
                grant,
                name,
                reason,
            })?;
        }
    }
    Ok(())
}

impl FileConfig {
    /// The mode; `None` if it is not octal, or others have rights.
    pub(crate) fn mode(&self) -> Option<u32> {
        let Some(text) = &self.mode else { return Some(0o400) };
        u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o770 && mode & 0o007 == 0)
    }
}

/// One plain name. Names with two dots in front are those of the directory's generations.
fn is_file_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=255).contains(&name.len())
        && name.bytes().all(plain)
        && !name.starts_with("..")
        && name != "."
}

/// A path of segments that mean themselves.
pub(crate) fn is_path(path: &str) -> bool {
    let segment = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part.chars().all(|c| !c.is_control() && !matches!(c, '?' | '#' | '\\' | '%'))
    };
    path.len() <= 1024 && path.split('/').all(segment)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(file: serde_json::Value) -> Result<Config, ConfigError> {
        Config::parse(json!({
            "stores": {"main": {"age": {"file": "a", "identity": "b"}}},
            "grants": [{"name": "db", "store": "main", "directory": "/run/x", "files": [file]}],
        }))
    }

    #[test]
    fn what_would_leave_the_directory_or_the_store_is_refused() {
        let good = json!({"name": "password", "path": "secret/db", "key": "password"});
        assert!(config(good.clone()).is_ok());
        let with = |key: &str, value: &str| {
            let mut file = good.clone();
            file[key] = json!(value);
            config(file)
        };
        for name in ["", "..", "..data", "a/b", "../x", "a\0b", "."] {
            assert!(matches!(with("name", name), Err(ConfigError::FileName { .. })), "{name:?}");
        }
        for path in ["", "/x", "a//b", "a/../b", "a?b", "a%2fb", "a\nb", "x/"] {
            assert!(matches!(with("path", path), Err(ConfigError::Path { .. })), "{path:?}");
        }
        for mode in ["0444", "0o400", "9", "4400", "0777", ""] {
            assert!(matches!(with("mode", mode), Err(ConfigError::Mode { .. })), "{mode:?}");
        }
        assert!(matches!(with("template", "{{ oops"), Err(ConfigError::Template { .. })));
        assert!(matches!(with("unknown", "x"), Err(ConfigError::Form(_))));
    }

    #[test]
    fn nothing_is_served_to_other_machines() {
        let all = json!({"stores": {}, "grants": [], "listen": "0.0.0.0:8205"});
        assert!(matches!(Config::parse(all), Err(ConfigError::Listen)));
    }
}
