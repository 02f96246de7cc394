// SPDX-License-Identifier: MIT OR Apache-2.0
//! Listening, and ending gracefully.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::cache::Results;
use crate::config::{Config, ConfigError};
use crate::guard::{Lookup, SystemLookup};
use crate::maker::{settings, Maker};
use crate::metrics::Metrics;
use crate::patience::Patient;
use crate::routes::Routes;
use crate::sources::Sources;

/// Headers of a request.
const MOST_HEADERS: usize = 100;

/// How long clients may take nothing of an answer, where requests have less time than this.
const LEAST_PATIENCE: Duration = Duration::from_secs(1);
/// How long pictures that nobody waits for may take to stop at the end.
const STOPPING: Duration = Duration::from_secs(10);

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    routes: Arc<Routes>,
}

impl Server {
    /// Reads what the settings name (watermark, fallback image, cache), and listens.
    ///
    /// # Errors
    /// [`ConfigError`], which says what is wrong.
    pub async fn open(config: Config) -> Result<Self, ConfigError> {
        Self::open_with(config, Arc::new(SystemLookup)).await
    }

    /// The same with another resolver of names.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub async fn open_with(config: Config, lookup: Arc<dyn Lookup>) -> Result<Self, ConfigError> {
        config.check_exposure()?;
        if let Some(root) = config.root.as_ref().filter(|root| !root.is_dir()) {
            let text = format!("root {}: it is no directory", root.display());
            return Err(ConfigError(text));
        }
        let grammar = config.grammar()?;
        let fallback = match &config.fallback {
            None => None,
            Some(path) => Some(std::fs::read(path).map_err(|error| {
                ConfigError(format!("fallback_image {}: {error}", path.display()))
            })?),
        };
        let metrics = Arc::new(Metrics::default());
        let sources = Sources::new(&config, lookup, Arc::clone(&metrics));
        let sources = sources.map_err(|error| ConfigError(error.to_string()))?;
        let results = Results::open(
            config.memory_bytes,
            config.cache.as_deref(),
            config.cache_bytes,
        );
        let results = results
            .await
            .map_err(|e| ConfigError(format!("cache: {e}")))?;
        let maker = Maker::new(
            &config,
            settings(&config)?,
            Arc::new(sources),
            Arc::new(results),
            Arc::clone(&metrics),
        );
        let listener = TcpListener::bind(config.listen).await;
        let listener = listener
            .map_err(|e| ConfigError(format!("cannot listen on {}: {e}", config.listen)))?;
        Ok(Self {
            listener,
            routes: Arc::new(Routes {
                config,
                grammar,
                maker: Arc::new(maker),
                metrics,
                fallback: fallback.map(Into::into),
                ending: CancellationToken::new(),
            }),
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system's.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The path under which what is behind a signature is found: signed where there are keys.
    #[must_use]
    pub fn example(&self, path: &str) -> String {
        let grammar = &self.routes.grammar;
        let signature = grammar.keys.sign(path).unwrap_or_else(|| "-".into());
        format!("{}/{signature}{path}", grammar.prefix.trim_end_matches('/'))
    }

    /// What requests are answered by, for those who ask without a network.
    #[must_use]
    pub fn routes(&self) -> Arc<Routes> {
        Arc::clone(&self.routes)
    }

    /// Answers until `end` is cancelled; then no more connections are taken, and what is under
    /// way may go on for the time of grace. Results are kept before it returns.
    pub async fn run(self, end: CancellationToken) {
        let Self { listener, routes } = self;
        let most = match routes.config.max_clients {
            0 => Semaphore::MAX_PERMITS,
            most => most,
        };
        let (seats, cut) = (Arc::new(Semaphore::new(most)), CancellationToken::new());
        let mut open = JoinSet::new();
        loop {
            let seat = tokio::select! {
                seat = Arc::clone(&seats).acquire_owned() => seat,
                () = end.cancelled() => break,
            };
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let (routes, cut) = (Arc::clone(&routes), cut.clone());
                        open.spawn(async move {
                            let _seat = seat;
                            connection(routes, stream, cut).await;
                        });
                    }
                    // Out of sockets: those at work will leave some.
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                },
                () = end.cancelled() => break,
            }
            while open.try_join_next().is_some() {}
        }
        drop(listener);
        routes.ending.cancel();
        let all = async { while open.join_next().await.is_some() {} };
        if tokio::time::timeout(routes.config.grace, all)
            .await
            .is_err()
        {
            tracing::warn!("requests were cut off: the time of grace is over");
            cut.cancel();
            while open.join_next().await.is_some() {}
        }
        // Nobody waits for what is still at work, so it stops where it next looks.
        let idle = routes.maker.gate().idle();
        if tokio::time::timeout(STOPPING, idle).await.is_err() {
            tracing::warn!("pictures were cut off: they did not stop in time");
        }
        routes.maker.results().settle().await;
    }
}

async fn connection(routes: Arc<Routes>, stream: TcpStream, cut: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let config = &routes.config;
    let stream = Patient::new(stream, config.request_time.max(LEAST_PATIENCE));
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(config.header_time)
        .max_headers(MOST_HEADERS)
        .max_buf_size(config.header_bytes);
    let ending = routes.ending.clone();
    let metrics = Arc::clone(&routes.metrics);
    let _client = metrics.client();
    let service = service_fn(move |request| {
        let routes = Arc::clone(&routes);
        async move { Ok::<_, Infallible>(routes.answer(&request).await) }
    });
    let served = builder.serve_connection(TokioIo::new(stream), service);
    let mut served = std::pin::pin!(served);
    // A client that breaks off is its own affair.
    tokio::select! {
        _ = served.as_mut() => return,
        () = ending.cancelled() => served.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        _ = served => {}
        () = cut.cancelled() => {}
    }
}
