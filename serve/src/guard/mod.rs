// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which hosts and which sources the server may read: no way into the network that it stands in.
//!
//! | Module | What is in it |
//! |---|---|
//! | `address` | what an address is, whatever it is wrapped in |
//! | `prefix` | allow-lists of sources, by the start of their URL |
//!
//! Names are resolved once for each connection, and the connection is made to just the addresses
//! that were looked at, so a name that resolves differently the next time gains nothing. Addresses
//! in URLs and in redirects are looked at before they are connected to. No proxy of the
//! environment is used, since it would resolve names itself.

mod address;
mod prefix;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::Url;

pub use address::{reach, Reach};
pub use prefix::SourcePrefix;

/// Which addresses may be connected to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// Let through loopback addresses.
    pub loopback: bool,
    /// Let through link-local addresses.
    pub link_local: bool,
    /// Let through private addresses: RFC 1918, RFC 4193.
    pub private: bool,
    /// Let these through whatever they are.
    pub networks: Vec<IpNet>,
    /// The sources that may be read, by the start of their URL; any where there are none.
    pub sources: Vec<SourcePrefix>,
}

impl Guard {
    /// Whether an address may be connected to.
    #[must_use]
    pub fn allows(&self, ip: IpAddr) -> bool {
        let listed = |ip: &IpAddr| self.networks.iter().any(|network| network.contains(ip));
        if listed(&ip) || listed(&ip.to_canonical()) {
            return true;
        }
        match reach(ip) {
            Reach::Public => true,
            Reach::Loopback => self.loopback,
            Reach::LinkLocal => self.link_local,
            Reach::Private => self.private,
            Reach::Metadata | Reach::Other => false,
        }
    }

    /// Whether a source may be read, as far as its URL tells.
    #[must_use]
    pub fn allows_source(&self, url: &str) -> bool {
        self.sources.is_empty() || self.sources.iter().any(|prefix| prefix.matches(url))
    }

    /// Passes a URL that may be asked: by its start, and by its address where its host is one.
    ///
    /// # Errors
    /// [`io::ErrorKind::PermissionDenied`].
    pub fn check_url(&self, url: &Url) -> io::Result<()> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(denied("only http: and https: are followed"));
        }
        let literal = match url.host_str() {
            None => return Err(denied("it has no host")),
            Some(host) => {
                let bare = host.trim_start_matches('[').trim_end_matches(']');
                bare.parse::<IpAddr>().ok()
            }
        };
        if literal.is_some_and(|ip| !self.allows(ip)) {
            return Err(denied("the address is not allowed here"));
        }
        if !self.allows_source(url.as_str()) {
            return Err(denied("the source is not on this server's list"));
        }
        Ok(())
    }
}

fn denied(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, text)
}

/// Addresses by name.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// The addresses of a name.
    ///
    /// # Errors
    /// The resolver's.
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((name, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// A resolver for an HTTP client that gives addresses which may be connected to, and no others.
pub struct GuardedLookup {
    guard: Arc<Guard>,
    lookup: Arc<dyn Lookup>,
}

impl GuardedLookup {
    /// What `lookup` finds, as far as `guard` allows it.
    #[must_use]
    pub fn new(guard: Arc<Guard>, lookup: Arc<dyn Lookup>) -> Self {
        Self { guard, lookup }
    }
}

impl Resolve for GuardedLookup {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, lookup) = (Arc::clone(&self.guard), Arc::clone(&self.lookup));
        Box::pin(async move {
            let found = lookup.lookup(name.as_str()).await?;
            let any = !found.is_empty();
            let allowed: Vec<SocketAddr> = found
                .into_iter()
                .filter(|ip| guard.allows(*ip))
                .map(|ip| SocketAddr::new(ip, 0))
                .collect();
            if any && allowed.is_empty() {
                return Err(denied("the address is not allowed here").into());
            }
            let allowed: Addrs = Box::new(allowed.into_iter());
            Ok(allowed)
        })
    }
}

#[cfg(test)]
mod tests;
