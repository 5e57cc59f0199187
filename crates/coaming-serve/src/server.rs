//! The process: its runtime, its tasks, its end.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use coaming_admission::Policies;
#[cfg(all(feature = "vault", unix))]
use coaming_admission::Step;
use coaming_kube::World;
use coaming_watch::{Status, View};
use kube::Client;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

#[cfg(all(feature = "vault", unix))]
use crate::grants::{AgentFacts, Grants};
use crate::handler::Handler;
use crate::leader::Candidate;
use crate::metrics::Metrics;
use crate::pages::Pages;
use crate::policies::PolicyKeeper;
use crate::ready::Readiness;
#[cfg(feature = "registry")]
use crate::registries::{Facts, Registries};
use crate::shared::Shared;
use crate::status::{self, ClusterObject};
use crate::tls::{self, CERTIFICATE, Keeper, Shown};
use crate::{
    Options, PolicySource, ServeError, TlsSource, background, cluster, connections, log, self_test,
    world,
};

/// How long the Lease may take to hand over at the end.
const HAND_OVER: Duration = Duration::from_secs(2);

/// Serves until the process is asked to stop (SIGTERM, or Ctrl-C).
///
/// # Errors
///
/// It cannot start. Once it serves, errors are reported and what failed is tried again.
pub fn run(options: Options) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("serve")
        .enable_all()
        .build()
        .map_err(ServeError::Runtime)?;
    let served = runtime.block_on(serve(options));
    // Watches never end by themselves.
    runtime.shutdown_background();
    served
}

async fn serve(options: Options) -> Result<(), ServeError> {
    let client = cluster::connect(&options.cluster).await?;
    let world = Arc::new(ArcSwap::from_pointee(World::default()));
    let (leads, leading) = watch::channel(false);
    #[cfg_attr(not(all(feature = "vault", unix)), expect(unused_mut, reason = "a feature adds"))]
    let mut steps = options.steps.clone();
    #[cfg(feature = "registry")]
    let registries =
        Registries::new(tokio::runtime::Handle::current(), options.registry_ca.clone());
    #[cfg(all(feature = "vault", unix))]
    deliver_secrets(&options, client.as_ref(), &world, &leading, &mut steps, &registries);
    let shared = Arc::new(Shared {
        policies: ArcSwap::from_pointee(Policies::defaults(options.guard.clone())?),
        world: Arc::clone(&world),
        ready: Readiness::default(),
        metrics: Metrics::new(),
        steps,
        #[cfg(all(feature = "vault", unix))]
        entry: client
            .clone()
            .filter(|_| options.agent_image.is_some())
            .map(|client| crate::entry::Entry::new(client, Arc::clone(&world))),
        client: client.clone(),
        #[cfg(feature = "registry")]
        digests: Facts::new(Arc::clone(&registries)),
        #[cfg(feature = "registry")]
        registries,
        background: Arc::new(Status::saying(|text| log::say(text))),
    });
    shared.ready.miss(CERTIFICATE);
    let shown = Arc::new(Shown::default());
    let (stop, stopping) = watch::channel(false);
    let election = client.clone().map(|client| {
        let candidate = Candidate::new(client, &options.namespace, &options.name);
        tokio::spawn(candidate.run(leads, stopping, Arc::clone(&shared)))
    });
    follow_policies(&options, client.as_ref(), &shared, leading.clone())?;
    if let Some(client) = &client {
        tokio::spawn(world::follow(client.clone(), Arc::clone(&shared)));
    }
    #[cfg(feature = "otel")]
    tokio::spawn(crate::otel::run(Arc::clone(&shared)));
    let view = options.pages.map(|_| Arc::new(View::default()));
    if let Some(client) = client.clone().filter(|_| options.reports || view.is_some()) {
        let wanted = background::Wanted { reports: options.reports, view: view.clone() };
        tokio::spawn(background::run(client, Arc::clone(&shared), wanted, leading.clone()));
    }
    if let (Some(client), Some(namespace)) = (client.clone(), options.self_test.clone()) {
        let object =
            ClusterObject { namespace: options.namespace.clone(), name: options.name.clone() };
        let shared = Arc::clone(&shared);
        tokio::spawn(self_test::run(client, namespace, object, shared, leading.clone()));
    }
    certify(&options, client.as_ref(), &shared, &shown, leading)?;
    let address = options.listen;
    let failed = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    log::say(format_args!("listening on {}", listener.local_addr().map_err(failed)?));
    let acceptor = TlsAcceptor::from(tls::server_config(shown)?);
    let pages = client
        .clone()
        .zip(view)
        .map(|(client, view)| Pages::new(client, view, options.pages.unwrap_or_default().memory));
    let handler = Arc::new(Handler::new(Arc::clone(&shared), options.deadline, pages));
    let end = stop_requested(Arc::clone(&shared), options.drain);
    connections::serve(listener, acceptor, handler, end).await;
    stop.send_replace(true);
    if let Some(election) = election {
        drop(tokio::time::timeout(HAND_OVER, election).await);
    }
    Ok(())
}

