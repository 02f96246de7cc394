// SPDX-License-Identifier: MIT OR Apache-2.0
//! Readers that C code calls.

use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{catch_unwind, AssertUnwindSafe};

/// A reader that C code calls: a panic must not pass through that, it would end the process.
pub(super) struct Caught<R>(pub R);

fn caught<T>(read: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let result = catch_unwind(AssertUnwindSafe(read));
    result.unwrap_or_else(|_| Err(io::Error::other("a panic of the reader")))
}

impl<R: Read> Read for Caught<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        caught(|| self.0.read(into))
    }
}

impl<R: Seek> Seek for Caught<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        caught(|| self.0.seek(to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::libav::Demuxer;

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            panic!("as the test wants it")
        }
    }

    impl Seek for Broken {
        fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
            panic!("as the test wants it")
        }
    }

    #[test]
    fn a_reader_that_panics_does_not_end_the_process() {
        assert!(Demuxer::open(Broken, "a.mp4").is_err());
    }
}
