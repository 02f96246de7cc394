// SPDX-License-Identifier: MIT OR Apache-2.0
//! VP8 streams and what other decoders make of them.
//!
//! Nothing here calls our own codec, so that each can check the other.
//!
//! * [`ivf`]: a reader and writer of the container, as small as can be
//! * [`oracle`]: libvpx's and FFmpeg's decoders, picture by picture
//! * [`streams`]: small streams over all that `vpxenc` can be asked for
//! * [`random`]: streams that no encoder would make
//! * [`damage`]: what can happen to a stream on its way

pub mod bits;
pub mod damage;
pub mod ivf;
pub mod oracle;
pub mod random;
pub mod streams;
