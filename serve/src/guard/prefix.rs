// SPDX-License-Identifier: MIT OR Apache-2.0
//! Allow-lists of sources, by the start of their URL.

use reqwest::Url;

/// The start of a URL, in which `*` stands for anything without a slash.
///
/// URLs are compared in their normal form, so `http://good.example` is read as
/// `http://good.example/` and lets no other host through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePrefix(Vec<String>);

impl SourcePrefix {
    /// The prefix in a text such as `https://*.example.com/`, `s3://bucket/` or `local://`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut text = text.trim().to_owned();
        // A host must end somewhere, or `http://good` would allow `http://good.evil`.
        if let Some((scheme, rest)) = text.split_once("://") {
            let remote =
                scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
            if remote && !rest.is_empty() && !rest.contains('/') {
                text.push('/');
            }
        }
        Self(text.split('*').map(str::to_owned).collect())
    }

    /// Whether a URL starts so.
    #[must_use]
    pub fn matches(&self, url: &str) -> bool {
        let normal = normal(url);
        let Some((first, rest)) = self.0.split_first() else {
            return false;
        };
        normal
            .strip_prefix(first.as_str())
            .is_some_and(|left| goes_on(left, rest))
    }
}

/// Whether `text` starts with anything without a slash, then the first part, and so on.
fn goes_on(text: &str, parts: &[String]) -> bool {
    let Some((part, rest)) = parts.split_first() else {
        return true;
    };
    let reach = text.find('/').unwrap_or(text.len());
    (0..=reach)
        .filter(|at| text.is_char_boundary(*at))
        .any(|at| {
            text[at..]
                .strip_prefix(part.as_str())
                .is_some_and(|left| goes_on(left, rest))
        })
}

/// A remote URL in its normal form; others as they are.
fn normal(url: &str) -> String {
    match Url::parse(url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") => {
            let mut parsed = parsed;
            // `http://good.example@evil.example/` is not at good.example.
            let _ = parsed.set_username("");
            let _ = parsed.set_password(None);
            parsed.to_string()
        }
        _ => url.to_owned(),
    }
}
