// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every setting. The order is that of the documentation.

use framemill_thumbs::url::VideoSecond;
use framemill_thumbs::Format;

use super::values::{address, bytes, list, megapixels, number, pairs, seconds, some, truth};
use super::Config;
use crate::guard::SourcePrefix;

/// A setting.
pub struct Setting {
    /// Its key in files; in the environment, in capitals behind `FRAMEMILL_`.
    pub key: &'static str,
    /// What follows `IMGPROXY_` in imgproxy's name, where it has a setting that means the same.
    pub imgproxy: Option<&'static str>,
    /// What it means, in a line.
    pub help: &'static str,
    pub(super) set: fn(&mut Config, &str) -> Result<(), String>,
}

impl std::fmt::Debug for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Setting({})", self.key)
    }
}

/// One row: key, imgproxy's name or `""`, help, and how it is set.
macro_rules! settings {
    ($($key:literal $imgproxy:literal $help:literal $set:expr;)*) => {
        /// All settings.
        pub static SETTINGS: &[Setting] = &[$(Setting {
            key: $key,
            imgproxy: name($imgproxy),
            help: $help,
            set: $set,
        }),*];
    };
}

const fn name(text: &'static str) -> Option<&'static str> {
    if text.is_empty() {
        None
    } else {
        Some(text)
    }
}

/// A setter of one field by one parser.
macro_rules! by {
    ($($field:ident).+, $parse:expr) => {
        |c, t| {
            c.$($field).+ = $parse(t)?;
            Ok(())
        }
    };
}

settings! {
    "listen" "BIND" "address and port; `:8080` is all addresses" by!(listen, address);
    "root" "LOCAL_FILESYSTEM_ROOT" "directory of local:/// sources" |c, t| { c.root = some(t).map(Into::into); Ok(()) };
    "s3" "USE_S3" "read s3:// sources" by!(s3, truth);
    "http" "" "read http:// and https:// sources" by!(http, truth);
    "key" "KEY" "keys of signatures, hexadecimal, commas between several" |c, t| { c.keys = list(t); Ok(()) };
    "salt" "SALT" "their salts, one for each key" |c, t| { c.salts = list(t); Ok(()) };
    "signature_size" "SIGNATURE_SIZE" "bytes of a signature, 1 to 32" by!(signature_size, |t| number(t, 1..=32));
    "trusted_signatures" "TRUSTED_SIGNATURES" "signatures that always pass" |c, t| { c.trusted = list(t); Ok(()) };
    "insecure_urls" "" "serve unsigned URLs on addresses that others reach" by!(insecure_urls, truth);
    "secret" "SECRET" "what requests state as `Authorization: Bearer …`" |c, t| { c.secret = some(t); Ok(()) };
    "path_prefix" "PATH_PREFIX" "what comes before the signature" |c, t| { t.clone_into(&mut c.path_prefix); Ok(()) };
    "base_url" "BASE_URL" "what is put in front of every source" |c, t| { t.clone_into(&mut c.base_url); Ok(()) };
    "presets" "PRESETS" "NAME=OPTIONS,…; a table in files" |c, t| { c.presets.extend(pairs(t)?); Ok(()) };
    "only_presets" "ONLY_PRESETS" "take names of presets in place of options" by!(only_presets, truth);
    "allow_limits" "ALLOW_SECURITY_OPTIONS" "let URLs set limits" by!(limits_allowed, truth);
    "allow_origin" "ALLOW_ORIGIN" "what Access-Control-Allow-Origin says" |c, t| { c.allow_origin = some(t); Ok(()) };

    "max_src_resolution" "MAX_SRC_RESOLUTION" "megapixels of a source" by!(limits.pixels, megapixels);
    "max_src_file_size" "MAX_SRC_FILE_SIZE" "bytes of a source; 0 is the default of 64M" |c, t| { let b = bytes(t)?; c.limits.bytes = if b == 0 { 64 << 20 } else { b }; Ok(()) };
    "max_animation_frames" "MAX_ANIMATION_FRAMES" "frames of an animation; 1 makes stills" by!(limits.frames, |t| number(t, 1..=u32::MAX));
    "max_animation_frame_resolution" "MAX_ANIMATION_FRAME_RESOLUTION" "megapixels of a frame; 0 as stills" by!(limits.frame_pixels, megapixels);
    "max_result_dimension" "MAX_RESULT_DIMENSION" "pixels of a result's longer side; 0 for any" by!(limits.result_side, |t| number(t, 0..=u32::MAX));
    "max_result_resolution" "" "megapixels of a result" by!(limits.result_pixels, megapixels);

    "quality" "QUALITY" "quality of JPEG" by!(quality, |t| number(t, 1..=100));
    "format_quality" "FORMAT_QUALITY" "qualities by format: jpg=80,webp=79,avif=63" |c, t| {
        for (name, value) in pairs(t)? {
            let format = Format::from_extension(&name).ok_or_else(|| format!("{name:?} is no format"))?;
            c.set_quality(format, number(&value, 1..=100)?)?;
        }
        Ok(())
    };
    "avif_speed" "AVIF_SPEED" "AVIF's speed, 1 (slow) to 10" by!(avif_speed, |t| number(t, 1..=10));
    "avif_resolution" "" "megapixels of an AVIF result; larger ones become WebP" by!(avif_pixels, megapixels);
    "avif_time" "" "seconds that an AVIF result may take before WebP is made" by!(avif_time, seconds);
    "linear_light" "" "resize amounts of light" by!(linear_light, truth);
    "auto_rotate" "AUTO_ROTATE" "turn as EXIF says" |c, t| { c.defaults.push(format!("ar:{}", u8::from(truth(t)?))); Ok(()) };
    "strip_metadata" "STRIP_METADATA" "drop EXIF and the like" |c, t| { c.defaults.push(format!("sm:{}", u8::from(truth(t)?))); Ok(()) };
    "keep_copyright" "KEEP_COPYRIGHT" "keep copyright notices even then" |c, t| { c.defaults.push(format!("kcr:{}", u8::from(truth(t)?))); Ok(()) };
    "strip_color_profile" "STRIP_COLOR_PROFILE" "convert to sRGB" |c, t| { c.defaults.push(format!("scp:{}", u8::from(truth(t)?))); Ok(()) };
    "return_attachment" "RETURN_ATTACHMENT" "ask browsers to save results" |c, t| { c.defaults.push(format!("att:{}", u8::from(truth(t)?))); Ok(()) };
    "watermark" "WATERMARK_PATH" "file of the watermark" |c, t| { c.watermark = some(t).map(Into::into); Ok(()) };
    "watermark_opacity" "WATERMARK_OPACITY" "its opacity, 0 to 1" by!(watermark_opacity, |t| number(t, 0.0..=1.0));
    "auto_webp" "AUTO_WEBP" "WebP for clients that accept it" by!(auto_webp, truth);
    "auto_avif" "AUTO_AVIF" "AVIF for clients that accept it" by!(auto_avif, truth);
    "enforce_webp" "ENFORCE_WEBP" "the same where the URL names another format" by!(enforce_webp, truth);
    "enforce_avif" "ENFORCE_AVIF" "the same where the URL names another format" by!(enforce_avif, truth);
    "client_hints" "ENABLE_CLIENT_HINTS" "listen to DPR and Width" by!(client_hints, truth);

    "video" "" "show frames of videos" by!(video, truth);
    "video_second" "VIDEO_THUMBNAIL_SECOND" "which frame of a video, in seconds, or best" |c, t| { c.video_second = match t { "best" => VideoSecond::Best, t => VideoSecond::At(number(t, 0.0..=1e9)?) }; Ok(()) };

    "allowed_sources" "ALLOWED_SOURCES" "starts of URLs that may be read; * is anything but a slash" |c, t| { c.guard.sources = list(t).iter().map(|t| SourcePrefix::new(t)).collect(); Ok(()) };
    "allowed_networks" "" "networks that may be connected to whatever they are: 10.1.0.0/16" |c, t| {
        let parsed = list(t).into_iter().map(|t| t.parse().map_err(|_| format!("{t:?} is no network such as 10.1.0.0/16")));
        c.guard.networks = parsed.collect::<Result<_, _>>()?;
        Ok(())
    };
    "allow_loopback" "ALLOW_LOOPBACK_SOURCE_ADDRESSES" "connect to this machine" by!(guard.loopback, truth);
    "allow_link_local" "ALLOW_LINK_LOCAL_SOURCE_ADDRESSES" "connect to link-local addresses" by!(guard.link_local, truth);
    "allow_private" "ALLOW_PRIVATE_SOURCE_ADDRESSES" "connect to private addresses (imgproxy does by default)" by!(guard.private, truth);
    "max_redirects" "MAX_REDIRECTS" "redirects of a source" by!(redirects, |t| number(t, 0..=100));
    "source_timeout" "DOWNLOAD_TIMEOUT" "seconds that an HTTP source may take" by!(source_time, seconds);
    "source_ttl" "" "seconds that a source counts as unchanged" by!(source_ttl, seconds);
    "source_memory" "" "bytes of sources kept in memory" by!(source_bytes, bytes);

    "cache" "" "where results are kept: a directory or s3://BUCKET/PREFIX" |c, t| { c.cache = some(t); Ok(()) };
    "cache_size" "" "bytes of results kept there" by!(cache_bytes, bytes);
    "cache_memory" "" "bytes of results kept in memory" by!(memory_bytes, bytes);
    "ttl" "TTL" "seconds that clients may keep a result" by!(ttl, seconds);
    "etag" "USE_ETAG" "send ETag, answer If-None-Match" by!(etag, truth);
    "last_modified" "USE_LAST_MODIFIED" "send Last-Modified" by!(last_modified, truth);
    "fallback_image" "FALLBACK_IMAGE_PATH" "file to serve where a source cannot be" |c, t| { c.fallback = some(t).map(Into::into); Ok(()) };
    "fallback_image_status" "FALLBACK_IMAGE_HTTP_CODE" "its status; 0 for the failure's own" by!(fallback_status, |t| match t { "0" => Ok(0), t => number(t, 200..=599) });
    "fallback_image_ttl" "FALLBACK_IMAGE_TTL" "seconds that clients may keep it" by!(fallback_ttl, seconds);

    "workers" "WORKERS" "pictures that are worked on at once" by!(workers, |t| number(t, 1..=4096));
    "queue" "REQUESTS_QUEUE_SIZE" "requests that may wait for work" by!(queue, |t| number(t, 0..=1_000_000));
    "max_clients" "MAX_CLIENTS" "connections at once; 0 for any number" by!(max_clients, |t| number(t, 0..=1_000_000));
    "request_timeout" "TIMEOUT" "seconds that a request may take" by!(request_time, seconds);
    "header_timeout" "READ_REQUEST_TIMEOUT" "seconds to wait for a request's head, also between requests" by!(header_time, seconds);
    "grace" "GRACEFUL_STOP_TIMEOUT" "seconds that requests may go on after SIGTERM" by!(grace, seconds);
    "url_bytes" "" "bytes of a URL" by!(url_bytes, |t| number(t, 64..=65_536));
    "header_bytes" "" "bytes of a request's head" by!(header_bytes, |t| number(t, 8192..=1 << 20));
}
