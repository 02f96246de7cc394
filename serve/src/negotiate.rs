// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a client accepts, and how large its pixels are.

use framemill_thumbs::url::Options;
use framemill_thumbs::Format;
use hyper::header::{HeaderMap, ACCEPT};

use crate::config::Config;

/// Largest factor that `DPR` may ask for.
const MOST_DPR: f64 = 8.0;
/// Largest width that `Width` may ask for, in pixels.
const MOST_WIDTH: u32 = 16_384;

/// Takes over into `options` what a client's headers say; gives the formats to choose from where
/// the URL names none, the best first.
pub fn negotiate(headers: &HeaderMap, config: &Config, options: &mut Options) -> Vec<Format> {
    if config.client_hints {
        hints(headers, options);
    }
    let mut prefer = Vec::new();
    let wanted = [
        (Format::Avif, config.auto_avif, config.enforce_avif),
        (Format::Webp, config.auto_webp, config.enforce_webp),
    ];
    for (format, auto, enforce) in wanted {
        let open = options.format.is_none() && auto;
        if (open || enforce) && accepts(headers, format.content_type()) {
            prefer.push(format);
        }
    }
    if !prefer.is_empty() && (config.enforce_avif || config.enforce_webp) {
        // What the URL names is for what the others cannot hold.
        prefer.extend(options.format.take());
    }
    prefer
}

/// The headers that a result depends on, for `Vary`.
#[must_use]
pub fn vary(config: &Config) -> Option<&'static str> {
    let formats =
        config.auto_avif || config.auto_webp || config.enforce_avif || config.enforce_webp;
    match (formats, config.client_hints) {
        (true, true) => Some("Accept, Sec-CH-DPR, DPR, Sec-CH-Width, Width"),
        (true, false) => Some("Accept"),
        (false, true) => Some("Sec-CH-DPR, DPR, Sec-CH-Width, Width"),
        (false, false) => None,
    }
}

/// Whether `Accept` names a type with a weight above 0 (RFC 9110 §12.5.1). Wildcards do not
/// count: clients that know nothing of a format send them too.
fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    let lists = headers.get_all(ACCEPT).iter();
    lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
        .any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let named = parts
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case(kind));
            let refused = parts.any(|part| {
                let weight = part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="));
                weight.is_some_and(|weight| weight.parse::<f32>().is_ok_and(|q| q <= 0.0))
            });
            named && !refused
        })
}

/// `DPR` and `Width`, where the URL says nothing of them.
fn hints(headers: &HeaderMap, options: &mut Options) {
    let number = |names: [&str; 2]| {
        let value = names.iter().find_map(|name| headers.get(*name))?;
        let value: f64 = value.to_str().ok()?.trim().parse().ok()?;
        (value.is_finite() && value > 0.0).then_some(value)
    };
    if options.dpr == 1.0 {
        if let Some(dpr) = number(["sec-ch-dpr", "dpr"]) {
            options.dpr = dpr.min(MOST_DPR);
        }
    }
    if options.width == 0 {
        if let Some(width) = number(["sec-ch-width", "width"]) {
            // The header counts the device's pixels, options count those of the page.
            let width = (width / options.dpr).round();
            options.width = (width as u32).clamp(1, MOST_WIDTH);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn ask(
        list: &[(&'static str, &'static str)],
        set: &[(&str, &str)],
        options: &mut Options,
    ) -> Vec<Format> {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let mut config = Config::default();
        for (key, value) in set {
            config.set(key, value).unwrap();
        }
        negotiate(&headers, &config, options)
    }

    #[test]
    fn formats_are_those_that_are_accepted_by_name() {
        let chrome = "image/avif,image/webp,image/apng,image/*,*/*;q=0.8";
        let (avif, webp) = (Format::Avif, Format::Webp);
        type Case<'a> = (&'static str, &'a [(&'a str, &'a str)], &'a [Format]);
        let cases: [Case<'_>; 8] = [
            (chrome, &[], &[avif, webp]),
            ("*/*", &[], &[]),
            ("image/webp;q=0, image/avif;q=0.0", &[], &[]),
            ("image/avif;q=0.1, IMAGE/WEBP", &[], &[avif, webp]),
            ("image/webp", &[], &[webp]),
            (chrome, &[("auto_avif", "0")], &[webp]),
            (chrome, &[("auto_avif", "0"), ("auto_webp", "0")], &[]),
            ("image/webpx", &[], &[]),
        ];
        for (accept, set, wanted) in cases {
            let mut options = Options::default();
            let found = ask(&[("accept", accept)], set, &mut options);
            assert_eq!(found, wanted, "{accept}");
        }
    }

    #[test]
    fn a_format_in_the_url_wins_unless_another_is_enforced() {
        let png = || Options {
            format: Some(Format::Png),
            ..Options::default()
        };
        let mut options = png();
        let accept = [("accept", "image/avif,image/webp")];
        assert_eq!(ask(&accept, &[], &mut options), []);
        assert_eq!(options.format, Some(Format::Png));
        let mut options = png();
        let found = ask(&accept, &[("enforce_webp", "1")], &mut options);
        // Which is for what the enforced one cannot hold.
        let wanted = vec![Format::Webp, Format::Png];
        assert_eq!((found, options.format), (wanted, None));
        let mut options = png();
        ask(&[("accept", "*/*")], &[("enforce_webp", "1")], &mut options);
        assert_eq!(options.format, Some(Format::Png));
    }

    #[test]
    fn hints_fill_what_the_url_leaves_open() {
        let on = [("client_hints", "1")];
        let headers = [("dpr", "2"), ("width", "640")];
        let mut options = Options::default();
        ask(&headers, &on, &mut options);
        assert_eq!((options.dpr, options.width), (2.0, 320));
        let mut options = Options {
            width: 50,
            dpr: 3.0,
            ..Options::default()
        };
        ask(&headers, &on, &mut options);
        assert_eq!((options.dpr, options.width), (3.0, 50));
        let mut options = Options::default();
        ask(&headers, &[], &mut options);
        assert_eq!((options.dpr, options.width), (1.0, 0));
        for wrong in ["nan", "-1", "0", "inf", "two"] {
            let mut options = Options::default();
            ask(&[("dpr", wrong), ("width", wrong)], &on, &mut options);
            assert_eq!((options.dpr, options.width), (1.0, 0), "{wrong}");
        }
        let mut options = Options::default();
        ask(&[("dpr", "1e9"), ("width", "1e300")], &on, &mut options);
        assert_eq!((options.dpr, options.width), (MOST_DPR, MOST_WIDTH));
    }
}
