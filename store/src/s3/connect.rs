// SPDX-License-Identifier: MIT OR Apache-2.0
//! From options and the environment to a client that works.

use std::collections::HashMap;
use std::fmt;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, ProvideCredentials, StalledStreamProtectionConfig};
use aws_sdk_s3::Client;
use aws_smithy_http_client::tls::{rustls_provider::CryptoMode, Provider};
use tokio::runtime;

use super::fault::Site;
use crate::retry::retried;
use crate::{Class, Operation, Result, StoreError};

/// Whether S3 is asked for `ENDPOINT/bucket/key` (1) or `bucket.ENDPOINT/key` (0).
const PATH_STYLE: &str = "FRAMEMILL_S3_PATH_STYLE";

/// Access keys given outright.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct S3Credentials {
    /// Access key id.
    pub access_key: String,
    /// Secret access key.
    pub secret_key: String,
    /// Session token, for temporary credentials.
    pub session_token: Option<String>,
}

impl fmt::Debug for S3Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("S3Credentials(..)")
    }
}

/// How to reach S3. What is `None` is found as AWS's own tools find it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct S3Options {
    /// URL of the service; `None` for `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, a profile's
    /// `endpoint_url`, or AWS itself.
    pub endpoint: Option<String>,
    /// Region; `None` for `AWS_REGION` or a profile's, and `us-east-1` at an endpoint of its own.
    pub region: Option<String>,
    /// Access keys.
    pub credentials: Option<S3Credentials>,
    /// Whether the bucket goes into the path and not into the host name; `None` for: at an
    /// endpoint of its own.
    pub path_style: Option<bool>,
}

impl S3Options {
    /// Everything from the environment, the path style from `FRAMEMILL_S3_PATH_STYLE`.
    ///
    /// # Errors
    /// [`StoreError::InvalidLocation`] where that is neither 0 nor 1.
    pub fn from_env() -> Result<Self> {
        let path_style = match std::env::var(PATH_STYLE).as_deref() {
            Err(_) | Ok("") => None,
            Ok("1") => Some(true),
            Ok("0") => Some(false),
            Ok(_) => {
                return Err(StoreError::InvalidLocation {
                    location: "s3:".into(),
                    detail: format!("{PATH_STYLE} has to be 0 or 1"),
                })
            }
        };
        Ok(Self {
            path_style,
            ..Self::default()
        })
    }
}

/// S3's rules for names, as far as they keep a name apart from the rest of a URL.
pub(crate) fn check_bucket_name(name: &str) -> Result<()> {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fits = (3..=63).contains(&name.len()) && name.chars().all(letters);
    if fits && name.starts_with(ends) && name.ends_with(ends) && !name.contains("..") {
        return Ok(());
    }
    Err(StoreError::InvalidLocation {
        location: crate::uri::shown(&format!("s3://{name}")),
        detail: "a bucket's name has 3 to 63 lower-case letters, digits, '-' and '.'".into(),
    })
}

type Known = HashMap<(runtime::Id, String, S3Options), Client>;

/// A client's connections live in the runtime that made them, so each runtime has its own.
static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

/// The client for a bucket that has answered to it before, in this runtime, or does now.
pub(super) async fn client(bucket: &str, options: &S3Options) -> Result<Client> {
    let id = runtime::Handle::current().id();
    let known = (id, bucket.to_owned(), options.clone());
    let found = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(client) = found().get(&known) {
        return Ok(client.clone());
    }
    let site = format!("s3://{bucket}");
    let site = Site {
        operation: Operation::Open,
        bucket,
        key: &site,
    };
    let client = make(site, options).await?;
    answers(&client, site).await?;
    found().insert(known, client.clone());
    Ok(client)
}

async fn make(site: Site<'_>, options: &S3Options) -> Result<Client> {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(60))
        .build();
    let stalls = StalledStreamProtectionConfig::enabled().grace_period(Duration::from_secs(20));
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .timeout_config(timeouts)
        .stalled_stream_protection(stalls.build())
        // `crate::retry` does that, for whole transfers and not for their first byte alone.
        .retry_config(RetryConfig::disabled());
    if let Some(endpoint) = &options.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(region) = &options.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(keys) = &options.credentials {
        let S3Credentials {
            access_key,
            secret_key,
            session_token,
        } = keys.clone();
        let keys = Credentials::new(access_key, secret_key, session_token, None, "framemill");
        loader = loader.credentials_provider(keys);
    }
    let config = loader.load().await;
    find_credentials(site, &config).await?;
    let elsewhere = has_endpoint(&config);
    let mut builder = aws_sdk_s3::config::Builder::from(&config)
        .force_path_style(options.path_style.unwrap_or(elsewhere));
    match config.region() {
        Some(_) => {}
        None if elsewhere => builder = builder.region(Region::new("us-east-1")),
        None => return Err(site.location("no region is known; set AWS_REGION")),
    }
    Ok(Client::from_conf(builder.build()))
}

async fn find_credentials(site: Site<'_>, config: &SdkConfig) -> Result<()> {
    let Some(provider) = config.credentials_provider() else {
        return Err(site.denied("there is no provider of AWS credentials"));
    };
    let found = provider.provide_credentials().await;
    found.map(drop).map_err(|error| site.credentials(&error))
}

/// Whether the service is somewhere else than at AWS.
fn has_endpoint(config: &SdkConfig) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|url| !url.is_empty());
    config.endpoint_url().is_some() || set("AWS_ENDPOINT_URL_S3") || set("AWS_ENDPOINT_URL")
}

/// Asks for one listed key: unlike `HeadBucket`, the answer says what is wrong.
async fn answers(client: &Client, site: Site<'_>) -> Result<()> {
    let listed = retried(|_| async {
        let request = client.list_objects_v2().bucket(site.bucket).max_keys(1);
        let listed = request.send().await;
        listed
            .map(drop)
            .map_err(|e| {
                let allowed = e
                    .raw_response()
                    .is_none_or(|raw| raw.status().as_u16() != 403);
                (site.fault(&e), allowed)
            })
            .or_else(|(error, allowed)| match &error {
                // A key that may read but not list is fine, until something has to be listed.
                StoreError::Denied { detail, .. }
                    if !allowed && detail.starts_with("access is") =>
                {
                    Ok(())
                }
                _ => Err(error),
            })
    });
    match listed.await {
        Err(error) if error.class() == Class::NotFound => {
            Err(site.location("there is no such bucket"))
        }
        listed => listed,
    }
}
