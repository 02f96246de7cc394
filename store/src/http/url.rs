// SPDX-License-Identifier: MIT OR Apache-2.0
//! A URL that shows neither passwords nor queries.

use std::fmt;

use reqwest::Url;

use crate::uri::{decode, shown};
use crate::{check_key, Result, StoreError};

/// The URL of a file at an HTTP server.
///
/// User name, password and query may be secrets: `Display` and `Debug` leave them out.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HttpUrl {
    url: Url,
    name: String,
}

impl HttpUrl {
    /// The URL in a text.
    ///
    /// # Errors
    /// [`StoreError::InvalidLocation`] where it is none, has no host, or names no file.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = |detail: &str| StoreError::InvalidLocation {
            location: shown(text),
            detail: detail.to_owned(),
        };
        let mut url = Url::parse(text).map_err(|e| invalid(&e.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(invalid("write https://HOST/PATH"));
        }
        url.set_fragment(None);
        let last = url.path().rsplit('/').next().unwrap_or("");
        if last.is_empty() {
            return Err(invalid("it names no file"));
        }
        let name = decode(last).filter(|name| !name.contains('/') && check_key(name).is_ok());
        let name = name.unwrap_or_else(|| last.to_owned());
        check_key(&name).map_err(|_| invalid("it names no file"))?;
        Ok(Self { url, name })
    }

    /// The last part of the path, `%` escapes decoded: the store's only key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole URL, secrets included.
    pub fn secret(&self) -> &Url {
        &self.url
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(self.url.as_str()))
    }
}

impl fmt::Debug for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_what_is_shown() {
        let cases = [
            ("https://h/a/b.mp4", "b.mp4", "https://h/a/b.mp4"),
            (
                "HTTP://H:81/b%20c+d.mp4#t=3",
                "b c+d.mp4",
                "http://h:81/b%20c+d.mp4",
            ),
            (
                "https://u:p@h/b.mp4?X-Amz-Signature=s",
                "b.mp4",
                "https://h/b.mp4?…",
            ),
            (
                "https://h/%E6%97%A5.mp4",
                "日.mp4",
                "https://h/%E6%97%A5.mp4",
            ),
            ("https://h/a%2Fb", "a%2Fb", "https://h/a%2Fb"),
        ];
        for (text, name, shown) in cases {
            let url = HttpUrl::parse(text).unwrap();
            assert_eq!(
                (url.name(), url.to_string().as_str()),
                (name, shown),
                "{text}"
            );
        }
        for text in [
            "https://",
            "https://h",
            "https://h/",
            "https://h/a/",
            "https://u:secret@/a",
        ] {
            let error = HttpUrl::parse(text).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
