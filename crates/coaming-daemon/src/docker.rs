//! Images from Docker, and from Podman, which has the same API.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use coaming_http::{
    Client, Error as HttpError, Options, Request, Response, StatusCode, Url, clean,
};
use serde::Deserialize;

use crate::{DaemonError, TIMEOUT};

/// The largest description of an image that is read.
const DESCRIPTION_LIMIT: u64 = 8 << 20;
/// The largest error message that is read.
const MESSAGE_LIMIT: u64 = 64 << 10;

/// A local daemon that has a socket.
#[derive(Clone, Debug)]
pub struct Daemon {
    socket: PathBuf,
    /// Made at the first request.
    client: OnceLock<Client>,
}

/// An image that a daemon has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalImage {
    /// The digest that identifies it.
    pub id: String,
    /// The name by which the daemon knows it.
    name: String,
}

#[derive(Deserialize)]
struct Description {
    #[serde(rename = "Id")]
    id: String,
}

#[derive(Deserialize)]
struct ErrorMessage {
    message: String,
}

/// Whether there is a socket. A container runtime makes a directory where a pod mounts the path of one
/// that does not exist.
fn is_socket(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        path.metadata().is_ok_and(|metadata| metadata.file_type().is_socket())
    }
    #[cfg(not(unix))]
    {
        path.exists()
    }
}

impl Daemon {
    /// The daemons that have a socket on this machine, the likeliest first.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let named = |variable: &str| {
            let value = std::env::var(variable).ok()?;
            value.strip_prefix("unix://").map(PathBuf::from)
        };
        let below = |variable: &str, path: &str| {
            std::env::var_os(variable).map(|directory| PathBuf::from(directory).join(path))
        };
        let mut daemons: Vec<Self> = Vec::new();
        for socket in [
            named("DOCKER_HOST"),
            named("CONTAINER_HOST"),
            Some("/var/run/docker.sock".into()),
            below("XDG_RUNTIME_DIR", "docker.sock"),
            below("HOME", ".docker/run/docker.sock"),
            below("XDG_RUNTIME_DIR", "podman/podman.sock"),
            Some("/run/podman/podman.sock".into()),
        ]
        .into_iter()
        .flatten()
        {
            if is_socket(&socket) && daemons.iter().all(|daemon| daemon.socket != socket) {
                daemons.push(Self::at(&socket));
            }
        }
        daemons
    }

    /// The daemon at this socket.
    #[must_use]
    pub fn at(socket: &Path) -> Self {
        Self { socket: socket.to_owned(), client: OnceLock::new() }
    }

    /// Finds an image by its name, with or without a tag, or by its ID; `None` if the daemon does
    /// not have it.
    ///
    /// # Errors
    ///
    /// If the daemon does not answer, or reports an error.
    pub async fn find(&self, reference: &str) -> Result<Option<LocalImage>, DaemonError> {
        if !is_reference(reference) {
            return Ok(None);
        }
        let response = self.get(&format!("/images/{reference}/json")).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let response = self.accepted(response).await?;
        let json = response.bytes(DESCRIPTION_LIMIT).await.map_err(|error| self.failed(error))?;
        let description: Description = serde_json::from_slice(&json).map_err(|source| {
            DaemonError::Description { socket: self.socket.display().to_string(), source }
        })?;
        Ok(Some(LocalImage { id: description.id, name: reference.to_owned() }))
    }

    /// The image as a docker archive.
    ///
    /// # Errors
    ///
    /// If the daemon does not answer, or reports an error. Later errors are those of the answer.
    pub async fn export(&self, image: &LocalImage) -> Result<Response, DaemonError> {
        let response = self.get(&format!("/images/{}/get", image.name)).await?;
        self.accepted(response).await
    }

    async fn get(&self, path: &str) -> Result<Response, DaemonError> {
        let client = self.client().map_err(|error| self.failed(error))?;
        // The host is not used: all requests go to the socket.
        let Ok(url) = Url::parse(&format!("http://localhost{path}")) else {
            return Err(self.refused(StatusCode::BAD_REQUEST, "the name is not valid in a URL"));
        };
        let request = Request { streamed: true, ..Request::get(url) };
        client.send_once(&request).await.map_err(|error| self.failed(error))
    }

    fn client(&self) -> Result<Client, HttpError> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        let client = Client::new(Options {
            unix_socket: Some(self.socket.clone()),
            timeout: TIMEOUT,
            ..Options::default()
        })?;
        Ok(self.client.get_or_init(|| client).clone())
    }

    async fn accepted(&self, response: Response) -> Result<Response, DaemonError> {
        let status = response.status();
        if status == StatusCode::OK {
            return Ok(response);
        }
        let body = response.bytes(MESSAGE_LIMIT).await.map_err(|error| self.failed(error))?;
        let message = serde_json::from_slice::<ErrorMessage>(&body)
            .map_or_else(|_| "no reason given".to_owned(), |error| clean(&error.message));
        Err(self.refused(status, &message))
    }

    fn refused(&self, status: StatusCode, message: &str) -> DaemonError {
        DaemonError::Refused {
            socket: self.socket.display().to_string(),
            status: status.as_u16(),
            message: message.to_owned(),
        }
    }

    fn failed(&self, source: HttpError) -> DaemonError {
        DaemonError::Http { socket: self.socket.display().to_string(), source }
    }
}

/// Whether it has only characters of references, and no part that changes the path of a URL.
fn is_reference(text: &str) -> bool {
    text.len() <= 512
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/:@".contains(&byte))
        && !text.contains("..")
        && text.split('/').all(|part| !part.is_empty() && part != ".")
}

#[cfg(test)]
mod tests {
    use coaming_http::Runtime;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_references_are_requested() {
        for reference in ["nginx", "registry.example:5000/a/b_c:1.2-x", "a@sha256:00"] {
            assert!(is_reference(reference), "{reference}");
        }
        for text in
            ["", "a b", "a\r\nHost: b", "../containers", "a?b", "a#b", "a%2e", ".", "a/./b", "a//b"]
        {
            assert!(!is_reference(text), "{text}");
        }
        let nobody = Daemon::at(Path::new("/nonexistent"));
        let runtime = Runtime::shared().unwrap();
        // The socket is not even opened for these.
        assert_eq!(runtime.block_on(nobody.find("a b")).unwrap(), None);
        assert!(runtime.block_on(nobody.find("a")).is_err());
    }

    proptest! {
        #[test]
        fn a_reference_stays_the_path_that_it_is(text in "[a-z./:@_-]{1,12}") {
            if is_reference(&text) {
                let path = format!("/images/{text}/json");
                let url = Url::parse(&format!("http://localhost{path}")).unwrap();
                prop_assert_eq!(url.path(), &path);
                prop_assert_eq!(url.query(), None);
            }
        }
    }
}
