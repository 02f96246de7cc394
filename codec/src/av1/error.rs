// SPDX-License-Identifier: MIT OR Apache-2.0

/// Why a configuration, a picture or the encoder failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The picture size is one that rav1e cannot encode.
    #[error("AV1: {width}x{height} is outside {min}x{min} to {max}x{max}")]
    Size {
        /// Width asked for, in pixels.
        width: usize,
        /// Height asked for, in pixels.
        height: usize,
        /// Least width and height: 16, or 1 for a still picture.
        min: usize,
        /// Greatest width and height.
        max: usize,
    },
    /// A field of the configuration is out of range, or contradicts another.
    #[error("AV1: {field} is {value}, expected {expected}")]
    Config {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// No option has this name.
    #[error("AV1: unknown option {name:?}; known options: {}", known.join(", "))]
    UnknownOption {
        /// The name given.
        name: String,
        /// Every name there is, in alphabetical order.
        known: Vec<&'static str>,
    },
    /// An option has a value it cannot take.
    #[error("AV1: option {name}={value:?}, expected {expected}")]
    OptionValue {
        /// Name of the option.
        name: &'static str,
        /// The value given.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// rav1e refused a configuration that passed our own checks.
    #[error("AV1: rav1e refuses the configuration: {0}")]
    Rejected(String),
    /// A picture differs from the configuration, or its planes are too short.
    #[error("AV1: picture {picture}: {what} is {actual}, expected {expected}")]
    Picture {
        /// Number of the picture, from 0 in order of sending.
        picture: u64,
        /// What is wrong with it.
        what: &'static str,
        /// What it has.
        actual: String,
        /// What the configuration asks for.
        expected: String,
    },
    /// Too many pictures were sent and not yet received: call `receive` until
    /// it gives `None`, then send again.
    #[error("AV1: {pending} pictures wait in the encoder, receive before sending more")]
    Full {
        /// Pictures sent whose unit was not received.
        pending: u64,
    },
    /// A picture after `finish`, or a second one for a still picture.
    #[error("AV1: the stream is complete, no more pictures can be sent")]
    Finished,
    /// rav1e failed or broke a promise; the encoder is unusable from here on.
    #[error("AV1: rav1e failed: {0}")]
    Encoder(String),
}

impl Error {
    /// True for a fault of the encoder itself; false for bad input or misuse.
    #[must_use]
    pub const fn is_bug(&self) -> bool {
        matches!(self, Self::Encoder(_))
    }
}
