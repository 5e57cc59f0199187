//! The plugin's gRPC server.

use std::convert::Infallible;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use coaming_vault::{StoreError, Value};
use tokio::net::UnixListener;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::server::{Grpc, UnaryService};
use tonic::transport::Server;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use crate::authority::Tolerant;
use crate::keeper::Keeper;
use crate::messages::{v1, v2};
use crate::{BOUND, Config, KmsError};

/// The largest message: a key with its annotations is far smaller.
const MAX_MESSAGE: usize = 256 << 10;
/// How many calls of one connection run at once.
const MAX_CALLS: usize = 64;
/// How often the token and the key's version are looked at.
const INTERVAL: Duration = Duration::from_secs(10);

/// Serves until `end` completes; then the token is revoked. `say` gets what an administrator has to
/// know, without any value.
///
/// # Errors
///
/// See [`KmsError`].
pub async fn serve(
    config: Config,
    end: impl Future<Output = ()>,
    say: impl Fn(&str),
) -> Result<(), KmsError> {
    let path = config.socket.clone();
    let keeper = Arc::new(Keeper::new(config)?);
    let listener = listen(&path)?;
    let plugin = Plugin(Arc::clone(&keeper));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let connections = UnixListenerStream::new(listener).map(|stream| stream.map(Tolerant::new));
    let server = Server::builder()
        .timeout(BOUND + Duration::from_millis(200))
        .concurrency_limit_per_connection(MAX_CALLS)
        .serve_with_incoming_shutdown(plugin, connections, async { drop(stopped.await) });
    let mut server = std::pin::pin!(server);
    let failed = tokio::select! {
        served = &mut server => Some(served.map_err(|error| KmsError::Serve(error.to_string()))),
        () = maintain(&keeper, say) => None,
        () = end => None,
    };
    if failed.is_none() {
        // Calls that are there already are answered, while there is a token; new ones are not taken.
        stop.send(()).ok();
        drop(tokio::time::timeout(BOUND, server).await);
    }
    drop(std::fs::remove_file(&path));
    // The token ends by itself if the server does not answer now.
    drop(keeper.close().await);
    failed.unwrap_or(Ok(()))
}

