//! gRPC over a Unix socket, for containerd's services.

use std::path::Path;

use http::uri::PathAndQuery;
use tokio::time::timeout;
use tonic::client::Grpc;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};
use tonic_prost::ProstCodec;

use crate::TIMEOUT;

/// The largest message that is received: containerd's own limit.
const MESSAGE_LIMIT: usize = 16 << 20;
/// How many bytes containerd may send before they are read.
const WINDOW: u32 = 4 << 20;
/// The most bytes of headers.
const HEADER_LIMIT: u32 = 64 << 10;

/// Why a call has no answer, or no more of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GrpcError {
    /// The socket cannot be opened.
    #[error("{}", cause(.0))]
    Connect(#[from] tonic::transport::Error),
    /// The other side is silent for too long.
    #[error("timed out while waiting for an answer")]
    Silent,
    /// The service reports an error, or the answer ends early.
    #[error("{} (status {})", coaming_http::clean(.0.message()), i32::from(.0.code()))]
    Status(#[from] Status),
}

/// The last of the causes: the outer ones say only that there was an error.
pub(crate) fn cause(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    coaming_http::clean(&last.to_string())
}

/// A connection to containerd.
pub(crate) struct Connection(Grpc<Channel>);

impl Connection {
    /// Connects to a socket.
    pub(crate) async fn open(socket: &Path) -> Result<Self, GrpcError> {
        let endpoint = Endpoint::from_shared(format!("unix:{}", socket.display()))?
            .connect_timeout(TIMEOUT)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .http2_max_header_list_size(HEADER_LIMIT);
        let channel = timed(endpoint.connect()).await??;
        Ok(Self(Grpc::new(channel).max_decoding_message_size(MESSAGE_LIMIT)))
    }

    /// Calls a method (`/package.Service/Method`) that answers with one message. `namespace` is one
    /// of containerd's, or empty.
    pub(crate) async fn unary<Q, A>(
        &mut self,
        namespace: &str,
        method: &'static str,
        message: Q,
    ) -> Result<A, GrpcError>
    where
        Q: prost::Message + Send + Sync + 'static,
        A: prost::Message + Default + Send + Sync + 'static,
    {
        let request = request(namespace, message)?;
        let path = PathAndQuery::from_static(method);
        self.ready().await?;
        let answer = self.0.unary(request, path, ProstCodec::<Q, A>::default());
        Ok(timed(answer).await??.into_inner())
    }

    /// Calls a method that answers with a stream of messages.
    pub(crate) async fn streaming<Q, A>(
        mut self,
        namespace: &str,
        method: &'static str,
        message: Q,
    ) -> Result<Answers<A>, GrpcError>
    where
        Q: prost::Message + Send + Sync + 'static,
        A: prost::Message + Default + Send + Sync + 'static,
    {
        let request = request(namespace, message)?;
        let path = PathAndQuery::from_static(method);
        self.ready().await?;
        let answers = self.0.server_streaming(request, path, ProstCodec::<Q, A>::default());
        Ok(Answers(timed(answers).await??.into_inner()))
    }

    async fn ready(&mut self) -> Result<(), GrpcError> {
        Ok(timed(self.0.ready()).await??)
    }
}

/// The messages of an answer, one after the other.
pub(crate) struct Answers<A>(Streaming<A>);

impl<A> Answers<A> {
    /// The next message; `None` at the end, if the service reports success.
    pub(crate) async fn next(&mut self) -> Result<Option<A>, GrpcError> {
        Ok(timed(self.0.message()).await??)
    }
}

fn request<Q>(namespace: &str, message: Q) -> Result<Request<Q>, GrpcError> {
    let mut request = Request::new(message);
    if !namespace.is_empty() {
        let value = MetadataValue::try_from(namespace)
            .map_err(|_| Status::invalid_argument("the namespace is not valid in a header"))?;
        request.metadata_mut().insert("containerd-namespace", value);
    }
    Ok(request)
}

/// Waits for a future, but not forever.
async fn timed<T>(future: impl Future<Output = T>) -> Result<T, GrpcError> {
    timeout(TIMEOUT, future).await.map_err(|_| GrpcError::Silent)
}
