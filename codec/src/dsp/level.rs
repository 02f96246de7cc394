// SPDX-License-Identifier: MIT OR Apache-2.0
//! The CPU levels and their detection.

use std::fmt;
use std::str::FromStr;

/// A set of CPU instructions that kernels are written for, slowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Plain Rust; on every machine; the oracle of the others.
    Scalar,
    /// x86-64 with SSSE3.
    Ssse3,
    /// x86-64 with AVX2, BMI1, BMI2 and LZCNT.
    Avx2,
    /// AArch64 with NEON.
    Neon,
}

impl Level {
    /// Every level, slowest first, whether or not this machine has it.
    pub const ALL: [Self; 4] = [Self::Scalar, Self::Ssse3, Self::Avx2, Self::Neon];

    /// The name that [`FromStr`] reads: `scalar`, `ssse3`, `avx2` or `neon`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Ssse3 => "ssse3",
            Self::Avx2 => "avx2",
            Self::Neon => "neon",
        }
    }

    /// Whether kernels of this level are compiled in and this CPU runs them.
    pub fn is_available(self) -> bool {
        match self {
            Self::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Self::Ssse3 => std::is_x86_feature_detected!("ssse3"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                // No CPU has AVX2 without the others, but a hypervisor may hide them.
                std::is_x86_feature_detected!("avx2")
                    && std::is_x86_feature_detected!("bmi1")
                    && std::is_x86_feature_detected!("bmi2")
                    && std::is_x86_feature_detected!("lzcnt")
            }
            #[cfg(target_arch = "aarch64")]
            Self::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            _ => false,
        }
    }

    /// The fastest level that this machine has.
    pub fn best() -> Self {
        let mut fastest_first = Self::ALL.into_iter().rev();
        fastest_first
            .find(|level| level.is_available())
            .unwrap_or(Self::Scalar)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Level {
    type Err = String;

    /// The level of that name. The error names the choices.
    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|level| level.name() == name);
        found.ok_or_else(|| {
            let choices = Self::ALL.map(Self::name).join(", ");
            format!("no CPU level is named {name:?}; choose one of {choices}")
        })
    }
}
