// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a path to what it asks for.

use std::collections::BTreeMap;

use super::args::Args;
use super::error::{shown, UrlError};
use super::options::Options;
use super::signature::Keys;
use super::{source, table};

/// The preset that is applied first where there is one of this name.
const DEFAULT_PRESET: &str = "default";

/// What a server takes for a URL.
#[derive(Clone, Debug, Default)]
pub struct Grammar {
    /// What comes before the signature, such as `/thumbs`; may be empty.
    pub prefix: String,
    /// The keys of signatures.
    pub keys: Keys,
    /// Named lists of options, written as in a path: `rs:fit:300:200/q:70`.
    pub presets: BTreeMap<String, String>,
    /// Take `preset1:preset2` for the first segment, and no options.
    pub only_presets: bool,
    /// Let URLs set [`super::AskedLimits`].
    pub limits_allowed: bool,
    /// What is put in front of every source.
    pub base_url: String,
}

/// What a path asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The options, with presets and extension applied.
    pub options: Options,
    /// The source's URL, decoded.
    pub source: String,
    /// What was wrong, but is no error: truth values that are none.
    pub warnings: Vec<String>,
}

impl Request {
    /// Passes unless the URL's time is over.
    ///
    /// # Errors
    /// [`UrlError::Expired`] where `now`, in seconds since 1970, is past `expires`.
    pub fn check_expiry(&self, now: i64) -> Result<(), UrlError> {
        match self.options.expires {
            Some(end) if end < now => Err(UrlError::Expired),
            _ => Ok(()),
        }
    }
}

/// Options under way.
#[derive(Default)]
struct Reading {
    options: Options,
    warnings: Vec<String>,
    /// Presets that have been applied: each is only once, so that none can contain itself.
    used: Vec<String>,
}

impl Grammar {
    /// What a request's path asks for; a query behind it is left out.
    ///
    /// The signature is checked before anything else is read.
    ///
    /// # Errors
    /// [`UrlError`], which names the segment.
    pub fn parse(&self, path: &str) -> Result<Request, UrlError> {
        let (signature, rest) = self.split(path)?;
        let rest = source::repair(rest);
        self.keys.verify(signature, &rest)?;
        self.parse_unsigned(&rest)
    }

    /// Splits a path into its signature and all behind it, with its first slash.
    fn split<'a>(&self, path: &'a str) -> Result<(&'a str, &'a str), UrlError> {
        let fault = |reason: &str| UrlError::Path {
            path: shown(path),
            reason: reason.into(),
        };
        let path_only = path.split('?').next().unwrap_or_default();
        let prefix = self.prefix.trim_end_matches('/');
        let rest = path_only
            .strip_prefix(prefix)
            .filter(|rest| prefix.is_empty() || rest.starts_with('/'))
            .ok_or_else(|| fault(&format!("it does not start with {prefix:?}")))?;
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        let at = rest
            .find('/')
            .filter(|at| *at > 0)
            .ok_or_else(|| fault("there is no signature with options or a source behind it"))?;
        let (signature, rest) = rest.split_at(at);
        if signature.contains(':') {
            return Err(fault(
                "the first segment is an option, where the signature belongs",
            ));
        }
        Ok((signature, rest))
    }

    /// What the part of a path behind its signature asks for.
    ///
    /// # Errors
    /// [`UrlError`], which names the segment.
    pub fn parse_unsigned(&self, path: &str) -> Result<Request, UrlError> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let segments: Vec<&str> = path.split('/').collect();
        let mut reading = Reading::default();
        if self.presets.contains_key(DEFAULT_PRESET) {
            self.preset(DEFAULT_PRESET, &mut reading)?;
        }
        let source_at = if self.only_presets {
            for name in segments[0].split(':') {
                self.preset(name, &mut reading)?;
            }
            1
        } else {
            let options = segments.iter().take_while(|text| text.contains(':'));
            let count = options.count();
            for segment in &segments[..count] {
                self.option(segment, self.limits_allowed, &mut reading)?;
            }
            count
        };
        let (source, extension) = source::decode(&segments[source_at..], &self.base_url)?;
        if let Some(extension) = extension.filter(|_| !reading.options.raw) {
            let format = table::format(&extension);
            let format = format.map_err(|reason| UrlError::Source { reason })?;
            reading.options.format = Some(format);
        }
        Ok(Request {
            options: reading.options,
            source,
            warnings: reading.warnings,
        })
    }

    /// Applies one segment that has a colon.
    fn option(
        &self,
        segment: &str,
        limits_allowed: bool,
        reading: &mut Reading,
    ) -> Result<(), UrlError> {
        let mut parts = segment.split(':');
        let name = parts.next().unwrap_or_default();
        let list: Vec<&str> = parts.collect();
        if matches!(name, "preset" | "pr") {
            for preset in list {
                self.preset(preset, reading)?;
            }
            return Ok(());
        }
        let entry = table::find(name).ok_or_else(|| UrlError::UnknownOption {
            name: shown(name),
            segment: shown(segment),
        })?;
        let option = entry.names[0];
        if entry.limit && !limits_allowed {
            let segment = shown(segment);
            return Err(UrlError::NotAllowed { option, segment });
        }
        let fault = |reason| UrlError::Argument {
            option,
            segment: shown(segment),
            reason,
        };
        if !entry.arguments.contains(&list.len()) {
            let (least, most) = (entry.arguments.start(), entry.arguments.end());
            let wanted = if least == most {
                format!("{least}")
            } else {
                format!("{least} to {most}")
            };
            return Err(fault(format!("{} arguments, not {wanted}", list.len())));
        }
        let mut args = Args::new(&list, &mut reading.warnings);
        (entry.apply)(&mut reading.options, &mut args).map_err(fault)
    }

    /// Applies a preset, unless it was applied before.
    fn preset(&self, name: &str, reading: &mut Reading) -> Result<(), UrlError> {
        let text = self
            .presets
            .get(name)
            .ok_or_else(|| UrlError::UnknownPreset { name: shown(name) })?;
        if reading.used.iter().any(|used| used == name) {
            let again = format!("preset {name:?} is applied once only");
            reading.warnings.push(again);
            return Ok(());
        }
        reading.used.push(name.to_owned());
        for segment in text.split('/').filter(|segment| !segment.is_empty()) {
            // The server wrote it, so it may set limits.
            self.option(segment, true, reading)?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
