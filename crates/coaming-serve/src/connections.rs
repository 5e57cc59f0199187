//! Connections: accepted, encrypted, served, and ended without losing a request.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
/// How many of them one peer may have: it cannot keep out others.
const MAX_OF_PEER: usize = 256;
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
    let peers = Arc::new(Peers::default());
    tokio::pin!(stop);
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { break };
        let (stream, address) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    log::say(format_args!("cannot accept a connection: {error}"));
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        let Some(peer) = Peers::enter(&peers, address.ip()) else { continue };
        let (acceptor, handler) = (acceptor.clone(), Arc::clone(&handler));
        tokio::spawn(connection(stream, acceptor, handler, graceful.watcher(), (slot, peer)));
    }
    drop(listener);
    if tokio::time::timeout(LAST_ANSWERS, graceful.shutdown()).await.is_err() {
        log::say("some connections were still open");
    }
}

/// How many connections each peer has.
#[derive(Default)]
struct Peers(Mutex<BTreeMap<IpAddr, usize>>);

/// A connection of a peer, which is counted until this is dropped.
struct Peer {
    peers: Arc<Peers>,
    address: IpAddr,
}

impl Peers {
    /// Counts a connection; `None` if the peer has too many.
    fn enter(peers: &Arc<Self>, address: IpAddr) -> Option<Peer> {
        let address = address.to_canonical();
        let mut counts = peers.counts();
        let count = counts.entry(address).or_default();
        if *count >= MAX_OF_PEER {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Peer { peers: Arc::clone(peers), address })
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let mut counts = self.peers.counts();
        let left = counts.get(&self.address).copied().unwrap_or_default().saturating_sub(1);
        match left {
            0 => counts.remove(&self.address),
            left => counts.insert(self.address, left),
        };
    }
}

async fn connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    handler: Arc<Handler>,
    graceful: Watcher,
    _place: (OwnedSemaphorePermit, Peer),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_peer_leaves_room_for_others() {
        let peers = Arc::new(Peers::default());
        let enter = |address: &str| Peers::enter(&peers, address.parse().unwrap());
        let mut held: Vec<Peer> = (0..MAX_OF_PEER).filter_map(|_| enter("10.0.0.1")).collect();
        assert_eq!(held.len(), MAX_OF_PEER);
        assert!(enter("10.0.0.1").is_none());
        assert!(enter("::ffff:10.0.0.1").is_none(), "it is the same");
        assert!(enter("10.0.0.2").is_some() && enter("fd00::1").is_some());
        held.pop();
        assert!(enter("10.0.0.1").is_some(), "one has ended");
        drop(held);
        assert!(peers.counts().is_empty(), "nothing is remembered of who is gone");
    }
}
