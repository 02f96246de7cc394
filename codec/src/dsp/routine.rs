// SPDX-License-Identifier: MIT OR Apache-2.0
//! Code between kernels that gains from a level's plain instructions: shifts
//! and bit scans make up most of reading coefficients.

#![allow(unsafe_code)]

use super::Dsp;

/// Work that is compiled once for each level.
pub(crate) trait Routine {
    /// What it gives.
    type Output;

    /// Does it. This and all that should gain must be `#[inline(always)]`.
    fn run(self) -> Self::Output;
}

impl Dsp {
    /// Asks for the cache line of `data[at]`, which may lie anywhere.
    #[inline(always)]
    pub(crate) fn prefetch(&self, data: &[u8], at: isize) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a prefetch may be of any address, and changes nothing but the cache.
        unsafe {
            use std::arch::x86_64::{_mm_prefetch, _MM_HINT_T0};
            _mm_prefetch::<_MM_HINT_T0>(data.as_ptr().wrapping_offset(at).cast());
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (data, at);
    }

    /// Runs `routine`, compiled for this table's level.
    #[inline]
    pub(crate) fn run<R: Routine>(&self, routine: R) -> R::Output {
        match self.level {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a table of this level is only to be had where the CPU has it.
            super::Level::Avx2 => unsafe { run_avx2(routine) },
            _ => routine.run(),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
unsafe fn run_avx2<R: Routine>(routine: R) -> R::Output {
    routine.run()
}