/// Adds the step that puts the agent into pods, if secrets are delivered.
#[cfg(all(feature = "vault", unix))]
fn deliver_secrets(
    options: &Options,
    client: Option<&Client>,
    world: &Arc<ArcSwap<World>>,
    leading: &watch::Receiver<bool>,
    steps: &mut Vec<Arc<dyn Step>>,
    registries: &Arc<Registries>,
) {
    let (Some(client), Some(image)) = (client.cloned(), options.agent_image.clone()) else {
        return;
    };
    let agent = AgentFacts { image, entry_points: Facts::new(Arc::clone(registries)) };
    steps.push(Arc::new(Grants::follow(client, Arc::clone(world), agent, leading.clone())));
}

fn follow_policies(
    options: &Options,
    client: Option<&Client>,
    shared: &Arc<Shared>,
    leading: watch::Receiver<bool>,
) -> Result<(), ServeError> {
    let fixed = match &options.policy {
        PolicySource::Fixed(policy) => Some((**policy).clone()),
        PolicySource::ConfigMap => None,
    };
    let (keeper, reports) = PolicyKeeper::new(Arc::clone(shared), options.guard.clone(), fixed)?;
    let Some(client) = client.cloned() else { return Ok(()) };
    let Options { namespace, name, policy, .. } = options.clone();
    let object = ClusterObject { namespace: namespace.clone(), name: name.clone() };
    tokio::spawn(status::write(client.clone(), object, reports, leading));
    tokio::spawn(async move { keeper.run(client, &namespace, &policy, &name).await });
    Ok(())
}

/// Starts what brings a certificate.
fn certify(
    options: &Options,
    client: Option<&Client>,
    shared: &Arc<Shared>,
    shown: &Arc<Shown>,
    leading: watch::Receiver<bool>,
) -> Result<(), ServeError> {
    let (shown, shared) = (Arc::clone(shown), Arc::clone(shared));
    match (&options.tls, client) {
        (TlsSource::Files { certificate, key }, _) => {
            let (certificate, key) = (certificate.clone(), key.clone());
            tokio::spawn(tls::watch_files(certificate, key, shown, shared)?);
        }
        (TlsSource::Own { .. }, None) => {
            let reason = "a certificate of its own needs a cluster to keep it in; name files";
            return Err(ServeError::Cluster(reason.to_owned()));
        }
        (TlsSource::Own { lifetimes, names }, Some(client)) => {
            let (service, namespace) = (&options.name, &options.namespace);
            let mut all = vec![
                format!("{service}.{namespace}.svc"),
                format!("{service}.{namespace}.svc.cluster.local"),
            ];
            all.extend(names.iter().cloned());
            let secret = format!("{service}-tls");
            let keeper = Keeper {
                client: client.clone(),
                namespace: namespace.clone(),
                secret: secret.clone(),
                webhooks: service.clone(),
                names: all,
                lifetimes: *lifetimes,
            };
            tokio::spawn(keeper.run(leading));
            tokio::spawn(tls::show_secret(
                client.clone(),
                namespace.clone(),
                secret,
                shown,
                shared,
            ));
        }
    }
    Ok(())
}

/// Ends when the process is asked to stop, and others had the time to notice.
async fn stop_requested(shared: Arc<Shared>, drain: Duration) {
    signal().await;
    shared.ready.stop();
    log::say("stopping");
    tokio::select! {
        () = tokio::time::sleep(drain) => {}
        // Asked twice: at once.
        () = signal() => {}
    }
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
