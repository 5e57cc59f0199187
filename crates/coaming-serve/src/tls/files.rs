//! A certificate in files, which somebody else replaces: cert-manager, or the kubelet.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{CERTIFICATE, Shown};
use crate::shared::Shared;
use crate::{ServeError, log};

/// How often files are read again.
const INTERVAL: Duration = Duration::from_secs(10);

/// Shows the certificate in files, for ever. The first time, errors are returned.
pub(crate) fn watch_files(
    certificate: PathBuf,
    key: PathBuf,
    shown: Arc<Shown>,
    shared: Arc<Shared>,
) -> Result<impl Future<Output = ()>, ServeError> {
    let mut last = read(&certificate, &key)?;
    shared.metrics.certificate(shown.show(&last.0, &last.1)?);
    shared.ready.have(CERTIFICATE);
    Ok(async move {
        loop {
            tokio::time::sleep(INTERVAL).await;
            let texts = match read(&certificate, &key) {
                Ok(texts) if texts == last => continue,
                Ok(texts) => texts,
                Err(error) => {
                    log::say(error);
                    continue;
                }
            };
            // Half of a replacement does not fit together: the old pair stays, and the next look
            // finds the other half.
            match shown.show(&texts.0, &texts.1) {
                Ok(expiry) => {
                    shared.metrics.certificate(expiry);
                    last = texts;
                }
                Err(error) => log::say(error),
            }
        }
    })
}

fn read(certificate: &Path, key: &Path) -> Result<(String, String), ServeError> {
    let read = |path: &Path| {
        std::fs::read_to_string(path)
            .map_err(|source| ServeError::File { path: path.to_path_buf(), source })
    };
    Ok((read(certificate)?, read(key)?))
}
