// SPDX-License-Identifier: MIT OR Apache-2.0

/// Why two pictures cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The pictures, or two pairs of one series, differ in form.
    #[error("metrics: {what} differs: {reference} and {distorted}")]
    Mismatch {
        /// What differs.
        what: &'static str,
        /// The reference's, or that of the series so far.
        reference: String,
        /// The other picture's, or that of the new pair.
        distorted: String,
    },
    /// A picture's own planes don't fit its description.
    #[error("metrics: {what} is {actual}, expected {expected}")]
    Malformed {
        /// What is wrong.
        what: &'static str,
        /// What it is.
        actual: String,
        /// What it may be.
        expected: &'static str,
    },
    /// A plane has no 8x8 window, so it has no SSIM.
    #[error("metrics: plane {plane} of {width}x{height} is too small for SSIM, least is 8x8")]
    TooSmall {
        /// Number of the plane, 0 for luma.
        plane: usize,
        /// Its width in samples.
        width: usize,
        /// Its height in samples.
        height: usize,
    },
}
