// SPDX-License-Identifier: MIT OR Apache-2.0
//! The HTTP client.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, ClientBuilder};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime;

use crate::{Operation, Result, StoreError};

/// Redirects that are followed.
const REDIRECTS: usize = 5;

/// A client's connections live in the runtime that made them, so each runtime has its own.
static KNOWN: LazyLock<Mutex<HashMap<runtime::Id, Client>>> = LazyLock::new(Mutex::default);

/// The client of this runtime.
pub(super) fn client() -> Result<Client> {
    let id = runtime::Handle::current().id();
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(client) = known.get(&id) {
        return Ok(client.clone());
    }
    let client = make()?;
    known.insert(id, client.clone());
    Ok(client)
}

/// TLS by the system's root certificates.
///
/// # Errors
/// [`StoreError::Bug`] where the TLS library does not take its own defaults.
pub fn tls_by_system_roots() -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Ok(
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| failed(e.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth(),
    )
}

/// The beginnings of a client with [`tls_by_system_roots`], under this program's name.
/// Time-outs, redirects and the like are the caller's to choose.
///
/// # Errors
/// Those of [`tls_by_system_roots`].
pub fn http_client_builder() -> Result<ClientBuilder> {
    Ok(Client::builder()
        .tls_backend_preconfigured(tls_by_system_roots()?)
        .connect_timeout(Duration::from_secs(10))
        .user_agent(concat!("framemill/", env!("CARGO_PKG_VERSION"))))
}

fn make() -> Result<Client> {
    http_client_builder()?
        .read_timeout(Duration::from_secs(60))
        .redirect(Policy::custom(follow))
        // A Referer would tell the next host the address, query and all.
        .referer(false)
        .build()
        .map_err(|e| failed(e.without_url().to_string()))
}

fn failed(detail: String) -> StoreError {
    StoreError::Bug {
        operation: Operation::Open,
        key: "https:".into(),
        detail,
    }
}

fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let leaves_tls = attempt.url().scheme() != "https"
        && attempt.previous().iter().any(|url| url.scheme() == "https");
    if leaves_tls {
        attempt.error("it leads from https: to http:")
    } else if attempt.previous().len() > REDIRECTS {
        attempt.error("there are too many")
    } else {
        attempt.follow()
    }
}