/// Keeps the token valid, and follows the key. What is wrong is said once.
async fn maintain(keeper: &Keeper, say: impl Fn(&str)) {
    let mut last = String::new();
    let mut announced = None;
    loop {
        let outcome = match keeper.keep_alive().await {
            Ok(()) => keeper.refresh().await,
            Err(error) => Err(error),
        };
        let text = outcome.as_ref().err().map(ToString::to_string).unwrap_or_default();
        if text != last && !text.is_empty() {
            say(&text);
        }
        last = text;
        if let Ok(now) = outcome
            && announced.as_ref() != Some(&now)
        {
            say(&format!("encrypting by {}", now.id));
            announced = Some(now);
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// A socket for its owner alone: it gets its name only after its mode.
fn listen(path: &Path) -> Result<UnixListener, KmsError> {
    let failed = |reason: &dyn std::fmt::Display| KmsError::Socket {
        path: path.display().to_string(),
        reason: reason.to_string(),
    };
    if let Ok(found) = std::fs::symlink_metadata(path) {
        if !found.file_type().is_socket() {
            return Err(failed(&"exists, and is not a socket"));
        }
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(failed(&"another process serves it"));
        }
    }
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}", std::process::id()));
    let temporary = Path::new(&temporary);
    drop(std::fs::remove_file(temporary));
    let listener = UnixListener::bind(temporary).map_err(|error| failed(&error))?;
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(temporary, private).map_err(|error| failed(&error))?;
    std::fs::rename(temporary, path).map_err(|error| failed(&error))?;
    Ok(listener)
}

/// The service, of both versions.
#[derive(Clone)]
struct Plugin(Arc<Keeper>);

type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl Service<http::Request<Body>> for Plugin {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answer<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let keeper = Arc::clone(&self.0);
        Box::pin(async move {
            Ok(match request.uri().path() {
                "/v1beta1.KeyManagementService/Version" => {
                    unary(request, |_: v1::VersionRequest| async { Ok(version()) }).await
                }
                "/v1beta1.KeyManagementService/Encrypt" => {
                    let encrypt = |message: v1::EncryptRequest| async move {
                        let plain = Value::new(message.plain);
                        let (cipher, _) = keeper.encrypt(&plain).await.map_err(status)?;
                        Ok(v1::EncryptResponse { cipher })
                    };
                    unary(request, encrypt).await
                }
                "/v1beta1.KeyManagementService/Decrypt" => {
                    let decrypt = |message: v1::DecryptRequest| async move {
                        let value = keeper.decrypt(&message.cipher).await.map_err(status)?;
                        Ok(v1::DecryptResponse { plain: value.expose().to_vec() })
                    };
                    unary(request, decrypt).await
                }
                "/v2.KeyManagementService/Status" => {
                    let answer = |_: v2::StatusRequest| async move { Ok(health(&keeper).await) };
                    unary(request, answer).await
                }
                "/v2.KeyManagementService/Encrypt" => {
                    let encrypt = |message: v2::EncryptRequest| async move {
                        let plain = Value::new(message.plaintext);
                        let (ciphertext, key_id) = keeper.encrypt(&plain).await.map_err(status)?;
                        let annotations = std::collections::HashMap::new();
                        Ok(v2::EncryptResponse { ciphertext, key_id, annotations })
                    };
                    unary(request, encrypt).await
                }
                "/v2.KeyManagementService/Decrypt" => {
                    let decrypt = |message: v2::DecryptRequest| async move {
                        let value = keeper.decrypt(&message.ciphertext).await.map_err(status)?;
                        Ok(v2::DecryptResponse { plaintext: value.expose().to_vec() })
                    };
                    unary(request, decrypt).await
                }
                _ => Status::unimplemented("there is no such method").into_http(),
            })
        })
    }
}

fn version() -> v1::VersionResponse {
    v1::VersionResponse {
        version: "v1beta1".to_owned(),
        runtime_name: "coaming".to_owned(),
        runtime_version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Whether encryption works now. What was announced stays announced while the server is away.
async fn health(keeper: &Keeper) -> v2::StatusResponse {
    let outcome = keeper.refresh().await;
    let healthz = match &outcome {
        Ok(_) => "ok".to_owned(),
        Err(error) => error.to_string(),
    };
    let announced = outcome.ok().or_else(|| keeper.announced());
    let key_id = announced.map(|announced| announced.id).unwrap_or_default();
    v2::StatusResponse { version: "v2".to_owned(), healthz, key_id }
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn status(error: StoreError) -> Status {
    if error.is_temporary() {
        Status::unavailable(error.to_string())
    } else {
        Status::failed_precondition(error.to_string())
    }
}

/// A method with one message in each direction.
struct Method<F>(Option<F>);

impl<Q, A, F, R> UnaryService<Q> for Method<F>
where
    F: FnOnce(Q) -> R,
    R: Future<Output = Result<A, Status>> + Send + 'static,
    A: Send + 'static,
{
    type Response = A;
    type Future = Answer<Result<Response<A>, Status>>;

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let Some(method) = self.0.take() else {
            return Box::pin(async { Err(Status::internal("called twice")) });
        };
        let answer = method(request.into_inner());
        Box::pin(async move { answer.await.map(Response::new) })
    }
}

async fn unary<Q, A, R>(
    request: http::Request<Body>,
    method: impl FnOnce(Q) -> R + Send,
) -> http::Response<Body>
where
    Q: prost::Message + Default + Send + 'static,
    A: prost::Message + Default + Send + 'static,
    R: Future<Output = Result<A, Status>> + Send + 'static,
{
    let mut grpc = Grpc::new(ProstCodec::<A, Q>::default()).max_decoding_message_size(MAX_MESSAGE);
    grpc.unary(Method(Some(method)), request).await
}
