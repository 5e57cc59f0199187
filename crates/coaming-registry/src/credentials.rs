//! The user's credentials, from Docker's or Podman's configuration and credential helpers.

use std::fs::File;
use std::io::BufReader;

use docker_credential::{CredentialRetrievalError, DockerCredential};
use zeroize::Zeroizing;

use crate::Options;
use crate::error::{CredentialsError, RegistryError};

/// Credentials for a registry. Has no `Debug`: they must never be shown.
pub(crate) enum Credentials {
    /// A user and a password.
    Password(String, Zeroizing<String>),
    /// A token that a token service exchanges for another.
    Token(Zeroizing<String>),
}

/// The traditional name of Docker Hub in configurations.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// The credentials for a registry, if the user has any.
pub(crate) fn find(host: &str, options: &Options) -> Result<Option<Credentials>, RegistryError> {
    let key = if host == "docker.io" { DOCKER_HUB } else { host };
    let found = match &options.docker_config {
        Some(path) => {
            File::open(path).map_err(|_| CredentialRetrievalError::ConfigReadError).and_then(
                |file| docker_credential::get_credential_from_reader(BufReader::new(file), key),
            )
        }
        None => docker_credential::get_credential(key).or_else(|error| match error {
            CredentialRetrievalError::ConfigNotFound
            | CredentialRetrievalError::ConfigReadError
            | CredentialRetrievalError::NoCredentialConfigured => {
                docker_credential::get_podman_credential(host).map_err(|_| error)
            }
            error => Err(error),
        }),
    };
    match found {
        Ok(DockerCredential::UsernamePassword(user, password)) if user == "<token>" => {
            Ok(Some(Credentials::Token(Zeroizing::new(password))))
        }
        Ok(DockerCredential::UsernamePassword(user, password)) => {
            Ok(Some(Credentials::Password(user, Zeroizing::new(password))))
        }
        Ok(DockerCredential::IdentityToken(token)) => {
            Ok(Some(Credentials::Token(Zeroizing::new(token))))
        }
        Err(
            CredentialRetrievalError::NoCredentialConfigured
            | CredentialRetrievalError::ConfigNotFound,
        ) => Ok(None),
        Err(CredentialRetrievalError::ConfigReadError) if options.docker_config.is_none() => {
            Ok(None)
        }
        Err(error) => failed(host, &error),
    }
}

/// The output of a helper may contain the secret: only the helper's name is shown.
fn failed(
    host: &str,
    error: &CredentialRetrievalError,
) -> Result<Option<Credentials>, RegistryError> {
    let source = match error {
        // Docker's helpers report missing credentials this way, which is not a failure.
        CredentialRetrievalError::HelperFailure { stdout, stderr, .. }
            if format!("{stdout}{stderr}").contains("credentials not found") =>
        {
            return Ok(None);
        }
        CredentialRetrievalError::HelperFailure { helper, .. } => {
            CredentialsError::Helper(helper.clone())
        }
        CredentialRetrievalError::HelperCommunicationError => CredentialsError::NoHelper,
        CredentialRetrievalError::MalformedHelperResponse => CredentialsError::HelperAnswer,
        CredentialRetrievalError::CredentialMismatchError
        | CredentialRetrievalError::CredentialDecodingError => {
            CredentialsError::Damaged(host.to_owned())
        }
        _ => CredentialsError::Config,
    };
    Err(RegistryError::Credentials { host: host.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str, host: &str) -> Result<Option<Credentials>, RegistryError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        std::fs::write(&path, text).unwrap();
        find(host, &Options { docker_config: Some(path), ..Options::default() })
    }

    #[test]
    fn entries_of_docker_are_read() {
        // "user:pass:word"
        let text = r#"{"auths": {"a.example:5000": {"auth": "dXNlcjpwYXNzOndvcmQ="},
            "https://index.docker.io/v1/": {"identitytoken": "t"}}}"#;
        let Ok(Some(Credentials::Password(user, password))) = with(text, "a.example:5000") else {
            panic!("no password");
        };
        assert_eq!((user.as_str(), password.as_str()), ("user", "pass:word"));
        assert!(matches!(with(text, "docker.io"), Ok(Some(Credentials::Token(_)))));
        assert!(matches!(with(text, "b.example"), Ok(None)));
        assert!(matches!(with("{}", "b.example"), Ok(None)));
    }

    #[test]
    fn a_damaged_entry_is_reported_without_its_text() {
        let text = r#"{"auths": {"a.example": {"auth": "c2VjcmV0"}}}"#;
        let Err(error) = with(text, "a.example") else { panic!("no error") };
        assert!(error.to_string().contains("damaged"));
        assert!(!error.to_string().contains("secret"));
        let missing = r#"{"credHelpers": {"a.example": "coaming-has-no-such-helper"}}"#;
        assert!(matches!(with(missing, "a.example"), Err(RegistryError::Credentials { .. })));
    }
}
