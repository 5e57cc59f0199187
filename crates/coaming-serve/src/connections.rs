//! Connections: accepted, encrypted, served, and ended without losing a request.

use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;

use crate::handler::Handler;
use crate::log;

/// How many connections there may be at once. Each API server keeps a few.
const MAX_CONNECTIONS: usize = 1024;
/// How long a client has for the handshake.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// How long a client has for the headers of a request; an idle connection is closed after it, too.
/// API servers close theirs after 90 seconds. If both did so at once, a request could be lost.
const HEADERS: Duration = Duration::from_secs(150);
/// How long open requests have after the server has stopped to accept new ones.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// How long to wait after an error that affects all connections, such as too many open files.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves connections until `stop` ends, and then what is still open.
pub(crate) async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    handler: Arc<Handler>,
    stop: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    tokio::pin!(stop);
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { break };
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    log::say(format_args!("cannot accept a connection: {error}"));
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        let (acceptor, handler) = (acceptor.clone(), Arc::clone(&handler));
        tokio::spawn(connection(stream, acceptor, handler, graceful.watcher(), slot));
    }
    drop(listener);
    if tokio::time::timeout(LAST_ANSWERS, graceful.shutdown()).await.is_err() {
        log::say("some connections were still open");
    }
}

async fn connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    handler: Arc<Handler>,
    graceful: Watcher,
    _slot: OwnedSemaphorePermit,
) {
    drop(stream.set_nodelay(true));
    // A client that breaks off, or trusts another certificate, is not worth a line each time.
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await else {
        return;
    };
    let service = service_fn(move |request| {
        let handler = Arc::clone(&handler);
        async move { handler.handle(request).await }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(256)
        .keep_alive_interval(Duration::from_secs(30));
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    drop(graceful.watch(connection).await);
}
